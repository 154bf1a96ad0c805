"""How much memory a GGUF file will take, from its header alone. Pure arithmetic.

The constants are fitted to what llama.cpp's process was seen to hold (benchmarks/README.md).
"""

from itertools import product

from llama_ui.engine.gguf.reader import Gguf
from llama_ui.engine.loading.memory import SLOTS_ON_CPU, MemoryNeed
from llama_ui.engine.progress import size_in_words
from llama_ui.errors import ModelError

# Tokens fed at once. Seen: beyond 64 rows llama.cpp multiplies in another order, and what a reply
# says would depend on how its prompt was cut.
BATCH = 64
PADDING = 256  # llama.cpp rounds the length of a sequence up to this
_HALF, _FLOAT = 2, 4  # bytes of a cached number, of a computed one
_PROCESS = 32_000_000  # Python and the library
_PAGE = 350_000_000  # the application's own process, which imports no transformers
_WORD = 320  # of a token or merge of the vocabulary
LONGEST = 8_192  # that is taken without being asked for: the cache grows with it
_SHORTER = (4_096, 2_048)
_USABLE = 0.95


def gguf_need(file: Gguf, length: int, slots: int, batch: int) -> MemoryNeed:
    """Bytes that llama.cpp's process holds.

    Args:
        length: tokens a slot.
        batch: the most tokens it takes at once.

    Raises:
        Damaged: the file does not say how large its model is.
    """
    hidden = file.count("llama.embedding_length", 1 << 20)
    heads = file.count("llama.attention.head_count", 1 << 16)
    kv_heads = file.count("llama.attention.head_count_kv", 1 << 16, heads)
    inner = file.count("llama.feed_forward_length", 1 << 24)
    layers = file.count("llama.block_count", 1 << 12)
    usual = max(1, hidden // heads)
    sizes = [
        file.count(f"llama.attention.{kind}_length", 1 << 16, usual) for kind in ("key", "value")
    ]
    positions = -(-length // PADDING) * PADDING * slots
    # While a batch is computed: what goes in and out of a layer, and the scores of single tokens.
    computed = batch * _FLOAT * (8 * hidden + 3 * inner)
    words = len(file.metadata.get("tokenizer.ggml.tokens", ()))
    scores = 3 * slots * words * _FLOAT
    words += len(file.metadata.get("tokenizer.ggml.merges", ()))
    return MemoryNeed(
        weights=file.size,
        cache=positions * layers * kv_heads * sum(sizes) * _HALF,
        overhead=_PROCESS + computed + scores + words * _WORD,
    )


def choose_size(
    file: Gguf, context: int | None, slots: int | None, batch: int, free: int
) -> tuple[int, int]:
    """The window in tokens, and how many slots of it: as asked for, otherwise the most that fits.

    Args:
        free: bytes of main memory.

    Raises:
        ModelError: the context is longer than the model was trained for, or does not fit.
        Damaged: the file does not say how large its model is.
    """
    trained = file.count("llama.context_length", 1 << 24)
    if context is not None and context > trained:
        raise ModelError(
            f"{file.name} was trained for {trained:,} tokens: with a context of {context:,} its "
            "replies lose their sense.",
            f"Choose a --context up to {trained}.",
        )
    longest = min(trained, LONGEST)
    lengths = [longest, *(length for length in _SHORTER if length < longest)]
    counts = [SLOTS_ON_CPU, 2, 1]

    def total(length: int, count: int) -> int:
        return gguf_need(file, length, count, batch).total + _PAGE

    asked = product([context] if context else lengths, [slots] if slots else counts)
    for length, count in asked:
        if total(length, count) <= free * _USABLE:
            return length, count
    length, count = context or lengths[-1], slots or 1
    problem = (
        f"{file.name} does not fit in {size_in_words(free)} of memory: with --slots {count} and "
        f"--context {length} it takes {size_in_words(total(length, count))}."
    )
    for smaller in (size for size in lengths if size < length):
        if total(smaller, 1) <= free * _USABLE:
            raise ModelError(problem, f"It fits with --slots 1 and --context {smaller}.")
    raise ModelError(
        problem, "Choose a file with fewer bits a weight, or a smaller model; --model pocket fits."
    )
