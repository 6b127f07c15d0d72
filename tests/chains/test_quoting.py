"""The answer made of quotes: their order and their marks."""

from __future__ import annotations

from langchain_core.documents import Document

from ragweave.chains.extractive import Quote
from ragweave.chains.quoting import quoted_answer

TEXT = "Pets stay out of the kitchen. Signs say where. Dogs are kept on a leash."


def _quote(words: str) -> Quote:
    start = TEXT.index(words)
    return Quote(0, start, start + len(words), 0.0)


def test_sentences_that_stand_side_by_side_are_quoted_as_they_stand() -> None:
    quotes = [_quote("Signs say where."), _quote("Pets stay out of the kitchen.")]

    answer, citations = quoted_answer(quotes, [Document(TEXT)])

    assert answer == "Pets stay out of the kitchen. [1] Signs say where. [1]"
    assert [one["quote"] for one in citations] == ["Pets stay out of the kitchen.", "Signs say where."]


def test_other_quotes_keep_the_order_of_their_worth() -> None:
    quotes = [_quote("Dogs are kept on a leash."), _quote("Pets stay out of the kitchen.")]

    answer, _ = quoted_answer(quotes, [Document(TEXT)])

    assert answer == "Dogs are kept on a leash. [1] Pets stay out of the kitchen. [1]"
