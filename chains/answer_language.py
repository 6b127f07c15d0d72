"""Whether a question is asked in another language than the passages are written in.

By function words and scripts; rather no note than a wrong one. Knows no model.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import islice

from langchain_core.documents import Document

from .analyser import SCRIPTS
from .evidence import language_of
from .stop_words import MARKERS, stop_words

__all__ = ["language_note", "written_in"]

SAMPLE = 400  # letters that a script is told from
LEAST = 2  # function words that must speak for another language, and so many more than for the passages'
WORD = re.compile(r"[^\W\d_]+")
# Languages by the first word of the Unicode names of their letters, where the letters tell them.
BY_LETTERS = {
    "HIRAGANA": "japanese",
    "KATAKANA": "japanese",
    "CJK": "chinese",
    "HANGUL": "korean",
    "THAI": "thai",
    "HEBREW": "hebrew",
}


def language_note(question: str, documents: Sequence[Document]) -> str:
    """What to say beside quotes in another language than the question's; "" where it is the same or unclear.

    >>> german = [Document("Der Urlaub ist mit der Leitung abzusprechen, und zwar vor dem Antrag.")]
    >>> language_note("How do I ask for leave?", german)
    'The passages are in German.'
    >>> language_note("Wie beantrage ich Urlaub?", german)
    ''
    """
    written = written_in(documents)
    return f"The passages are in {written.capitalize()}." if written and _differs(question, written) else ""


def written_in(documents: Sequence[Document]) -> str:
    """The language of the passages' text, in lower case; "" where there is no letter."""
    text = " ".join(document.page_content[:SAMPLE] for document in documents)
    script = _script(text)
    return BY_LETTERS.get(script) or (language_of(documents) if script else "")


def _differs(question: str, written: str) -> bool:
    asked, expected = _script(question), _scripts_of(written)
    if not asked:
        return False
    if asked not in expected:
        return True
    if asked != "LATIN":
        return False
    words = set(WORD.findall(question.lower()))
    counts = {language: len(words & stop_words(language)) for language in MARKERS}
    return max(counts.values()) >= max(LEAST, counts.get(written, 0) + LEAST)


def _scripts_of(language: str) -> frozenset[str]:
    """The scripts that a language may be written in."""
    own = {script for script, name in BY_LETTERS.items() if name == language}
    own |= {"CJK"} if language == "japanese" else set()
    return frozenset(own or {script for script, names in SCRIPTS.items() if language in names} or {"LATIN"})


def _script(text: str) -> str:
    """The first word of the Unicode names of most letters; Kana decides, for Japanese is mixed."""
    letters = list(islice(filter(str.isalpha, text[: 4 * SAMPLE]), SAMPLE))
    names: Counter[str] = Counter()
    for letter, times in Counter(letters).items():  # each name is looked up once
        names[unicodedata.name(letter, "LATIN").split()[0]] += times
    if names["HIRAGANA"] + names["KATAKANA"] > len(letters) / 10:
        return "HIRAGANA"
    return names.most_common(1)[0][0] if names else ""
