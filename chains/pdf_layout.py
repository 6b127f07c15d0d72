"""From placed lines to a document. Pure: knows lines and their places, no PDF library."""

from __future__ import annotations

from collections.abc import Sequence

from .extraction import Extraction
from .extraction_builder import ExtractionBuilder
from .pdf_lines import Page

__all__ = ["assemble"]


def assemble(pages: list[Page], *, outline: Sequence[tuple[int, str]] = (), title: str = "") -> Extraction:
    """The document of these pages; `outline` holds level and title of its bookmarks."""
    builder = ExtractionBuilder()
    for page in pages:
        builder.page()
        builder.paragraph("\n".join(line.text for line in page.lines))
    return builder.build(title=title)
