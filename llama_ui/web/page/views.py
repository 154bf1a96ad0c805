"""What the page shows of the prompt without asking the model: the meter and the exact prompt."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llama_ui.chat.attachments import Attachment, read_attached, with_attachments
from llama_ui.chat.conversation import Conversation, Step
from llama_ui.chat.options import ChatOptions
from llama_ui.chat.passages import by_match, cut, part_of
from llama_ui.engine.base import Engine
from llama_ui.errors import ContextWindowError, EngineError
from llama_ui.prompt.plan import PromptPlan
from llama_ui.web.page.turn import Turn

# Stands for a message that is not typed yet: a prompt cannot end without one.
_NOTHING_TYPED = "x"


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be sent.

    Args:
        chat: it would go on, with the options of the page.
        text: what is typed.
        attached: to it.
    """

    chat: Conversation
    text: str = ""
    attached: tuple[Attachment, ...] = ()

    @classmethod
    def read(cls, chat: Conversation, options: ChatOptions, body: Mapping[str, Any]) -> "Draft":
        """The draft in a request; raises DialogError."""
        text = body.get("draft")
        attached = read_attached(body.get("attachments"))
        return cls(replace(chat, options=options), text if isinstance(text, str) else "", attached)

    @property
    def chars(self) -> int:
        """Of the message, with what is attached."""
        return len(with_attachments(self.text, self.attached))

    @property
    def is_typed(self) -> bool:
        return bool(self.text.strip())

    @property
    def turn(self) -> Turn:
        """The turn that sending it would begin; raises DialogError."""
        text = self.text if self.is_typed else _NOTHING_TYPED
        return Turn.answer(self.chat.ask(text, self.attached))


def meter(
    engine: Engine,
    draft: Draft,
    count: Sequence[Attachment] = (),
    most_chars: int | None = None,
) -> dict[str, Any]:
    """How full the context window would be if the draft were sent now.

    Args:
        count: attachments whose tokens are to be counted, each by itself.
        most_chars: that a message may have here.

    Returns:
        `counts` (tokens by part), `reserved` (for the reply), `window`, `left_out`, the numbers of
        the messages that would not be sent, `too_long`, whether what is attached does not fit, and
        `counted`; all None or empty where it is not known.

    Raises:
        ChatError: it cannot be sent.
    """
    window = engine.info.context_length
    known: dict[str, Any] = {"counts": {}, "reserved": 0, "left_out": [], "too_long": False}
    if window is None or "exact_prompt" not in engine.info.supports:
        return {**known, "window": None, "counted": []}
    known |= {"window": window, "reserved": draft.chat.options.sampling.max_new_tokens}
    known["counted"] = [len(engine.reply_ids(each.content)) for each in count]
    if draft.attached and most_chars is not None and draft.chars > most_chars:
        return {**known, "too_long": True}
    turn = draft.turn
    try:
        plan = turn.plan(engine, "")
    except ContextWindowError:
        if not draft.attached:
            raise
        return {**known, "too_long": True}
    is_none = not draft.is_typed and not draft.attached
    counts = {**plan.counts, "message": 0 if is_none else plan.counts["message"]}
    return {**known, "counts": counts, "left_out": turn.left_out(plan)}


def passages(
    engine: Engine, draft: Draft, how: object, most_chars: int | None = None
) -> dict[str, Any]:
    """What is attached, cut into passages, and those of them that fit into the context window.

    Args:
        how: "match" for those that match the text of the draft best; else the first of each file.
        most_chars: that a message may have here.

    Returns:
        `passages`, and the numbers of the `chosen` ones, for each file.

    Raises:
        ContextWindowError: not one of them fits.
        ChatError: it cannot be sent.
    """
    files = [cut(each.text) for each in draft.attached]
    places = [(file, place) for file, cuts in enumerate(files) for place in range(len(cuts))]
    if how == "match":
        order = by_match([files[file][place] for file, place in places], draft.text)
        places = [places[number] for number in order]
    else:
        places.sort(key=lambda place: place[::-1])

    def chosen(count: int) -> list[list[int]]:
        return [
            sorted(place for which, place in places[:count] if which == file)
            for file in range(len(files))
        ]

    def check(count: int) -> None:
        parts = map(part_of, draft.attached, files, chosen(count))
        sent = replace(draft, attached=tuple(parts))
        if most_chars is not None and sent.chars > most_chars:
            raise ContextWindowError(
                f"Not one passage fits: a message may have {most_chars:,} characters here.",
                "Shorten the message.",
            )
        sent.turn.plan(engine, "")

    def overflows(count: int) -> bool:
        try:
            check(count)
        except ContextWindowError:
            return True
        return False

    most = bisect_left(range(1, len(places) + 1), True, key=overflows)
    # A passage can be shorter than the mark that stands where it is missing.
    while most and overflows(most):
        most -= 1
    if most == 0:
        check(1)
    return {"passages": files, "chosen": chosen(most)}


def next_prompt(engine: Engine, draft: Draft) -> dict[str, Any]:
    """The exact prompt that would be sent now; raises ChatError."""
    title = "Prompt preview" if draft.is_typed else "Prompt preview (x: your message)"
    return _prompt(engine, draft.turn, title)


def earlier_prompt(engine: Engine, chat: Conversation, number: Any) -> dict[str, Any]:
    """The exact prompt that a reply answered; raises ChatError."""
    again = chat.retry(number)
    facts = chat.nodes[number].facts
    options = facts.options if facts and facts.options else chat.options
    turn, steps = Turn(again, options), facts.steps if facts else ()
    # The prompt of the last step holds those of all before it.
    count = "1 step" if len(steps) == 1 else f"{len(steps)} steps"
    title = f"What this reply answered, after {count} with tools"
    return _prompt(engine, turn, title if steps else "What this reply answered", steps)


def _prompt(engine: Engine, turn: Turn, title: str, steps: Sequence[Step] = ()) -> dict[str, Any]:
    reason = engine.info.missing.get("exact_prompt")
    if reason:
        raise EngineError("The exact prompt is not known.", reason)
    plan = turn.plan(engine, "", steps)
    parts = _parts(plan, engine)
    return {
        "title": title,
        "parts": parts,
        "text": plan.text,
        "ids": plan.ids,
        "counts": plan.counts,
    }


def _parts(plan: PromptPlan, engine: Engine) -> list[dict[str, Any]]:
    return [
        {"part": s.kind, "text": s.text, "ids": [*s.ids], "pieces": engine.pieces(s.ids)}
        for s in plan.segments
    ]
