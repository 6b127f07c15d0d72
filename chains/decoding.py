"""Bytes to text: byte-order mark, UTF-8, the encoding a document declares, else a guess.

Knows encodings; knows no document format.
"""

from __future__ import annotations

import codecs

from .errors import IngestError

__all__ = ["decode"]

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
GUESS_BYTES = 200_000  # a guess over more bytes takes seconds and changes nothing

WIDE = ["utf_16", "utf_32"]  # never guessed: any bytes of even length fit them
FEW = 0.15


def decode(data: bytes, name: str, *, declared: str = "") -> str:
    r"""The text of a file, with line ends as `\n`, without byte-order mark.

    `declared` is the encoding that the document itself names (an HTML meta element). Raises
    IngestError where the bytes are not text in any known encoding.

    >>> decode("Zürich\r\n".encode(), "a.txt")
    'Zürich\n'
    """
    text = _decoded(data, name, declared)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes, name: str, declared: str) -> str:
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    wide = _wide(data)
    for encoding in (wide, "utf-8", declared):
        try:
            if encoding:
                return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    if b"\x00" in data[:GUESS_BYTES]:
        raise IngestError(
            f"{name} is not text: it holds NUL bytes.", remedy="Save it as UTF-8 text, or leave it out."
        )
    return _guessed(data, name)


def _wide(data: bytes) -> str:
    """UTF-16 without a mark: every other byte of Western text is NUL."""
    sample = data[:4096]
    if len(sample) < 4 or len(sample) % 2:
        return ""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > 0.4 * len(sample) / 2 and not even:
        return "utf-16-le"
    if even > 0.4 * len(sample) / 2 and not odd:
        return "utf-16-be"
    return ""


def _guessed(data: bytes, name: str) -> str:
    from charset_normalizer import from_bytes

    damaged = data.decode("utf-8", errors="replace")
    foreign = sum(1 for char in damaged if char > "\x7f")
    if damaged.count("\ufffd") * 10 < foreign:  # UTF-8 with a broken byte here and there
        return damaged
    few = foreign < 20 and foreign < len(data) * FEW  # too few to tell code pages apart
    matches = [] if few else [match.encoding for match in from_bytes(data[:GUESS_BYTES], cp_exclusion=WIDE)]
    # Windows' Western code page is by far the most frequent encoding that is not UTF-8, and short
    # texts fit its neighbours (cp1250, cp1257) as well: where it is possible, it is taken.
    encodings = ["cp1252", *matches] if not matches or "cp1252" in matches else matches
    for encoding in (*encodings, "latin-1"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _controls(text) > len(text) / 100:
            break
        return text
    raise IngestError(
        f"{name} is not text in any known encoding.", remedy="Save it as UTF-8 text, or leave it out."
    )


def _controls(text: str) -> int:
    return sum(1 for char in text[:GUESS_BYTES] if char < " " and char not in "\t\n\r\f\v\x1b")
