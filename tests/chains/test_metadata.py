from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from ragweave.chains.errors import IngestError
from ragweave.chains.metadata import decode_metadata, encode_metadata, filter_fields, flat_metadata

FAITHFUL: list[dict[str, Any]] = [
    {},
    {"id": "mine", "vector": [1, 2.5], "_additional": None},
    {"day": date(2026, 1, 2), "at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "hour": time(9, 30)},
    {"tuple": (1, ("a", date(2026, 1, 2))), "list": [1, "1", True, None]},
    {"nested": {"a/b": {"~c": (1,)}, "a": {"b": [date(2020, 2, 3)]}}},
    {"schlüssel": "wert", "鍵": "值", "": "empty key", "big": 2**70, "small": -0.1},
]


@pytest.mark.parametrize("metadata", FAITHFUL)
def test_metadata_comes_back_equal_through_json(metadata: dict[str, Any]) -> None:
    stored = json.loads(json.dumps(encode_metadata(metadata)))

    back = decode_metadata(stored)

    assert back == metadata
    assert repr(back) == repr(metadata)  # a tuple is no list, True is no 1


@pytest.mark.parametrize(
    "metadata",
    [{"x": float("nan")}, {"x": b"bytes"}, {"x": object()}, {1: "x"}, {"x": "\ud800"}, {"x": {2: 1}}],
)
def test_what_json_cannot_hold_faithfully_is_refused(metadata: dict[Any, Any]) -> None:
    with pytest.raises(IngestError) as caught:
        encode_metadata(metadata)

    assert caught.value.remedy


def test_dates_are_plain_texts_for_filters() -> None:
    stored = encode_metadata({"day": date(2026, 1, 2), "nested": {"a": 1}, "page": 3})

    assert stored["day"] == "2026-01-02"
    assert filter_fields(stored) == {"day"}


def test_a_clash_keeps_the_flat_key_and_gives_the_whole_dict() -> None:
    mine = {"source": "a.md", "score": 9, "chunk": "x", "page": "iv", "team": "b"}

    flat = flat_metadata({"source": "a.md", "score": 0.5, "chunk": 0}, encode_metadata(mine))

    assert flat == {"source": "a.md", "score": 0.5, "chunk": 0, "team": "b", "original": mine}


def test_without_a_clash_there_is_no_original() -> None:
    flat = flat_metadata({"source": "a.md", "chunk": 0}, encode_metadata({"source": "a.md", "team": "b"}))

    assert flat == {"source": "a.md", "chunk": 0, "team": "b"}
