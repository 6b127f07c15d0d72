"""Uploaded documents: kept in one folder by the user's own file name, then ingested from there.

Knows no Gradio: paths in, plain progress events out.
"""

from __future__ import annotations

import hashlib
import os
import queue
import re
import shutil
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ragweave.chains.report import Failure, IngestEvent, IngestReport, OnProgress

__all__ = ["Ingests", "UploadEvent", "UploadFolder", "safe_name"]

NAME_BYTES = 120
RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")  # cannot be file names on Windows
WAIT = 0.25  # seconds between two looks at a running ingestion
END = object()


class Ingests(Protocol):
    """The one thing that uploads ask of a knowledge base."""

    def ingest(self, sources: Any, *, on_progress: OnProgress | None = None) -> IngestReport:
        """See `KnowledgeBase.ingest`."""


@dataclass(frozen=True, slots=True)
class UploadEvent:
    """Progress while `finished` is False, then the receipt; every name is the user's own."""

    finished: bool = False
    current: str = ""
    done: int = 0
    total: int = 0
    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    failed: tuple[dict[str, str], ...] = field(default=())
    passages: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The event as JSON can hold it."""
        return asdict(self)


def safe_name(name: str) -> str:
    """A file name that stays in its folder and that every system can hold, as close to `name` as can be.

    >>> safe_name("../../etc/pass wd<1>.md")
    'pass wd_1_.md'
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rstrip("/").rpartition("/")[2]
    clean = re.sub(r'[\x00-\x1f\x7f-\x9f<>:"|?*\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]', "_", last)
    clean = clean.strip().strip(".").strip() or "document"
    if RESERVED.match(clean):
        clean = f"_{clean}"
    stem, suffix = os.path.splitext(clean)
    suffix = suffix[:20]
    while len((stem + suffix).encode()) > NAME_BYTES:
        stem = stem[:-1]
    return stem + suffix


class UploadFolder:
    """Where uploads live. A file of a known name replaces that file, as saving it again would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()

    def keep(self, files: Sequence[tuple[Path, str]]) -> tuple[list[Path], list[Failure]]:
        """Copy (path, user's name) pairs in; two files of one name in one go are both kept, numbered."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept: list[Path] = []
        failed: list[Failure] = []
        for path, name in files:
            target = self._free(self.folder / safe_name(name), path, kept)
            if target in kept:
                continue
            try:
                partial = self.folder / f".{target.name}.part"
                shutil.copyfile(path, partial)
                os.replace(partial, target)  # a killed copy leaves no half file under a document's name
                kept.append(target)
            except OSError as error:
                reason = f"It could not be stored: {error.strerror or error}."
                failed.append(Failure(name, reason, "Check the space left on the server's disk."))
        return kept, failed

    @staticmethod
    def _free(target: Path, path: Path, kept: Sequence[Path]) -> Path:
        candidate, number = target, 2
        while candidate in kept and _digest(candidate) != _digest(path):
            candidate = target.with_name(f"{target.stem} ({number}){target.suffix}")
            number += 1
        return candidate

    def add(self, kb: Ingests, files: Sequence[tuple[Path, str]]) -> Iterator[UploadEvent]:
        """Keep the files, ingest them, and tell how it goes; the last event is the receipt."""
        total = len(files)
        yield UploadEvent(total=total)
        with self._lock:
            kept, failed = self.keep(files)
            if not kept:
                yield UploadEvent(finished=True, total=total, failed=self._failures(failed))
                return
            for event in _run(kb, kept):
                if isinstance(event, IngestEvent):
                    yield UploadEvent(current=self.name(event.source), done=event.done, total=event.total)
                else:
                    yield self._receipt(event, failed, total)

    def _receipt(self, report: IngestReport, failed: Sequence[Failure], total: int) -> UploadEvent:
        return UploadEvent(
            finished=True,
            done=total,
            total=total,
            added=tuple(map(self.name, report.added + report.moved)),
            updated=tuple(map(self.name, report.updated)),
            unchanged=tuple(map(self.name, report.unchanged)),
            failed=self._failures([*failed, *report.failed]),
            passages=report.chunks,
            seconds=report.seconds,
        )

    def _failures(self, failed: Sequence[Failure]) -> tuple[dict[str, str], ...]:
        return tuple(
            {"name": self.name(one.source), "reason": one.reason, "remedy": one.remedy} for one in failed
        )

    def name(self, source: str) -> str:
        """The user's file name for a source below this folder; any other source as it is."""
        for prefix in (self.folder.as_posix(), self.folder.resolve().as_posix()):
            if source.startswith(f"{prefix}/"):
                return source[len(prefix) + 1 :]
        return source


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _run(kb: Ingests, paths: Sequence[Path]) -> Iterator[IngestEvent | IngestReport]:
    """Ingest in a thread and give its events as they come; an error is raised here.

    The ingestion goes on when nobody listens any more: half a document would help no one.
    """
    events: queue.Queue[Any] = queue.Queue()

    def work() -> None:
        try:
            events.put(kb.ingest([str(path) for path in paths], on_progress=events.put))
        except Exception as error:  # handed over and raised by the listener
            events.put(error)
        finally:
            events.put(END)

    threading.Thread(target=work, name="ragweave-upload", daemon=True).start()
    while (event := events.get()) is not END:
        if isinstance(event, Exception):
            raise event
        yield event
