"""What the page asks of the server while chats move between the browser and files."""

import asyncio
from typing import Any

from llama_ui.errors import ChatError
from llama_ui.export import from_json, to_json, to_markdown


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


async def markdown_of(text: Any) -> dict[str, str]:
    """A chat to read.

    Args:
        text: an export of it.

    Returns:
        `markdown`, or `fault`.
    """
    try:
        [chat, *_] = await asyncio.to_thread(from_json, str(text))
    except ChatError as fault:
        return {"fault": str(fault)}
    return {"markdown": to_markdown(chat)}
