"""Files with chats -> dialogs, whatever they are: exports of this page, or rows of JSON. Pure.

    {"format": "llama-ui-chats", ...}                                  exports of this page
    {"messages": [{"role": ..., "content": ...}, ...]}                 OpenAI, trl
    {"conversations": [{"from": "human", "value": ...}, ...]}          ShareGPT
    {"instruction": ..., "input": ..., "output": ...}                  Alpaca
    {"prompt": ..., "chosen": ..., "rejected": ...}                    pairs, texts or messages
    {"text": "### Human: ...### Assistant: ..."}                       Guanaco
    {"text": "<s>[INST] ... [/INST] ... </s>"}                         Guanaco for Llama 2

Rows stand in a JSON list, or one a line (JSON Lines).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llama_ui.chat.conversation import Conversation, Facts
from llama_ui.chat.conversation import Message as Node
from llama_ui.chat.export import from_json
from llama_ui.chat.messages import parse_messages
from llama_ui.errors import ChatError, DialogError
from llama_ui.prompt.llama2 import Message
from llama_ui.prompt.plan import remind

_SHAREGPT = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant"}
_GUANACO = re.compile(r"### (Human|Assistant):")
_LLAMA2 = re.compile(r"\[INST\](.*?)\[/INST\](.*?)(?=</s>|<s>|$)", re.DOTALL)
_WHOLE = ("stop", "edited")
_KEEP = "Make a file with chats: docs/tuning.md names the formats."
TOO_LARGE = 2_000_000_000  # bytes of a file, which is read as a whole


@dataclass(frozen=True, slots=True)
class Rejected:
    """What stood before a reply was edited, or what somebody liked less.

    Args:
        reply: the index of the reply that was preferred.
        text: of the other one.
        is_whole: whether the model had finished it.
    """

    reply: int
    text: str
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Dialog:
    """One chat to learn from.

    Args:
        place: where it stands in the data, as people find it.
        messages: an optional system message, then user and assistant in turns, a reply last.
        learned: the indexes of the replies that are to be learned; others are only read.
        rejected: what was liked less than some of them.
    """

    place: str
    messages: tuple[Message, ...]
    learned: tuple[int, ...]
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in the data that cannot be learned from, and why: `chats.jsonl, line 3`."""

    place: str
    reason: str


def read_file(path: Path) -> tuple[list[Dialog], list[Skipped]]:
    """The dialogs of a file, and what had to be left out; raises ChatError when it has none."""
    try:
        if path.stat().st_size > TOO_LARGE:
            raise ChatError(f"{path} is too large to be read at once.", "Split it into parts.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ChatError(f"{path} cannot be read ({reason}).", "Check its name.") from error
    except UnicodeDecodeError as error:
        raise ChatError(f"{path} is no text in UTF-8.", _KEEP) from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return read_rows(_lines(text, path.name))
    if isinstance(content, Mapping) and str(content.get("format")).startswith("llama-ui-chat"):
        return _read_export(text, path.name)
    rows = content if isinstance(content, list) else [content]
    return read_rows((f"{path.name}, row {n}", row) for n, row in enumerate(rows, 1))


def _lines(text: str, name: str) -> Iterator[tuple[str, Any]]:
    """Where each row stands, and what it holds; the fault of a line that is no JSON."""
    # Not splitlines(): a JSON string may hold U+2028 as it is.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            row: Any
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = DialogError("It is no JSON.", _KEEP)
            yield f"{name}, line {number}", row


def read_rows(rows: Iterable[tuple[str, Any]]) -> tuple[list[Dialog], list[Skipped]]:
    """The dialogs of rows, and which rows cannot be used.

    Args:
        rows: each with the place where it stands.
    """
    dialogs, skipped = [], []
    for place, row in rows:
        try:
            dialogs.append(_read_row(place, row))
        except DialogError as fault:
            skipped.append(Skipped(place, fault.problem.rstrip(".")))
    return dialogs, skipped


def _read_row(place: str, row: Any) -> Dialog:
    """The dialog of a row; raises DialogError."""
    if isinstance(row, DialogError):
        raise row
    if not isinstance(row, Mapping):
        raise DialogError("It is no JSON object.", _KEEP)
    if "chosen" in row and "rejected" in row:
        return _read_pair(place, row)
    weights: Sequence[Any] = ()
    if "messages" in row:
        messages = parse_messages(row["messages"])
        # As in OpenAI's files: a reply of weight 0 is only read.
        weights = [item.get("weight", 1) for item in row["messages"]]
    elif "conversations" in row:
        messages = parse_messages(_from_sharegpt(row["conversations"]))
    elif "instruction" in row and "output" in row:
        texts = [str(row[k]) for k in ("instruction", "input") if str(row.get(k) or "").strip()]
        said = ("user", "\n\n".join(texts)), ("assistant", row["output"])
        messages = parse_messages([{"role": role, "content": text} for role, text in said])
    elif isinstance(row.get("text"), str):
        messages = parse_messages(_from_text(row["text"]))
    else:
        names = ", ".join(sorted(map(str, row)))[:60] or "nothing"
        raise DialogError(f"It has none of the columns that are known (but {names}).", _KEEP)
    return _dialog(place, messages, weights)


def _from_sharegpt(turns: Any) -> Any:
    if not isinstance(turns, list) or not all(isinstance(turn, Mapping) for turn in turns):
        raise DialogError("Its conversations are no list of turns.", _KEEP)
    return [
        {"role": _SHAREGPT.get(str(turn.get("from")), turn.get("from")), "content": turn["value"]}
        if "value" in turn
        else turn
        for turn in turns
    ]


def _from_text(text: str) -> list[dict[str, str]]:
    """The turns of a text that holds a whole chat."""
    if said := _LLAMA2.findall(text):
        turns = []
        system, tag, first = said[0][0].partition("<</SYS>>")
        if tag:
            turns = [("system", system.partition("<<SYS>>")[2])]
            said[0] = (first, said[0][1])
        turns += [turn for user, reply in said for turn in (("user", user), ("assistant", reply))]
    else:
        parts = _GUANACO.split(text)[1:]
        roles = [{"Human": "user", "Assistant": "assistant"}[name] for name in parts[::2]]
        turns = list(zip(roles, parts[1::2], strict=True))
    if not turns:
        raise DialogError("Its text is no chat of a form that is known.", _KEEP)
    return [{"role": role, "content": words.strip()} for role, words in turns]


def _read_pair(place: str, row: Mapping[str, Any]) -> Dialog:
    """A prompt with two replies, each a text, or messages; the prompt may stand in both."""

    def messages(value: Any, role: str) -> list[dict[str, str]]:
        said = [{"role": role, "content": value}] if isinstance(value, str) else value
        return parse_messages(said)

    chosen, rejected = (messages(row[key], "assistant") for key in ("chosen", "rejected"))
    prompt = messages(row["prompt"], "user") if row.get("prompt") else chosen[:-1]
    if [m["role"] for m in (*chosen[-1:], *rejected[-1:])] != ["assistant", "assistant"]:
        raise DialogError("A pair does not end with two replies.", _KEEP)
    dialog = _dialog(place, [*prompt, chosen[-1]])
    last = len(dialog.messages) - 1
    return replace(dialog, learned=(last,), rejected=(Rejected(last, rejected[-1]["content"]),))


def _dialog(place: str, messages: Sequence[Message], weights: Sequence[Any] = ()) -> Dialog:
    """A checked dialog; a question without a reply at its end is left out."""
    kept = list(messages)
    while kept and kept[-1]["role"] != "assistant":
        kept.pop()
    first = 1 if kept and kept[0]["role"] == "system" else 0
    for index, message in enumerate(kept[first:]):
        if message["role"] != ("user", "assistant")[index % 2]:
            raise DialogError("User and assistant do not take turns.", _KEEP)
    learned = tuple(
        index
        for index, message in enumerate(kept)
        if message["role"] == "assistant"
        and message["content"].strip()
        and (not weights or weights[index] != 0)
    )
    if not learned:
        raise DialogError("It has no reply to learn.", _KEEP)
    return Dialog(place, tuple(kept), learned)


def _read_export(text: str, name: str) -> tuple[list[Dialog], list[Skipped]]:
    chats, damaged = from_json(text)
    dialogs, skipped = [], [Skipped(name, "a chat is damaged")] * damaged
    for number, chat in enumerate(chats, 1):
        place = f"{name}, chat {number}"
        found = read_chat(place, chat)
        dialogs += found
        if not found:
            skipped.append(Skipped(place, "It has no reply to learn"))
    return dialogs, skipped


def read_chat(place: str, chat: Conversation) -> list[Dialog]:
    """What a chat of this page teaches: the chat as it is shown, and each branch with an edited
    reply that is not shown.

    A reply that was cut, stopped or made with tools is read but not learned. What stood before an
    edited reply is rejected.
    """
    edited = _edited(chat)
    shown = [chat.path] if chat.path else []
    paths = [*shown, *(chat.select(number).path for number in edited)]
    dialogs: list[Dialog] = []
    taken: set[int] = set()
    for path in paths:
        numbers = [number for pair in replace(chat, head=path[-1]).exchanges() for number in pair]
        system = chat.options.system
        messages: list[Message] = [{"role": "system", "content": system}] if system.strip() else []
        learned, rejected = [], []
        for number in numbers:
            node = chat.nodes[number]
            if node.role == "assistant" and number not in taken and _is_learned(node):
                taken.add(number)
                learned.append(len(messages))
                if number in edited:
                    other = edited[number]
                    whole = other.facts is None or other.facts.ending in _WHOLE
                    rejected.append(Rejected(len(messages), other.written, whole))
            content = node.written if node.role == "assistant" else node.content
            message = {"role": node.role, "content": content}
            messages.append(remind(message, chat.options.reminder))
        if learned:
            dialogs.append(Dialog(place, tuple(messages), tuple(learned), tuple(rejected)))
    return dialogs


def _is_learned(node: Node) -> bool:
    facts = node.facts or Facts()
    return facts.ending in _WHOLE and not facts.steps


def _edited(chat: Conversation) -> dict[int, Node]:
    """The edited replies, each with what stood before; of one that was edited several times, the
    last version and the model's own."""
    found: dict[int | None, tuple[int, Node]] = {}
    for number, node in enumerate(chat.nodes):
        if node.facts is None or node.facts.ending != "edited":
            continue
        before = [
            other
            for other in (
                chat.nodes[version] for version in chat.versions(number) if version < number
            )
            if other.facts is None or other.facts.ending != "edited"
        ]
        # An edited reply keeps the facts of the one that it was made from.
        facts = node.facts
        same = [o for o in before if o.facts and replace(o.facts, ending="edited") == facts]
        for other in (same or before)[-1:]:
            if other.written.strip() and other.written != node.written:
                found[node.parent] = (number, other)
    return dict(found.values())
