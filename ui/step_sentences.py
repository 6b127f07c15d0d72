"""One plain sentence for each step of a trace: what went in and out of it. Values in, a text out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["listed", "one_line", "sentence"]

Detail = Mapping[str, Any]
Counts = tuple[int, int]  # passages before the step, and after it
LONGEST = 240  # characters of one value
NAMED = 3  # queries quoted


def sentence(step: str, detail: Detail, counts: Counts) -> str:
    """What a step did; `counts` are the passages before it and after it.

    >>> sentence("select", {}, (32, 8))
    'The first 8 of 32 passages go on.'
    """
    return SENTENCES.get(step, _any_step)(detail, counts)


def listed(value: object) -> Sequence[Any]:
    """The entries of what may be a list, one text, or anything else."""
    if isinstance(value, (list, tuple)):
        return value
    return [value] if isinstance(value, str) and value else []


def one_line(value: object, longest: int = LONGEST) -> str:
    """A value as a text without line breaks, cut where it is long.

    >>> one_line("a\\n  b"), one_line("abcdef", 3)
    ('a b', 'abc…')
    """
    text = " ".join(str(value)[: 4 * longest].split())
    return text if len(text) <= longest else f"{text[:longest]}…"


def _condense(detail: Detail, counts: Counts) -> str:
    if not detail.get("changed"):
        return "The question stands alone."
    if not detail.get("from") and detail.get("dates"):
        return "Dates were put in place of words like yesterday."
    return f"Completed from the conversation{_by(detail)}."


def _transform(detail: Detail, counts: Counts) -> str:
    methods = [one for one in listed(detail.get("methods")) if isinstance(one, Mapping)]
    more = [text for one in methods for text in listed(one.get("queries"))]
    if more:
        return f"{_count(len(more), 'query more', 'queries more')}: {_quoted(more)}."
    queries = listed(detail.get("queries"))
    if queries:
        return f"{_count(len(queries), 'query', 'queries')}: {_quoted(queries)}."
    return "The question itself is searched." if methods else _any_step(detail, counts)


def _route(detail: Detail, counts: Counts) -> str:
    name = detail.get("route") or detail.get("name")
    why = one_line(detail.get("why") or detail.get("reason") or "")
    if not name:
        return f"No route{_colon(why)}."
    return f"Route “{one_line(name)}”{_by(detail)}{_colon(why)}."


def _retrieve(detail: Detail, counts: Counts) -> str:
    queries = len(listed(detail.get("queries")))
    with_ = f" with {_count(queries, 'query', 'queries')}" if queries else ""
    return f"Found {_count(counts[1], 'passage')}{with_}." if counts[1] else f"Nothing found{with_}."


def _rework(detail: Detail, counts: Counts) -> str:
    before, after = counts
    if not before:
        return "Nothing to work on."
    gone = before - after
    if gone:
        return f"{after} of {_count(before, 'passage')} go on."
    return f"{_count(before, 'passage')} in and out{', scored anew' if detail.get('scores') else ''}."


def _versions(detail: Detail, counts: Counts) -> str:
    groups = [one for one in listed(detail.get("versions")) if isinstance(one, Mapping)]
    if not groups and detail.get("undecided"):
        return "Several versions of a document, of which none can be told to be the newest."
    if not groups:
        return "No document was found in several versions."
    newest = ", ".join(f"“{one_line(one.get('newest'))}”" for one in groups[:NAMED])
    older = sum(len(listed(one.get("older"))) for one in groups)
    return f"{newest} before {_count(older, 'older version')}."


def _select(detail: Detail, counts: Counts) -> str:
    before, after = counts
    if before == after:
        return f"{_count(before, 'passage')} in and out." if before else "Nothing to choose from."
    return f"The first {after} of {_count(before, 'passage')} go on."


def _abstain(detail: Detail, counts: Counts) -> str:
    if not detail.get("abstain"):
        return "The passages hold an answer."
    return f"No answer is given: {one_line(detail.get('reason') or 'the documents do not say')}."


def _expand(detail: Detail, counts: Counts) -> str:
    mode = one_line(detail.get("mode") or "")
    if not mode:
        return _rework(detail, counts)
    return f"{GIVEN.get(mode, mode.capitalize())}{_colon(one_line(detail.get('why') or ''))}."


def _answer(detail: Detail, counts: Counts) -> str:
    by = detail.get("by")
    if by == "abstention":
        return "Says that the documents do not answer."
    if by == "reader":
        quotes = detail.get("quotes")
        said = _count(quotes, "quote") if isinstance(quotes, int) else "Quotes"
        return f"{said} from the passages."
    if by == "model":
        adapter = one_line(detail.get("adapter") or "")
        version = one_line(detail.get("adapter_version") or "")
        with_ = f" with the adapter {adapter}{f', version {version}' if version else ''}" if adapter else ""
        return f"Written by {one_line(detail.get('model') or 'the model')}{with_}."
    return ANSWERED.get(str(by), _any_step(detail, counts))


def _ground(detail: Detail, counts: Counts) -> str:
    bad, claims = detail.get("unsupported"), detail.get("claims")
    bad = len(bad) if isinstance(bad, (list, tuple)) else bad
    good = claims - bad if isinstance(claims, int) and isinstance(bad, int) else detail.get("supported")
    if not isinstance(good, int) or not isinstance(bad, int):
        return _any_step(detail, counts)
    if not good + bad:
        return "No statement to check."
    if good + bad == 1:
        return f"The one statement is {'' if good else 'not '}supported by the passages."
    verb = "is" if good == 1 else "are"
    return f"{good} of {good + bad} statements {verb} supported by the passages."


def _again(detail: Detail, counts: Counts) -> str:
    why = one_line(detail.get("why") or "")
    if detail.get("queries") == []:
        return f"No other words were found to search with{_colon(why)}."
    return f"Searched once more{_colon(why)}."


def _any_step(detail: Detail, counts: Counts) -> str:
    if detail.get("dropped"):
        return _rework(detail, counts)
    why = one_line(detail.get("why") or detail.get("reason") or "")
    return f"{why[0].upper()}{why[1:].rstrip('.')}." if why else f"Done{_by(detail)}."


GIVEN = {  # what an expander's `mode` gives the model
    "passages": "The passages are given, with what stands around them where there is room",
    "whole documents": "Whole documents are given",
    "whole base": "The whole knowledge base is given",
}
ANSWERED = {  # who worded an answer that no search led to
    "route": "The words that the route has for this.",
    "handoff": "Handed over to a person.",
    "chain": "Answered by the route's own chain.",
}
SENTENCES: Mapping[str, Callable[[Detail, Counts], str]] = {
    "condense": _condense,
    "transform": _transform,
    "route": _route,
    "retrieve": _retrieve,
    "filter": _rework,
    "freshness": _rework,
    "rerank": _rework,
    "versions": _versions,
    "diversify": _rework,
    "select": _select,
    "abstain": _abstain,
    "expand": _expand,
    "fit": _rework,
    "answer": _answer,
    "ground": _ground,
    "again": _again,
}

# -- words of them -----------------------------------------------------------------------------------------


def _quoted(queries: Sequence[Any]) -> str:
    texts = [one.get("text", "") if isinstance(one, Mapping) else one for one in queries]
    more = f" and {len(texts) - NAMED} more" if len(texts) > NAMED else ""
    return ", ".join(f"“{one_line(text)}”" for text in texts[:NAMED]) + more


def _by(detail: Detail) -> str:
    by = one_line(detail.get("by") or "")
    return f" by {'the model' if by == 'model' else by}" if by else ""


def _colon(why: str) -> str:
    return f": {why.rstrip('.')}" if why else ""


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"
