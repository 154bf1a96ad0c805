"""Compile the .cu files beside this one at run time, keep the result on disk, and launch it.

NVRTC and the driver are called through cuda.bindings, which PyTorch's CUDA wheels bring along: no
toolchain is needed. The files include no headers but common.cuh, so nothing else is either.
"""

import ctypes
import hashlib
import logging
import os
import struct
import tempfile
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import torch

log = logging.getLogger(__name__)

_FLAGS = ("--use_fast_math", "--std=c++17", "-default-device")
_HEADER = "common.cuh"
_CHECK = 32  # bytes in front of a kept binary: its SHA-256
_HOPPER = (9, 0)  # from here on a kernel may start before the one before it has ended
_MOST_CONFIGS = 1000  # launches of another shape that a kernel remembers
_STATIC_SHARED = 48 * 1024  # what a kernel may use without asking

Value = torch.Tensor | int | float | None
Defines = tuple[tuple[str, int], ...]


class CompileError(Exception):
    """The kernels cannot be compiled or loaded here; the text says why."""


class Kernel:
    """A compiled kernel.

    Args:
        handle: the driver's, good on every GPU of the same kind.
        parameters: the type of each, as struct's characters: P a pointer, i 32 bits, f float32;
            several make a structure.
        shared: dynamic shared memory of a block, in bytes.
        starts_early: launched while the kernel before it in the stream is still running; it must
            wait for that one itself before it touches what others write.
    """

    def __init__(
        self, handle: Any, parameters: Sequence[str], shared: int, starts_early: bool
    ) -> None:
        self._handle = handle
        self._shared = shared
        self._starts_early = starts_early
        self._packing = struct.Struct("".join(parameters))
        self._values = ctypes.create_string_buffer(self._packing.size)
        start = ctypes.addressof(self._values)
        ends = [struct.calcsize("".join(parameters[: i + 1])) for i in range(len(parameters))]
        places = [start + end - struct.calcsize(p) for end, p in zip(ends, parameters, strict=True)]
        self._pointers = (ctypes.c_void_p * len(places))(*places)
        self._configs: dict[tuple[Any, ...], Any] = {}
        self._lock = threading.Lock()

    def __call__(
        self, device: torch.device, grid: tuple[int, int, int], threads: int, *values: Value
    ) -> None:
        """Put the kernel into the current stream of the device.

        Args:
            grid: blocks of threads along x, y and z.
            values: of the parameters, those of structures one by one; None is a null pointer.

        Raises:
            RuntimeError: a CUDA error, in PyTorch's words.
        """
        from cuda.bindings import driver

        if device.index != torch.cuda.current_device():
            with torch.cuda.device(device):
                self(device, grid, threads, *values)
            return
        stream = torch.cuda.current_stream(device).cuda_stream
        plain = [v.data_ptr() if isinstance(v, torch.Tensor) else v or 0 for v in values]
        with self._lock:
            config = self._configs.get((grid, threads, stream))
            if config is None:
                config = self._configs[grid, threads, stream] = self._config(grid, threads, stream)
            self._packing.pack_into(self._values, 0, *plain)
            pointers = ctypes.addressof(self._pointers)
            (code,) = driver.cuLaunchKernelEx(config, self._handle, pointers, 0)
        if int(code):  # as PyTorch says it, so that a lost GPU is recognised
            reason = _check(driver.cuGetErrorString(code)).decode()
            raise RuntimeError(f"CUDA error: {reason}")

    def _config(self, grid: tuple[int, int, int], threads: int, stream: int) -> Any:
        from cuda.bindings import driver

        if len(self._configs) > _MOST_CONFIGS:
            self._configs.clear()
        config = driver.CUlaunchConfig()
        config.gridDimX, config.gridDimY, config.gridDimZ = grid
        config.blockDimX, config.blockDimY, config.blockDimZ = threads, 1, 1
        config.sharedMemBytes, config.hStream = self._shared, stream
        if self._starts_early:
            early = driver.CUlaunchAttribute()
            ids = driver.CUlaunchAttributeID
            early.id = ids.CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION
            early.value.programmaticStreamSerializationAllowed = 1
            config.attrs, config.numAttrs = [early], 1
        return config


@cache
def load(
    file: str,
    name: str,
    parameters: tuple[str, ...],
    capability: tuple[int, int],
    defines: Defines,
    shared: int = 0,
) -> Kernel:
    """A kernel of a file beside this one, compiled if it is not in the cache.

    Args:
        file: for example "nf4.cu".
        name: of the kernel in it.
        parameters: see Kernel.
        capability: compute capability of the GPU.
        defines: constants of the source.
        shared: dynamic shared memory of a block, in bytes.

    Raises:
        CompileError: there is no compiler, or it or the driver refuses.
    """
    try:
        from cuda.bindings import driver

        library = _library(file, capability, defines)
        kernel = _check(driver.cuLibraryGetKernel(library, name.encode()))
        if shared > _STATIC_SHARED:
            limit = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
            for index in range(torch.cuda.device_count()):
                if torch.cuda.get_device_capability(index) == capability:
                    device = _check(driver.cuDeviceGet(index))
                    _check(driver.cuKernelSetAttribute(limit, shared, kernel, device))
        function = driver.CUfunction(int(kernel))
        return Kernel(function, parameters, shared, capability >= _HOPPER)
    except (ImportError, RuntimeError) as error:  # no package, no library, no driver
        raise CompileError(f"{type(error).__name__}: {error}") from error


def compile_all(file: str, capability: tuple[int, int], programs: Iterable[Defines]) -> None:
    """Fill the cache for several sets of constants, in parallel; raises CompileError."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda defines: binary(file, capability, defines), programs))


@cache
def _library(file: str, capability: tuple[int, int], defines: Defines) -> Any:
    from cuda.bindings import driver

    code = binary(file, capability, defines)
    return _check(driver.cuLibraryLoadData(code, [], [], 0, [], [], 0))


def binary(file: str, capability: tuple[int, int], defines: Defines) -> bytes:
    """The machine code of a file, from the cache or compiled; raises CompileError."""
    try:
        from cuda.bindings import nvrtc

        version = _check(nvrtc.nvrtcVersion())
    except (ImportError, RuntimeError) as error:
        raise CompileError(f"{type(error).__name__}: {error}") from error
    source, header = _source(file), _source(_HEADER)
    options = (
        f"--gpu-architecture=sm_{capability[0]}{capability[1]}",
        *(f"-D{key}={value}" for key, value in defines),
        *_FLAGS,
    )
    key = hashlib.sha256(repr((source, header, options, version)).encode()).hexdigest()
    kept = cache_folder() / f"{key}.cubin"
    if kept.is_file():
        check, code = (data := kept.read_bytes())[:_CHECK], data[_CHECK:]
        if hashlib.sha256(code).digest() == check:  # else it is damaged
            return code
    code = _compile(source, file, options)
    _keep(kept, hashlib.sha256(code).digest() + code)
    return code


def _source(file: str) -> bytes:
    return Path(__file__).with_name(file).read_bytes()


def cache_folder() -> Path:
    """Where compiled kernels are kept: this user's own cache."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "llama-ui" / "kernels"


def _compile(source: bytes, file: str, options: Sequence[str]) -> bytes:
    from cuda.bindings import nvrtc

    headers = [_source(_HEADER)], [_HEADER.encode()]
    program = _check(nvrtc.nvrtcCreateProgram(source, file.encode(), 1, *headers))
    flags = [option.encode() for option in options]
    if nvrtc.nvrtcCompileProgram(program, len(flags), flags)[0] != 0:
        text = b" " * _check(nvrtc.nvrtcGetProgramLogSize(program))
        _check(nvrtc.nvrtcGetProgramLog(program, text))
        raise CompileError(text.decode(errors="replace").strip("\0 \n"))
    code: bytes = b" " * _check(nvrtc.nvrtcGetCUBINSize(program))
    _check(nvrtc.nvrtcGetCUBIN(program, code))
    _check(nvrtc.nvrtcDestroyProgram(program))
    return code


def _keep(path: Path, data: bytes) -> None:
    """Write it whole or not at all; a cache that cannot be written costs time, no more."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as new:
            new.write(data)
        os.replace(new.name, path)
    except OSError as error:
        log.warning("compiled kernels are not kept: %r", error)


def _check(result: tuple[Any, ...]) -> Any:
    """What a call of the driver or of NVRTC returned; raises CompileError for an error code."""
    code, *values = result
    if int(code):
        raise CompileError(f"{type(code).__name__} {code.name}")
    return values[0] if len(values) == 1 else tuple(values)
