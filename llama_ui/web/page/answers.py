"""What every route of the page does alike: read a body, and tell of faults."""

import logging
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from llama_ui.errors import ChatError, DialogError
from llama_ui.web.access.identity import caller_of
from llama_ui.web.guarded import Handler, guarded

log = logging.getLogger(__name__)

Body = dict[str, Any]


def body_of(request: Request) -> Body:
    """The JSON object that was sent; raises DialogError when it is none."""
    body = caller_of(request).body
    if not isinstance(body, dict):
        raise DialogError("The page sent something that cannot be read.", "Reload the page.")
    return body


def told(handler: Handler) -> Handler:
    """Tell the scripts of the page of faults."""
    return guarded(handler, _refusal, log, "Nothing is lost: try again.")


def _refusal(fault: ChatError) -> Response:
    return JSONResponse({"type": "fault", **in_words(fault)}, 400)


def in_words(fault: ChatError) -> Body:
    """A fault as the scripts of the page take it."""
    return {"problem": fault.problem, "next_step": fault.next_step}
