"""The statements of an answer that its sources do not support, as people are shown them. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Unsupported", "page_doubts", "unsupported", "unsupported_line"]

WHY = "The passages that it cites do not say this."


@dataclass(frozen=True, slots=True)
class Unsupported:
    """`answer[start:end]` is the statement."""

    start: int
    end: int
    text: str
    why: str


def unsupported(grounding: object) -> list[Unsupported]:
    """What the `grounding` of an answer marks, in the order of the answer; nothing where none was checked.

    >>> unsupported({"claims": [{"claim": "30 days.", "start": 0, "end": 8, "supported": False,
    ...                          "problems": ["30 is in no passage cited"]}]})
    [Unsupported(start=0, end=8, text='30 days.', why='30 is in no passage cited.')]
    """
    claims = grounding.get("claims") or () if isinstance(grounding, Mapping) else ()
    return sorted(
        (_of(claim) for claim in claims if not claim.get("supported", True)), key=lambda one: one.start
    )


def unsupported_line(count: int) -> str:
    """The line under an answer.

    >>> unsupported_line(1)
    '1 sentence is not supported by the sources.'
    """
    return f"{count} sentence{' is' if count == 1 else 's are'} not supported by the sources."


def page_doubts(answer: str, doubts: Iterable[Unsupported]) -> list[dict[str, Any]]:
    """The same for the page, whose script counts UTF-16 units.

    >>> page_doubts("\N{GRINNING FACE} 30 days.", [Unsupported(2, 10, "30 days.", "No.")])
    [{'start': 3, 'end': 11, 'text': '30 days.', 'why': 'No.'}]
    """

    def units(position: int) -> int:
        return len(answer[:position].encode("utf-16-le")) // 2

    return [
        {"start": units(one.start), "end": units(one.end), "text": one.text, "why": one.why} for one in doubts
    ]


def _of(claim: Mapping[str, Any]) -> Unsupported:
    problems = claim.get("problems") or ()
    told = problems if isinstance(problems, str) else "; ".join(str(one) for one in problems)
    why = f"{told[0].upper()}{told[1:].rstrip('.')}." if told else WHY
    start, end = int(claim.get("start") or 0), int(claim.get("end") or 0)
    return Unsupported(start, end, str(claim.get("claim") or ""), why)
