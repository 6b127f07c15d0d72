"""The files in a base model's folder. Imports no torch: an adapter is compared with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .errors import AdapterError

__all__ = ["base_tensors", "no_weights", "one_line", "read_json"]


def base_tensors(folder: Path) -> list[Path]:
    """The safetensors files of a model, in order. Raises `AdapterError` where there are none or some lack."""
    index = folder / "model.safetensors.index.json"
    single = folder / "model.safetensors"
    if single.is_file():
        return [single]
    if index.is_file():
        mapping = read_json(index).get("weight_map")
        names = sorted({str(name) for name in mapping.values()}) if isinstance(mapping, dict) else []
        if any(Path(name).name != name for name in names):
            raise AdapterError(f"{index} names files outside its folder.", remedy="Download the model again.")
        if lacking := [name for name in names if not (folder / name).is_file()]:
            raise AdapterError(
                f"{folder} lacks {', '.join(lacking)}, which {index.name} lists.",
                remedy="Download the model again, whole.",
            )
        if names:
            return [folder / name for name in names]
    raise no_weights(folder)


def no_weights(folder: Path) -> AdapterError:
    """The error for a folder without weights that can be read, by what it holds instead."""
    if (folder / "adapter_config.json").is_file():
        return AdapterError(
            f"{folder} holds an adapter, not a base model.",
            remedy="Give its base model as the base, and this folder as an adapter.",
        )
    if any(folder.glob("*.bin")) or any(folder.glob("*.pt")) or any(folder.glob("*.pth")):
        return AdapterError(
            f"{folder} holds pickled weights only, and loading a pickle can run any code.",
            remedy="Use a safetensors copy, or convert it where you trust it: "
            "AutoModelForCausalLM.from_pretrained(...).save_pretrained(...).",
        )
    return AdapterError(
        f"{folder} holds no weights: neither model.safetensors nor model.safetensors.index.json.",
        remedy="Give the folder of a model saved with save_pretrained.",
    )


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object. Raises `AdapterError` where the file does not hold one."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AdapterError(f"{file} is not JSON: {one_line(error)}", remedy="Download it again.") from error
    if not isinstance(found, dict):
        raise AdapterError(f"{file} does not hold a JSON object.", remedy="Download it again.")
    return found


def one_line(error: BaseException, limit: int = 300) -> str:
    """A foreign error's text, fit for a sentence of ours."""
    text = " ".join(str(error).split()) or type(error).__name__
    return f"{text[:limit].rstrip('.')}."
