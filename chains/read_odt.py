"""OpenDocument texts (.odt): headings, paragraphs, lists, tables, text boxes and notes in document order."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any

from .extraction import Extraction
from .extraction_builder import ExtractionBuilder, one_line
from .office_zip import open_zip
from .reader_errors import corrupt_as_ingest_error, encrypted

__all__ = ["read_odt"]

NAMESPACE = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
TEXT, TABLE, OFFICE, DRAW = (NAMESPACE % name for name in ("text", "table", "office", "drawing"))
TITLE = "{http://purl.org/dc/elements/1.1/}title"
CHARACTERS = {TEXT + "tab": "\t", TEXT + "line-break": "\n"}
# Changes that were taken back, remarks, the table of contents; notes and boxes are read on their own.
SKIPPED = frozenset({TEXT + "tracked-changes", OFFICE + "annotation", TEXT + "table-of-content"})
APART = frozenset({TEXT + "note", DRAW + "text-box"})
MOST_REPEATED = 1_000  # rows or cells that one element stands for: more is the empty rest of a sheet


def read_odt(data: bytes, name: str) -> Extraction:
    """Read an OpenDocument text; raises `IngestError` if it is damaged, a zip bomb or behind a password."""
    from lxml.etree import LxmlError

    with corrupt_as_ingest_error("odt", name, LxmlError), open_zip(data, name) as archive:
        if b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise encrypted(name)
        builder = ExtractionBuilder()
        body = next(_xml(archive, "content.xml").iter(OFFICE + "text"))
        _blocks(builder, body)
        return builder.build(title=_title(archive))


def _xml(archive: zipfile.ZipFile, member: str) -> Any:
    from lxml import etree

    return etree.fromstring(archive.read(member), etree.XMLParser(resolve_entities=False, no_network=True))


def _title(archive: zipfile.ZipFile) -> str:
    if "meta.xml" not in archive.namelist():
        return ""
    return next((str(title.text or "") for title in _xml(archive, "meta.xml").iter(TITLE)), "")


def _blocks(builder: ExtractionBuilder, parent: Any) -> None:
    for child in parent.iterchildren():
        if child.tag == TEXT + "h":
            builder.heading("".join(_pieces(child)), level=int(child.get(TEXT + "outline-level") or 1))
            _apart(builder, child)
        elif child.tag == TEXT + "p":
            builder.paragraph("".join(_pieces(child)))
            _apart(builder, child)
        elif child.tag == TEXT + "list":
            builder.block("\n".join(_items(child, 0)), kind="list")
            _apart(builder, child)
        elif child.tag == TABLE + "table":
            builder.table(_rows(child))
        elif child.tag not in SKIPPED:
            _blocks(builder, child)


def _pieces(element: Any) -> Iterator[str]:
    """The text of a paragraph, without the notes and boxes anchored in it."""
    yield element.text or ""
    for child in element.iterchildren():
        if child.tag == TEXT + "s":
            yield " " * min(int(child.get(TEXT + "c") or 1), MOST_REPEATED)
        elif child.tag in CHARACTERS:
            yield CHARACTERS[child.tag]
        elif isinstance(child.tag, str) and child.tag not in SKIPPED | APART:
            yield from _pieces(child)
        yield child.tail or ""


def _apart(builder: ExtractionBuilder, element: Any) -> None:
    """The notes and boxes anchored in a paragraph, behind it; those in a box come with the box."""
    for child in element.iter(*APART):
        if any(above.tag in APART for above in child.iterancestors()):
            continue
        if child.tag == TEXT + "note":
            body = child.find(TEXT + "note-body")
            if body is not None:
                builder.paragraph("Footnote: " + one_line(" ".join(map(_text, body.iterchildren()))))
        else:
            _blocks(builder, child)


def _text(element: Any) -> str:
    return "".join(_pieces(element))


def _items(element: Any, depth: int) -> Iterator[str]:
    for item in element.iterchildren(TEXT + "list-item", TEXT + "list-header"):
        for child in item.iterchildren():
            if child.tag == TEXT + "list":
                yield from _items(child, depth + 1)
            elif text := one_line(_text(child)):
                yield "  " * depth + "- " + text


def _rows(table: Any) -> Iterator[list[str]]:
    for row in table.iter(TABLE + "table-row"):
        if next(row.iterancestors(TABLE + "table")) is not table:
            continue
        cells: list[str] = []
        for cell in row.iterchildren(TABLE + "table-cell", TABLE + "covered-table-cell"):
            text = " ".join(_text(one) for one in cell.iter(TEXT + "p", TEXT + "h"))
            cells.extend([text] * _repeated(cell, "number-columns-repeated"))
        yield from [cells] * _repeated(row, "number-rows-repeated")


def _repeated(element: Any, attribute: str) -> int:
    return min(int(element.get(TABLE + attribute) or 1), MOST_REPEATED)
