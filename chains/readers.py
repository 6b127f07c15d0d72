"""The door to all formats: bytes and a name in, an `Extraction` out.

Decides by content which reader takes them, and says why and what to do where none can. Opens no file, fetches
nothing, runs nothing that stands in a document.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import cast

from .content_type import kind_of, suffix_kind
from .errors import IngestError
from .extraction import Extraction
from .reader_errors import encrypted, no_text

__all__ = ["READER_VERSION", "read", "supported"]

READER_VERSION = "1"  # raise it when any reader gives other text: sources are then read again

READERS: dict[str, str] = {
    "csv": "read_csv:read_csv",
    "docx": "read_docx:read_docx",
    "eml": "read_email:read_email",
    "epub": "read_epub:read_epub",
    "html": "read_html:read_html",
    "ipynb": "read_notebook:read_notebook",
    "json": "read_json:read_json",
    "md": "read_markdown:read_markdown",
    "odt": "read_odt:read_odt",
    "pdf": "read_pdf:read_pdf",
    "pptx": "read_pptx:read_pptx",
    "rst": "read_rst:read_rst",
    "rtf": "read_rtf:read_rtf",
    "txt": "read_text:read_text",
    "xlsx": "read_xlsx:read_xlsx",
}
READABLE = (
    "Readable are: csv, docx, eml, epub, html, ipynb, json, jsonl, md, odt, pdf, pptx, rst, rtf, txt, xlsx."
)

# What is no reader's: what it is in words, and the way out.
REFUSED: dict[str, tuple[str, str]] = {
    "archive": ("an archive", "Unpack it and ingest the files in it."),
    "audio": ("a sound recording", "Ingest its transcript as text; speech is not recognised here."),
    "binary": ("binary data of no known format", READABLE),
    "doc": ("a Word file of the old format (.doc)", "Save it as .docx and ingest that."),
    "image": ("a picture", "Text in pictures needs OCR (text recognition); ingest its text."),
    "mbox": ("a mailbox of several mails", "Export its mails as .eml files and ingest those."),
    "msg": ("an Outlook message (.msg)", "Save it as .eml and ingest that."),
    "odp": ("OpenDocument slides (.odp)", "Save them as .pptx and ingest that."),
    "ods": ("an OpenDocument sheet (.ods)", "Save it as .xlsx and ingest that."),
    "ole": ("an Office file of an old format", "Save it as .docx, .pptx or .xlsx and ingest that."),
    "ppt": ("PowerPoint slides of the old format (.ppt)", "Save them as .pptx and ingest that."),
    "rss": ("a news feed", "Ingest the pages it points to."),
    "unknown": ("plain text of no known kind", f"If it is prose, name it .txt. {READABLE}"),
    "video": ("a video", "Ingest its transcript as text."),
    "xls": ("an Excel workbook of the old format (.xls)", "Save it as .xlsx and ingest that."),
    "xlsb": ("a binary Excel workbook (.xlsb)", "Save it as .xlsx and ingest that."),
    "xml": ("XML of no known kind", READABLE),
}


def supported(name: str) -> bool:
    """Whether a folder walk takes a file of this name: its suffix is that of a kind with a reader.

    >>> supported("leave.PDF"), supported("photo.png")
    (True, False)
    """
    return bool(suffix_kind(name))


def read(data: bytes, name: str) -> Extraction:
    """The text of a document with its headings, pages and tables; its kind is told by content.

    Raises `IngestError` with reason and remedy: no reader for the kind, damaged, behind a password, no text.
    """
    if not data.strip(b" \t\r\n\x00"):
        raise IngestError(f"{name} is empty ({len(data)} bytes).", remedy="Check that it was saved in full.")
    kind = kind_of(data, name)
    if kind not in READERS:
        raise _refusal(kind, name)
    extraction = _reader(kind)(data, name)
    if not extraction.text.strip():
        raise no_text(name, kind)
    return replace(extraction, reader=f"{kind}/{READER_VERSION}")


def _reader(kind: str) -> Callable[[bytes, str], Extraction]:
    module, function = READERS[kind].split(":")
    return cast(
        Callable[[bytes, str], Extraction], getattr(import_module(f".{module}", __package__), function)
    )


def _refusal(kind: str, name: str) -> IngestError:
    promised = suffix_kind(name)
    if kind == "encrypted":
        return encrypted(name)
    if kind == "mislabelled" or (kind == "binary" and promised):
        return IngestError(
            f"{name} is named as {promised} and holds something else: damaged, cut off or of another kind.",
            remedy="Open it in the program it was made with, save it again, and ingest the new file.",
        )
    what, remedy = REFUSED[kind]
    return IngestError(f"{name} is {what}, which has no reader.", remedy=remedy)
