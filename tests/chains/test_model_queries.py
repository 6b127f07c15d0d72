"""What is taken for a query in a model's reply, and what is not."""

from __future__ import annotations

import pytest

from ragweave.chains.model_queries import MODEL_METHODS, read_list

QUESTION = "How many days of annual leave do employees get?"


@pytest.mark.parametrize(
    ("reply", "lines"),
    [
        ("1. one\n2) two\n\n(3) three", ["one", "two", "three"]),
        ('- "one"\n* two', ["one", "two"]),
        ('["one", "two"]', ["one", "two"]),
        ('```json\n["one"]\n```', ["one"]),
        ("1. one\n2. one", ["one"]),
        ("Here you are:\n1. one", []),
        ("one\ntwo", []),
        ("1. one\n2. two\n3. three\n4. four", []),  # more than asked for
        ('["one", 2]', []),
        ('["one", ', []),
        ("[]", []),
        ("", []),
        ("1. " + "x" * 500, []),
    ],
)
def test_a_list_is_numbered_lines_or_json_and_nothing_else(reply: str, lines: list[str]) -> None:
    assert read_list(reply, 3) == lines


@pytest.mark.parametrize(
    ("method", "reply", "kinds"),
    [
        ("rewrite", "annual leave days per employee", ["rewrite"]),
        ("rewrite", "Sure.\nannual leave days", []),
        ("rewrite", "The weather is nice in Rome", []),
        ("rewrite", "I'm sorry, but annual leave of employees is private", []),
        ("multi_query", "1. How much annual leave is there?\n2. Vacation days of employees", ["variant"] * 2),
        ("multi_query", "1. How much annual leave is there?\n2. Who won in Rome?", []),
        ("decompose", "1. How many days of annual leave?\n2. Which employees get leave?", ["part"] * 2),
        ("hyde", "Every employee gets 25 days of annual leave.", ["hyde"]),
        ("hyde", "Sorry, I know of no annual leave of these employees.", []),
        ("hyde", "leave", []),
        ("step_back", "What is the annual leave policy?", ["step back"]),
        ("step_back", "", []),
    ],
)
def test_a_reply_is_read_strictly(method: str, reply: str, kinds: list[str]) -> None:
    assert [query.kind for query in MODEL_METHODS[method].read(reply, QUESTION)] == kinds


def test_a_made_up_passage_is_searched_by_vector_and_a_step_back_counts_less() -> None:
    (hyde,) = MODEL_METHODS["hyde"].read("Every employee gets 25 days of annual leave.", QUESTION)
    (step_back,) = MODEL_METHODS["step_back"].read("What is the annual leave policy?", QUESTION)

    assert hyde.mode == "vector" and step_back.weight < 1


def test_a_pasted_page_is_cut_for_the_model() -> None:
    (message,) = MODEL_METHODS["rewrite"].messages("word " * 50_000)

    assert len(str(message.content)) < 5000
