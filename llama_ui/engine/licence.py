"""The lines that Meta's licences ask to be shown with a model. Pure."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Licence:
    """What to show of the terms that a model is used under.

    Args:
        text: the attribution that the licence asks for.
        url: the licence.
        policy_url: its acceptable-use policy.
    """

    text: str
    url: str
    policy_url: str


_LLAMA_2 = Licence(
    "Llama 2 is licensed under the LLAMA 2 Community License, Copyright (c) Meta Platforms, Inc. "
    "All Rights Reserved.",
    "https://ai.meta.com/llama/license/",
    "https://ai.meta.com/llama/use-policy/",
)
_NAMES_LLAMA_2 = re.compile(r"(?<!tiny)(?<!tiny-)llama[-_ ]?2(?![.\d])|codellama", re.IGNORECASE)
_NAMES_LLAMA_3 = re.compile(r"llama[-_ ]?3(?:[._]([1-3]))?(?!\d)", re.IGNORECASE)


def licence_of(*names: str) -> Licence | None:
    """The licence of a model by its names (id, folder, what config.json calls it); None when none
    of them says that it is one of Meta's."""
    for name in names:
        if found := _NAMES_LLAMA_3.search(name):
            return _llama_3(found[1])
        if _NAMES_LLAMA_2.search(name):
            return _LLAMA_2
    return None


def _llama_3(minor: str | None) -> Licence:
    page = f"https://www.llama.com/llama3{f'_{minor}' if minor else ''}"
    text = "Built with Llama" if minor else "Built with Meta Llama 3"
    return Licence(text, f"{page}/license/", f"{page}/use-policy/")
