"""Where adapter versions come from: a plain folder, or a registry that others add to meanwhile.

Knows files and the store that versions go into; knows no request and no slot.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock

from .adapter_files import adapter_info, content_hash, read_adapter
from .base_description import BaseDescription
from .errors import AdapterError
from .records import AdapterInfo
from .registry import AdapterRegistry
from .slot_store import AdapterVersion, SlotStore
from .weights import AdapterWeights

__all__ = ["SECONDS", "RegistryFollower", "folder_version"]

SECONDS = 1.0  # between two looks into a registry that calls lead to; fifty adapters take 4 ms


def folder_version(name: str, folder: Path, base: BaseDescription, *, description: str) -> AdapterVersion:
    """A plain folder's adapter, read and checked; its version is the content's hash.

    Raises `UnsafeAdapter`, `AdapterMismatch`, or `AdapterError` for a kind that cannot be served.
    """
    number = content_hash(folder)
    read = partial(_read_folder, folder, base, number)
    weights = read()
    info = adapter_info(name, folder, version=number)
    if description:
        info = replace(info, description=description)
    return AdapterVersion(info, read, weights, weights.nbytes)


def _read_folder(folder: Path, base: BaseDescription, expected: str) -> AdapterWeights:
    """A folder's weights, copied: its files may be written over at any time."""
    weights = _servable(read_adapter(folder, base), str(folder)).copied()
    if content_hash(folder) != expected:
        raise AdapterError(
            f"The adapter at {str(folder)!r} changed on disk since it was loaded.",
            remedy="Load it again (load_adapter) to serve the new weights.",
        )
    return weights


def _servable(weights: AdapterWeights, name: str) -> AdapterWeights:
    if weights.exclusive and not weights.lane:
        raise AdapterError(
            f"The adapter {name} cannot be served: {weights.exclusive}.",
            remedy="Train it as plain LoRA, or merge it into a base of its own (adapters export --merge).",
        )
    return weights


class RegistryFollower:
    """Keeps a store up to date with a registry: new names and versions come, removed names go.

    What was unloaded here stays away until the registry has a newer version; a name that was loaded from a
    folder is the caller's.
    """

    def __init__(
        self, registry: AdapterRegistry, store: SlotStore, describe: Callable[[], BaseDescription]
    ) -> None:
        self._registry = registry
        self._store = store
        self._describe = describe
        self._seen: dict[str, str] = {}  # the version of each name that the store was given
        self._left: set[str] = set()
        self._looked = float("-inf")
        self._lock = Lock()

    def refresh(self, *, at_most_every: float = 0.0) -> None:
        """Look into the registry, unless that was done so many seconds ago."""
        with self._lock:
            if time.monotonic() - self._looked < at_most_every:
                return
            listed = {info.name: info for info in self._registry.list() if info.name not in self._left}
            self._looked = time.monotonic()
            for name in self._seen.keys() - listed.keys():
                del self._seen[name]
                if self._store.has(name):
                    self._store.remove(name)
            for name, info in listed.items():
                if self._seen.get(name) != info.version:
                    self._seen[name] = info.version
                    self._store.add(self._version(info))

    def leave(self, name: str) -> None:
        """Follow this name no more."""
        with self._lock:
            self._left.add(name)
            self._seen.pop(name, None)

    def take(self, name: str, number: str) -> None:
        """Have one certain version, if the registry has it."""
        if number in {info.version for info in self._registry.versions(name)}:
            self._store.add(self._version(self._registry.get(name, number)), current=False)

    def _version(self, info: AdapterInfo) -> AdapterVersion:
        return AdapterVersion(info, partial(self._read, info.name, info.version))

    def _read(self, name: str, number: str) -> AdapterWeights:
        return _servable(self._registry.read(name, number, self._describe()), f"{name}@{number}")
