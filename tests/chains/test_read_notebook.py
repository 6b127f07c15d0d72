from __future__ import annotations

import json
from typing import Any

import pytest

from ragweave.chains.errors import IngestError
from ragweave.chains.extraction import Extraction
from ragweave.chains.read_notebook import read_notebook

from .extraction_marks import assert_marks_hold, blocks_of


def notebook(*cells: dict[str, Any], **metadata: str) -> Extraction:
    data = {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    extraction = read_notebook(json.dumps(data).encode(), "a.ipynb")
    assert_marks_hold(extraction)
    return extraction


def code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": source.splitlines(keepends=True), "outputs": list(outputs)}


def text_cell(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": source}


def test_text_cells_are_markdown_and_code_cells_code() -> None:
    extraction = notebook(
        text_cell("# Sales\n\n| a | b |\n|---|---|\n| 1 | 2 |"), code("# no heading\nx = 1")
    )

    assert [(heading.level, heading.title) for heading in extraction.headings] == [(1, "Sales")]
    assert blocks_of(extraction, "table") == ["| a | b |\n| 1 | 2 |"]
    assert blocks_of(extraction, "code") == ["# no heading\nx = 1"]
    assert extraction.title == "Sales"


def test_results_follow_their_code() -> None:
    cell = code(
        "f()",
        {"output_type": "stream", "name": "stdout", "text": ["4", "2\n"]},
        {"output_type": "execute_result", "data": {"text/plain": "'ok'", "text/html": "<b>ok</b>"}},
        {"output_type": "display_data", "data": {"image/png": "aaaa", "text/plain": ["<Figure size 1x1>"]}},
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["long"]},
    )

    assert notebook(cell).text == "f()\n\n42\n\n'ok'\n\nValueError: no"


def test_long_results_are_shortened_and_colours_left_out() -> None:
    lines = "\x1b[31mred\x1b[0m\n" * 500

    assert blocks_of(notebook(code("f()", {"output_type": "stream", "text": lines})), "code")[1] == (
        "\n".join(["red"] * 20)
    )


def test_the_title_is_the_one_that_the_notebook_gives() -> None:
    assert notebook(text_cell("# Other"), title="Sales of May").title == "Sales of May"


def test_a_notebook_without_cells_gives_no_text() -> None:
    assert notebook().text == ""


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"cells": 1}'])
def test_what_is_no_notebook_is_refused(data: bytes) -> None:
    with pytest.raises(IngestError, match="a.ipynb cannot be read as ipynb"):
        read_notebook(data, "a.ipynb")
