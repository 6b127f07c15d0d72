"""The documents run: every Python block of README and docs, every example."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.adapters.models import make_adapter, tiny_base

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")

LEAVE = "# Leave\n\nEvery employee gets 25 days of leave a year. Ask your manager two weeks ahead.\n"


@pytest.fixture
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a `handbook/`, as the documents take it for granted."""
    (tmp_path / "handbook").mkdir()
    (tmp_path / "handbook" / "leave.md").write_text(LEAVE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def with_a_model(somewhere: Path) -> Path:
    """A `models/base` and two `adapters/` of it besides, for documents about those."""
    tiny_base(somewhere / "models" / "base", context=16384)
    for rank, name in enumerate(("legal", "support"), start=1):
        make_adapter(somewhere / "models" / "base", somewhere / "adapters" / name, rank=4 * rank, seed=rank)
    return somewhere


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_python_of_a_document_runs(
    document: Path, somewhere: Path, request: pytest.FixtureRequest
) -> None:
    text = document.read_text(encoding="utf-8")
    if "models/base" in text:
        request.getfixturevalue("with_a_model")
    blocks = BLOCK.findall(text)

    namespace: dict[str, object] = {"__name__": document.stem}
    for block in blocks:  # later blocks build on earlier ones
        exec(compile(block, document.name, "exec"), namespace)


def test_the_readme_gives_a_cited_answer(somewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))

    exec(compile(block, "README.md", "exec"), {})

    printed = capsys.readouterr().out
    assert "Every employee gets 25 days of leave a year. [1]" in printed
    assert "handbook/leave.md Every employee gets 25 days of leave a year." in printed


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    missing = [
        link for link in LINK.findall(document.read_text("utf-8")) if not (document.parent / link).exists()
    ]

    assert missing == []


EXAMPLES = {  # what each is run with, and what it prints
    "adapters_in_an_app.py": ([], "How soon are orders sent? support, version "),
    "agent.py": ([], "search_documents found ['it'"),
    "cited_answer.py": (["handbook", "How many days of leave does every employee get?"], "[1]"),
    "ensemble_of_specialists.py": ([], "no route: I found nothing about this"),
    "existing_app.py": ([], "[1]"),
    "langgraph_node.py": ([], "A colleague will answer: Who won the cup in 1998?"),
    "many_adapters.py": ([], "51 different answers"),
    "steps_alone.py": ([], "['IT handbook', "),
    "tiny_model.py": (["models/tiny", "adapters", "support"], "support: adapters/support"),
}


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_an_example_runs(example: Path, somewhere: Path) -> None:
    arguments, printed = EXAMPLES[example.name]

    run = subprocess.run(
        [sys.executable, str(example), *arguments], capture_output=True, text=True, timeout=240, check=False
    )

    assert run.returncode == 0, run.stderr
    assert printed in run.stdout
