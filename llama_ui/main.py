"""The program: arguments and environment -> engine -> page; the only reader of both.

Whoever imports it is about to call `main`: it takes over the signals at once.
"""

from __future__ import annotations

from llama_ui.ending import Ending

# Before anything that takes time is imported: a signal may come at any moment.
ending = Ending()

import logging
import os
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from llama_ui.errors import complain
from llama_ui.startup import (
    bypass_proxies,
    choose_temp_folder,
    drop_empty,
    make_output_safe,
    use_utf8,
)

if TYPE_CHECKING:
    from llama_ui.engine.base import Engine
    from llama_ui.engine.hub.fit import Machine
    from llama_ui.engine.local.forward import Loaded
    from llama_ui.engine.progress import Report
    from llama_ui.settings import Settings

# Read by libraries while they are imported.
FOR_LIBRARIES = {
    # No telemetry, no calls home.
    "GRADIO_ANALYTICS_ENABLED": "False",
    # The web server is to believe no proxy: web/access does, and only a trusted one.
    "FORWARDED_ALLOW_IPS": "",
    # At the end of each event Gradio tabulates up to 10,000 earlier ones with pandas, for a monitor
    # that is switched off here: after an hour of many visitors that is most of what an event costs.
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(sys.maxsize),
}
UNLESS_SET = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    # Joining the layers leaves holes where they were: without this a 70B model took 6 GB more.
    "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
}
EXIT_GPU_LOST = 70
ZERO_GPU = (
    "This Space runs on ZeroGPU, which lends a GPU for one call at a time; this application keeps "
    "its model, so Pocket Llama answers, on the CPU. Choose other hardware for a larger model."
)


def main() -> NoReturn:
    """Prepare the process, do what the settings say, and end."""
    use_utf8()
    make_output_safe()
    drop_empty(os.environ, ("GRADIO_", "HF_"))
    os.environ.update(FOR_LIBRARIES)
    for name, value in UNLESS_SET.items():
        os.environ.setdefault(name, value)
    try:
        code = run()
    except ModuleNotFoundError as missing:
        if str(missing.name).startswith("llama_ui"):
            raise
        code = without_packages(str(missing.name))
    ending.now(code)


def run() -> int:
    """Do what the settings say; returns the exit code."""
    from llama_ui.settings import parse_settings

    settings = parse_settings(sys.argv[1:], os.environ, Path(sys.argv[0]).name)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("llama_ui").setLevel(logging.INFO)
    log = logging.getLogger("llama_ui.app")
    for sentence in bypass_proxies(os.environ, settings.host):
        log.warning("%s", sentence)
    notes: tuple[str, ...] = ()
    if "SPACES_ZERO_GPU" in os.environ:
        # Each call there runs in a process forked for it, where an engine's thread cannot live.
        settings, notes = settings.with_model(), (ZERO_GPU,)
        os.environ["CUDA_VISIBLE_DEVICES"] = ""

    if settings.check:
        from llama_ui.doctor.check import run_doctor

        return run_doctor(settings, settings.as_json)
    if settings.as_list:
        from llama_ui.doctor.listing import print_models

        return print_models(settings, this_machine())
    if settings.tune or settings.merge or settings.export_dataset:
        return teach(settings)
    try:
        temporary = choose_temp_folder(os.environ)
    except OSError:
        complain("No temporary folder can be written. Set TMPDIR to one.")
        return 1
    if temporary is not None:
        ending.removes(temporary)
    return start(settings, notes)


def start(settings: Settings, notes: tuple[str, ...]) -> int:
    """Load the model in the background and serve the page; returns the exit code."""
    from llama_ui.engine.models import Models
    from llama_ui.engine.progress import ProgressLine
    from llama_ui.engine.starter import EngineStarter
    from llama_ui.web.api.health import Metrics

    name, metrics = settings.model_label, Metrics()
    load = remote_engine if settings.server else partial(local_engine, notes=notes)
    starter = EngineStarter(
        partial(load, settings), name, ProgressLine(sys.stderr), metrics.observe
    )
    # Whoever has chosen a server has its models.
    models = None if settings.server else Models(settings, starter, local_engine, this_machine)
    starter.start()
    space = os.environ.get("SPACE_HOST", "") if "SPACE_ID" in os.environ else None

    # Imported here: the model starts loading while Gradio is being imported.
    from llama_ui.web.server import serve

    opens_browser = settings.browser and sys.stdout.isatty()
    return (
        serve(starter, models, settings, opens_browser, metrics, ending.wait, space) or ending.code
    )


def teach(settings: Settings) -> int:
    """Teach a model, merge what was taught, or write chats as a dataset; returns the exit code."""
    from llama_ui.errors import ChatError
    from llama_ui.tuning.export import export_dataset

    try:
        if settings.export_dataset:
            out, *chats = settings.export_dataset
            print(export_dataset(out, chats, settings.tune_method))
            return 0
        from llama_ui.tuning.packages import check_packages

        check_packages()
        if settings.merge:
            # On the CPU, where a model has the most room; read by torch while it is imported.
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
            from llama_ui.tuning.merge import merge

            return merge(settings)
        from llama_ui.tuning.source import read_files

        # Before anything that takes time is imported: a fault in the data is told at once.
        dialogs, skipped = read_files(settings.tune)
        from llama_ui.tuning.train import tune

        return tune(settings, dialogs, skipped)
    except ChatError as fault:
        complain(fault)
        return 1


def without_packages(missing: str) -> int:
    """Say that the requirements are not installed; returns the exit code."""
    from llama_ui.doctor.check import run_doctor
    from llama_ui.installation import REINSTALL

    if "--check" in sys.argv:
        return run_doctor(None, as_json="--json" in sys.argv)
    complain(f"The package {missing} is not installed. {REINSTALL}")
    return 1


def this_machine() -> Machine:
    """What is free at the moment for a model."""
    import psutil

    from llama_ui.engine.gguf.source import check_machine
    from llama_ui.engine.hub.fit import Machine
    from llama_ui.engine.loading.device import this_device
    from llama_ui.errors import ModelError

    problem = ""
    try:
        check_machine()
    except ModelError as fault:
        problem = f"{fault.problem} {fault.next_step}".rstrip(".")
    return Machine(this_device(), psutil.virtual_memory().available, problem)


def local_engine(settings: Settings, report: Report, notes: tuple[str, ...] = ()) -> Engine:
    """Fetch and load the model and start its engine; runs in the background."""
    from llama_ui.engine.gguf.source import find_gguf
    from llama_ui.engine.local.engine import LocalEngine

    file = find_gguf(settings.model_source, settings.revision, report)
    return LocalEngine(
        load_file(file, settings) if file else load_folder(settings, report, notes),
        slots=settings.slots,
        max_waiting=settings.max_waiting,
        public_system=settings.system_prompt,
        # The supervisor (a Space, Docker, systemd) starts a process that lost its GPU again.
        # A moment later: those who wait for a reply are to read why.
        on_fatal=lambda: threading.Timer(2, os._exit, [EXIT_GPU_LOST]).start(),
    )


def load_folder(settings: Settings, report: Report, notes: tuple[str, ...]) -> Loaded:
    """A model in safetensors, here or from the Hub."""
    from llama_ui.doctor.machine import check_before_load
    from llama_ui.engine.hub.download import fetch_model
    from llama_ui.engine.loading.loader import Prepared, load_prepared, prepare

    check_before_load(settings.is_pocket)
    prepared: list[Prepared] = []

    def inspect(folder: Path) -> None:
        """Before gigabytes are downloaded: can this page run it, and does it fit?"""
        prepared.append(
            prepare(
                folder,
                settings.context,
                settings.model_label,
                settings.quantization,
                settings.rope,
                settings.slots,
                notes=notes,
                kv_cache=settings.kv_cache,
            )
        )

    fetch_model(settings.model_source, settings.revision, report, inspect)
    return load_prepared(prepared[-1], settings.adapter, report)


def load_file(file: Path, settings: Settings) -> Loaded:
    """A model in a GGUF file. Imports neither transformers nor bitsandbytes."""
    from llama_ui.engine.gguf.loader import load_gguf
    from llama_ui.errors import ModelError

    if settings.rope is not None:
        raise ModelError(
            "A GGUF file brings its own position scaling, which --rope cannot change.",
            "Leave --rope out.",
        )
    kept = "The file stays as it is quantised: --quantization has no effect on it."
    notes = () if settings.quantization == "auto" else (kept,)
    return load_gguf(file, settings.context, settings.adapter, settings.slots, notes)


def remote_engine(settings: Settings, report: Report) -> Engine:
    """Wait for the server that has the model; runs in the background, loads no model."""
    from llama_ui.engine.served.engine import connect

    assert settings.server is not None
    return connect(
        settings.server,
        settings.server_model,
        settings.server_key or "",
        report,
        max_open=(settings.slots or 32) + settings.max_waiting,
    )
