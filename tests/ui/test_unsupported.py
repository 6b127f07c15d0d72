"""Statements that the sources do not support, for people."""

from __future__ import annotations

from typing import Any

import pytest

from ragweave.ui.unsupported import unsupported, unsupported_line


def claim(start: int, supported: bool, **more: Any) -> dict[str, Any]:
    return {"claim": "x", "start": start, "end": start + 1, "supported": supported, **more}


def test_only_unsupported_claims_are_told_in_the_order_of_the_answer() -> None:
    claims = [claim(9, False, problems=["9 is not there", "nor is B."]), claim(5, True), claim(2, False)]

    told = unsupported({"claims": claims, "supported": 1, "unsupported": 2})

    assert [(one.start, one.why) for one in told] == [
        (2, "The passages that it cites do not say this."),
        (9, "9 is not there; nor is B."),
    ]


@pytest.mark.parametrize("grounding", [None, {}, {"claims": None}, "yes", {"claims": [{"claim": "x"}]}])
def test_where_nothing_was_checked_nothing_is_doubted(grounding: object) -> None:
    assert unsupported(grounding) == []


def test_the_line_counts() -> None:
    assert unsupported_line(2) == "2 sentences are not supported by the sources."
