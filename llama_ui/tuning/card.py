"""The model cards of what is made here: what it was made from, how, and under which terms. Pure."""

from collections.abc import Mapping
from typing import Any

from llama_ui.engine.licence import licence_of


def adapter_card(base: str, option: str, names: tuple[str, ...], facts: Mapping[str, Any]) -> str:
    """The README.md of an adapter.

    Args:
        base: the model that it was made for.
        option: what --model names it by.
        names: all names of that model, to know its licence by.
        facts: what is to be said of the training, by name.
    """
    start = f"python app.py --model {option} --adapter FOLDER"
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    return "\n".join(
        [
            *_front_matter(base, "peft", names),
            f"# A LoRA adapter for {base}",
            "",
            f"Made with Llama UI. Start it with `{start}`.",
            "",
            *lines,
            *_terms(base, names),
        ]
    )


def merged_card(base: str, adapter: str, names: tuple[str, ...]) -> str:
    """The README.md of a model that an adapter was merged into; arguments as above.

    Args:
        adapter: what the adapter is called.
    """
    return "\n".join(
        [
            *_front_matter(base, "transformers", names),
            f"# {base} with {adapter}",
            "",
            f"Made with Llama UI: the LoRA adapter `{adapter}` was merged into the weights of "
            f"`{base}`, in bfloat16.",
            *_terms(base, names),
        ]
    )


def _front_matter(base: str, library: str, names: tuple[str, ...]) -> list[str]:
    """What the Hub reads. A base that is no name of the Hub is no link there."""
    lines = ["---", f"library_name: {library}"]
    if base.count("/") == 1:
        lines.append(f"base_model: {base}")
    if licence := licence_of(*names):
        lines += ["license: other", f"license_link: {licence.url}"]
    return [*lines, "---", ""]


def _terms(base: str, names: tuple[str, ...]) -> list[str]:
    licence = licence_of(*names)
    if licence is None:
        return ["", f"The terms of {base} hold for it too.", ""]
    return ["", f"{licence.text} Terms: {licence.url}; use policy: {licence.policy_url}.", ""]
