"""What tests of readers ask of every extraction."""

from __future__ import annotations

from ragweave.chains.extraction import Extraction

__all__ = ["assert_marks_hold", "blocks_of"]


def assert_marks_hold(extraction: Extraction) -> None:
    """Headings and blocks point at what they name, in order, without overlap."""
    for heading in extraction.headings:
        assert extraction.text[heading.start : heading.end] == heading.title
    position = 0
    for block in extraction.blocks:
        assert position <= block.start < block.end <= len(extraction.text)
        position = block.end


def blocks_of(extraction: Extraction, kind: str) -> list[str]:
    """The texts of the blocks of one kind."""
    return [extraction.text[block.start : block.end] for block in extraction.blocks if block.kind == kind]
