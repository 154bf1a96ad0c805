"""PDF and .docx files: whole ones, and what hostile ones do."""

import io
import zipfile
from collections.abc import Callable
from itertools import pairwise

import docx
from pypdf import PdfWriter
from pypdf.generic import (
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
)


def pdf(*texts: str, password: str = "", owner: str = "") -> bytes:
    """A PDF with these pages; an empty text is a page without any. With an owner's password alone
    anybody may open it."""
    writer = PdfWriter()
    for text in texts:
        _page(writer, f"BT /F1 12 Tf 20 500 Td ({text}) Tj ET".encode() if text else b"")
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    elif owner:
        writer.encrypt("", owner, algorithm="AES-256")
    return _bytes(writer)


def _page(writer: PdfWriter, content: bytes) -> None:
    page = writer.add_blank_page(600, 600)
    stream = DecodedStreamObject()
    stream.set_data(content)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    fonts = DictionaryObject({NameObject("/F1"): font})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    page[NameObject("/Contents")] = writer._add_object(stream.flate_encode())


def _bytes(writer: PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def bomb() -> bytes:
    """A page that unpacks to a hundred megabytes."""
    writer = PdfWriter()
    _page(writer, b"0 0 m\n" * 17_000_000)
    return _bytes(writer)


def nested() -> bytes:
    """Pages within pages, 3,000 deep."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>"]
    for number in range(2, 3_002):
        objects.append(b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % (number + 1))
    objects.append(b"<</Type/Page/MediaBox[0 0 9 9]>>")
    return _written(objects)


def endless() -> bytes:
    """A page that is its own parent."""
    return _written([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[2 0 R]>>"])


def brackets() -> bytes:
    """A page whose content is a list in a list, 100,000 deep."""
    writer = PdfWriter()
    _page(writer, b"BT /F1 12 Tf " + b"[" * 100_000)
    return _bytes(writer)


def _written(objects: list[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    return bytes(out)


def word(*paragraphs: str, table: tuple[tuple[str, ...], ...] = ()) -> bytes:
    """A .docx file."""
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    if table:
        made = document.add_table(len(table), len(table[0]))
        for cells, row in zip(table, made.rows, strict=True):
            for text, cell in zip(cells, row.cells, strict=True):
                cell.text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _word_of(xml: bytes) -> bytes:
    """A .docx file whose text is this XML."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word("x"))) as before, zipfile.ZipFile(out, "w", 8) as after:
        for name in before.namelist():
            after.writestr(name, xml if name == "word/document.xml" else before.read(name))
    return out.getvalue()


_W = b'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def word_of(body: str) -> bytes:
    """A .docx file with this inside its body."""
    return _word_of(b"<w:document %s><w:body>%s</w:body></w:document>" % (_W, body.encode()))


def laughs() -> bytes:
    """XML whose entities hold ten times each other."""
    names = [b"a%d" % n for n in range(12)]
    entities = [b'<!ENTITY a0 "ha">']
    for inner, name in pairwise(names):
        entities.append(b'<!ENTITY %s "%s">' % (name, b"&%s;" % inner * 10))
    head = b"<!DOCTYPE x [%s]>" % b"".join(entities)
    body = b"<w:document %s><w:body><w:p><w:r><w:t>&a11;</w:t></w:r></w:p></w:body></w:document>"
    return _word_of(head + body % _W)


def zip_bomb() -> bytes:
    """A gigabyte of spaces in a few megabytes."""
    out = io.BytesIO()
    name = "word/document.xml"
    with zipfile.ZipFile(out, "w", 8, compresslevel=1) as file, file.open(name, "w") as part:
        for _ in range(1_000):
            part.write(b" " * 1_000_000)
    whole = io.BytesIO(word("x"))
    with zipfile.ZipFile(whole) as before, zipfile.ZipFile(out, "a", 8) as after:
        for other in {*before.namelist()} - {name}:
            after.writestr(other, before.read(other))
    return out.getvalue()


def deep_xml() -> bytes:
    """Elements within elements, 100,000 deep."""
    inner = b"<w:p>" * 100_000 + b"</w:p>" * 100_000
    return word_of(inner.decode())


def zipped() -> bytes:
    """An archive that is no document."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.txt", "hello")
    return out.getvalue()


# What is said to each: part of it, for the tests; all of it stands in docs/faults.md.
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty"),
    "not a PDF at all": (lambda: b"MZ" + bytes(5_000), "neither a PDF"),
    "PDF: cut short": (lambda: pdf("hello")[:300], "damaged"),
    "PDF: only its first line": (lambda: b"%PDF-1.7\n", "damaged"),
    "PDF: with a password": (lambda: pdf("hello", password="secret"), "password"),
    "PDF: scanned, no text": (lambda: pdf("", ""), "no text"),
    "PDF: a page that unpacks to 100 MB": (bomb, "damaged"),
    "PDF: pages within pages, 3,000 deep": (nested, "damaged"),
    "PDF: pages without an end": (endless, "damaged"),
    "PDF: lists within lists, 100,000 deep": (brackets, "no text"),
    ".docx: another archive": (zipped, "damaged"),
    ".docx: a gigabyte of spaces": (zip_bomb, "complex"),
    ".docx: entities within entities": (laughs, "damaged"),
    ".docx: elements 100,000 deep": (deep_xml, "damaged"),
    ".docx: without text": (lambda: word(), "no text"),
    ".docx: 600,000 characters": (lambda: word("llama " * 100_000), "500,000"),
}
