"""Jupyter notebooks: text cells as Markdown, code cells as code, their results in short."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .composing import Part, code_part, compose
from .decoding import decode
from .extraction import Extraction
from .read_markdown import markdown_parts
from .reader_errors import corrupt

__all__ = ["read_notebook"]

MOST_LINES, MOST_CHARACTERS = 20, 2_000  # of one result: logs and long tables are no text to search
TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
OBJECT = re.compile(r"<[^<>\n]*>$")  # how Python shows a figure or any other object: it says nothing


def read_notebook(data: bytes, name: str) -> Extraction:
    """The cells of a notebook in order; raises IngestError where the file is no notebook."""
    try:
        notebook = json.loads(decode(data, name))
    except (ValueError, RecursionError) as error:
        raise corrupt("ipynb", name, str(error)) from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise corrupt("ipynb", name, "it has no list of cells")
    cells = (cell for cell in notebook["cells"] if isinstance(cell, dict))
    metadata = notebook.get("metadata")
    title = metadata.get("title") if isinstance(metadata, dict) else ""
    parts = (part for cell in cells for part in _parts(cell))
    return compose(parts, title=title if isinstance(title, str) else "", reader="ipynb")


def _parts(cell: Mapping[str, Any]) -> Iterator[Part]:
    source = _text(cell.get("source"))
    match cell.get("cell_type"):
        case "markdown":
            yield from markdown_parts(source)
        case "code":
            yield code_part(source)
            outputs = cell.get("outputs")
            for output in outputs if isinstance(outputs, list) else []:
                if isinstance(output, dict):
                    yield code_part(_shortened(_result(output)))
        case "raw":
            yield Part("paragraph", source)


def _result(output: Mapping[str, Any]) -> str:
    if output.get("output_type") == "error":
        return f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}"
    data = output.get("data")
    text = _text(output.get("text") or (data.get("text/plain") if isinstance(data, dict) else ""))
    text = TERMINAL_CODES.sub("", text).rstrip()
    return "" if OBJECT.match(text) else text


def _shortened(text: str) -> str:
    return "\n".join(text[:MOST_CHARACTERS].split("\n")[:MOST_LINES])


def _text(value: object) -> str:
    """Notebooks store text whole or as a list of lines."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""
