"""What a knowledge base tells of what stands around a passage, and what is given whole of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from langchain_core.documents import Document

from ragweave.chains import KnowledgeBase
from ragweave.chains.budget import estimate_tokens
from ragweave.chains.filters import parse_filter
from ragweave.chains.long_context import Sources, whole_base, whole_documents
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    parts = [
        Document(
            f"Rule {number}.", metadata={"source": "rules", "team": team, "day": date(2026, 1, number + 1)}
        )
        for number, team in enumerate(("a", "a", "b", "a"))
    ]
    with KnowledgeBase(SqliteStore(tmp_path / "kb"), WordEncoder()) as kb:
        kb.ingest([*parts, Document("Pay.", metadata={"source": "pay", "team": "a"})])
        yield kb


def _texts(documents: object) -> list[str]:
    assert isinstance(documents, (list, tuple))
    return [one.page_content for one in documents]


def test_around_gives_the_passages_as_a_search_does(kb: KnowledgeBase) -> None:
    (hit,) = kb.search("Rule 2", k=1, mode="keyword")

    (found,) = kb.around("rules", hit.metadata["chunk"], hit.metadata["chunk"])

    assert found.id == hit.id and found.page_content == hit.page_content
    assert found.metadata == {key: hit.metadata[key] for key in found.metadata}


def test_a_filter_hides_passages_around_by_the_callers_keys_dates_and_places(kb: KnowledgeBase) -> None:
    assert _texts(kb.around("rules", 0, 9, filter={"team": "a"})) == ["Rule 0.", "Rule 1.", "Rule 3."]
    assert _texts(kb.around("rules", 0, 9, filter={"day": {"gte": "2026-01-03"}})) == ["Rule 2.", "Rule 3."]
    assert _texts(kb.around("rules", 0, 9, filter={"chunk": {"lt": 1}})) == ["Rule 0."]
    assert kb.around("nowhere", 0, 9) == []


def test_everything_is_all_passages_by_source_or_none_where_they_are_too_many(kb: KnowledgeBase) -> None:
    assert _texts(kb.everything(5)) == ["Pay.", "Rule 0.", "Rule 1.", "Rule 2.", "Rule 3."]
    assert kb.everything(4) is None


def test_whole_documents_come_in_the_order_of_the_hits(kb: KnowledgeBase) -> None:
    hits = [*kb.around("rules", 2, 2), *kb.around("pay", 0, 0), *kb.around("rules", 0, 0)]

    whole = whole_documents(Sources(kb), hits, tokens=1000, count=estimate_tokens)

    assert _texts(whole.documents) == [kb.text("rules"), kb.text("pay")]
    assert whole.documents[0].id == hits[0].id and whole.documents[0].metadata["expanded"] == [0, 3]


def test_documents_that_do_not_fit_are_none_and_the_reason_has_both_numbers(kb: KnowledgeBase) -> None:
    whole = whole_documents(Sources(kb), kb.around("rules", 0, 0), tokens=20, count=estimate_tokens)

    assert not whole.documents and "20" in whole.why and "tokens" in whole.why


def test_a_document_of_which_a_filter_hides_a_part_is_not_given_whole(kb: KnowledgeBase) -> None:
    narrowed = Sources(kb, parse_filter({"team": "a"}))

    whole = whole_documents(narrowed, kb.around("rules", 0, 0), tokens=1000, count=estimate_tokens)

    assert not whole.documents and "filter" in whole.why


def test_of_a_whole_base_a_filter_leaves_the_stretches_that_it_lets_pass(kb: KnowledgeBase) -> None:
    narrowed = Sources(kb, parse_filter({"team": "a"}))
    hits = kb.around("rules", 3, 3)

    whole = whole_base(narrowed, hits, tokens=1000, count=estimate_tokens)

    texts = _texts(list(whole.documents))
    assert [text.split() for text in texts] == [["Rule", "0.", "Rule", "1."], ["Rule", "3."], ["Pay."]]
    assert whole.documents[1].id == hits[0].id
