"""The whole of an ingestion: find, compare with the ledger, read, split, embed, store, delete, probe.

Writes through `Store.replace` and `Store.remove` only, one source at a time, so that it can be cut off
anywhere and run again. Knows no database and no format.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .discovery import Discovery, discover
from .embeddings import Encoder
from .errors import ChainError, IngestError, StoreMismatch, StoreUnavailable
from .prepare import Part, Prepared, Preparer, documents_hash, encode_parts, fingerprint, iso_time
from .probing import probe
from .readers import READER_VERSION, read, supported
from .records import Chunk, SourceRecord, Vector
from .report import Failure, IngestEvent, IngestReport, OnProgress, Probes
from .store import Store

__all__ = ["Ingestion"]

BATCH_TEXTS = (
    128  # texts embedded at once, over documents: long enough to sort by length, short enough to lose
)


@dataclass(frozen=True, slots=True)
class _Task:
    """One source to look at; `parts` is None for a file, which is read when its turn comes."""

    record: SourceRecord  # name, path, hash and times as found now
    known: SourceRecord | None  # its line in the ledger
    parts: list[Part] | None = None


@dataclass(slots=True)
class Ingestion:
    """One run of `KnowledgeBase.ingest` or `.delete`; collects its report while it goes."""

    store: Store
    encoder: Encoder
    dry_run: bool = False
    on_progress: OnProgress | None = None
    leave_out: Path | None = None  # the knowledge base's own folder

    outcome: dict[str, list[str]] = field(default_factory=dict)  # status -> source names
    failed: list[Failure] = field(default_factory=list)
    embedded: int = 0
    done: int = 0
    total: int = 0
    gone: list[Chunk] = field(default_factory=list)  # chunks deleted or replaced by this run
    waiting: list[tuple[_Task, Prepared]] = field(default_factory=list)

    def run(self, sources: Any, *, delete_missing: bool = False) -> IngestReport:
        """Bring the knowledge base up to date with `sources`."""
        started = time.perf_counter()
        found = discover(sources, supported=supported, leave_out=self.leave_out)
        self.failed.extend(found.failed)
        ledger = self._ledger()
        tasks = list(self._tasks(found, ledger))
        missing = _missing(found, ledger, tasks) if delete_missing else []
        moved = _moves(tasks, missing)
        self.total = self.done + len(tasks) + len(missing) - len(moved)
        preparer = Preparer(self.encoder, fingerprint(self.encoder, READER_VERSION))
        if not self.dry_run and (tasks or missing):
            self.store.bind(self.encoder.identity())
        for task in tasks:
            self._take(task, preparer, moved)
        self._flush(moved)
        arrived = {moved[name] for name in self.outcome.get("moved", ())}
        stranded = set(moved.values()) - arrived  # the new file failed: the old text is all there is of it
        self._remove([one for one in missing if one.source not in stranded], forget=arrived)
        return self._report(found, started)

    def delete(self, sources: Sequence[str]) -> IngestReport:
        """Remove sources by name; an unknown one is a `Failure`."""
        started = time.perf_counter()
        ledger = self._ledger()
        for source in sources:
            if source not in ledger:
                self.failed.append(
                    Failure(source, "There is no such source.", "`sources` lists the names there are.")
                )
        known = [ledger[source] for source in dict.fromkeys(sources) if source in ledger]
        self.total = len(known)
        self._remove(known, forget=set())
        return self._report(Discovery(), started)

    # -- what there is to do -------------------------------------------------------------------------------

    def _ledger(self) -> dict[str, SourceRecord]:
        """The ledger by name. What an earlier run left without a line, for it was killed while it wrote a new
        source or deleted an old one, is cleared away first: no file may ever name it again."""
        ledger = {record.source: record for record in self.store.records()}
        if not self.dry_run:
            for source in self.store.unfinished():
                if source in ledger and not ledger[source].ingested_at:
                    self.store.remove([source])
                    del ledger[source]
        return ledger

    def _tasks(self, found: Discovery, ledger: dict[str, SourceRecord]) -> Iterator[_Task]:
        now = iso_time(time.time())
        by_path = {record.path: record for record in ledger.values() if record.path}
        names = {record.source: record.path for record in ledger.values()}
        for path, given in found.files.items():
            known = by_path.get(path)
            if known is None:
                name, known = _name_of(path, given, names, ledger)
            else:
                name = known.source
            names[name] = path
            try:
                digest, changed = _file_state(path)
            except OSError as error:
                self._fail(name, f"The file cannot be read: {error.strerror}.", "Check its permissions.")
                continue
            yield _Task(_blank(name, path, digest, now, changed), known)
        for name, documents in found.documents.items():
            try:
                parts = encode_parts(documents)
            except IngestError as error:
                self._fail(name, error.message, error.remedy)
                continue
            yield _Task(_blank(name, "", documents_hash(parts), now, now), ledger.get(name), parts)

    def _take(self, task: _Task, preparer: Preparer, moved: dict[str, str]) -> None:
        known, record = task.known, task.record
        if known and (known.sha256, known.fingerprint) == (record.sha256, preparer.fingerprint):
            if known.path != record.path and not self.dry_run:
                self._relocate(known, record.path)
            self._finish(record.source, "unchanged")
            return
        self._tell(record.source, "reading")
        try:
            parts = task.parts if task.parts is not None else [_read_file(record)]
            prepared = preparer.prepare(record, parts)
        except IngestError as error:
            self._fail(record.source, error.message, error.remedy)
            return
        self.waiting.append((task, prepared))
        if sum(len(prepared.texts) for _, prepared in self.waiting) >= BATCH_TEXTS:
            self._flush(moved)

    def _relocate(self, known: SourceRecord, path: str) -> None:
        """The same file under a new absolute path (another host, a moved folder): only the ledger changes."""
        self.store.replace(
            replace(known, path=path), self.store.text(known.source) or "", self.store.chunks(known.source)
        )

    # -- doing it ------------------------------------------------------------------------------------------

    def _flush(self, moved: dict[str, str]) -> None:
        """Embed and store what is waiting; where a batch fails, each of its sources is tried by itself."""
        batch, self.waiting = self.waiting, []
        if self.dry_run:
            for task, _ in batch:
                self._finish(task.record.source, _status(task, moved))
            return
        try:
            vectors = self._vectors([prepared for _, prepared in batch])
        except (StoreUnavailable, StoreMismatch):
            raise
        except ChainError as error:
            if len(batch) == 1:
                self._fail(batch[0][0].record.source, error.message, error.remedy)
                return
            for one in batch:
                self.waiting = [one]
                self._flush(moved)
            return
        for task, prepared in batch:
            self._store(task, prepared, vectors, _status(task, moved))

    def _vectors(self, batch: Sequence[Prepared]) -> dict[str, Vector]:
        """A vector for each distinct indexed text: the stored one where there is one."""
        texts = {
            chunk.hash: text
            for prepared in batch
            for chunk, text in zip(prepared.chunks, prepared.texts, strict=True)
        }
        vectors = dict(self.store.vectors(texts))
        new = [key for key in texts if key not in vectors]
        if new:
            for key, vector in zip(new, self.encoder.encode([texts[key] for key in new]), strict=True):
                vectors[key] = vector
            self.embedded += len(new)
        return vectors

    def _store(self, task: _Task, prepared: Prepared, vectors: dict[str, Vector], status: str) -> None:
        chunks = [replace(chunk, vector=vectors[chunk.hash]) for chunk in prepared.chunks]
        source = prepared.record.source
        before = self.store.chunks(source) if task.known else []
        try:
            self.store.replace(prepared.record, prepared.text, chunks)
        except IngestError as error:
            self._fail(source, error.message, error.remedy)
            return
        kept = {chunk.id for chunk in chunks}
        self.gone.extend(chunk for chunk in before if chunk.id not in kept)
        self._finish(source, status)

    def _remove(self, records: Sequence[SourceRecord], *, forget: set[str]) -> None:
        """Delete sources; those in `forget` moved, so that they are not reported as deleted."""
        for record in records:
            if not self.dry_run:
                self.gone.extend(self.store.chunks(record.source))
                self.store.remove([record.source])
            if record.source not in forget:
                self._finish(record.source, "deleted")

    # -- telling -------------------------------------------------------------------------------------------

    def _tell(self, source: str, status: str) -> None:
        if self.on_progress:
            self.on_progress(IngestEvent(source, self.done, self.total, self.embedded, status))

    def _finish(self, source: str, status: str) -> None:
        self.outcome.setdefault(status, []).append(source)
        self.done += 1
        self._tell(source, status)

    def _fail(self, source: str, reason: str, remedy: str) -> None:
        self.failed.append(Failure(source, reason, remedy))
        self.done += 1
        self._tell(source, "failed")

    def _report(self, found: Discovery, started: float) -> IngestReport:
        names = {status: tuple(sources) for status, sources in self.outcome.items()}
        return IngestReport(
            added=names.get("added", ()),
            updated=names.get("updated", ()),
            moved=names.get("moved", ()),
            unchanged=names.get("unchanged", ()),
            deleted=names.get("deleted", ()),
            failed=tuple(self.failed),
            skipped=tuple(found.skipped),
            chunks=self.store.count(),
            embedded=self.embedded,
            probes=probe(self.store, self.gone) if self.gone else Probes(),
            seconds=time.perf_counter() - started,
        )


def _status(task: _Task, moved: dict[str, str]) -> str:
    if task.record.source in moved:
        return "moved"
    return "updated" if task.known else "added"


def _blank(source: str, path: str, sha256: str, now: str, changed: str) -> SourceRecord:
    return SourceRecord(source, path, sha256, "", "", now, changed, (), (), ())


def _name_of(
    path: str, given: str, names: dict[str, str], ledger: dict[str, SourceRecord]
) -> tuple[str, SourceRecord | None]:
    """The source name of a file seen for the first time under this path."""
    if given not in names:
        return given, None
    other = names[given]
    if other and not os.path.exists(other):
        return given, ledger.get(given)  # the folder moved, or the base was built on another host
    return path, ledger.get(path)


def _file_state(path: str) -> tuple[str, str]:
    """sha256 of the bytes, and when they last changed (ISO 8601)."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest, iso_time(os.fstat(file.fileno()).st_mtime)


def _read_file(record: SourceRecord) -> Part:
    try:
        data = Path(record.path).read_bytes()
    except OSError as error:
        raise IngestError(
            f"The file cannot be read: {error.strerror}.", remedy="Check its permissions."
        ) from error
    if hashlib.sha256(data).hexdigest() != record.sha256:
        raise IngestError("The file changed while it was read.", remedy="Ingest it again.")
    return Part(read(data, record.path), {})


def _missing(found: Discovery, ledger: dict[str, SourceRecord], tasks: Sequence[_Task]) -> list[SourceRecord]:
    """Sources of files that left the folders given; a folder that could not be listed proves nothing.

    A file that is still there was only not walked to: an upload in the knowledge base's own folder, say.
    """
    seen = {task.record.source for task in tasks} | {failure.source for failure in found.failed}
    return [
        record
        for record in ledger.values()
        if record.path
        and record.source not in seen
        and record.path not in found.files
        and any(_within(record.path, folder) for folder in found.folders)
        and not any(_within(record.path, folder) for folder in found.unreadable)
        and not os.path.lexists(record.path)
    ]


def _within(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _moves(tasks: Sequence[_Task], missing: Sequence[SourceRecord]) -> dict[str, str]:
    """New name -> old name, for new files whose bytes are those of a missing one."""
    old = {record.sha256: record.source for record in missing}
    moves: dict[str, str] = {}
    for task in tasks:
        if task.known is None and task.record.path and task.record.sha256 in old:
            moves[task.record.source] = old.pop(task.record.sha256)
    return moves
