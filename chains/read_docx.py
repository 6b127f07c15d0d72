"""Word documents (.docx): text, headings, lists, tables, text boxes, notes and comments in document order.

python-docx opens the package and knows the styles; the paragraphs are walked as XML, because its `text`
leaves out tracked insertions, content controls and text boxes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .docx_numbering import BULLET, Numbering
from .extraction import Extraction
from .extraction_builder import ExtractionBuilder, one_line
from .office_zip import open_zip
from .reader_errors import corrupt_as_ingest_error

if TYPE_CHECKING:
    from docx.document import Document

__all__ = ["read_docx"]

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
CONTENTS_STYLE = re.compile(r"toc (?:\d|heading)")
LONGEST_BOLD = 100  # characters of a line in bold that counts as a heading
HEADING_STYLE = re.compile(r"heading ([1-9])$", re.IGNORECASE)
SKIPPED = frozenset({W + "del", W + "moveFrom", W + "rPr", W + "pPr", W + "txbxContent", MC + "Fallback"})
CHARACTERS = {W + "tab": "\t", W + "br": "\n", W + "cr": "\n", W + "noBreakHyphen": "-"}
NOTE_KINDS = {W + "footnoteReference": "footnotes", W + "endnoteReference": "endnotes"}
LONGEST_REPEATED_CELL = 80  # characters of a vertically merged cell that are repeated in each of its rows


def read_docx(data: bytes, name: str) -> Extraction:
    """Read a Word document; raises `IngestError` if it is damaged, a zip bomb or behind a password."""
    from docx import Document as open_document
    from docx.exceptions import PythonDocxError
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    with corrupt_as_ingest_error("docx", name, PythonDocxError, OpcError, LxmlError):
        open_zip(data, name).close()
        return _Walk(open_document(io.BytesIO(data))).extraction()


class _Walk:
    """One pass over a document's body."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._builder = ExtractionBuilder()
        self._list: list[str] = []
        self._title = ""
        self._levels = _heading_levels(document)
        self._contents = _contents_styles(document)
        self._bold_counts = not _has_headings(document, self._levels)
        self._numbering = Numbering(document)
        self._notes = {kind: _notes(document, kind) for kind in ("footnotes", "endnotes")}

    def extraction(self) -> Extraction:
        self._blocks(self._document.element.body)
        self._end_list()
        for text in _margins(self._document):
            self._builder.paragraph(text)
        for comment in self._document.comments:
            self._builder.paragraph(f"Comment ({comment.author or 'no name'}): {comment.text}")
        return self._builder.build(title=self._title or self._document.core_properties.title or "")

    def _blocks(self, parent: Any) -> None:
        for child in parent.iterchildren():
            if child.tag == W + "p":
                self._paragraph(child)
            elif child.tag == W + "tbl":
                self._table(child)
            elif child.tag in (W + "sdt", W + "sdtContent", W + "ins", W + "moveTo", W + "customXml"):
                self._blocks(child)

    def _paragraph(self, element: Any) -> None:
        text = "".join(_pieces(element))
        style = _style_id(element)
        if style in self._contents:
            return
        level = _own_level(element) or self._levels.get(style, 0) or self._bold_level(element, text)
        label, depth = self._numbering.label(element, style) if text.strip() else ("", 0)
        if label and not level:
            self._list.append("  " * depth + f"{label} {one_line(text)}")
        elif text.strip():
            self._end_list()
            if level:
                self._builder.heading(f"{label.removeprefix(BULLET)} {text}", level=level)
                self._title = self._title or (text if style == "Title" else "")
            else:
                self._builder.paragraph(text)
        for note in _note_texts(element, self._notes):
            self._end_list()
            self._builder.paragraph(note)
        for box in _boxes(element):
            self._end_list()
            self._blocks(box)

    def _bold_level(self, element: Any, text: str) -> int:
        """1 for a short line that is bold throughout, where a document knows no other headings; else 0."""
        if not self._bold_counts or len(text) > LONGEST_BOLD or text.rstrip().endswith((".", ",", ";")):
            return 0
        if next(element.iterancestors(W + "tbl"), None) is not None:
            return 0
        runs = [run for run in element.iter(W + "r") if "".join(_pieces(run)).strip()]
        return int(bool(runs) and all(_is_on(run.find(f"{W}rPr/{W}b")) for run in runs))

    def _end_list(self) -> None:
        self._builder.block("\n".join(self._list), kind="list")
        self._list = []

    def _table(self, element: Any) -> None:
        self._end_list()
        rows = list(_rows(element))
        cells = [cell for row in rows for cell in row]
        if len(cells) == 1:  # a frame around text, not a table
            self._blocks(cells[0])
            return
        self._builder.table(_grid(rows))


def _pieces(element: Any) -> Iterator[str]:
    """The text of a paragraph as it reads with all changes accepted, without its text boxes."""
    for child in element.iterchildren():
        if child.tag in SKIPPED:
            continue
        if child.tag in (W + "t", M + "t"):
            yield "".join(child.itertext())  # `text` ends at an entity that is left unresolved
        elif child.tag in CHARACTERS:
            yield CHARACTERS[child.tag]
        elif isinstance(child.tag, str):
            yield from _pieces(child)


def _boxes(element: Any) -> Iterator[Any]:
    """The text boxes anchored in a paragraph, each once: the old form beside the new one is left out."""
    for box in element.iter(W + "txbxContent"):
        outer = [above.tag for above in box.iterancestors() if above.tag != W + "body"]
        if MC + "Fallback" not in outer and W + "txbxContent" not in outer:
            yield box


def _style_id(element: Any) -> str:
    style = element.find(f"{W}pPr/{W}pStyle")
    return "" if style is None else str(style.get(W + "val"))


def _own_level(element: Any) -> int:
    """The heading level that a paragraph sets for itself, 0 for none."""
    return _outline(element.find(f"{W}pPr/{W}outlineLvl"))


def _outline(element: Any) -> int:
    value = 9 if element is None else int(element.get(W + "val") or 9)
    return value + 1 if value < 9 else 0


def _heading_levels(document: Document) -> dict[str, int]:
    """Style id to heading level: by the style's built-in name, else its outline level, perhaps inherited."""
    levels: dict[str, int] = {}
    for style in document.styles:
        seen = 0
        ancestor: Any = style
        while ancestor is not None and seen < 20 and style.style_id not in levels:
            seen += 1
            named = HEADING_STYLE.match(ancestor.name or "")
            level = int(named.group(1)) if named else _outline(ancestor.element.find(f"{W}pPr/{W}outlineLvl"))
            level = 1 if ancestor.name == "Title" else level
            if level:
                levels[style.style_id] = level
            ancestor = getattr(ancestor, "base_style", None)
    return levels


def _contents_styles(document: Document) -> frozenset[str]:
    """Styles of a table of contents, which repeats the headings."""
    names = {style.style_id: (style.name or "").casefold() for style in document.styles}
    return frozenset(one for one, name in names.items() if CONTENTS_STYLE.fullmatch(name))


def _has_headings(document: Document, levels: dict[str, int]) -> bool:
    paragraphs = document.element.body.iter(W + "p")
    return any(
        _own_level(one) or _style_id(one) in levels for one in paragraphs if "".join(_pieces(one)).strip()
    )


def _is_on(toggle: Any) -> bool:
    """Whether a property that a tag switches on is on: `<w:b/>`, but not `<w:b w:val="0"/>`."""
    return toggle is not None and toggle.get(W + "val", "1") not in ("0", "false", "off")


def _rows(table: Any) -> Iterator[list[Any]]:
    for row in table.iter(W + "tr"):
        if next(row.iterancestors(W + "tbl")) is table:
            yield [cell for cell in row.iter(W + "tc") if next(cell.iterancestors(W + "tr")) is row]


def _grid(rows: list[list[Any]]) -> list[list[str]]:
    """Cell texts by column: a cell over several columns fills the first, one over several rows each row."""
    grid: list[list[str]] = []
    for row in rows:
        line: list[str] = []
        for cell in row:
            text = "\n".join("".join(_pieces(paragraph)) for paragraph in cell.iter(W + "p")).strip()
            merged = cell.find(f"{W}tcPr/{W}vMerge")
            if merged is not None and merged.get(W + "val") != "restart" and grid and not text:
                above = grid[-1][len(line)] if len(line) < len(grid[-1]) else ""
                text = above if len(above) <= LONGEST_REPEATED_CELL else ""
            span = cell.find(f"{W}tcPr/{W}gridSpan")
            width = 1 if span is None else max(1, min(int(span.get(W + "val") or 1), 64))
            line.extend([text, *[""] * (width - 1)])
        grid.append(line)
    return grid


def _notes(document: Document, kind: str) -> dict[str, str]:
    """Note id to text, of the part of that kind, which python-docx keeps as plain bytes."""
    from lxml import etree

    for relation in document.part.rels.values():
        if relation.reltype.endswith("/" + kind) and not relation.is_external:
            parser = etree.XMLParser(resolve_entities=False, no_network=True)
            root = etree.fromstring(relation.target_part.blob, parser)
            return {str(note.get(W + "id")): one_line("".join(_pieces(note))) for note in root}
    return {}


def _note_texts(element: Any, notes: dict[str, dict[str, str]]) -> Iterator[str]:
    for reference in element.iter(*NOTE_KINDS):
        kind = NOTE_KINDS[reference.tag]
        if text := notes[kind].get(str(reference.get(W + "id")), ""):
            yield f"{kind.capitalize()[:-1]}: {text}"


def _margins(document: Document) -> list[str]:
    """Page headers and footers, each once; page numbers alone say nothing."""
    texts: dict[str, None] = {}
    for section in document.sections:
        for margin in (section.first_page_header, section.header, section.first_page_footer, section.footer):
            if not margin.is_linked_to_previous:
                text = "\n".join(filter(None, (one_line("".join(_pieces(p._p))) for p in margin.paragraphs)))
                if re.search(r"[^\W\d_]{3}", text) and not re.fullmatch(
                    r"(?i)page\W*\d*\W*(of)?\W*\d*", text
                ):
                    texts[text] = None
    return list(texts)
