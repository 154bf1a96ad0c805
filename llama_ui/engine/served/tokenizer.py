"""The tokenizer of a server, as prompt formats use one; here that of llama.cpp's server.

The vocabulary is read once; to cut a text into tokens, or to write a chat by its template, the
server is asked. So its tokens are those that the model gets, whatever kind of tokenizer it has.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from llama_ui.errors import EngineError

# Asks the server: a path, a body; gives the object that it answers. Raises ChatError.
Ask = Callable[[str, dict[str, Any]], dict[str, Any]]

_SPM = 1  # llama.cpp's number for SentencePiece vocabularies
_BYTE_TOKENS = range(3, 259)  # of SentencePiece, behind <unk>, <s> and </s>
_CHUNK = 20_000
_MAX_VOCABULARY = 1_000_000
_MOST_TAGS = 5_000
# How control tokens look; each that looks so is tried.
_TAG = re.compile(r" ?[<\[].{1,100}[>\]]", re.DOTALL)
# What a model writes in its replies, though it is one token that nothing else is cut into.
_WRITTEN = re.compile(r"</?(think|tool_call|tool_response)>")


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A control token, named as transformers does."""

    content: str
    special: bool = True


class ServerTokenizer:
    """Text to ids and back. Made by `read_tokenizer`; called from threads without an event loop.

    Args:
        ask: asks the server.
        pieces: the bytes of each token, by its id.
        control: the texts of the control tokens, and their ids.
        is_spm: whether the vocabulary is SentencePiece's; otherwise it is byte-level.
        template: the chat template; None where the model has none.
        bos: the id that begins a text.
        eos: the id that ends a text.
        adds_bos: whether the server puts the first in front of every text.
    """

    def __init__(
        self,
        ask: Ask,
        pieces: Sequence[bytes],
        control: dict[str, int],
        is_spm: bool,
        template: str | None,
        bos: int | None,
        eos: int | None,
        adds_bos: bool = True,
    ) -> None:
        self._ask, self._pieces, self.is_spm = ask, pieces, is_spm
        self._adds_bos = adds_bos
        self.chat_template = template
        self.added_tokens_encoder = control
        self.added_tokens_decoder = {
            token: AddedToken(text, not _WRITTEN.fullmatch(text)) for text, token in control.items()
        }
        added = self.added_tokens_decoder.items()
        self.all_special_ids = {token for token, its in added if its.special}
        self.bos_token_id, self.eos_token_id = bos, eos
        self.bos_token = None if bos is None else self.piece(bos)
        self._names = [self._name(token) for token in range(len(pieces))]
        # Where two tokens have one name, the later is the ordinary one.
        self._ids = {name: token for token, name in enumerate(self._names)}
        self._by_bytes = {piece: token for token, piece in enumerate(pieces)}
        self.backend_tokenizer = self
        # Whether a space is put in front of a text, and of what follows a control token.
        self._pads = self._pad("x"), self._pad(f"{next(iter(control), '')}x")

    def __len__(self) -> int:
        return len(self._pieces)

    def __call__(
        self,
        text: str | list[str],
        *,
        add_special_tokens: bool = True,
        split_special_tokens: bool = False,
        **_: Any,
    ) -> dict[str, Any]:
        """The ids of a text, and where each lies in it; of a list, lists of both.

        Args:
            add_special_tokens: put in front what the server puts in front of every text.
            split_special_tokens: control tokens in the text stay text.
        """
        texts = [text] if isinstance(text, str) else text
        ids = self._cut(texts, not split_special_tokens)
        offsets = [[*self._offsets(t, i)] for t, i in zip(texts, ids, strict=True)]
        if add_special_tokens and self._adds_bos and self.bos_token_id is not None:
            ids = [[self.bos_token_id, *these] for these in ids]
            offsets = [[(0, 0), *these] for these in offsets]
        if isinstance(text, str):
            return {"input_ids": ids[0], "offset_mapping": offsets[0]}
        return {"input_ids": ids, "offset_mapping": offsets}

    def get_chat_template(self) -> str | None:
        """The chat template."""
        return self.chat_template

    def apply_chat_template(self, messages: Sequence[dict[str, str]], **_: Any) -> str:
        """The prompt that the template writes, up to where the reply begins."""
        answer = self._ask("/apply-template", {"messages": [*messages]})
        prompt = answer.get("prompt")
        if not isinstance(prompt, str):
            raise unreadable()
        # The server leaves the first token to its tokenizer.
        bos = self.bos_token or ""
        return prompt if prompt.startswith(bos) else bos + prompt

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool = False, **_: Any) -> str:
        """The text of these ids."""
        kept = (t for t in ids if not (skip_special_tokens and t in self.all_special_ids))
        text = b"".join(map(self.piece_bytes, kept)).decode(errors="replace")
        return text.removeprefix(" ") if self.is_spm else text

    def piece(self, token: int) -> str:
        """What a token looks like by itself."""
        return self.piece_bytes(token).decode(errors="replace")

    def piece_bytes(self, token: int) -> bytes:
        """What a token stands for; nothing for one that does not exist."""
        return self._pieces[token] if 0 <= token < len(self._pieces) else b""

    def convert_ids_to_tokens(self, ids: int | Sequence[int]) -> Any:
        """Entries of the vocabulary, as transformers names them; None where there is none."""
        if isinstance(ids, int):
            return self._names[ids] if 0 <= ids < len(self._names) else None
        return [self.convert_ids_to_tokens(token) for token in ids]

    def convert_tokens_to_string(self, tokens: Sequence[str]) -> str:
        """The text of entries of the vocabulary; part of a character as its bytes, <0xE2>."""
        ids = [self._ids[name] for name in tokens]
        text = b"".join(map(self.piece_bytes, ids)).decode(errors="surrogateescape")
        return re.sub("[\udc80-\udcff]", lambda byte: f"<0x{ord(byte[0]) - 0xDC00:02X}>", text)

    def convert_tokens_to_ids(self, tokens: str | Sequence[str]) -> Any:
        """The ids of entries of the vocabulary; None where there is none."""
        if isinstance(tokens, str):
            return self._ids.get(tokens)
        return [self._ids.get(token) for token in tokens]

    token_to_id = convert_tokens_to_ids

    def to_str(self) -> str:
        """Which alphabet the entries are written in, as the tokenizers library says it."""
        kind = "ByteFallback" if self.is_spm else "ByteLevel"
        return json.dumps({"decoder": {"type": kind}})

    def split(self, content: bytes, count: int) -> tuple[int, ...] | None:
        """So many tokens that stand for these bytes; None where there are none."""
        if count == 0:
            return () if not content else None
        for length in range(len(content) - count + 1, 0, -1):
            first = self._by_bytes.get(content[:length])
            if first is not None and (rest := self.split(content[length:], count - 1)) is not None:
                return (first, *rest)
        return None

    def _cut(self, texts: Sequence[str], with_control: bool) -> list[list[int]]:
        """The ids of each text; one request for all, with a token between them that is in none."""
        between = next(
            (
                i
                for text, i in self.added_tokens_encoder.items()
                if not any(text in t for t in texts)
            ),
            None,
        )
        if between is None:
            return [(self._tokenize([text], with_control)) for text in texts]
        content = [part for text in texts for part in (text, between)]
        cut: list[list[int]] = [[]]
        for token in self._tokenize(content, with_control):
            if token == between:
                cut.append([])
            else:
                cut[-1].append(token)
        if len(cut) != len(texts) + 1:
            raise unreadable()
        return cut[:-1]

    def _tokenize(self, content: Sequence[str | int], with_control: bool) -> list[int]:
        body = {"content": [*content], "add_special": False, "parse_special": with_control}
        ids = self._ask("/tokenize", body).get("tokens")
        if not isinstance(ids, list) or not all(self._exists(token) for token in ids):
            raise unreadable()
        return ids

    def _exists(self, token: Any) -> bool:
        return type(token) is int and 0 <= token < len(self._pieces)

    def _offsets(self, text: str, ids: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Where each token lies in the text, in characters; part of one counts as all of it."""
        content, written = text.encode(), self._written(ids)
        if b"".join(written) != content:
            # It writes some text in another way: which, is not known.
            yield from ((0, len(text)) for _ in ids)
            return
        begins = [at for at, byte in enumerate(content) if byte & 0xC0 != 0x80]
        at = place = 0
        for piece in written:
            start = place
            at += len(piece)
            while place < len(begins) and begins[place] < at:
                place += 1
            # A token that only goes on with a character shares its place.
            yield min(start, max(place - 1, 0)), place

    def _pad(self, text: str) -> bool:
        """Whether a space is put in front of the x at the end of the text."""
        return self.is_spm and self.piece(self._cut([text], True)[0][-1]) == " x"

    def _written(self, ids: Sequence[int]) -> list[bytes]:
        """What each token stands for in the text: SentencePiece puts a space in front, of a text
        and, some tokenizers, of what follows a control token."""
        written, pads = [], self._pads[0]
        for token in ids:
            is_control = token in self.added_tokens_decoder
            piece = self.piece_bytes(token)
            written.append(piece.removeprefix(b" ") if pads and not is_control else piece)
            pads = is_control and self._pads[1]
        return written

    def _name(self, token: int) -> str:
        piece = self._pieces[token]
        if token in self.added_tokens_decoder:
            return piece.decode(errors="replace")
        if not self.is_spm:
            return "".join(ALPHABET[byte] for byte in piece)
        if token in _BYTE_TOKENS and piece == bytes([token - _BYTE_TOKENS[0]]):
            return f"<0x{piece[0]:02X}>"
        return piece.decode(errors="replace").replace(" ", "▁")


def read_tokenizer(ask: Ask, vocabulary: int, kind: int, props: dict[str, Any]) -> ServerTokenizer:
    """Ask the server for its vocabulary, and which of its tokens are control tokens.

    Args:
        ask: asks the server.
        vocabulary: how many tokens there are.
        kind: llama.cpp's number of the kind of vocabulary.
        props: what the server says of its model.

    Raises:
        ChatError: it does not tell.
    """
    if not 0 < vocabulary <= _MAX_VOCABULARY:
        raise unreadable()
    pieces: list[bytes] = []
    for start in range(0, vocabulary, _CHUNK):
        content = [*range(start, min(start + _CHUNK, vocabulary))]
        answer = ask("/tokenize", {"content": content, "with_pieces": True})
        pieces += _pieces(answer, content)
    control = _control_tokens(ask, pieces)
    ids = {piece: token for token, piece in enumerate(pieces)}
    added = ask("/tokenize", {"content": "", "add_special": True}).get("tokens")
    template = props.get("chat_template")
    if not isinstance(template, str) or _is_stand_in(template, control):
        template = None
    return ServerTokenizer(
        ask,
        pieces,
        control,
        is_spm=kind == _SPM,
        template=template or None,
        bos=added[0] if isinstance(added, list) and added else None,
        eos=ids.get(str(props.get("eos_token")).encode()),
    )


def _is_stand_in(template: str, control: dict[str, int]) -> bool:
    """Whether it is ChatML, which the server shows for a model that has no template."""
    return "<|im_start|>" in template and "<|im_start|>" not in control


def _pieces(answer: dict[str, Any], ids: Sequence[int]) -> Iterator[bytes]:
    listed = answer.get("tokens")
    if not isinstance(listed, list) or len(listed) != len(ids):
        raise unreadable()
    for token, entry in zip(ids, listed, strict=True):
        piece = entry.get("piece") if isinstance(entry, dict) else None
        if piece is None or entry.get("id") != token:
            raise unreadable()
        try:
            yield piece.encode() if isinstance(piece, str) else bytes(piece)
        except (TypeError, ValueError):
            raise unreadable() from None


def tags(pieces: Sequence[bytes]) -> dict[str, int]:
    """The tokens that look like control tokens, by their texts."""
    found = {
        text: token
        for token, piece in enumerate(pieces)
        if len(piece) > 2 and _TAG.fullmatch(text := piece.decode(errors="replace"))
    }
    if len(found) > _MOST_TAGS:
        raise unreadable()
    return found


def _control_tokens(ask: Ask, pieces: Sequence[bytes]) -> dict[str, int]:
    """Those that look like one, and are one token only where control tokens are recognised."""
    control = {}
    for text, token in tags(pieces).items():
        body = {"content": text, "add_special": False}
        known = ask("/tokenize", {**body, "parse_special": True})
        if known.get("tokens") != [token]:
            continue
        plain = ask("/tokenize", {**body, "parse_special": False})
        if plain.get("tokens") != [token]:
            control[text] = token
    return control


def unreadable() -> EngineError:
    return EngineError(
        "The server does not tell its tokens in a way that is understood here.",
        "Whoever runs this page can try another version of it.",
    )


def _byte_alphabet() -> list[str]:
    """GPT-2's character for each byte: itself where it can be printed, else from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


ALPHABET = _byte_alphabet()
