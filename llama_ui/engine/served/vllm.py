"""vLLM, by its own endpoints: prompts as token ids, tokens and their probabilities back.

Reference: docs.vllm.ai, "OpenAI-Compatible Server" (seen with 0.32). As with llama.cpp's server
the prompt is written here. Earlier prompts are used again by vLLM itself; a salt for each visitor
keeps what one asked from telling in the time that another waits.
"""

import hashlib
import math
import secrets
from collections.abc import Callable, Collection, Mapping
from typing import Any

from llama_ui.chat.form import AnswerForm
from llama_ui.chat.sampling import Sampling, wire_values
from llama_ui.engine.reply import Token
from llama_ui.engine.served.native import NativeServer
from llama_ui.engine.served.openai import Event, content_of, usage_of
from llama_ui.engine.served.server import RemoteServer
from llama_ui.engine.served.stream import ServerEvent
from llama_ui.engine.served.tokenizer import ServerTokenizer
from llama_ui.engine.served.vllm_tokenizer import read_tokenizer
from llama_ui.prompt.formats import choose_format
from llama_ui.prompt.llama2 import PromptFormat
from llama_ui.prompt.plan import PromptPlan

# The first event repeats the prompt: a longer one would be larger than an event may be.
_MOST_REPEATED = 100_000
_NAMED = "token_id:"


class Vllm(NativeServer):
    """How vLLM is asked, and what its model makes of a conversation; arguments as its base."""

    def __init__(
        self, server: RemoteServer, tokenizer: ServerTokenizer, format: PromptFormat, model: object
    ) -> None:
        super().__init__(server, tokenizer, format, model)
        self.url = f"{server.address}/completions"

    def model_now(self) -> object:
        """Which model the server has."""
        return _model(self._server)

    def check_form(self, form: AnswerForm | None) -> None:
        """Nothing is refused here: a schema that it cannot keep to the server refuses itself."""

    def body(
        self, plan: PromptPlan, sampling: Sampling, leave_out: Collection[str]
    ) -> dict[str, Any]:
        """What asks for a reply. Every option is sent: a model may bring defaults of its own."""
        options = wire_values(sampling, "vllm")
        # It would hold text back without its tokens; stop words are found here.
        del options["stop"]
        if sampling.top_logprobs:
            options["logprobs"] = sampling.top_logprobs
        if sampling.answer_form is not None:
            options["structured_outputs"] = _form_fields(sampling.answer_form)
        salt = hashlib.sha256(plan.owner.encode()).hexdigest() if plan.owner else None
        return {
            **{name: value for name, value in options.items() if name not in leave_out},
            "model": self._server.model,
            "prompt": plan.ids,
            "stream": True,
            "stream_options": {"include_usage": True, "continuous_usage_stats": True},
            "return_token_ids": len(plan.ids) <= _MOST_REPEATED,
            "return_tokens_as_token_ids": True,
            "cache_salt": salt or secrets.token_hex(16),
        }

    def reader(self, plan: PromptPlan, sampling: Sampling) -> Callable[[ServerEvent], Event]:
        """What reads the events of one reply."""
        strips = self._tokenizer.is_spm and not plan.begun
        return _Reader(strips, sampling.top_logprobs).read


def _form_fields(form: AnswerForm) -> dict[str, Any]:
    """The form of a reply in the server's words."""
    if form.schema is not None:
        return {"json": form.schema}
    return {"choice": form.choices} if form.kind == "choices" else {"regex": form.text}


class _Reader:
    """Reads the events of one reply.

    Args:
        strips: whether SentencePiece's space in front of the first word is still to come.
        most: alternatives that were asked for; the one that was drawn may come on top of them.
    """

    def __init__(self, strips: bool, most: int) -> None:
        self._strips, self._most = strips, most

    def read(self, event: ServerEvent) -> Event:
        """What one event says; raises as `parse_event` of OpenAI's protocol does."""
        content = content_of(event)
        choices, usage = content.get("choices"), usage_of(content.get("usage"))
        if not choices:
            return Event(usage=usage)
        choice = choices[0] if isinstance(choices, list) else None
        text = choice.get("text") if isinstance(choice, dict) else None
        if choice is None or not isinstance(text, str):
            raise ValueError("an event that holds no piece of a reply")
        if self._strips and text:
            text, self._strips = text.removeprefix(" "), False
        reason = choice.get("finish_reason")
        if not isinstance(reason, str | None):
            raise ValueError("an event that ends for no reason")
        return Event(text, "", reason or "", usage, _tokens(choice, self._most))


def _tokens(choice: Mapping[str, Any], most: int) -> tuple[Token, ...]:
    """The tokens of an event, with their probabilities if they were asked for."""
    weighed = choice.get("logprobs")
    if not isinstance(weighed, dict):
        ids = choice.get("token_ids")
        return tuple(Token(_whole(token)) for token in ids) if isinstance(ids, list) else ()
    names, own, top = (weighed.get(n) for n in ("tokens", "token_logprobs", "top_logprobs"))
    if not (isinstance(names, list) and isinstance(own, list) and isinstance(top, list)):
        raise ValueError("probabilities that are none")
    return tuple(_token(*one, most) for one in zip(names, own, top, strict=True))


def _token(name: Any, logprob: Any, best: Any, most: int) -> Token:
    if not isinstance(best, dict):
        raise ValueError("probabilities that are none")
    top = sorted(((_id(n), _number(p)) for n, p in best.items()), key=lambda one: -one[1])
    return Token(_id(name), _number(logprob), tuple(top[:most]))


def _id(name: Any) -> int:
    if not isinstance(name, str) or not name.startswith(_NAMED):
        raise ValueError("a token without its number")
    return _whole(int(name.removeprefix(_NAMED)))


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a token that is none")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a probability that is none")
    return float(value)


def recognise(server: RemoteServer) -> Vllm | None:
    """How the server is asked, if it is vLLM; raises ChatError when it is, and does not tell its
    tokens."""
    if "version" not in server.look("/version") or server.context_length is None:
        return None
    model = _model(server)
    if model is None:
        return None
    tokenizer = read_tokenizer(server.ask, server.model)
    return Vllm(server, tokenizer, choose_format(tokenizer, server.model), model)


def _model(server: RemoteServer) -> object:
    """What the server says of the model; None where that is nothing, or it is not vLLM."""
    entries = (entry for entry in server.models() if entry["id"] == server.model)
    entry = next(entries, {})
    if entry.get("owned_by") != "vllm":
        return None
    return str(entry.get("root")), entry.get("max_model_len")
