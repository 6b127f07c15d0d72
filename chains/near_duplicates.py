"""Whether a passage only repeats another one. Words alone; knows no model.

Two passages that differ in a number, a date, a name, a negation or a word that turns a rule round are never
repeats, however alike they are: they are versions of a rule, or two rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from langchain_core.documents import Document

__all__ = ["Fingerprint", "fingerprint", "likeness", "rule_out_repeats", "same_facts"]

# A number stays whole (1.5, 1/5, 10:30), and signs that say something count; other punctuation does not.
WORD = re.compile(r"\d+(?:[.,:/–-]\d+)+|\w+|[%‰$€£¥≤≥±°§✓✔✗✘☐☑☒]|(?<!\w)[-−+](?=\d)|[<>](?=\s*=?\s*\d)")
LETTERS, DIGITS = re.compile("[a-z]{6,}"), re.compile("[0-9]+")
COPY = re.compile(r"\s*\(\d\)$|\s*[-–_ ]\s*copy$|^copy of\s+", re.IGNORECASE)  # what copied files are called
ALONE = 12  # words of a text that means the same below any heading
BEGINNING = 4  # characters that a word of the question shares with a name it means
# A rule with one of these in place of another is another rule. English, German, French, Spanish, Italian.
TURNING = frozenset(
    """
    not no none never nor neither cannot without except unless only but however instead both each every either
    must may might shall should can could will would need needs required optional allowed forbidden mandatory
    all any some few many most least less more fewer he she his her him true false
    before after until since during above below over under within outside from to up down in out on off
    first last next previous old new former current minimum maximum min max highest lowest start end begin
    include includes including exclude accept reject approve decline allow forbid grant deny
    internal external public private permanent temporary full part open closed
    zero one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty
    hundred thousand million half third quarter once twice double triple single dozen
    second minute hour hours day days week weeks month months year years today
    hourly daily weekly biweekly monthly quarterly yearly annual annually
    nicht kein keine keinen keiner nie niemals ohne nur muss darf kann soll vor nach bis ab alle jeder
    zwei drei vier fünf sechs sieben acht neun zehn tag tage woche wochen monat monate jahr jahre
    ne pas jamais sans sauf seulement doit peut avant après tous deux trois quatre cinq jour jours semaine
    sin salvo solo debe puede antes después todos dos tres cuatro cinco día días semana mes meses años
    non mai senza tranne deve può prima dopo tutti due tre quattro giorno giorni settimana mese mesi anno
    """.split()
)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A passage as its words; `facts` are those that must agree, in order."""

    words: tuple[str, ...]
    plain: str
    distinct: frozenset[str]
    facts: tuple[str, ...]
    names: frozenset[str]  # words of the title and headings above


def fingerprint(document: Document) -> Fingerprint:
    """The fingerprint of a passage; those of the last ones seen are kept."""
    return _fingerprint(document.page_content, *_title_and_heading(document))


def rule_out_repeats(documents: Sequence[Document]) -> Callable[[int, int], bool]:
    """A cheap test for pairs of passages: whether the one at the first place surely repeats not the second.

    A repeat has the second's names and numbers, or stands in it with every word.
    """
    texts = [document.page_content.casefold() for document in documents]
    words = [frozenset(LETTERS.findall(text)) for text in texts]
    numbers = [DIGITS.findall(text) for text in texts]
    above = [_title_and_heading(document) for document in documents]

    def ruled_out(later: int, first: int) -> bool:
        if words[later] <= words[first]:
            return False
        return numbers[later] != numbers[first] or _names(*above[later]) != _names(*above[first])

    return ruled_out


def likeness(later: Fingerprint, first: Fingerprint, question: str = "") -> tuple[float, str]:
    """The share of the words that both have in the same order, and how to say it; 0 where facts differ.

    A passage that stands whole inside the first repeats it all. The first inside the later does not count:
    the later one says more. The same text below another heading is a repeat unless it is so short that its
    heading gives it its meaning ("Closed."), or the question asks for what sets the two apart ("the warranty
    of A and of B"); text that is only nearly the same is none then.
    """
    if later.plain in first.plain and _means_the_same(later, first, question):
        return 1.0, "word for word" if later.plain == first.plain else "which holds all of it"
    if not same_facts(later, first):
        return 0.0, ""
    share = SequenceMatcher(None, later.words, first.words, autojunk=False).ratio()
    return share, f"{share:.0%} of the words"


def same_facts(later: Fingerprint, first: Fingerprint) -> bool:
    """Whether most words are the same, and headings, numbers, names, turning words and negations agree."""
    if later.facts != first.facts or later.names != first.names:
        return False
    ours, theirs = later.distinct - first.distinct, first.distinct - later.distinct
    if 4 * (len(ours) + len(theirs)) > len(later.words) + len(first.words):
        return False  # other words altogether; spares what is slow
    # paid and unpaid, compliant and noncompliant
    return not any(a.endswith(b) or b.endswith(a) for a in ours for b in theirs)


def _means_the_same(later: Fingerprint, first: Fingerprint, question: str) -> bool:
    """Whether the headings do not matter: no word of the question begins like one that tells them apart."""
    apart = {name[:BEGINNING] for name in later.names ^ first.names}  # Norway, Norwegian
    if not apart:
        return True
    asked = {word.casefold()[:BEGINNING] for word in WORD.findall(question)}
    return len(later.words) >= ALONE and not apart & asked


@lru_cache(maxsize=2048)  # passages: a few MB; follow-ups find the same ones again
def _fingerprint(text: str, title: str, heading: str) -> Fingerprint:
    typed = WORD.findall(text)
    words = tuple([word.casefold().replace("–", "-") for word in typed])
    # Anything but a word in small letters: numbers, signs, identifiers, names, scripts without capitals.
    facts = [
        word
        for word, written in zip(words, typed, strict=True)
        if word in TURNING or not (written.isalpha() and written.islower())
    ]
    plain = f" {' '.join(words)} "
    return Fingerprint(words, plain, frozenset(words), tuple(facts), _names(title, heading))


def _title_and_heading(document: Document) -> tuple[str, str]:
    metadata = document.metadata
    return str(metadata.get("title") or ""), str(metadata.get("heading") or "")


@lru_cache(maxsize=2048)
def _names(title: str, heading: str) -> frozenset[str]:
    return frozenset(name.casefold() for name in WORD.findall(f"{COPY.sub('', title)} {heading}"))
