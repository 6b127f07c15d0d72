"""Adapters by name, in versions that never change.

Knows how a version is examined, described and verified; `registry_folder.py` knows how it lies on disk. No
torch until weights are read.
"""

from __future__ import annotations

import builtins
import hashlib
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .adapter_config import CONFIG, WEIGHTS, adapter_info, find_files, read_config
from .adapter_names import check_name
from .errors import AdapterError, AdapterMismatch, UnsafeAdapter
from .records import AdapterInfo
from .registry_folder import MARKER, VersionFolders, damaged, plain_adapters

if TYPE_CHECKING:
    from .adapter_check import AdapterCheck
    from .base_description import BaseDescription
    from .weights import AdapterWeights

__all__ = ["AdapterRegistry", "open_adapters", "registry_at"]

CHUNK = 1 << 20


class AdapterRegistry:
    """Named adapters in immutable versions 1, 2, ..., shared by any number of processes.

    Use a plain folder of peft folders instead while you try things out: it needs no `add` and has no
    versions. Opening reads nothing; the folder is made by the first `add`.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()
        self._folders = VersionFolders(self.folder)
        self._verified: set[tuple[str, int, int]] = set()  # files whose hash was compared: path, size, mtime

    def __repr__(self) -> str:
        return f"AdapterRegistry({str(self.folder)!r})"

    def add(
        self,
        path: str | Path,
        name: str,
        description: str = "",
        *,
        base: str | Path | BaseDescription | None = None,
        data_hash: str | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> AdapterInfo:
        """Copy an adapter's folder in as the next version of a name, and check it once and for all.

        `base`, a model's folder or description, is what the adapter has to fit; else the folder that its own
        configuration names, where there is one. `data_hash` and `metrics` tell what it learned from and how
        well. Raises `UnsafeAdapter` and `AdapterMismatch`; then nothing is added.
        """
        check_name(name)
        source = Path(path).expanduser()
        config, weights = find_files(source)
        unfinished = self._folders.prepare(name)
        try:
            files = {
                CONFIG: _copy(config, unfinished / CONFIG),
                WEIGHTS: _copy(weights, unfinished / WEIGHTS),
            }
            manifest = self._examine(unfinished, base) | {
                "name": name,
                "description": description,
                "files": files,
                "data_hash": data_hash,
                "metrics": None if metrics is None else dict(metrics),
                "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            version = self._folders.place(unfinished, manifest)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return self.get(name, version)

    def list(self) -> list[AdapterInfo]:
        """The newest version of every name, by name."""
        return [self.get(name) for name in self._folders.known()]

    def versions(self, name: str) -> builtins.list[AdapterInfo]:
        """All versions of a name, oldest first. Raises `UnknownAdapter`."""
        return [self._info(name, number) for number in self._folders.some(name)]

    def get(self, name: str, version: str | int | None = None) -> AdapterInfo:
        """A version of a name, the newest if none is given. Raises `UnknownAdapter`."""
        return self._info(name, self._folders.number(name, version))

    def manifest(self, name: str, version: str | int | None = None) -> Mapping[str, Any]:
        """Everything known of a version: base fingerprint, file hashes, where it can be served, metrics."""
        return self._folders.manifest(name, self._folders.number(name, version))

    def read(self, name: str, version: str | int | None, base: BaseDescription) -> AdapterWeights:
        """A version's weights, mapped from its file.

        The hashes taken at `add` are compared again only where a file's size or time differ. Raises
        `UnsafeAdapter` where a file changed and `AdapterMismatch` where it was added for another base.
        """
        from .adapter_files import read_adapter

        number = self._folders.number(name, version)
        manifest = self._folders.manifest(name, number)
        fingerprint = manifest.get("base_fingerprint")
        if fingerprint and fingerprint != base.fingerprint:
            raise AdapterMismatch(
                f"The adapter {name}@{number} was registered for {manifest.get('base_model')}, whose weights "
                f"are not those of {base.name}.",
                remedy="Use that base model, or add the adapter again for this one: adapters add --base.",
            )
        folder = self._folders.folder(name, number)
        for file, told in manifest["files"].items():
            self._verify(folder / file, told)
        return read_adapter(folder, base, checked=True)

    def check(self, name: str, version: str | int | None, base: BaseDescription) -> AdapterCheck:
        """Whether a version fits a base model, and where it can be served. Raises `UnknownAdapter`."""
        from .adapter_check import PLACES, AdapterCheck, serving_places

        number = self._folders.number(name, version)
        try:
            weights = self.read(name, number, base)
        except AdapterError as error:
            places = dict.fromkeys(PLACES, "it does not fit")
            return AdapterCheck(fits=False, problems=(str(error),), places=places)
        places = serving_places(self._folders.folder(name, number), weights)
        return AdapterCheck(fits=True, places=places)

    def remove(self, name: str, version: str | int | None = None) -> None:
        """Remove a version, or all of a name; their numbers are not used again. Raises `UnknownAdapter`."""
        numbers = self._folders.some(name) if version is None else [self._folders.number(name, version)]
        for number in numbers:
            self._folders.remove(name, number)

    def _examine(self, folder: Path, base: str | Path | BaseDescription | None) -> dict[str, Any]:
        """The part of a manifest that comes from the adapter itself; raises what is wrong with it."""
        from .adapter_check import serving_places
        from .adapter_files import check_numbers, read_adapter

        config, info = read_config(folder), adapter_info("-", folder, version="0")
        found: dict[str, Any] = {"rank": info.rank, "targets": list(info.targets)}
        description = _describe(base, config.base_model)
        if description is None:
            check_numbers(folder)
            unknown = dict.fromkeys(("base_fingerprint", "template_hash", "places"))
            return found | {"base_model": config.base_model} | unknown
        weights = read_adapter(folder, description)
        return found | {
            "base_model": description.name,
            "base_fingerprint": description.fingerprint,
            "template_hash": description.template_hash,
            "places": serving_places(folder, weights),
        }

    def _info(self, name: str, number: int) -> AdapterInfo:
        manifest = self._folders.manifest(name, number)
        return AdapterInfo(
            name=name,
            version=str(number),
            description=str(manifest.get("description") or ""),
            rank=int(manifest.get("rank") or 0),
            targets=tuple(manifest.get("targets") or ()),
            path=str(self._folders.folder(name, number)),
        )

    def _verify(self, path: Path, told: Mapping[str, Any]) -> None:
        try:
            status = path.stat()
            seen = (str(path), status.st_size, status.st_mtime_ns)
            if seen[1:] == (told["size"], told["mtime_ns"]) or seen in self._verified:
                return
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, KeyError) as error:
            raise damaged(path) from error
        if digest != told.get("sha256"):
            raise UnsafeAdapter(
                f"{path} changed since it was registered; versions never change.",
                remedy="Remove this version, and add the changed adapter as a new one.",
            )
        self._verified.add(seen)


def registry_at(folder: AdapterRegistry | str | Path) -> AdapterRegistry | None:
    """The registry that a folder is; None for a plain folder, or where nothing is.

    Raises `AdapterError` for a folder that is itself an adapter.
    """
    if isinstance(folder, AdapterRegistry):
        return folder
    root = Path(folder).expanduser()
    if (root / MARKER).is_file():
        return AdapterRegistry(root)
    if root.exists() and (not root.is_dir() or (root / CONFIG).exists()):
        raise AdapterError(
            f"{root} is {'an adapter' if root.is_dir() else 'a file'}, not a folder of adapters.",
            remedy="Give the folder above it.",
        )
    return None


def open_adapters(folder: AdapterRegistry | str | Path) -> AdapterRegistry | dict[str, Path]:
    """A registry, or the peft folders in a plain folder by name; nothing is there: no adapters.

    Raises `AdapterError` for a folder that is itself an adapter, `UnsafeAdapter` for a folder's bad name.
    """
    registry = registry_at(folder)
    if registry is not None:
        return registry
    assert not isinstance(folder, AdapterRegistry)
    root = Path(folder).expanduser()
    return {check_name(path.name): path for path in plain_adapters(root)} if root.exists() else {}


def _describe(base: str | Path | BaseDescription | None, told: str) -> BaseDescription | None:
    """The base given, or else the folder that the adapter itself names, where that holds one."""
    if base is not None and not isinstance(base, (str, Path)):
        return base
    if base is None and not (told and (Path(told) / "config.json").is_file()):
        return None
    from .base_description import describe_base  # and transformers, some seconds

    if base is not None:
        return describe_base(base)
    try:
        return describe_base(Path(told))
    except AdapterError:  # it was a base when the adapter was trained
        return None


def _copy(source: Path, target: Path) -> dict[str, Any]:
    """Copy a file to the disk itself, and say what was copied."""
    digest = hashlib.sha256()
    with open(source, "rb") as reader, open(target, "xb") as writer:
        while chunk := reader.read(CHUNK):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
        status = os.fstat(writer.fileno())
    return {"sha256": digest.hexdigest(), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
