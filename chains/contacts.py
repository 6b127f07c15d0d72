"""Whether a question asks for a way to reach somebody, and whether passages give one.

A customer number is no phone number, though both are digits. By rule, English only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["gives_no_contact"]

_ASKED = re.compile(
    r"^\W*(?!(?:is|are|do|does|did|can|could|may|must|should|has|have|how|why|when|who)\b)"
    r"(?:(?:what|which)(?:'s|\u2019s| is| are)\b.{0,40}?"
    r"|(?:please )?(?:tell|give|send) (?:me|us)\b.{0,20}?)??"
    r"(?:\b(?:the|your|their|its|our) )?(?:[\w'\u2019]+ ){0,3}?\b(?:"
    r"(?P<phone>(?:tele)?phone|fax|mobile|hotline|support) numbers?"
    r"|(?P<mail>e-?mail(?: address(?:es)?)?)"
    r"|(?P<page>website|web ?(?:address|page)|url)"
    r")(?=\W+(?:of|for|to|at|in|from)\b|\W*$)",
    re.IGNORECASE,
)
_GIVEN = {
    "phone": re.compile(
        r"\+\d|\(\d{2,5}\)\s?\d|\b\d{2,5}[-\s./]\d{3,4}[-\s./]\d{3,}"
        r"|\b(?:tel|(?:tele)?phone|fax|call|dial|hotline|mobile)\b\D{0,25}\d{3}",
        re.IGNORECASE,
    ),
    "mail": re.compile(r"[^\s@]@[^\s@]+\.\w"),
    "page": re.compile(
        r"https?://|\bwww\.|\b[a-z0-9-]+\.(?:com|org|net|edu|gov|io|de|fr|uk|eu)\b", re.IGNORECASE
    ),
}


def gives_no_contact(question: str, passages: Iterable[str]) -> bool:
    """Whether a phone number, e-mail or web address is asked for, and none of the passages has any.

    >>> gives_no_contact("What is the phone number of the cinema?", ["Customer number: 4711 0815."])
    True
    >>> gives_no_contact("What is the phone number of the cinema?", ["Call us: 555-0134."])
    False
    """
    asked = _ASKED.search(question)
    kind = asked.lastgroup if asked else None
    return kind is not None and not any(_GIVEN[kind].search(passage) for passage in passages)
