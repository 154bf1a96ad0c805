"""What a user may read when something goes wrong.

    ChatError               one sentence of what happened, one of what to do next
    |-- DialogError         the conversation cannot be turned into a prompt
    |-- ContextWindowError  the prompt and the reply do not fit the context window
    |-- OptionError         an option is outside its range
    |-- ModelError          the model cannot be loaded
    |-- LimitError          a visitor has reached a limit
    `-- EngineError         a reply could not be started or finished
        `-- BusyError       too many others are waiting

Any other exception is a bug: it is logged with its traceback and an incident id.
"""

import logging
import secrets
import sys
from pathlib import Path
from typing import TypeVar

_Fault = TypeVar("_Fault", bound="ChatError")


class ChatError(Exception):
    """A fault that is explained to the user.

    Args:
        problem: what happened, one plain sentence.
        next_step: what the user can do now, one plain sentence.
    """

    def __init__(self, problem: str, next_step: str) -> None:
        super().__init__(f"{problem} {next_step}")
        self.problem = problem
        self.next_step = next_step

    def fresh(self: _Fault) -> _Fault:
        """The same fault once more: an exception collects the traceback of every raise."""
        return type(self)(self.problem, self.next_step)


class DialogError(ChatError):
    """The messages do not form a dialogue that ends with a user message."""


class ContextWindowError(ChatError):
    """What must be in the prompt leaves no room for the reply."""


class OptionError(ChatError):
    """A sampling option or a setting is outside its range."""


class ModelError(ChatError):
    """The model is missing, broken, not allowed or not supported."""


class EngineError(ChatError):
    """The engine cannot take a request, or lost one."""


class BusyError(EngineError):
    """So many are waiting already that one more is refused."""


class LimitError(ChatError):
    """A visitor has reached a limit.

    Args:
        retry_after_s: seconds until the same request is possible; None when it never will be.
    """

    def __init__(self, problem: str, next_step: str, retry_after_s: float | None = None) -> None:
        super().__init__(problem, next_step)
        self.retry_after_s = retry_after_s


def incident(log: logging.Logger, fault: Exception, problem: str, next_step: str) -> EngineError:
    """Log a bug with its traceback; returns what the user may read, with a number to quote.

    Args:
        problem: what happened, without its full stop: the number follows.
    """
    number = secrets.token_hex(4)
    log.error("incident %s", number, exc_info=fault)
    return EngineError(f"{problem} (incident {number}).", next_step)


def complain(what: object) -> None:
    """Say on standard error what is wrong, in the name of the program: app.py, or llama-ui where
    it is installed."""
    print(f"{Path(sys.argv[0]).name}: {what}", file=sys.stderr)
