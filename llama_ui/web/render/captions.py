"""Facts in words: about the model, the line, and how a reply came about. Pure."""

from html import escape

from llama_ui.chat.conversation import Ending, Facts
from llama_ui.chat.options import ChatOptions
from llama_ui.engine.base import EngineInfo, EngineLoad

_NOTES: dict[Ending, str] = {
    "time": "Cut: the time that a reply may take here is over.",
    "cancelled": "Stopped.",
    "error": "Incomplete: the reply ended with an error.",
    "edited": "Edited.",
}
_ENDINGS: dict[Ending, str] = {
    "stop": "by itself",
    "length": "at the limit",
    "time": "when its time was over",
    "cancelled": "by Stop",
    "error": "by an error",
    "edited": "edited since",
}


def render_badge(name: str, state: str, info: EngineInfo | None, progress: str = "loading…") -> str:
    """Which model answers: name, quantisation, device and context window.

    Args:
        progress: how far the load is, while there is no info yet.
    """
    if info is None:
        text = f"{name} · {progress if state == 'loading' else 'not loaded'}"
    else:
        mode = "completion" if info.mode == "completion" else ""
        adapter = f"adapter {info.adapter}" if info.adapter else ""
        tokens = f"{info.context_length:,} tokens" if info.context_length else ""
        parts = (info.name, adapter, info.quantization, info.device, tokens, mode)
        text = " · ".join(part for part in parts if part)
    return f'<span class="badge {state}" role="status">{escape(text)}</span>'


def render_about(info: EngineInfo | None) -> str:
    """What a reader should know of the model, below the message box: notes, and the line that its
    licence asks for."""
    if info is None:
        return ""
    lines = [f'<p class="warning">{escape(note)}</p>' for note in info.notes]
    if info.licence is not None:
        licence = info.licence
        lines.append(
            f"<p>{escape(licence.text)} "
            f'<a href="{escape(licence.url)}" target="_blank" rel="noopener">Licence</a> · '
            f'<a href="{escape(licence.policy_url)}" target="_blank" rel="noopener">'
            "Acceptable use</a></p>"
        )
    return "".join(lines)


def queue_status(place: int, load: EngineLoad) -> str:
    """What a visitor in the line reads: their place, and how busy it is before them."""
    running = "1 reply is" if load.running == 1 else f"{load.running} replies are"
    speed = f" at {load.tokens_per_s:,.0f} tokens/s" if load.tokens_per_s else ""
    return f"You are number {place} in the line: {running} being written{speed}…"


def caption_for(facts: Facts) -> str:
    """The facts about a reply in one line; empty when none of its tokens was drawn."""
    # An edited text is no longer what the numbers are about.
    if not facts.reply_tokens or facts.ending == "edited":
        return ""
    parts = ["1 token" if facts.reply_tokens == 1 else f"{facts.reply_tokens:,} tokens"]
    if facts.tokens_per_s:
        parts.append(f"{facts.tokens_per_s:.0f} tokens/s")
    if facts.first_token_s:
        parts.append(f"first after {facts.first_token_s:.2f} s")
    if facts.options is not None and facts.options.sampling.seed is not None:
        parts.append(f"seed {facts.options.sampling.seed}")
    return " · ".join(parts)


def details(facts: Facts) -> list[tuple[str, str]]:
    """All that is known of how a reply came about, in words."""
    options = facts.options or ChatOptions()
    sampling = options.sampling
    rows = [
        ("Model", f"{facts.model} · {facts.quantization}"),
        ("Prompt", f"{facts.prompt_tokens:,} tokens, {facts.reused_tokens:,} from the cache"),
        ("Reply", f"{facts.reply_tokens:,} tokens at {facts.tokens_per_s:.0f} a second"),
        ("First token", f"after {facts.first_token_s:.3f} s"),
        ("Ended", _ENDINGS[facts.ending]),
        ("Seed", str(sampling.seed)),
        (
            "Sampling",
            f"temperature {sampling.temperature:g}, top-p {sampling.top_p:g}, "
            f"top-k {sampling.top_k}, penalty {sampling.repetition_penalty:g}",
        ),
        ("Longest reply", f"{sampling.max_new_tokens:,} tokens"),
    ]
    if options.system.strip():
        rows.append(("System prompt", options.system[:300]))
    return rows


def note_for(facts: Facts) -> str:
    """Why a reply is not what the model said to its end; empty when it is."""
    if facts.ending == "length":
        limit = facts.options.sampling.max_new_tokens if facts.options else 0
        return f"Cut at the limit of {limit:,} new tokens."
    return _NOTES.get(facts.ending, "")
