"""Small talk is found, in several languages, and no question is taken for it."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest

from ragweave.chains.small_talk import SmallTalk, asks_nothing, small_talk
from ragweave.chains.small_talk_phrases import ANSWERS, KINDS, PHRASES


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hi", ("greeting", "en")),
        ("Hello there!!", ("greeting", "en")),
        ("Thank you so much for your help.", ("thanks", "en")),
        ("ok thanks bye", ("thanks", "en")),
        ("What can you do?", ("ability", "en")),
        ("Hey, who are you?", ("identity", "en")),
        ("What’s your name?", ("identity", "en")),
        ("See you tomorrow 👋", ("goodbye", "en")),
        ("Grüß Gott", ("greeting", "de")),
        ("vielen dank und auf wiedersehen", ("thanks", "de")),
        ("Was kannst du?", ("ability", "de")),
        ("Bonjour !", ("greeting", "fr")),
        ("buenos dias", ("greeting", "es")),
        ("Grazie mille", ("thanks", "it")),
        ("Muito obrigada", ("thanks", "pt")),
        ("Dank u wel", ("thanks", "nl")),
    ],
)
def test_small_talk_is_found_with_its_kind_and_language(text: str, found: tuple[str, str]) -> None:
    assert small_talk(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "Hello, how many days of leave do I get?",
        "Thanks, and who approves it?",
        "Good morning, when is lunch?",
        "What can you do about a lost laptop?",
        "Who are you insured with?",
        "Help me fill in the expense form",
        "How are you taxed?",
        "Guten Tag, wie viele Urlaubstage habe ich?",
        "Hola, ¿cuántos días de vacaciones tengo?",
        "goodbye policy",
        "nice",
        "super",
        "yes",
        "and?",
        "",
        "hello " * 100,
    ],
)
def test_a_question_is_no_small_talk(text: str) -> None:
    assert small_talk(text) is None


def test_no_question_of_the_public_collections_is_taken_for_small_talk(shared_data: Path) -> None:
    files = ("banking77/intents", "bitext-support/requests27k", "squad2-dev/queries", "covid-faq/queries")
    texts: list[str] = []
    for name in files:
        with gzip.open(shared_data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in lines]

    assert [text for text in texts[::5] if small_talk(text)] == []


def test_many_ways_to_read_a_text_cost_no_time() -> None:
    text = "ciao " * 23 + "x"

    started = time.perf_counter()
    found = small_talk(text)

    assert found is None
    assert time.perf_counter() - started < 10  # all the ways take days


def test_words_that_ask_nothing_are_told_from_questions() -> None:
    assert [asks_nothing(text) for text in ("yes please", "…?", "yes, lunch")] == [True, True, False]


def test_words_that_only_connect_ask_where_they_end_in_a_question_mark() -> None:
    assert [asks_nothing(text) for text in ("And then?", "and then", "ok?")] == [False, True, True]


def test_every_language_has_phrases_and_an_answer_for_every_kind() -> None:
    assert {language: tuple(kinds) for language, kinds in ANSWERS.items()} == {one: KINDS for one in PHRASES}
    assert all({*KINDS, "filler"} == set(kinds) for kinds in PHRASES.values())


def test_the_question_as_it_was_typed_counts() -> None:
    state = {"question": "Thanks!", "standalone": "Thanks, days of leave?"}

    decision = SmallTalk().invoke(state)

    assert decision.route is not None
    assert (decision.name, decision.reason, decision.by) == ("small talk", "thanks", "rule")
    assert decision.route.direct == "You are welcome. Ask on whenever you like."


def test_some_documents_are_named_where_someone_asks_what_the_bot_can_do() -> None:
    router = SmallTalk(lambda: ["Leave", "Travel {2024}", "Leave", "Pay", "Lunch"])

    able, greeted = router.invoke("What can you do?").route, router.invoke("Hi").route

    assert able is not None and greeted is not None
    assert str(able.direct).endswith(" The documents include “Leave”, “Travel {2024}”, “Pay”.")
    assert "Leave" not in str(greeted.direct)
