"""Base models and adapters that many tests read and none changes; made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from .models import make_adapter, real_base, tiny_base


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Qwen2 of two layers."""
    return tiny_base(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture(scope="session")
def gpt2_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random GPT-2, whose linear layers are Conv1D."""
    return tiny_base(tmp_path_factory.mktemp("bases") / "tiny-gpt2", kind="gpt2")


@pytest.fixture(scope="session")
def story_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real small model."""
    return real_base(tmp_path_factory.mktemp("bases") / "TinyStories-656K")


@pytest.fixture(scope="session")
def adapters(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three adapters of `base`: legal, legal-v2 and support, of different ranks and targets."""
    folder = tmp_path_factory.mktemp("adapters")
    make_adapter(base, folder / "legal", rank=8, seed=1)
    make_adapter(base, folder / "legal-v2", rank=4, targets="all-linear", seed=2)
    make_adapter(base, folder / "support", rank=16, targets=("up_proj", "down_proj"), seed=3)
    return folder
