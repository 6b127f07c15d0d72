"""The bytes that values are compared by; what filters find is tested on the store."""

from __future__ import annotations

from ragweave.chains.sql_filters import facets


def test_facets_are_one_row_for_each_element_that_can_be_found() -> None:
    metadata = {
        "tags": ["a", "a", 1, 1.0, True, None, ["b"]],
        "n": 2,
        "none": None,
        "nested": {"x": 1},
        "é": "é",
    }

    rows = list(facets(metadata))

    assert [(field.decode(), kind) for field, kind, _ in rows] == [
        ("tags", "text"), ("tags", "number"), ("tags", "bool"), ("n", "number"), ("é", "text"),
    ]  # fmt: skip
