"""The front door: what it lists is there, and looking at it costs next to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ragweave import adapters

LIGHT = """
import sys
import ragweave.adapters
from ragweave.adapters import AdapterError, AdapterInfo, AdapterRegistry
heavy = {"torch", "transformers", "peft", "openai", "httpx", "llguidance"} & set(sys.modules)
assert not heavy, heavy
from ragweave.adapters import ChatLora
ChatLora("some/base", {}, temperature=0.5).bind(model="support")
heavy = {"torch", "transformers", "peft", "openai", "llguidance"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize("name", adapters.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(adapters, name).__name__ == name


def test_the_names_are_sorted_and_all_have_a_home() -> None:
    assert adapters.__all__ == sorted(adapters.__all__) == sorted(adapters._HOMES)


def test_a_name_that_is_not_there_says_so() -> None:
    with pytest.raises(AttributeError, match="no attribute 'ChatLore'"):
        adapters.ChatLore  # noqa: B018  # that is the test


def test_importing_and_making_a_model_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
