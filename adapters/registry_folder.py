"""How a registry lies on disk, and the steps that change it.

    registry.json                     marks the folder
    support/3/adapter_config.json     a version: peft's two files, so that other tools read it as it is
              adapter_model.safetensors
              manifest.json           what it is, and what it was checked for
    support/.removed-2                a number that was used, so that it is not used again

A version appears by one rename of a finished folder: whoever is killed on the way leaves a folder that nobody
looks at, and of two processes that want one number, one gets the next. Knows nothing of what adapters are.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .adapter_config import CONFIG, WEIGHTS
from .adapter_names import check_name
from .errors import AdapterError, UnknownAdapter, UnsafeAdapter

__all__ = ["MARKER", "VersionFolders", "damaged", "plain_adapters"]

MARKER = "registry.json"
MANIFEST = "manifest.json"
FORMAT = 1
UNFINISHED = ".adding-"
REMOVED = ".removed-"
STALE = 3600.0  # seconds after which an unfinished folder is a killed process's
VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


class VersionFolders:
    """The names and versions in a registry's folder; opening it reads and makes nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root

    # -- looking -------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The names that have or had versions, sorted."""
        if not (self.root / MARKER).exists():
            return []
        self._check_format()
        with os.scandir(self.root) as entries:
            return sorted(entry.name for entry in entries if _is_name(entry.name) and entry.is_dir())

    def known(self) -> list[str]:
        """The names that have versions."""
        return [name for name in self.names() if self.numbers(name)]

    def numbers(self, name: str) -> list[int]:
        """The versions of a name, oldest first."""
        found, removed = self._listed(name)
        return sorted(found - removed)

    def some(self, name: str) -> list[int]:
        """The versions of a name, at least one. Raises `UnknownAdapter`."""
        if numbers := self.numbers(check_name(name)):
            return numbers
        raise UnknownAdapter(name, self.known())

    def number(self, name: str, version: str | int | None) -> int:
        """The version asked for, None being the newest. Raises `UnknownAdapter`."""
        numbers = self.some(name)
        if version is None:
            return numbers[-1]
        if VERSION.fullmatch(str(version)) and int(version) in numbers:
            return int(version)
        raise UnknownAdapter(f"{name}@{version}", [f"{name}@{number}" for number in numbers])

    def folder(self, name: str, number: int) -> Path:
        """Where a version is. Raises `UnsafeAdapter` where a link leads out of the registry."""
        folder = self.root / name / str(number)
        if folder.is_symlink() or folder.parent.is_symlink():  # checked names lead out in no other way
            raise UnsafeAdapter(
                f"{folder} is a link to {folder.resolve()}, outside the registry.",
                remedy="Replace the link by the folder itself.",
            )
        return folder

    def manifest(self, name: str, number: int) -> dict[str, Any]:
        """What was written about a version when it was added."""
        path = self.folder(name, number) / MANIFEST
        manifest = _read_json(path)
        files = manifest.get("files")
        if manifest.get("name") != name or not isinstance(files, dict) or set(files) != {CONFIG, WEIGHTS}:
            raise damaged(path)
        return manifest

    # -- changing ------------------------------------------------------------------------------------------

    def prepare(self, name: str) -> Path:
        """Make an unfinished folder for a new version of a name, to be filled and then placed."""
        if self.root.is_dir() and not (self.root / MARKER).exists() and plain_adapters(self.root):
            raise AdapterError(
                f"{self.root} holds plain adapter folders and is not a registry.",
                remedy="Give --adapters another folder, and add these there one by one.",
            )
        self.root.mkdir(parents=True, exist_ok=True)
        alike = [one for one in self.known() if one != name and one.lower() == name.lower()]
        if alike:  # one folder on file systems that do not tell case apart
            raise UnsafeAdapter(
                f"The name {name!r} differs from {alike[0]!r} by case alone.", remedy="Choose another name."
            )
        if not (self.root / MARKER).exists():
            _write_json(self.root / MARKER, {"format": FORMAT})
        self._check_format()
        self._sweep(name)
        unfinished = self.root / f"{UNFINISHED}{os.getpid()}-{uuid.uuid4().hex[:8]}"
        unfinished.mkdir()
        return unfinished

    def place(self, unfinished: Path, manifest: dict[str, Any]) -> int:
        """Rename a finished folder to the next free number."""
        name = manifest["name"]
        (self.root / name).mkdir(exist_ok=True)
        while True:
            number = max(set().union(*self._listed(name)), default=0) + 1
            _write_json(unfinished / MANIFEST, manifest | {"version": number})
            target = self.root / name / str(number)
            try:
                os.rename(unfinished, target)  # fails where another process took the number: it is not empty
            except OSError:
                if not target.exists():
                    raise
                continue
            if number not in self._listed(name)[1]:
                _flush_folder(target.parent)
                return number
            os.rename(target, unfinished)  # added and removed by others since we looked

    def remove(self, name: str, number: int) -> None:
        """Hide a version for good, then delete it."""
        (self.root / name / f"{REMOVED}{number}").touch()
        shutil.rmtree(self.root / name / str(number), ignore_errors=True)

    def _sweep(self, name: str) -> None:
        """Delete what killed processes left."""
        for folder in self.root.glob(f"{UNFINISHED}*"):
            with suppress(FileNotFoundError):  # its owner finished meanwhile
                if time.time() - folder.stat().st_mtime > STALE:
                    shutil.rmtree(folder, ignore_errors=True)
        for number in self._listed(name)[1]:
            shutil.rmtree(self.root / name / str(number), ignore_errors=True)

    def _listed(self, name: str) -> tuple[set[int], set[int]]:
        """The numbers in a name's folder: of versions, and of removed ones."""
        try:
            listed = os.listdir(self.root / name)
        except (FileNotFoundError, NotADirectoryError):
            return set(), set()
        removed = [entry.removeprefix(REMOVED) for entry in listed if entry.startswith(REMOVED)]
        return _numbers(listed), _numbers(removed)

    def _check_format(self) -> None:
        marker = self.root / MARKER
        if (found := _read_json(marker).get("format")) != FORMAT:
            raise AdapterError(
                f"{marker} is of the format {found!r}, and this release reads {FORMAT}.",
                remedy="Upgrade Ragweave, or use another --adapters folder.",
            )


def _numbers(names: Iterable[str]) -> set[int]:
    return {int(name) for name in names if VERSION.fullmatch(name)}


def plain_adapters(root: Path) -> list[Path]:
    """The folders in a folder that peft wrote."""
    return sorted(
        path for path in root.iterdir() if not path.name.startswith(".") and (path / CONFIG).is_file()
    )


def _is_name(name: str) -> bool:
    try:
        return bool(check_name(name))
    except UnsafeAdapter:
        return False


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Replace a file in one step."""
    unfinished = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}")
    with open(unfinished, "x", encoding="utf-8") as file:
        file.write(json.dumps(value, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":  # other systems open no folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path) from error
    if not isinstance(found, dict):
        raise damaged(path)
    return found


def damaged(path: Path) -> UnsafeAdapter:
    """The error for a file of the registry that cannot be read."""
    return UnsafeAdapter(
        f"{path} is missing or damaged.",
        remedy="Restore it from a copy, or remove this version (adapters remove NAME@VERSION).",
    )
