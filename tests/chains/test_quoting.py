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


def test_items_of_a_list_and_sentences_do_not_share_a_line() -> None:
    text = "- Pets stay out.\n- Dogs are leashed.\n\nSigns say where."
    first, second, third = "- Pets stay out.", "- Dogs are leashed.", "Signs say where."
    spans = [(text.index(one), text.index(one) + len(one)) for one in (first, third, second)]
    quotes = [Quote(number, start, end, 0.0) for number, (start, end) in enumerate(spans)]
    documents = [Document(text)] * 3

    mixed, citations = quoted_answer(quotes, documents)
    listed, _ = quoted_answer([quotes[0], quotes[2]], documents)

    assert mixed == "- Pets stay out. [1]\n\nSigns say where. [2]\n\n- Dogs are leashed. [3]"
    assert listed == "- Pets stay out. [1]\n- Dogs are leashed. [3]"
    assert all(mixed[one["answer_start"] : one["answer_end"]] == one["quote"] for one in citations)
