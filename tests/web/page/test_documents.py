"""PDF and .docx files over a real socket: their text comes back, or one sentence that says why."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from llama_ui.chat.attachments import MAX_ATTACHMENT_CHARS
from llama_ui.web.access.limits import Limits
from llama_ui.web.page import document_reader
from tests.documents import HOSTILE, pdf, word, word_of
from tests.web.page.visitor import Visitor, serving


def send(visitor: Visitor, raw: bytes) -> tuple[int, dict]:
    answer = visitor.http.post("/page/document", content=raw)
    return answer.status_code, answer.json()


def test_the_text_of_a_pdf_and_of_a_docx_file(visitor):
    whole = {"text": "One llama\n\nTwo llamas", "read": 2, "pages": 2}
    assert send(visitor, pdf("One llama", "Two llamas")) == (200, whole)
    text = "Prices\nwool\t12\nmilk\t3"
    file = word("Prices", table=(("wool", "12"), ("milk", "3")))
    assert send(visitor, file) == (200, {"text": text, "read": 1, "pages": 1})


@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_file_costs_one_sentence(visitor, title):
    make, what = HOSTILE[title]
    status, said = send(visitor, make())
    assert status == 400
    assert what in said["problem"]
    assert said["next_step"]


def test_a_pdf_that_is_too_long_is_read_page_by_page_as_far_as_it_goes(visitor):
    page = "llama " * 20_000
    status, found = send(visitor, pdf(*[page] * 6))
    assert (status, found["read"], found["pages"]) == (200, 4, 6)
    assert len(found["text"]) <= MAX_ATTACHMENT_CHARS == document_reader.MAX_CHARS


def test_a_pdf_that_anybody_may_open_but_not_print_is_read(visitor):
    status, found = send(visitor, pdf("llama", password="", owner="secret"))
    assert (status, found["text"]) == (200, "llama")


def test_in_a_docx_file_what_is_inserted_and_forms_are_read_and_deleted_words_are_not(visitor):
    cell = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
    body = (
        "<w:p><w:r><w:t>One</w:t></w:r><w:ins><w:r><w:t> two</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText> three</w:delText></w:r></w:del>"
        "<w:moveFrom><w:r><w:t> four</w:t></w:r></w:moveFrom></w:p>"
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>Five</w:t><w:tab/><w:t>six</w:t></w:r></w:p>"
        "</w:sdtContent></w:sdt>"
        f"<w:tbl><w:tr>{cell.format('a')}{cell.format('b')}</w:tr></w:tbl>"
    )
    status, found = send(visitor, word_of(body))
    assert (status, found["text"]) == (200, "One two\nFive\tsix\na\tb")


def test_one_visitor_has_two_files_read_at_once(page):
    visitor, raw = Visitor(page), pdf(*["llama"] * 2_000)
    with ThreadPoolExecutor(8) as others:
        reading = [others.submit(send, visitor, raw) for _ in range(8)]
        said = [done.result()[1].get("problem", "") for done in reading]
    refused = sum("files are being read" in problem for problem in said)
    # By the time that the last is sent, the first may have been read.
    assert 3 <= refused <= 6


def test_ten_thousand_pages_end_in_time(visitor):
    began = time.monotonic()
    status, found = send(visitor, pdf(*["llama"] * 10_000))
    # A fast machine reads some of them.
    assert "complex" in found["problem"] if status == 400 else 0 < found["read"] < 10_000
    assert time.monotonic() - began < 60


def test_a_file_counts_as_work_and_has_a_largest_size(starter, visitor):
    assert send(visitor, bytes(10_000_001))[0] == 413
    with serving(starter, Limits(work=1)) as url:
        one = Visitor(url)
        assert send(one, word("hello"))[0] == 200
        status, said = send(one, word("hello"))
    assert (status, "limit of requests" in said["problem"]) == (400, True)


def test_who_measures_does_not_wait_for_a_file_that_takes_long(page, visitor):
    raw = pdf(*["llama"] * 10_000)
    with ThreadPoolExecutor(3) as others:
        reading = [others.submit(send, Visitor(page), raw) for _ in range(2)]
        time.sleep(0.5)
        assert visitor.post("meter", draft="hello")["window"] == 2048
        assert not any(done.done() for done in reading)
