"""What can be checked of a chat model's settings without loading anything: names, folders, addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .adapter_names import check_name
from .engine_handle import is_server
from .errors import AdapterError

__all__ = ["checked_adapters", "checked_base", "checked_registry", "context_length"]

HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)


def checked_base(base: str | Path) -> str:
    """A folder, a hub id, or a server's address.

    Raises `AdapterError` for a folder that is not there, and for an address without a host or with a key.
    """
    text = str(base)
    if is_server(text):
        return _checked_address(text)
    folder = Path(text).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise AdapterError(
                f"The folder {text!r} holds no base model: it has no config.json.",
                remedy="Give the folder that a model was saved to with save_pretrained.",
            )
        return str(folder)
    if isinstance(base, Path) or not HUB_ID.fullmatch(text):
        raise AdapterError(
            f"There is no base model {text!r}: it is no folder here, and no hub id.",
            remedy="Give an existing folder, a hub id such as Qwen/Qwen3-0.6B, or http://host:8000/v1#name.",
        )
    return text


def _checked_address(text: str) -> str:
    address = urlsplit(text)
    if not address.hostname:
        raise AdapterError(
            f"The address {text!r} names no host.", remedy="Write it as http://host:8000/v1#name."
        )
    if address.username or address.password:
        raise AdapterError(
            f"The address of {address.hostname} holds a user name or password.",
            remedy="Take it out, and give the key as api_key or in RAGWEAVE_MODEL_API_KEY.",
        )
    return text


def checked_adapters(adapters: Mapping[str, str | Path], base: str) -> dict[str, str]:
    """Names by the allow-list, and folders that are there. A server's paths are its own.

    Raises `UnsafeAdapter` for a name, `AdapterError` for a folder.
    """
    paths = {}
    for name, path in adapters.items():
        check_name(name)
        folder = Path(path).expanduser()
        if is_server(base):
            paths[name] = str(path)
            continue
        if not (folder / "adapter_config.json").is_file():
            raise AdapterError(
                f"The adapter {name!r} is not at {str(path)!r}: there is no adapter_config.json.",
                remedy="Give the folder that peft saved the adapter to.",
            )
        paths[name] = str(folder)
    return paths


def checked_registry(registry: Any) -> str | None:
    """The folder of a registry, or of a registry object. Raises `AdapterError` where it is not there."""
    if registry is None:
        return None
    folder = Path(getattr(registry, "folder", registry)).expanduser()
    if not folder.is_dir():
        raise AdapterError(
            f"There is no registry at {str(folder)!r}: no such folder.",
            remedy="Give the folder of a registry, or a folder that holds peft folders.",
        )
    return str(folder)


def context_length(base: str) -> int | None:
    """How many tokens a base model's folder says that it can read; None where it says nothing."""
    try:
        config = json.loads((Path(base) / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    length = config.get("max_position_embeddings", config.get("n_positions"))
    return length if isinstance(length, int) else None
