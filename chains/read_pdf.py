"""PDF: text in reading order with pages, headings, paragraphs and tables.

pdfium is one C library without locks, so one thread at a time reads here.
"""

from __future__ import annotations

import io
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .errors import IngestError
from .extraction import Extraction
from .extraction_builder import one_line
from .pdf_layout import assemble
from .pdf_lines import Page, is_right_to_left, page_lines, unplaced_page
from .pdf_ruled_tables import ruled_tables
from .reader_errors import corrupt, corrupt_as_ingest_error, encrypted

__all__ = ["read_pdf"]

log = logging.getLogger(__name__)

ONE_AT_A_TIME = threading.Lock()
FEWEST_LETTERS = 20  # a page, on average, below which a PDF of pictures counts as a scan
END = 4_096  # bytes in which a whole PDF ends; pdfium reads what is left of a cut one without a word
EMPTY_TITLE = re.compile(
    r"(?i)\W*(untitled|anonymous|title|document\d*|microsoft \w+ - .*|.*\.\w{2,4}( \[.*)?|.*\\.*)?\W*"
)


def read_pdf(data: bytes, name: str) -> Extraction:
    """Read a PDF; raises `IngestError` if it is damaged, behind a password, or pictures without text."""
    from pypdf.errors import PyPdfError

    if b"startxref" not in data[-END:]:
        raise corrupt("pdf", name, "its end is missing")
    with (
        ONE_AT_A_TIME,
        _quiet(),
        corrupt_as_ingest_error("pdf", name, PyPdfError),
        _opened(data, name) as document,
    ):
        pages = [page_lines(document[number]) for number in range(len(document))]
        if all(not page.lines for page in pages) or _is_scan(document, pages):
            raise _scan(name, len(pages))
        _tell_of_pictures(document, pages, name)
        for number, page in enumerate(pages):
            page.ruled = ruled_tables(document[number])
        _read_right_to_left(data, pages)
        title = str(document.get_metadata_dict().get("Title", ""))
        title = "" if EMPTY_TITLE.fullmatch(title) else title
        outline = [(mark.level + 1, mark.get_title()) for mark in document.get_toc()]
        fields = _form_fields(data) if document.get_formtype() else []
        return assemble(pages, outline=outline, title=title, fields=fields)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the parsers' warnings about odd fonts and tables off the terminal: what matters is raised."""
    loggers = [logging.getLogger(name) for name in ("pdfminer", "pdfplumber", "pypdf")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _opened(data: bytes, name: str) -> Iterator[Any]:
    import pypdfium2  # type: ignore[import-untyped]  # ships no types

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise encrypted(name) from error
        raise
    try:
        yield document
    finally:
        document.close()


def _is_scan(document: Any, pages: list[Page]) -> bool:
    """Hardly any letters, and pictures on most pages."""
    letters = sum(len(line.text) for page in pages for line in page.lines)
    if letters >= FEWEST_LETTERS * len(pages):
        return False
    pictures = sum(_has_picture(document[number]) for number in range(len(pages)))
    return pictures * 2 > len(pages)


def _has_picture(page: Any) -> bool:
    from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE  # type: ignore[import-untyped]  # ships no types

    return any(True for _ in page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE], max_depth=3))


def _tell_of_pictures(document: Any, pages: list[Page], name: str) -> None:
    """Log the pages that are only pictures in a document whose other pages hold text."""
    blank = (number for number, page in enumerate(pages) if not page.lines)
    if found := [str(number + 1) for number in blank if _has_picture(document[number])]:
        log.warning("%s: page(s) %s are pictures without text and were left out", name, ", ".join(found))


def _scan(name: str, pages: int) -> IngestError:
    return IngestError(
        f"{name} has no text layer: not a sentence on its {pages} page(s), only pictures or nothing.",
        remedy="It needs OCR (text recognition): run one that adds a text layer, ocrmypdf for example.",
    )


def _read_right_to_left(data: bytes, pages: list[Page]) -> None:
    """Put pypdf's text in place of pages in right-to-left scripts, where pdfium turns ligatures around."""
    wanted = [number for number, page in enumerate(pages) if is_right_to_left(page)]
    if not wanted:
        return
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(data))
    for number in wanted:
        pages[number] = unplaced_page(reader.pages[number].extract_text(), pages[number])


def _form_fields(data: bytes) -> list[str]:
    """What was typed into a form, which stands beside the pages' text."""
    import pypdf

    fields = pypdf.PdfReader(io.BytesIO(data)).get_form_text_fields()
    return [f"{name}: {one_line(str(value))}" for name, value in fields.items() if value]
