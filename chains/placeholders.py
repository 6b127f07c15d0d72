"""Blanks that an author has not filled in: "[X hours]", "[Company Name]", "{{name}}", "<insert date>".

Rather too few than too many: a link, a mark of a citation, an index, a box to tick, JSON or code is none.
Knows no question and no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["placeholder_note", "placeholders"]

SHOWN = 3  # of them in a note
CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`", re.DOTALL)
UNITS = (
    "hours? days? weeks? months? years? minutes? times percent % euros? dollars? pounds? employees people "
    "points miles km kilometres kilometers pages number amount"
).replace(" ", "|")
NOUNS = (
    "name number date time address e-?mail phone title amount url link department percentage currency period "
    "deadline contact role position location city country company manager employee team price rate email"
).replace(" ", "|")
# A letter with its unit, words that say that it is to be filled in, a few words that end in such a noun.
BLANK = (
    rf"[A-Z]{{1,2}}(?:%|[ -](?:[a-z]+[ -]){{0,2}}(?:{UNITS}))"
    r"|(?i:insert|enter|add|fill in|specify|your|to be|tbd|tba|tbc|placeholder)\b[^\[\]\n]*"
    rf"|(?:[A-Za-z][\w'’]*[ /-]){{1,3}}(?i:{NOUNS})|(?=[A-Z])(?i:{NOUNS})"
    r"|(?i:number|amount|name|date|list|title|address) of [^\[\]\n]+"
)
KINDS = (
    re.compile(rf"(?<![\w\])!\\])\[(?:{BLANK})\](?![(\[:\w])"),
    re.compile(r"<(?i:insert|enter|add|your|fill[ _-]in)[ _-][^<>\n=\"]{1,60}>"),
    re.compile(r"\{\{ ?[A-Za-z][\w -]{0,40} ?\}\}"),
    re.compile(r"(?<=\w[ :])[ ]{0,2}_{4,}(?![\w_])|(?<![\w_])_{4,}(?= ?\w)(?!\w)"),
    re.compile(r"(?<![\w#./-])TBD(?![\w/-])|(?<=[:|(\[] )(?i:to be (?:determined|announced|confirmed))"),
)


def placeholders(text: str) -> list[tuple[int, int]]:
    """Where a text has blanks, in order; what stands in code is none.

    >>> text = "Leave: [X days], see [1] and [our site](https://a.example)."
    >>> [text[start:end] for start, end in placeholders(text)]
    ['[X days]']
    """
    if not any(sign in text for sign in ("[", "<", "{{", "____", "TBD", "o be ")):
        return []
    code = [found.span() for found in CODE.finditer(text)]
    found = sorted(match.span() for kind in KINDS for match in kind.finditer(text))
    spans: list[tuple[int, int]] = []
    for start, end in found:
        if spans and start < spans[-1][1] or any(first <= start < last for first, last in code):
            continue
        spans.append((start + len(text[start:end]) - len(text[start:end].lstrip()), end))
    return spans


def placeholder_note(quotes: Iterable[str]) -> str:
    """What to say beside quotes that have blanks; "" where they have none.

    >>> placeholder_note(["Parents get [X weeks] of leave."])
    'The document has not filled in: [X weeks].'
    """
    found = list(dict.fromkeys(text[start:end] for text in quotes for start, end in placeholders(text)))
    if not found:
        return ""
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"The document has not filled in: {', '.join(found[:SHOWN])}{more}."
