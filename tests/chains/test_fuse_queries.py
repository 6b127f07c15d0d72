"""How the hits of several queries become one list."""

from __future__ import annotations

from langchain_core.documents import Document

from ragweave.chains.fuse_queries import fuse_queries
from ragweave.chains.queries import Query


def hits(**scores: float) -> list[Document]:
    return [
        Document(name, id=name, metadata={"score": score, "scores": {"vector": score, "fused": score}})
        for name, score in scores.items()
    ]


def names(documents: list[Document]) -> list[str]:
    return [one.page_content for one in documents]


def test_the_hits_of_one_query_are_the_same_objects_in_the_same_order() -> None:
    found = hits(a=0.9, b=0.5, c=0.1)

    fused = fuse_queries([Query("q")], [found], limit=2)

    assert [id(one) for one in fused] == [id(found[0]), id(found[1])]
    assert "queries" not in fused[0].metadata


def test_variants_add_their_relative_scores_by_weight() -> None:
    queries = [Query("q"), Query("other", "variant", 0.5)]

    fused = fuse_queries(queries, [hits(a=1, b=0.6, c=0), hits(b=8, d=7, a=0)], limit=10)

    assert names(fused) == ["b", "a", "d", "c"]  # b .6 + .5, a 1, d .4375, c 0
    assert [round(one.metadata["score"], 3) for one in fused] == [1.0, 0.909, 0.398, 0.0]


def test_parts_take_turns_after_the_whole_however_high_their_scores_are() -> None:
    queries = [Query("q"), Query("x", "part"), Query("y", "part")]

    fused = fuse_queries(queries, [hits(a=1, b=0.9), hits(c=1, d=0.99, e=0.98), hits(f=0.2, g=0.1)], limit=10)

    assert names(fused) == ["a", "c", "f", "b", "d", "g", "e"]


def test_the_best_of_every_part_stands_before_the_second_of_any() -> None:
    queries = [Query("q"), Query("x", "part"), Query("y", "part")]

    fused = fuse_queries(queries, [hits(a=1, b=0.9), hits(a=1, c=0.9), hits(d=0.2, e=0.1)], limit=10)

    assert names(fused) == ["a", "d", "b", "c", "e"]


def test_scores_never_rise_along_the_list() -> None:
    queries = [Query("q"), Query("x", "part"), Query("y", "part")]

    fused = fuse_queries(
        queries, [hits(a=1, b=0.1, z=0), hits(c=1, d=0.9, y=0), hits(f=1, g=0.5, x=0)], limit=10
    )

    scores = [one.metadata["score"] for one in fused]
    assert scores == sorted(scores, reverse=True) == [one.metadata["scores"]["fused"] for one in fused]


def test_a_passage_stands_once_as_its_best_hit_and_names_its_finders() -> None:
    queries = [Query("q"), Query("x", "part"), Query("y", "part")]
    found = [hits(a=1, b=0.5), hits(b=0.9, a=0.8), hits(c=1)]

    fused = fuse_queries(queries, found, limit=10)

    by_name = {one.page_content: one.metadata for one in fused}
    assert sorted(names(fused)) == ["a", "b", "c"]
    assert by_name["b"]["queries"] == [0, 1] and by_name["c"]["queries"] == [2]
    assert by_name["b"]["scores"]["vector"] == 0.9


def test_a_cosine_to_a_made_up_passage_is_not_passed_off_as_one_to_the_question() -> None:
    queries = [Query("q"), Query("made up", "hyde", 0.5, "vector")]

    fused = fuse_queries(queries, [hits(a=0.9, b=0.1), hits(b=0.95, c=0.9)], limit=10)

    vectors = {one.page_content: one.metadata["scores"].get("vector") for one in fused}
    assert vectors == {"a": 0.9, "b": 0.1, "c": None}


def test_documents_without_scores_or_ids_rank_by_place() -> None:
    found = [[Document("a"), Document("b")], [Document("b"), Document("c")]]

    fused = fuse_queries([Query("q"), Query("r", "variant")], found, limit=10)

    assert names(fused)[0] in "ab" and sorted(names(fused)) == ["a", "b", "c"]


def test_no_document_that_came_in_is_changed() -> None:
    found = [hits(a=1, b=0.5), hits(b=0.9)]

    fuse_queries([Query("q"), Query("r", "variant")], found, limit=10)

    assert found == [hits(a=1, b=0.5), hits(b=0.9)]


def test_queries_that_find_nothing_leave_an_empty_list() -> None:
    assert fuse_queries([Query("q"), Query("x", "part")], [[], []], limit=10) == []
