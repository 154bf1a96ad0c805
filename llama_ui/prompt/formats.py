"""How a model wants its prompts: by Llama 2's format, its own template, or none. Pure."""

import re
from collections.abc import Sequence
from typing import Any, Literal

from llama_ui.prompt.bounded import render, template_of
from llama_ui.prompt.llama2 import (
    TAGS,
    Llama2Format,
    Memo,
    Message,
    PromptFormat,
    Segment,
    check_dialog,
    encode_dialog,
)
from llama_ui.prompt.template import TemplateFormat

_LLAMA_2_CHAT = re.compile(r"llama[-_ ]?2.*(chat|instruct)|codellama.*instruct", re.IGNORECASE)
_CONTROL = ["<unk>", "<s>", "</s>"]


def _dialog(system: str | None, *turns: str) -> list[Message]:
    first = [] if system is None else [{"role": "system", "content": system}]
    roles = ("user", "assistant") * len(turns)
    return [*first, *({"role": r, "content": t} for r, t in zip(roles, turns, strict=False))]


# A template that treats these as the reference does is taken for the reference.
_DIALOGS = (
    _dialog(None, "Hi"),
    _dialog(None, "  Two  lines\n\n of text \n"),
    _dialog("Be brief.", "Hi"),
    _dialog(" Be\nkind. ", " Hi", " Hello! ", "Why? \n"),
    _dialog(None, "1+1?", "<think>One and one.</think>\n\nIt is 2.", "Caf\u00e9", "", "\u65e5"),
)


def choose_format(tokenizer: Any, name: str) -> PromptFormat:
    """How the model wants its prompts.

    A model that brings a chat template is prompted by it. Llama 2's reference format, which knows
    more of its prompts, stands for a template whose ids agree with it. Without a template a model
    that is named like a chat model of Llama 2, and has its tokenizer, gets that format too; any
    other is a base model.

    Raises:
        ModelError: the template cannot be used.
    """
    if template_of(tokenizer, name) is None:
        is_chat = _LLAMA_2_CHAT.search(name) is not None and _is_llama_2(tokenizer)
        return Llama2Format(tokenizer) if is_chat else CompletionFormat(tokenizer)
    if all(_agree(tokenizer, dialog) for dialog in _DIALOGS):
        return Llama2Format(tokenizer)
    return TemplateFormat(tokenizer, name)


def _agree(tokenizer: Any, dialog: Sequence[Message]) -> bool:
    """Whether the template gives the reference's ids; one that fails does not."""
    try:
        rendered = tokenizer(render(tokenizer, dialog), add_special_tokens=False, verbose=False)
    except Exception:
        return False
    return bool(rendered["input_ids"] == encode_dialog(dialog, tokenizer))


def _is_llama_2(tokenizer: Any) -> bool:
    """SentencePiece's pieces behind three control tokens and 256 bytes, and tags that are text."""
    first = [*_CONTROL, "<0x00>"]
    return (
        [tokenizer.convert_ids_to_tokens(token) for token in range(len(first))] == first
        and tokenizer.convert_ids_to_tokens(258) == "<0xFF>"
        and not {*TAGS} & {token.content for token in tokenizer.added_tokens_decoder.values()}
    )


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
