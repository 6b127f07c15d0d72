"""Other wordings of a question, by rule: acronyms in the collection's own words, what a long message asks.

Knows no store and no model.
"""

from __future__ import annotations

import re

from .analyser import query_tokens
from .lexicon import Lexicon

__all__ = ["LONG", "acronym_variants", "asked_in", "keywords"]

LONG = 40  # words; a longer text is a message with a question in it
MOST_KEYWORDS = 12
MOST_CHARACTERS = 4000  # that are looked at
# Times that an acronym stands in the collection; a frequent one is found by itself. nDCG@10 without and with
# the variant, on one half of two sets: .911 -> .926 up to 8 times, .885 -> .879 above; on the other half what
# is left changes nothing (.923 -> .923): their passages have both forms.
RARE = 8
PHRASE = 8  # words of the longest phrase that has an acronym
WORD = re.compile(r"[\w&][\w'’&-]*")
SENTENCE = re.compile(r"[^.?!\n]+[.?!]*")


def acronym_variants(question: str, lexicon: Lexicon) -> list[str]:
    """The question with acronyms written out, and with phrases as the acronyms that stand for them.

    >>> lexicon = Lexicon(expansions={"PIP": "Performance Improvement Plan"})
    >>> acronym_variants("How long is a PIP?", lexicon)
    ['How long is a Performance Improvement Plan?']
    >>> acronym_variants("Who writes a performance improvement plan?", lexicon)
    ['Who writes a PIP?']
    """
    if not lexicon.expansions:
        return []
    words = list(WORD.finditer(question[:MOST_CHARACTERS]))
    written_out = _replaced(question, [(one.span(), _expanded(one[0], lexicon)) for one in words])
    phrases: list[tuple[tuple[int, int], str]] = []
    taken = 0
    for place, first in enumerate(words):
        for last in reversed(words[place : place + PHRASE]):
            short = lexicon.acronyms.get(question[first.start() : last.end()].lower())
            if short and first.start() >= taken and _is_rare(short, lexicon):
                phrases.append(((first.start(), last.end()), short))
                taken = last.end()
                break
    shortened = _replaced(question, phrases)
    return [one for one in dict.fromkeys((written_out, shortened)) if one != question]


def _expanded(word: str, lexicon: Lexicon) -> str:
    """What a word stands for; in lower case too, where it is no word of the language."""
    for short in (word, word.removesuffix("s"), word.removesuffix("’s").removesuffix("'s")):
        if short in lexicon.expansions:
            return lexicon.expansions[short] if _is_rare(short, lexicon) else ""
    if word.islower() and len(word) > 2 and not lexicon.is_word(word):
        return lexicon.expansions.get(word.upper(), "") if _is_rare(word, lexicon) else ""
    return ""


def _is_rare(short: str, lexicon: Lexicon) -> bool:
    return lexicon.counts.get(short.lower(), 0) <= RARE


def _replaced(question: str, places: list[tuple[tuple[int, int], str]]) -> str:
    for (start, end), text in reversed(places):
        if text:
            question = f"{question[:start]}{text}{question[end:]}"
    return question


def asked_in(message: str) -> str:
    """The sentences of a message that ask, where others do not; "" where all do or none does.

    >>> asked_in("I joined in May. My dog is old. May I bring it along? Thanks in advance.")
    'May I bring it along?'
    """
    sentences = [one[0].strip() for one in SENTENCE.finditer(message) if one[0].strip()]
    asking = [one for one in sentences if one.endswith("?")]
    return " ".join(asking) if asking and len(asking) < len(sentences) else ""


def keywords(question: str, lexicon: Lexicon | None = None) -> str:
    """The words that carry meaning, in order; of a long text those that are rarest in the collection.

    >>> keywords("How many days of leave do I get?")
    'many days leave get'
    """
    words = WORD.findall(question[:MOST_CHARACTERS])
    # A stop word gives a token only because nothing else is left; beside a rare word it gives none.
    content = [one for one in dict.fromkeys(words) if len(query_tokens(f"{one} zyzzyva", ["english"])) > 1]
    if len(content) > MOST_KEYWORDS and lexicon is not None:
        counts = lexicon.counts
        held = [one for one in content if one.lower() in counts] or content
        rarest = set(sorted(held, key=lambda one: counts.get(one.lower(), 0))[:MOST_KEYWORDS])
        content = [one for one in content if one in rarest]
    return " ".join(content[:MOST_KEYWORDS])
