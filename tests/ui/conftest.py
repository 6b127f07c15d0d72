"""A clean place to run commands in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and an environment without Ragweave's variables."""
    for name in list(os.environ):
        if name.startswith("RAGWEAVE_") and not name.startswith("RAGWEAVE_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path
