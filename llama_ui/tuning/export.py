"""python app.py --export-dataset OUT.jsonl CHATS...: chats as rows that any trainer reads. Pure.

One row a chat, `{"messages": [...]}`, with weight 0 on replies that are not to be learned; or one
row a pair, `{"prompt": [...], "chosen": [...], "rejected": [...]}`, where every reply was edited,
or pairs are asked for.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from llama_ui.errors import ChatError
from llama_ui.tuning.dataset import choose_method
from llama_ui.tuning.folder import write_whole
from llama_ui.tuning.readers import Dialog
from llama_ui.tuning.source import read_files


def export_dataset(out: str, names: Sequence[str], asked: Literal["auto", "sft", "dpo"]) -> str:
    """Write the file, whole or not at all; returns what was written, in words.

    Args:
        out: the file to write.
        names: of files with chats.
        asked: whole chats (sft), or pairs (dpo).

    Raises:
        ChatError: nothing can be read, or the file cannot be written.
    """
    dialogs, skipped = read_files(names)
    method = choose_method(dialogs, asked)
    rows = list(_messages(dialogs) if method == "sft" else _pairs(dialogs))
    if not rows:
        raise ChatError("No reply in these chats was edited.", "Leave out --tune-method dpo.")
    path = Path(out).expanduser()
    if path.exists():
        raise ChatError(f"{path} is there already.", "Name a new file first, then the chats.")
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    try:
        write_whole(path, text)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ChatError(f"{path} cannot be written ({reason}).", "Name another file.") from error
    kind = "chats" if method == "sft" else "pairs"
    left = f"; {len(skipped):,} were skipped" if skipped else ""
    return f"{len(rows):,} {kind} written to {path}{left}."


def _messages(dialogs: Sequence[Dialog]) -> Iterator[dict[str, Any]]:
    for dialog in dialogs:
        yield {
            "messages": [
                {**message, "weight": 0}
                if message["role"] == "assistant" and index not in dialog.learned
                else dict(message)
                for index, message in enumerate(dialog.messages)
            ]
        }


def _pairs(dialogs: Sequence[Dialog]) -> Iterator[dict[str, Any]]:
    for dialog in dialogs:
        for other in dialog.rejected:
            yield {
                "prompt": [dict(message) for message in dialog.messages[: other.reply]],
                "chosen": [dict(dialog.messages[other.reply])],
                "rejected": [{"role": "assistant", "content": other.text}],
            }
