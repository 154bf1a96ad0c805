"""The Llama 2 prompt: a dialogue in, the token ids of the reference implementation out.

Format (chat_completion in github.com/meta-llama/llama, llama/generation.py). Each finished
exchange is tokenised on its own, between BOS and EOS:

    <s> [INST] <<SYS>>\\n{system}\\n<</SYS>>\\n\\n{user} [/INST] {assistant} </s>

and the user message to be answered ends the prompt, with BOS and without EOS:

    <s> [INST] {user} [/INST]

The system message is merged into the first user message; then the merged text is stripped.

To the tokenizer the tags are ordinary text, so a person, or an earlier reply, can type them.
The reference refuses such a dialogue. Here the text is kept, and a typed tag is spelled one
character a token: the ids of a real tag stand only where the template puts them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from llama_ui.errors import DialogError

TAGS = ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>")
_TAG = re.compile("|".join(map(re.escape, TAGS)))

Message = Mapping[str, str]
Kind = Literal["template", "system", "user", "assistant", "reply"]


class Tokenizer(Protocol):
    """The part of a transformers fast tokenizer that prompts and replies need."""

    bos_token_id: Any
    eos_token_id: Any

    @property
    def all_special_ids(self) -> Any: ...
    def __call__(self, text: Any, /, **options: Any) -> Any: ...
    def convert_ids_to_tokens(self, ids: Any, /) -> Any: ...
    def convert_tokens_to_ids(self, tokens: Any, /) -> Any: ...
    def convert_tokens_to_string(self, tokens: Any, /) -> Any: ...
    def decode(self, ids: Any, /, **options: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of prompt tokens that come from one place.

    Args:
        kind: "template" for tags and control tokens, "reply" for the beginning of a reply that is
            continued, otherwise the role of the message.
        message: index of the message it comes from; None for the template and the reply.
        text: its text; control tokens are written `<s>` and `</s>`.
        ids: its token ids.
    """

    kind: Kind
    message: int | None
    text: str
    ids: tuple[int, ...]


# What has been tokenised, for a caller that encodes several versions of one conversation.
Memo = dict[Any, Any]


class PromptFormat(Protocol):
    """How a model wants a conversation written.

    mode says whether the model answers ("chat") or goes on with the text ("completion"); notes
    are for the reader; end_tokens end a reply, besides those that the checkpoint names.
    """

    @property
    def mode(self) -> Literal["chat", "completion"]: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def end_tokens(self) -> frozenset[int]: ...

    def encode(self, messages: Sequence[Message], memo: Memo | None = None) -> list[Segment]:
        """The prompt, each token with its origin; raises DialogError.

        Args:
            messages: an optional system message, then user and assistant in turns, a user
                message last. Segments carry indexes of this list.
            memo: an empty dictionary, given again for other versions of the conversation.
        """

    def encode_reply(self, text: str) -> tuple[int, ...]:
        """The ids of a reply that has begun and is to be continued; tags in it stay text."""


class Llama2Format:
    """The format of Llama 2's reference implementation.

    Args:
        tokenizer: a Llama tokenizer (transformers, fast).
    """

    mode: Literal["chat", "completion"] = "chat"
    notes: tuple[str, ...] = ()
    end_tokens: frozenset[int] = frozenset()

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def encode(self, messages: Sequence[Message], memo: Memo | None = None) -> list[Segment]:
        """The prompt for these messages; raises DialogError."""
        check_dialog(messages)
        memo = {} if memo is None else memo
        segments = []
        for parts in _exchanges(messages):
            # An exchange is tokenised alike wherever it stands; only its indexes change.
            key = tuple((part.kind, part.text) for part in parts)
            if key not in memo:
                memo[key] = _encode_exchange(parts, self._tokenizer)
            places = iter([part.message for part in parts])
            for segment in memo[key]:
                is_control = segment.text in ("<s>", "</s>") and segment.kind == "template"
                message = None if is_control else next(places)
                segments.append(replace(segment, message=message))
        return segments

    def encode_reply(self, text: str) -> tuple[int, ...]:
        """The ids of a reply that is to be continued."""
        [ids] = _encode_parts([Part("reply", None, text.lstrip())], self._tokenizer)
        return tuple(ids)


def encode_dialog(messages: Sequence[Message], tokenizer: Tokenizer) -> list[int]:
    """Encode a dialogue exactly as Meta's reference implementation does.

    Args:
        messages: `{"role": ..., "content": ...}`: an optional system message, then user and
            assistant in turns, a user message last.
        tokenizer: a Llama tokenizer (transformers, fast).

    Returns:
        The token ids, BOS first, ready for the model to answer.

    Raises:
        DialogError: the roles are out of order, or the last message is empty.
    """
    return [token for segment in Llama2Format(tokenizer).encode(messages) for token in segment.ids]


def check_dialog(messages: Sequence[Message]) -> None:
    """Check roles and order; raises DialogError that names the first thing wrong."""
    turns = list(messages)
    if turns and turns[0]["role"] == "system":
        turns = turns[1:]
    if not turns:
        raise DialogError("There is no message to answer.", "Type a message and send it.")
    for number, message in enumerate(turns):
        expected = ("user", "assistant")[number % 2]
        if message["role"] != expected:
            raise DialogError(
                f"Message {number + 1} has the role {message['role']!r} where {expected!r} "
                "was expected.",
                "Use at most one system message, at the start, then user and assistant in turns.",
            )
    if turns[-1]["role"] != "user":
        raise DialogError(
            "The last message is not from the user.", "End the conversation with a user message."
        )
    if not turns[-1]["content"].strip():
        raise DialogError("The message is empty.", "Type a message and send it.")


@dataclass(frozen=True, slots=True)
class Part:
    """Text that comes from one message, or from the template."""

    kind: Kind
    message: int | None
    text: str


def _exchanges(messages: Sequence[Message]) -> Iterator[list[Part]]:
    """Lay out each exchange as parts whose texts, joined, are what gets tokenised."""
    has_system = messages[0]["role"] == "system"
    for index in range(has_system, len(messages), 2):
        merged = [Part("user", index, messages[index]["content"])]
        if has_system and index == 1:
            merged = [
                Part("template", None, "<<SYS>>\n"),
                Part("system", 0, messages[0]["content"]),
                Part("template", None, "\n<</SYS>>\n\n"),
                *merged,
            ]
        parts = [Part("template", None, "[INST] "), *_strip(merged)]
        if index + 1 < len(messages):
            answer = messages[index + 1]["content"].strip()
            parts += [
                Part("template", None, " [/INST] "),
                Part("assistant", index + 1, answer),
                Part("template", None, " "),
            ]
        else:
            parts.append(Part("template", None, " [/INST]"))
        yield parts


def _strip(parts: Sequence[Part]) -> list[Part]:
    """Strip the joined text of the parts, as str.strip() would, at both ends."""
    kept = list(parts)
    while kept and not kept[0].text.lstrip():
        kept.pop(0)
    while kept and not kept[-1].text.rstrip():
        kept.pop()
    if kept:
        kept[0] = Part(kept[0].kind, kept[0].message, kept[0].text.lstrip())
        kept[-1] = Part(kept[-1].kind, kept[-1].message, kept[-1].text.rstrip())
    return kept


def _encode_exchange(parts: Sequence[Part], tokenizer: Tokenizer) -> list[Segment]:
    segments = [Segment("template", None, "<s>", (tokenizer.bos_token_id,))]
    segments += [
        Segment(part.kind, part.message, part.text, tuple(ids))
        for part, ids in zip(parts, _encode_parts(parts, tokenizer), strict=True)
    ]
    if any(part.kind == "assistant" for part in parts):
        segments.append(Segment("template", None, "</s>", (tokenizer.eos_token_id,)))
    return segments


def _encode_parts(parts: Sequence[Part], tokenizer: Tokenizer) -> list[list[int]]:
    """Tokenise the joined text as a whole, then hand each token to the part it ends in: a word
    has its space in front, and a token with a visitor's text in it is never the template's."""
    text = "".join(part.text for part in parts)
    encoded = tokenizer(
        text,
        add_special_tokens=False,
        split_special_tokens=True,
        return_offsets_mapping=True,
        verbose=False,  # a long text is no news: what does not fit is dropped later
    )
    ends, forged, position = [], [], 0
    for part in parts:
        ends.append(position + len(part.text))
        if part.kind != "template":
            forged += [(position + m.start(), position + m.end()) for m in _TAG.finditer(part.text)]
        position = ends[-1]

    ids: list[list[int]] = [[] for _ in parts]
    owner = tag = 0
    for token, (start, end) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
        while end > ends[owner] and owner < len(parts) - 1:
            owner += 1
        while tag < len(forged) and forged[tag][1] <= start:
            tag += 1
        inside_tag = tag < len(forged) and forged[tag][0] < end
        ids[owner] += _spell(token, tokenizer) if inside_tag else [token]
    return ids


def _spell(token: int, tokenizer: Tokenizer) -> list[int]:
    """One token per character of the token: every BPE piece is built from such characters."""
    piece = tokenizer.convert_ids_to_tokens(token)
    if len(piece) == 1 or re.fullmatch(r"<0x[0-9A-F]{2}>", piece):
        return [token]
    return [tokenizer.convert_tokens_to_ids(character) for character in piece]
