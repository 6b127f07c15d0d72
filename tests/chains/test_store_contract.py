"""The contract of `chains/store.py`, on both stores."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragweave.chains.errors import StoreMismatch
from ragweave.chains.filters import matches, parse_filter
from ragweave.chains.records import Chunk, EmbedderIdentity
from ragweave.chains.sqlite_store import SqliteStore
from ragweave.chains.store import Store

from .store_contract import DIMENSION, IDENTITY, Opener, ids, passage, plain, put, put_one, record, unit


@pytest.fixture(params=["sqlite", pytest.param("weaviate", marks=pytest.mark.integration)])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens stores by the name of their base; what a test opened is closed after it.

    Weaviate's come from the fixture `open_weaviate_store`, an `Opener` too: a new collection for each test
    and name, the same one for the same name within a test.
    """
    opened: list[Store] = []
    if request.param == "weaviate":
        make: Opener = request.getfixturevalue("open_weaviate_store")
    else:

        def make(base: str = "base", tenant: str | None = None) -> Store:
            return SqliteStore(tmp_path / base, tenant=tenant)

    def opener(base: str = "base", tenant: str | None = None) -> Store:
        opened.append(make(base, tenant))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Opener) -> Store:
    return open_store()


# The base


def test_reads_of_a_base_that_is_not_there_find_nothing_and_make_none(store: Store) -> None:
    assert not store.exists()

    assert store.records() == []
    assert store.text("a.md") is None
    assert store.chunks("a.md") == []
    assert store.around("a.md", 0, 9) == []
    assert store.get(["an id"]) == {}
    assert dict(store.vectors(["a hash"])) == {}
    legs = store.search(["word"], unit(1), limit=5)
    assert (list(legs.keyword), list(legs.vector)) == ([], [])
    assert store.count() == 0
    assert store.fields() == frozenset()
    assert store.languages() == frozenset()
    assert store.unfinished() == []
    store.remove(["a.md"])
    assert not store.exists()


def test_bind_makes_the_base_and_a_second_bind_changes_nothing(store: Store, open_store: Opener) -> None:
    store.bind(IDENTITY)
    put_one(store, "a.md", "hello")

    store.bind(IDENTITY)
    open_store().bind(IDENTITY)

    assert store.exists()
    assert store.count() == 1


def test_around_reads_a_stretch_of_one_source_in_order_without_vectors(store: Store) -> None:
    stretch = [passage("a.md", f"text {place}", place) for place in range(6)]
    put(store, "a.md", stretch)
    put_one(store, "b.md", "another source")

    found = store.around("a.md", 2, 4)

    assert [plain(chunk) for chunk in found] == [plain(chunk) for chunk in stretch[2:5]]
    assert [chunk.vector for chunk in found] == [None] * 3


@pytest.mark.parametrize(
    ("first", "last", "places"), [(-3, 1, [0, 1]), (4, 99, [4, 5]), (3, 2, []), (-5, -1, []), (9, 12, [])]
)
def test_around_gives_what_there_is_of_a_stretch(
    first: int, last: int, places: list[int], store: Store
) -> None:
    put(store, "a.md", [passage("a.md", f"text {place}", place) for place in range(6)])

    assert [chunk.position for chunk in store.around("a.md", first, last)] == places
    assert store.around("nowhere.md", first, last) == []


@pytest.mark.parametrize(
    "other",
    [
        EmbedderIdentity("another-model", "1", DIMENSION, True),
        EmbedderIdentity("test-model", "2", DIMENSION, True),
        EmbedderIdentity("test-model", "1", DIMENSION + 1, True),
        EmbedderIdentity("test-model", "1", DIMENSION, False),
    ],
)
def test_another_embedder_is_refused_naming_both_and_the_way_out(
    other: EmbedderIdentity, open_store: Opener
) -> None:
    put_one(open_store(), "a.md", "hello")

    with pytest.raises(StoreMismatch) as caught:
        open_store().bind(other)

    assert str(IDENTITY) in str(caught.value) or IDENTITY.model in str(caught.value)
    assert str(other) in str(caught.value) or other.model in str(caught.value)
    assert "new" in caught.value.remedy
    assert open_store().count() == 1


def test_what_one_store_writes_another_one_reads(store: Store, open_store: Opener) -> None:
    reader = open_store()
    put_one(store, "a.md", "first")
    assert ids(reader.search(["first"], unit(1), limit=5).vector) == ids(
        reader.search(["first"], unit(1), limit=5).keyword
    )

    second = put_one(store, "b.md", "second", vector=unit(0, 1))

    legs = reader.search(["second"], unit(0, 1), limit=1)
    assert ids(legs.keyword) == ids(legs.vector) == [second.id]
    assert reader.languages() == frozenset({"english"})
    store.remove(["b.md"])
    legs = reader.search(["second"], unit(0, 1), limit=5)
    assert second.id not in ids(legs.keyword) + ids(legs.vector)


def test_close_may_be_called_twice(open_store: Opener) -> None:
    store = open_store()
    put_one(store, "a.md", "hello")

    store.close()
    store.close()

    assert open_store().count() == 1


# Sources, texts and chunks


def test_a_chunk_comes_back_as_it_went_in(store: Store) -> None:
    chunk = passage(
        "handbook/leave & more.md",
        'Ünï "quoted"\n\tcode\u2028line 你好 🎉',
        3,
        title="Leave, 'and' more",
        heading="A > B",
        page=7,
        updated_at="2026-03-04T05:06:07.123456+02:00",
        language="german",
        tokens="uni quot 你好 🎉",
        metadata={"team": "a"},
        vector=unit(0.1, 0.2, 0.3, 0.4),
    )

    put(store, chunk.source, [chunk])

    (kept,) = store.chunks(chunk.source)
    assert plain(kept) == plain(chunk)
    assert kept.vector is not None and chunk.vector is not None
    np.testing.assert_allclose(kept.vector, chunk.vector, atol=1e-6)
    (by_id,) = store.get([chunk.id]).values()
    assert plain(by_id) == plain(chunk)


def test_the_chunks_of_a_source_come_in_order(store: Store) -> None:
    chunks = [passage("a.md", f"part {number}", number) for number in range(120)]

    put(store, "a.md", random.Random(0).sample(chunks, len(chunks)))
    put_one(store, "b.md", "another source")

    assert [chunk.position for chunk in store.chunks("a.md")] == list(range(120))
    assert [chunk.text for chunk in store.chunks("b.md")] == ["another source"]
    assert store.count() == 121


def test_get_leaves_out_what_is_missing_and_takes_many_ids(store: Store) -> None:
    chunks = [passage("a.md", f"part {number}", number) for number in range(30)]
    put(store, "a.md", chunks)

    found = store.get([f"missing {number}" for number in range(1200)] + [chunk.id for chunk in chunks])

    assert set(found) == {chunk.id for chunk in chunks}
    assert store.get([]) == {}


def test_the_text_of_a_source_comes_back_whole(store: Store) -> None:
    text = 'Line\r\n\tend "x" \x00 你好 🎉 ' * 5000
    chunk = passage("a.md", "hello")
    store.bind(IDENTITY)

    store.replace(record("a.md", [chunk]), text, [chunk])

    assert store.text("a.md") == text
    assert store.text("unknown.md") is None


def test_the_texts_of_several_sources_come_at_once(store: Store) -> None:
    for number in range(60):
        put(store, f"{number}.md", [passage(f"{number}.md", "words")], text=f"text {number}")

    texts = store.texts(["3.md", "missing.md", "59.md"])

    assert texts == {"3.md": "text 3", "59.md": "text 59"}
    assert len(store.texts([f"{number}.md" for number in range(60)])) == 60


def test_every_write_of_a_tenant_changes_its_token_and_no_other_tenants(open_store: Opener) -> None:
    ours, others = open_store(tenant="a"), open_store(tenant="b")
    assert ours.change_token() == ""

    put_one(ours, "a.md", "one")
    put_one(others, "a.md", "one")
    first, other = ours.change_token(), others.change_token()
    put_one(ours, "a.md", "two")
    second = ours.change_token()
    ours.remove(["a.md"])
    third = ours.change_token()

    assert len({"", first, second, third}) == 4
    assert others.change_token() == other


def test_another_process_sees_the_token_of_a_write(store: Store, open_store: Opener) -> None:
    put_one(store, "a.md", "one")

    token = open_store().change_token()

    assert token == store.change_token() != ""


def test_a_source_without_chunks_or_text_is_still_a_source(store: Store) -> None:
    put(store, "empty.md", [], text="")

    assert [line.source for line in store.records()] == ["empty.md"]
    assert store.text("empty.md") == ""
    assert store.chunks("empty.md") == []
    assert store.count() == 0


def test_the_ledger_comes_back_as_it_went_in_by_source_name(store: Store) -> None:
    store.bind(IDENTITY)
    lines = []
    for source in ("b.md", "ä.md", "a.md", "Z.md", "folder/a.md"):
        chunks = [
            passage(source, f"{source} {number}", number, metadata={"k": 1, "é": 2}) for number in (0, 1)
        ]
        lines.append(record(source, chunks, title=f"Title of {source}", path=f"/x/ü {source}"))
        store.replace(lines[-1], "text", chunks)

    assert store.records() == sorted(lines, key=lambda line: line.source)
    assert store.unfinished() == []


def test_replace_leaves_nothing_of_the_old_and_all_of_other_sources(store: Store) -> None:
    old = [passage("a.md", f"old {number}", number, vector=unit(number + 1, 1)) for number in range(5)]
    other = put_one(store, "b.md", "untouched old", vector=unit(0, 0, 1))
    put(store, "a.md", old, text="old text")
    new = [passage("a.md", f"new {number}", number, language="french") for number in range(2)]

    put(store, "a.md", new, text="new text")

    assert [plain(chunk) for chunk in store.chunks("a.md")] == [plain(chunk) for chunk in new]
    assert store.text("a.md") == "new text"
    assert store.get([chunk.id for chunk in old]) == {}
    assert ids(store.search(["old"], None, limit=10).keyword) == [other.id]
    assert set(ids(store.search([], unit(1), limit=10).vector)) == {other.id, *(chunk.id for chunk in new)}
    assert [line.chunk_ids for line in store.records()] == [tuple(chunk.id for chunk in new), (other.id,)]
    assert store.languages() == frozenset({"english", "french"})
    assert store.count() == 3


def test_a_chunk_that_stays_takes_its_new_place_words_and_metadata(store: Store) -> None:
    before = passage("a.md", "same text", 0, tokens="same before", metadata={"team": "a"}, vector=unit(1))
    put(store, "a.md", [before])
    store.search(["same"], unit(1), limit=1)
    after = passage(
        "a.md", "same text", 4, tokens="same after", metadata={"team": "b"}, vector=unit(0, 1), heading="H"
    )
    assert after.id == before.id

    put(store, "a.md", [passage("a.md", "put before it", 0), after])

    assert plain(store.get([after.id])[after.id]) == plain(after)
    assert store.search(["before"], None, limit=5).keyword == [] or ids(
        store.search(["before"], None, limit=5).keyword
    ) != [after.id]
    assert ids(store.search(["after"], None, limit=5).keyword) == [after.id]
    ((nearest, cosine),) = store.search([], unit(0, 1), limit=1).vector
    assert (nearest, round(cosine, 4)) == (after.id, 1)
    assert ids(store.search(["same"], None, limit=5, where=parse_filter({"team": "b"})).keyword) == [after.id]
    assert not store.search(["same"], None, limit=5, where=parse_filter({"team": "a"})).keyword


def test_the_same_replace_twice_is_as_if_done_once(store: Store) -> None:
    chunks = [passage("a.md", f"part {number}", number) for number in range(3)]

    put(store, "a.md", chunks)
    put(store, "a.md", chunks)

    assert store.count() == 3
    assert len(store.search(["part"], None, limit=10).keyword) == 3
    assert len(store.search([], unit(1), limit=10).vector) == 3


def test_remove_takes_everything_of_the_sources_and_minds_no_unknown_name(store: Store) -> None:
    gone = put_one(store, "a.md", "gone", metadata={"team": "a"}, language="french")
    also_gone = put_one(store, "b.md", "gone too")
    kept = put_one(store, "c.md", "not gone", metadata={"year": 1})

    store.remove(["a.md", "unknown.md", "b.md"])

    assert [line.source for line in store.records()] == ["c.md"]
    assert store.text("a.md") is None
    assert store.chunks("a.md") == []
    assert store.get([gone.id, also_gone.id]) == {}
    assert ids(store.search(["gone"], None, limit=10).keyword) == [kept.id]
    assert ids(store.search([], unit(1), limit=10).vector) == [kept.id]
    assert dict(store.vectors([gone.hash])) == {}
    assert store.fields() == frozenset({"year"})
    assert store.languages() == frozenset({"english"})
    assert store.count() == 1
    store.remove([])
    assert store.count() == 1


def test_what_comes_after_a_removed_source_inherits_nothing_of_it(store: Store) -> None:
    put_one(store, "a.md", "word gone", metadata={"team": "a"}, vector=unit(0, 1))
    store.search(["word"], unit(1), limit=5)
    store.remove(["a.md"])
    new = put_one(store, "b.md", "word", metadata={"year": 1})

    legs = store.search(["gone"], unit(1), limit=5)

    assert not legs.keyword
    assert [(id, round(score, 4)) for id, score in legs.vector] == [(new.id, 1)]
    assert not store.search(["word"], unit(1), limit=5, where=parse_filter({"team": "a"})).vector


def test_vectors_are_found_by_hash(store: Store) -> None:
    one = put_one(store, "a.md", "one", vector=unit(1, 2))
    two = put_one(store, "b.md", "two", vector=unit(3, 1))

    found = store.vectors(hash for hash in [one.hash, two.hash, "unknown", one.hash])

    assert set(found) == {one.hash, two.hash}
    np.testing.assert_allclose(found[one.hash], unit(1, 2), atol=1e-6)
    np.testing.assert_allclose(found[two.hash], unit(3, 1), atol=1e-6)
    assert found[one.hash].dtype == np.float32
    assert dict(store.vectors(f"unknown {number}" for number in range(1200))) == {}


# Metadata


METADATA: list[dict[str, Any]] = [
    {"id": "mine", "vector": [1, 2], "_additional": {"x": 1}, "uuid": "u", "properties": {}, "class": "c"},
    {
        "text": "mine",
        "tokens": "mine",
        "hash": 1,
        "source": "mine",
        "chunk": "mine",
        "page": "iv",
        "title": 3,
    },
    {"nested": {"a": [{"b": None}, [1, [2.5]]]}, "empty": {}, "none": None, "list": []},
    {"日本": "語", "with space": 1, "dotted.key": True, "$where": False, "": "empty key", "Ü'\"": "\\"},
    {"big": 2**80, "small": -(2**63) - 1, "float": 0.1, "whole": 1.0, "exp": 1e300, "zero": -0.0},
    {"tags": ["a", 1, True, None, "a"], "text with \x00": "nul \x00", "emoji": "🎉", "long": "x" * 50_000},
    {"mixed": "text"},
    {"mixed": 1},
    {"mixed": 1.5},
    {"mixed": True},
    {"mixed": ["text", 1]},
    {"mixed": {"a": 1}},
    {"mixed": None},
    {"mixed": "2026-01-01T00:00:00Z"},
]


def test_metadata_of_any_json_comes_back_as_it_went_in(store: Store) -> None:
    chunks = [passage("a.md", f"part {number}", number, metadata=one) for number, one in enumerate(METADATA)]

    put(store, "a.md", chunks)

    kept = [chunk.metadata for chunk in store.chunks("a.md")]
    assert kept == METADATA
    for one, other in zip(kept, METADATA, strict=True):  # 1 == 1.0 == True, so types are compared too
        assert repr(sorted(one.items())) == repr(sorted(other.items()))
    assert [chunk.metadata for chunk in store.get([chunk.id for chunk in chunks]).values()] == METADATA


def test_fields_are_the_keys_that_filters_can_name(store: Store) -> None:
    put_one(store, "a.md", "one", metadata={"team": "a", "日本": 1})
    put_one(store, "b.md", "two", metadata={"year": None})

    assert store.fields() == frozenset({"team", "日本", "year"})


# Search


def test_keyword_hits_are_the_passages_with_any_of_the_words_best_first(store: Store) -> None:
    both = put_one(store, "a.md", "red apple")
    rare = put_one(store, "b.md", "apple pie with cream and much more")
    put_one(store, "c.md", "nothing of it")
    for number in range(8):
        put_one(store, f"{number}.md", f"filler {number}")

    hits = store.search(["red", "apple", "unknown"], None, limit=10).keyword

    assert ids(hits) == [both.id, rare.id]
    assert hits[0][1] > hits[1][1] > 0


def test_words_match_whole_and_only_as_they_were_given(store: Store) -> None:
    put_one(store, "a.md", "x", tokens="running c3po 你好 zażółć café ไทย์")

    for token in ("running", "c3po", "你好", "zażółć", "café", "ไทย์"):
        assert len(store.search([token], None, limit=5).keyword) == 1, token
    for token in ("run", "c3", "你", "好", "zazolc", "cafe", "ไทย"):
        assert not store.search([token], None, limit=5).keyword, token


@pytest.mark.parametrize(
    "token",
    ["AND", "OR", "NOT", "NEAR", "NEAR(a b)", '"', '""', "'", "*", "a*", "^a", "tokens:a", "(", ")", "-", "+"]
    + [
        "\x00",
        "a\x00b",
        "\ud800",
        "",
        " ",
        "\\",
        "%",
        "_",
        "{a}",
        "--",
        ";",
        "x" * 10_000,
        "\u200d",
        "[",
        "~1",
        "🎉",
    ],
)
def test_odd_words_find_nothing_wrong_and_raise_nothing(token: str, store: Store) -> None:
    put_one(store, "a.md", "hello world")

    legs = store.search([token], None, limit=5)
    with_word = store.search([token, "hello"], None, limit=5)

    assert not legs.keyword
    assert len(with_word.keyword) == 1


def test_words_of_operators_are_words(store: Store) -> None:
    chunk = put_one(store, "a.md", "x", tokens="AND OR NOT NEAR 🎉 don't c++ 3.14 a-b")

    for token in ("AND", "OR", "NOT", "NEAR", "🎉", "don't", "c++", "3.14", "a-b"):
        assert ids(store.search([token], None, limit=5).keyword) == [chunk.id], token


def test_a_question_of_many_thousand_words_finds_what_it_names(store: Store) -> None:
    chunk = put_one(store, "a.md", "needle")
    put_one(store, "b.md", "hay")

    hits = store.search([f"straw{number}" for number in range(20_000)] + ["needle"], None, limit=5).keyword

    assert ids(hits) == [chunk.id]


def test_vector_hits_are_all_passages_by_cosine(store: Store) -> None:
    near = put_one(store, "a.md", "near", vector=unit(1, 0.1))
    far = put_one(store, "b.md", "far", vector=unit(0, 0, 1))
    opposite = put_one(store, "c.md", "opposite", vector=unit(-1))

    hits = store.search([], unit(1), limit=10).vector

    assert ids(hits) == [near.id, far.id, opposite.id]
    assert [score for _, score in hits] == pytest.approx([1 / np.sqrt(1.01), 0, -1], abs=1e-5)


def test_the_limit_is_of_each_leg_and_nothing_is_asked_for_nothing(store: Store) -> None:
    put(store, "a.md", [passage("a.md", f"word {number}", number) for number in range(10)])

    legs = store.search(["word"], unit(1), limit=3)

    assert (len(legs.keyword), len(legs.vector)) == (3, 3)
    legs = store.search([], None, limit=3)
    assert (list(legs.keyword), list(legs.vector)) == ([], [])
    legs = store.search(["word"], unit(1), limit=0)
    assert (list(legs.keyword), list(legs.vector)) == ([], [])
    legs = store.search(["word"], unit(1), limit=1000)
    assert (len(legs.keyword), len(legs.vector)) == (10, 10)


@pytest.mark.parametrize("limit", [1, 7, 40, 60])
def test_ties_are_in_order_of_the_id_also_where_the_limit_cuts(limit: int, store: Store) -> None:
    chunks = [passage("a.md", f"equal {number}", number, tokens="equal word") for number in range(50)]
    put(store, "a.md", chunks)

    legs = store.search(["equal"], unit(1), limit=limit)

    expected = sorted(chunk.id for chunk in chunks)[:limit]
    assert ids(legs.keyword) == expected
    assert ids(legs.vector) == expected


def test_the_filter_applies_to_both_legs_before_the_limit(store: Store) -> None:
    store.bind(IDENTITY)
    better = [passage("a.md", f"word {number}", number, metadata={"team": "a"}) for number in range(20)]
    put(store, "a.md", better)
    wanted = put_one(store, "b.md", "word among many others here", metadata={"team": "b"}, vector=unit(0, 1))

    legs = store.search(["word"], unit(1), limit=2, where=parse_filter({"team": "b"}))

    assert ids(legs.keyword) == [wanted.id]
    assert ids(legs.vector) == [wanted.id]


# Filters


DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"v": None},
    {"v": "text"},
    {"v": "Text"},
    {"v": "text "},
    {"v": "2"},
    {"v": ""},
    {"v": "ü"},
    {"v": "z"},
    {"v": "\uffff"},
    {"v": "🎉"},
    {"v": 2},
    {"v": 2.0},
    {"v": 2.5},
    {"v": -1},
    {"v": 0},
    {"v": 1},
    {"v": 2**53},
    {"v": 2**53 + 1},
    {"v": True},
    {"v": False},
    {"v": []},
    {"v": ["a", "text"]},
    {"v": [1, 3]},
    {"v": ["2", 2, True]},
    {"v": [None, ["text"], {"v": "text"}]},
    {"v": {"v": "text"}},
    {"other": "text"},
]
FILTERS: list[Any] = [
    "text", "Text", "", "2", "ü", 2, 2.0, 2.5, 0, 1, True, False, ["text", "z"], [2, "2"],
    [True, 0], [], ["none"],
    {"ne": "text"}, {"ne": 2}, {"ne": True}, {"ne": 1}, {"gt": "text"}, {"gte": "text"}, {"lt": "text"},
    {"lte": "text"}, {"gt": "\uffff"}, {"gt": 2}, {"gte": 2}, {"lt": 2}, {"lte": 2}, {"gt": 1.9, "lt": 2.1},
    {"gte": 2**53}, {"gt": 2**53}, {"eq": 2**53 + 1}, {"gt": False}, {"lte": True}, {"in": ["a", 3]},
    {"gt": 1, "ne": 3}, {"gte": ""}, {"gt": -5}, {"lt": 1e308}, {"eq": 2**70}, {"lt": 2**70},
]  # fmt: skip


def test_every_filter_means_what_matches_says(store: Store) -> None:
    chunks = [passage("a.md", f"word {number}", number, metadata=one) for number, one in enumerate(DOCUMENTS)]
    put(store, "a.md", chunks)

    for given in FILTERS:
        where = parse_filter({"v": given})
        expected = {chunk.id for chunk in chunks if matches(where, chunk.metadata)}
        legs = store.search(["word"], unit(1), limit=100, where=where)
        assert described(ids(legs.keyword), chunks) == described(expected, chunks), given
        assert described(ids(legs.vector), chunks) == described(expected, chunks), given


def described(found: Any, chunks: list[Chunk]) -> list[str]:
    return sorted(repr(chunk.metadata) for chunk in chunks if chunk.id in set(found))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"source": "a.md"}, {"one", "two"}),
        ({"source": "A.md"}, set()),
        ({"source": {"ne": "a.md"}}, {"three"}),
        ({"source": ["a.md", "b/c d.md"]}, {"one", "two", "three"}),
        ({"title": "Title of b"}, {"three"}),
        ({"heading": "A > B"}, {"two"}),
        ({"heading": ""}, {"one", "three"}),
        ({"page": 2}, {"two"}),
        ({"page": {"ne": 2}}, {"one", "three"}),
        ({"page": {"gte": 2}}, {"two", "three"}),
        ({"page": {"lt": 2.5}}, {"two"}),
        ({"page": "2"}, set()),
        ({"page": True}, set()),
        ({"page": {"ne": "2"}}, {"one", "two", "three"}),
        ({"page": {"lt": 2**70}}, {"two", "three"}),
        ({"chunk": 0}, {"one", "three"}),
        ({"chunk": {"gt": 0}}, {"two"}),
        ({"start": {"lte": 0}}, {"one", "three"}),
        ({"end": {"gt": 100}}, {"two"}),
        ({"updated_at": {"gte": "2026-01-01"}}, {"one", "two"}),
        ({"updated_at": {"lt": "2026-01-01"}}, {"three"}),
        ({"updated_at": {"gte": "2025"}, "chunk": 0, "team": "x"}, {"three"}),
    ],
)
def test_own_fields_filter_like_any_other_and_beat_the_callers_keys(
    given: dict[str, Any], expected: set[str], store: Store
) -> None:
    mine = {"page": 2, "source": "a.md", "heading": "A > B", "team": "y"}
    put(
        store,
        "a.md",
        [passage("a.md", "one", 0, metadata=mine), passage("a.md", "two", 1, page=2, heading="A > B")],
    )
    put_one(
        store, "b/c d.md", "three", title="Title of b", page=3, metadata={"team": "x"},
        updated_at="2025-12-31T23:59:59+00:00",
    )  # fmt: skip

    legs = store.search(["one", "two", "three"], unit(1), limit=10, where=parse_filter(given))

    assert {chunk.text for chunk in store.get(ids(legs.keyword)).values()} == expected
    assert {chunk.text for chunk in store.get(ids(legs.vector)).values()} == expected


def test_keys_of_any_name_can_be_filtered_by(store: Store) -> None:
    keys = [
        "id",
        "vector",
        "_additional",
        "text",
        "tokens",
        "hash",
        "language",
        "日本",
        "a.b",
        "a b",
        "'",
        '"',
        "$",
        "",
    ]
    put_one(store, "a.md", "word", metadata={key: f"value of {key}" for key in keys})
    put_one(store, "b.md", "word too")

    for key in keys:
        hits = store.search(["word"], None, limit=5, where=parse_filter({key: f"value of {key}"})).keyword
        assert len(hits) == 1, key
        assert not store.search(["word"], None, limit=5, where=parse_filter({key: "other"})).keyword, key


def test_a_long_list_of_values_is_no_error(store: Store) -> None:
    chunk = put_one(store, "a.md", "word", metadata={"team": "value 1999"})
    values = [f"value {number}" for number in range(2000)]

    hits = store.search(["word"], unit(1), limit=5, where=parse_filter({"team": values}))

    assert ids(hits.keyword) == ids(hits.vector) == [chunk.id]


# Tenants


def test_a_tenant_sees_and_changes_nothing_of_another(open_store: Opener) -> None:
    ours, theirs = open_store(tenant="ours"), open_store(tenant="theirs")
    mine = put_one(ours, "a.md", "shared word", metadata={"k": "ours"}, language="french")
    other = put_one(theirs, "b.md", "shared word too", metadata={"z": "theirs"})

    assert [line.source for line in ours.records()] == ["a.md"]
    assert ours.around("b.md", 0, 9) == []
    assert ours.text("b.md") is None and ours.chunks("b.md") == [] and ours.get([other.id]) == {}
    assert dict(ours.vectors([other.hash])) == {}
    legs = ours.search(["shared", "too"], unit(1), limit=10)
    assert ids(legs.keyword) == ids(legs.vector) == [mine.id]
    legs = ours.search(["word"], unit(1), limit=10, where=parse_filter({"z": "theirs"}))
    assert not legs.keyword and not legs.vector
    assert (ours.fields(), ours.languages(), ours.count()) == (frozenset({"k"}), frozenset({"french"}), 1)
    ours.remove(["b.md"])
    assert theirs.count() == 1


def test_two_tenants_may_have_the_same_source(open_store: Opener) -> None:
    ours, theirs = open_store(tenant="ours"), open_store(tenant="theirs")
    same = put_one(ours, "a.md", "the same text", metadata={"team": "a"})
    put_one(theirs, "a.md", "the same text", metadata={"team": "b"})

    ours.remove(["a.md"])

    assert ours.count() == 0
    assert theirs.get([same.id])[same.id].metadata == {"team": "b"}
    assert ids(theirs.search(["same"], unit(1), limit=5).keyword) == [same.id]


METHODS: dict[str, Callable[[Store], object]] = {
    "exists": lambda store: store.exists(),
    "records": lambda store: store.records(),
    "text": lambda store: store.text("a.md"),
    "chunks": lambda store: store.chunks("a.md"),
    "around": lambda store: store.around("a.md", 0, 1),
    "get": lambda store: store.get(["id"]),
    "vectors": lambda store: dict(store.vectors(["hash"])),
    "search": lambda store: store.search(["word"], unit(1), limit=1),
    "count": lambda store: store.count(),
    "fields": lambda store: store.fields(),
    "languages": lambda store: store.languages(),
    "unfinished": lambda store: store.unfinished(),
    "remove": lambda store: store.remove(["a.md"]),
    "bind": lambda store: store.bind(IDENTITY),
}


@pytest.mark.parametrize(("built", "asked"), [("ours", None), (None, "ours")])
def test_with_tenants_or_without_is_settled_by_the_first_and_told_by_every_method(
    built: str | None, asked: str | None, open_store: Opener
) -> None:
    put_one(open_store(tenant=built), "a.md", "word")

    for name, call in METHODS.items():
        with pytest.raises(StoreMismatch) as caught:
            call(open_store(tenant=asked))
        assert "tenant" in caught.value.message and caught.value.remedy, name

    assert open_store(tenant=built).count() == 1
