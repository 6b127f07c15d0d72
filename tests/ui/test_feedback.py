from __future__ import annotations

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
