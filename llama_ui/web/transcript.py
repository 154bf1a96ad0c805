"""The chat pane as HTML. Pure: a conversation in, markup out, everything in it escaped.

A button carries what it does in data-act and the message it is about in data-n; the page sends
both to the server (see page.py).
"""

from collections.abc import Collection
from html import escape

from llama_ui.conversation import Conversation, Ending, Facts, Message
from llama_ui.engine.base import EngineInfo, EngineLoad
from llama_ui.errors import ChatError
from llama_ui.web.icons import icon
from llama_ui.web.markdown import render_markdown

EXAMPLES = (
    "Tell me a tiny story about a brave llama.",
    "What does temperature do?",
    "How do I run Llama 2 7B here?",
    "Talk like a pirate and introduce yourself.",
)
_NOTES: dict[Ending, str] = {
    "cancelled": "Stopped.",
    "error": "Incomplete: the reply ended with an error.",
    "edited": "Edited.",
}
_CUT: tuple[Ending, ...] = ("cancelled", "length", "error")


def render_conversation(
    conversation: Conversation, dropped: Collection[int] = (), running: int | None = None
) -> str:
    """All messages that are shown; those the model no longer sees are greyed.

    Args:
        dropped: which answered exchanges, counted from 0, the last prompt left out.
        running: the number of a reply that is going on: it stands in a pane of its own.
    """
    exchanges = conversation.exchanges()
    forgotten = {number for e in dropped if e < len(exchanges) for number in exchanges[e]}
    rows = []
    for number in conversation.path:
        if number != running:
            rows.append(_message(conversation, number, number in forgotten))
        if forgotten and number == max(forgotten):
            rows.append(_divider(len(dropped)))
    return (
        f'<section role="log" aria-label="Conversation" aria-live="off">{"".join(rows)}</section>'
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
        f'</p><div class="examples">{buttons}</div></section>'
    )


def render_running(text: str, status: str = "") -> str:
    """The reply that is being written; before its first word, what is happening instead."""
    if text:
        body = f'<div class="md">{render_markdown(text)}</div>'
    else:
        dots = '<span class="dots"><i></i><i></i><i></i></span>'
        body = f'<p class="waiting">{dots}{escape(status)}</p>'
    return f'<div class="turn assistant running" aria-busy="true">{body}</div>'


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


def render_badge(name: str, state: str, info: EngineInfo | None) -> str:
    """Which model answers: name, quantisation, device and context window."""
    if info is None:
        text = f"{name} · loading…" if state == "loading" else f"{name} · not loaded"
    else:
        text = " · ".join(
            (info.name, info.quantization, info.device, f"{info.context_length:,} tokens")
        )
    return f'<span class="badge {state}" role="status">{escape(text)}</span>'


def queue_status(place: int, load: EngineLoad) -> str:
    """What a visitor in the line reads: their place, and how busy it is before them."""
    running = "1 reply is" if load.running == 1 else f"{load.running} replies are"
    speed = f" at {load.tokens_per_s:,.0f} tokens/s" if load.tokens_per_s else ""
    return f"You are number {place} in the line: {running} being written{speed}…"


def caption_for(facts: Facts) -> str:
    """The facts about a reply in one line; empty when no token was drawn."""
    if not facts.reply_tokens:
        return ""
    parts = [f"{facts.reply_tokens:,} tokens"]
    if facts.tokens_per_s:
        parts.append(f"{facts.tokens_per_s:.0f} tokens/s")
    parts.append(f"first after {facts.first_token_s:.2f} s")
    if facts.options is not None and facts.options.sampling.seed is not None:
        parts.append(f"seed {facts.options.sampling.seed}")
    return " · ".join(parts)


def note_for(facts: Facts) -> str:
    """Why a reply is not what the model said to its end; empty when it is."""
    if facts.ending == "length":
        limit = facts.options.sampling.max_new_tokens if facts.options else 0
        return f"Cut at the limit of {limit:,} new tokens."
    return _NOTES.get(facts.ending, "")


def _divider(count: int) -> str:
    what = "1 exchange" if count == 1 else f"{count} exchanges"
    return (
        f'<p class="divider">The model no longer sees what is grey: {what} did not fit into the '
        "context window, or should not be remembered.</p>"
    )


def _message(conversation: Conversation, number: int, forgotten: bool) -> str:
    node = conversation.nodes[number]
    is_last = number == conversation.head
    draw = _asked if node.role == "user" else _reply
    tools = f'<div class="tools">{_versions(conversation, number)}{_tools(node, number, is_last)}'
    grey = " forgotten" if forgotten else ""
    return (
        f'<article class="turn {node.role}{grey}" data-text="{escape(node.text)}" '
        f'data-n="{number}">{draw(node)}{tools}{_facts(node)}</div></article>'
    )


def _asked(node: Message) -> str:
    return (
        '<span class="sr-only">You said: </span>'
        f'<div class="typed" dir="auto">{escape(node.text)}</div>'
    )


def _reply(node: Message) -> str:
    note = note_for(node.facts) if node.facts else ""
    shown = f'<p class="note">{escape(note)}</p>' if note else ""
    return (
        '<span class="sr-only">The model said: </span>'
        f'<div class="md">{render_markdown(node.text)}</div>{shown}'
    )


def _facts(node: Message) -> str:
    caption = caption_for(node.facts) if node.facts else ""
    return f'<span class="caption">{escape(caption)}</span>' if caption else ""


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
    if is_last and node.text and node.facts is not None and node.facts.ending in _CUT:
        tools.append(
            f'<button type="button" class="named" data-act="continue" data-n="{number}">'
            f"{icon('continue')}Continue</button>"
        )
    return "".join(tools)


def _button(act: str, picture: str, label: str, number: int) -> str:
    return (
        f'<button type="button" data-act="{act}" data-n="{number}" aria-label="{label}" '
        f'title="{label}">{icon(picture)}</button>'
    )
