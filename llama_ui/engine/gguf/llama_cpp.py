"""llama.cpp's C API by ctypes, from the library inside the xllamacpp wheel (include/llama.h).

Only the child process imports this. The two structs of parameters change between releases of
llama.cpp, so they are passed as opaque bytes, larger than they are: the fields that are set stand
first, are recognised by their defaults, and are asked for again by getters.
"""

import ctypes as c
import importlib.util
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# n_ctx, n_batch, n_ubatch, n_seq_max, and what they are by default.
_SIZES, _DEFAULTS = "<4I", (512, 2048, 512, 1)
_ERROR = 4  # GGML_LOG_LEVEL_ERROR

_Pointer = c.c_void_p
_Log = c.CFUNCTYPE(None, c.c_int, c.c_char_p, c.c_void_p)


class _Params(c.Structure):
    _fields_ = (("raw", c.c_ubyte * 1024),)


class _Batch(c.Structure):
    _fields_ = (
        ("n_tokens", c.c_int32),
        ("token", c.POINTER(c.c_int32)),
        ("embd", c.c_void_p),
        ("pos", c.POINTER(c.c_int32)),
        ("n_seq_id", c.POINTER(c.c_int32)),
        ("seq_id", c.POINTER(c.POINTER(c.c_int32))),
        ("logits", c.POINTER(c.c_int8)),
    )


class LlamaCppError(Exception):
    """The library is not there, is another one than was tested, or refuses a file."""


class LlamaCpp:
    """A model, and a context of it that holds several sequences.

    Args:
        path: of the GGUF file, or of its first part.
        sequences: how many it holds.
        length: positions a sequence.
        batch: the most tokens that decode takes.
        threads: that compute.
        adapter: a LoRA in GGUF; None for none.

    Raises:
        LlamaCppError: says what llama.cpp says.
    """

    def __init__(
        self,
        path: str,
        sequences: int,
        length: int,
        batch: int,
        threads: int,
        adapter: str | None = None,
    ) -> None:
        self._errors: list[str] = []
        self._declare(_library())
        self._model = self._load_model(path.encode(), self._model_params())
        if not self._model:
            raise self._fault("the file was refused")
        self._context = self._make_context(sequences, length, batch, threads)
        self._memory = self._get_memory(self._context)
        self.vocabulary: int = self._count_tokens(self._get_vocabulary(self._model))
        if adapter is not None:
            self._put_adapter(adapter)
        self._tokens, self._places = (c.c_int32 * batch)(), (c.c_int32 * batch)()
        self._owners, self._counts = (c.c_int32 * batch)(), (c.c_int32 * batch)(*[1] * batch)
        self._wanted = (c.c_int8 * batch)()
        one = c.sizeof(c.c_int32)
        owners = [
            c.cast(c.byref(self._owners, place * one), c.POINTER(c.c_int32))
            for place in range(batch)
        ]
        self._owner_pointers = (c.POINTER(c.c_int32) * batch)(*owners)

    def decode(self, items: Sequence[tuple[int, int, int, int]]) -> int:
        """Feed tokens; returns 0, or llama_decode's error.

        Args:
            items: sequence, token, position, and whether its logits are wanted (1 or 0).
        """
        for place, item in enumerate(items):
            (
                self._owners[place],
                self._tokens[place],
                self._places[place],
                self._wanted[place],
            ) = item
        batch = _Batch(
            len(items),
            self._tokens,
            None,
            self._places,
            self._counts,
            self._owner_pointers,
            self._wanted,
        )
        code: int = self._decode(self._context, batch)
        return code

    def logits(self, place: int) -> int:
        """The address of the logits of an item of the last batch, float32, [vocabulary]."""
        address: int | None = self._get_logits(self._context, place)
        if address is None:
            raise LlamaCppError("there are no logits")
        return address

    def trim(self, sequence: int, position: int) -> None:
        """Forget a sequence from a position on."""
        self._remove(self._memory, sequence, position, -1)

    def copy(self, source: int, target: int, positions: int) -> None:
        """Make a sequence the first positions of another one."""
        self._remove(self._memory, target, -1, -1)
        # Each sequence has a buffer of its own, which is copied whole.
        self._copy(self._memory, source, target, -1, -1)
        self._remove(self._memory, target, positions, -1)

    def _make_context(self, sequences: int, length: int, batch: int, threads: int) -> int:
        params = self._context_params()
        if struct.unpack_from(_SIZES, params.raw) != _DEFAULTS:
            raise LlamaCppError("its parameters are laid out in an unknown way")
        struct.pack_into(_SIZES, params.raw, 0, sequences * length, batch, batch, sequences)
        context: int | None = self._init(self._model, params)
        if not context:
            raise self._fault("there is no memory for conversations")
        self._set_threads(context, threads, threads)
        got = (
            *(ask(context) for ask in self._getters),
            self._get_threads(context),
        )
        # That each sequence has its own length says that they are kept apart (kv_unified is off),
        # without which a reply would depend on its neighbours.
        if got != (sequences * length, length, batch, batch, sequences, threads):
            raise LlamaCppError(f"its parameters did not arrive: {got}")
        return context

    def _put_adapter(self, path: str) -> None:
        adapter = self._load_adapter(self._model, path.encode())
        if not adapter:
            raise self._fault("the adapter was refused")
        adapters, scales = (c.c_void_p * 1)(adapter), (c.c_float * 1)(1.0)
        if self._set_adapters(self._context, adapters, 1, scales):
            raise self._fault("the adapter was refused")

    def _fault(self, otherwise: str) -> LlamaCppError:
        return LlamaCppError("; ".join(self._errors[-3:]) or otherwise)

    def _declare(self, library: c.CDLL) -> None:
        def function(name: str, result: type | None, *arguments: type) -> Any:
            try:
                found = getattr(library, name)
            except AttributeError:
                raise LlamaCppError(f"it has no {name}") from None
            found.restype, found.argtypes = result, arguments
            return found

        def log(level: int, text: bytes, _: object) -> None:
            if level == _ERROR:
                self._errors.append(text.decode(errors="replace").strip())

        self._log = _Log(log)  # kept: llama.cpp calls it as long as it lives
        function("llama_log_set", None, _Log, _Pointer)(self._log, None)
        function("llama_backend_init", None)()
        self._model_params = function("llama_model_default_params", _Params)
        self._context_params = function("llama_context_default_params", _Params)
        self._load_model = function("llama_model_load_from_file", _Pointer, c.c_char_p, _Params)
        self._init = function("llama_init_from_model", _Pointer, _Pointer, _Params)
        self._get_vocabulary = function("llama_model_get_vocab", _Pointer, _Pointer)
        self._count_tokens = function("llama_vocab_n_tokens", c.c_int32, _Pointer)
        self._getters = [
            function(f"llama_n_{name}", c.c_uint32, _Pointer)
            for name in ("ctx", "ctx_seq", "batch", "ubatch", "seq_max")
        ]
        self._get_threads = function("llama_n_threads", c.c_int32, _Pointer)
        self._set_threads = function("llama_set_n_threads", None, _Pointer, c.c_int32, c.c_int32)
        self._get_memory = function("llama_get_memory", _Pointer, _Pointer)
        places = (_Pointer, c.c_int32, c.c_int32, c.c_int32)
        self._remove = function("llama_memory_seq_rm", c.c_bool, *places)
        self._copy = function("llama_memory_seq_cp", None, *places, c.c_int32)
        self._decode = function("llama_decode", c.c_int32, _Pointer, _Batch)
        self._get_logits = function("llama_get_logits_ith", _Pointer, _Pointer, c.c_int32)
        self._load_adapter = function("llama_adapter_lora_init", _Pointer, _Pointer, c.c_char_p)
        arrays = (c.POINTER(c.c_void_p), c.c_size_t, c.POINTER(c.c_float))
        self._set_adapters = function("llama_set_adapters_lora", c.c_int32, _Pointer, *arrays)


def _library() -> c.CDLL:
    found = importlib.util.find_spec("xllamacpp")
    folder = Path(found.origin).parent if found and found.origin else None
    path = next(folder.glob("xllamacpp*.so"), None) if folder else None
    if path is None:
        raise LlamaCppError("the package xllamacpp is not installed, or has no library here")
    try:
        return c.CDLL(str(path))
    except OSError as error:
        raise LlamaCppError(f"the library does not start ({error})") from None
