"""Llama UI: python app.py starts the chat; python app.py --help lists the flags."""

import logging
import os
import sys
import threading

# Read by libraries while they are imported: no telemetry, no calls home.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")

from llama_ui.engine.base import Engine
from llama_ui.engine.starter import EngineStarter
from llama_ui.settings import Settings, parse_settings

EXIT_GPU_LOST = 70


def main() -> int:
    settings = parse_settings(sys.argv[1:], os.environ)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("llama_ui").setLevel(logging.INFO)

    load = remote_engine if settings.server else local_engine
    starter = EngineStarter(lambda: load(settings), settings.model_label)
    starter.start()

    # Imported here: the model starts loading while Gradio is being imported.
    from llama_ui.web.server import serve

    return serve(starter, settings, open_browser=settings.browser and sys.stdout.isatty())


def local_engine(settings: Settings) -> Engine:
    """Load the model and start its engine; runs in the background."""
    from llama_ui.engine.loader import load_model
    from llama_ui.engine.local import LocalEngine

    return LocalEngine(
        load_model(settings.model_source, settings.context, settings.model_label),
        slots=settings.slots,
        max_waiting=settings.max_waiting,
        public_system=settings.system_prompt,
        # The supervisor (a Space, Docker, systemd) starts a process that lost its GPU again.
        # A moment later: those who wait for a reply are to read why.
        on_fatal=lambda: threading.Timer(2, os._exit, [EXIT_GPU_LOST]).start(),
    )


def remote_engine(settings: Settings) -> Engine:
    """Wait for the server that has the model; runs in the background, loads no model."""
    from llama_ui.engine.remote import RemoteEngine
    from llama_ui.engine.remote_server import find_server

    assert settings.server is not None
    server = find_server(settings.server, settings.server_model, settings.server_key or "")
    return RemoteEngine(server, max_open=(settings.slots or 32) + settings.max_waiting)


if __name__ == "__main__":
    sys.exit(main())
