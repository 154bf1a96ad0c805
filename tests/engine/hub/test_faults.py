"""Each fault of a model's source has its sentence, and none tells the token."""

from pathlib import Path

import pytest

from tests.engine.hub.faults import SECTIONS, Fault, provoke
from tests.engine.hub.loading import HEADING, LOADING, spoken
from tests.engine.hub.table import ATTACHED, PAGE, attached, page, row

ALL = [fault for faults in SECTIONS.values() for fault in faults]


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> tuple[dict[str, dict[str, str]], str, Path]:
    """All faults, made to happen once: what was said by title, the log, the folder."""
    folder = tmp_path_factory.mktemp("faults")
    answers, log = provoke(ALL, folder)
    return dict(zip((fault.title for fault in ALL), answers, strict=True)), log, folder


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault.title)
def test_a_fault_says_what_happened_and_what_to_do(fault: Fault, said):
    answer = said[0][fault.title]
    assert fault.says in f"{answer['problem']} {answer['next_step']}"
    assert answer["problem"].endswith(".")
    assert answer["next_step"].endswith(".")
    assert "\n" not in answer["problem"] + answer["next_step"]


def test_no_token_is_told_or_logged(said):
    answers, log, _ = said
    assert "DEBUG" in log
    assert "Secret" not in log
    assert "Secret" not in str(answers)


def test_the_page_in_the_docs_is_what_is_said(said, tmp_path):
    pytest.importorskip("peft")
    answers, _, folder = said
    sections = {
        heading: [row(fault.title, answers[fault.title], folder) for fault in faults]
        for heading, faults in SECTIONS.items()
    }
    made = [(title, says, spoken(make(tmp_path))) for title, says, make in LOADING]
    for _, says, answer in made:
        assert says in f"{answer['problem']} {answer['next_step']}"
    sections[HEADING] = [row(title, answer, tmp_path) for title, _, answer in made]
    sections[ATTACHED] = attached()
    assert page(sections) == PAGE.read_text(encoding="utf-8"), (
        "run python -m tests.engine.hub.table"
    )
