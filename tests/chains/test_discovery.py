from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document

from ragweave.chains.discovery import Discovery, discover


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a handbook in it."""
    for name in ("handbook/leave.md", "handbook/pay/bands.txt", "handbook/.hidden.md", "handbook/app.exe"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _supported(name: str) -> bool:
    return name.endswith((".md", ".txt"))


def _found(sources: object, leave_out: Path | None = None) -> Discovery:
    return discover(sources, supported=_supported, leave_out=leave_out)


def test_a_file_is_named_by_its_path_as_given(here: Path) -> None:
    found = _found(["handbook/"])

    assert list(found.files.values()) == ["handbook/leave.md", "handbook/pay/bands.txt"]
    assert all(os.path.isabs(path) for path in found.files)
    assert found.folders == [os.path.realpath("handbook")]


def test_hidden_and_unsupported_files_of_a_folder_are_skipped(here: Path) -> None:
    found = _found("handbook")

    assert found.skipped == ["handbook/.hidden.md", "handbook/app.exe"]
    assert found.failed == []


def test_a_file_named_explicitly_is_taken_whatever_it_is(here: Path) -> None:
    found = _found(["handbook/app.exe", "handbook/.hidden.md"])

    assert list(found.files.values()) == ["handbook/app.exe", "handbook/.hidden.md"]


def test_the_same_file_by_two_spellings_is_one(here: Path) -> None:
    found = _found(["handbook", here / "handbook" / "leave.md", "./handbook/../handbook/leave.md"])

    assert list(found.files.values()) == ["handbook/leave.md", "handbook/pay/bands.txt"]


def test_patterns_match_files_and_a_pattern_without_a_match_fails(here: Path) -> None:
    found = _found(["handbook/**/*.txt", "handbook/*.docx"])

    assert list(found.files.values()) == ["handbook/pay/bands.txt"]
    assert [failure.source for failure in found.failed] == ["handbook/*.docx"]


def test_a_missing_path_and_a_foreign_object_fail_by_themselves(here: Path) -> None:
    found = _found(["no/such.md", 42, "handbook/leave.md"])

    assert [failure.source for failure in found.failed] == ["no/such.md", "42"]
    assert all(failure.remedy for failure in found.failed)
    assert len(found.files) == 1


def test_the_knowledge_base_is_not_taken_for_a_document(here: Path) -> None:
    (here / "handbook" / "kb").mkdir()
    (here / "handbook" / "kb" / "upload.md").write_text("x")

    found = _found(".", leave_out=here / "handbook" / "kb")

    assert list(found.files.values()) == ["handbook/leave.md", "handbook/pay/bands.txt"]


def test_a_circle_of_links_ends(here: Path) -> None:
    (here / "handbook" / "again").symlink_to(here / "handbook")

    found = _found("handbook")

    assert len(found.files) == 2


def test_documents_of_one_source_are_its_parts_in_order() -> None:
    one, two = Document("1", metadata={"source": "a"}), Document("2", metadata={"source": "a"})

    found = _found([one, Document("x", id="by-id"), two, Document("nameless")])

    assert found.documents["a"] == [one, two]
    assert list(found.documents) == ["a", "by-id"]
    assert [failure.source for failure in found.failed] == ["nameless"]


def test_a_loader_that_breaks_is_one_failure() -> None:
    class Broken(BaseLoader):
        def lazy_load(self) -> Iterator[Document]:
            yield Document("1", metadata={"source": "a"})
            raise RuntimeError("no network")

    found = _found([Broken(), Document("2", metadata={"source": "b"})])

    assert list(found.documents) == ["b"]
    assert found.failed[0].source == "Broken" and "no network" in found.failed[0].reason


def test_llama_index_documents_and_readers_serve_too(here: Path) -> None:
    core = pytest.importorskip("llama_index.core", reason="Install ragweave[llama-index].")
    reader = core.SimpleDirectoryReader(input_files=[str(here / "handbook" / "pay" / "bands.txt")])
    one = core.Document(text="A text.", id_="by-id", metadata={"team": "a"})

    found = _found([reader, one])

    (path, (from_file,)), (name, (from_id,)) = found.documents.items()
    assert path.endswith("handbook/pay/bands.txt") and from_file.page_content == "handbook/pay/bands.txt"
    assert (name, from_id.page_content, from_id.metadata) == ("by-id", "A text.", {"team": "a"})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder; run the tests as a user")
def test_a_folder_that_cannot_be_listed_is_a_failure(here: Path) -> None:
    (here / "handbook" / "pay").chmod(0)

    found = _found("handbook")

    assert found.unreadable == [os.path.realpath("handbook/pay")]
    assert len(found.failed) == 1
