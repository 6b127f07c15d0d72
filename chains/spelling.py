"""Misspelt words of a question and the words of the collection that were meant. Knows no store and no model.

Precision before reach: a word is repaired only where neither the collection nor the language knows it, and
one word of the collection is plainly nearest. English alone: where words have many endings, each would look
like a slip of another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .analyser import document_tokens
from .lexicon import Lexicon, letter_bits

__all__ = ["Repair", "edits", "repaired", "repairs"]

ONE_EDIT, TWO_EDITS = 5, 8  # letters of a word that may be so far off
FREQUENT = {1: 1, 2: 3}  # times that the word meant stands in the text, by the edits that it is off
AHEAD = 3.0  # times as frequent as the runner-up of the same distance
MOST_WORDS, LONGEST = 60, 2000  # words and characters that are looked at; a pasted page is no question
ENDINGS = ("s", "es", "d", "ed", "r", "er", "rs", "ers", "st", "est", "ing", "ly", "able", "less", "ness")
OPENINGS = ("un", "re", "de", "dis", "non", "mis", "pre", "anti", "sub", "over", "under")
TOKEN = re.compile(r"\S+")
QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|‘[^’]*’|`[^`]*`|(?<!\w)'[^']*'(?!\w)")
WORD = re.compile(r"[^\w]*([^\W\d_]+)(?:['’]s)?[^\w]*")


@dataclass(frozen=True, slots=True)
class Repair:
    """A stretch of the question, and what was meant."""

    start: int
    end: int
    word: str
    meant: str


def repaired(question: str, found: list[Repair]) -> str:
    """The question with the words that were meant."""
    for repair in sorted(found, key=lambda one: -one.start):
        question = f"{question[: repair.start]}{repair.meant}{question[repair.end :]}"
    return question


def repairs(question: str, lexicon: Lexicon) -> list[Repair]:
    """The misspelt words of a question; names, numbers, identifiers and what stands in quotes are left alone.

    >>> lexicon = Lexicon({"vacation": 9, "policy": 4}, is_word=lambda word: word == "office")
    >>> [(one.word, one.meant) for one in repairs("The vacaton policy of the offise", lexicon)]
    [('vacaton', 'vacation')]
    """
    if not (lexicon.complete and lexicon.english):
        return []
    found = []
    for start, word in _candidates(question):
        meant = _meant(word.lower(), lexicon)
        if meant:
            shown = meant.capitalize() if word[0].isupper() else meant
            found.append(Repair(start, start + len(word), word, shown))
    return found


def _candidates(question: str) -> Iterator[tuple[int, str]]:
    """Words in lower case, and the first whatever its case: a capital elsewhere begins a name."""
    question = question[:LONGEST]
    quoted = [match.span() for match in QUOTED.finditer(question)]
    for number, token in enumerate(TOKEN.finditer(question)):
        if number >= MOST_WORDS:
            return
        word = WORD.fullmatch(token[0])
        if word is None or len(word[1]) < ONE_EDIT:
            continue
        start = token.start() + word.start(1)
        if not (word[1].islower() or (number == 0 and word[1][1:].islower())):
            continue
        if not any(begin <= start < end for begin, end in quoted):
            yield start, word[1]


def _meant(word: str, lexicon: Lexicon) -> str:
    if word in lexicon.counts or _is_word(word, lexicon) or _is_form(word, lexicon):
        return ""
    best: dict[int, list[tuple[int, str]]] = {}
    furthest = 2 if len(word) >= TWO_EDITS else 1
    for other in _neighbours(word, lexicon, furthest):
        distance = edits(word, other, furthest)
        if distance <= furthest:
            best.setdefault(distance, []).append((lexicon.counts[other], other))
    if not best:
        return ""
    distance = min(best)
    ranked = sorted(best[distance], reverse=True)
    if ranked[0][0] < FREQUENT[distance]:
        return ""
    return ranked[0][1] if len(ranked) == 1 or ranked[0][0] >= AHEAD * ranked[1][0] else ""


def _neighbours(word: str, lexicon: Lexicon, furthest: int) -> Iterator[str]:
    """Words of about this length with the same first letter, which is seldom the wrong one."""
    own, most = letter_bits(word), 2 * furthest  # an edit takes one letter out and puts one in, at most
    for length in range(len(word) - furthest, len(word) + furthest + 1):
        for other, others in lexicon.by_shape.get((word[0], length), ()):
            if (own ^ others).bit_count() <= most:
                yield other
    for other, _ in lexicon.by_shape.get((word[1], len(word)), ()):
        if other[1] == word[0] and other[2:] == word[2:]:
            yield other


def _is_word(word: str, lexicon: Lexicon) -> bool:
    """Whether the language has the word, or one that it is made of: "unmodified", "rarest", "handlers"."""
    bases = [word]
    bases += [word[: -len(ending)] for ending in ENDINGS if word.endswith(ending)]
    bases += [word[len(opening) :] for opening in OPENINGS if word.startswith(opening)]
    return any(lexicon.is_word(base) for base in bases if len(base) > 2)


def _is_form(word: str, lexicon: Lexicon) -> bool:
    """Whether the collection holds another form of the word: the index finds that already."""
    stems = set(document_tokens(word, "english"))
    others = lexicon.by_beginning.get(word[:3], ())
    near = (other for other in others if abs(len(other) - len(word)) < 5)
    return any(not stems.isdisjoint(document_tokens(other, "english")) for other in near)


def edits(a: str, b: str, most: int) -> int:
    """Letters put in, left out, exchanged or swapped with their neighbour; `most + 1` for any more.

    >>> edits("vacaton", "vacation", 2), edits("recieve", "receive", 2), edits("office", "policy", 2)
    (1, 1, 3)
    """
    if abs(len(a) - len(b)) > most:
        return most + 1
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    a, b = a[start : len(a) - end], b[start : len(b) - end]
    if not a or not b:
        return max(len(a), len(b))
    rows: list[list[int]] = [list(range(len(b) + 1))]
    for i, letter in enumerate(a, start=1):
        row = [i]
        for j, other in enumerate(b, start=1):
            cost = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        rows.append(row)
    return min(rows[-1][-1], most + 1)
