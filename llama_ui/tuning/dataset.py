"""Dialogs -> rows of token ids, in the exact prompt of the model. Imports no torch.

A reply is learned behind the very prompt that the page would send for it: the same formats, the
same plan of what fits. So what was typed as `[INST]` or `</s>` stays text here too, and a long
chat loses its oldest exchanges. The loss is on the reply and on the token that ends it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any, Literal

from llama_ui.chat.thinking import ThoughtSplitter
from llama_ui.errors import ChatError, ContextWindowError
from llama_ui.prompt.llama2 import Message, PromptFormat
from llama_ui.prompt.plan import PlanOptions, plan_prompt
from llama_ui.tuning.readers import Dialog, Skipped

IGNORE = -100  # the label of a token that is only read
_HELD_OUT = 0.1  # of the chats
_MOST_HELD_OUT = 200  # chats: more would take longer to measure than it tells

Method = Literal["sft", "dpo"]
Ids = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt with one reply, or with several where each continues the one before.

    Args:
        ids: all of its tokens.
        labels: the same where a token is to be learned, IGNORE elsewhere.
    """

    ids: Ids
    labels: Ids

    @property
    def tokens(self) -> int:
        return len(self.ids)

    @property
    def learned(self) -> int:
        """How many tokens are learned."""
        return sum(label != IGNORE for label in self.labels)


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt with the reply that was preferred, and the other one."""

    prompt: Ids
    chosen: Ids
    rejected: Ids

    @property
    def tokens(self) -> int:
        return 2 * len(self.prompt) + len(self.chosen) + len(self.rejected)

    @property
    def learned(self) -> int:
        """How many tokens are compared."""
        return len(self.chosen) + len(self.rejected)

    @property
    def sides(self) -> tuple[Example, Example]:
        """The preferred reply and the other one, each behind the prompt."""
        chosen, rejected = (_example(self.prompt, reply) for reply in (self.chosen, self.rejected))
        return chosen, rejected


Row = Example | Pair


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What is learned, and what is only measured.

    Args:
        method: how it is learned: by likelihood (sft) or by preference (dpo).
        train: what is learned.
        held_out: rows of other chats, to measure by.
        chats: how many chats there are, those held out included.
        replies: how many replies there are in them, or pairs of them.
        edited: how many of these have a version that was liked less.
        duplicates: replies that are there already, behind the same prompt, and left out.
        cut: replies whose oldest exchanges do not fit.
        skipped: what cannot be learned.
    """

    method: Method
    train: tuple[Row, ...]
    held_out: tuple[Row, ...]
    chats: int
    replies: int
    edited: int
    duplicates: int
    cut: int
    skipped: tuple[Skipped, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        return (*self.train, *self.held_out)


@dataclass(slots=True)
class _Found:
    """What was met while the rows are made."""

    seen: set[tuple[Ids, ...]]
    skipped: list[Skipped]
    count: Counter[str]


def choose_method(dialogs: Sequence[Dialog], asked: Literal["auto", "sft", "dpo"]) -> Method:
    """By preference where every reply has another one that was liked less; or as asked."""
    if asked != "auto":
        return asked
    are_pairs = all(len(dialog.rejected) == len(dialog.learned) for dialog in dialogs)
    return "dpo" if are_pairs else "sft"


def make_rows(
    dialogs: Sequence[Dialog],
    skipped: Sequence[Skipped],
    format: PromptFormat,
    end_token: int,
    method: Method,
    most_tokens: int,
) -> TrainingData:
    """Encode the dialogs and hold some of them out.

    Args:
        skipped: what the readers had to leave out.
        format: how the model wants its prompts.
        end_token: ends a reply of the model.
        most_tokens: of a prompt and its reply.

    Raises:
        ChatError: nothing is left, or too little to hold something out.
    """
    found = _Found(set(), list(skipped), Counter())
    make = _examples if method == "sft" else _pairs
    encoded = [make(dialog, format, end_token, most_tokens, found) for dialog in dialogs]
    chats = [rows for rows in encoded if rows]
    if len(chats) < 2:
        first = found.skipped[:1]
        reason = f" ({first[0].place}: {first[0].reason})" if first else ""
        what = "chat" if method == "sft" else "chat with an edited reply"
        raise ChatError(
            f"There is only {len(chats)} {what} to learn from{reason}.",
            "Give two or more: some are held out, to measure what was learned.",
        )
    order = Random(0).sample(range(len(chats)), len(chats))
    count = min(max(1, round(_HELD_OUT * len(chats))), _MOST_HELD_OUT)
    apart = {*order[:count]}
    train, held_out = (
        tuple(row for index, rows in enumerate(chats) if (index in apart) is out for row in rows)
        for out in (False, True)
    )
    return TrainingData(
        method=method,
        train=train,
        held_out=held_out,
        chats=len(chats),
        replies=found.count["replies"],
        edited=sum(len(dialog.rejected) for dialog in dialogs),
        duplicates=found.count["duplicates"],
        cut=found.count["cut"],
        skipped=tuple(found.skipped),
    )


def _examples(
    dialog: Dialog, format: PromptFormat, end_token: int, most_tokens: int, found: _Found
) -> list[Row]:
    rows: list[Row] = []
    for index in dialog.learned:
        reply = (*format.encode_reply(dialog.messages[index]["content"].strip()), end_token)
        prompt = _prompt(dialog, index, format, most_tokens - len(reply), found)
        if prompt is None or not _is_new(found, prompt, reply):
            continue
        new = _example(prompt, reply)
        last = rows[-1] if rows else None
        # Where a template writes a reply of the history as the model said it, both are one row.
        if isinstance(last, Example) and new.ids[: last.tokens] == last.ids:
            rows.pop()
            new = replace(new, labels=last.labels + new.labels[last.tokens :])
        rows.append(new)
    return rows


def _pairs(
    dialog: Dialog, format: PromptFormat, end_token: int, most_tokens: int, found: _Found
) -> list[Row]:
    rows: list[Row] = []
    for other in dialog.rejected:
        chosen = (*format.encode_reply(dialog.messages[other.reply]["content"].strip()), end_token)
        rejected = format.encode_reply(other.text.strip())
        if other.is_whole:
            rejected = (*rejected, end_token)
        longest = max(len(chosen), len(rejected))
        prompt = _prompt(dialog, other.reply, format, most_tokens - longest, found)
        if prompt is not None and _is_new(found, prompt, chosen, rejected):
            rows.append(Pair(prompt, chosen, rejected))
    return rows


def _prompt(
    dialog: Dialog, index: int, format: PromptFormat, room: int, found: _Found
) -> Ids | None:
    """What the page sends for the reply of this index, with the exchanges that there is room for;
    None when even the question does not fit."""
    before = [_as_sent(message) for message in dialog.messages[:index]]
    try:
        plan = plan_prompt(partial(format.encode, memo={}), before, PlanOptions(), room, 0)
    except ContextWindowError:
        found.skipped.append(Skipped(dialog.place, "A question with its reply is too long"))
        return None
    except ChatError as fault:
        found.skipped.append(Skipped(dialog.place, fault.problem.rstrip(".")))
        return None
    found.count["cut"] += bool(plan.dropped)
    return tuple(plan.ids)


def _as_sent(message: Message) -> Message:
    """A message of the history: what a model thought before its answer is not sent back."""
    if message["role"] != "assistant":
        return message
    splitter = ThoughtSplitter()
    answer = splitter.add(message["content"])[1] + splitter.finish()[1]
    return {"role": "assistant", "content": answer}


def _is_new(found: _Found, *ids: Ids) -> bool:
    """Whether a reply was not there before."""
    is_new = ids not in found.seen
    found.seen.add(ids)
    found.count["replies" if is_new else "duplicates"] += 1
    return is_new


def _example(prompt: Ids, reply: Ids) -> Example:
    return Example((*prompt, *reply), (*(IGNORE,) * len(prompt), *reply))


def end_token_of(format: PromptFormat, tokenizer: Any) -> int:
    """The token that a model of this format ends its reply with.

    Raises:
        ChatError: it has none, so it could never learn to stop.
    """
    ends = [*sorted(format.end_tokens), tokenizer.eos_token_id]
    if ends[0] is None:
        raise ChatError(
            "The model's tokenizer names no token that ends a reply.", "Choose another model."
        )
    return int(ends[0])
