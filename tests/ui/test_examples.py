from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda

from ragweave.chains import KnowledgeBase, rag_chain
from ragweave.ui.examples import ExampleFinder, answered
from ragweave.ui.question_candidates import Candidate

ROOT = Path(__file__).resolve().parents[2]


def test_only_what_is_answered_from_its_own_sentence_is_shown() -> None:
    tried = [
        Candidate("What is leave?", "a.md", "definition", "Leave is a right."),
        Candidate("What is travel?", "b.md", "definition", "Travel is a cost."),
        Candidate("What is the moon?", "c.md", "definition", "The moon is a rock."),
    ]
    states: dict[str, dict[str, Any]] = {
        "What is leave?": {"citations": [{"source": "a.md", "quote": "Leave is a right."}]},
        "What is travel?": {"citations": [{"source": "a.md", "quote": "Leave is a right."}]},
        "What is the moon?": {"abstained": True, "citations": []},
    }

    def look_up(given: dict[str, Any]) -> dict[str, Any]:
        return states[given["question"]]

    chain = RunnableLambda(look_up)

    shown = [one.question for one in answered(chain, tried, wanted=3, seconds=5)]

    assert shown == ["What is leave?"]


def test_the_search_ends_in_time() -> None:
    tried = [Candidate(f"What is {n}?", "a.md", "definition", f"{n}") for n in range(50)]

    def slow(given: dict[str, Any]) -> dict[str, Any]:
        time.sleep(0.05)
        return {"abstained": True}

    started = time.monotonic()
    assert list(answered(RunnableLambda(slow), tried, wanted=3, seconds=0.2)) == []

    assert time.monotonic() - started < 2  # all of them take 2.5


@pytest.mark.parametrize("of", ["workplace", "own"])
def test_every_base_gets_three_questions_that_it_answers_with_a_citation(
    of: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    sources: list[Any] = [str(ROOT / "README.md"), str(ROOT / "docs")]
    if of == "workplace":
        sources = request.getfixturevalue("workplace_documents")
    with KnowledgeBase.open(tmp_path / "kb") as kb:
        kb.ingest(sources)
        chain = rag_chain(None, kb.as_retriever())

        questions = _wait(ExampleFinder(kb, chain), kb)

        assert len(questions) >= 3
        for question in questions[:3]:
            state = chain.invoke({"question": question, "history": []})
            assert state["citations"] and not state["abstained"], question


def test_an_empty_base_has_no_examples(tmp_path: Path) -> None:
    with KnowledgeBase.open(tmp_path / "kb") as kb:
        assert _wait(ExampleFinder(kb, rag_chain(None, kb.as_retriever())), kb) == []


def test_new_documents_bring_new_examples(tmp_path: Path) -> None:
    with KnowledgeBase.open(tmp_path / "kb") as kb:
        finder = ExampleFinder(kb, rag_chain(None, kb.as_retriever()))
        before = _wait(finder, kb)

        text = "A ginkgo is a tree with leaves like fans. It grows slowly."
        kb.ingest([Document(id="garden", page_content=text)])

        assert before == []
        assert _wait(finder, kb) == ["What is a ginkgo?"]


def _wait(finder: ExampleFinder, kb: KnowledgeBase) -> list[str]:
    until = time.monotonic() + 90
    finder.questions(kb.sources())
    while finder.pending() and time.monotonic() < until:
        time.sleep(0.1)
    return [one["question"] for one in finder.questions(kb.sources())]
