"""python app.py --check: is everything there that the chosen model needs?

Only the standard library is imported here: that a package is missing is a finding.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
import textwrap
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from llama_ui.errors import ChatError
from llama_ui.installation import REINSTALL

if TYPE_CHECKING:
    from llama_ui.settings import Settings

# Of a check. A busy machine with a slow disk takes half a minute to import torch.
_LIMIT_S = 120.0

Check = Callable[[], "list[Finding]"]


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
    status: Literal["ok", "skipped", "warning", "failed"]
    found: str
    next_step: str = ""

    @classmethod
    def of(cls, name: str, fault: ChatError) -> Finding:
        """A failed check, in the words of the fault."""
        return cls(name, "failed", fault.problem, fault.next_step)


def run_doctor(settings: Settings | None, as_json: bool = False) -> int:
    """Print what was found; returns the exit code: 0 when nothing has failed.

    Args:
        settings: None where packages are missing without which they cannot be read; then only the
            machine is looked at.
        as_json: for machines, instead of a table.
    """
    from llama_ui.doctor import machine

    # Libraries warn of what is a finding here, and would stand between the lines.
    logging.disable(logging.WARNING)
    checks = machine.checks(settings.is_pocket if settings else False)
    checks["Kernels"] = machine.kernels
    label = source = "Llama UI"
    if settings is not None:
        from llama_ui.doctor import model

        checks.update(model.checks(settings))
        label, source = settings.model_label, settings.model_source
    findings = [finding for name, check in checks.items() for finding in examine(name, check)]
    is_ready = all(finding.status != "failed" for finding in findings)
    if as_json:
        listed = [asdict(finding) for finding in findings]
        print(json.dumps({"ok": is_ready, "model": source, "checks": listed}))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
        print(table(label, findings, width))
    return 0 if is_ready else 1


def examine(name: str, check: Check, limit_s: float = _LIMIT_S) -> list[Finding]:
    """What a check finds; that it takes too long or breaks is a finding too."""
    found: list[Finding] = []

    def work() -> None:
        try:
            found.extend(check())
        except Exception as error:
            problem = f"the check failed: {type(error).__name__}"
            if isinstance(error, ImportError):
                problem = f"{error.name} cannot be imported"
            found.append(Finding(name, "failed", problem, REINSTALL))

    # Nobody waits for it at the end, as they would for a thread of a pool.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(limit_s)
    if thread.is_alive():
        problem = f"no answer within {limit_s:.0f} seconds"
        step = "Check the network and what else this machine does, and start again."
        return [Finding(name, "failed", problem, step)]
    return found


def table(model: str, findings: Sequence[Finding], width: int) -> str:
    """The findings as a table, with what to do under each that is not as it should be."""
    column = max(len(finding.name) for finding in findings) + 2
    indent = " " * (11 + column)
    lines = [f"What {model} needs:", ""]
    for finding in findings:
        status = finding.status.upper() if finding.status == "failed" else finding.status
        head = f"  {status:<9}{finding.name:<{column}}"
        for text in filter(None, (finding.found, finding.next_step)):
            lines += textwrap.wrap(text, width, initial_indent=head, subsequent_indent=indent)
            head = indent
    failed = sum(finding.status == "failed" for finding in findings)
    things = "1 thing is" if failed == 1 else f"{failed} things are"
    lines += ["", f"{things} to be mended first." if failed else "Ready."]
    return "\n".join(lines)
