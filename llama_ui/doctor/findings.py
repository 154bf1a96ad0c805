"""What the doctor finds. Pure."""

from dataclasses import dataclass
from typing import Literal

from llama_ui.errors import ChatError

Status = Literal["ok", "skipped", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Args:
        name: what was looked at, one or two words.
        status: warning means that the model runs, but not as well as it could.
        found: what is there, in a few words.
        next_step: what to do, one sentence; empty when there is nothing to do.
    """

    name: str
    status: Status
    found: str
    next_step: str = ""

    @classmethod
    def of(cls, name: str, fault: ChatError) -> "Finding":
        """A failed check, in the words of the fault."""
        return cls(name, "failed", fault.problem, fault.next_step)
