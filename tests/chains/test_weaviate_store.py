"""What is Weaviate's own: caps, native fusion, tenants' names, tokens as its tokenizer splits them."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

import numpy as np
import pytest

from ragweave.chains.filters import parse_filter
from ragweave.chains.fusion import LEG_LIMIT, fuse
from ragweave.chains.records import Vector
from ragweave.chains.weaviate_store import WeaviateStore

from .store_contract import IDENTITY, ids, passage, put, put_one, record, unit

OpenStore = Callable[..., WeaviateStore]


def test_importing_and_constructing_loads_no_client() -> None:
    code = (
        "import sys; from ragweave.chains.weaviate_store import WeaviateStore;"
        "WeaviateStore('weaviate://nowhere');"
        "sys.exit('weaviate' in sys.modules or 'grpc' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.integration
def test_both_legs_find_new_passages_at_once(open_weaviate_store: OpenStore) -> None:
    store = open_weaviate_store()

    for number in range(30):
        chunk = put_one(store, "a.md", f"only{number}", vector=unit(1, number))
        legs = store.search([f"only{number}"], unit(1, number), limit=1)

        assert ids(legs.keyword) == ids(legs.vector) == [chunk.id]


@pytest.mark.integration
def test_native_fusion_finds_the_best_of_both_legs(open_weaviate_store: OpenStore) -> None:
    store = open_weaviate_store()
    both = passage("a.md", "red apple", 0, vector=unit(1), metadata={"team": "a"})
    word = passage("a.md", "red stone", 1, vector=unit(0, 1), metadata={"team": "b"})
    near = passage("a.md", "blue sky", 2, vector=unit(1, 0.5), metadata={"team": "b"})
    put(store, "a.md", [both, word, near])

    hits = store.hybrid_native(["red", "apple"], unit(1), alpha=0.5, limit=3)
    only_words = store.hybrid_native(["red", "apple"], unit(1), alpha=0.0, limit=3)
    filtered = store.hybrid_native(["red"], unit(1), alpha=0.5, limit=3, where=parse_filter({"team": "b"}))

    assert ids(hits)[0] == both.id
    assert hits[0][1] == pytest.approx(1.0)
    assert ids(only_words) == [both.id, word.id]
    assert set(ids(filtered)) == {word.id, near.id}
    assert store.hybrid_native(["red"], unit(1), alpha=0.5, limit=3, where=parse_filter({"no": 1})) == []


@pytest.mark.integration
@pytest.mark.parametrize("alpha", [0.3, 0.45, 0.75])
def test_native_fusion_gives_the_scores_of_ours_on_the_same_legs(
    alpha: float, open_weaviate_store: OpenStore
) -> None:
    store = open_weaviate_store()
    random = np.random.default_rng(1)
    words = [f"w{number}" for number in range(60)]
    put(
        store,
        "a.md",
        [
            passage("a.md", " ".join(random.choice(words, 12)) + f" n{number}", number, vector=_any(random))
            for number in range(300)
        ],
    )
    tokens, vector = ["w1", "w2", "w3"], _any(random)

    native = dict(store.hybrid_native(tokens, vector, alpha=alpha, limit=LEG_LIMIT))
    legs = store.search(tokens, vector, limit=LEG_LIMIT)
    ours = fuse(legs.keyword, legs.vector, alpha=alpha)[:20]

    assert [native[id] for id, _ in ours] == pytest.approx([score for _, score in ours], abs=2e-3)


def _any(random: np.random.Generator) -> Vector:
    return unit(*random.normal(size=4))


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.parametrize("tenant", [None, "acme"])
def test_more_than_ten_thousand_of_anything_is_read_and_deleted(
    tenant: str | None, open_weaviate_store: OpenStore
) -> None:
    store = open_weaviate_store(tenant=tenant)
    random = np.random.default_rng(0)
    many = [
        passage("many.md", f"part {number}", number, vector=unit(*random.normal(size=4)))
        for number in range(10_050)
    ]

    put(store, "many.md", many)
    kept = put_one(store, "few.md", "kept")

    assert store.count() == len(many) + 1
    assert [chunk.position for chunk in store.chunks("many.md")] == list(range(len(many)))
    assert len(store.vectors(chunk.hash for chunk in many)) == len(many)
    put(store, "many.md", [passage("many.md", "the only part")])
    assert store.count() == 2
    store.remove(["many.md"])
    assert store.count() == 1
    assert set(store.get([kept.id])) == {kept.id}


@pytest.mark.integration
def test_every_line_of_a_long_ledger_is_read(
    open_weaviate_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_weaviate_store(tenant="acme")
    monkeypatch.setattr("ragweave.chains.weaviate_ledger.PAGE", 3)
    names = [f"{number}.md" for number in range(10)]

    for name in names:
        put_one(store, name, "word")

    assert [line.source for line in store.records()] == names
    store.remove(names[:7])
    assert [line.source for line in store.records()] == names[7:]


@pytest.mark.integration
@pytest.mark.parametrize("tenant", ["Ä & B/c", "a" * 100, "_h_x", "日本", ".", "A", "a"])
def test_any_name_is_a_tenant(tenant: str, open_weaviate_store: OpenStore) -> None:
    store, other = open_weaviate_store(tenant=tenant), open_weaviate_store(tenant=tenant + "2")
    put_one(store, "a.md", "word")
    put_one(other, "b.md", "word")

    assert [line.source for line in store.records()] == ["a.md"]
    assert not open_weaviate_store(tenant=tenant + "3").exists()
    assert open_weaviate_store(tenant=tenant + "3").records() == []


@pytest.mark.integration
def test_hosts_that_bring_new_keys_at_once_all_store_them(open_weaviate_store: OpenStore) -> None:
    stores = [open_weaviate_store() for _ in range(4)]
    stores[0].bind(IDENTITY)
    failed: list[Exception] = []
    start = threading.Barrier(len(stores))

    def write(number: int) -> None:
        store = stores[number]
        store.bind(IDENTITY)
        start.wait()
        try:
            metadata = {f"key {key}": number for key in range(8)}
            put_one(store, f"{number}.md", f"word {number}", metadata=metadata)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    for number in range(len(stores)):
        hits = stores[0].search(["word"], None, limit=9, where=parse_filter({"key 7": number})).keyword
        assert [chunk.source for chunk in stores[0].get(ids(hits)).values()] == [f"{number}.md"]


@pytest.mark.integration
def test_a_key_that_another_process_brought_can_be_filtered_by(open_weaviate_store: OpenStore) -> None:
    reader, writer = open_weaviate_store(), open_weaviate_store()
    put_one(writer, "a.md", "word")
    assert reader.count() == 1  # has read the schema

    chunk = put_one(writer, "b.md", "word", metadata={"new": "x"})

    hits = reader.search(["word"], None, limit=5, where=parse_filter({"new": "x"})).keyword
    assert ids(hits) == [chunk.id]


@pytest.mark.integration
def test_a_base_that_somebody_deleted_is_not_there_and_can_be_made_again(
    open_weaviate_store: OpenStore,
) -> None:
    store = open_weaviate_store()
    put_one(store, "a.md", "word")
    base = store._base

    store._connection.run(
        lambda client: client.collections.delete([base.collection, base.sources_collection])
    )

    assert store.count() == 0
    assert store.records() == []
    assert not store.exists()
    put_one(store, "a.md", "word")
    assert store.count() == 1


@pytest.mark.integration
def test_a_million_characters_of_text_come_back(open_weaviate_store: OpenStore) -> None:
    store = open_weaviate_store()
    chunk = passage("a.md", "word " * 200_000)
    store.bind(IDENTITY)

    store.replace(record("a.md", [chunk]), chunk.text, [chunk])

    assert store.text("a.md") == chunk.text
    assert store.get([chunk.id])[chunk.id].text == chunk.text
