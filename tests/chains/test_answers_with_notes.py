"""What an answer says besides: from when it is, what the document left blank, what it does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableLambda

from ragweave.chains import KnowledgeBase, open_encoder, rag_chain
from ragweave.chains.sqlite_store import SqliteStore

RULES = {
    "2021": "Everyone may work from home one day a week, by agreement with their manager.",
    "2022": "Everyone may work from home two days a week, by agreement with their manager.",
    "2024": "Everyone may work from home three days a week, and should tell their manager beforehand.",
}
ASKED = "How many days a week may I work from home?"


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase(SqliteStore(tmp_path / "kb"), open_encoder()) as kb:
        for year, text in RULES.items():
            title = f"Work From Home Policy {year}"
            kb.ingest(Document(text, metadata={"source": f"wfh-{year}.md", "title": title}))
        leave = "Leave must be asked for in writing. Part-time staff get [X days] of leave a year."
        kb.ingest(Document(leave, metadata={"source": "leave.md", "title": "Leave"}))
        german = (
            "Der Parkplatz kostet 40 Euro im Monat und wird von der Leitung vergeben. Fahrräder sind frei."
        )
        kb.ingest(Document(german, metadata={"source": "parken.md", "title": "Parkplatz parking"}))
        yield kb


def _answer(kb: KnowledgeBase, question: str, **options: Any) -> str:
    return str(rag_chain(None, kb.as_retriever(), **options).invoke(question)["answer"])


def test_the_newest_rule_answers_and_the_older_one_is_told(kb: KnowledgeBase) -> None:
    answer = _answer(kb, ASKED)

    assert answer.startswith("Everyone may work from home three days a week")
    assert "As of 2024 (Work From Home Policy 2024)." in answer
    assert "An older version of 2022 says otherwise: “Everyone may work from home two days" in answer


def test_a_question_about_an_earlier_time_gets_the_rule_of_that_time(kb: KnowledgeBase) -> None:
    answer = _answer(kb, "How many days a week could I work from home as of December 2022?")

    assert answer.startswith("Everyone may work from home two days a week")
    assert "There is a newer version of 2024" in answer


def test_with_versions_left_out_nothing_is_said_of_them(kb: KnowledgeBase) -> None:
    answer = _answer(kb, ASKED, versions=None)

    assert "version" not in answer and "As of" not in answer


def test_a_blank_in_the_document_is_no_fact(kb: KnowledgeBase) -> None:
    answer = _answer(kb, "How many days of leave do part-time staff get a year?")

    assert "The document has not filled in: [X days]." in answer


def test_a_model_that_repeats_a_blank_is_corrected(kb: KnowledgeBase) -> None:
    model: Runnable[Any, Any] = RunnableLambda(
        lambda messages: AIMessage("Part-time staff get [X days] of leave a year. [1]")
    )

    state = rag_chain(model, kb.as_retriever(), ground=None, abstain=None).invoke("Leave of part-time staff?")

    assert state["answer"].endswith("The document has not filled in: [X days].")


def test_what_one_part_of_a_question_lacks_is_named(kb: KnowledgeBase) -> None:
    answer = _answer(kb, "How must leave be asked for, and how do I get a company car?")

    assert "Leave must be asked for in writing." in answer
    assert "The documents do not say: “" in answer and "company car" in answer


def test_quotes_in_another_language_are_announced(kb: KnowledgeBase) -> None:
    chain = rag_chain(None, kb.as_retriever(filter={"source": "parken.md"}), abstain=None)

    english, german = (
        chain.invoke(one)["answer"] for one in ("What does parking cost?", "Was kostet Parken?")
    )

    assert "40 Euro im Monat" in english and english.endswith("The passages are in German.")
    assert "40 Euro im Monat" in german and "The passages are in" not in german


def test_the_notes_are_in_the_stream_and_after_every_citation(kb: KnowledgeBase) -> None:
    pieces = list(rag_chain(None, kb.as_retriever()).stream(ASKED))
    state: dict[str, Any] = {}
    for piece in pieces:
        state |= {
            key: state.get(key, "") + value if key == "answer" else value for key, value in piece.items()
        }

    note = state["answer"].index("As of 2024")
    assert state["citations"] and all(one["answer_end"] <= note for one in state["citations"])
    for one in state["citations"]:
        assert state["answer"][one["answer_start"] : one["answer_end"]] == " ".join(one["quote"].split())


def test_a_misspelt_question_is_read_as_the_documents_spell_it(tmp_path: Path) -> None:
    with KnowledgeBase(SqliteStore(tmp_path / "kb"), open_encoder()) as kb:
        text = (
            "Report harassment to your supervisor. Harassment is never tolerated. The office opens at eight."
        )
        kb.ingest(Document(text, metadata={"source": "conduct.md", "title": "Conduct"}))
        chain = rag_chain(None, kb.as_retriever())

        plain, misspelt = (chain.invoke(f"Whom do I report {it} to?") for it in ("harassment", "harrassment"))

    signals = [
        next(entry["detail"]["signals"] for entry in state["trace"] if entry["step"] == "abstain")
        for state in (plain, misspelt)
    ]
    assert misspelt["answer"] == plain["answer"]
    assert signals[0]["words"] == signals[1]["words"]
