"""Llama UI: python app.py starts the chat; python app.py --help lists the flags."""

import logging
import os
import sys
import threading
from pathlib import Path

# Read by libraries while they are imported: no telemetry, no calls home.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")
# The web server is to believe no proxy: web/access does, and only a trusted one.
os.environ["FORWARDED_ALLOW_IPS"] = ""
# At the end of each event Gradio tabulates up to 10,000 earlier ones with pandas, for a monitor
# that is switched off here: after an hour of many visitors that is most of what an event costs.
os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(sys.maxsize)
# Joining the layers leaves holes where they were: without this a 70B model took 6 GB more.
os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")

from llama_ui.engine.base import Engine
from llama_ui.engine.observed import ObservedEngine
from llama_ui.engine.progress import Report
from llama_ui.engine.starter import EngineStarter
from llama_ui.settings import Settings, parse_settings
from llama_ui.terminal import ProgressLine

EXIT_GPU_LOST = 70
IN_SPACE = "SPACE_ID" in os.environ
# Each call there runs in a process forked for it, where an engine of its own thread cannot live.
ON_ZERO_GPU = "SPACES_ZERO_GPU" in os.environ
ZERO_GPU = (
    "This Space runs on ZeroGPU, which lends a GPU for one call at a time; this application keeps "
    "its model, so Pocket Llama answers, on the CPU. Choose other hardware for a larger model."
)


def main() -> int:
    settings = parse_settings(sys.argv[1:], os.environ)
    if ON_ZERO_GPU:
        settings = settings.with_pocket_llama()
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("llama_ui").setLevel(logging.INFO)

    if settings.check:
        from llama_ui.doctor.check import run_doctor

        return run_doctor(settings)

    # Imported here: the doctor must run where packages are missing.
    from llama_ui.web.api.metrics import Metrics

    name = settings.model_label
    line = ProgressLine(name, sys.stderr)
    load = remote_engine if settings.server else local_engine
    metrics = Metrics()
    starter = EngineStarter(
        lambda report: ObservedEngine(load(settings, report), metrics.observe), name, line
    )
    starter.start()

    # Imported here: the model starts loading while Gradio is being imported.
    from llama_ui.web.server import serve

    code = serve(
        starter,
        settings,
        settings.browser and sys.stdout.isatty(),
        metrics,
        os.environ.get("SPACE_HOST", "") if IN_SPACE else None,
    )
    if starter.state == "loading":
        # The threads of a download would be waited for; what is half there is removed next time.
        sys.stdout.flush()
        os._exit(code)
    return code


def local_engine(settings: Settings, report: Report) -> Engine:
    """Fetch and load the model and start its engine; runs in the background."""
    from llama_ui.doctor.check import check_before_load
    from llama_ui.engine.hub.download import fetch_model
    from llama_ui.engine.loading.loader import Prepared, load_prepared, prepare
    from llama_ui.engine.local.engine import LocalEngine

    check_before_load(settings)
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
                notes=(ZERO_GPU,) if ON_ZERO_GPU else (),
            )
        )

    fetch_model(settings.model_source, settings.revision, report, inspect)
    return LocalEngine(
        load_prepared(prepared[-1], settings.adapter, report),
        slots=settings.slots,
        max_waiting=settings.max_waiting,
        public_system=settings.system_prompt,
        # The supervisor (a Space, Docker, systemd) starts a process that lost its GPU again.
        # A moment later: those who wait for a reply are to read why.
        on_fatal=lambda: threading.Timer(2, os._exit, [EXIT_GPU_LOST]).start(),
    )


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


if __name__ == "__main__":
    sys.exit(main())
