"""Base models loaded whole, or refused: weights, tokenizer, chat template, device and type.

Knows nothing of adapters, slots or requests. Weights come from safetensors alone; code in a model's folder
runs only where the caller asks for it in so many words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers import Tokenizer
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from .base_description import BaseDescription, ModuleShape, describe_base, one_line
from .errors import AdapterError

__all__ = [
    "BaseDescription",
    "LoadedBase",
    "ModuleShape",
    "chosen_device",
    "chosen_dtype",
    "describe_base",
    "load_base",
    "no_progress_bar",
    "require_template",
]

Quantization = Literal["4bit", "8bit"]

# Letters, accents, digits, runs of spaces, a newline and another script: tokenizers differ on each of them.
PROBE = "The naïve café's 12345 prices  (in  EUR) don't\nmatch: 北京 ünïcode."


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedBase:
    """A base model in memory, in evaluation mode, with its tokenizer."""

    model: Any  # transformers' PreTrainedModel, whose generation methods are untyped
    tokenizer: Any
    description: BaseDescription
    device: torch.device
    dtype: torch.dtype
    chat_template: str | None


def load_base(
    base: str | Path,
    *,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
    quantization: Quantization | None = None,
    trust_remote_code: bool = False,
    revision: str | None = None,
    chat_template: str | Path | None = None,
) -> LoadedBase:
    """Load a base model's weights and tokenizer.

    The device is CUDA where there is one, else MPS, else the CPU; the type is float32 on the CPU, float16
    on MPS and the checkpoint's own on CUDA. `chat_template` is a text or a file and replaces the tokenizer's
    own.
    Raises `AdapterError` where weights are missing, left over or not finite: transformers would fill the gaps
    with random numbers.
    """
    description = describe_base(base, trust_remote_code=trust_remote_code, revision=revision)
    place = chosen_device(device)
    options: dict[str, Any] = {"dtype": chosen_dtype(dtype, place)}
    if quantization is not None:
        options |= {"quantization_config": _quantization(quantization, place), "device_map": {"": place}}
    model = _weights(description.path, options, trust_remote_code=trust_remote_code)
    if quantization is None:
        model.to(place)
    model.eval().requires_grad_(False)
    _refuse_broken_numbers(model, description.path)
    tokenizer = _tokenizer(description.path, trust_remote_code=trust_remote_code)
    if chat_template is not None:
        tokenizer.chat_template = _template_text(chat_template)
    template = tokenizer.chat_template
    return LoadedBase(
        model=model,
        tokenizer=tokenizer,
        description=description,
        device=place,
        dtype=model.dtype,
        chat_template=template.get("default") if isinstance(template, dict) else template,
    )


def require_template(loaded: LoadedBase) -> str:
    """The chat template. Raises `AdapterError` where the model has none."""
    if loaded.chat_template:
        return loaded.chat_template
    raise AdapterError(
        f"The tokenizer of {loaded.description.name} has no chat template, and messages need one.",
        remedy="Give chat_template= a Jinja template or its file, or use the model's chat variant.",
    )


def _template_text(template: str | Path) -> str:
    if isinstance(template, str) and "{" in template:
        return template
    try:
        return Path(template).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AdapterError(
            f"The chat template {str(template)!r} is neither Jinja text nor a readable file.",
            remedy="Give the template's text or the path of its file.",
        ) from error


def chosen_device(device: str | torch.device | None) -> torch.device:
    """The device asked for, or the fastest one; raises `AdapterError` for one that is not there."""
    if device is None:
        accelerators = (("cuda", torch.cuda), ("mps", torch.backends.mps))
        device = next((name for name, backend in accelerators if backend.is_available()), "cpu")
    try:
        place = torch.device(device)
    except RuntimeError as error:
        raise AdapterError(
            f"There is no device {device!r}.", remedy="Use cpu, cuda, cuda:0 or mps."
        ) from error
    if place.type == "cuda" and not torch.cuda.is_available():
        raise AdapterError(
            f"The device {device} was asked for, and torch finds no CUDA.",
            remedy="Check the driver and that torch was installed with CUDA, or use device='cpu'.",
        )
    return place


def chosen_dtype(dtype: str | torch.dtype | None, device: torch.device) -> torch.dtype | Literal["auto"]:
    """The type asked for, or what suits the device; "auto" is the checkpoint's own. Raises `AdapterError`."""
    if dtype is None:
        return {"cpu": torch.float32, "mps": torch.float16}.get(device.type, "auto")
    found = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise AdapterError(f"There is no type {dtype!r}.", remedy="Use float32, bfloat16 or float16.")
    return found


def _quantization(bits: Quantization, device: torch.device) -> Any:
    from importlib.util import find_spec

    if bits not in ("4bit", "8bit"):
        raise AdapterError(f"There is no quantization {bits!r}.", remedy="Use '4bit' or '8bit'.")
    if device.type != "cuda" or find_spec("bitsandbytes") is None:
        raise AdapterError(
            f"Quantization to {bits} needs CUDA and bitsandbytes; the device is {device.type}.",
            remedy="Install bitsandbytes on a machine with CUDA, or leave quantization out.",
        )
    config: Any = BitsAndBytesConfig  # untyped
    if bits == "8bit":
        return config(load_in_8bit=True)
    return config(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)


def _weights(folder: Path, options: Mapping[str, Any], *, trust_remote_code: bool) -> Any:
    load: Any = AutoModelForCausalLM.from_pretrained  # its type knows no loading report
    try:
        with no_progress_bar():
            model, report = load(
                folder,
                use_safetensors=True,
                trust_remote_code=trust_remote_code,
                local_files_only=True,
                output_loading_info=True,
                **options,
            )
    except (ValueError, RuntimeError, OSError, KeyError) as error:
        raise AdapterError(
            f"The weights in {folder} cannot be loaded: {one_line(error)}",
            remedy="Check that the folder is whole and that its config.json belongs to its weights.",
        ) from error
    for kind in ("missing", "unexpected", "mismatched"):
        if names := sorted(str(name) for name in report[f"{kind}_keys"]):
            raise AdapterError(
                f"The weights in {folder} do not fit its config.json: {kind} {_some(names)}.",
                remedy="Use the whole, unchanged checkpoint: gaps would be filled with random numbers.",
            )
    return model


@contextmanager
def no_progress_bar() -> Iterator[None]:
    """Keep transformers from drawing bars for what takes a moment."""
    bars: Any = logging  # untyped
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()


def _refuse_broken_numbers(model: Any, folder: Path) -> None:
    for name, parameter in model.named_parameters():
        if not parameter.is_floating_point() or not parameter.numel():
            continue
        if not all(bool(torch.isfinite(bound)) for bound in parameter.aminmax()):
            raise AdapterError(
                f"The weights in {folder} hold values that are not numbers, in {name}.",
                remedy="Use another copy of the model, or another dtype: float16 has a small range.",
            )


def _tokenizer(folder: Path, *, trust_remote_code: bool) -> Any:
    load: Any = AutoTokenizer.from_pretrained  # untyped
    try:
        tokenizer = load(folder, trust_remote_code=trust_remote_code, local_files_only=True)
        file = folder / "tokenizer.json"
        # AutoTokenizer goes by the model's type and can rebuild a tokenizer unlike the one in the file.
        if file.is_file() and not _same_tokens(tokenizer, Tokenizer.from_file(str(file))):
            fast: Any = PreTrainedTokenizerFast.from_pretrained
            tokenizer = fast(folder, local_files_only=True)
    except (ValueError, OSError, KeyError, TypeError, ImportError) as error:
        raise AdapterError(
            f"The tokenizer in {folder} cannot be loaded: {one_line(error)}",
            remedy="Download tokenizer.json and tokenizer_config.json of the model as well.",
        ) from error
    return tokenizer


def _same_tokens(tokenizer: Any, stored: Tokenizer) -> bool:
    found = tokenizer(PROBE, add_special_tokens=False)["input_ids"]
    return list(found) == stored.encode(PROBE, add_special_tokens=False).ids


def _some(names: list[str], limit: int = 4) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
