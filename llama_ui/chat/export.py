"""Conversations as files: JSON that loses nothing, and Markdown to read. Pure.

    {"format": "llama-ui-chat", "version": 1, "chat": {...}}        one chat
    {"format": "llama-ui-chats", "version": 1, "chats": [...]}      several

The fields of a chat are those of Conversation; exporting what was imported gives the same bytes.
"""

import json

from pydantic import TypeAdapter, ValidationError

from llama_ui.chat.conversation import Conversation, Step
from llama_ui.errors import DialogError

VERSION = 1
MAX_FILE_CHARS = 50_000_000
MAX_CHATS = 1_000

_CHAT = TypeAdapter(Conversation)


def to_json(conversation: Conversation) -> str:
    """The chat as JSON in one line, which `from_json` turns back into an equal one."""
    chat = _CHAT.dump_json(conversation).decode()
    return f'{{"format":"llama-ui-chat","version":{VERSION},"chat":{chat}}}'


def from_json(text: str) -> tuple[list[Conversation], int]:
    """The chats of an exported file, and how many others in it are damaged.

    Raises:
        DialogError: it is no export of this application, is of a later version, or holds damaged
            chats only.
    """
    if len(text) > MAX_FILE_CHARS:
        raise DialogError("The file is too large to be an export of chats.", "Choose another one.")
    try:
        content = json.loads(text)
        kind, version = content["format"], content["version"]
        chats = [content["chat"]] if kind == "llama-ui-chat" else content["chats"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _not_an_export() from None
    if kind not in ("llama-ui-chat", "llama-ui-chats") or not isinstance(chats, list):
        raise _not_an_export()
    if version != VERSION:
        raise _of_another_version()
    if len(chats) > MAX_CHATS:
        raise DialogError(f"The file has more than {MAX_CHATS:,} chats.", "Export fewer at a time.")
    whole, fault = [], None
    for chat in chats:
        try:
            whole.append(read_chat(chat))
        except DialogError as error:
            fault = error
    if fault is not None and not whole:
        raise fault
    return whole, len(chats) - len(whole)


def to_markdown(conversation: Conversation) -> str:
    """The chat as it is shown, to be read: a title, then who said what."""
    parts = [f"# {conversation.title}"]
    if conversation.options.system.strip():
        parts.append(f"**System prompt**\n\n{conversation.options.system}")
    names = {"user": "You", "assistant": "Reply"}
    for number in conversation.path:
        node = conversation.nodes[number]
        steps = node.facts.steps if node.facts else ()
        thinking = [_quoted(node.facts.thinking)] if node.facts and node.facts.thinking else []
        said = [f"**{names[node.role]}**", *thinking, *map(_step, steps), node.content]
        parts.append("\n\n".join(said))
    return "\n\n".join(parts) + "\n"


def _quoted(thinking: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in ("*Thinking*", "", *thinking.splitlines()))


def _step(step: Step) -> str:
    """A step in code blocks, whatever it holds."""
    lines = [step.thought, f"{step.tool or 'No action'}: {step.given}", f"-> {step.observation}"]
    return "\n".join(f"    {line}" for text in lines if text for line in text.splitlines())


def read_chat(chat: object) -> Conversation:
    """A chat from its parsed JSON; raises DialogError when it is damaged."""
    try:
        # As JSON once more: only there does a strict reading take a list for a tuple.
        return _CHAT.validate_json(json.dumps(chat), strict=True)
    except ValidationError as fault:
        kinds = {error["type"] for error in fault.errors(include_url=False, include_input=False)}
        if kinds == {"unexpected_keyword_argument"}:
            raise _of_another_version() from None
        raise _damaged() from None
    except (ValueError, RecursionError):
        raise _damaged() from None


def _damaged() -> DialogError:
    return DialogError("A chat in the file is damaged.", "Export it again where it came from.")


def _of_another_version() -> DialogError:
    return DialogError(
        "The file was written by another version of Llama UI.", "Update Llama UI and try again."
    )


def _not_an_export() -> DialogError:
    return DialogError(
        "The file is no export of chats from Llama UI.", "Choose a .json file exported here."
    )
