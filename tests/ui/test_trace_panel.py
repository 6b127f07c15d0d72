"""The values that the page draws a trace from."""

from __future__ import annotations

import json
from typing import Any

from ragweave.ui.trace_panel import trace_view

HIT = {
    "id": "a",
    "source": "uploads/leave.md",
    "title": "Leave",
    "ranks": {"keyword": 2},
    "scores": {"keyword": 7.2},
}


def entry(step: str, **detail: Any) -> dict[str, Any]:
    return {"step": step, "ms": 1.24, "detail": detail}


def test_a_step_is_a_sentence_with_its_time_cautions_and_details() -> None:
    view = trace_view(
        [entry("rerank", degraded="Too slow.", dropped=[{"id": "a", "reason": "old"}], model="m")]
    )

    assert view["ms"] == 1.2
    assert view["steps"] == [
        {
            "step": "rerank", "ms": 1.2, "sentence": "Nothing to work on.", "left_out": False,
            "cautions": ["Too slow."], "dropped": ["1 dropped, old: a"], "facts": [["model", "m"]],
        }
    ]  # fmt: skip


def test_a_passage_has_its_scores_and_its_end_and_users_names_of_sources() -> None:
    kept = [entry("retrieve", found=[HIT]), entry("select", kept=["a"])]
    dropped = [entry("retrieve", found=[HIT]), entry("filter", dropped=[{"id": "a", "reason": "old"}])]

    [first] = trace_view(kept, name=lambda source: source.removeprefix("uploads/"))["passages"]
    [second] = trace_view(dropped)["passages"]

    assert first == {
        "name": "Leave", "source": "leave.md", "place": 1, "scores": [["keyword", "#2 7.20"]], "end": "",
    }  # fmt: skip
    assert (second["place"], second["end"]) == (None, "filter: old")


def test_paths_of_uploads_are_shown_nowhere() -> None:
    told = {"newest": "/srv/kb/uploads/new.md", "older": ["/srv/kb/uploads/old.md"]}
    hits = [{"id": one, "source": f"/srv/kb/uploads/{one}.md"} for one in ("new", "old")]
    dropped = [{"id": "old", "reason": "replaced by /srv/kb/uploads/new.md"}]
    trace = [
        entry("retrieve", found=hits),
        entry("versions", versions=[told], dropped=dropped, undecided=[told]),
    ]

    view = trace_view(trace, name=lambda source: source.removeprefix("/srv/kb/uploads/"))

    assert "/srv" not in json.dumps(view)
    assert view["steps"][1]["sentence"] == "“new.md” before 1 older version."


def test_a_trace_of_any_length_stays_small() -> None:
    long = "x" * 100_000
    hits = [{"id": str(number), "title": long} for number in range(1000)]
    dropped = [{"id": str(number), "reason": f"{long}{number}"} for number in range(1000)]
    steps = [entry("mine", degraded=[long] * 100, **{f"key{number}": long for number in range(20)})] * 100

    view = trace_view([entry("retrieve", found=hits), entry("filter", dropped=dropped), *steps])

    assert len(json.dumps(view)) < 500_000
    assert (view["hidden"], view["passages_hidden"]) == (42, 940)
