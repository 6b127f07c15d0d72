"""The adapters of a server: those given here, each version under a name of its own there, and its own.

Knows names and versions; knows no network.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from .adapter_config import content_hash
from .errors import UnknownAdapter
from .records import AdapterInfo

__all__ = ["RemoteAdapter", "RemoteAdapters", "new_version", "served_name"]

SERVED = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9]+\.[0-9a-f]{6}")  # what `served_name` makes


@dataclass(slots=True)
class RemoteAdapter:
    """One version of an adapter; `served` is its name on the server."""

    info: AdapterInfo
    served: str
    ours: bool = True
    shared: bool = False
    loaded: bool = False
    running: int = 0
    retired: bool = False


def _short_hash(text: str) -> str:
    """Twelve characters that tell texts apart."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def served_name(name: str, version: str, path: str) -> str:
    """The name of a version on the server; adapters' names hold no dot, so that none can be another's.

    >>> served_name("legal", "2", "/a/legal").startswith("legal.2.")
    True
    """
    return f"{name}.{version}.{_short_hash(str(Path(path)))[:6]}"


def new_version(path: str | Path, *, taken: Callable[[str], bool]) -> str:
    """The content's hash where this machine reads the path too; else a hash that was not given before.

    Of a path that the server alone can read nothing says whether its files changed, so that loading it again
    is taken for a new version.
    """
    folder = Path(path).expanduser()
    if folder.is_dir():
        return content_hash(folder)
    number = 1
    while taken(made := _short_hash(f"{path}\x1f{number}")):
        number += 1
    return made


@dataclass(slots=True)
class RemoteAdapters:
    """What is known of a server's adapters; safe to use from several threads."""

    _current: dict[str, RemoteAdapter] = field(default_factory=dict)
    _all: dict[tuple[str, str], RemoteAdapter] = field(default_factory=dict)
    _listed: dict[str, RemoteAdapter] = field(default_factory=dict)  # the server's own, by its last list
    _lock: Lock = field(default_factory=Lock)

    def add(self, adapter: RemoteAdapter, *, current: bool = True) -> RemoteAdapter | None:
        """Make a version known; returns the one that it replaces, where nobody uses that any more."""
        with self._lock:
            before = self._current.get(adapter.info.name)
            self._all[adapter.info.name, adapter.info.version] = adapter
            if current:
                self._current[adapter.info.name] = adapter
            if not current or before is adapter:
                return None
            unused = self._retire(before)
            return None if before is not None and before.shared else unused

    def remove(self, name: str) -> RemoteAdapter | None:
        """Forget a name; returns its version where nobody uses that any more. Raises `UnknownAdapter`."""
        with self._lock:
            if name not in self._current and name not in self._listed:
                raise UnknownAdapter(name, [*self._current, *self._listed])
            found = self._current.pop(name, None) or self._listed.pop(name)
            return self._retire(found)

    def _retire(self, adapter: RemoteAdapter | None) -> RemoteAdapter | None:
        if adapter is None:
            return None
        adapter.retired = True
        self._all.pop((adapter.info.name, adapter.info.version), None)
        return adapter if adapter.running == 0 else None

    def note(self, models: Iterable[Mapping[str, Any]]) -> None:
        """Take up the server's list: its adapters are those with a parent, but for versions given to it."""
        with self._lock:
            names = {str(entry["id"]): entry for entry in models if entry.get("parent")}
            self._listed = {
                name: _of_server(entry) for name, entry in names.items() if not SERVED.fullmatch(name)
            }

    def hold(self, name: str, version: str | None) -> RemoteAdapter | None:
        """The version that a request gets, counted as in use; None where it is not known."""
        with self._lock:
            found = self._current.get(name) if version is None else self._all.get((name, version))
            found = found or self._listed.get(name)
            if found is None or version not in (None, found.info.version):
                return None
            found.running += 1
            return found

    def release(self, adapter: RemoteAdapter) -> bool:
        """The end of a request; True where the version was retired and nobody uses it any more."""
        with self._lock:
            adapter.running -= 1
            return adapter.retired and adapter.running == 0 and not adapter.shared

    def infos(self) -> list[AdapterInfo]:
        """The adapters that can be asked for, by name."""
        with self._lock:
            found = {**self._listed, **self._current}
        return [found[name].info for name in sorted(found)]

    def knows(self, name: str, version: str) -> bool:
        """Whether this version was added."""
        with self._lock:
            return (name, version) in self._all


def _of_server(entry: Mapping[str, Any]) -> RemoteAdapter:
    path = str(entry.get("root") or "")
    info = AdapterInfo(
        name=str(entry["id"]), version=_short_hash(path or str(entry["id"])), path=path, state="remote"
    )
    return RemoteAdapter(info, served=info.name, ours=False, loaded=True)
