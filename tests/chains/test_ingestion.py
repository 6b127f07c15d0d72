"""What an ingestion does to a knowledge base, on the embedded store with an encoder that counts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document

from ragweave.chains.errors import IngestError
from ragweave.chains.knowledge_base import KnowledgeBase
from ragweave.chains.report import IngestEvent, Probes
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder

LEAVE = "# Leave\n\nYou get 25 days of leave a year.\n\n## Carry over\n\nFive days may be carried over.\n"
PAY = "# Pay\n\nSalaries are paid on the 25th.\n"


@pytest.fixture
def handbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `handbook` in the working directory."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "leave.md").write_text(LEAVE)
    (folder / "pay.md").write_text(PAY)
    return folder


def _open(folder: Path | str = "kb", encoder: WordEncoder | None = None) -> KnowledgeBase:
    return KnowledgeBase(SqliteStore(Path(folder)), encoder or WordEncoder(), folder=Path(folder))


@pytest.fixture
def kb(tmp_path: Path) -> KnowledgeBase:
    return _open(tmp_path / "kb")


def _texts(kb: KnowledgeBase, source: str) -> list[str]:
    return [document.page_content for document in kb.documents(source)]


def test_a_folder_goes_in_and_the_report_says_so(handbook: Path, kb: KnowledgeBase) -> None:
    report = kb.ingest(["handbook/"])

    assert report.added == ("handbook/leave.md", "handbook/pay.md")
    assert report.failed == () and report.updated == ()
    assert report.chunks == report.embedded == sum(info.chunks for info in kb.sources())
    assert [info.title for info in kb.sources()] == ["Leave", "Pay"]


def test_a_numbered_first_section_is_no_title(kb: KnowledgeBase, handbook: Path) -> None:
    (handbook / "rules.md").write_text("# 1. Scope\n\nThis holds for everybody.\n\n# 2. Pay\n\nMonthly.")
    (handbook / "tips.md").write_text("# 12 tips\n\nDrink tea.")

    kb.ingest([str(handbook)])

    titles = {Path(info.source).name: info.title for info in kb.sources()}
    assert (titles["rules.md"], titles["tips.md"]) == ("rules", "12 tips")


def test_every_passage_points_into_the_text(handbook: Path, kb: KnowledgeBase) -> None:
    kb.ingest("handbook")

    for info in kb.sources():
        documents = kb.documents(info.source)
        text = kb.text(info.source)
        assert documents
        assert [document.metadata["chunk"] for document in documents] == list(range(len(documents)))
        for document in documents:
            assert document.page_content == text[document.metadata["start"] : document.metadata["end"]]


def test_an_unchanged_file_costs_nothing(handbook: Path, tmp_path: Path) -> None:
    encoder = WordEncoder()
    kb = _open(tmp_path / "kb", encoder)
    kb.ingest("handbook")
    before = [document.id for document in kb.documents("handbook/leave.md")]
    encoder.encoded.clear()
    (handbook / "leave.md").touch()

    report = kb.ingest("handbook")

    assert report.unchanged == ("handbook/leave.md", "handbook/pay.md")
    assert report.embedded == 0 and encoder.encoded == []
    assert [document.id for document in kb.documents("handbook/leave.md")] == before


def test_a_changed_file_embeds_what_changed_and_forgets_the_rest(handbook: Path, kb: KnowledgeBase) -> None:
    kb.ingest("handbook")
    ids = {document.page_content: document.id for document in kb.documents("handbook/leave.md")}
    (handbook / "leave.md").write_text(LEAVE.replace("Five days", "Ten days"))

    report = kb.ingest("handbook")

    assert report.updated == ("handbook/leave.md",)
    assert report.embedded >= 1
    assert report.probes.searched >= 1 and report.probes.found == 0
    assert not any("Five days" in text for text in _texts(kb, "handbook/leave.md"))
    for document in kb.documents("handbook/leave.md"):
        assert ids.get(document.page_content, document.id) == document.id


def test_delete_missing_removes_what_left_the_folder_and_nothing_else(
    handbook: Path, tmp_path: Path, kb: KnowledgeBase
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "note.md").write_text("# Note\n\nSomething else.")
    kb.ingest(["handbook", "other", Document("A text.", metadata={"source": "a-document"})])
    (handbook / "pay.md").unlink()
    (other / "note.md").unlink()

    report = kb.ingest("handbook", delete_missing=True)

    assert report.deleted == ("handbook/pay.md",)
    assert report.probes == Probes(searched=1, found=0)
    assert [info.source for info in kb.sources()] == ["a-document", "handbook/leave.md", "other/note.md"]


def test_without_delete_missing_a_file_that_left_stays(handbook: Path, kb: KnowledgeBase) -> None:
    kb.ingest("handbook")
    (handbook / "pay.md").unlink()

    report = kb.ingest("handbook")

    assert report.deleted == ()
    assert len(kb.sources()) == 2


def test_a_folder_that_is_gone_deletes_nothing(handbook: Path, kb: KnowledgeBase) -> None:
    kb.ingest("handbook")
    shutil.rmtree(handbook)

    report = kb.ingest("handbook", delete_missing=True)

    assert [failure.source for failure in report.failed] == ["handbook"]
    assert len(kb.sources()) == 2


def test_a_moved_file_keeps_its_embeddings(handbook: Path, tmp_path: Path) -> None:
    encoder = WordEncoder()
    kb = _open(tmp_path / "kb", encoder)
    kb.ingest("handbook")
    encoder.encoded.clear()
    (handbook / "leave.md").rename(handbook / "holidays.md")

    report = kb.ingest("handbook", delete_missing=True)

    assert report.moved == ("handbook/holidays.md",)
    assert (report.added, report.deleted) == ((), ())
    assert encoder.encoded == []  # the title comes from the text, so the indexed texts are the same
    assert [info.source for info in kb.sources()] == ["handbook/holidays.md", "handbook/pay.md"]


def test_a_moved_file_that_cannot_be_stored_leaves_what_was_there(handbook: Path, tmp_path: Path) -> None:
    class Picky(WordEncoder):
        def encode(self, texts: Any) -> Any:
            if any("renamed" in text for text in texts):
                raise IngestError("The embedding service refused a text.", remedy="Shorten it.")
            return super().encode(texts)

    (handbook / "plain.txt").write_text("Tea is served at four.")  # its title, and so its index, is its name
    kb = _open(tmp_path / "kb", Picky())
    kb.ingest("handbook")
    (handbook / "plain.txt").rename(handbook / "renamed.txt")

    report = kb.ingest("handbook", delete_missing=True)

    assert [failure.source for failure in report.failed] == ["handbook/renamed.txt"]
    assert (report.moved, report.deleted) == ((), ())
    assert "Tea" in kb.text("handbook/plain.txt")


def test_a_bad_file_is_a_failure_and_the_others_go_in(handbook: Path, kb: KnowledgeBase) -> None:
    kb.ingest("handbook")
    (handbook / "leave.md").write_bytes(b"\x00\x01\x02" * 100)
    (handbook / "new.md").write_text("# New\n\nA new page.")

    report = kb.ingest("handbook")

    assert [failure.source for failure in report.failed] == ["handbook/leave.md"]
    assert report.failed[0].reason and report.failed[0].remedy
    assert report.added == ("handbook/new.md",)
    assert "25 days" in kb.text("handbook/leave.md")  # what was there stays
    again = kb.ingest("handbook")
    assert [failure.source for failure in again.failed] == ["handbook/leave.md"]  # and is not marked as done


def test_a_dry_run_says_what_would_happen_and_does_nothing(handbook: Path, tmp_path: Path) -> None:
    encoder = WordEncoder()
    kb = _open(tmp_path / "kb", encoder)

    report = kb.ingest("handbook", dry_run=True)

    assert report.added == ("handbook/leave.md", "handbook/pay.md")
    assert encoder.encoded == []
    assert not (tmp_path / "kb").exists()


def test_the_same_file_from_another_directory_is_the_same_source(
    handbook: Path, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb.ingest("handbook")
    monkeypatch.chdir(handbook)

    report = kb.ingest(["leave.md", str(handbook / "pay.md")])

    assert report.unchanged == ("handbook/leave.md", "handbook/pay.md")


def test_another_file_of_the_same_name_gets_its_absolute_path(
    handbook: Path, tmp_path: Path, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb.ingest("handbook")
    elsewhere = tmp_path / "elsewhere" / "handbook"
    elsewhere.mkdir(parents=True)
    (elsewhere / "leave.md").write_text("# Other leave\n\nThirty days.")
    monkeypatch.chdir(elsewhere.parent)

    report = kb.ingest("handbook")

    assert report.added == (os.path.realpath(elsewhere / "leave.md"),)
    assert kb.ingest("handbook").unchanged == report.added


def test_a_folder_that_moved_with_its_project_is_unchanged(
    handbook: Path, tmp_path: Path, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb.ingest("handbook")
    moved = tmp_path / "project"
    moved.mkdir()
    handbook.rename(moved / "handbook")
    monkeypatch.chdir(moved)

    report = kb.ingest("handbook")
    (moved / "handbook" / "pay.md").unlink()
    cleaned = kb.ingest("handbook", delete_missing=True)

    assert report.unchanged == ("handbook/leave.md", "handbook/pay.md")
    assert cleaned.deleted == ("handbook/pay.md",)  # the ledger knows where the files are now


def test_documents_keep_their_metadata(kb: KnowledgeBase) -> None:
    mine = {
        "source": "s",
        "page": "iv",
        "score": 3,
        "id": "x",
        "tags": ["a", 1, None],
        "nested": {"a": (1, 2)},
    }

    kb.ingest([Document("Some text.", metadata=mine)])

    (document,) = kb.documents("s")
    assert document.metadata["original"] == mine
    assert document.metadata["tags"] == ["a", 1, None]
    assert document.metadata["source"] == "s"
    assert "page" not in document.metadata


def test_several_documents_of_one_source_are_its_parts(kb: KnowledgeBase) -> None:
    parts = [Document(f"Part {n}.", metadata={"source": "s", "page": n, "who": "x"}) for n in (1, 2)]

    kb.ingest(parts)

    assert kb.text("s") == "Part 1.\n\nPart 2."
    assert [(d.page_content, d.metadata["page"]) for d in kb.documents("s")] == [
        ("Part 1.", 1),
        ("Part 2.", 2),
    ]
    assert kb.ingest(parts).unchanged == ("s",)
    parts[0].metadata["who"] = "y"
    assert kb.ingest(parts).updated == ("s",)


def test_metadata_that_cannot_be_kept_is_a_failure(kb: KnowledgeBase) -> None:
    report = kb.ingest([Document("x", metadata={"source": "bad", "blob": b"1"}), Document("y", id="good")])

    assert [failure.source for failure in report.failed] == ["bad"]
    assert report.added == ("good",)


def test_an_encoder_that_fails_on_one_text_costs_only_its_source(handbook: Path, tmp_path: Path) -> None:
    class Picky(WordEncoder):
        def encode(self, texts: Any) -> Any:
            if any("Salaries" in text for text in texts):
                raise IngestError("The embedding service refused a text.", remedy="Shorten it.")
            return super().encode(texts)

    kb = _open(tmp_path / "kb", Picky())

    report = kb.ingest("handbook")

    assert report.added == ("handbook/leave.md",)
    assert [failure.source for failure in report.failed] == ["handbook/pay.md"]


def test_progress_counts_to_the_total(handbook: Path, kb: KnowledgeBase) -> None:
    events: list[IngestEvent] = []

    kb.ingest("handbook", on_progress=events.append)

    assert events[-1].done == events[-1].total == 2
    assert [event.status for event in events].count("added") == 2


def test_progress_counts_a_moved_file_once(handbook: Path, kb: KnowledgeBase) -> None:
    kb.ingest("handbook")
    (handbook / "leave.md").rename(handbook / "holidays.md")
    (handbook / "pay.md").unlink()
    events: list[IngestEvent] = []

    kb.ingest("handbook", delete_missing=True, on_progress=events.append)

    assert [event.status for event in events if event.status != "reading"] == ["moved", "deleted"]
    assert events[-1].done == events[-1].total == 2


def test_progress_counts_a_source_that_failed_before_it_was_read(kb: KnowledgeBase) -> None:
    events: list[IngestEvent] = []

    kb.ingest(
        [Document("x", metadata={"source": "bad", "blob": b"1"}), Document("y", id="good")],
        on_progress=events.append,
    )

    assert events[-1].done == events[-1].total == 2


def test_delete_takes_names_and_an_unknown_one_is_a_failure(handbook: Path, kb: KnowledgeBase) -> None:
    kb.ingest("handbook")

    report = kb.delete(["handbook/pay.md", "nothing.md"])

    assert report.deleted == ("handbook/pay.md",)
    assert [failure.source for failure in report.failed] == ["nothing.md"]
    assert report.probes.searched == 1 and report.probes.found == 0
    assert kb.search("Salaries are paid", mode="keyword") == []


def test_another_pipeline_makes_the_chunks_anew(handbook: Path, tmp_path: Path) -> None:
    _open(tmp_path / "kb", WordEncoder(window=64)).ingest("handbook")

    report = _open(tmp_path / "kb", WordEncoder(window=32)).ingest("handbook")

    assert report.updated == ("handbook/leave.md", "handbook/pay.md")
