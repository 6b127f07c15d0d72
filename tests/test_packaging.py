"""What is installed is what stands here: every file of the four folders, and the names at their doors."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PARTS = ("chains", "adapters", "evals", "ui")
HEAVY = ("torch", "transformers", "gradio", "weaviate", "llama_index", "langchain")


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("part", PARTS)
def test_every_file_is_installed_as_it_stands_here(part: str) -> None:
    installed = Path(str(resources.files(f"ragweave.{part}")))

    assert _files(installed) == _files(ROOT / part), "Run `make install`."


@pytest.mark.parametrize("part", PARTS)
def test_the_door_lists_what_is_there(part: str) -> None:
    module = importlib.import_module(f"ragweave.{part}")

    assert list(module.__all__) == sorted(module.__all__)
    assert all(getattr(module, name) is not None for name in module.__all__)
    with pytest.raises(AttributeError):
        module.no_such_name  # noqa: B018


def test_version_and_changelog_agree() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert version("ragweave") == declared
    assert re.search(rf"^## {re.escape(declared)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "door", ["import ragweave.chains", "from ragweave.chains import KnowledgeBase, rag_chain"]
)
def test_nothing_heavy_comes_in_by_the_door(door: str) -> None:
    code = f"{door}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "[]"


def test_there_is_no_ragweave_folder_that_would_hide_the_package() -> None:
    assert not (ROOT / "ragweave").exists()
    assert not (ROOT / "__init__.py").exists()
