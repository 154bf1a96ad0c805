"""The tokenizer and the chat template that a GGUF file describes, with the ids that the model was
trained with.

It offers what prompts and replies use of a transformers fast tokenizer; transformers itself takes
seconds to import, and ignores how such a file says that a text is cut.
"""

import json
import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import Node
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from tokenizers.pre_tokenizers import PreTokenizer

from llama_ui.engine.gguf.reader import Damaged, Gguf
from llama_ui.engine.loading.sentencepiece import (
    CONTROL,
    NORMAL,
    UNKNOWN,
    USER_DEFINED,
    Piece,
    Vocabulary,
    tokenizer_of,
)
from llama_ui.errors import ModelError

_MOST_CHARACTERS = 1_000  # of a token; Llama 3 has one of 128 spaces
# Control tokens that end a reply, whether the file says so or not (llama.cpp knows them too).
_ENDS = {"</s>", "<|endoftext|>", "<|end_of_text|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>"}
_ENDS |= {"<|end|>", "<|eot|>", "<end_of_turn>", "<EOT>"}
_SPECIAL = ("bos", "eos", "unknown", "padding")

# How a text is cut before its pieces are joined: the pattern of Llama 3's own tokenizer.json.
_LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# tokenizer.ggml.pre (llama.cpp, src/llama-vocab.cpp): the pattern, and whether a piece that is in
# the vocabulary is taken whole. None is GPT-2's own pattern.
_PATTERNS: dict[str, tuple[str | None, bool]] = {
    "gpt-2": (None, False),
    "smollm": (None, False),
    "llama-bpe": (_LLAMA_3, True),
    "llama3": (_LLAMA_3, True),
    "llama-v3": (_LLAMA_3, True),
    "falcon3": (_LLAMA_3, True),
    "smaug-bpe": (_LLAMA_3, False),
}


class GgufTokenizer:
    """Text to ids and back, and messages to text.

    Args:
        file: with a vocabulary.

    Raises:
        ModelError: the vocabulary is of a kind that this page does not know.
        Damaged: it makes no sense.
    """

    def __init__(self, file: Gguf) -> None:
        tokens = file.array("tokenizer.ggml.tokens", str)
        kinds = file.array("tokenizer.ggml.token_type", int) or [NORMAL] * len(tokens)
        if not tokens or len(kinds) != len(tokens):
            raise Damaged("its vocabulary is incomplete")
        if max(map(len, tokens)) > _MOST_CHARACTERS:
            raise Damaged("a token in it is too long")
        model = file.get("tokenizer.ggml.model", str)
        try:
            if model == "llama":
                self.backend_tokenizer = _sentencepiece(file, tokens, kinds)
            elif model == "gpt2":
                self.backend_tokenizer = _byte_level(file, tokens, kinds)
            else:
                raise _unknown(file, f"a tokenizer of the kind {model[:40]!r}")
        except (ModelError, Damaged):
            raise
        except Exception as error:
            raise Damaged(f"its vocabulary cannot be used ({str(error)[:100]})") from error
        # SentencePiece's usual places; llama.cpp assumes them too.
        usual = {"bos": 1, "eos": 2, "unknown": 0} if model == "llama" else {}
        ids = {name: _special(file, name, len(tokens), usual.get(name)) for name in _SPECIAL}
        self.bos_token_id, self.eos_token_id = ids["bos"], ids["eos"]
        texts = {name: None if id is None else tokens[id] for name, id in ids.items()}
        self.bos_token = texts["bos"]
        self._texts = {
            {"unknown": "unk_token", "padding": "pad_token"}.get(name, f"{name}_token"): text
            for name, text in texts.items()
            if text is not None
        }
        named = (_special(file, name, len(tokens)) for name in ("eot", "eom"))
        known = (id for id, kind in enumerate(kinds) if kind == CONTROL and tokens[id] in _ENDS)
        ends = (self.eos_token_id, *named, *known)
        self.end_tokens = frozenset(id for id in ends if id is not None)
        self.size = len(tokens)
        self.all_special_ids = [id for id, kind in enumerate(kinds) if kind in (UNKNOWN, CONTROL)]
        self.chat_template = file.get("tokenizer.chat_template", str, "") or None
        self._template: Any = None
        # Whether control tokens are recognised is a state of the tokenizer, not of a call.
        self._lock = threading.Lock()

    def __call__(
        self, text: str | list[str], *, split_special_tokens: bool = False, **_: Any
    ) -> dict[str, list[Any]]:
        """The ids of a text, and where each token lies in it; of a list, lists of both.

        Args:
            split_special_tokens: control tokens in the text stay text.
        """
        with self._lock:
            self.backend_tokenizer.encode_special_tokens = split_special_tokens
            texts = [text] if isinstance(text, str) else text
            found = self.backend_tokenizer.encode_batch(texts, add_special_tokens=False)
        ids, offsets = [each.ids for each in found], [each.offsets for each in found]
        if isinstance(text, str):
            return {"input_ids": ids[0], "offset_mapping": offsets[0]}
        return {"input_ids": ids, "offset_mapping": offsets}

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool = False, **_: Any) -> str:
        """The text of these ids."""
        text: str = self.backend_tokenizer.decode(
            list(ids), skip_special_tokens=skip_special_tokens
        )
        return text

    def convert_ids_to_tokens(self, token: int) -> str | None:
        """The entry of the vocabulary; None where there is none."""
        piece: str | None = self.backend_tokenizer.id_to_token(token)
        return piece

    def convert_tokens_to_ids(self, piece: str) -> int | None:
        """The id of an entry of the vocabulary; None where there is none."""
        token: int | None = self.backend_tokenizer.token_to_id(piece)
        return token

    def convert_tokens_to_string(self, pieces: list[str]) -> str:
        """The text of entries of the vocabulary."""
        text: str = self.backend_tokenizer.decoder.decode(pieces)
        return text

    @property
    def added_tokens_decoder(self) -> dict[int, AddedToken]:
        """The tokens that are found before a text is cut, by id."""
        found: dict[int, AddedToken] = self.backend_tokenizer.get_added_tokens_decoder()
        return found

    def get_chat_template(self) -> str:
        """The template; raises ValueError where there is none."""
        if self.chat_template is None:
            raise ValueError("there is none")
        return self.chat_template

    def apply_chat_template(
        self, messages: Sequence[Any], *, add_generation_prompt: bool = False, **_: Any
    ) -> str:
        """What the template makes of the messages; raises jinja2's TemplateError."""
        if self._template is None:
            self._template = _environment().from_string(self.get_chat_template())
        text: str = self._template.render(
            messages=messages,
            add_generation_prompt=add_generation_prompt,
            tools=None,
            documents=None,
            **self._texts,
        )
        return text


def _special(file: Gguf, name: str, size: int, usual: int | None = None) -> int | None:
    key = f"tokenizer.ggml.{name}_token_id"
    if key not in file.metadata:
        return usual
    id = file.get(key, int)
    if id >= size:
        raise Damaged(f"{key} is {id:,}")
    return id


def _unknown(file: Gguf, what: str) -> ModelError:
    return ModelError(
        f"{file.path.name} has {what}, which this page does not know.",
        "Choose another file of the model, or serve it with llama.cpp and start with --server URL.",
    )


def _sentencepiece(file: Gguf, tokens: list[str], kinds: list[int]) -> Tokenizer:
    scores = file.array("tokenizer.ggml.scores", float)
    if len(scores) != len(tokens):
        raise Damaged("its vocabulary is incomplete")
    pieces = [Piece(*entry) for entry in zip(tokens, scores, kinds, strict=True)]
    joins_spaces = file.get("tokenizer.ggml.remove_extra_whitespaces", bool, False)
    has_prefix = file.get("tokenizer.ggml.add_space_prefix", bool, True)
    vocabulary = Vocabulary(pieces, has_prefix=has_prefix, joins_spaces=joins_spaces)
    # llama.cpp puts a space in front of what follows a control token too.
    return tokenizer_of(vocabulary, legacy=True)


def _byte_level(file: Gguf, tokens: list[str], kinds: list[int]) -> Tokenizer:
    """GPT-2's alphabet, in which every byte is a character (Radford et al. 2019)."""
    pre = file.get("tokenizer.ggml.pre", str, "")
    if pre not in _PATTERNS:
        told = (
            f"a tokenizer that cuts texts in the way {pre[:40]!r}"
            if pre
            else ("a tokenizer that does not say how it cuts texts (an old converter made it)")
        )
        raise _unknown(file, told)
    pattern, ignore_merges = _PATTERNS[pre]
    merges = [_pair(merge) for merge in file.array("tokenizer.ggml.merges", str)]
    vocabulary: dict[str, int] = {}
    for id, token in enumerate(tokens):
        vocabulary.setdefault(token, id)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=ignore_merges))
    steps: list[PreTokenizer] = []
    if pre == "smollm":
        steps.append(pre_tokenizers.Digits(individual_digits=True))
    if pattern is not None:
        steps.append(pre_tokenizers.Split(Regex(pattern), "isolated"))
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    for kind in (UNKNOWN, CONTROL):
        special = [token for token, its in zip(tokens, kinds, strict=True) if its == kind]
        tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in special])
    own = [token for token, its in zip(tokens, kinds, strict=True) if its == USER_DEFINED]
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in own])
    return tokenizer


def _pair(merge: str) -> tuple[str, str]:
    left, _, right = merge.partition(" ")
    if not left or not right:
        raise Damaged("a merge in its vocabulary makes no sense")
    return left, right


def _environment() -> ImmutableSandboxedEnvironment:
    """What a template may use, as transformers has it (utils/chat_template_utils.py)."""

    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    def tojson(value: Any, indent: int | None = None, **_: Any) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    # A template comes with the file: it gets no class, and no name that leads to Python's insides.
    environment.globals["dict"] = lambda *values, **named: dict(*values, **named)
    environment.globals["namespace"] = lambda *values, **named: _Namespace(*values, **named)
    return environment


class _Namespace(Namespace):
    def __init__(self, *values: Any, **named: Any) -> None:
        super().__init__()
        for name, value in dict(*values, **named).items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        if not isinstance(name, str) or name.startswith("_"):
            raise SecurityError("a template may not set names that begin with _")
        super().__setitem__(name, value)


class _Generation(Extension):
    """`{% generation %}` marks what the assistant says, for training; here it is just its text."""

    tags = {"generation"}  # noqa: RUF012 - the type that jinja2 gives it

    def parse(self, parser: Parser) -> list[Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)
