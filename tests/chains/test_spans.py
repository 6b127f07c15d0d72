from __future__ import annotations

from collections.abc import Sequence

from langchain_core.documents import Document

from ragweave.chains.spans import grown, is_passage, runs, span_document


def _passage(place: int, section: str = "A", source: str = "a.md") -> Document:
    metadata = {"source": source, "chunk": place, "start": 10 * place, "end": 10 * place + 9}
    return Document(
        f"text {place:04}",
        id=f"{source}-{place}",
        metadata=metadata | ({"heading": section} if section else {}),
    )


def _near(*passages: Document) -> dict[str, dict[int, Document]]:
    near: dict[str, dict[int, Document]] = {}
    for one in passages:
        near.setdefault(one.metadata["source"], {})[one.metadata["chunk"]] = one
    return near


def _spans(hits: Sequence[Document], near: Sequence[Document], room: int) -> list[tuple[str, int, int]]:
    found = grown(hits, _near(*near), room=room, size=lambda one: 10)
    return [(span.source, span.first, span.last) for span in found]


def test_a_hit_grows_to_its_neighbours_and_stops_where_its_section_does() -> None:
    near = [_passage(place, "A" if place < 4 else "B") for place in range(8)]

    assert _spans([near[2]], near, 20) == [("a.md", 2, 3)]
    assert _spans([near[2]], near, 30) == [("a.md", 1, 3)]
    assert _spans([near[2]], near, 999) == [("a.md", 0, 3)]


def test_a_section_holds_what_stands_below_its_headings() -> None:
    near = [_passage(0, "A"), _passage(1, "A > B"), _passage(2, "AB")]

    assert _spans([near[0]], near, 999) == [("a.md", 0, 1)]


def test_the_best_hit_grows_first() -> None:
    near = [_passage(place, source=source) for source in ("a.md", "b.md") for place in range(3)]

    assert _spans([near[4], near[1]], near, 30) == [("b.md", 1, 2), ("a.md", 1, 1)]


def test_hits_of_one_section_that_meet_become_the_best_of_them() -> None:
    near = [_passage(place) for place in range(6)]

    found = grown([near[4], near[2]], _near(*near), room=40, size=lambda one: 10)

    assert [(span.first, span.last) for span in found] == [(2, 5)]
    assert [hit.metadata["chunk"] for hit in found[0].hits] == [4, 2]


def test_neighbouring_hits_of_two_sections_stay_apart() -> None:
    near = [_passage(0, "A"), _passage(1, "B")]

    assert _spans(near, near, 999) == [("a.md", 0, 0), ("a.md", 1, 1)]


def test_a_neighbour_that_is_hidden_ends_the_growth() -> None:
    near = [_passage(0), _passage(1), _passage(3)]

    assert _spans([near[1]], near, 999) == [("a.md", 0, 1)]


def test_without_room_the_hits_stay_as_they_are() -> None:
    near = [_passage(place) for place in range(5)]

    assert _spans([near[0], near[4]], near, 0) == [("a.md", 0, 0), ("a.md", 4, 4)]


def test_runs_are_neighbours_of_one_source() -> None:
    passages = [_passage(0), _passage(1), _passage(3), _passage(4, source="b.md")]

    assert [[one.id for one in run] for run in runs(passages)] == [
        ["a.md-0", "a.md-1"],
        ["a.md-3"],
        ["b.md-4"],
    ]


def test_the_document_of_a_stretch_keeps_the_best_hits_id_scores_and_keys() -> None:
    text = "".join(f"text {place:04} " for place in range(4))
    best = _passage(2)
    best.metadata |= {"score": 0.7, "scores": {"fused": 0.7}, "page": 2, "team": "people"}
    first = _passage(1)
    first.metadata["page"] = 1

    document = span_document(best, text, first=first, last=_passage(3), whole=False)

    assert document.id == best.id and document.page_content == "text 0001 text 0002 text 0003"
    assert text[document.metadata["start"] : document.metadata["end"]] == document.page_content
    assert document.metadata["expanded"] == [1, 3] and document.metadata["chunk"] == 2
    assert (document.metadata["score"], document.metadata["team"]) == (0.7, "people")
    assert (document.metadata["page"], document.metadata["heading"]) == (1, "A")
    assert "expanded" not in best.metadata


def test_a_whole_document_is_its_text_from_beginning_to_end() -> None:
    document = span_document(_passage(1), "# Title\n\ntext", first=_passage(0), last=_passage(1), whole=True)

    assert document.page_content == "# Title\n\ntext"
    assert (document.metadata["start"], document.metadata["end"]) == (0, 13)
    assert "heading" not in document.metadata


def test_documents_of_other_retrievers_are_no_passages() -> None:
    assert is_passage(_passage(0))
    assert not is_passage(Document("text"))
    assert not is_passage(Document("text", metadata={"source": "a", "chunk": "0", "start": 0, "end": 4}))
