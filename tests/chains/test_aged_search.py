"""Age counted in by a search: alike on both stores, by the server where it can."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from langchain_core.documents import Document

from ragweave.chains import KnowledgeBase, rag_chain
from ragweave.chains.freshness import Freshness
from ragweave.chains.hits import Fusion
from ragweave.chains.weaviate_store import WeaviateStore

from .fakes import WordEncoder

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WORDS = "leave office remote travel expense training parking badge holiday notice team budget".split()
QUESTIONS = ("leave travel", "office parking badge", "holiday notice for the team", "remote training budget")
OpenStore = Callable[..., WeaviateStore]


def notes(count: int = 60, *, seed: int = 3) -> list[Document]:
    """Documents of random words and ages."""
    dice = random.Random(seed)
    return [
        Document(
            id=f"note-{number}",
            page_content=" ".join(dice.choice(WORDS) for _ in range(dice.randrange(5, 30))),
            metadata={
                "updated_at": (NOW - timedelta(minutes=dice.randrange(2_000_000))).isoformat(),
                "team": dice.choice("ab"),
            },
        )
        for number in range(count)
    ]


@pytest.fixture
def folder_base(tmp_path: Path) -> KnowledgeBase:
    kb = KnowledgeBase.open(tmp_path / "kb", embeddings=WordEncoder())
    kb.ingest(notes())
    return kb


@pytest.fixture
def server_base(open_weaviate_store: OpenStore) -> KnowledgeBase:
    kb = KnowledgeBase(open_weaviate_store(), WordEncoder())
    kb.ingest(notes())
    return kb


def told(documents: list[Document]) -> list[str]:
    return [one.metadata["source"] for one in documents]


def scores(documents: list[Document]) -> list[float]:
    """All that must agree; BM25's own scale differs between stores."""
    stages = [(one.metadata["score"], one.metadata["scores"]) for one in documents]
    return [number for score, stage in stages for number in (score, stage["fused"], stage["freshness"])]


def test_a_fresh_passage_comes_up_from_below_the_cut(tmp_path: Path) -> None:
    kb = KnowledgeBase.open(tmp_path, embeddings=WordEncoder())
    kb.ingest(
        [
            Document(id="old", page_content="leave leave leave", metadata={"updated_at": "2016-01-01"}),
            Document(id="new", page_content="leave is granted", metadata={"updated_at": "2026-05-01"}),
            Document(id="other", page_content="parking", metadata={"updated_at": "2016-01-01"}),
        ]
    )

    plain = kb.search("leave", k=1)
    fresh = kb.search("leave", k=1, freshness=Freshness(weight=0.8, now=NOW))

    assert told(plain) == ["old"]
    assert told(fresh) == ["new"]


def test_scores_tell_relevance_and_age_apart(folder_base: KnowledgeBase) -> None:
    fresh = Freshness(now=NOW)

    (best, *_) = folder_base.search("leave travel", freshness=fresh)

    scores = best.metadata["scores"]
    age = NOW - datetime.fromisoformat(best.metadata["updated_at"])
    assert scores["freshness"] == pytest.approx(0.5 ** (age / timedelta(days=180)))
    assert 0 <= scores["fused"] <= 1
    assert best.metadata["score"] == 1.0
    assert best.metadata["freshness_by"] == "rule"


@pytest.mark.parametrize("off", [None, Freshness(weight=0)])
def test_with_freshness_off_the_ranking_is_untouched(
    folder_base: KnowledgeBase, off: Freshness | None
) -> None:
    for question in QUESTIONS:
        assert folder_base.search(question, freshness=off) == folder_base.search(question)


def test_a_field_that_no_passage_has_leaves_the_ranking(folder_base: KnowledgeBase) -> None:
    found = folder_base.search("leave travel", freshness=("reviewed", 180, 0.5))

    assert found == folder_base.search("leave travel")


def test_an_async_search_counts_age_too(folder_base: KnowledgeBase) -> None:
    fresh = Freshness(now=NOW, weight=0.5)

    found = asyncio.run(folder_base.asearch("leave travel", freshness=fresh))

    assert found == folder_base.search("leave travel", freshness=fresh)


def test_a_retriever_counts_age_by_default_or_for_one_call(folder_base: KnowledgeBase) -> None:
    fresh = Freshness(now=NOW, weight=0.5)
    wanted = told(folder_base.search("leave travel", freshness=fresh))

    assert told(folder_base.as_retriever(freshness=fresh).invoke("leave travel")) == wanted
    assert told(folder_base.as_retriever().invoke("leave travel", freshness=fresh)) == wanted


def test_the_servers_decay_agrees_with_the_rule(
    folder_base: KnowledgeBase, server_base: KnowledgeBase
) -> None:
    fusions: tuple[Fusion, ...] = ("relative", "native")
    cases = product(fusions, (None, {"team": "a"}), (0.1, 0.5), QUESTIONS)
    for fusion, filter, weight, question in cases:
        fresh = Freshness(now=NOW, weight=weight)

        served = server_base.search(question, k=20, fusion=fusion, filter=filter, freshness=fresh)
        ruled = folder_base.search(question, k=20, filter=filter, freshness=fresh)

        assert {one.metadata["freshness_by"] for one in served} == {"server"}
        assert told(served) == told(ruled)
        assert scores(served) == pytest.approx(scores(ruled), abs=1e-3)


def test_the_servers_decay_keeps_tenants_apart(open_weaviate_store: OpenStore, tmp_path: Path) -> None:
    fresh = Freshness(now=NOW, weight=0.5)
    here = KnowledgeBase(open_weaviate_store("both", tenant="here"), WordEncoder())
    there = KnowledgeBase(open_weaviate_store("both", tenant="there"), WordEncoder())
    alone = KnowledgeBase.open(tmp_path, embeddings=WordEncoder())
    here.ingest(notes())
    there.ingest(notes(30, seed=4))
    alone.ingest(notes(30, seed=4))

    found = there.search("leave travel", k=20, freshness=fresh)

    assert {one.metadata["freshness_by"] for one in found} == {"server"}
    assert told(found) == told(alone.search("leave travel", k=20, freshness=fresh))


def test_the_trace_of_a_chain_tells_that_the_server_counted(server_base: KnowledgeBase) -> None:
    chain = rag_chain(None, server_base.as_retriever(), freshness=Freshness(now=NOW, weight=0.5))

    state = chain.invoke("leave travel")

    (detail,) = [entry["detail"] for entry in state["trace"] if entry["step"] == "freshness"]
    assert detail["by"] == "server"
    assert {one.id for one in state["documents"]} <= detail["scores"].keys()


def test_a_date_in_the_future_counts_as_now_on_the_server_too(server_base: KnowledgeBase) -> None:
    server_base.ingest(
        [Document(id="soon", page_content="leave travel", metadata={"updated_at": "2031-01-01"})]
    )

    found = server_base.search("leave travel", k=20, freshness=Freshness(now=NOW))

    assert {one.metadata["freshness_by"] for one in found} == {"rule"}
    soon = next(one for one in found if one.metadata["source"] == "soon")
    assert soon.metadata["scores"]["freshness"] == 1.0


@pytest.mark.parametrize("half_life", [timedelta(microseconds=1), timedelta(days=200_000)])
def test_half_lives_that_the_server_cannot_take_go_by_rule(
    server_base: KnowledgeBase, folder_base: KnowledgeBase, half_life: timedelta
) -> None:
    fresh = Freshness(half_life=half_life, now=NOW, weight=0.5)

    found = server_base.search("leave travel", freshness=fresh)

    assert {one.metadata["freshness_by"] for one in found} == {"rule"}
    assert told(found) == told(folder_base.search("leave travel", freshness=fresh))


def test_a_server_that_is_too_old_leaves_age_to_the_rule(
    server_base: KnowledgeBase, folder_base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = server_base._store._base  # type: ignore[attr-defined]  # the Weaviate store's
    server_base.search("leave")
    monkeypatch.setattr(base, "_version", "1.37.4")
    fresh = Freshness(now=NOW, weight=0.5)

    found = server_base.search("leave travel", freshness=fresh)

    assert {one.metadata["freshness_by"] for one in found} == {"rule"}
    assert told(found) == told(folder_base.search("leave travel", freshness=fresh))


def test_a_collection_made_without_dates_leaves_age_to_the_rule(
    open_weaviate_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragweave.chains.weaviate_base.has_dates", lambda description: False)
    kb = KnowledgeBase(open_weaviate_store(), WordEncoder())
    kb.ingest(notes())

    found = kb.search("leave travel", freshness=Freshness(now=NOW))

    assert {one.metadata["freshness_by"] for one in found} == {"rule"}
