"""The process that llama.cpp runs in: a crash of it, or a hostile file, ends this one and no other.

It takes commands from its standard input and leaves logits in shared memory. The first line is a
JSON object of Options; the answer is one of Started or Refused. Then commands follow, each a byte
and a count, and so many int32. Only FEED is answered, by an int32: 0, or llama_decode's error.

The process imports neither torch nor anything else of the application.
"""

import contextlib
import ctypes
import json
import mmap
import os
import struct
import sys
from pathlib import Path
from typing import BinaryIO, TypedDict

from llama_ui.engine.gguf.llama_cpp import LlamaCpp, LlamaCppError

FEED = b"F"  # sequence, token, position, whether its logits are wanted; for each token
TRIM = b"T"  # sequence, position
COPY = b"C"  # source, target, positions
HEAD, CODE = "<cI", "<i"


class Options(TypedDict):
    """What to load; logits is the file descriptor of the shared memory."""

    path: str
    adapter: str | None
    sequences: int
    length: int
    batch: int
    threads: int
    logits: int


class Started(TypedDict):
    """The model is loaded."""

    vocabulary: int


class Refused(TypedDict):
    """It is not, and why."""

    fault: str


def main() -> None:
    # What the library prints must not mix with what is answered.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    # Should memory run out, the kernel is to end this process rather than the page.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    commands = sys.stdin.buffer
    options: Options = json.loads(commands.readline())
    try:
        model = LlamaCpp(
            options["path"],
            options["sequences"],
            options["length"],
            options["batch"],
            options["threads"],
            options["adapter"],
        )
    except LlamaCppError as fault:
        _answer(answers, Refused(fault=str(fault)))
        return
    _answer(
        answers,
        Started(vocabulary=model.vocabulary),
    )
    row = model.vocabulary * ctypes.sizeof(ctypes.c_float)
    os.ftruncate(options["logits"], row * options["sequences"])
    shared = mmap.mmap(options["logits"], row * options["sequences"])
    start = ctypes.addressof(ctypes.c_char.from_buffer(shared))
    while head := commands.read(struct.calcsize(HEAD)):
        command, count = struct.unpack(HEAD, head)
        values = struct.unpack(f"<{count}i", commands.read(4 * count))
        if command == TRIM:
            model.trim(*values)
        elif command == COPY:
            model.copy(*values)
        else:
            items = list(zip(*[iter(values)] * 4, strict=True))
            code = model.decode(items)
            if code == 0:
                wanted = [place for place, item in enumerate(items) if item[3]]
                for number, place in enumerate(wanted):
                    ctypes.memmove(start + number * row, model.logits(place), row)
            answers.write(struct.pack(CODE, code))


def _answer(answers: BinaryIO, value: Started | Refused) -> None:
    answers.write(json.dumps(value).encode() + b"\n")


if __name__ == "__main__":
    main()
    # Not by the interpreter's way out: the library's own threads may still run.
    os._exit(0)
