"""Load a GGUF file: everything but the weights is read here, those by llama.cpp in its child."""

import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from llama_ui.engine.base import EngineInfo
from llama_ui.engine.gguf.forward import GgufForward
from llama_ui.engine.gguf.memory import choose_size
from llama_ui.engine.gguf.reader import Damaged, Gguf, damaged, read_gguf
from llama_ui.engine.gguf.tokenizer import GgufTokenizer
from llama_ui.engine.licence import licence_of
from llama_ui.engine.loading.config import SERVE_IT
from llama_ui.errors import ModelError
from llama_ui.prompt.formats import choose_format
from llama_ui.prompt.llama2 import PromptFormat

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedGguf:
    """A GGUF file ready to generate: a Loaded (llama_ui/engine/local/forward.py)."""

    file: Gguf
    tokenizer: GgufTokenizer
    format: PromptFormat
    info: EngineInfo
    slots: int
    adapter: Path | None = None

    @property
    def window(self) -> int:
        """The context window, in tokens."""
        assert self.info.context_length is not None
        return self.info.context_length

    @property
    def end_tokens(self) -> frozenset[int]:
        """Every token that ends a reply: the file's and the template's."""
        return self.tokenizer.end_tokens | self.format.end_tokens

    def allocate(self, slots: int | None) -> tuple[GgufForward, GgufForward]:
        """Start llama.cpp; raises ModelError when it cannot load the file."""
        forward = GgufForward(
            self.file.path,
            slots or self.slots,
            self.window,
            vocabulary=self.tokenizer.size,
            threads=threads_to_use(),
            adapter=self.adapter,
        )
        return forward, forward


def load_gguf(
    path: Path,
    context_length: int | None = None,
    adapter: str | None = None,
    slots: int | None = None,
    notes: tuple[str, ...] = (),
) -> LoadedGguf:
    """Read a GGUF file of the Llama architecture.

    Args:
        path: of the file, or of any part of a model that is split.
        context_length: tokens; by default up to 8,192 of what the model was trained for, as far
            as memory allows.
        adapter: a LoRA in GGUF to put on it.
        slots: how many conversations are held; by default up to four, as far as memory allows.
        notes: what a reader should know besides.

    Raises:
        ModelError: says what is wrong with the file and what to do.
    """
    file = read_gguf(path)
    try:
        _check_architecture(file)
        free = psutil.virtual_memory().available
        length, count = choose_size(file, context_length, slots, GgufForward.chunk, free)
        tokenizer = GgufTokenizer(file)
        if adapter is not None:
            _check_adapter(Path(adapter))
    except Damaged as fault:
        raise damaged(file.path, fault) from fault
    called = [file.name, *(file.metadata.get(f"general.{key}") for key in ("name", "basename"))]
    format = choose_format(tokenizer, file.name)
    notes = (*notes, *format.notes)
    for note in notes:
        log.warning("%s", note)
    # The sampler alone computes here: the cores are llama.cpp's.
    torch.set_num_threads(1)
    info = EngineInfo(
        name=file.name,
        quantization=f"GGUF {file.quantization}",
        device=f"{'Apple GPU' if sys.platform == 'darwin' else 'CPU'} (llama.cpp)",
        context_length=length,
        mode=format.mode,
        adapter=Path(adapter).stem if adapter else "",
        notes=notes,
        licence=licence_of(*(name for name in called if isinstance(name, str))),
    )
    return LoadedGguf(file, tokenizer, format, info, count, Path(adapter) if adapter else None)


def threads_to_use() -> int:
    """One core stays free for the page: a layer waits for the slowest of its threads (85 tokens/s
    became 27 on two cores)."""
    if asked := os.environ.get("OMP_NUM_THREADS", ""):
        return max(1, int(asked)) if asked.isdecimal() else 1
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = psutil.cpu_count(logical=False) or here or 1
    return max(1, min(here or 1, cores) - 1)


def _check_architecture(file: Gguf) -> None:
    kind = file.get("general.architecture", str)
    if kind != "llama" or file.get("general.type", str, "model") != "model":
        raise ModelError(
            f"{file.path.name} holds {kind[:40]!r} ({file.get('general.type', str, 'model')[:40]});"
            " this page runs models of the Llama architecture.",
            SERVE_IT,
        )


def _check_adapter(path: Path) -> None:
    if path.suffix != ".gguf":
        raise ModelError(
            f"The adapter {path.name} is no GGUF file, but the model is.",
            "Convert it with llama.cpp's convert_lora_to_gguf.py, or choose the model's folder of "
            "safetensors.",
        )
    file = read_gguf(path)
    kind = (file.get("general.type", str, ""), file.get("adapter.type", str, ""))
    if kind != ("adapter", "lora"):
        raise ModelError(f"{path.name} is no LoRA adapter.", "Choose one, or leave --adapter out.")
