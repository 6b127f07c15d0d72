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
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from ragweave.chains.report import Failure, IngestEvent, IngestReport, OnProgress

__all__ = ["UPLOAD_MEGABYTES", "Ingests", "UploadEvent", "UploadFolder", "safe_name"]

NAME_BYTES = 120
UPLOAD_MEGABYTES = 200  # one file; larger ones go in by the command line
RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")  # cannot be file names on Windows
END = object()
QUIET = 2.0  # seconds without news after which the page gets the same state again: it knows that it is heard


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


@dataclass(slots=True)
class _Kept:
    """One stored file, and what it replaced."""

    target: Path
    before: Path | None

    def settle(self, *, taken: bool) -> None:
        """Forget what was replaced, or put it back where the new file could not be taken in."""
        if taken and self.before is not None:
            self.before.unlink(missing_ok=True)
        elif not taken and self.before is not None:
            os.replace(self.before, self.target)
        elif not taken:
            self.target.unlink(missing_ok=True)


class UploadFolder:
    """Where uploads live. A file of a known name replaces that file, as saving it again would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()

    def add(self, kb: Ingests, files: Sequence[tuple[Path, str]]) -> Iterator[UploadEvent]:
        """Keep (path, user's name) pairs, ingest them, and tell how it goes; the last event is the receipt.

        A file that cannot be taken in is not kept, and what it would have replaced stays.
        """
        began, latest = time.monotonic(), UploadEvent(total=len(files))
        yield latest
        while not self._lock.acquire(timeout=QUIET):
            yield replace(latest, seconds=time.monotonic() - began)
        try:
            kept, failed = self._keep(files)
            report = IngestReport()
            for event in _run(kb, kept) if kept else ():
                if isinstance(event, IngestReport):
                    report = event
                elif event is None:
                    yield replace(latest, seconds=time.monotonic() - began)
                else:
                    latest = UploadEvent(current=self.name(event.source), done=event.done, total=event.total)
                    yield latest
            yield self._receipt(report, failed, len(files))
        finally:
            self._lock.release()

    def _keep(self, files: Sequence[tuple[Path, str]]) -> tuple[list[_Kept], list[Failure]]:
        """Two different files of one name in one go are both kept, the second under a number."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept: list[_Kept] = []
        failed: list[Failure] = []
        for path, name in files:
            target = self._free(self.folder / safe_name(name), path, [one.target for one in kept])
            if target in [one.target for one in kept]:
                continue
            try:
                kept.append(self._store(path, target))
            except OSError as error:
                reason = f"It could not be stored: {error.strerror or error}."
                failed.append(Failure(name, reason, "Check the space left on the server's disk."))
        return kept, failed

    @staticmethod
    def _free(target: Path, path: Path, taken: Sequence[Path]) -> Path:
        candidate, number = target, 2
        while candidate in taken and _digest(candidate) != _digest(path):
            candidate = target.with_name(f"{target.stem} ({number}){target.suffix}")
            number += 1
        return candidate

    def _store(self, path: Path, target: Path) -> _Kept:
        partial, before = self.folder / f".{target.name}.part", self.folder / f".{target.name}.before"
        shutil.copyfile(path, partial)
        existed = target.exists()
        if existed:
            shutil.copyfile(target, before)
        os.replace(partial, target)  # a killed copy leaves no half file under a document's name
        return _Kept(target, before if existed else None)

    def _receipt(self, report: IngestReport, failed: Sequence[Failure], total: int) -> UploadEvent:
        return UploadEvent(
            finished=True,
            done=total,
            total=total,
            added=tuple(map(self.name, report.added + report.moved)),
            updated=tuple(map(self.name, report.updated)),
            unchanged=tuple(map(self.name, report.unchanged)),
            failed=tuple(map(self._failure, [*failed, *report.failed])),
            passages=report.chunks,
            seconds=report.seconds,
        )

    def _failure(self, failed: Failure) -> dict[str, str]:
        name = self.name(failed.source)
        reason = failed.reason
        for folder in (self.folder, self.folder.resolve()):
            reason = reason.replace(f"{folder}{os.sep}", "")  # where the server keeps it is nobody's business
        return {"name": name, "reason": reason.removeprefix(name).strip(), "remedy": failed.remedy}

    def name(self, source: str) -> str:
        """The user's file name for a source below this folder; any other source as it is."""
        for prefix in (self.folder.as_posix(), self.folder.resolve().as_posix()):
            if source.startswith(f"{prefix}/"):
                return source[len(prefix) + 1 :]
        return source


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _run(kb: Ingests, kept: Sequence[_Kept]) -> Iterator[IngestEvent | IngestReport | None]:
    """Ingest in a thread and give its events as they come, None in a long silence; an error is raised here.

    The ingestion goes on when nobody listens any more: half a document would help no one.
    """
    events: queue.Queue[Any] = queue.Queue()

    def work() -> None:
        taken: set[str] = set()
        try:
            report = kb.ingest([str(one.target) for one in kept], on_progress=events.put)
            failed = {failure.source for failure in report.failed}
            taken = {str(one.target) for one in kept if one.target.as_posix() not in failed}
            events.put(report)
        except Exception as error:  # handed over and raised by the listener
            events.put(error)
        finally:
            for one in kept:
                one.settle(taken=str(one.target) in taken)
            events.put(END)

    threading.Thread(target=work, name="ragweave-upload", daemon=True).start()
    while (event := _next(events)) is not END:
        if isinstance(event, Exception):
            raise event
        yield event


def _next(events: queue.Queue[Any]) -> Any:
    try:
        return events.get(timeout=QUIET)
    except queue.Empty:
        return None
