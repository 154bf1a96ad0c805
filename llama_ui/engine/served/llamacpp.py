"""llama.cpp's own server, by its native endpoints: prompts as token ids, tokens and their
probabilities back.

Reference: tools/server/README.md of llama.cpp (seen with release b11549). What OpenAI's protocol
does not have there: the prompt is written here, so what a person typed is never a control token;
options have llama.cpp's names, in the order of transformers; a visitor has a slot of their own.
"""

import json
import math
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any

from llama_ui.chat.form import AnswerForm
from llama_ui.chat.sampling import Sampling, wire_values
from llama_ui.engine.reply import Token
from llama_ui.engine.served.faults import line
from llama_ui.engine.served.native import NativeServer
from llama_ui.engine.served.openai import Event, Usage, content_of, count
from llama_ui.engine.served.server import RemoteServer
from llama_ui.engine.served.stream import ServerEvent
from llama_ui.engine.served.tokenizer import ServerTokenizer, read_tokenizer
from llama_ui.errors import OptionError
from llama_ui.prompt.formats import choose_format
from llama_ui.prompt.llama2 import PromptFormat
from llama_ui.prompt.plan import PromptPlan

_SAMPLERS = ["penalties", "temperature", "top_k", "top_p", "min_p"]
_FIELDS = ["content", "tokens", "stop_type", "truncated", "timings", "completion_probabilities"]
_ENDS = {"eos": "stop", "word": "stop", "limit": "length"}
_MOST_HIDDEN_BYTES = 16
_LEAST = -1e4  # for what is not possible at all


class LlamaCpp(NativeServer):
    """How llama.cpp's server is asked, and what its model makes of a conversation.

    Args:
        server: where it is.
        tokenizer: its tokenizer.
        format: how its model wants its prompts.
        props: what it says of itself.
    """

    def __init__(
        self,
        server: RemoteServer,
        tokenizer: ServerTokenizer,
        format: PromptFormat,
        props: Mapping[str, Any],
    ) -> None:
        super().__init__(server, tokenizer, format, props.get("model_path"))
        self.url = f"{server.root}/completion"
        self._slots = _Slots(count(props.get("total_slots")) or 1)
        self.quantization = line(str(props.get("model_ftype") or ""), 40).removeprefix("(guessed) ")

    def model_now(self) -> object:
        """Which model the server has."""
        return self._server.ask("/props").get("model_path")

    def check_form(self, form: AnswerForm | None) -> None:
        """Raises OptionError for a form that the server has no words for."""
        _form_fields(form)

    def body(
        self, plan: PromptPlan, sampling: Sampling, leave_out: Collection[str]
    ) -> dict[str, Any]:
        """What asks for a reply. Every option is sent: the server has defaults of its own."""
        slot, may_reuse = self._slots.of(plan.owner)
        options = wire_values(sampling, "llama.cpp")
        # It would hold text back without its tokens; stop words are found here.
        del options["stop"]
        return {
            **options,
            **_form_fields(sampling.answer_form),
            "prompt": plan.ids,
            "stream": True,
            "return_tokens": True,
            "n_probs": sampling.top_logprobs,
            "samplers": _SAMPLERS,
            # As far as ours looks back: to the beginning.
            "repeat_last_n": self._window,
            "timings_per_token": True,
            "response_fields": _FIELDS,
            "id_slot": slot,
            "cache_prompt": may_reuse,
        }

    def reader(self, plan: PromptPlan, sampling: Sampling) -> Callable[[ServerEvent], Event]:
        """What reads the events of one reply."""
        return _Reader(self._tokenizer, len(plan.ids), begins=not plan.begun).read


def _form_fields(form: AnswerForm | None) -> dict[str, Any]:
    """The form of a reply in the server's words; raises OptionError where it has none for it."""
    if form is None:
        return {}
    if form.schema is not None:
        return {"json_schema": form.schema}
    if form.kind == "choices":
        choices = (json.dumps(choice, ensure_ascii=False) for choice in form.choices)
        return {"grammar": f"root ::= {' | '.join(choices)}"}
    raise OptionError("llama.cpp's server knows no patterns.", "Choose another answer form.")


class _Slots:
    """Which slot of the server an owner has. What is kept in a slot is one visitor's, or how fast
    an answer comes would tell others what it was asked."""

    def __init__(self, count: int) -> None:
        self._free = [*range(count)]
        self._owners: OrderedDict[str, int] = OrderedDict()

    def of(self, owner: str) -> tuple[int, bool]:
        """The slot (-1: any), and whether what it holds may be used again."""
        if not owner:
            return -1, False
        if owner in self._owners:
            self._owners.move_to_end(owner)
            return self._owners[owner], True
        slot = self._free.pop() if self._free else self._owners.popitem(last=False)[1]
        self._owners[owner] = slot
        return slot, False


class _Reader:
    """Reads the events of one reply."""

    def __init__(self, tokenizer: ServerTokenizer, prompt_tokens: int, begins: bool) -> None:
        self._tokenizer, self._prompt_tokens = tokenizer, prompt_tokens
        self._drawn = 0
        # SentencePiece's space in front of the first word is none of the reply.
        self._strips = begins and tokenizer.is_spm

    def read(self, event: ServerEvent) -> Event:
        """What one event says; raises as `parse_event` of OpenAI's protocol does."""
        content = content_of(event)
        text = content.get("content", "")
        if not isinstance(text, str):
            raise ValueError("an event that holds no piece of a reply")
        timings = content.get("timings")
        timings = timings if isinstance(timings, dict) else {}
        drawn = count(timings.get("predicted_n"))
        tokens = self._tokens(content, text, drawn - self._drawn)
        self._drawn = max(self._drawn, drawn)
        reused = min(count(timings.get("cache_n")), self._prompt_tokens)
        usage = Usage(self._prompt_tokens, reused, drawn) if drawn else None
        reason = ""
        if "stop_type" in content:
            reason = _ENDS.get(str(content["stop_type"]), "length")
        if self._strips and text:
            text, self._strips = text.removeprefix(" "), False
        return Event(text, finish_reason=reason, usage=usage, tokens=tokens)

    def _tokens(self, content: Mapping[str, Any], text: str, drawn: int) -> tuple[Token, ...]:
        """The tokens of an event.

        Of a character that takes several tokens the server names the last alone. The others are
        found by their bytes, where so many tokens stand for them; their probabilities are not
        known.
        """
        weighed = content.get("completion_probabilities")
        if isinstance(weighed, list) and weighed:
            tokens = tuple(_token(entry) for entry in weighed)
        else:
            ids = content.get("tokens")
            tokens = tuple(Token(_id(token)) for token in ids) if isinstance(ids, list) else ()
        known = b"".join(self._tokenizer.piece_bytes(token.id) for token in tokens)
        whole = text.encode(errors="replace")
        if known == whole or not whole.endswith(known) or drawn <= len(tokens):
            return tokens
        rest = whole[: len(whole) - len(known)]
        if len(rest) > _MOST_HIDDEN_BYTES:
            return tokens
        hidden = self._tokenizer.split(rest, drawn - len(tokens))
        return (*map(Token, hidden or ()), *tokens)


def _token(entry: Any) -> Token:
    top = entry.get("top_logprobs") if isinstance(entry, dict) else None
    if not isinstance(top, list):
        raise ValueError("probabilities that are none")
    return Token(
        _id(entry.get("id")),
        _logprob(entry),
        tuple((_id(other.get("id")), _logprob(other)) for other in top if isinstance(other, dict)),
    )


def _id(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a token that is none")
    return value


def _logprob(entry: Mapping[str, Any]) -> float:
    value = entry.get("logprob")
    if not isinstance(value, int | float) or not math.isfinite(value):
        return _LEAST
    return max(float(value), _LEAST)


def recognise(server: RemoteServer) -> LlamaCpp | None:
    """How the server is asked, if it is llama.cpp's; raises ChatError when it is, and does not
    tell its tokens."""
    props = server.look("/props")
    if "build_info" not in props or server.context_length is None:
        return None
    meta = [entry["meta"] for entry in server.models() if isinstance(entry.get("meta"), dict)]
    if len(meta) != 1:
        return None
    vocabulary, kind = count(meta[0].get("n_vocab")), count(meta[0].get("vocab_type"))
    tokenizer = read_tokenizer(server.ask, vocabulary, kind, props)
    return LlamaCpp(server, tokenizer, choose_format(tokenizer, server.model), props)
