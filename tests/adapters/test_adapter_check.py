"""Where an adapter can be served, known before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ragweave.adapters.adapter_check import check_adapter
from ragweave.adapters.base_model import describe_base
from ragweave.adapters.errors import AdapterError

from .models import make_adapter, tiny_base


def test_a_plain_adapter_can_be_served_everywhere(base: Path, adapters: Path) -> None:
    found = check_adapter(adapters / "legal-v2", describe_base(base))

    assert found.fits
    assert found.problems == ()
    assert found.places == {"ragweave": "", "vllm": "", "sglang": ""}


@pytest.mark.parametrize(
    ("config", "here", "vllm", "sglang"),
    [
        ({"use_dora": True}, "", "DoRA", "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "", "modules_to_save", "modules_to_save"),
        ({"bias": "all"}, "bias", "bias", "bias"),
        ({"rslora": True}, "", "", "rsLoRA"),
        ({"rank_pattern": {"v_proj": 2}}, "", "rank_pattern", "rank_pattern"),
        ({"alpha_pattern": {"v_proj": 2}}, "", "alpha_pattern", "alpha_pattern"),
        ({"targets": ("embed_tokens", "q_proj")}, "", "base weights", "embed_tokens"),
        ({"targets": r".*q_proj"}, "", "", "a pattern"),
    ],
)
def test_each_place_says_why_not(
    base: Path, tmp_path: Path, config: dict[str, Any], here: str, vllm: str, sglang: str
) -> None:
    adapter = make_adapter(base, tmp_path / "adapter", **config)

    places = check_adapter(adapter, describe_base(base)).places

    for place, reason in (("ragweave", here), ("vllm", vllm), ("sglang", sglang)):
        assert bool(places[place]) == bool(reason)
        assert reason in places[place]


def test_ranks_beyond_vllms_largest_are_told(tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "wide", hidden=16, mlp=600, layers=1)
    adapter = make_adapter(base, tmp_path / "adapter", rank=520, targets=("up_proj",))

    assert "520" in check_adapter(adapter, describe_base(base)).places["vllm"]


def test_what_does_not_fit_is_a_result_with_the_problem(adapters: Path, tmp_path: Path) -> None:
    other = tiny_base(tmp_path / "other", layers=3)

    found = check_adapter(adapters / "legal", describe_base(other))

    assert not found.fits
    assert "made for another base" in found.problems[0]
    assert set(found.places.values()) == {"it does not fit"}


def test_no_adapter_at_all_is_an_error(base: Path, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="no folder"):
        check_adapter(tmp_path / "nowhere", describe_base(base))
