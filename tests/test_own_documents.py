"""The chat that `make chat` opens knows Ragweave: questions about it, answered from its own documents.

The questions were written before any answer was looked at. Seventeen of twenty must hold the expected words,
and all five that the documents do not answer must be declined.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import Runnable

from ragweave.chains import KnowledgeBase, rag_chain

ROOT = Path(__file__).parent.parent

ANSWERED = {
    "Which Python version does Ragweave need?": "Python 3.11 or newer",
    "On which port does the web chat open?": "7860",
    "Which file formats can Ragweave read?": "PDF",
    "What happens to a file that cannot be read?": "reported with the reason",
    "How do I delete documents that left the folder?": "delete-missing",
    "How is a file's source name chosen?": "its path as you gave it",
    "How many passages does each leg of a search fetch?": "100",
    "What is the default embedding model?": "all-MiniLM-L6-v2",
    "How do I open a knowledge base on a Weaviate server?": "weaviate://",
    "Which versions of Weaviate are supported?": "1.27",
    "What happens when the Weaviate server is down?": "StoreUnavailable",
    "Where do API keys come from?": "environment",
    "What does exit code 2 mean?": "wrong use",
    "How do I change the port of the chat?": "--port",
    "What is in an ingest report?": "added",
    "When does Ragweave abstain?": "do not hold the answer",
    "Can I use my own reranker?": "rerank",
    "What happens when an ingestion is killed?": "running it again",
    "How many passages is the SQLite store good for?": "100,000",
    "What is the licence of Ragweave?": "Apache-2.0",
}
UNANSWERED = [
    "What is the capital of France?",
    "How much does a Ragweave subscription cost per month?",
    "Who won the football world cup in 2018?",
    "How do I fine-tune a model with Kubernetes operators?",
    "Does Ragweave support voice calls over the telephone?",
]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runnable[Any, Any]]:
    """What `make chat` opens: README.md and docs/, quotes for answers."""
    with KnowledgeBase.open(tmp_path_factory.mktemp("kb")) as kb:
        report = kb.ingest([ROOT / "README.md", ROOT / "docs"])
        assert report.failed == ()
        yield rag_chain(None, kb.as_retriever())


def test_questions_about_ragweave_are_answered_with_the_expected_words(chain: Runnable[Any, Any]) -> None:
    states = {question: chain.invoke(question) for question in ANSWERED}

    wrong = {
        question: state["answer"]
        for question, state in states.items()
        if state["abstained"] or ANSWERED[question].lower() not in state["answer"].lower()
    }
    assert len(wrong) <= len(ANSWERED) - 17, wrong


def test_questions_that_the_documents_do_not_answer_are_declined(chain: Runnable[Any, Any]) -> None:
    answered = {
        question: state["answer"]
        for question in UNANSWERED
        if not (state := chain.invoke(question))["abstained"]
    }

    assert answered == {}
