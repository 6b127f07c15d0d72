from __future__ import annotations

from ragweave.chains.read_text import read_text


def test_text_stays_as_it_is() -> None:
    text = "Leave\n=====\n\n  30 days.\tAsk early.\n"

    assert read_text(text.encode(), "leave.txt").text == text


def test_control_characters_are_left_out() -> None:
    assert read_text(b"a\x07b\r\nc", "a.txt").text == "ab\nc"
