"""What the page asks of the server while chats move between the browser and files."""

import asyncio
from dataclasses import replace
from typing import Any

from llama_ui.chat.export import from_json, one_from_json, to_json, to_markdown
from llama_ui.chat.text import check_text
from llama_ui.errors import ChatError, DialogError


async def read_chats(text: Any) -> dict[str, Any]:
    """Check an exported file.

    Args:
        text: what the file holds; from the browser, so anything.

    Returns:
        `chats`, each with its `title` and `chat` (an export of that one alone), or `fault`.
    """
    try:
        chats = await asyncio.to_thread(from_json, str(text))
    except ChatError as fault:
        return {"fault": str(fault)}
    return {"chats": [{"title": chat.title, "chat": to_json(chat)} for chat in chats]}


async def rename_chat(asked: Any) -> dict[str, str]:
    """Give a chat another name.

    Args:
        asked: `chat`, an export of it, and `name`; empty means to call it by its first words.

    Returns:
        its `title` and `chat`, or `fault`.
    """
    try:
        if not isinstance(asked, dict):
            raise DialogError("The chat cannot be renamed.", "Reload the page.")
        chat = await asyncio.to_thread(one_from_json, str(asked.get("chat")))
        chat = replace(chat, name=check_text(asked.get("name")).strip())
    except ChatError as fault:
        return {"fault": str(fault)}
    return {"title": chat.title, "chat": to_json(chat)}


async def markdown_of(text: Any) -> dict[str, str]:
    """A chat to read.

    Args:
        text: an export of it.

    Returns:
        `markdown`, or `fault`.
    """
    try:
        chat = await asyncio.to_thread(one_from_json, str(text))
    except ChatError as fault:
        return {"fault": str(fault)}
    return {"markdown": to_markdown(chat)}
