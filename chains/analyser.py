"""From text to index tokens: one analyser for documents and questions, whatever the store.

Folding, stop words, stemming, and bigrams for scripts without spaces. Knows no store and no model.
"""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["ANALYSER_VERSION", "detect_language", "document_tokens", "query_tokens"]

ANALYSER_VERSION = "1"


def detect_language(text: str) -> str:
    """Snowball's name of the language of a text, by its stop words; "english" where nothing speaks."""
    raise NotImplementedError


def document_tokens(text: str, language: str) -> list[str]:
    """The tokens of a text, in order, repeats kept. No token holds white space."""
    raise NotImplementedError


def query_tokens(text: str, languages: Collection[str]) -> list[str]:
    """The distinct tokens of a question, stemmed in each of the languages; stop words only if nothing is left."""
    raise NotImplementedError
