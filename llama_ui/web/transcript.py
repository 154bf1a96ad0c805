"""The chat pane as HTML. Pure: a conversation in, markup out, everything in it escaped."""

from html import escape

from llama_ui.conversation import Conversation, Exchange
from llama_ui.engine.base import EngineInfo, FinishReason, Stats
from llama_ui.errors import ChatError
from llama_ui.web.markdown import render_markdown

EXAMPLES = (
    "Tell me a tiny story about a brave llama.",
    "What does temperature do?",
    "How do I run Llama 2 7B here?",
    "Talk like a pirate and introduce yourself.",
)
STOPPED = "Stopped."


def render_conversation(conversation: Conversation, dropped: int = 0) -> str:
    """All exchanges; those the model no longer sees stand first, greyed.

    Args:
        dropped: how many of the oldest answered exchanges did not fit into the last prompt.
    """
    rows, answered, border = [], 0, 0
    for exchange in conversation.exchanges:
        answered += bool(exchange.assistant)
        forgotten = bool(exchange.assistant) and answered <= dropped
        rows.append(_exchange(exchange, forgotten))
        border = len(rows) if forgotten else border
    if border:
        count = (
            "1 exchange no longer fits" if dropped == 1 else f"{dropped} exchanges no longer fit"
        )
        rows.insert(
            border,
            f'<p class="divider">The {count} into the context window: '
            "the model does not see what stands above.</p>",
        )
    return (
        f'<section role="log" aria-label="Conversation" aria-live="off">{"".join(rows)}</section>'
    )


def render_empty(logo: str) -> str:
    """What stands in the pane before the first message: a word of welcome and examples."""
    buttons = "".join(
        f'<button type="button" class="example" data-example="{index}">{escape(text)}</button>'
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
    last = conversation.exchanges[-1] if conversation.exchanges else None
    if last is None or not last.assistant:
        return ""
    return f'<p class="sr-only" role="status">Reply: {escape(last.assistant[:2_000])}</p>'


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


def note_for(reason: FinishReason, max_new_tokens: int) -> str:
    """Why a reply is incomplete; empty when it is whole."""
    if reason == "cancelled":
        return STOPPED
    if reason == "length":
        return f"Cut at the limit of {max_new_tokens:,} new tokens: raise it in Advanced options."
    return ""


def caption_for(stats: Stats) -> str:
    """The facts about a reply in one line; empty when no token was drawn."""
    if not stats.reply_tokens:
        return ""
    parts = [f"{stats.reply_tokens:,} tokens"]
    if stats.tokens_per_s:
        parts.append(f"{stats.tokens_per_s:.0f} tokens/s")
    parts.append(f"first after {stats.first_token_s:.2f} s")
    if stats.seed is not None:
        parts.append(f"seed {stats.seed}")
    return " · ".join(parts)


def _exchange(exchange: Exchange, forgotten: bool) -> str:
    classes = "exchange forgotten" if forgotten else "exchange"
    reply = "" if exchange.assistant is None and not exchange.note else _reply(exchange)
    return (
        f'<article class="{classes}"><div class="turn user">'
        f'<span class="sr-only">You said: </span><div class="typed" dir="auto">'
        f"{escape(exchange.user)}</div></div>{reply}</article>"
    )


def _reply(exchange: Exchange) -> str:
    note = f'<p class="note">{escape(exchange.note)}</p>' if exchange.note else ""
    caption = f'<span class="caption">{escape(exchange.caption)}</span>' if exchange.caption else ""
    copy = (
        '<button type="button" class="copy-reply" data-text="'
        f'{escape(exchange.assistant)}" aria-label="Copy the reply" title="Copy">Copy</button>'
        if exchange.assistant
        else ""
    )
    return (
        '<div class="turn assistant"><span class="sr-only">The model said: </span>'
        f'<div class="md">{render_markdown(exchange.assistant or "")}</div>{note}'
        f'<div class="facts">{copy}{caption}</div></div>'
    )
