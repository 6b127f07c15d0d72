"""Other wordings of a question, by rule."""

from __future__ import annotations

import pytest

from ragweave.chains.lexicon import Lexicon
from ragweave.chains.variants import acronym_variants, asked_in, keywords

LEXICON = Lexicon(
    {"pet": 5, "office": 9, "vaccination": 1},
    expansions={"WFH": "work from home", "IT": "information technology", "KPI": "key performance indicator"},
    is_word=lambda word: word in {"it", "the"},
)


@pytest.mark.parametrize(
    ("question", "variants"),
    [
        ("Is WFH allowed?", ["Is work from home allowed?"]),
        ("is wfh allowed", ["is work from home allowed"]),
        ("Which KPIs count?", ["Which key performance indicator count?"]),
        ("Who may Work From Home?", ["Who may WFH?"]),
        ("May IT work from home?", ["May information technology work from home?", "May IT WFH?"]),
        ("is it allowed", []),  # a word, though there is IT
        ("Is SWFH allowed?", []),
    ],
)
def test_acronyms_are_written_out_and_phrases_shortened(question: str, variants: list[str]) -> None:
    assert acronym_variants(question, LEXICON) == variants


def test_an_acronym_that_the_collection_is_full_of_is_found_by_itself() -> None:
    full = Lexicon({"wfh": 50}, expansions={"WFH": "work from home"})

    assert acronym_variants("Is WFH allowed?", full) == acronym_variants("Can I work from home?", full) == []


def test_a_long_message_is_asked_by_its_question() -> None:
    message = "Hi all. I have a dog (he is old). May I bring him? He is quiet. Thanks."

    assert asked_in(message) == "May I bring him?"
    assert asked_in("May I? Can I?") == asked_in("I have a dog. He is old.") == ""


def test_keywords_are_the_words_that_carry_meaning() -> None:
    assert keywords("How do I bring my pet to the office?") == "bring pet office"


def test_of_many_words_those_that_are_rarest_in_the_collection_are_kept() -> None:
    text = "pet office vaccination " + " ".join(f"unheard{letter}" for letter in "abcdefghijkl")

    assert keywords(text, LEXICON) == "pet office vaccination"
