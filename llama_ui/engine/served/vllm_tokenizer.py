"""The tokenizer of a vLLM server: read by `/detokenize`, asked by `/tokenize`.

vLLM names the entries of its vocabulary only as tokens of a text, and always recognises control
tokens. So the vocabulary is read as text, one token apart from the next by a control token; what
that does not show, halves of characters, is learnt from names.
"""

import re
from collections.abc import Sequence
from typing import Any

from llama_ui.engine.served.tokenizer import (
    ALPHABET,
    Ask,
    ServerTokenizer,
    tags,
    unreadable,
)
from llama_ui.errors import ChatError
from llama_ui.prompt.guard import Speller

_CHUNK = 4_096
_MAX_VOCABULARY = 1_000_000
_BYTE_NAME = re.compile(r"<0x([0-9A-F]{2})>")
_BYTES = {name: byte for byte, name in enumerate(ALPHABET)}
# Every byte that a character of several bytes can have, in characters that no tokenizer knows.
_RARE = "".join(chr(0x10F000 + n) for n in range(64)) + "".join(
    bytes([lead, *tail]).decode(errors="ignore")
    for leads, tail in (
        (range(0xC2, 0xE0), b"\xbf"),
        (range(0xE0, 0xF0), b"\xbf\xbf"),
        (range(0xF0, 0xF5), b"\x8f\xbf\xbf"),
    )
    for lead in leads
)
# What is decoded without the space in front, where a tokenizer is told to tidy up.
_TIDIED = "a . b ? c ! d , e ' f n't g 'm h 's i 've j 're k"
_ROLES = ("system", "user", "assistant", "user")


class VllmTokenizer(ServerTokenizer):
    """Text to ids and back. Made by `read_tokenizer`; called from threads without an event loop.

    Args:
        server: the endpoints.
        separator: a control token.
        arguments: as of ServerTokenizer.
    """

    def __init__(self, server: "_Endpoints", separator: str, **arguments: Any) -> None:
        self._server, self._separator = server, separator
        super().__init__(server.ask, **arguments)
        self._control = re.compile("|".join(map(re.escape, self.added_tokens_encoder)) or "(?!)")

    def apply_chat_template(self, messages: Sequence[dict[str, str]], **_: Any) -> str:
        """The prompt that the template writes, as a text that is cut into the same tokens."""
        ids, _names = self._server.tokenize_chat(messages)
        return b"".join(self._written(ids)).decode(errors="replace")

    def _cut(self, texts: Sequence[str], with_control: bool) -> list[list[int]]:
        if not with_control and any(map(self._control.search, texts)):
            return [self._split(text) for text in texts]
        is_used = any(self._separator in text for text in texts)
        if len(texts) == 1 or is_used or self._pads[0] != self._pads[1]:
            return [self._server.tokenize(text)[0] for text in texts]
        # One request for all.
        ids, _ = self._server.tokenize("".join(self._separator + text for text in texts))
        between = self.added_tokens_encoder[self._separator]
        cut: list[list[int]] = []
        for token in ids:
            if token == between:
                cut.append([])
            elif not cut:
                raise unreadable()
            else:
                cut[-1].append(token)
        if len(cut) != len(texts):
            raise unreadable()
        return cut

    def _split(self, text: str) -> list[int]:
        """The ids of a text whose control tokens are to stay text: the last character of each is
        hidden behind one that nobody uses, and spelled afterwards, as in guard.py."""
        mark = next(c for c in map(chr, range(0x10FFFD, 0, -1)) if c not in text)
        hidden = self._control.sub(lambda found: found[0][:-1] + mark, text)
        typed = iter(found[-1] for found in self._control.findall(text))
        code, speller = mark.encode(), Speller(self)
        ids: list[int] = []
        held, run = b"", list[int]()
        cut, _ = self._server.tokenize(hidden)
        for token, piece in zip(cut, self._written(cut), strict=True):
            held, run = held + piece, [*run, token]
            if any(held.endswith(code[:length]) for length in range(1, len(code))):
                continue  # the rest of the character follows
            if code in held:
                shown = re.sub(mark, lambda _: next(typed), held.decode(errors="replace"))
                run = speller.spell(shown)
            ids += run
            held, run = b"", []
        return ids + run


class _Endpoints:
    """The endpoints about tokens."""

    def __init__(self, ask: Ask, model: str) -> None:
        self.ask, self._model = ask, model

    def tokenize(self, text: str, with_start: bool = False) -> tuple[list[int], list[str]]:
        """The tokens of a text: ids, and their names in the vocabulary."""
        return self._tokens({"prompt": text, "add_special_tokens": with_start})

    def tokenize_chat(self, messages: Sequence[dict[str, str]]) -> tuple[list[int], list[str]]:
        """The tokens that the template makes of messages."""
        return self._tokens({"messages": [*messages]})

    def detokenize(self, ids: Sequence[int]) -> str:
        """The text of tokens, control tokens included."""
        text = self.ask("/detokenize", {"model": self._model, "tokens": [*ids]}).get("prompt")
        if not isinstance(text, str):
            raise unreadable()
        return text

    def _tokens(self, body: dict[str, Any]) -> tuple[list[int], list[str]]:
        body = {"model": self._model, "return_token_strs": True, **body}
        answer = self.ask("/tokenize", body)
        ids, names = answer.get("tokens"), answer.get("token_strs")
        if not isinstance(ids, list) or not isinstance(names, list) or len(ids) != len(names):
            raise unreadable()
        if not all(type(i) is int and i >= 0 and isinstance(n, str) for i, n in zip(ids, names)):  # noqa: B905
            raise unreadable()
        return ids, names


def read_tokenizer(ask: Ask, model: str) -> VllmTokenizer:
    """Ask the server for its vocabulary, and which of its tokens are control tokens.

    Raises:
        ChatError: it does not tell.
    """
    server = _Endpoints(ask, model)
    # Of an empty text it puts nothing in front.
    started, plain = server.tokenize("0", with_start=True), server.tokenize("0")
    has_start, has_template = started != plain, True
    try:
        written = server.tokenize_chat([{"role": "user", "content": "x"}])
    except ChatError:
        has_template, written = False, plain
    # Where nothing is put in front of a text, the template begins with a control token.
    ids, names = started if has_start else written
    if not ids:
        raise unreadable()
    separator, text = ids[0], names[0]
    pieces = _pieces(server, separator, text)
    is_spm = any("\u2581" in name for name in server.tokenize("a b")[1])
    _learn(pieces, server, is_spm)
    control = _control_tokens(server, pieces)
    if text not in control:
        raise unreadable()
    tokenizer = VllmTokenizer(
        server,
        text,
        pieces=pieces,
        control=control,
        is_spm=is_spm,
        template=None,
        bos=separator,
        adds_bos=has_start,
        eos=control.get("</s>"),
    )
    if has_template:
        tokenizer.chat_template = _template(tokenizer, server)
    return tokenizer


def _pieces(server: _Endpoints, separator: int, text: str) -> list[bytes]:
    """The text of each token, by its id, as far as it is whole characters."""
    pieces: list[bytes] = []
    while len(pieces) < _MAX_VOCABULARY:
        chunk = [t for t in range(len(pieces), len(pieces) + _CHUNK) if t != separator]
        between = [token for one in chunk for token in (separator, one)]
        parts = server.detokenize([*between, separator]).split(text)[1:-1]
        if len(parts) != len(chunk):
            raise unreadable()
        found = dict(zip(chunk, parts, strict=True))
        start = len(pieces)
        pieces += [found.get(t, text).encode() for t in range(start, start + _CHUNK)]
        if not any(parts[-100:]):
            while pieces and not pieces[-1]:
                pieces.pop()
            return pieces
    raise unreadable()


def _learn(pieces: list[bytes], server: _Endpoints, is_spm: bool) -> None:
    """Put in what the text of a token alone does not show."""
    for text in (_TIDIED, _RARE):
        for token, name in zip(*server.tokenize(text), strict=True):
            if token >= len(pieces):
                raise unreadable()
            if is_spm and (byte := _BYTE_NAME.fullmatch(name)):
                # They stand side by side.
                first = token - int(byte[1], 16)
                pieces[first : first + 256] = [bytes([n]) for n in range(256)]
            elif is_spm:
                pieces[token] = name.replace("\u2581", " ").encode()
            elif all(character in _BYTES for character in name):
                pieces[token] = bytes(_BYTES[character] for character in name)


def _control_tokens(server: _Endpoints, pieces: Sequence[bytes]) -> dict[str, int]:
    """Those that look like one, and that nothing around them is ever joined with."""
    found = tags(pieces)
    for around in ("a{0}a", "<{0}>", "{0}{0}"):
        ids, _ = server.tokenize("\n".join(around.format(text) for text in found))
        found = {text: token for text, token in found.items() if token in {*ids}}
    return found


def _template(tokenizer: VllmTokenizer, server: _Endpoints) -> str:
    """What the template writes around messages, which stands for the template itself: it is not
    told. Raises ChatError where what it writes cannot be cut into the same tokens again."""
    shown = ""
    for roles in (_ROLES, _ROLES[1:], _ROLES[3:]):
        messages = [{"role": role, "content": f"Some  text, {role}."} for role in roles]
        try:
            ids, _ = server.tokenize_chat(messages)
        except ChatError:
            continue  # it has no such role
        text = tokenizer.apply_chat_template(messages)
        if server.tokenize(text)[0] != ids:
            raise unreadable()
        shown = shown or text
    # It is read as a template: nothing in it may look like one.
    return re.sub(r"[{}]", "", shown)
