"""The models to choose from on this machine, and the switch to one of them. Imports no torch."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from llama_ui.engine.base import Engine
from llama_ui.engine.hub.catalogue import Proposal, Source, catalogue, proposal_of
from llama_ui.engine.hub.fit import Fit, Machine, fit_file, fit_gguf, fit_safetensors
from llama_ui.engine.hub.here import Found, find_models
from llama_ui.engine.progress import Report
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import ModelError
from llama_ui.settings import Settings

# A name on the Hub as a person types it; never a path.
_ON_HUB = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}(:[\w.-]{1,40})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Choice:
    """A model that can be chosen.

    Args:
        id: by which it is chosen.
        name: as people say it.
        label: what it is called while it loads and answers.
        settings: to load it with.
        fit: whether it fits beside what runs now.
        is_here: whether it is on this machine already.
        size: bytes of its weights; 0 where that is not known.
        proposal: its entry in the catalogue.
        source: which of its forms it is, of a model of the catalogue that is not here.
    """

    id: str
    name: str
    label: str
    settings: Settings
    fit: Fit
    is_here: bool
    size: int = 0
    proposal: Proposal | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Menu:
    """What there is to choose from.

    Args:
        here: models on this machine.
        proposed: models of the catalogue that are not.
        machine: what is free for them.
        offers: for who has only Pocket Llama: the best of the catalogue that fits and is quick,
            and the best that is here already.
    """

    here: tuple[Choice, ...]
    proposed: tuple[Choice, ...]
    machine: Machine
    offers: tuple[Choice, ...]


def list_models(settings: Settings, machine: Machine) -> Menu:
    """The models on this machine and those of the catalogue."""
    folder = Path(settings.models).expanduser() if settings.models else None
    here = [_found(found, settings, machine) for found in find_models(folder)]
    if all(choice.settings is not settings for choice in here):
        label = settings.model_label
        start = Choice("start", label, label, settings, Fit(True, ""), True)
        here.insert(0, start)
    known = {choice.proposal.name for choice in here if choice.proposal}
    proposed = [_proposed(p, settings, machine) for p in catalogue() if p.name not in known]
    largest = next((choice for choice in reversed(proposed) if choice.fit.is_possible), None)
    if largest is not None:
        proposed = [_with_advice(choice, largest) for choice in proposed]
    return Menu(tuple(here), tuple(proposed), machine, _offers([*here, *proposed], machine))


def _offers(choices: list[Choice], machine: Machine) -> tuple[Choice, ...]:
    """The best by the order of the catalogue, and the best of those here if that is another."""
    order = [proposal.name for proposal in catalogue()]
    ranked: list[tuple[int, Choice]] = []
    for choice in choices:
        proposal, source = choice.proposal, choice.source
        if proposal is None or choice.settings.is_pocket or not choice.fit.is_possible:
            continue
        if proposal.is_quick_on(machine.device) and not (source and source.gated):
            ranked.append((order.index(proposal.name), choice))
    best_first = [choice for _, choice in sorted(ranked, key=lambda each: -each[0])]
    here = [choice for choice in best_first if choice.is_here]
    first = best_first[:1]
    return (*first, *(choice for choice in here[:1] if choice not in first))


class Models:
    """Switches between them. Every method may be called from any thread; listing takes a moment.

    Args:
        settings: the operator's, with the model that the page was started with.
        starter: holds the engine.
        load: makes an engine for settings.
        machine: tells what is free at the moment.
    """

    def __init__(
        self,
        settings: Settings,
        starter: EngineStarter,
        load: Callable[[Settings, Report], Engine],
        machine: Callable[[], Machine],
    ) -> None:
        self._settings = settings
        self._starter = starter
        self._load = load
        self._machine = machine
        self._chosen: dict[str, str] = {}  # label -> id: a model may be here in two forms

    def menu(self) -> Menu:
        """What there is to choose from now."""
        return list_models(self._settings, self._machine())

    def is_present(self, choice: Choice) -> bool:
        """Whether it is the model that answers."""
        is_named = self._starter.state == "ready" and self._starter.name == choice.label
        return is_named and self._chosen.get(choice.label, choice.id) == choice.id

    def switch(self, id: str) -> None:
        """Load the model of the menu with this id, and let it answer once it is there.

        Raises:
            ModelError: there is none, or it does not fit.
            BusyError: another one is being loaded.
        """
        menu = self.menu()
        choice = next((c for c in (*menu.here, *menu.proposed) if c.id == id), None)
        if choice is None:
            raise ModelError("This model is not in the list.", "Open the list again.")
        if not choice.fit.is_possible:
            raise ModelError(f"{choice.name}: {choice.fit.words}.", "Choose another model.")
        self._switch(choice.settings, choice.label)
        self._chosen[choice.label] = choice.id

    def switch_to_hub(self, name: str) -> None:
        """Load a model of the Hub that need not be in the menu, by its owner/name or
        owner/name:Q4_K_M; whether it fits is seen before its weights are downloaded.

        Raises:
            ModelError: the name is none, or stands for something on this machine.
            BusyError: another one is being loaded.
        """
        if not _ON_HUB.fullmatch(name) or Path(name).exists():
            raise ModelError(
                "This is no name of a model on the Hugging Face Hub.",
                "Write it as on its page: owner/name, or owner/name:Q4_K_M for one of its GGUF "
                "files.",
            )
        self._switch(self._settings.with_model(name), name)

    def cancel(self) -> None:
        """Give up the load that runs; the model that answers stays."""
        self._starter.cancel()

    def _switch(self, settings: Settings, name: str) -> None:
        self._starter.switch(partial(self._load, settings), name)


def _found(found: Found, settings: Settings, machine: Machine) -> Choice:
    if found.format == "gguf":
        fit = fit_file(found.size, machine)
    else:
        try:
            fit = fit_safetensors(found.config, machine)
        except ModelError as fault:
            fit = Fit(False, fault.problem.rstrip("."))
        except ArithmeticError:  # infinite sizes, or none
            fit = Fit(False, "its config.json has impossible sizes")
    proposal = proposal_of(found.id)
    name = proposal.name if proposal else found.name
    label, chosen = name, settings.with_model(found.source, fit.context)
    if chosen.model_source == settings.model_source:
        label, chosen = settings.model_label, settings
    return Choice(found.id, name, label, chosen, fit, True, found.size, proposal)


def _proposed(proposal: Proposal, settings: Settings, machine: Machine) -> Choice:
    source = proposal.source_for(machine.device, not machine.gguf_problem)
    if source is None:
        source, fit = proposal.sources[0], Fit(False, machine.gguf_problem)
    elif source.format == "gguf":
        fit = fit_gguf(proposal.shape, proposal.merges, source.bytes, machine)
    else:
        fit = fit_safetensors(proposal.shape, machine)
    chosen = settings.with_model(source.model, fit.context)
    return Choice(
        source.model,
        proposal.name,
        proposal.name,
        chosen,
        fit,
        False,
        source.bytes,
        proposal,
        source,
    )


def _with_advice(choice: Choice, other: Choice) -> Choice:
    """Names what fits beside what does not."""
    if choice.fit.is_possible:
        return choice
    words = f"{choice.fit.words}; {other.name} does fit"
    return replace(choice, fit=replace(choice.fit, words=words))
