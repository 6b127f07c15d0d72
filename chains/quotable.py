"""From a passage to the stretches that can be quoted: sentences, list items, table rows, blocks of code.

Headings are no answers: they are the `heading` of what stands below them. Knows no question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal

from .sentences import is_list_item, sentences, states_a_sum

__all__ = ["Stretch", "is_lead_in", "list_end", "list_start", "stretches"]

Kind = Literal["sentence", "item", "row", "code"]
HEADING_MARK = re.compile(r"[ \t]*#{1,6}[ \t]+\S")
HEADING_NOISE = re.compile(r"^[\s#=]+|\s*\{\s*#[^}]*\}\s*$|[\s#=:]+$")
UNDERLINED = re.compile(r"[ \t]*\n[ \t]*([=\-~^\"*+#])\1{2,}[ \t]*(\n|$)")
FENCE = re.compile(r"[ \t]*(```|~~~)")
DIRECTIVE = re.compile(r"///|:::|\.\. \w+::|\{[*%{].*\}$|<[^>]+>$|!\[[^]]*\]\([^)]*\)$")
VALUE = re.compile(r"\W*\d|(\D*\d){4}|[^:]*:$")  # names no column: "$12.50", "TXN-4711", "Region:"
RULE = re.compile(r"\n\s*\|[\s|:-]*-[\s|:-]*\n")  # the line below a table's head
WORD = re.compile(r"\w")
LONGEST_HEADING = 70  # characters
MOST_WORDS_OF_A_NAME = 3  # of a column of a table


@dataclass(frozen=True, slots=True)
class Stretch:
    """`text[start:end]` of the passage, and what stands over it there."""

    start: int
    end: int
    heading: str = ""  # the nearest one above it
    kind: Kind = "sentence"
    head: tuple[int, int] | None = None  # of a row: where the row stands that names the columns
    columns: str = ""  # and the names


def stretches(text: str, language: str = "english") -> list[Stretch]:
    r"""Everything in a passage that an answer may quote, in order, not overlapping.

    >>> text = "Leave\n\nYou get 25 days. Ask early."
    >>> [text[s.start : s.end] for s in stretches(text)]
    ['You get 25 days.', 'Ask early.']
    """
    found: list[Stretch] = []
    heading = ""
    fenced = block_opens = False
    for start, end in sentences(text, language):
        piece = text[start:end]
        if FENCE.match(piece):
            fenced = not fenced
            block_opens = fenced
        elif fenced and not block_opens:
            found[-1] = Stretch(found[-1].start, end, heading, "code")
        elif not fenced and (not WORD.search(piece) or DIRECTIVE.match(piece)):
            continue  # rules, the line below a table's head, marks of the format
        elif not fenced and _is_heading(text, start, end):
            heading = HEADING_NOISE.sub("", piece)
        else:
            found.append(Stretch(start, end, heading, "code" if fenced else _kind(piece)))
            block_opens = False
    found = _under_their_columns(text, found)
    if not found and text.strip():  # headings alone are better quoted than lost
        found.append(Stretch(len(text) - len(text.lstrip()), len(text.rstrip())))
    return found


def is_lead_in(piece: str) -> bool:
    """Whether a stretch promises more than it says: it ends with a colon."""
    return piece.rstrip(" *_`").endswith(":")


def list_end(text: str, pieces: Sequence[Stretch], place: int, *, words: int) -> int:
    r"""The place of the last item of the list that the stretch at `place` leads in; `place` if there is none.

    Items need no marks where each has a line of its own right below. No more than `words` words are taken.

    >>> text = "We value:\nHonesty: always.\nCare: for all.\n\nMore."
    >>> list_end(text, stretches(text), 0, words=99)
    2
    """
    last = place
    for number in range(place + 1, len(pieces)):
        piece, before = pieces[number], pieces[number - 1]
        gap = text[before.end : piece.start]
        marked = piece.kind != "sentence" and gap.count("\n") <= 2 + (number == place + 1)
        unmarked = gap.count("\n") == 1 and before.kind == "sentence"
        goes_on = "\n" not in gap and number > place + 1  # a second sentence of the same item
        taken = len(text[pieces[place].start : piece.end].split())
        if piece.heading != pieces[place].heading or taken > words or not (marked or unmarked or goes_on):
            break
        last = number
    return last


def list_start(text: str, pieces: Sequence[Stretch], place: int) -> int:
    """The place of what leads in the list that `place` is an item of; `place` if there is none."""
    for number in range(place - 1, -1, -1):
        if is_lead_in(text[pieces[number].start : pieces[number].end]):
            return number if list_end(text, pieces, number, words=10_000) >= place else place
    return place


def _under_their_columns(text: str, found: Sequence[Stretch]) -> list[Stretch]:
    """The stretches, rows with the names of their columns.

    A row that only names columns says nothing alone and is left out. The first of two cells may as well be
    a name with its value, as in a form: it stays.
    """
    kept: list[Stretch] = []
    first: Stretch | None = None  # of the table, where it may name the columns
    last: Stretch | None = None
    for one, following in zip_longest(found, found[1:]):
        if last is None or not _same_table(text, last, one):
            first = one if following and _may_name_columns(text, one, following) else None
            sure = first is not None and _only_names(text, one, following)
        last = one
        if first is None or (one is first and not sure):
            kept.append(one)
        elif one is not first:
            head = (first.start, first.end) if sure else None
            kept.append(replace(one, head=head, columns=", ".join(filter(None, _cells(text, first)))))
    return kept


def _same_table(text: str, one: Stretch, following: Stretch) -> bool:
    return one.kind == following.kind == "row" and "\n\n" not in text[one.end : following.start]


def _may_name_columns(text: str, one: Stretch, following: Stretch) -> bool:
    """Whether it is the first row of a table and holds short names, or stands over a line."""
    if not _same_table(text, one, following):
        return False
    cells = _cells(text, one)
    names = not any(VALUE.match(cell) or len(cell.split()) > MOST_WORDS_OF_A_NAME for cell in cells)
    return names or _over_a_line(text, one, following)


def _only_names(text: str, one: Stretch, following: Stretch) -> bool:
    return len(_cells(text, one)) > 2 or _over_a_line(text, one, following)


def _over_a_line(text: str, one: Stretch, following: Stretch) -> bool:
    return RULE.search(text, one.end, following.start) is not None


def _cells(text: str, row: Stretch) -> list[str]:
    return [cell.strip() for cell in text[row.start : row.end].strip().strip("|").split("|")]


def _kind(piece: str) -> Kind:
    if piece.startswith("|"):
        return "row"
    return "item" if is_list_item(piece) else "sentence"


def _is_heading(text: str, start: int, end: int) -> bool:
    """A marked or underlined line, or a short one that ends like no sentence and stands over longer text."""
    line_start = text.rfind("\n", 0, start) + 1
    if text[line_start:start].strip() or "\n" in text[start:end]:
        return False
    if HEADING_MARK.match(text, line_start) or UNDERLINED.match(text, end):
        return True
    rest = text[end:].split("\n", 1)
    piece = text[start:end]
    if rest[0].strip() or len(piece) > LONGEST_HEADING or not piece[0].isupper() or is_list_item(piece):
        return False
    below = rest[1].lstrip() if len(rest) > 1 else ""
    following = below.split("\n", 1)[0]
    if piece[-1] == ":":  # a heading over prose; over a list it leads in
        return _is_prose(following) and following[0].isupper() and not is_list_item(following)
    if not piece[-1].isalnum() or states_a_sum(piece):
        return False
    above = text[:line_start].rstrip(" ")
    apart = not above or above.endswith("\n\n") or above.rstrip()[-1] in ".!?:"
    return apart and (
        not below or rest[1].startswith("\n") or is_list_item(following) or _is_prose(following)
    )


def _is_prose(line: str) -> bool:
    return len(line) > LONGEST_HEADING and line.rstrip()[-1:] in ".!?:"
