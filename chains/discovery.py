"""From what a caller hands over (paths, folders, patterns, Documents, loaders) to the sources meant by it.

LlamaIndex's documents and readers serve as LangChain's do; neither package is imported for the other's sake.

Knows where files lie and what they are called, not what is in them.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .report import Failure

if TYPE_CHECKING:
    from langchain_core.documents import Document

__all__ = ["Discovery", "discover"]

IGNORED_NAMES = frozenset({"__pycache__", "node_modules", "thumbs.db", "desktop.ini"})
IGNORED_PREFIXES = (".", "~$")  # hidden; lock files of office programs


@dataclass(slots=True)
class Discovery:
    """What was found: files and Documents by name, and what was not taken."""

    files: dict[str, str] = field(default_factory=dict)  # absolute path -> name as given, "/"-separated
    documents: dict[str, list[Document]] = field(default_factory=dict)  # source -> its parts, in order
    folders: list[str] = field(default_factory=list)  # absolute paths of the folders walked
    unreadable: list[str] = field(default_factory=list)  # absolute paths of folders that could not be listed
    skipped: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


def discover(sources: Any, *, supported: Callable[[str], bool], leave_out: Path | None = None) -> Discovery:
    """Find every file and Document meant by `sources`; nothing here raises for a bad one.

    `supported` tells by name whether a file met in a folder can be read; `leave_out` is a folder that is
    never walked into (the knowledge base's own).
    """
    found = Discovery()
    walker = _Walker(found, supported, os.path.realpath(leave_out) if leave_out else "")
    for source in _several(sources):
        if isinstance(source, (str, os.PathLike)):
            walker.take_path(os.fspath(source))
        elif hasattr(source, "page_content") or hasattr(source, "get_content"):
            _take_document(found, source)
        elif hasattr(source, "lazy_load") or hasattr(source, "load_data"):
            _take_loader(found, source)
        else:
            found.failed.append(
                Failure(
                    repr(source)[:200],
                    f"Cannot ingest a {type(source).__name__}.",
                    "Give a path, a folder, a pattern, a Document or a loader.",
                )
            )
    return found


SINGLE = ("page_content", "get_content", "lazy_load", "load_data")  # marks of a Document or a loader


def _several(sources: Any) -> Iterable[Any]:
    one = isinstance(sources, (str, os.PathLike)) or any(hasattr(sources, mark) for mark in SINGLE)
    return (sources,) if one else sources


def _take_document(found: Discovery, given: Any) -> None:
    document = given if hasattr(given, "page_content") else _from_llama_index(given)
    source = document.metadata.get("source") or document.id
    if not isinstance(source, (str, os.PathLike)) or not os.fspath(source):
        found.failed.append(
            Failure(
                document.page_content[:60],
                "The Document has no source.",
                'Give it metadata["source"] or an id, so that it can be updated and deleted later.',
            )
        )
        return
    found.documents.setdefault(str(source), []).append(document)


def _from_llama_index(given: Any) -> Document:
    """A LlamaIndex document; its readers name the file in `file_path`."""
    from langchain_core.documents import Document

    metadata = dict(given.metadata)
    source = metadata.get("source") or metadata.get("file_path") or given.id_
    return Document(given.get_content(), id=str(source), metadata=metadata)


def _take_loader(found: Discovery, loader: Any) -> None:
    name = type(loader).__name__
    try:
        documents = list(loader.lazy_load() if hasattr(loader, "lazy_load") else loader.load_data())
    except Exception as error:  # a loader is the caller's code: whatever it raises concerns this source alone
        found.failed.append(Failure(name, f"The loader failed: {error}", "Try the loader by itself."))
        return
    for document in documents:
        _take_document(found, document)


@dataclass(slots=True)
class _Walker:
    found: Discovery
    supported: Callable[[str], bool]
    leave_out: str

    def take_path(self, given: str) -> None:
        try:
            given.encode()
        except UnicodeEncodeError:
            self._fail(given, "The name is not valid UTF-8.", "Rename the file.")
            return
        if os.path.isdir(given):
            self._take_folder(given)
        elif os.path.exists(given):
            self._take_file(given)
        elif glob.has_magic(given):
            self._take_pattern(given)
        else:
            self._fail(
                given, f"There is no file or folder {given!r}.", "Check the path and the working directory."
            )

    def _take_pattern(self, pattern: str) -> None:
        matches = sorted(glob.glob(pattern, recursive=True))
        if not matches:
            self._fail(
                pattern, f"No file matches {pattern!r}.", "Check the pattern and the working directory."
            )
        for match in matches:
            if os.path.isdir(match):
                self._take_folder(match)
            else:
                self._meet_file(match)

    def _take_folder(self, folder: str) -> None:
        self.found.folders.append(os.path.realpath(folder))
        for path in self._walk(folder, seen=set()):
            self._meet_file(path)

    def _walk(self, folder: str, seen: set[str]) -> Iterator[str]:
        """Files below a folder, by name; a link to a folder is followed once."""
        real = os.path.realpath(folder)
        if real in seen or real == self.leave_out:
            return
        seen.add(real)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.found.unreadable.append(real)
            self._fail(folder, f"The folder cannot be listed: {error.strerror}.", "Check its permissions.")
            return
        for entry in entries:
            if _ignored(entry.name):
                self.found.skipped.append(_name(entry.path))
            elif entry.is_dir():
                yield from self._walk(entry.path, seen)
            else:
                yield entry.path

    def _meet_file(self, path: str) -> None:
        """A file met in a folder or by a pattern: left out where it cannot be meant."""
        name = os.path.basename(path)
        if _ignored(name) or not self.supported(name) or not os.path.isfile(path):
            self.found.skipped.append(_name(path))
        else:
            self._take_file(path)

    def _take_file(self, path: str) -> None:
        try:
            path.encode()
        except UnicodeEncodeError:
            self._fail(_name(path), "The file's name is not valid UTF-8.", "Rename the file.")
            return
        self.found.files.setdefault(os.path.realpath(path), _name(path))

    def _fail(self, source: str, reason: str, remedy: str) -> None:
        self.found.failed.append(Failure(_printable(source), _printable(reason), remedy))


def _ignored(name: str) -> bool:
    return name.startswith(IGNORED_PREFIXES) or name.lower() in IGNORED_NAMES


def _name(path: str) -> str:
    """The source name of a file: its path as given, tidied, with "/" between folders."""
    return _printable(os.path.normpath(path).replace(os.sep, "/"))


def _printable(text: str) -> str:
    return text.encode(errors="replace").decode()
