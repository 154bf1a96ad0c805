"""Everything that is imported is declared, by an exact version."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from llama_ui.settings import ROOT

OURS = {"app", "benchmarks", "llama_ui", "tests", "training"}


def declared(name: str) -> set[str]:
    """The packages that a file of requirements pins, and those of the files that it names."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = {_plain(pin) for pin in re.findall(r"(?m)^([\w.-]+)==", text)}
    return found.union(*(declared(other) for other in re.findall(r"(?m)^-r (\S+)", text)))


def imported(place: Path) -> set[str]:
    """The top-level modules that Python files import from elsewhere."""
    names = set()
    for path in [place] if place.is_file() else place.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(str(node.module).partition(".")[0])
    return names - sys.stdlib_module_names - OURS


def _plain(package: str) -> str:
    return package.lower().replace("_", "-")


@pytest.mark.parametrize(
    ("place", "requirements"),
    [
        ("llama_ui/main.py", "requirements.txt"),
        ("llama_ui", "requirements-tuning.txt requirements-gguf.txt"),
        ("tests", "requirements-dev.txt"),
        ("benchmarks", "requirements-dev.txt"),
        ("training", "requirements-dev.txt"),
    ],
)
def test_what_is_imported_is_declared(place, requirements):
    packages = packages_distributions()
    known = set().union(*(declared(name) for name in requirements.split()))
    missing = {
        name
        for name in imported(ROOT / place)
        if not {_plain(package) for package in packages.get(name, [name])} & known
    }
    assert not missing


def test_the_extras_of_the_package_are_the_files_of_requirements():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = text.partition("[project.optional-dependencies]\n")[2].partition("\n\n")[0]
    extras = dict(re.findall(r"(?m)^(\w+) = (\[.+\])$", section))
    assert len(extras) == len(section.splitlines())
    for name, pins in extras.items():
        named = {_plain(pin.partition("==")[0]) for pin in ast.literal_eval(pins)}
        assert named == declared(f"requirements-{name}.txt") - declared("requirements.txt")
        pinned = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("requirements*"))
        assert all(f"\n{pin}\n" in pinned for pin in ast.literal_eval(pins))
