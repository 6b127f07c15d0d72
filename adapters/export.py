"""A base model with one adapter worked into its weights, as a plain Hugging Face folder for other runtimes.

Knows peft, whose merge it checks: what is written answers as base and adapter do, or nothing is written.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from .adapter_config import read_config
from .adapter_files import read_adapter
from .base_description import BaseDescription
from .base_files import base_tensors, one_line
from .base_model import LoadedBase, chosen_dtype, load_base, no_progress_bar
from .errors import AdapterError
from .tensor_file import FLOATING, TYPES, TensorFile

__all__ = ["export_merged"]

TOLERANCE = 1e-4  # of the largest logit, in float32: orders of summation differ
PROBE = 24  # tokens


def export_merged(
    base: str | Path,
    adapter: str | Path,
    out: str | Path,
    *,
    dtype: str | torch.dtype | None = None,
    trust_remote_code: bool = False,
) -> Path:
    """Write base and adapter as one model to `out`, a folder that is not there yet or is empty.

    `dtype` is what the weights are stored in, the base's own if not given; all is computed in float32 on the
    CPU. Raises `AdapterMismatch` and `UnsafeAdapter` as reading does, and `AdapterError` where the adapter
    cannot be merged or the merged model answers otherwise; then nothing is left behind.
    """
    target, folder = Path(out).expanduser(), Path(adapter).expanduser()
    _refuse_full(target)
    loaded = load_base(base, device="cpu", dtype=torch.float32, trust_remote_code=trust_remote_code)
    read_adapter(folder, loaded.description)
    stored = chosen_dtype(dtype or _own_dtype(loaded.description), torch.device("cpu"))
    _untie(loaded, folder)
    model = _merge(loaded, folder).to(stored)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.parent / f".{target.name}-{uuid.uuid4().hex[:8]}"
    try:
        with no_progress_bar():
            model.save_pretrained(unfinished)
        loaded.tokenizer.save_pretrained(unfinished)
        del model
        load_base(unfinished, device="cpu", dtype=stored, trust_remote_code=trust_remote_code)  # it is whole
        _refuse_full(target)
        if target.exists():
            target.rmdir()
        os.rename(unfinished, target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _refuse_full(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise AdapterError(f"{target} is there already and not empty.", remedy="Give a new folder.")


def _own_dtype(description: BaseDescription) -> str:
    """The type that most of a checkpoint's tensors have."""
    found: Counter[str] = Counter()
    for path in base_tensors(description.path):
        with TensorFile(path) as file:
            found.update(entry.dtype for entry in file.entries.values() if entry.dtype in FLOATING)
    return TYPES[found.most_common(1)[0][0]][0] if found else "float32"


def _untie(loaded: LoadedBase, folder: Path) -> None:
    """Give the output layer weights of its own where the adapter changes one of two that are shared."""
    model, output = loaded.model, loaded.model.get_output_embeddings()
    shared = output is not None and output.weight is model.get_input_embeddings().weight
    config = read_config(folder)
    targeted = [
        name
        for name, shape in loaded.description.modules.items()
        if (shape.kind == "embedding" or name == loaded.description.output_embedding)
        and config.is_target(name)
    ]
    if shared and targeted:
        output.weight = torch.nn.Parameter(output.weight.detach().clone(), requires_grad=False)
        model.config.tie_word_embeddings = False


@torch.no_grad()
def _merge(loaded: LoadedBase, folder: Path) -> Any:
    """The merged model. Raises `AdapterError` where it does not answer as base and adapter do."""
    generator = torch.Generator().manual_seed(0)
    vocabulary = loaded.model.get_input_embeddings().weight.shape[0]
    length = min(PROBE, loaded.description.context or PROBE)
    probe = torch.randint(vocabulary, (1, length), generator=generator)
    load: Any = PeftModel.from_pretrained  # untyped
    try:
        adapted = load(loaded.model, folder, torch_device="cpu").eval()
        expected = adapted(input_ids=probe).logits
        merged = adapted.merge_and_unload(safe_merge=True)
    except (ValueError, RuntimeError, NotImplementedError, TypeError, KeyError) as error:
        raise AdapterError(
            f"The adapter in {folder} cannot be merged: {one_line(error)}",
            remedy="Serve it beside its base model instead.",
        ) from error
    found = merged(input_ids=probe).logits
    difference = float((found - expected).abs().max() / expected.abs().max().clamp(min=1))
    if not difference <= TOLERANCE:
        raise AdapterError(
            f"The adapter in {folder} cannot be merged: the merged logits differ by {difference:.1e} of the "
            f"largest, and {TOLERANCE:.0e} are allowed.",
            remedy="Serve it beside its base model instead.",
        )
    return merged
