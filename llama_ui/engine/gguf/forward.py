"""llama.cpp as a forward pass: feeds the child process, and starts it again when it has crashed."""

import json
import logging
import mmap
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from llama_ui.engine.gguf.child import CODE, COPY, FEED, HEAD, TRIM, Options
from llama_ui.engine.gguf.memory import BATCH, PADDING
from llama_ui.engine.gguf.reader import printable
from llama_ui.engine.local.forward import ForwardLost
from llama_ui.errors import ModelError
from llama_ui.settings import ROOT

log = logging.getLogger(__name__)

# All that the child is told of this process's environment, which has keys and passwords in it.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_END_S = 5


class GgufForward:
    """A Forward and its Cache (llama_ui/engine/local/forward.py), in a child process.

    A row of the cache is a sequence of llama.cpp's; which one, changes when rows are exchanged.

    Args:
        path: of the GGUF file, or of its first part.
        slots: how many sequences it holds.
        length: positions a sequence, in tokens.
        vocabulary: how many tokens the file says that it knows.
        threads: that compute.
        adapter: a LoRA in GGUF.

    Raises:
        ModelError: llama.cpp cannot load the file, or is not there.
    """

    device = torch.device("cpu")
    can_be_captured = False
    has_step_kernels = False
    notes: tuple[str, ...] = ()
    chunk = BATCH

    def __init__(
        self,
        path: Path,
        slots: int,
        length: int,
        vocabulary: int,
        threads: int,
        adapter: Path | None = None,
    ) -> None:
        self.slots, self.length, self.scratch = slots, length, length
        self.vocabulary = vocabulary
        self.devices = {self.device}
        self._path = path
        self._threads = threads
        self._adapter = adapter
        self._process: subprocess.Popen[bytes] | None = None
        size = 4 * slots * vocabulary
        # Without a name, so nothing is left behind; it lives as long as it is mapped.
        self._shared = tempfile.TemporaryFile()  # noqa: SIM115
        self._shared.truncate(size)
        view = mmap.mmap(self._shared.fileno(), size)
        self._logits = torch.frombuffer(view, dtype=torch.float32).view(slots, 1, vocabulary)
        self._sequences = [*range(slots)]  # of each row
        self._ends = [0] * slots  # positions that each sequence holds
        self._start()

    def __call__(
        self, tokens: torch.Tensor, positions: torch.Tensor, first_row: int, length: int
    ) -> torch.Tensor:
        """Feed tokens. The logits of single ones are returned, [rows, 1, vocabulary]: llama.cpp
        does not part with its hidden states."""
        rows, count = tokens.shape
        is_decoding = count == 1
        items: list[tuple[int, int, int, int]] = []
        numbers = []
        pairs = zip(tokens.tolist(), positions.tolist(), strict=True)
        for row, (ids, places) in enumerate(pairs):
            if places[0] >= self.scratch:
                continue  # a row that only fills the batch
            sequence = self._sequences[first_row + row]
            self._trim(sequence, places[0])
            its = zip(ids, places, strict=True)
            items += [(sequence, token, place, is_decoding) for token, place in its]
            self._ends[sequence] = places[-1] + 1
            numbers.append(row)
        for start in range(0, len(items), self._batch):
            self._feed(items[start : start + self._batch])
        if not is_decoding:
            return tokens.new_empty(rows, count, 0)
        # The child fills the rows from the front.
        return self._logits[: len(numbers)] if len(numbers) == rows else self._spread(rows, numbers)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """They are what was returned."""
        return hidden

    def copy(self, source: int, target: int, positions: int) -> None:
        """Copy the first positions of one row to another."""
        one, other = self._sequences[source], self._sequences[target]
        self._send(COPY, one, other, positions)
        self._ends[other] = positions

    def swap(self, one: int, other: int, positions: int) -> None:
        """Exchange two rows."""
        rows = self._sequences
        rows[one], rows[other] = rows[other], rows[one]

    def close(self) -> None:
        """End the child."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def _batch(self) -> int:
        return max(self.chunk, self.slots)

    def _trim(self, sequence: int, position: int) -> None:
        end = self._ends[sequence]
        if position > end:
            raise RuntimeError(f"position {position} does not follow {end}")
        if position < end:
            self._send(TRIM, sequence, position)

    def _feed(self, items: Sequence[tuple[int, int, int, int]]) -> None:
        if self._process is None:
            self._start()
        process = self._process
        assert process is not None
        assert process.stdout is not None
        self._send(FEED, *(value for item in items for value in item))
        answer = process.stdout.read(struct.calcsize(CODE))
        if len(answer) == struct.calcsize(CODE) and struct.unpack(CODE, answer) == (0,):
            return
        code = struct.unpack(CODE, answer)[0] if answer else None
        process.kill()
        ended = process.wait()
        self._process = None
        self._ends = [0] * self.slots
        how = f"exit code {ended}" if code is None else f"llama_decode: {code}"
        raise ForwardLost(f"llama.cpp's process was lost ({how}); it starts again")

    def _send(self, command: bytes, *values: int) -> None:
        """Without waiting: a child that is gone is noticed where an answer is expected."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        head = struct.pack(HEAD, command, len(values))
        with suppress(BrokenPipeError):
            self._process.stdin.write(head + struct.pack(f"<{len(values)}i", *values))
            self._process.stdin.flush()

    def _spread(self, rows: int, numbers: Sequence[int]) -> torch.Tensor:
        spread = self._logits.new_zeros(rows, 1, self.vocabulary)
        spread[list(numbers)] = self._logits[: len(numbers)]
        return spread

    def _start(self) -> None:
        options = Options(
            # Not resolved: in the Hub's cache a link has the name that tells the parts apart.
            path=str(self._path.absolute()),
            adapter=str(self._adapter.absolute()) if self._adapter else None,
            sequences=self.slots,
            length=-(-self.length // PADDING) * PADDING,
            batch=self._batch,
            threads=self._threads,
            logits=self._shared.fileno(),
        )
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        process = subprocess.Popen(
            [sys.executable, "-m", "llama_ui.engine.gguf.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={**environment, "PYTHONPATH": str(ROOT)},
            pass_fds=(self._shared.fileno(),),
            start_new_session=True,  # Ctrl+C is this process's to answer
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(options).encode() + b"\n")
            process.stdin.flush()
        answer = process.stdout.readline()
        told: Any = json.loads(answer) if answer else {}
        if told.get("vocabulary") != self.vocabulary:
            process.kill()
            ended = f"its process ended with exit code {process.wait()}"
            raise _cannot_load(self._path, told.get("fault") or ended)
        self._process = process


def _cannot_load(path: Path, fault: str) -> ModelError:
    return ModelError(
        f"llama.cpp cannot load {path.name} ({printable(fault)}).",
        "Copy or download the file again, or choose another one.",
    )
