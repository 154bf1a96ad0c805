"""How a model wants its prompts: by Llama 2's format, its own template, or none. Pure."""

import re
from collections.abc import Sequence
from typing import Any, Literal

from llama_ui.prompt.llama2 import (
    Llama2Format,
    Memo,
    Message,
    PromptFormat,
    Segment,
    check_dialog,
)
from llama_ui.prompt.template import TemplateFormat, template_of

_LLAMA_2_CHAT = re.compile(r"llama[-_ ]?2.*(chat|instruct)|codellama.*instruct", re.IGNORECASE)


def choose_format(tokenizer: Any, name: str) -> PromptFormat:
    """How the model wants its prompts.

    A template that contains `<<SYS>>` means Llama 2's reference format; any other is used as it
    is. Without one the name decides: a chat model of Llama 2, or a base model.

    Raises:
        ModelError: the template cannot be used.
    """
    template = template_of(tokenizer, name)
    if template is None:
        is_chat = _LLAMA_2_CHAT.search(name) is not None
        return Llama2Format(tokenizer) if is_chat else CompletionFormat(tokenizer)
    return Llama2Format(tokenizer) if "<<SYS>>" in template else TemplateFormat(tokenizer, name)


class CompletionFormat:
    """The prompt of a base model: the texts of the messages, as they stand, after BOS.

    Args:
        tokenizer: a fast tokenizer.
    """

    mode: Literal["chat", "completion"] = "completion"
    notes: tuple[str, ...] = (
        "This is a base model, without a chat template: it goes on with your text as it stands.",
    )
    end_tokens: frozenset[int] = frozenset()

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def encode(self, messages: Sequence[Message], memo: Memo | None = None) -> list[Segment]:
        """The prompt for these messages; raises DialogError."""
        check_dialog(messages)
        encoded = self._plain("".join(message["content"] for message in messages))
        ids: list[list[int]] = [[] for _ in messages]
        ends = [0]
        for message in messages:
            ends.append(ends[-1] + len(message["content"]))
        owner = 0
        for token, (_, end) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
            while end > ends[owner + 1] and owner < len(messages) - 1:
                owner += 1
            ids[owner].append(token)
        segments = [
            Segment(message["role"], index, message["content"], tuple(ids[index]))  # type: ignore[arg-type]
            for index, message in enumerate(messages)
        ]
        bos, text = self._tokenizer.bos_token_id, self._tokenizer.bos_token
        return segments if bos is None else [Segment("template", None, text, (bos,)), *segments]

    def encode_reply(self, text: str) -> tuple[int, ...]:
        """The ids of a reply that is to be continued."""
        return tuple(self._plain(text)["input_ids"])

    def _plain(self, text: str) -> Any:
        return self._tokenizer(
            text,
            add_special_tokens=False,
            split_special_tokens=True,
            return_offsets_mapping=True,
            verbose=False,
        )
