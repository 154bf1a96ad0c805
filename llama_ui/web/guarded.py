"""What every route of ours does alike: tell of faults, and log what nobody expected."""

import logging
from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from llama_ui.errors import ChatError, incident

Handler = Callable[[Request], Awaitable[Response]]


def guarded(
    handler: Handler, refusal: Callable[[ChatError], Response], log: logging.Logger, next_step: str
) -> Handler:
    """A handler that answers whatever happens.

    Args:
        refusal: makes the answer that tells of a fault.
        log: takes what is a bug.
        next_step: what whoever asked may do after one.
    """

    @wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ChatError as fault:
            return refusal(fault)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception as error:
            what = "Something went wrong on the server"
            return refusal(incident(log, error, what, next_step))

    return answer
