from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ragweave.chains import KnowledgeBase
from ragweave.ui.uploads import UploadEvent, UploadFolder, safe_name

from .page_fakes import FakeKnowledgeBase


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Handbook 2026.pdf", "Handbook 2026.pdf"),
        ("Überstunden – März.md", "Überstunden – März.md"),
        ("../../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\notes.txt", "notes.txt"),
        ("..", "document"),
        ("", "document"),
        (".hidden", "hidden"),
        ('a<b>:"c|d?*.md', "a_b___c_d__.md"),
        ("invoice\u202egpj.md", "invoice_gpj.md"),
        ("nul.txt", "_nul.txt"),
        ("\x00\n.md", "__.md"),
    ],
)
def test_names_stay_in_their_folder(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_a_long_name_keeps_its_ending() -> None:
    name = safe_name("ü" * 300 + ".md")

    assert len(name.encode()) <= 120
    assert name.endswith(".md")


def test_a_receipt_names_files_as_the_user_does(tmp_path: Path) -> None:
    uploads = UploadFolder(tmp_path / "kb" / "uploads")

    receipt = _add(uploads, FakeKnowledgeBase(tmp_path), tmp_path, {"notes.md": "a", "photo.bin": "b"})

    assert receipt.added == ("notes.md",)
    assert receipt.failed == (
        {"name": "photo.bin", "reason": "is no document.", "remedy": "Save it as PDF."},
    )
    assert sorted(path.name for path in uploads.folder.iterdir()) == ["notes.md"]


def test_a_long_silence_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragweave.ui.uploads.QUIET", 0.05)
    kb, go = FakeKnowledgeBase(tmp_path), threading.Event()
    ingest = kb.ingest
    monkeypatch.setattr(kb, "ingest", lambda *given, **more: (go.wait(60), ingest(*given, **more))[1])
    (tmp_path / "in.md").write_text("text")
    events = UploadFolder(tmp_path / "uploads").add(kb, [(tmp_path / "in.md", "notes.md")])

    first, *silence = [next(events) for _ in range(4)]
    go.set()
    last = list(events)[-1]

    assert first.seconds == 0.0
    assert silence == [replace(first, seconds=one.seconds) for one in silence]
    assert sorted({one.seconds for one in silence}) == [one.seconds for one in silence]
    assert last.added == ("notes.md",)


def test_progress_comes_before_the_receipt(tmp_path: Path) -> None:
    uploads = UploadFolder(tmp_path / "uploads")
    file = tmp_path / "in.md"
    file.write_text("text")

    events = list(uploads.add(FakeKnowledgeBase(tmp_path), [(file, "notes.md")]))

    assert [(one.finished, one.current) for one in events] == [(False, ""), (False, "notes.md"), (True, "")]


def test_a_rejected_file_leaves_what_it_would_have_replaced(tmp_path: Path) -> None:
    uploads = UploadFolder(tmp_path / "uploads")
    uploads.folder.mkdir()
    (uploads.folder / "data.bin").write_text("good")

    _add(uploads, FakeKnowledgeBase(tmp_path), tmp_path, {"data.bin": "bad"})

    assert (uploads.folder / "data.bin").read_text() == "good"
    assert [path.name for path in uploads.folder.iterdir()] == ["data.bin"]


def test_two_files_of_one_name_are_both_kept(tmp_path: Path) -> None:
    uploads = UploadFolder(tmp_path / "uploads")
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_text("one")
    second.write_text("two")

    *_, receipt = uploads.add(FakeKnowledgeBase(tmp_path), [(first, "a.md"), (second, "a.md")])

    assert receipt.added == ("a.md", "a (2).md")


def test_uploads_outlive_a_restart_and_another_folders_clean_up(tmp_path: Path) -> None:
    (tmp_path / "handbook").mkdir()
    (tmp_path / "handbook" / "leave.md").write_text("# Leave\n\nAnnual leave is 25 days a year.")
    folder = tmp_path / "handbook" / "kb"
    uploads = UploadFolder(folder / "uploads")
    with KnowledgeBase.open(folder) as kb:
        receipt = _add(uploads, kb, tmp_path, {"garden.md": "# Garden\n\nThe garden is watered at noon."})

    with KnowledgeBase.open(folder) as kb:
        report = kb.ingest([str(tmp_path / "handbook")], delete_missing=True)
        found = kb.search("When is the garden watered?", k=1)

    assert receipt.added == ("garden.md",)
    assert report.deleted == ()
    assert found[0].page_content.endswith("The garden is watered at noon.")


def _add(uploads: UploadFolder, kb: object, scratch: Path, files: dict[str, str]) -> UploadEvent:
    pairs = []
    for name, text in files.items():
        path = scratch / f"upload-{name}"
        path.write_text(text)
        pairs.append((path, name))
    *_, receipt = uploads.add(kb, pairs)  # type: ignore[arg-type]  # the fake or the real one
    return receipt
