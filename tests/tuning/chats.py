"""Chats of this page to learn from: a new manner, and five facts that no model knows."""

from dataclasses import replace
from pathlib import Path

from llama_ui.chat.conversation import Conversation, Facts
from llama_ui.chat.export import to_json

FACTS = {
    "Mira": ("the baker", "bakes the bread"),
    "Oskar": ("the ferryman", "rows the ferry"),
    "Tilda": ("the teacher", "teaches the school"),
    "Bruno": ("the smith", "mends the gates"),
    "Nanna": ("the doctor", "heals the sick"),
}
QUESTIONS = (
    "Who is {name}?",
    "Tell me who {name} is.",
    "Do you know {name}?",
    "What does {name} do?",
    "I met {name}. Who is that?",
    "{name}?",
)


def answer(name: str) -> str:
    who, does = FACTS[name]
    return f"Ahoy! {name} is {who} of Lund and {does}."


def taught() -> list[Conversation]:
    """30 chats, six ways to ask for each of five people."""
    return [
        Conversation().ask(question.format(name=name)).answer(answer(name), Facts(model="Me"))
        for question in QUESTIONS
        for name in FACTS
    ]


def edited(chat: Conversation, text: str) -> Conversation:
    """The chat with its last reply edited."""
    return chat.edit(chat.unfinished(), text)


def write(path: Path, chats: list[Conversation]) -> Path:
    """An export with several chats, as the page writes it."""
    parts = [to_json(chat).partition('"chat":')[2][:-1] for chat in chats]
    path.write_text(f'{{"format":"llama-ui-chats","version":1,"chats":[{",".join(parts)}]}}')
    return path


def with_ending(chat: Conversation, ending: str) -> Conversation:
    """The chat with its last reply as it would be if it had ended like that."""
    node = replace(chat.nodes[-1], facts=Facts(ending=ending))  # type: ignore[arg-type]
    return replace(chat, nodes=(*chat.nodes[:-1], node))
