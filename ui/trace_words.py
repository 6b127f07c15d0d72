"""A trace in words: for each step one plain sentence, what was dropped and why, what did not work.

Values in, values out, for the terminal and the page alike. Steps of a caller's own may leave any detail, so
nothing here relies on a key being there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Told", "cell", "dropped_line", "passage_name", "tell", "total_ms"]

Detail = Mapping[str, Any]
LONGEST = 240  # characters of one value
NAMED = 3  # passages named for one reason; the table has them all
# Told by the sentence, the table or a line of their own; the rest of a detail is listed as it is.
SPOKEN = frozenset(
    "by degraded dropped scores model tokens found queries kept left_out abstain reason changed mode why "
    "supported unsupported adapter adapter_version quotes route name".split()
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
            held = len(_list(detail.get("found")))
        elif "kept" in detail:
            held = len(_list(detail["kept"]))
        else:
            held = max(0, held - len(_list(detail.get("dropped"))))
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
    title = str(row.get("title") or row.get("source") or row.get("id") or "")
    last = str(row.get("heading") or "").rpartition(" > ")[2]
    return (
        f"{title} \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} {last}" if last not in ("", title) else title
    )


def cell(row: Mapping[str, Any], stage: str) -> str:
    """A score of the table of candidates, with the rank where the stage has one.

    >>> cell({"keyword": 7.214, "keyword_rank": 3}, "keyword"), cell({}, "rerank")
    ('#3 7.21', '')
    """
    score, rank = row.get(stage), row.get(f"{stage}_rank")
    shown = "" if score is None else f"{score:.2f}" if isinstance(score, (int, float)) else str(score)
    return " ".join(filter(None, ("" if rank is None else f"#{rank}", shown)))


def _told(
    entry: Mapping[str, Any], step: str, detail: Detail, counts: tuple[int, int], names: Mapping[str, str]
) -> Told:
    ms = float(entry.get("ms") or 0.0)
    if detail.get("left_out"):
        return Told(step, ms, _left_out(_text(detail["left_out"])), left_out=True)
    sentence = SENTENCES.get(step, _any_step)(detail, counts)
    return Told(
        step,
        ms,
        sentence,
        cautions=tuple(_text(one) for one in _list(detail.get("degraded"))),
        dropped=_dropped(detail, names),
        facts=tuple(_facts(detail)),
    )


# -- one sentence a step -----------------------------------------------------------------------------------


def _left_out(why: str) -> str:
    return f"Left out{' ' if why.startswith('by ') else ': '}{why}."


def _condense(detail: Detail, counts: tuple[int, int]) -> str:
    if not detail.get("changed"):
        return "The question stands alone."
    return f"Completed from the conversation{_by(detail)}."


def _transform(detail: Detail, counts: tuple[int, int]) -> str:
    queries = _list(detail.get("queries"))
    return (
        f"{_count(len(queries), 'query', 'queries')}: {_quoted(queries)}."
        if queries
        else _any_step(detail, counts)
    )


def _route(detail: Detail, counts: tuple[int, int]) -> str:
    name = detail.get("route") or detail.get("name")
    why = _text(detail.get("why") or detail.get("reason") or "")
    if not name:
        return f"No route{_colon(why)}."
    return f"Route “{_text(name)}”{_by(detail)}{_colon(why)}."


def _retrieve(detail: Detail, counts: tuple[int, int]) -> str:
    queries = len(_list(detail.get("queries")))
    with_ = f" with {_count(queries, 'query', 'queries')}" if queries else ""
    return f"Found {_count(counts[1], 'passage')}{with_}." if counts[1] else f"Nothing found{with_}."


def _rework(detail: Detail, counts: tuple[int, int]) -> str:
    before, after = counts
    if not before:
        return "Nothing to work on."
    gone = before - after
    if gone:
        return f"{after} of {_count(before, 'passage')} go on."
    return f"{_count(before, 'passage')} in and out{', scored anew' if detail.get('scores') else ''}."


def _select(detail: Detail, counts: tuple[int, int]) -> str:
    return (
        f"The first {counts[1]} of {_count(counts[0], 'passage')} go on."
        if counts[0]
        else "Nothing to choose."
    )


def _abstain(detail: Detail, counts: tuple[int, int]) -> str:
    if not detail.get("abstain"):
        return "The passages hold an answer."
    return f"No answer is given: {_text(detail.get('reason') or 'the documents do not say')}."


def _expand(detail: Detail, counts: tuple[int, int]) -> str:
    mode, why = _text(detail.get("mode") or ""), _text(detail.get("why") or "")
    said = ": ".join(filter(None, (mode.capitalize(), why)))
    return f"{said.rstrip('.')}." if said else _rework(detail, counts)


def _answer(detail: Detail, counts: tuple[int, int]) -> str:
    by = detail.get("by")
    if by == "abstention":
        return "Says that the documents do not answer."
    if by == "reader":
        quotes = detail.get("quotes")
        return (
            f"{_count(quotes, 'quote')} from the passages."
            if isinstance(quotes, int)
            else "Quotes the passages."
        )
    if by == "model":
        adapter = _text(detail.get("adapter") or "")
        version = _text(detail.get("adapter_version") or "")
        with_ = f" with the adapter {adapter}{f', version {version}' if version else ''}" if adapter else ""
        return f"Written by {_text(detail.get('model') or 'the model')}{with_}."
    return f"Given{_by(detail)}." if by else _any_step(detail, counts)


def _ground(detail: Detail, counts: tuple[int, int]) -> str:
    good, bad = detail.get("supported"), detail.get("unsupported")
    if not isinstance(good, int) or not isinstance(bad, int):
        return _any_step(detail, counts)
    if not good + bad:
        return "No statement to check."
    verb = "is" if good == 1 else "are"
    return f"{good} of {_count(good + bad, 'statement')} {verb} supported by the passages."


def _again(detail: Detail, counts: tuple[int, int]) -> str:
    why = _text(detail.get("why") or "")
    return f"Searched once more{_colon(why)}."


def _any_step(detail: Detail, counts: tuple[int, int]) -> str:
    if detail.get("dropped"):
        return _rework(detail, counts)
    why = _text(detail.get("why") or detail.get("reason") or "")
    return f"{why[0].upper()}{why[1:].rstrip('.')}." if why else f"Done{_by(detail)}."


SENTENCES: Mapping[str, Callable[[Detail, tuple[int, int]], str]] = {
    "condense": _condense,
    "transform": _transform,
    "route": _route,
    "retrieve": _retrieve,
    "filter": _rework,
    "freshness": _rework,
    "rerank": _rework,
    "diversify": _rework,
    "select": _select,
    "abstain": _abstain,
    "expand": _expand,
    "answer": _answer,
    "ground": _ground,
    "again": _again,
}

# -- parts of what is told ---------------------------------------------------------------------------------


def _dropped(detail: Detail, names: Mapping[str, str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What was dropped, by reason: reasons that many passages share are told once."""
    reasons: dict[str, list[str]] = {}
    for one in _list(detail.get("dropped")):
        if isinstance(one, Mapping):
            key = str(one.get("id"))
            reasons.setdefault(_text(one.get("reason") or "no reason given"), []).append(names.get(key, key))
    return tuple((reason, tuple(gone)) for reason, gone in reasons.items())


def dropped_line(reason: str, gone: Sequence[str]) -> str:
    """A reason and what it dropped, in one line.

    >>> dropped_line("after place 8", ["Leave", "Travel"])
    '2 dropped, after place 8: Leave, Travel'
    """
    more = f" and {len(gone) - NAMED} more" if len(gone) > NAMED else ""
    return f"{len(gone)} dropped, {reason}: {', '.join(gone[:NAMED])}{more}"


def _facts(detail: Detail) -> Iterable[tuple[str, str]]:
    if detail.get("model"):
        yield "model", _text(detail["model"])
    tokens = detail.get("tokens")
    if isinstance(tokens, Mapping):
        yield "tokens", f"{tokens.get('input', 0)} in, {tokens.get('output', 0)} out"
    for key, value in detail.items():
        if key not in SPOKEN and value not in (None, "", [], {}):
            yield str(key).replace("_", " "), _short(value)


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        return _text(", ".join(f"{key} {_short(item)}" for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return _text("; ".join(_short(item) for item in value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else _text(value)


def _text(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _quoted(queries: Sequence[Any]) -> str:
    texts = [one.get("text", "") if isinstance(one, Mapping) else one for one in queries]
    more = f" and {len(texts) - NAMED} more" if len(texts) > NAMED else ""
    return ", ".join(f"“{_text(text)}”" for text in texts[:NAMED]) + more


def _by(detail: Detail) -> str:
    by = _text(detail.get("by") or "")
    return f" by {'the model' if by == 'model' else by}" if by else ""


def _colon(why: str) -> str:
    return f": {why.rstrip('.')}" if why else ""


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def _list(value: object) -> Sequence[Any]:
    if isinstance(value, (list, tuple)):
        return value
    return [value] if isinstance(value, str) and value else []
