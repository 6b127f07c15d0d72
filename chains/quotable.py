"""From a passage to the stretches that can be quoted: sentences, list items, table rows, blocks of code.

Headings are no answers: they are the `heading` of what stands below them. Knows no question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .sentences import is_list_item, sentences

__all__ = ["Stretch", "stretches"]

Kind = Literal["sentence", "item", "row", "code"]
HEADING_MARK = re.compile(r"[ \t]*#{1,6}[ \t]+\S")
HEADING_NOISE = re.compile(r"^[\s#=]+|\s*\{\s*#[^}]*\}\s*$|[\s#=:]+$")
UNDERLINED = re.compile(r"[ \t]*\n[ \t]*([=\-~^\"*+#])\1{2,}[ \t]*(\n|$)")
FENCE = re.compile(r"[ \t]*(```|~~~)")
DIRECTIVE = re.compile(r"///|:::|\.\. \w+::|\{[*%{].*\}$|<[^>]+>$|!\[[^]]*\]\([^)]*\)$")
WORD = re.compile(r"\w")
LONGEST_HEADING = 70  # characters


@dataclass(frozen=True, slots=True)
class Stretch:
    """`text[start:end]` of the passage, and the nearest heading above it within the passage."""

    start: int
    end: int
    heading: str = ""
    kind: Kind = "sentence"


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
    if not found and text.strip():  # headings alone are better quoted than lost
        found.append(Stretch(len(text) - len(text.lstrip()), len(text.rstrip())))
    return found


def _kind(piece: str) -> Kind:
    if piece.startswith("|"):
        return "row"
    return "item" if is_list_item(piece) else "sentence"


def _is_heading(text: str, start: int, end: int) -> bool:
    """A marked or underlined line, or a short one that stands alone and ends like no sentence."""
    line_start = text.rfind("\n", 0, start) + 1
    if text[line_start:start].strip() or "\n" in text[start:end]:
        return False
    if HEADING_MARK.match(text, line_start) or UNDERLINED.match(text, end):
        return True
    after = text[end:].split("\n", 1)
    if after[0].strip() or len(after) < 2 or not after[1].strip():
        return False
    piece = text[start:end]
    following = after[1].lstrip().split("\n", 1)[0]
    alone = line_start == 0 or text[:line_start].endswith("\n\n") or after[1].startswith("\n")
    ends = piece[-1].isalnum() or (
        piece[-1] == ":" and not is_list_item(following) and len(following) > len(piece)
    )
    title_like = piece[0].isupper() and ends and len(piece) <= LONGEST_HEADING
    return title_like and (alone or piece[-1] == ":") and not is_list_item(piece)
