"""python app.py --check: is everything there that the chosen model needs?

Only the standard library is imported here at first: that a package is missing is a finding.
"""

import json
import logging
import re
import shutil
import socket
import sys
import textwrap
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from llama_ui.doctor.findings import Finding
from llama_ui.errors import ModelError
from llama_ui.settings import MODELS, ROOT, Settings

log = logging.getLogger(__name__)

_LIMIT_S = 30.0
_OLDEST_PYTHON = (3, 10)
_PORTS = range(7860, 7960)  # those that Gradio tries
_REINSTALL = "Run `pip install -r requirements.txt` in the environment that you start it from."

Check = Callable[[Settings], list[Finding]]


def run_doctor(settings: Settings) -> int:
    """Print what was found; returns the exit code: 0 when nothing has failed."""
    # Libraries warn of what is a finding here, and would stand between the lines.
    logging.disable(logging.WARNING)
    findings = [f for name in _CHECKS for f in examine(name, _CHECKS[name], settings)]
    is_ready = all(finding.status != "failed" for finding in findings)
    if settings.json:
        checks = [asdict(finding) for finding in findings]
        print(json.dumps({"ok": is_ready, "model": settings.model_source, "checks": checks}))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
        print(page(settings.model_label, findings, width))
    return 0 if is_ready else 1


def check_before_load(settings: Settings) -> None:
    """Raises ModelError when this machine cannot run a model; what is only a pity is logged.

    What the Hub says is not asked here: a download asks it, and says the same.
    """
    for name in _MACHINE:
        for finding in examine(name, _CHECKS[name], settings):
            if finding.status == "failed":
                problem = f"{finding.name}: {finding.found}."
                raise ModelError(problem.replace("..", "."), finding.next_step)
            if finding.status == "warning":
                log.warning("%s: %s. %s", finding.name, finding.found, finding.next_step)


def check_memory(settings: Settings, folder: Path) -> None:
    """Raises ModelError when the model in this folder does not fit into what is free."""
    _check_fits(settings, json.loads((folder / "config.json").read_bytes()))


def _check_fits(settings: Settings, config: dict[str, Any]) -> None:
    from llama_ui.engine.loading.device import check_fits

    name, context = settings.model_label, settings.context
    check_fits(name, config, context, settings.quantization, settings.slots, settings.kv_cache)


def examine(
    name: str, check: Check, settings: Settings, limit_s: float = _LIMIT_S
) -> list[Finding]:
    """What a check finds; that it takes too long or breaks is a finding too."""
    found: list[Finding] = []

    def work() -> None:
        try:
            found.extend(check(settings))
        except Exception as error:
            problem = f"the check failed: {type(error).__name__}"
            if isinstance(error, ImportError):
                problem = f"{error.name} cannot be imported"
            found.append(Finding(name, "failed", problem, _REINSTALL))

    # Nobody waits for it at the end, as they would for a thread of a pool.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(limit_s)
    if thread.is_alive():
        problem = f"no answer within {limit_s:.0f} seconds"
        return [Finding(name, "failed", problem, "Check the network, and start again.")]
    return found


def _python(settings: Settings) -> list[Finding]:
    running = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return [Finding("Python", "failed", running, "Install Python 3.10 or later.")]
    return [Finding("Python", "ok", running)]


def _packages(settings: Settings) -> list[Finding]:
    pins = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    absent, others = [], []
    for name, wanted in pins:
        try:
            # A build may carry a suffix: torch 2.13.0+cpu.
            installed = version(name).partition("+")[0]
        except PackageNotFoundError:
            absent.append(name)
            continue
        if installed != wanted:
            others.append(f"{name} {installed} instead of {wanted}")
    if absent:
        return [Finding("Packages", "failed", f"missing: {', '.join(absent)}", _REINSTALL)]
    if others:
        return [Finding("Packages", "warning", "; ".join(others), _REINSTALL)]
    return [Finding("Packages", "ok", f"all {len(pins)} as in requirements.txt")]


def _gpu(settings: Settings) -> list[Finding]:
    from llama_ui.doctor.probe import check_gpu

    return [check_gpu(settings.model_source == MODELS["pocket"])]


def _bitsandbytes(settings: Settings) -> list[Finding]:
    from llama_ui.doctor.probe import check_bitsandbytes

    return [check_bitsandbytes()]


def _model(settings: Settings) -> list[Finding]:
    """Where the model comes from: a folder, or the Hub."""
    from llama_ui.doctor.hub import NAMES, check_hub
    from llama_ui.engine.hub.download import local_folder
    from llama_ui.engine.hub.snapshot import check_snapshot

    source = settings.model_source
    try:
        folder = local_folder(source)
        if folder is None:
            return check_hub(source, settings.revision)
        check_snapshot(folder)
        model = Finding("Model", "ok", f"complete, in {folder}")
    except ModelError as fault:
        model = Finding.of("Model", fault)
    others = (Finding(name, "skipped", "not needed: the model is a folder") for name in NAMES)
    return [model if finding.name == "Model" else finding for finding in others]


def _memory(settings: Settings) -> list[Finding]:
    from llama_ui.engine.loading.device import this_device
    from llama_ui.engine.loading.memory import gigabytes, memory_need, most_slots

    try:
        config = _config(settings)
    except ModelError:  # the finding about the model says it
        config = None
    if config is None:
        return [Finding("Memory", "skipped", "not known without the model's config.json")]
    try:
        _check_fits(settings, config)
    except ModelError as fault:
        return [Finding.of("Memory", fault)]
    device = this_device()
    how: dict[str, Any] = {
        "quantization": settings.quantization,
        "context": settings.context,
        "gpus": device.gpus,
        "kv_cache": settings.kv_cache,
    }
    slots = settings.slots or most_slots(config, device.free, **how)
    need = gigabytes(memory_need(config, slots=slots, **how).total)
    replies = "1 reply" if slots == 1 else f"{slots} replies"
    found = f"{need} for {replies} at once; {gigabytes(device.free)} free"
    return [Finding("Memory", "ok", found)]


def _config(settings: Settings) -> dict[str, Any] | None:
    """The model's config.json as far as it is known before a download."""
    from llama_ui.engine.hub.download import local_folder
    from llama_ui.engine.hub.repository import cached_file
    from llama_ui.engine.loading.shape import LLAMA_2

    source = settings.model_source
    folder = local_folder(source)
    if folder is not None:
        path = folder / "config.json"
    else:
        path = cached_file(source, "config.json", settings.revision) or Path()
    if path.is_file():
        config: dict[str, Any] = json.loads(path.read_bytes())
        return config
    return LLAMA_2.get(settings.model.lower())


def _port(settings: Settings) -> list[Finding]:
    if settings.port is not None:
        if _is_free(settings.host, settings.port):
            return [Finding("Port", "ok", f"{settings.port} is free")]
        taken = f"{settings.port} is taken, or {settings.host} is no address of this machine"
        return [Finding("Port", "failed", taken, "Choose another one with --port.")]
    free = next((port for port in _PORTS if _is_free(settings.host, port)), None)
    if free is None:
        return [Finding("Port", "failed", "7860 to 7959 are taken", "Choose one with --port.")]
    return [Finding("Port", "ok", f"{free} is free")]


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


_CHECKS: dict[str, Check] = {
    "Python": _python,
    "Packages": _packages,
    "GPU": _gpu,
    "bitsandbytes": _bitsandbytes,
    "Model": _model,
    "Memory": _memory,
    "Port": _port,
}
_MACHINE = ("Python", "Packages", "GPU", "bitsandbytes")


def page(model: str, findings: Sequence[Finding], width: int) -> str:
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
