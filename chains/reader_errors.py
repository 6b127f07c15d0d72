"""What readers say when a file cannot be read: one wording per reason, foreign errors translated.

Knows no format and imports no library.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import IngestError

__all__ = ["PARSER_ERRORS", "corrupt", "corrupt_as_ingest_error", "encrypted", "no_text", "too_large"]

# What parsers raise on broken input. Their own families (pypdf, python-docx, lxml) are added by each reader.
PARSER_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
)


@contextmanager
def corrupt_as_ingest_error(kind: str, name: str, *families: type[Exception]) -> Iterator[None]:
    """Turn what a parser raises on broken bytes into an `IngestError`, the cause kept."""
    try:
        yield
    except (*PARSER_ERRORS, *families) as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise corrupt(kind, name, said) from error


def corrupt(kind: str, name: str, why: str) -> IngestError:
    """The error for a file that is not whole."""
    return IngestError(
        f"{name} cannot be read as {kind}: the file is damaged or cut off ({why}).",
        remedy="Open it in the program it was made with, save it again, and ingest the new file.",
    )


def encrypted(name: str) -> IngestError:
    """The error for a file behind a password."""
    return IngestError(
        f"{name} is protected by a password: its text cannot be read.",
        remedy="Save a copy without the password and ingest that.",
    )


def no_text(name: str, kind: str) -> IngestError:
    """The error for a file that parses and says nothing."""
    return IngestError(
        f"{name} ({kind}) holds no text.",
        remedy="Check that it is the right file; pictures of text need OCR (text recognition) first.",
    )


def too_large(name: str, why: str) -> IngestError:
    """The error for a file that would swell past what a reader may unpack."""
    return IngestError(
        f"{name} is not unpacked: {why}.",
        remedy="If the file is sound, split it into smaller ones.",
    )
