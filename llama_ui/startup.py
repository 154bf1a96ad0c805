"""Prepare the process: its output, encoding and environment. Imports no package at first."""

import contextlib
import io
import ipaddress
import os
import re
import sys
import tempfile
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from typing import Any

Environment = MutableMapping[str, str]

_HERE = ("localhost", "127.0.0.1", "::1")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


class _Output(io.FileIO):
    """Standard output or error. What a full disk or a closed pipe does not take is dropped: no
    reply and no load of a model may end because nobody reads what is said about it."""

    def write(self, data: Any) -> int:
        with contextlib.suppress(OSError):
            written: int | None = super().write(data)
            # None: a pipe that does not block is full.
            if written is not None:
                return written
        return len(memoryview(data))


def make_output_safe() -> None:
    """Standard output and error take any character, and never fail."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # Closed. The next file or socket to be opened would get this number, and the output.
            os.open(os.devnull, os.O_RDWR)
    sys.stdout, sys.stderr = (_safe(number) for number in (1, 2))


def _safe(number: int) -> io.TextIOWrapper:
    stream = (sys.__stdout__, sys.__stderr__)[number - 1]
    encoding = stream.encoding if stream else "utf-8"
    with contextlib.suppress(Exception):
        stream.flush()  # type: ignore[union-attr]
    raw = _Output(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=True
    )


def use_utf8() -> None:
    """Start again in UTF-8 mode where the locale has another encoding: names of files, prompts and
    models are UTF-8 here, and an ASCII locale (LC_ALL=C) could not even name them."""
    if sys.getfilesystemencoding() != "utf-8" and not sys.flags.utf8_mode:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def drop_empty(environment: Environment, prefixes: Iterable[str]) -> None:
    """A variable that is empty, as compose files pass on what is not set, counts as not set."""
    for name in [*environment]:
        if name.startswith(tuple(prefixes)) and not environment[name].strip():
            del environment[name]


def bypass_proxies(environment: Environment, host: str) -> list[str]:
    """Requests to this machine go through no proxy; a proxy that nothing here can use is left out.

    Args:
        host: the address that the page listens on.

    Returns:
        A sentence for each proxy that is left out.
    """
    names = [name for name in environment if name.lower() in _PROXIES]
    if not names:
        return []
    import httpx

    left_out = []
    for name in names:
        # GNOME writes socks:// for version 5.
        address = re.sub(r"^socks://", "socks5://", environment[name].strip())
        try:
            httpx.Proxy(address if "://" in address else f"http://{address}")
            environment[name] = address
        except (ValueError, httpx.InvalidURL):
            del environment[name]
            # Without its address, which may hold a password.
            left_out.append(f"{name} names no proxy that can be used here, and is ignored.")
    listed = ",".join(environment.get(name, "") for name in ("no_proxy", "NO_PROXY"))
    others = (entry.strip().strip("[]") for entry in listed.split(","))
    entries = [*filter(_is_usable, others), *_HERE, host.strip("[]")]
    environment["no_proxy"] = environment["NO_PROXY"] = ",".join(dict.fromkeys(entries))
    return left_out


def _is_usable(entry: str) -> bool:
    """Whether httpx 0.28 takes this entry of NO_PROXY; for one that it does not, such as a range of
    IPv6 addresses, it refuses every request."""
    import httpx

    try:
        ipaddress.ip_address(entry)
    except ValueError:
        try:
            httpx.URL(entry if "://" in entry else f"all://*{entry}")
        except httpx.InvalidURL:
            return False
    return bool(entry)


def choose_temp_folder(environment: Environment) -> Path | None:
    """Give Gradio a folder of its own where its usual one is another user's, or cannot be written.

    Returns:
        A new folder, to be removed at the end; None where the usual one will do.

    Raises:
        OSError: no folder for temporary files can be written.
    """
    usual = environment.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir(), "gradio")
    try:
        # Gradio makes folders in it.
        Path(usual).mkdir(parents=True, exist_ok=True)
        os.rmdir(tempfile.mkdtemp(dir=usual))
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="llama-ui-"))
        environment["GRADIO_TEMP_DIR"] = str(folder)
        return folder
    return None
