"""What is said while a model loads."""

import io

import pytest

from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.progress import Progress, ProgressLine
from llama_ui.settings import MODELS


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress("checking"), "checking the files…"),
        (Progress("loading"), "loading…"),
        (Progress("loading", 2, 5), "loading 40 %"),
        (Progress("downloading", 0, 11_500_000), "downloading 0 of 12 MB"),
        (
            Progress("downloading", 1_234_000_000, 13_500_000_000, 85_000_000.0),
            "downloading 1.2 of 13.5 GB, 85 MB/s",
        ),
    ],
)
def test_progress_in_words(progress, text):
    assert str(progress) == text


def test_loading_counts_the_weights_of_the_model(loaded):
    reports: list[Progress] = []
    load_model(MODELS["pocket"], report=reports.append)
    weights = len(loaded.model.state_dict())
    assert {report.phase for report in reports} == {"loading"}
    assert [report.done for report in reports] == list(range(reports[-1].total + 1))
    assert 10 < reports[-1].total <= weights


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_line_that_changes():
    stream = Terminal()
    line = ProgressLine(stream)
    for done in range(101):
        line("Pocket Llama", Progress("loading", done, 100))
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("Pocket Llama: loading 100 %\x1b[K\r")


def test_a_file_gets_a_line_now_and_then():
    stream = io.StringIO()
    line = ProgressLine(stream)
    for done in range(101):
        line("Pocket Llama", Progress("loading", done, 100))
    assert stream.getvalue().splitlines() == [
        "Pocket Llama: loading 0 %",
        "Pocket Llama: loading 100 %",
    ]
