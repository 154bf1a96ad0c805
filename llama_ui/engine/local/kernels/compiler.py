"""Compile the .cu files beside this one at run time, keep the result on disk, and launch it.

NVRTC and the driver are called through cuda.bindings, which PyTorch's CUDA wheels bring along: no
toolchain is needed. The files include no headers but common.cuh, so nothing else is either.
"""

import ctypes
import hashlib
import logging
import os
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import torch

log = logging.getLogger(__name__)

_FLAGS = ("--use_fast_math", "--std=c++17", "-default-device")
_HEADER = "common.cuh"
_HOPPER = (9, 0)  # from here on a kernel may start before the one before it has ended
_STATIC_SHARED = 48 * 1024  # what a kernel may use without asking

Argument = torch.Tensor | int | float | None


class CompileError(Exception):
    """The kernels cannot be compiled or loaded here; the text says why."""


class Kernel:
    """A compiled kernel.

    Args:
        handle: the driver's, good on every GPU of the same kind.
        shared: dynamic shared memory of a block, in bytes.
        starts_early: launched while the kernel before it in the stream is still running; it must
            wait for that one itself before it touches what others write.
    """

    def __init__(self, handle: Any, shared: int, starts_early: bool) -> None:
        self._handle = handle
        self._shared = shared
        self._starts_early = starts_early

    def __call__(
        self, grid: Sequence[int], threads: int, arguments: Sequence[Argument], device: torch.device
    ) -> None:
        """Put the kernel into the current stream of the device.

        Args:
            grid: blocks along x, y and z; trailing ones may be left out.
            arguments: tensors are passed as pointers, None as a null pointer, int as 32 bits,
                float as float32.
        """
        from cuda.bindings import driver

        if device.index != torch.cuda.current_device():
            with torch.cuda.device(device):
                self(grid, threads, arguments, device)
            return
        config = driver.CUlaunchConfig()
        config.gridDimX, config.gridDimY, config.gridDimZ = (*grid, 1, 1)[:3]
        config.blockDimX, config.blockDimY, config.blockDimZ = threads, 1, 1
        config.sharedMemBytes = self._shared
        config.hStream = torch.cuda.current_stream(device).cuda_stream
        if self._starts_early:
            attribute = driver.CUlaunchAttribute()
            attribute.id = (
                driver.CUlaunchAttributeID.CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION
            )
            attribute.value.programmaticStreamSerializationAllowed = 1
            config.attrs, config.numAttrs = [attribute], 1
        values = [_as_c(argument) for argument in arguments]
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        _check(driver.cuLaunchKernelEx(config, self._handle, ctypes.addressof(pointers), 0))


def load(
    file: str, name: str, capability: tuple[int, int], shared: int = 0, **defines: int
) -> Kernel:
    """A kernel of a file beside this one, compiled if it is not in the cache.

    Args:
        file: for example "nf4.cu".
        name: of the kernel in it.
        capability: compute capability of the GPU.
        shared: dynamic shared memory of a block, in bytes.
        defines: constants of the source.

    Raises:
        CompileError: there is no compiler, or it or the driver refuses.
    """
    return _kernel(file, name, capability, shared, tuple(sorted(defines.items())))


def compile_all(file: str, capability: tuple[int, int], programs: Iterable[dict[str, int]]) -> None:
    """Fill the cache for several sets of constants, in parallel; raises CompileError."""
    with ThreadPoolExecutor() as pool:
        list(
            pool.map(lambda each: _binary(file, capability, tuple(sorted(each.items()))), programs)
        )


@cache
def _kernel(
    file: str,
    name: str,
    capability: tuple[int, int],
    shared: int,
    defines: tuple[tuple[str, int], ...],
) -> Kernel:
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
        return Kernel(driver.CUfunction(int(kernel)), shared, capability >= _HOPPER)
    except (ImportError, RuntimeError) as error:  # no package, no library, no driver
        raise CompileError(f"{type(error).__name__}: {error}") from error


@cache
def _library(file: str, capability: tuple[int, int], defines: tuple[tuple[str, int], ...]) -> Any:
    from cuda.bindings import driver

    binary = _binary(file, capability, defines)
    result = driver.cuLibraryLoadData(binary, [], [], 0, [], [], 0)
    if int(result[0]):  # what the cache holds may be damaged
        binary = _binary(file, capability, defines, trust_cache=False)
        result = driver.cuLibraryLoadData(binary, [], [], 0, [], [], 0)
    return _check(result)


def _binary(
    file: str,
    capability: tuple[int, int],
    defines: tuple[tuple[str, int], ...],
    trust_cache: bool = True,
) -> bytes:
    """The machine code, from the cache or compiled."""
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
    if trust_cache and kept.is_file():
        return kept.read_bytes()
    binary = _compile(source, file, options)
    _keep(kept, binary)
    return binary


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
    binary: bytes = b" " * _check(nvrtc.nvrtcGetCUBINSize(program))
    _check(nvrtc.nvrtcGetCUBIN(program, binary))
    _check(nvrtc.nvrtcDestroyProgram(program))
    return binary


def _keep(path: Path, binary: bytes) -> None:
    """Write it whole or not at all; a cache that cannot be written costs time, no more."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as new:
            new.write(binary)
        os.replace(new.name, path)
    except OSError as error:
        log.warning("compiled kernels are not kept: %r", error)


def _check(result: tuple[Any, ...]) -> Any:
    """What a call of the driver or of NVRTC returned; raises CompileError for an error code."""
    code, *values = result
    if int(code):
        raise CompileError(f"{type(code).__name__} {code.name}")
    return values[0] if len(values) == 1 else tuple(values)


def _as_c(argument: Argument) -> Any:
    if isinstance(argument, torch.Tensor):
        return ctypes.c_void_p(argument.data_ptr())
    if argument is None:
        return ctypes.c_void_p(None)
    return ctypes.c_float(argument) if isinstance(argument, float) else ctypes.c_int(argument)
