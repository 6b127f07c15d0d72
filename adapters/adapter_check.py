"""Whether an adapter fits a base model, and where it can be served; known before anything runs.

Knows the rules of other servers as their sources state them (vLLM 0.11 to 0.2x, SGLang 0.5), and where those
depend on the model or the release, says no.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .adapter_config import PREFIX, AdapterConfig, find_files, read_config
from .adapter_files import read_adapter
from .errors import AdapterError
from .tensor_file import TensorFile
from .weights import AdapterWeights

if TYPE_CHECKING:
    from .base_description import BaseDescription

__all__ = ["PLACES", "AdapterCheck", "check_adapter", "serving_places"]

PLACES = ("ragweave", "vllm", "sglang")
LARGEST_VLLM_RANK = 512  # the last choice of --max-lora-rank
# The linear layers that SGLang's LoRA manager wraps; it stacks q, k, v and gate, up under these names.
SGLANG_MODULES = frozenset({"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterCheck:
    """`places` names where the adapter can be served, each with "" or the reason why not.

    "ragweave" is the mixed batch of this package or a lane beside it, "vllm" and "sglang" are those servers.
    """

    fits: bool
    problems: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)


def check_adapter(folder: str | Path, base: BaseDescription) -> AdapterCheck:
    """Read an adapter whole and compare it with a base model.

    What is wrong with the adapter is a result. Raises `AdapterError` only where there is no adapter at all.
    """
    path = Path(folder)
    find_files(path)
    try:
        weights = read_adapter(path, base)
    except AdapterError as error:
        return AdapterCheck(
            fits=False, problems=(str(error),), places=dict.fromkeys(PLACES, "it does not fit")
        )
    return AdapterCheck(fits=True, places=serving_places(path, weights))


def serving_places(folder: Path, weights: AdapterWeights) -> dict[str, str]:
    """Where an adapter can be served, by place "" or why not."""
    exclusive = weights.exclusive
    config = read_config(folder)
    with TensorFile(find_files(folder)[1]) as file:
        keys = [key.removeprefix(PREFIX) for key in file.entries]
    return {
        "ragweave": "" if weights.lane else exclusive,
        "vllm": exclusive or _vllm(config, keys),
        "sglang": exclusive or _sglang(config, keys),
    }


def _vllm(config: AdapterConfig, keys: list[str]) -> str:
    rank = max((config.rank, *config.rank_pattern.values()))
    if rank > LARGEST_VLLM_RANK:
        return f"its rank is {rank}, and vLLM's largest is {LARGEST_VLLM_RANK}"
    return _one_scaling(config) or _only_linear(keys)


def _sglang(config: AdapterConfig, keys: list[str]) -> str:
    if config.rslora:
        return "it is an rsLoRA, and SGLang scales by alpha / rank"
    others = sorted({_last_part(key) for key in keys} - SGLANG_MODULES)
    if others:
        return f"it adapts {', '.join(others)}, and SGLang adapts attention and MLP projections alone"
    if isinstance(config.target_modules, str) and not config.all_linear:
        return "its target_modules are a pattern, and SGLang takes a list of names"
    return _one_scaling(config)


def _one_scaling(config: AdapterConfig) -> str:
    if any(rank != config.rank for rank in config.rank_pattern.values()):
        return "its ranks differ between modules (rank_pattern), and the server knows one scaling"
    if any(alpha != config.alpha for alpha in config.alpha_pattern.values()):
        return "its alphas differ between modules (alpha_pattern), and the server knows one scaling"
    return ""


def _only_linear(keys: list[str]) -> str:
    for key in keys:
        if key.endswith(".weight") and ".lora_" not in key:
            return "its file holds base weights beside the factors, which vLLM does not load"
        if ".lora_embedding_" in key or key.startswith("lm_head."):
            return "it adapts the embedding or lm_head, which vLLM takes for some models only"
    return ""


def _last_part(key: str) -> str:
    return key.partition(".lora_")[0].removesuffix(".base_layer.weight").rpartition(".")[2]
