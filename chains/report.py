"""What an ingestion tells: while it runs (`IngestEvent`) and when it is done (`IngestReport`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Failure", "IngestEvent", "IngestReport", "OnProgress", "Probes"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that was not taken in; what the knowledge base held of it before is untouched."""

    source: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Probes:
    """Deleted or replaced texts that were searched for afterwards, and how many were still found: 0."""

    searched: int = 0
    found: int = 0


@dataclass(frozen=True, slots=True)
class IngestEvent:
    """One step of a running ingestion: `done` of `total` sources, `embedded` texts so far."""

    source: str
    done: int
    total: int
    embedded: int
    status: str  # "unchanged", "added", "updated", "moved", "deleted", "failed" or "reading"


OnProgress = Callable[[IngestEvent], None]


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The receipt of an ingestion; every tuple holds source names."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()  # new names of files of which only the name changed
    unchanged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()
    skipped: tuple[str, ...] = ()  # met in a folder: hidden, ignored, or of no supported kind
    chunks: int = 0  # in the knowledge base now
    embedded: int = 0  # texts embedded by this run
    probes: Probes = Probes()
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it.

        >>> IngestReport(added=("a.md",)).as_dict()["added"]
        ['a.md']
        """
        plain = asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}
