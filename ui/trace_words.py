"""A trace in words: for each step one plain sentence, what was dropped and why, what did not work.

Values in, values out, for the terminal and the page alike. Steps of a caller's own may leave any detail, so
nothing here relies on a key being there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .step_sentences import listed, one_line, sentence

__all__ = ["Told", "cell", "dropped_line", "end", "passage_name", "tell", "total_ms"]

Detail = Mapping[str, Any]
NAME = 120  # of a passage's title, or of its heading
NAMED = 3  # passages named for one reason; the table has them all
ITEMS = 40  # of a list or a mapping
# Told by the sentence, the table or a line of their own; the rest of a detail is listed as it is.
SPOKEN = frozenset(
    "by degraded dropped scores model tokens found queries kept left_out not_searched abstain reason changed "
    "mode why supported unsupported adapter adapter_version quotes route name methods versions claims "
    "marks".split()
)


@dataclass(frozen=True, slots=True)
class Told:
    """A step as people read it; `dropped` are reasons with the names of the passages."""

    step: str
    ms: float
    sentence: str
    left_out: bool = False
    cautions: tuple[str, ...] = ()
    dropped: tuple[tuple[str, tuple[str, ...]], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


def tell(trace: Iterable[Mapping[str, Any]], names: Mapping[str, str] | None = None) -> list[Told]:
    """Each entry of a trace in words; `names` calls passages by their ids.

    >>> [told] = tell([{"step": "retrieve", "ms": 2.0, "detail": {"found": [{}, {}]}}])
    >>> told.sentence
    'Found 2 passages.'
    """
    told, held = [], 0
    for entry in trace:
        step, detail = str(entry.get("step", "")), entry.get("detail") or {}
        before = held
        if step == "retrieve":
            held = len(listed(detail.get("found")))
        elif "kept" in detail:
            held = len(listed(detail["kept"]))
        else:
            held = max(0, held - len(listed(detail.get("dropped"))))
        told.append(_told(entry, step, detail, (before, held), names or {}))
    return told


def total_ms(trace: Iterable[Mapping[str, Any]]) -> float:
    """How long the steps took together."""
    return sum(float(entry.get("ms") or 0.0) for entry in trace)


def passage_name(row: Mapping[str, Any]) -> str:
    """How a candidate is called: its title and the last part of its heading, else its source or id.

    >>> passage_name({"title": "Leave", "heading": "Leave > Days", "source": "leave.md"})
    'Leave › Days'
    """
    title = one_line(row.get("title") or row.get("source") or row.get("id") or "", NAME)
    last = one_line(str(row.get("heading") or "").rpartition(" > ")[2], NAME)
    return title if last in ("", title) else f"{title} › {last}"


def cell(row: Mapping[str, Any], stage: str) -> str:
    """A score of the table of candidates, with the rank where the stage has one.

    >>> cell({"keyword": 7.214, "keyword_rank": 3}, "keyword"), cell({}, "rerank")
    ('#3 7.21', '')
    """
    score, rank = row.get(stage), row.get(f"{stage}_rank")
    shown = "" if score is None else f"{score:.2f}" if isinstance(score, (int, float)) else str(score)
    return " ".join(filter(None, ("" if rank is None else f"#{rank}", shown)))


def end(row: Mapping[str, Any]) -> str:
    """The step that dropped a candidate and its reason; "" for one that was kept.

    >>> end({"dropped_by": "select", "reason": "after place 8"})
    'select: after place 8'
    """
    return one_line(f"{row['dropped_by']}: {row['reason']}") if row.get("dropped_by") else ""


def _told(
    entry: Mapping[str, Any], step: str, detail: Detail, counts: tuple[int, int], names: Mapping[str, str]
) -> Told:
    ms = float(entry.get("ms") or 0.0)
    if detail.get("left_out"):
        why = one_line(detail["left_out"])
        told = "Left out for this question." if why == "by the call" else f"Left out: {why}."
        return Told(one_line(step, NAME), ms, told, left_out=True)
    return Told(
        one_line(step, NAME),
        ms,
        sentence(step, detail, counts),
        cautions=tuple(one_line(one) for one in listed(detail.get("degraded"))),
        dropped=_dropped(detail, names),
        facts=tuple(_facts(detail, names)),
    )


# -- parts of what is told ---------------------------------------------------------------------------------


def _dropped(detail: Detail, names: Mapping[str, str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What was dropped, by reason: reasons that many passages share are told once."""
    reasons: dict[str, list[str]] = {}
    for one in listed(detail.get("dropped")):
        if isinstance(one, Mapping):
            key = str(one.get("id"))
            reasons.setdefault(one_line(one.get("reason") or "no reason given"), []).append(
                names.get(key, key)
            )
    return tuple((reason, tuple(gone)) for reason, gone in reasons.items())


def dropped_line(reason: str, gone: Sequence[str]) -> str:
    """A reason and what it dropped, in one line.

    >>> dropped_line("after place 8", ["Leave", "Travel"])
    '2 dropped, after place 8: Leave, Travel'
    """
    more = f" and {len(gone) - NAMED} more" if len(gone) > NAMED else ""
    return f"{len(gone)} dropped, {reason}: {', '.join(gone[:NAMED])}{more}"


def _facts(detail: Detail, names: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    if detail.get("model"):
        yield "model", one_line(detail["model"])
    tokens = detail.get("tokens")
    if isinstance(tokens, Mapping):
        yield "tokens", f"{tokens.get('input', 0)} in, {tokens.get('output', 0)} out"
    for one in listed(detail.get("methods")):
        if isinstance(one, Mapping):
            yield one_line(one.get("name"), NAME), one_line(one.get("why") or "")
    for text in listed(detail.get("not_searched")):
        yield "not searched", one_line(text)
    for one in listed(detail.get("marks")):
        if isinstance(one, Mapping):
            gone = [number for number in listed(one.get("written")) if number not in listed(one.get("shown"))]
            marks = "".join(f"[{number}]" for number in gone)
            yield "mark taken back", one_line(f"{marks} behind “{one.get('claim')}”")
    for key, value in detail.items():
        if key not in SPOKEN and value not in (None, "", [], {}):
            yield one_line(key, NAME).replace("_", " "), _short(value, names)


def _short(value: object, names: Mapping[str, str]) -> str:
    if isinstance(value, Mapping):
        told = (f"{key} {_short(item, names)}" for key, item in islice(value.items(), ITEMS))
        return one_line(", ".join(told))
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(one, str) and one in names for one in value):
            return f"{len(value)} passage{'s' if len(value) > 1 else ''}"  # their ids say nothing
        return one_line("; ".join(_short(item, names) for item in value[:ITEMS]))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else one_line(value)
