"""Texts without halves of characters. Pure; knows nothing else."""

from __future__ import annotations

__all__ = ["whole_characters"]


def whole_characters(text: str) -> str:
    r"""The text with lone surrogates replaced, which no file, page or model takes; pairs become characters.

    >>> whole_characters("\ud83d\ude00 \ud83d") == "\U0001f600 \ufffd"
    True
    """
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
