"""What kind of document some bytes are: by their content, by the name only between kinds of plain text.

Knows no reader; unpacks nothing but the list of a zip archive's members.
"""

from __future__ import annotations

import codecs
import io
import json
import re
import zipfile
from pathlib import PurePath

__all__ = ["SUFFIXES", "kind_of", "suffix_kind"]

SUFFIXES: dict[str, str] = {
    ".csv": "csv",
    ".docm": "docx",
    ".docx": "docx",
    ".dotx": "docx",
    ".eml": "eml",
    ".epub": "epub",
    ".htm": "html",
    ".html": "html",
    ".ipynb": "ipynb",
    ".json": "json",
    ".jsonl": "json",
    ".log": "txt",
    ".markdown": "md",
    ".md": "md",
    ".mdown": "md",
    ".ndjson": "json",
    ".odt": "odt",
    ".ott": "odt",
    ".pdf": "pdf",
    ".potx": "pptx",
    ".ppsx": "pptx",
    ".pptm": "pptx",
    ".pptx": "pptx",
    ".rest": "rst",
    ".rst": "rst",
    ".rtf": "rtf",
    ".text": "txt",
    ".tsv": "csv",
    ".txt": "txt",
    ".xhtml": "html",
    ".xlsm": "xlsx",
    ".xlsx": "xlsx",
}

MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"{\\rtf", "rtf"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
    (b"8BPS", "image"),
    (b"fLaC", "audio"),
    (b"OggS", "audio"),
    (b"ID3", "audio"),
    (b"\xff\xfb", "audio"),
    (b"\xff\xf3", "audio"),
    (b"\xff\xf2", "audio"),
    (b"\x1a\x45\xdf\xa3", "video"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ\x00", "archive"),
)
RIFF = {b"WAVE": "audio", b"WEBP": "image", b"AVI ": "video"}
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLE_STREAMS: tuple[tuple[str, str], ...] = (  # first match decides: an encrypted file names only the first
    ("EncryptedPackage", "encrypted"),
    ("WordDocument", "doc"),
    ("PowerPoint Document", "ppt"),
    ("__substg1.0_", "msg"),
    ("Workbook", "xls"),
    ("Book", "xls"),
)
ZIP_MEMBERS: tuple[tuple[str, str], ...] = (
    ("word/document.xml", "docx"),
    ("ppt/presentation.xml", "pptx"),
    ("xl/workbook.xml", "xlsx"),
    ("xl/workbook.bin", "xlsb"),
    ("META-INF/container.xml", "epub"),
)
MIME_KINDS = {
    "application/epub+zip": "epub",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.text-template": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
}
HTML = re.compile(
    r"(?:<!--.*?-->|<\?xml[^>]*>|\s)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
XML = re.compile(r"\s*<\?xml\b|\s*<(?:rss|feed|svg)\b")
XML_ROOT = re.compile(r"<(?![?!])(?:\w+:)?(\w+)")
HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]?\S?.*$")
MAIL_HEADERS = frozenset(
    "bcc cc content-transfer-encoding content-type date delivered-to from in-reply-to message-id "
    "mime-version received reply-to return-path sender subject to".split()
)
WIDE_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
NEXT_MAIL = re.compile(rb"\n\r?\nFrom \S+ .*\d{4}\r?\n[A-Za-z-]+: ")
TEXT_START = 65_536  # bytes looked at to tell text from binary and to find a text's shape


def suffix_kind(name: str) -> str:
    """The kind that a file's name promises, "" for none of ours.

    >>> suffix_kind("Handbook/Leave.PDF")
    'pdf'
    """
    return SUFFIXES.get(PurePath(name).suffix.lower(), "")


def kind_of(data: bytes, name: str) -> str:
    """The kind of document, e.g. "pdf", "txt"; for what no reader takes its kind too, e.g. "image", "binary".

    >>> kind_of(b"%PDF-1.7 ...", "report.txt"), kind_of(b"# Leave", "leave.md")
    ('pdf', 'md')
    """
    return _binary_kind(data, name) or _text_kind(data, name)


def _binary_kind(data: bytes, name: str) -> str:
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(OLE_MAGIC):
        return next((kind for stream, kind in OLE_STREAMS if stream.encode("utf-16-le") in data), "ole")
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(data, name)
    if data.startswith(b"RIFF"):
        return RIFF.get(data[8:12], "binary")
    if data[4:8] == b"ftyp":
        return "image" if data[8:12] in (b"heic", b"heix", b"avif", b"mif1") else "video"
    if data.startswith(b"BM") and data[6:10] == b"\0\0\0\0":
        return "image"
    return next((kind for magic, kind in MAGIC if data.startswith(magic)), "")


def _zip_kind(data: bytes, name: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = set(archive.namelist())
            mime = archive.read("mimetype")[:100] if "mimetype" in members else b""
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, OSError, EOFError):
        return suffix_kind(name) or "archive"  # cut off: the reader that the name promises says so
    if kind := MIME_KINDS.get(mime.decode("ascii", "replace").strip()):
        return kind
    return next((kind for member, kind in ZIP_MEMBERS if member in members), "archive")


def _text_kind(data: bytes, name: str) -> str:
    promised = suffix_kind(name)
    if _is_binary(data):
        return "binary"
    start = _decoded_start(data)
    if HTML.match(start):
        return "html"
    if XML.match(start):
        return _xml_kind(start)
    if start.lstrip()[:1] in ("{", "[") and (kind := _json_kind(data)):
        return kind
    if _is_mail(start, promised):
        return "mbox" if data.startswith(b"From ") and NEXT_MAIL.search(data) else "eml"
    if promised in ("", "csv", "html", "ipynb", "json", "md", "rst", "txt"):
        return promised or ("txt" if not PurePath(name).suffix else "unknown")
    return "txt" if promised == "eml" else "mislabelled"


def _is_binary(data: bytes) -> bool:
    """Whether there are controls that no text holds; text in UTF-16 or UTF-32 is none."""
    start = data[:TEXT_START]
    if data.startswith(tuple(WIDE_MARKS)) or _unmarked_wide(start):
        return False
    controls = sum(start.count(bytes([code])) for code in (*range(1, 8), *range(14, 27), *range(28, 32), 127))
    return b"\x00" in start or controls > len(start) / 100


def _unmarked_wide(start: bytes) -> str:
    """The UTF-16 that text without a byte order mark is in: in most scripts every other byte is NUL."""
    even, odd = start[0::2].count(0) * 10, start[1::2].count(0) * 10
    if odd > 4 * len(start) and not even:
        return "utf-16-le"
    return "utf-16-be" if even > 4 * len(start) and not odd else ""


def _decoded_start(data: bytes) -> str:
    start = data[:TEXT_START]
    marked = next((encoding for mark, encoding in WIDE_MARKS.items() if start.startswith(mark)), "")
    return start.decode(marked or _unmarked_wide(start) or "utf-8-sig", "replace")


def _xml_kind(start: str) -> str:
    root = XML_ROOT.search(start)
    name = root.group(1).lower() if root else ""
    return {"html": "html", "svg": "image", "rss": "rss", "feed": "rss", "rdf": "rss"}.get(name, "xml")


def _json_kind(data: bytes) -> str:
    """ "json" or "ipynb" if the bytes are JSON or one JSON value a line, else ""."""
    try:
        text = data.decode(json.detect_encoding(data))
    except (UnicodeDecodeError, LookupError):
        return ""
    text = text.removeprefix("\ufeff")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "json" if _are_json_lines(text) else ""
    return "ipynb" if isinstance(value, dict) and "cells" in value and "nbformat" in value else "json"


def _are_json_lines(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        return len(lines) > 1 and all(isinstance(json.loads(line), (dict, list)) for line in lines[:20])
    except (ValueError, RecursionError):
        return False


def _is_mail(start: str, promised: str) -> bool:
    """Header lines of mail, then an empty line; two known ones are enough where the name says mail."""
    lines = start.replace("\r\n", "\n").split("\n")
    if lines and lines[0].startswith("From "):  # the envelope line of a saved mailbox
        lines = lines[1:]
    names: list[str] = []
    for line in lines:
        if not line.strip():
            break
        if line[0] in " \t" and names:
            continue
        found = HEADER.match(line)
        if not found:
            return False
        names.append(found.group(1).lower())
    known = MAIL_HEADERS.intersection(names)
    if promised == "eml":
        return len(known) >= 1
    return len(known) >= 4 and {"from", "date"} <= known
