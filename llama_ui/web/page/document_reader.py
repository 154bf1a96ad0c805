"""The process in which a PDF or a .docx file is read: a hostile one ends this one and no other.

It reads the file and answers with one JSON object of Found. It imports nothing of the application.
"""

import io
import json
import logging
import sys
import time
from collections.abc import Iterator
from typing import Any, Literal, TypedDict

import docx
import pypdf.errors

WORK_S = 2.0
MAX_CHARS = 500_000  # that may be attached

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SIGNS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
# What was deleted or moved away, text boxes, and how things look.
_NOT_READ = {f"{_W}{tag}" for tag in ("del", "moveFrom", "txbxContent", "pPr", "rPr", "tblPr")}

Fault = Literal["", "kind", "locked", "damaged", "complex", "long"]


class Found(TypedDict):
    """The text, of so many pages; or why there is none."""

    text: str
    read: int
    pages: int
    fault: Fault


def read(raw: bytes) -> Found:
    """The text of a file. A PDF is read as far as its pages fit into the time and the size."""
    try:
        # Some programs write a line before the PDF's own.
        if b"%PDF-" in raw[:1024]:
            return _read_pdf(raw)
        if raw.startswith(b"PK"):
            return _found(_docx_text(raw))
    except MemoryError:
        return _found(fault="complex")
    except pypdf.errors.DependencyError:
        # A cipher that is not here.
        return _found(fault="locked")
    except Exception:
        # These libraries raise whatever comes of what they find in a broken file.
        return _found(fault="damaged")
    return _found(fault="kind")


def _read_pdf(raw: bytes) -> Found:
    began = time.process_time()
    pdf = pypdf.PdfReader(io.BytesIO(raw))
    # Many that are locked against changes only open with no password.
    if pdf.is_encrypted and not pdf.decrypt(""):
        return _found(fault="locked")
    pages, texts, room = len(pdf.pages), list[str](), MAX_CHARS
    for page in pdf.pages:
        if time.process_time() - began > WORK_S:
            break
        text = page.extract_text()
        room -= len(text) + 2
        if texts and room < 0:
            break
        texts.append(text)
    fault: Fault = "complex" if pages and not texts else ""
    return _found("\n\n".join(texts), len(texts), pages, fault)


def _docx_text(raw: bytes) -> str:
    return "\n".join(_blocks(docx.Document(io.BytesIO(raw)).element.body))


def _blocks(parent: Any) -> Iterator[str]:
    """Paragraphs and rows of tables, also in forms and in what was inserted (ECMA-376, part 1)."""
    for node in parent.iterchildren("{*}*"):
        if node.tag == f"{_W}p":
            yield "".join(_words(node))
        elif node.tag == f"{_W}tr":
            yield "\t".join("\n".join(_blocks(cell)) for cell in node.iterchildren(f"{_W}tc"))
        elif node.tag not in _NOT_READ:
            yield from _blocks(node)


def _words(parent: Any) -> Iterator[str]:
    for node in parent.iterchildren("{*}*"):
        if node.tag == f"{_W}t":
            yield node.text or ""
        elif node.tag in _SIGNS:
            yield _SIGNS[node.tag]
        elif node.tag not in _NOT_READ:
            yield from _words(node)


def _found(text: str = "", read: int = 1, pages: int = 1, fault: Fault = "") -> Found:
    if len(text) > MAX_CHARS:
        return _found(fault="long")
    return {"text": text, "read": read, "pages": pages, "fault": fault}


if __name__ == "__main__":
    logging.disable()  # what pypdf finds odd
    json.dump(read(sys.stdin.buffer.read()), sys.stdout)
