"""Writes docs/faults.md: what is said to each fault, by making each happen.

python -m tests.engine.hub.table
"""

import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from llama_ui.errors import ChatError
from llama_ui.settings import ROOT
from llama_ui.web.page.documents import read_document
from tests.documents import HOSTILE
from tests.engine.hub.faults import SECTIONS, provoke
from tests.engine.hub.loading import HEADING, LOADING, spoken

ATTACHED = "Attached files"
PAGE = ROOT / "docs" / "faults.md"
_HEAD = """# What can go wrong with a model or an attached file, and what is said

Made by `python -m tests.engine.hub.table`, which makes each of these happen: against a small
Hugging Face Hub on the same machine, in folders with real files, with an adapter that was changed,
with files made to do harm.
The page shows the same words.
"""


def page(sections: dict[str, list[tuple[str, str, str]]]) -> str:
    """The document.

    Args:
        sections: rows of title, problem and next step, by heading.
    """
    parts = [_HEAD]
    for heading, rows in sections.items():
        parts.append(
            f"\n## {heading}\n\n| fault | what is said | and what to do |\n|---|---|---|\n"
        )
        parts.extend(f"| {' | '.join(row)} |\n" for row in rows)
    return "".join(parts)


def row(title: str, answer: Mapping[str, str], folder: Path) -> tuple[str, str, str]:
    """A row of the document, without what differs from run to run and machine to machine.

    Args:
        answer: `problem` and `next_step`.
        folder: where the models and caches of the run lay.
    """
    text = "\0".join((answer["problem"], answer["next_step"]))
    text = re.sub(rf"{re.escape(str(folder))}/folder-\d+", "models/llama", text)
    text = text.replace(f"{folder}/pirate-adapter", "models/pirate-adapter")
    for home in (str(folder), __file__.replace("table", "faults")):
        text = text.replace(home, "~/.cache/huggingface")
    text = re.sub(r"someone/model-\d+", "someone/model", text)
    # Two shards arrive at the same time: either may be looked at first.
    text = re.sub(r"model-0000\d(-of-\d+\.safetensors of )", r"model-00001\1", text)
    problem, next_step = re.sub(r"where .* are free", "where 52.0 GB are free", text).split("\0")
    return title, problem, next_step


def attached() -> list[tuple[str, str, str]]:
    """The rows of files that cannot be attached."""
    rows = []
    for title, (make, says) in HOSTILE.items():
        with pytest.raises(ChatError, match=says) as fault:
            read_document(make())
        rows.append((title, fault.value.problem, fault.value.next_step))
    return rows


def main() -> int:
    sections = {}
    for heading, faults in SECTIONS.items():
        with tempfile.TemporaryDirectory() as name:
            said, _ = provoke(faults, Path(name))
            answers = zip(faults, said, strict=True)
            sections[heading] = [row(fault.title, answer, Path(name)) for fault, answer in answers]
    with tempfile.TemporaryDirectory() as name:
        made = [(title, spoken(make(Path(name)))) for title, _, make in LOADING]
        sections[HEADING] = [row(title, answer, Path(name)) for title, answer in made]
    sections[ATTACHED] = attached()
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(sections), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
