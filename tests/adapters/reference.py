"""An adapter run alone, by peft and plain transformers: what every answer of an engine has to equal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

__all__ = ["run_alone"]


@torch.inference_mode()
def run_alone(
    base: Path, adapter: Path | None, prompt_ids: Sequence[int], max_new_tokens: int
) -> tuple[list[int], list[float]]:
    """The greedy answer of one request with nothing beside it, in float32, without any cache.

    Returns its tokens, not stopped by any of them, and how far apart the top two logits of each were.
    """
    model = _load(base, adapter)
    tokens: list[int] = []
    margins: list[float] = []
    for _ in range(max_new_tokens):
        logits = model(input_ids=torch.tensor([[*prompt_ids, *tokens]]), use_cache=False).logits[0, -1]
        best = logits.topk(2)
        tokens.append(int(best.indices[0]))
        margins.append(float(best.values[0] - best.values[1]))
    return tokens, margins


@cache
def _load(base: Path, adapter: Path | None) -> Any:
    from peft import PeftModel

    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)  # its type is partial
    return (PeftModel.from_pretrained(model, str(adapter)) if adapter else model).eval()
