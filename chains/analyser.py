"""From text to index tokens: one analyser for documents and questions, whatever the store.

Folding, stop words, stemming, and bigrams for scripts without spaces. Knows no store and no model.

A token holds letters, digits and combining marks only (no blank, no underscore, no punctuation), so that
every tokenizer that splits at blanks finds exactly these tokens.
"""

from __future__ import annotations

import re
import sys
import threading
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from functools import cache

from .stop_words import CONTRACTED, MARKERS, stop_words

__all__ = ["ANALYSER_VERSION", "detect_language", "document_tokens", "query_tokens"]

ANALYSER_VERSION = "1"
DEFAULT_LANGUAGE = "english"

MAX_TOKEN = 64  # characters; longer ones are hashes and data that nobody types
MAX_CACHED = 200_000  # words; a cleared cache only costs time
SAMPLE = 20_000  # characters that the language is told from

# Scripts whose words are not set apart by blanks; Hangul too, because its particles hang on to the words.
UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\uaa60-\uaa7f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u3005-\u3007\u3040-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\uac00-\ud7a3"  # Hangul
)
# Languages with a stemmer, by the first word of the Unicode names of their letters; others are Latin.
SCRIPTS = {
    "ARABIC": ("arabic", "persian"),
    "ARMENIAN": ("armenian",),
    "CYRILLIC": ("russian", "serbian"),
    "DEVANAGARI": ("hindi", "nepali"),
    "GREEK": ("greek",),
    "TAMIL": ("tamil",),
}
# Letters that Unicode does not decompose into a base letter and a mark.
LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "æ": "ae", "œ": "oe", "ħ": "h"}
)
APOSTROPHES = str.maketrans("\u2019\u02bc\u2018\uff07", "''''")
# Accents of Latin, Greek and Cyrillic, points of Hebrew and Arabic. The breve of й stays: another letter.
ACCENTS = re.compile(
    "(?<!\u0438)\u0306|[\u0300-\u0305\u0307-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u0652\u0670]"
)
PLAIN_WORD = re.compile(r"\w+")
PLAIN_RUN = re.compile(r"(?P<spaced>\w+(?:'\w+)*)")
HUMP = re.compile("(?<=[a-z]{3})(?=[A-Z])|(?<=[a-z]{2})(?=[A-Z][a-z])")  # isEmpty, FastAPI; not siRNA


def detect_language(text: str) -> str:
    """Snowball's name of the language of a text, by its stop words; "english" where nothing speaks.

    >>> detect_language("Der Urlaub ist mit der Leitung abzusprechen, und zwar vor dem Antrag.")
    'german'
    """
    words = _spaced_words(text[:SAMPLE])
    if not words:
        return DEFAULT_LANGUAGE
    script = _script(words)
    if len(script) == 1:
        return script[0]
    counts = Counter(words)
    said = frozenset(counts)
    found = {language: _markers()[language] & said for language in script}
    shares = {language: sum(counts[marker] for marker in found[language]) / len(words) for language in script}
    best = max(script, key=lambda language: shares[language])  # the first of equals
    seen = len(found[best])
    # One "de" or "die" in an English title is not a language: a tenth of the words, and three of them.
    if shares[best] < 0.1 or seen < min(3, len(words)):
        return script[0]
    return best


def _script(words: list[str]) -> tuple[str, ...]:
    """The languages of the script that most words are written in."""
    names: Counter[str] = Counter()
    for letter, times in Counter(word[0] for word in words).items():
        if letter.isalpha():
            names[_script_name(letter)] += times
    name = names.most_common(1)[0][0] if names else "LATIN"
    return SCRIPTS.get(name) or _latin_languages()


def document_tokens(text: str, language: str) -> list[str]:
    """The tokens of a text, in order, repeats kept. No token holds white space.

    >>> document_tokens("Setting max_threads", "english")
    ['set', 'max', 'thread', 'maxthread']
    """
    if text.isascii() and text.isalpha() and text.islower():  # one plain word
        return list(_stems(text, language))
    tokens: list[str] = []
    for word in _words(text):
        tokens.extend(_stems(word, language))
    return tokens


def query_tokens(text: str, languages: Collection[str]) -> list[str]:
    """The distinct tokens of a question, stemmed in each language; stop words only if nothing is left.

    >>> query_tokens("How does the indexing work?", ["english"])
    ['index', 'work']
    """
    words = list(_words(text))
    spoken = sorted(languages) or [DEFAULT_LANGUAGE]
    function_words = _function_words(words, spoken)
    content = [word for word in words if word not in function_words] or words
    stems = (token for word in content for language in spoken for token in _stems(word, language))
    return list(dict.fromkeys(stems))


def _function_words(words: list[str], languages: list[str]) -> frozenset[str]:
    """The stop words of the language that the question is asked in.

    Not those of all languages: "die" is an article in German and a verb in English.
    """
    counts = {language: sum(word in stop_words(language) for word in words) for language in languages}
    most = max(counts.values())
    spoken = [language for language in languages if counts[language] == most]
    return frozenset().union(*(stop_words(language) for language in spoken))


# --- words ---------------------------------------------------------------------------------------------


def _words(text: str) -> Iterator[str]:
    """Words in lower case with their accents; compounds such as `max_threads` come in parts and joined."""
    if text.isascii() and text.isalnum():  # one word, as most callers that remember words ask
        yield from _humps(text)
        return
    text = unicodedata.normalize("NFKC", text).translate(APOSTROPHES)
    for match in (_word_pattern() if _is_odd(text) else PLAIN_RUN).finditer(text):
        run = match.group()
        if match.lastgroup == "unspaced":
            yield from _bigrams(run)
        elif run.isalnum():
            yield from _humps(run)
        else:
            yield from _parts(run)


def _humps(run: str) -> Iterator[str]:
    if not run.islower() and len(parts := HUMP.split(run)) > 1:
        yield from (part.casefold() for part in parts)
    yield run.casefold()


def _parts(run: str) -> Iterator[str]:
    """A run with apostrophes or underscores in it."""
    if "_" in run:
        parts = [part for part in run.split("_") if part]
        for part in parts:
            yield from _humps(part) if "'" not in part else _parts(part)
        if len(parts) > 1:
            yield "".join(parts).casefold().replace("'", "")
        return
    head, _, tail = run.rpartition("'")
    tail = tail.casefold()
    if tail == "t" and head.endswith(("n", "N")):  # don't, isn't: an auxiliary and "not"
        yield "not"
    elif tail in CONTRACTED:
        yield from _parts(head) if "'" in head else _humps(head)
    else:
        for part in run.split("'"):
            yield from _humps(part)


def _bigrams(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for start in range(len(run) - 1):
        yield run[start : start + 2]


@cache
def _word_pattern() -> re.Pattern[str]:
    inner = f"(?:(?![{UNSPACED}])[\\w{_marks()}])+"
    return re.compile(f"(?P<unspaced>[{UNSPACED}]+)|(?P<spaced>{inner}(?:'{inner})*)")


@cache
def _odd_pattern() -> re.Pattern[str]:
    return re.compile(f"[{UNSPACED}{_marks()}]")


def _is_odd(text: str) -> bool:
    """Whether it holds what sets `_word_pattern` apart from plain words; most texts do not."""
    return not text.isascii() and _odd_pattern().search("".join(set(text))) is not None


@cache
def _marks() -> str:
    """Combining marks for a set of characters: \\w lacks them; they carry the vowels of Hindi and Thai."""
    return "".join(
        re.escape(chr(code)) for code in range(0x300, 0x1E950) if unicodedata.category(chr(code))[0] == "M"
    )


@cache
def _script_name(letter: str) -> str:
    return unicodedata.name(letter, "LATIN").split(" ")[0]


@cache
def _latin_languages() -> tuple[str, ...]:
    others = {language for languages in SCRIPTS.values() for language in languages}
    return tuple(language for language in MARKERS if language not in others)


def _spaced_words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold().translate(APOSTROPHES)
    if not _is_odd(folded):
        return PLAIN_WORD.findall(folded)
    return [
        part
        for match in _word_pattern().finditer(folded)
        if match.lastgroup == "spaced"
        for part in match.group().split("'")
    ]


@cache
def _markers() -> dict[str, frozenset[str]]:
    return {language: frozenset(words.split()) for language, words in MARKERS.items()}


# --- stems ---------------------------------------------------------------------------------------------

_stemmers = threading.local()  # a PyStemmer object must not be used by two threads at once
_stemmed: dict[tuple[str, str], tuple[str, ...]] = {}


def _stems(word: str, language: str) -> tuple[str, ...]:
    """The stem without accents, and where it differs the stem of the word typed without accents.

    Both, so that "informacion" finds "información" and "información" finds "informaciones".
    """
    known = _stemmed.get((language, word))
    if known is not None:
        return known
    stems = [_fold(_stem(word, language))]
    if not word.isascii() and (plain := _stem(_fold(word), language)) != stems[0]:
        stems.append(plain)
    tokens = tuple([sys.intern(stem[:MAX_TOKEN]) for stem in stems if stem])
    if len(_stemmed) >= MAX_CACHED:
        _stemmed.clear()
    _stemmed[language, word] = tokens
    return tokens


def _stem(word: str, language: str) -> str:
    import Stemmer  # type: ignore[import-not-found]  # a C extension without stubs

    if language not in Stemmer.algorithms():
        return word
    stemmers = _stemmers.__dict__
    if language not in stemmers:
        stemmers[language] = Stemmer.Stemmer(language, 0)  # 0: our own cache is before it
    stem: str = stemmers[language].stemWord(word)
    return stem


def _fold(word: str) -> str:
    if word.isascii():
        return word
    bare = ACCENTS.sub("", unicodedata.normalize("NFD", word)).translate(LETTERS)
    return unicodedata.normalize("NFC", bare)
