"""Write what the documents quote from the program: the help of every command, and the table of options.

    python docs/generate.py            # after a change of a command or an option

`tests/ui/test_documents.py` fails where a document differs from what this would write.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

from ragweave.ui.commands import application
from ragweave.ui.settings import options

FOLDER = Path(__file__).parent
BLOCK = re.compile(r"(<!-- generated: (?P<name>.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def render(text: str) -> str:
    """The document with every generated block as it should be."""
    return BLOCK.sub(lambda block: f"{block[1]}{_content(block['name'])}{block[3]}", text)


def _content(name: str) -> str:
    kind, _, rest = name.partition(" ")
    return GENERATORS[kind](rest)


def _help(command: str) -> str:
    os.environ["COLUMNS"] = "80"
    result = CliRunner().invoke(application(), [*command.split(), "--help"], prog_name="ragweave")
    lines = "\n".join(line.rstrip() for line in result.output.strip().splitlines())
    return f"```text\n{lines}\n```\n"


def _options(_: str) -> str:
    rows = ["| option | environment | flag | default | what it sets |", "|---|---|---|---|---|"]
    for option in options():
        flag = f"`{option.flag}`" if option.flag else ""
        default = "" if option.default is None else f"`{option.default}`"
        name = "environment only" if option.secret else f"`{option.name}`"
        rows.append(f"| {name} | `{option.environment}` | {flag} | {default} | {option.description} |")
    return "\n".join(rows) + "\n"


GENERATORS: dict[str, Callable[[str], str]] = {"help": _help, "options": _options}


def documents() -> list[Path]:
    """The documents that hold generated blocks."""
    return [path for path in sorted(FOLDER.glob("*.md")) if BLOCK.search(path.read_text(encoding="utf-8"))]


if __name__ == "__main__":
    for path in documents():
        path.write_text(render(path.read_text(encoding="utf-8")), encoding="utf-8")
