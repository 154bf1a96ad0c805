"""Private names of other libraries: they change without notice, so each has its reason.

One that must stay has `# private: LIBRARY VERSION: what breaks` on its line or on the one before.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from llama_ui.settings import ROOT

FILES = [ROOT / "app.py", *sorted((ROOT / "llama_ui").rglob("*.py"))]
REASON = re.compile(r"# private: [\w-]+ \d+\.\d+[\d.]*: \w+")
OWN = ("llama_ui", "tests")


def is_private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def is_own(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def own_names(tree: ast.AST) -> set[str]:
    """The private names that a file itself gives to something."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_own(node):
            names.add(node.attr)
    return names


def private_names(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of each private name that is not the file's own, and has no reason."""
    tree, lines = ast.parse(source), source.split("\n")
    own = own_names(tree)
    for node in ast.walk(tree):
        used: list[str] = []
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            is_known = is_own(node) or node.attr in own or ast.unparse(node) == "os._exit"
            used = [] if is_known else [node.attr]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] not in OWN:
            used = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Import):
            used = [part for alias in node.names for part in alias.name.split(".")]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr"):
            name = node.args[1] if len(node.args) > 1 else None
            used = [str(name.value)] if isinstance(name, ast.Constant) else []
        for name in filter(is_private, used):
            assert isinstance(node, ast.stmt | ast.expr)
            around = "\n".join(lines[max(0, node.lineno - 2) : node.lineno])
            if not REASON.search(around):
                yield node.lineno, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_private_name_of_a_library_is_used_without_a_reason(path: Path):
    assert [*private_names(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("gr.blocks._x()", ["_x"]),
        ("from gradio import _simple_templates", ["_simple_templates"]),
        ("from bitsandbytes.autograd._functions import matmul_4bit", ["_functions"]),
        ("import transformers._x as y", ["_x"]),
        ("page.app._queue = 1", ["_queue"]),
        ("getattr(model, '_tied_weights_keys')", ["_tied_weights_keys"]),
        ("model.model._attn", ["_attn"]),
        ("self._mine", []),
        ("x.__dict__", []),
        ("from __future__ import annotations", []),
        ("# private: gradio 6.31: the door stays open\ngr._x", []),
        ("gr._x  # private: gradio 6.31: the door stays open", []),
        ("gr._x  # private", ["_x"]),
    ],
)
def test_they_are_found(source, found):
    assert [name for _, name in private_names(source)] == found
