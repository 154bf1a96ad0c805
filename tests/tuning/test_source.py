"""Datasets of the Hub, from one on this machine; each in a process that knows no other."""

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from llama_ui.settings import ROOT
from tests.engine.hub.faults import hub_environment
from tests.engine.hub.server import Repo, serving

NAME = "someone/chats"
ROWS = [{"text": f"### Human: Who is {name}?### Assistant: A friend."} for name in ("Ann", "Bo")]


def lines(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def table(rows: list[dict[str, str]]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    return file.getvalue()


def export(files: Mapping[str, bytes], folder: Path, name: str = NAME) -> tuple[str, str]:
    """What `--export-dataset` says of a dataset with these files, and the rows that it wrote."""
    out = folder / "out.jsonl"
    with serving({f"datasets/{NAME}": Repo(files)}) as hub:
        done = subprocess.run(
            [sys.executable, "app.py", "--export-dataset", str(out), name],
            cwd=ROOT,
            env=hub_environment(hub.url, folder / "home"),
            capture_output=True,
            text=True,
        )
    return done.stdout + done.stderr, out.read_text(encoding="utf-8") if out.exists() else ""


@pytest.mark.parametrize(
    "files",
    [
        {"train.jsonl": lines(ROWS), "test.jsonl": lines(ROWS[:1])},
        {"data/train-0.parquet": table(ROWS[:1]), "data/train-1.parquet": table(ROWS[1:])},
        {"chats.json": json.dumps(ROWS).encode(), "eval.json": b"[]", "dataset_info.json": b"{}"},
    ],
)
def test_the_training_split_of_a_dataset_is_read(tmp_path, files):
    said, rows = export({**files, "README.md": b"#", "load.py": b"raise SystemExit"}, tmp_path)
    assert "2 chats written to " in said
    users = [json.loads(row)["messages"][0]["content"] for row in rows.splitlines()]
    assert users == ["Who is Ann?", "Who is Bo?"]


@pytest.mark.parametrize(
    ("files", "name", "sentence"),
    [
        ({}, "someone/else", "There is no file someone/else here, and no such dataset"),
        ({"a.csv": b"x"}, NAME, f"The dataset {NAME} has no JSON and no Parquet files."),
        ({"train.parquet": b"PAR1"}, NAME, "train.parquet is no Parquet file that can be read."),
        ({"train.json": b'[{"x": 1}]'}, NAME, f"There is nothing to learn from in {NAME} ("),
    ],
)
def test_what_is_wrong_with_a_dataset_is_one_sentence(tmp_path, files, name, sentence):
    said, rows = export(files, tmp_path, name)
    *progress, last = said.splitlines()
    assert last.startswith(f"app.py: {sentence}")
    assert all(line.startswith("Fetching") for line in progress if line)
    assert not rows


def test_without_the_hub_it_says_so(tmp_path):
    done = subprocess.run(
        [sys.executable, "app.py", "--export-dataset", str(tmp_path / "out.jsonl"), NAME],
        cwd=ROOT,
        env=hub_environment("http://127.0.0.1:9", tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("app.py: ")
    assert done.stderr.count("\n") == 1
