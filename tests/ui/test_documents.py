"""What the documents quote from the program is what the program says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from ragweave.ui.settings import options

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["command-line.md", "configuration.md"])
def test_generated_blocks_are_up_to_date(
    name: str, generate: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")  # which `generate` sets: undone after the test
    text = (DOCS / name).read_text(encoding="utf-8")

    assert generate.render(text) == text, "run: .venv/bin/python docs/generate.py"


def test_an_outdated_block_is_noticed(generate: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    outdated = "before\n<!-- generated: help sources -->\noutdated text\n<!-- end -->\nafter"

    rendered = generate.render(outdated)

    assert "outdated text" not in rendered
    assert "Usage: ragweave sources" in rendered
    assert rendered.startswith("before\n") and rendered.endswith("<!-- end -->\nafter")


def test_every_key_from_the_environment_is_explained() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8").partition("## Keys")[2]

    assert [
        option.environment for option in options() if option.secret and option.environment not in text
    ] == []
