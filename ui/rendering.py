"""How results look on a terminal. Values in, lines of rich out; opens nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .output import printable
from .unsupported import unsupported, unsupported_line

if TYPE_CHECKING:
    from langchain_core.documents import Document

    from ragweave.adapters import AdapterInfo
    from ragweave.adapters.adapter_check import AdapterCheck
    from ragweave.chains import IngestReport, SourceInfo

    from .doctor import Check
    from .settings import Loaded

__all__ = [
    "draw_adapter",
    "draw_adapter_check",
    "draw_adapters",
    "draw_checks",
    "draw_citations",
    "draw_documents",
    "draw_doubts",
    "draw_report",
    "draw_settings",
    "draw_sources",
]

CHANGES = ("added", "updated", "moved", "deleted")
NAMES_SHOWN = 20
EXCERPT = 400  # characters of a passage in the list of hits
COLOURS = {"OK": "green", "WARN": "yellow", "FAIL": "red"}


def draw_report(console: Console, report: IngestReport, *, dry_run: bool = False) -> None:
    """What an ingest or a deletion did: names of what changed, failures with their remedy, counts."""
    for kind in CHANGES:
        names: Sequence[str] = getattr(report, kind)
        for name in names[:NAMES_SHOWN]:
            console.print(Text(f"{kind:10}", style="green"), Text(printable(name)), sep="", soft_wrap=True)
        if len(names) > NAMES_SHOWN:
            console.print(f"{kind:10}... and {len(names) - NAMES_SHOWN} more (--json lists all)")
    if report.skipped:
        names = [PurePath(name).name for name in report.skipped]
        more = f" and {len(names) - NAMES_SHOWN} more (--json lists all)" if names[NAMES_SHOWN:] else ""
        told = f"{', '.join(names[:NAMES_SHOWN])}{more}: hidden, or of a kind that is not read"
        console.print(Text(f"{'skipped':10}"), Text(printable(told)), sep="", soft_wrap=True)
    for failure in report.failed:
        console.print(
            Text(f"{'failed':10}", style="red"), Text(printable(failure.source)), sep="", soft_wrap=True
        )
        for line in filter(None, (failure.reason, failure.remedy)):
            console.print(Text(printable(f"{'':10}{line}")), soft_wrap=True)
    counts = {kind: len(getattr(report, kind)) for kind in (*CHANGES, "unchanged", "skipped", "failed")}
    said = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "nothing to do"
    console.print(f"{'Would be: ' if dry_run else ''}{said}.", soft_wrap=True)
    if not dry_run:
        done = f"{report.embedded:,} texts embedded in {report.seconds:.1f} s"
        console.print(f"The knowledge base holds {report.chunks:,} passages; {done}.", soft_wrap=True)
    if report.probes.found:
        found = f"{report.probes.found} of {report.probes.searched}"
        console.print(Text(f"{found} deleted texts are still found: run the command again.", style="red"))


def draw_sources(console: Console, sources: Sequence[SourceInfo]) -> None:
    """A line for each source."""
    table = _table("source", "title", "passages", "updated", "ingested")
    for info in sources:
        dates = (info.updated_at[:10], info.ingested_at[:10])
        table.add_row(
            *(Text(printable(cell)) for cell in (info.source, info.title, str(info.chunks), *dates))
        )
    console.print(table)


def draw_documents(console: Console, documents: Sequence[Document]) -> None:
    """The passages found, best first, with their place and score."""
    if not documents:
        console.print("Nothing found.")
    for number, document in enumerate(documents, start=1):
        score = document.metadata.get("score")
        told = "" if score is None else f"   score {score:.3f}"
        console.print(
            Text(f"{number}. {place(document.metadata)}", style="bold").append(told, style="not bold dim")
        )
        text = " ".join(document.page_content.split())
        shown = text if len(text) <= EXCERPT else f"{text[:EXCERPT]}..."
        console.print(Padding(Text(printable(shown)), (0, 0, 0, 3), expand=False))
        console.print()


def place(metadata: Mapping[str, Any]) -> str:
    """Where a passage stands, as a reader looks it up.

    >>> place({"title": "Leave", "source": "leave.md", "page": 3, "heading": "Annual"})
    'Leave (leave.md), page 3, Annual'
    """
    title, source = metadata.get("title") or "", metadata.get("source") or "unknown source"
    name = f"{title} ({source})" if title and title != source else source
    page = f"page {metadata['page']}" if metadata.get("page") else ""
    return printable(", ".join(filter(None, (name, page, metadata.get("heading") or ""))))


def draw_citations(
    console: Console, citations: Iterable[Mapping[str, Any]], documents: Iterable[Document]
) -> None:
    """The numbered sources under an answer: title, place, and the words quoted."""
    places = {document.id: document.metadata for document in documents}
    last = None
    for citation in citations:
        if citation["n"] != last:
            found = {**places.get(citation["document_id"], {})}
            found.update(source=citation["source"], title=citation["title"])
            console.print(Text(f"[{citation['n']}] {place(found)}", style="bold"))
            last = citation["n"]
        quote = " ".join(citation["quote"].split())
        console.print(
            Padding(
                Text(printable(f"\N{LEFT DOUBLE QUOTATION MARK}{quote}\N{RIGHT DOUBLE QUOTATION MARK}")),
                (0, 0, 0, 4),
                expand=False,
            )
        )


def draw_doubts(console: Console, grounding: object) -> None:
    """What the sources of an answer do not support, and why; nothing where they support all."""
    doubts = unsupported(grounding)
    if doubts:
        console.print()
        console.print(Text(unsupported_line(len(doubts)), style=COLOURS["WARN"]))
    for doubt in doubts:
        line = Text(printable(f"“{doubt.text}” {doubt.why}"), style="dim")
        console.print(Padding(line, (0, 0, 0, 4), expand=False))


def draw_settings(console: Console, loaded: Loaded) -> None:
    """Each option, its value and where it came from."""
    table = _table("option", "value", "from")
    for name, origin in loaded.origins.items():
        told = Text(origin, style="dim" if origin == "default" else "")
        table.add_row(Text(name), Text(printable(_setting(loaded.value(name)))), told)
    console.print(table)


def _setting(value: Any) -> str:
    """A value as the settings file would have it, but for the quotes of texts.

    >>> _setting({"kb": "legal", "examples": ["May I?"]}), _setting(("route", "rerank")), _setting(False)
    ('kb = "legal", examples = ["May I?"]', 'route, rerank', 'false')
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {json.dumps(one, ensure_ascii=False)}" for key, one in value.items())
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def draw_checks(console: Console, checks: Iterable[Check]) -> None:
    """What was checked, and the remedy of what is not in order."""
    for check in checks:
        line = Text(f"{check.status:5}", style=COLOURS[check.status])
        console.print(
            line.append(printable(f"{check.name}: {check.detail}"), style="default"), soft_wrap=True
        )
        if check.remedy:
            console.print(Text(printable(f"{'':5}{check.remedy}")), soft_wrap=True)


def draw_adapters(console: Console, adapters: Sequence[AdapterInfo]) -> None:
    """A line for each adapter."""
    table = _table("name", "version", "rank", "targets", "description")
    for info in adapters:
        cells = (info.name, info.version, str(info.rank), ", ".join(info.targets), info.description)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    if adapters:
        console.print(table)


def draw_adapter(
    console: Console, info: AdapterInfo, versions: Sequence[str], manifest: Mapping[str, Any]
) -> None:
    """What is known of an adapter, a line for each thing."""
    told: dict[str, Any] = {
        "name": f"{info.name}@{info.version}",
        "versions": ", ".join(versions),
        "description": info.description,
        "rank": info.rank,
        "targets": ", ".join(info.targets),
        "base model": manifest.get("base_model"),
        "added": manifest.get("created_at"),
        "data": manifest.get("data_hash"),
        "metrics": _one_line(manifest.get("metrics")),
        "path": info.path,
    }
    for name, value in told.items():
        if value:
            console.print(Text(f"{name:13}", style="bold").append(printable(str(value)), style="not bold"))
    _draw_places(console, manifest.get("places") or {})


def draw_adapter_check(console: Console, info: AdapterInfo, base: str, check: AdapterCheck) -> None:
    """Whether an adapter fits, and where it can be served."""
    said = "fits" if check.fits else "does not fit"
    line = Text(
        printable(f"{info.name}@{info.version} {said} {base}."), style="green" if check.fits else "red"
    )
    console.print(line, soft_wrap=True)
    for problem in check.problems:
        console.print(Text(printable(problem)), soft_wrap=True)
    if check.fits:
        _draw_places(console, check.places)


def _draw_places(console: Console, places: Mapping[str, str]) -> None:
    for place_, reason in places.items():
        said = f"no: {reason}" if reason else "yes"
        console.print(Text(f"{'on ' + place_:13}", style="bold").append(printable(said), style="not bold"))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column == "passages" else "left")
    return table


def _one_line(value: object) -> str:
    """A value in short: a list by its length, `--json` has it whole."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_one_line(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return str(len(value))
    if isinstance(value, float):
        return f"{value:.3g}"
    return "" if value is None else " ".join(str(value).split())
