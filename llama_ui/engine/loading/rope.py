"""The context window: as trained, shorter, or stretched by scaling the rotary positions.

Linear scaling divides positions (Chen et al. 2023, Position Interpolation); dynamic raises the
base with the length (NTK-aware, by u/bloc97 and u/emozilla), here once, for the whole window; yarn
treats slow and fast frequencies apart (Peng et al. 2023).
"""

from dataclasses import dataclass
from typing import Any, get_args

from llama_ui.errors import ModelError
from llama_ui.settings import Rope


@dataclass(frozen=True, slots=True)
class Window:
    """The context window in tokens, and what to say of it; empty when there is nothing to say."""

    length: int
    note: str = ""


def choose_window(config: Any, wanted: int | None, rope: Rope | None) -> Window:
    """Decide on the window, and set the scaling that it needs in the config.

    Args:
        config: of the model (transformers LlamaConfig), changed before the model is made from it.
        wanted: tokens; by default what the model was trained for.
        rope: how to stretch a window that is longer than that.

    Raises:
        ModelError: there is nothing to stretch.
    """
    base = int(config.max_position_embeddings)
    parameters = dict(config.rope_parameters)
    own = parameters.get("rope_type", "default")
    # These two count from what the model was trained for before it was stretched.
    stretched = float(parameters.get("factor", 1.0)) if own in ("linear", "dynamic") else 1.0
    trained = int(base * stretched)
    length = wanted or base
    changes_at = {"dynamic": base, "longrope": parameters.get("original_max_position_embeddings")}
    if rope is None and length <= trained:
        if length <= (changes_at.get(own) or length):
            return Window(length)
        return Window(
            length,
            f"The model's position scaling ({own}) depends on the length; here it is that of the "
            "whole context, also for short chats.",
        )
    if rope is None:
        return Window(
            length,
            f"The context of {length:,} tokens is longer than the {trained:,} that the model was "
            "trained for: beyond them replies lose their sense. Add --rope "
            f"{' or '.join(get_args(Rope))}.",
        )
    if own != "default":
        return Window(
            length,
            f"The model brings its own position scaling ({own}), which is kept: --rope {rope} "
            "changes nothing.",
        )
    if length <= base:
        raise ModelError(
            f"--rope {rope} has nothing to stretch: the model was trained for {base:,} tokens, "
            f"and the context is {length:,}.",
            f"Leave --rope out, or choose a --context above {base}.",
        )
    factor = length / base
    config.rope_parameters = {**parameters, "rope_type": rope, "factor": factor}
    if rope == "yarn":
        config.rope_parameters["original_max_position_embeddings"] = base
    return Window(
        length,
        f"The context is stretched from {base:,} to {length:,} tokens ({rope}, {factor:g} times); "
        "the model was not trained for that, so look at what it recalls.",
    )
