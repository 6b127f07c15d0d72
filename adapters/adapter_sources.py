"""Where adapter versions come from: one folder, a folder of folders, or a registry; others may add to both.

Knows files and the store that versions go into; knows no request and no slot.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import NoReturn, Protocol

from .adapter_config import CONFIG, WEIGHTS
from .adapter_files import adapter_info, content_hash, read_adapter
from .adapter_names import check_name
from .base_description import BaseDescription
from .errors import AdapterError, UnsafeAdapter
from .records import AdapterInfo
from .registry import AdapterRegistry, registry_at
from .registry_folder import plain_adapters
from .slot_store import AdapterVersion, SlotStore
from .weights import AdapterWeights

__all__ = ["SECONDS", "Follower", "FolderSource", "RegistrySource", "Source", "folder_version", "open_source"]

logger = logging.getLogger(__name__)

Describe = Callable[[], BaseDescription]  # the base, described when it is first needed

SECONDS = 1.0  # between two looks into a registry that calls lead to; fifty adapters take 4 ms


def folder_version(name: str, folder: Path, base: BaseDescription, *, description: str) -> AdapterVersion:
    """A plain folder's adapter, read and checked; its version is the content's hash.

    Raises `UnsafeAdapter`, `AdapterMismatch`, or `AdapterError` for a kind that cannot be served.
    """
    number = content_hash(folder)
    read = partial(_read_folder, folder, lambda: base, number)
    weights = read()
    info = adapter_info(name, folder, version=number)
    if description:
        info = replace(info, description=description)
    return AdapterVersion(info, read, weights, weights.nbytes)


def _read_folder(folder: Path, describe: Describe, expected: str) -> AdapterWeights:
    """A folder's weights, copied: its files may be written over at any time."""
    weights = _servable(read_adapter(folder, describe()), str(folder)).copied()
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


class Source(Protocol):
    """A place that adapters are found in, and that others may add to."""

    def list(self) -> list[AdapterInfo]:
        """The newest version of each name."""
        ...

    def version(self, info: AdapterInfo) -> AdapterVersion:
        """A version that was listed, to be read at its first use."""
        ...

    def older(self, name: str, number: str) -> AdapterVersion | None:
        """One certain version, if there is one."""
        ...


class RegistrySource:
    """The versions of a registry."""

    def __init__(self, registry: AdapterRegistry, describe: Describe) -> None:
        self._registry = registry
        self._describe = describe

    def list(self) -> list[AdapterInfo]:
        """The newest version of each name."""
        return self._registry.list()

    def version(self, info: AdapterInfo) -> AdapterVersion:
        """A version that was listed."""
        return AdapterVersion(info, partial(self._read, info.name, info.version))

    def older(self, name: str, number: str) -> AdapterVersion | None:
        """One certain version."""
        if number not in {info.version for info in self._registry.versions(name)}:
            return None
        return self.version(self._registry.get(name, number))

    def _read(self, name: str, number: str) -> AdapterWeights:
        return _servable(self._registry.read(name, number, self._describe()), f"{name}@{number}")


class FolderSource:
    """The peft folders in a folder, their names the adapters'; a version is the content's hash.

    One that cannot be read is known all the same: whoever asks for it learns why. While files are being
    written over, the version before stays.
    """

    def __init__(self, folder: Path, describe: Describe) -> None:
        self._folder = folder
        self._describe = describe
        self._known: dict[str, tuple[object, AdapterInfo]] = {}  # by name, with what the files looked like
        self._damaged: dict[str, AdapterError] = {}

    def list(self) -> list[AdapterInfo]:
        """The adapters that are there now; only changed files are read."""
        found = {}
        for path in plain_adapters(self._folder) if self._folder.is_dir() else []:
            try:
                check_name(path.name)
            except UnsafeAdapter as error:
                logger.warning("skipping a folder among the adapters: %s", error)
                continue
            found[path.name] = self._look(path)
        self._known = found
        return [info for _, info in found.values()]

    def version(self, info: AdapterInfo) -> AdapterVersion:
        """A version that was listed."""
        if info.name in self._damaged:
            return AdapterVersion(info, partial(_refuse, self._damaged[info.name]))
        return AdapterVersion(info, partial(_read_folder, Path(info.path), self._describe, info.version))

    def older(self, name: str, number: str) -> AdapterVersion | None:
        """A folder has one version."""
        return None

    def _look(self, path: Path) -> tuple[object, AdapterInfo]:
        before = self._known.get(path.name)
        looks = tuple(_looks(path / name) for name in (CONFIG, WEIGHTS))
        if before is not None and before[0] == looks:
            return before
        try:
            info = adapter_info(path.name, path)
        except (AdapterError, OSError) as error:
            if before is not None and path.name not in self._damaged:
                return before
            failed = error if isinstance(error, AdapterError) else AdapterError(f"{path}: {error}")
            self._damaged[path.name] = failed
            return looks, AdapterInfo(name=path.name, version="damaged", path=str(path))
        self._damaged.pop(path.name, None)
        return looks, info


def _looks(file: Path) -> object:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _refuse(error: AdapterError) -> NoReturn:
    raise error


def open_source(folder: AdapterRegistry | str | Path, describe: Describe) -> Source:
    """A registry's versions, or the peft folders of a plain folder.

    Raises `AdapterError` for a folder that is itself an adapter.
    """
    registry = registry_at(folder)
    if registry is not None:
        return RegistrySource(registry, describe)
    assert not isinstance(folder, AdapterRegistry)
    return FolderSource(Path(folder).expanduser(), describe)


class Follower:
    """Keeps a store up to date with a source: new names and versions come, removed names go.

    What was unloaded here stays away until the source has a newer version; a name that was loaded from a
    folder is the caller's.
    """

    def __init__(self, source: Source, store: SlotStore) -> None:
        self._source = source
        self._store = store
        self._seen: dict[str, str] = {}  # the version of each name that the store was given
        self._left: set[str] = set()
        self._looked = float("-inf")
        self._lock = Lock()

    def refresh(self, *, at_most_every: float = 0.0) -> None:
        """Look into the source, unless that was done so many seconds ago."""
        with self._lock:
            if time.monotonic() - self._looked < at_most_every:
                return
            listed = {info.name: info for info in self._source.list() if info.name not in self._left}
            self._looked = time.monotonic()
            for name in self._seen.keys() - listed.keys():
                del self._seen[name]
                if self._store.has(name):
                    self._store.remove(name)
            for name, info in listed.items():
                if self._seen.get(name) != info.version:
                    self._seen[name] = info.version
                    self._store.add(self._source.version(info))

    def leave(self, name: str) -> None:
        """Follow this name no more."""
        with self._lock:
            self._left.add(name)
            self._seen.pop(name, None)

    def take(self, name: str, number: str) -> None:
        """Have one certain version, if the source has it."""
        older = self._source.older(name, number)
        if older is not None:
            self._store.add(older, current=False)
