from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ragweave.ui.feedback import FeedbackStore


def test_a_thumb_is_kept_with_what_it_is_about(tmp_path: Path) -> None:
    file = tmp_path / "kb" / "feedback.sqlite"

    FeedbackStore(file).give("0a1b2c3d", "up", question="Leave?", answer="25 days.", sources=["a.md"])

    [kept] = FeedbackStore(file).all()
    assert (kept["verdict"], kept["question"], kept["answer"], kept["sources"]) == (
        "up", "Leave?", "25 days.", ["a.md"],
    )  # fmt: skip
    assert kept["given_at"].startswith("20")


def test_a_second_thumb_replaces_the_first(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "feedback.sqlite")
    store.give("0a1b2c3d", "up", question="q", answer="a", sources=[])

    store.give("0a1b2c3d", "down", question="q", answer="a", sources=[])

    assert [one["verdict"] for one in store.all()] == ["down"]


def test_an_opinion_can_be_taken_back(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "feedback.sqlite")
    store.give("0a1b2c3d", "up", question="q", answer="a", sources=[])

    store.give("0a1b2c3d", "", question="q", answer="a", sources=[])

    assert store.all() == []


def test_reading_makes_no_file(tmp_path: Path) -> None:
    assert FeedbackStore(tmp_path / "feedback.sqlite").all() == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_from_before_there_were_adapters_is_read_and_written(tmp_path: Path) -> None:
    file = tmp_path / "feedback.sqlite"
    with closing(sqlite3.connect(file)) as database, database:
        columns = "given_at TEXT, verdict TEXT, question TEXT, answer TEXT, sources TEXT"
        database.execute(f"CREATE TABLE feedback (request_id TEXT PRIMARY KEY, {columns})")
        database.execute("INSERT INTO feedback VALUES ('0a1b2c3d', '2026-01-01', 'up', 'q', 'a', '[]')")

    store = FeedbackStore(file)
    store.give("1a1b2c3d", "up", question="q", answer="a", sources=[], adapter="legal", adapter_version="2")

    assert [(one["adapter"], one["adapter_version"]) for one in store.all()] == [("", ""), ("legal", "2")]
