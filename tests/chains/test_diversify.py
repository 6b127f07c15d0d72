"""Repeats go, versions stay, and what resembles spreads out."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest
from langchain_core.documents import Document

from ragweave.chains.diversify import Diversify, marginal_relevance

from .fakes import WordEncoder


def _document(text: str, id_: str, score: float = 0.0, **metadata: str) -> Document:
    return Document(text, id=id_, metadata={**metadata, "score": score})


def _ids(documents: Sequence[Document]) -> list[str | None]:
    return [document.id for document in documents]


def test_the_better_ranked_one_stays_and_the_reason_names_it() -> None:
    documents = [
        _document("Pay is on the 25th.", "pay", title="Pay policy"),
        _document("You get 25 days.", "leave", title="Leave policy"),
        _document("you get\n25 days", "copy", title="Leave policy"),
    ]

    reworked = Diversify().rework(documents, "how many days")

    assert reworked.documents == documents[:2]
    assert [(one.document.id, one.reason) for one in reworked.dropped] == [
        ("copy", "repeats [2] Leave policy, word for word")
    ]


def test_versions_of_a_rule_all_stay_untouched() -> None:
    documents = [
        _document(f"Staff may work from home on {days} days a week.", str(days)) for days in (1, 2, 3)
    ]

    reworked = Diversify().rework(documents, "home office")

    assert reworked.documents == documents
    assert (list(reworked.dropped), reworked.detail) == ([], {})


def test_none_drops_no_repeat_and_one_only_the_same_words() -> None:
    text = "word " * 50
    documents = [_document(text, "a"), _document(text.replace("word", "term", 1), "b"), _document(text, "c")]

    assert _ids(Diversify(duplicates=None).rework(documents, "q").documents) == ["a", "b", "c"]
    assert _ids(Diversify(duplicates=1.0).rework(documents, "q").documents) == ["a", "b"]
    assert _ids(Diversify().rework(documents, "q").documents) == ["a"]


def test_with_an_encoder_the_same_told_in_another_order_is_a_repeat() -> None:
    documents = [
        _document("boil the water then add the salt and stir well", "a"),
        _document("add the salt and stir well then boil the water", "b"),
    ]

    assert _ids(Diversify().rework(documents, "q").documents) == ["a", "b"]
    reworked = Diversify(WordEncoder()).rework(documents, "q")
    assert _ids(reworked.documents) == ["a"]
    assert reworked.dropped[0].reason == "repeats [1] above, cosine 1.00"


def test_with_an_encoder_versions_of_a_rule_stay_too() -> None:
    text = "of all the words in here only one is a number and that is "
    documents = [_document(text * 3 + "4", "a"), _document(text * 3 + "5", "b")]

    assert _ids(Diversify(WordEncoder()).rework(documents, "q").documents) == ["a", "b"]


def test_the_encoder_is_opened_at_the_first_use() -> None:
    opened: list[WordEncoder] = []

    def open_it() -> WordEncoder:
        opened.append(WordEncoder())
        return opened[-1]

    diversify = Diversify(open_it, mmr=0.5)
    assert opened == []
    for _ in range(2):
        diversify.rework([_document("one", "a"), _document("two", "b")], "q")

    assert len(opened) == 1


# -- maximal marginal relevance ----------------------------------------------------------------------------


def test_each_choice_weighs_relevance_against_the_nearest_of_those_chosen() -> None:
    similarity = np.array([[1, 0.9, 0.1], [0.9, 1, 0.2], [0.1, 0.2, 1]], dtype=np.float32)

    chosen = marginal_relevance([1.0, 0.9, 0.5], similarity, weight=0.6)

    # .6 * 1; then .6 * .5 - .4 * .1 against .6 * .9 - .4 * .9; then .54 - .4 * max(.9, .2)
    assert [row for row, _ in chosen] == [0, 2, 1]
    assert [value for _, value in chosen] == pytest.approx([0.6, 0.26, 0.18])


def test_what_resembles_the_best_goes_down_and_each_passage_says_its_value() -> None:
    documents = [
        _document("annual leave days for staff", "a", 1.0),
        _document("annual leave days for all staff", "b", 0.9),
        _document("salaries come monthly", "c", 0.5),
        _document("nothing", "d", 0.0),
    ]

    reworked = Diversify(WordEncoder(), mmr=0.5).rework(documents, "q")

    assert _ids(reworked.documents) == ["a", "c", "d", "b"]
    values = [one.metadata["scores"]["mmr"] for one in reworked.documents]
    assert values == sorted(values, reverse=True)
    assert reworked.detail["scores"]["a"] == values[0] == reworked.documents[0].metadata["score"]


def test_by_relevance_alone_the_order_stays() -> None:
    documents = [_document(f"text {n}", str(n), 1 - n / 10) for n in range(5)]

    assert _ids(Diversify(WordEncoder(), mmr=1).rework(documents, "q").documents) == list("01234")


def test_spreading_out_without_an_encoder_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mmr=0\.5 .* give an encoder as well"):
        Diversify(mmr=0.5)


@pytest.mark.parametrize("found", [0, 1])
def test_little_found_needs_no_vectors(found: int) -> None:
    encoder = WordEncoder()
    documents = [_document("one", "a")][:found]

    assert Diversify(encoder, mmr=0.5).rework(documents, "q").documents == documents
    assert encoder.encoded == []


def test_without_an_encoder_it_takes_next_to_no_time() -> None:
    chance = np.random.default_rng(5)
    words = [f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(400)]
    documents = [_document(" ".join(chance.choice(words, 180)), str(n)) for n in range(32)]
    diversify = Diversify()
    spent: list[float] = []

    for _ in range(5):
        started = time.process_time()
        diversify.rework(documents, "q")
        spent.append(time.process_time() - started)

    assert min(spent) < 0.02  # about .001 on a quiet machine, here with room for a busy one


def test_thousands_of_passages_are_not_all_compared() -> None:
    documents = [_document(f"Rule {number} holds on day {number}.", str(number)) for number in range(5000)]

    started = time.perf_counter()
    reworked = Diversify().rework([*documents, documents[0], documents[-1]], "rule")

    assert time.perf_counter() - started < 10  # each with each takes two minutes
    assert _ids(reworked.documents) == [*map(str, range(5000)), "0", "4999"]
