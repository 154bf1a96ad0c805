"""The routes of the model menu: what there is, a switch, and its end."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from llama_ui.engine.models import Choice, Menu, Models
from llama_ui.engine.progress import size_in_words
from llama_ui.errors import DialogError, ModelError
from llama_ui.web.access.identity import caller_of, visitor_of
from llama_ui.web.access.limits import Gate
from llama_ui.web.page.answers import Body, body_of, told


class ModelRoutes:
    """What the menu of models calls.

    Args:
        models: to choose from; None where there is no choice.
        gate: how much a visitor may use.
        is_for_all: whether everybody who can use the page may choose.
        is_local: whether the page is open to this machine alone; then its operator may.
    """

    def __init__(self, models: Models | None, gate: Gate, is_for_all: bool, is_local: bool) -> None:
        self._models = models
        self._gate = gate
        self._is_for_all = is_for_all
        self._is_local = is_local

    def routes(self) -> list[Route]:
        """What to serve beside Gradio."""
        return [
            Route("/page/models", told(self._list), methods=["GET"]),
            Route("/page/models/switch", told(self._switch), methods=["POST"]),
            Route("/page/models/cancel", told(self._cancel), methods=["POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        """The menu; what lies on this machine is told to nobody who may not choose."""
        if self._models is None or not self._may(request):
            return JSONResponse({"may_switch": False})
        menu = await self._gate.bounded(visitor_of(request), self._models.menu)
        return JSONResponse({"may_switch": True, **_as_json(menu, self._models)})

    async def _switch(self, request: Request) -> Response:
        models, body = self._allowed(request), body_of(request)
        chosen, name = body.get("id"), body.get("hub")
        if isinstance(chosen, str):
            await self._gate.bounded(visitor_of(request), models.switch, chosen)
        elif isinstance(name, str):
            await self._gate.bounded(visitor_of(request), models.switch_to_hub, name.strip())
        else:
            raise DialogError("The page named no model.", "Reload the page.")
        return JSONResponse({})

    async def _cancel(self, request: Request) -> Response:
        await self._gate.bounded(visitor_of(request), self._allowed(request).cancel)
        return JSONResponse({})

    def _allowed(self, request: Request) -> Models:
        if self._models is None or not self._may(request):
            raise ModelError(
                "Only whoever runs this page may load another model.",
                "They can allow it to all with --allow-switch.",
            )
        return self._models

    def _may(self, request: Request) -> bool:
        return self._is_for_all or (self._is_local and caller_of(request).is_operator)


def _as_json(menu: Menu, models: Models) -> Body:
    def listed(choices: tuple[Choice, ...]) -> list[Body]:
        return [{**_choice(each), "is_present": models.is_present(each)} for each in choices]

    machine = menu.machine
    free = f"{size_in_words(machine.memory)} of memory are free here"
    if machine.device.gpus:
        free = f"{size_in_words(machine.device.free)} of {machine.device.name} are free here"
    return {
        "free": free,
        "here": listed(menu.here),
        "proposed": listed(menu.proposed),
        "offers": listed(menu.offers),
    }


def _choice(choice: Choice) -> Body:
    proposal, source = choice.proposal, choice.source
    return {
        "id": choice.id,
        "name": choice.name,
        "size": size_in_words(choice.size) if choice.size else "",
        "fits": choice.fit.is_possible,
        "fit": choice.fit.words,
        "is_here": choice.is_here,
        "good_at": proposal.good_at if proposal else "",
        "licence": proposal.licence if proposal else None,
        "gated": bool(source and source.gated),
        "tried": source is None or source.tried,
    }
