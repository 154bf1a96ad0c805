"""How much the fuzz and soak tests do: 1 in CI, more with LLAMA_UI_TEST_SIZE=20."""

import os

SIZE = float(os.environ.get("LLAMA_UI_TEST_SIZE", "1"))


def examples(count: int) -> int:
    """The count for CI, scaled to the chosen size."""
    return max(1, round(count * SIZE))
