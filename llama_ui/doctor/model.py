"""Where the chosen model comes from, and whether memory and a port are there for it."""

import json
import socket
from functools import partial
from pathlib import Path
from typing import Any

from llama_ui.doctor.check import Check, Finding
from llama_ui.errors import ModelError
from llama_ui.settings import Settings

_PORTS = range(7860, 7960)  # those that Gradio tries


def checks(settings: Settings) -> dict[str, Check]:
    """What to look at, by name."""
    from llama_ui.engine.gguf.source import local_gguf, repository_on_hub

    source = settings.model_source
    try:
        is_gguf = bool(local_gguf(source) or repository_on_hub(source))
    except ModelError:  # the finding about the model says it
        is_gguf = True
    each = {"Model": _model, "Memory": _memory, "Port": _port}
    if is_gguf:
        each = {"Model": _gguf, "Port": _port}
    return {name: partial(check, settings) for name, check in each.items()}


def _gguf(settings: Settings) -> list[Finding]:
    """A model for llama.cpp, and its memory."""
    from llama_ui.engine.gguf.forward import GgufForward
    from llama_ui.engine.gguf.loader import load_gguf
    from llama_ui.engine.gguf.memory import gguf_need
    from llama_ui.engine.gguf.source import find_gguf, local_gguf
    from llama_ui.engine.progress import size_in_words

    source = settings.model_source
    try:
        if local_gguf(source) is None:
            on_hub = "GGUF on the Hub, not looked at before it is downloaded"
            return [Finding("Model", "skipped", on_hub)]
        path = find_gguf(source)
        assert path is not None
        loaded = load_gguf(path, settings.context, settings.adapter, settings.slots)
    except ModelError as fault:
        return [Finding.of("Model", fault)]
    need = gguf_need(loaded.file, loaded.window, loaded.slots, GgufForward.chunk).total
    replies = f"{loaded.slots} slots of {loaded.window:,} tokens"
    return [
        Finding("Model", "ok", f"complete, {path}"),
        Finding("Memory", "ok", f"{size_in_words(need)} for {replies}"),
    ]


def _model(settings: Settings) -> list[Finding]:
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
    from llama_ui.engine.loading.device import check_fits, choose_quantization, this_device
    from llama_ui.engine.loading.memory import memory_need, most_slots
    from llama_ui.engine.progress import size_in_words

    try:
        config = _config(settings)
    except ModelError:  # the finding about the model says it
        config = None
    if config is None:
        return [Finding("Memory", "skipped", "not known without the model's config.json")]
    try:
        wanted = (settings.context, settings.slots)
        held = choose_quantization(config, settings.quantization, *wanted)
        check_fits(
            settings.model_label,
            config,
            settings.context,
            held,
            settings.slots,
            settings.kv_cache,
        )
    except ModelError as fault:
        return [Finding.of("Memory", fault)]
    device = this_device()
    how: dict[str, Any] = {
        "quantization": held,
        "context": settings.context,
        "gpus": device.gpus,
        "kv_cache": settings.kv_cache,
    }
    slots = settings.slots or most_slots(config, device.free, **how)
    need = size_in_words(memory_need(config, slots=slots, **how).total)
    replies = "1 reply" if slots == 1 else f"{slots} replies"
    found = f"{need} for {replies} at once; {size_in_words(device.free)} free"
    return [Finding("Memory", "ok", found)]


def _config(settings: Settings) -> dict[str, Any] | None:
    """The model's config.json as far as it is known before a download."""
    from llama_ui.engine.hub.download import cached_file, local_folder
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
