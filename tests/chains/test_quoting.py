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


ROWS = ["| Country | Area | Capital |", "| Austria | 83,879 | Vienna |", "| Malta | 316 | Valletta |"]
TABLE = "\n".join(ROWS)


def _row(row: str, document: int = 0) -> Quote:
    start = TABLE.index(row)
    return Quote(document, start, start + len(row), 0.0)


def test_a_row_stands_below_the_one_that_names_its_columns_with_one_mark() -> None:
    answer, citations = quoted_answer([_row(ROWS[2])], [Document(TABLE)])

    assert answer == f"{ROWS[0]}\n{ROWS[2]} [1]"
    assert [one["quote"] for one in citations] == [ROWS[0], ROWS[2]]
    assert [answer[one["answer_start"] : one["answer_end"]] for one in citations] == [ROWS[0], ROWS[2]]


def test_rows_of_one_table_stand_together_in_its_order() -> None:
    sentence = Quote(1, 0, 6, 0.0)

    answer, _ = quoted_answer([_row(ROWS[2]), sentence, _row(ROWS[1])], [Document(TABLE), Document("A law.")])

    assert answer == f"{TABLE} [1]\n\nA law. [2]"


def test_rows_of_two_tables_stand_apart() -> None:
    answer, _ = quoted_answer([_row(ROWS[1]), _row(ROWS[1], document=1)], [Document(TABLE)] * 2)

    assert answer == f"{ROWS[0]}\n{ROWS[1]} [1]\n\n{ROWS[0]}\n{ROWS[1]} [2]"


def test_rows_of_a_form_share_a_mark_where_they_stand_together() -> None:
    form = "| Cinema: | Downtown |\n| Contact: | Sarah |"
    quotes = [Quote(0, 0, 22, 0.0), Quote(0, 23, len(form), 0.0)]

    answer, citations = quoted_answer(quotes, [Document(form)])

    assert answer == f"{form} [1]"
    assert len(citations) == 2
