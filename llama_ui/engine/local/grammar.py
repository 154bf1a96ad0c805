"""Grammars: which tokens may come next, so that a reply has the form that was asked for.

The library is llguidance: it compiles a form in milliseconds for any tokenizer, needs neither
torch nor CUDA, and says in some ten microseconds what may follow.
"""

import json
import logging
import re
import subprocess
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Any

import llguidance
import torch

from llama_ui.chat.form import AnswerForm
from llama_ui.confined import run_confined
from llama_ui.engine.local import grammar_check
from llama_ui.engine.local.grammar_check import Trial, Verdict, limits
from llama_ui.errors import BusyError, ChatError, EngineError, OptionError
from llama_ui.prompt.llama2 import Tokenizer

log = logging.getLogger(__name__)

_CPU_S, _MEMORY = 3, 2_000_000_000  # that a check may take: seconds of work, bytes
_MAX_CHECK_S = 15.0  # on a busy machine
_MAX_WAIT_S = 20.0
_MOST_KEPT = 64
# As Python writes JSON, which models have read most of. Free spaces would be written without end.
_AS_WRITTEN = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}

TOO_COMPLEX = EngineError(
    "The answer form has become too complex to keep to.", "Use a simpler one, or a shorter pattern."
)


class Guide:
    """Follows one reply and says what may come next.

    Args:
        matcher: at the beginning of the form.
    """

    def __init__(self, matcher: llguidance.LLMatcher) -> None:
        self._matcher = matcher

    def mask(self) -> torch.Tensor:
        """One bit a token, in int32: set where it may come next. Raises EngineError."""
        bits = bytearray(self._matcher.compute_bitmask())
        if self._matcher.is_error():
            raise TOO_COMPLEX.fresh()
        return torch.frombuffer(bits, dtype=torch.int32)

    def take(self, token: int) -> bool:
        """Go on with a token; whether the form is complete and nothing can follow."""
        self._matcher.consume_token(token)
        return bool(self._matcher.is_stopped() and not self._matcher.is_error())


class Grammars:
    """The grammars of a model: each is compiled once and kept.

    Args:
        tokenizer: of the model, a fast one.
        end_tokens: ids that end a reply.
    """

    def __init__(self, tokenizer: Any, end_tokens: Collection[int]) -> None:
        self._tokenizer, self._ends = tokenizer, sorted(end_tokens)
        self._compiled: OrderedDict[AnswerForm, llguidance.LLMatcher | ChatError] = OrderedDict()
        self._lock, self._checking = threading.Lock(), threading.Lock()
        self._wrapped: llguidance.LLTokenizer | None = None
        self._strips = _strips_a_space(tokenizer)

    def check(self, form: AnswerForm | None) -> None:
        """Compile a form; may take seconds the first time: called from a thread.

        Raises:
            OptionError: no grammar can be made of it; says of which part.
            BusyError: too many others are being checked.
        """
        if form is not None:
            self._compile(form)

    def guide(self, form: AnswerForm | None, begun: Sequence[int] = ()) -> Guide | None:
        """A guide of a new reply; raises as `check`, and OptionError where its beginning does
        not have the form.

        Args:
            begun: the tokens of a reply that is gone on with.
        """
        if form is None:
            return None
        matcher = self._compile(form).deep_copy()
        if begun and (matcher.validate_tokens([*begun]) < len(begun)):
            raise OptionError(
                "The reply so far does not have the answer form.",
                "Answer the message once more instead, or choose another form.",
            )
        matcher.consume_tokens([*begun])
        return Guide(matcher)

    def _compile(self, form: AnswerForm) -> llguidance.LLMatcher:
        with self._lock:
            found = self._compiled.get(form)
            if found is not None:
                self._compiled.move_to_end(form)
        if found is None:
            # One at a time: what takes long is hostile.
            if not self._checking.acquire(timeout=_MAX_WAIT_S):
                raise BusyError("Many answer forms are being checked.", "Try again in a moment.")
            try:
                found = self._tried(form)
            finally:
                self._checking.release()
            with self._lock:
                self._compiled[form] = found
                if len(self._compiled) > _MOST_KEPT:
                    self._compiled.popitem(last=False)
        if isinstance(found, ChatError):
            raise found.fresh()
        return found

    def _tried(self, form: AnswerForm) -> llguidance.LLMatcher | ChatError:
        grammar = _grammar(form, self._strips)
        if form.kind != "json" and (fault := _checked(grammar, form)):
            return fault
        if self._wrapped is None:
            self._wrapped = llguidance.LLTokenizer(
                self._tokenizer.backend_tokenizer.to_str(), eos_token=self._ends
            )
        matcher = llguidance.LLMatcher(self._wrapped, grammar, log_level=0, limits=limits())
        # The first one is made now, where nobody waits for it.
        matcher.compute_bitmask()
        return TOO_COMPLEX if matcher.is_error() else matcher


def _strips_a_space(tokenizer: Tokenizer) -> bool:
    """Whether the first word of a text has a space in front that is none of the text's."""
    word = tokenizer.convert_tokens_to_ids("\u2581a")
    return isinstance(word, int) and tokenizer.decode([word]) == "a"


def _grammar(form: AnswerForm, strips: bool) -> str:
    """The form in Lark, as llguidance has it."""
    if (schema := form.schema) is not None:
        asked = schema.pop("x-guidance", None)
        lenient = isinstance(asked, dict) and asked.get("lenient") is True
        how = {**_AS_WRITTEN, "lenient": lenient, "coerce_one_of": lenient}
        body = f"%json {json.dumps({**schema, 'x-guidance': how})}"
    elif form.kind == "choices":
        body = " | ".join(json.dumps(choice, ensure_ascii=False) for choice in form.choices)
    else:
        body = f"/{llguidance.regex_to_lark(form.text)}/"
    space = '" "? ' if strips else ""
    return str(llguidance.LLMatcher.grammar_from_lark(f"start: {space}body\nbody: {body}"))


def _checked(grammar: str, form: AnswerForm) -> OptionError | None:
    """What is wrong with a form, found out in a process of its own."""
    trial: Trial = {"grammar": grammar, "schema": form.schema}
    try:
        answer = run_confined(
            grammar_check.__file__, json.dumps(trial).encode(), _CPU_S, _MEMORY, _MAX_CHECK_S
        )
        verdict: Verdict = json.loads(answer)
    except subprocess.CalledProcessError as fault:
        if fault.returncode > 0:  # not one of its limits
            log.error("an answer form could not be checked: exit code %d", fault.returncode)
        return OptionError("The answer form is too complex.", "Use a simpler one.")
    except (subprocess.TimeoutExpired, OSError):
        # This machine has too much to do; another time it may not.
        raise BusyError("The answer form could not be checked.", "Try again in a moment.") from None
    return _explained(form, verdict) if verdict["fault"] else None


def _explained(form: AnswerForm, verdict: Verdict) -> OptionError:
    """A fault of the library in a sentence."""
    if "nable to determine" in verdict["fault"]:  # within the work that it may make
        return OptionError("The answer form is too complex.", "Use a simpler one.")
    why = _reason(verdict["fault"])
    if form.schema is None:
        what = "pattern" if form.kind == "pattern" else "list of choices"
        return OptionError(f"The {what} cannot be kept to: {why}.", "Write it in another way.")
    place = verdict["place"].removeprefix("#/")
    where = f"at {place[:200]}" if place and place != "#" else "at its top"
    return OptionError(f"The schema cannot be kept to {where}: {why}.", "Change that part.")


def _reason(fault: str) -> str:
    if "Unimplemented keys" in fault:
        keys = ", ".join(re.findall(r'"([^"]+)"', fault))
        return f"{keys} cannot be enforced"
    if "oneOf" in fault:
        return "oneOf cannot be enforced; anyOf can"
    if "look-around" in fault:
        return "look-ahead and look-behind in a pattern cannot be enforced"
    last = re.findall(r"error: (.+)", fault)
    # The rest of a longer one draws the grammar.
    said = last[-1] if last else re.sub(r"^at \S+ ", "", fault.split("\n")[0])
    said = said.removeprefix("failed to compile JSON schema: ").strip().rstrip(".")
    return said[:1].lower() + said[1:200]
