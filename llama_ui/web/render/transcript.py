"""The chat pane as HTML. Pure: a conversation in, markup out, everything in it escaped.

A button carries what it does in data-act and the message it is about in data-n; the page sends
both to the server (see page.py).
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from html import escape
from itertools import accumulate
from typing import Protocol

from llama_ui.chat.conversation import Conversation, Ending, Facts, Message, Step
from llama_ui.chat.options import ChatOptions
from llama_ui.errors import ChatError
from llama_ui.web.render.captions import caption_for, details, note_for
from llama_ui.web.render.icons import icon
from llama_ui.web.render.markdown import render_markdown, render_plain
from llama_ui.web.render.steps import render_steps


class Shown(Protocol):
    """A reply that is being written: how far it is, or what is happening before its first word."""

    @property
    def shown(self) -> str: ...

    @property
    def steps(self) -> Sequence[Step]: ...

    status: str


EXAMPLES = (
    "Tell me a tiny story about a brave llama.",
    "What does temperature do?",
    "How do I run Llama 2 7B here?",
    "Talk like a pirate and introduce yourself.",
)
_KEYS = (
    "<kbd>Enter</kbd> sends · <kbd>Shift</kbd>+<kbd>Enter</kbd> breaks the line · "
    "<kbd>Esc</kbd> stops · <kbd>↑</kbd> edits your last message"
)
# Characters of a chat, newest first, that are formatted; what is older is shown as it was written.
MAX_RICH = 150_000
MAX_REMEMBERED = 8_000
_CUT: tuple[Ending, ...] = ("cancelled", "length", "time", "error")


def render_conversation(
    conversation: Conversation,
    dropped: Collection[int] = (),
    running: int | None = None,
    explainable: Collection[int] = (),
    explained: tuple[int, str] | None = None,
    compared: Sequence[int] = (),
    missing: Collection[str] = (),
    is_writing: bool = False,
) -> str:
    """All messages that are shown; those the model no longer sees are greyed.

    Args:
        dropped: which answered exchanges, counted from 0, the last prompt left out.
        running: the number of a reply that is going on: it stands in a pane of its own.
        explainable: the replies whose probabilities are known.
        explained: one of them, and how it looks token by token.
        compared: replies to the last message that stand side by side.
        missing: what the engine cannot do (see EngineInfo).
        is_writing: whether replies are being written, in the pane beneath. They are hidden with
            this mark, at once with the frame that shows them whole: their own may come later.
    """
    exchanges = conversation.exchanges()
    forgotten = {number for e in dropped if e < len(exchanges) for number in exchanges[e]}
    nodes, rows = conversation.nodes, []
    newest = conversation.path[::-1]
    lengths = accumulate(len(nodes[number].text) for number in newest)
    rich = {n for n, length in zip(newest, lengths, strict=True) if length <= MAX_RICH}
    for number in conversation.path:
        if number in compared:
            rows.append(_compared(conversation, compared))
        elif number != running:
            words = explained[1] if explained and explained[0] == number else ""
            more = _more_tools(conversation, number, number in explainable, missing)
            shown = words or _formatted(nodes[number].text, number in rich)
            rows.append(_message(conversation, number, number in forgotten, more, shown))
        if forgotten and number == max(forgotten):
            rows.append(_divider(len(dropped)))
    mark = " data-writing" if is_writing else ""
    return (
        f'<section role="log" aria-label="Conversation" aria-live="off"{mark}>'
        f"{''.join(rows)}</section>"
    )


def render_empty(logo: str) -> str:
    """What stands in the pane before the first message: a word of welcome and examples."""
    buttons = "".join(
        f'<button type="button" class="example" data-act="example" data-n="{index}">'
        f"{escape(text)}</button>"
        for index, text in enumerate(EXAMPLES)
    )
    return (
        f'<section class="welcome">{logo}<h2>What shall we talk about?</h2>'
        "<p>The model runs where this page is served from; nothing you type goes anywhere else."
        f'</p><div class="examples">{buttons}</div><p class="keys">{_KEYS}</p></section>'
    )


def render_running(replies: Sequence[Shown]) -> str:
    """The replies that are being written, side by side when there are two; before the first word
    of one, what is happening instead."""
    bodies = [_body(reply) for reply in replies]
    if len(bodies) == 1:
        return f'<div class="turn assistant running" aria-busy="true">{bodies[0]}</div>'
    columns = "".join(f'<div class="column-of-two">{body}</div>' for body in bodies)
    return f'<div class="turn assistant running two" aria-busy="true">{columns}</div>'


def _body(reply: Shown) -> str:
    steps = render_steps(reply.steps)
    if reply.shown:
        return f'<div class="md">{render_markdown(reply.shown)}</div>{steps}'
    dots = '<span class="dots"><i></i><i></i><i></i></span>'
    return f'<p class="waiting">{dots}{escape(reply.status)}</p>{steps}'


def render_finished(conversation: Conversation) -> str:
    """What a screen reader says when a reply is complete; nothing to see."""
    head = conversation.head
    if head is None or conversation.is_waiting:
        return ""
    text = conversation.nodes[head].text[:2_000]
    return f'<p class="sr-only" role="status">Reply: {escape(text)}</p>'


def render_fault(fault: ChatError) -> str:
    """What went wrong and what to do next."""
    return (
        f'<div class="fault" role="alert"><strong>{escape(fault.problem)}</strong> '
        f"{escape(fault.next_step)}</div>"
    )


def render_notice(text: str) -> str:
    """Something worth knowing that is no fault."""
    return f'<div class="news" role="status">{escape(text)}</div>'


def _divider(count: int) -> str:
    what = "1 exchange" if count == 1 else f"{count} exchanges"
    return (
        f'<p class="divider">The model no longer sees what is grey: {what} did not fit into the '
        "context window, or should not be remembered.</p>"
    )


def _message(
    conversation: Conversation, number: int, forgotten: bool, more: str, shown: str
) -> str:
    node = conversation.nodes[number]
    is_last = number == conversation.head
    body = _asked(node) if node.role == "user" else _reply(node, shown)
    tools = _versions(conversation, number) + _tools(node, number, is_last) + more
    grey = " forgotten" if forgotten else ""
    return (
        f'<article class="turn {node.role}{grey}" data-text="{escape(node.text)}" '
        f'data-n="{number}">{body}<div class="tools">{tools}{_facts(node)}</div></article>'
    )


def _compared(conversation: Conversation, numbers: Sequence[int]) -> str:
    """Replies side by side, each with what it was asked with and a button to keep it."""
    columns = []
    for number in numbers:
        node = conversation.nodes[number]
        facts = node.facts or Facts()
        columns.append(
            f'<div class="column-of-two"><h4>{escape(_asked_with(facts))}</h4>'
            f'<div class="md">{render_markdown(node.text)}</div>{render_steps(facts.steps)}'
            f'<div class="tools"><button type="button" class="named" data-act="select" '
            f'data-n="{number}">Keep this one</button>{_facts(node)}</div></div>'
        )
    return f'<article class="turn assistant two">{"".join(columns)}</article>'


def _asked_with(facts: Facts) -> str:
    options = facts.options or ChatOptions()
    system = options.system.strip()
    prompt = f"“{system[:60]}”" if system else "no system prompt"
    return f"temperature {options.sampling.temperature:g}, {prompt}"


def _asked(node: Message) -> str:
    return (
        '<span class="sr-only">You said: </span>'
        f'<div class="typed" dir="auto">{escape(node.text)}</div>'
    )


def _formatted(text: str, is_rich: bool) -> str:
    if not is_rich:
        return render_plain(text)
    return _remembered(text) if len(text) <= MAX_REMEMBERED else render_markdown(text)


@lru_cache(maxsize=256)  # a turn draws all messages of its chat again
def _remembered(text: str) -> str:
    return render_markdown(text)


def _reply(node: Message, text: str) -> str:
    note = note_for(node.facts) if node.facts else ""
    steps = render_steps(node.facts.steps) if node.facts else ""
    why = f'<p class="note">{escape(note)}</p>' if note else ""
    return f'<span class="sr-only">The model said: </span><div class="md">{text}</div>{why}{steps}'


def _facts(node: Message) -> str:
    """The caption, and behind it, on hover, all that is known."""
    caption = caption_for(node.facts) if node.facts else ""
    if not caption or node.facts is None:
        return ""
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in details(node.facts)
    )
    return (
        f'<span class="caption" tabindex="0">{escape(caption)}'
        f'<span class="details" role="tooltip"><dl>{rows}</dl></span></span>'
    )


def _versions(conversation: Conversation, number: int) -> str:
    """< 2/3 >: the message before and after in the same place."""
    all_of_it = conversation.versions(number)
    if len(all_of_it) == 1:
        return ""
    at = all_of_it.index(number)
    before = _arrow("back", "Earlier version", all_of_it[at - 1] if at else None)
    is_newest = at + 1 == len(all_of_it)
    after = _arrow("next", "Later version", None if is_newest else all_of_it[at + 1])
    return f'<span class="versions">{before}<span>{at + 1}/{len(all_of_it)}</span>{after}</span>'


def _arrow(name: str, label: str, number: int | None) -> str:
    if number is None:
        return f'<button type="button" disabled aria-label="{label}">{icon(name)}</button>'
    return _button("select", name, label, number)


def _tools(node: Message, number: int, is_last: bool) -> str:
    tools = [_button("copy", "copy", "Copy", number), _button("edit", "edit", "Edit", number)]
    if node.role == "assistant" or is_last:
        tools.append(_button("retry", "retry", "Answer once more", number))
    return "".join(tools)


def _more_tools(
    conversation: Conversation, number: int, is_explainable: bool, missing: Collection[str]
) -> str:
    """Pinning, going on, and what shows how a reply came about."""
    node = conversation.nodes[number]
    if node.role == "user":
        is_pinned = number in conversation.pinned
        label = "Let it be forgotten in its turn" if is_pinned else "Pin: forget this last"
        return _button("pin", "pin", label, number, " pinned" if is_pinned else "")
    tools = []
    is_cut = node.text and node.facts is not None and node.facts.ending in _CUT
    if is_cut and number == conversation.head and "continue" not in missing:
        tools.append(
            f'<button type="button" class="named" data-act="continue" data-n="{number}">'
            f"{icon('continue')}Continue</button>"
        )
    if "exact_prompt" not in missing:
        tools.append(_button("prompt", "prompt", "Exact prompt", number))
    if node.facts is not None and node.facts.options and node.facts.ending != "edited":
        tools.append(_button("replay", "replay", "Replay with the same settings", number))
    if is_explainable:
        tools.append(_button("why", "why", "Why this word", number))
    return "".join(tools)


def _button(act: str, picture: str, label: str, number: int, state: str = "") -> str:
    return (
        f'<button type="button" class="tool{state}" data-act="{act}" data-n="{number}" '
        f'aria-label="{label}" title="{label}">{icon(picture)}</button>'
    )
