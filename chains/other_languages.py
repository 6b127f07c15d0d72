"""Follow-ups in other languages than English: short ones are completed from the question before.

"Und für Praktikanten?" ends the question before; one that points or says little gets it in brackets, which
is right in every grammar. Knows no model.
"""

from __future__ import annotations

import re

from .analyser import detect_language
from .implied import END, at_the_end
from .noun_phrases import FUNCTION_WORDS
from .stop_words import stop_words
from .talk import Talk

__all__ = ["completed_abroad", "language_of"]

LOOKED_BACK = 3  # earlier questions that tell the language, and that are completed in their turn
FEW = 2  # words that carry meaning: a question of no more says little
SHORT = 6  # words of such a question; one that points may have twice as many

UNMISTAKABLE = frozenset("the what how who which when where why does did were they your".split())
ENGLISH = re.compile(rf"\b(?:{'|'.join(sorted(UNMISTAKABLE))})\b", re.IGNORECASE)
NOUN = re.compile(r"\b(?!(?:Sie|Ihr|Ihre|Ihnen)\b)[A-ZÄÖÜ]\w+")
NEVER = r"(?!)"
NEIGHBOURS = ("german", "french", "spanish", "italian", "portuguese", "dutch")

# For each language: how a fragment begins; before a question word it begins a whole question.
OPENINGS = {
    "german": r"(?:(?:und )?was ist mit|und|aber|oder|auch)\s+"
    r"(?!w(?:er|ie|o|as|ann|arum|ieso|em|en|elche\w?|ieviele?)\b)",
    "french": r"(?:(?:et )?qu['’]en est-il|et|mais|ou)\s+"
    r"(?!(?:qu\w+|qu['’]|comment|combien|pourquoi|où|est-ce))",
}
# What of the fragments may stand at the end of the question before.
ENDING = re.compile(
    r"(?:für|in|im|bei|beim|mit|ohne|nach|vor|während|an|am|aus|von|ab|zum|zur"
    r"|pour|en|à|au|aux|dans|chez|avec|sans|après|avant|pendant|depuis|dès)\b",
    re.IGNORECASE,
)
# Words that stand for what was spoken of. "Das Essen" is no such "das", "Sie" is whom we speak to.
POINTS = {
    "german": r"\b(?:er|es|sie|ihn|ihm|ihnen|davon|dafür|dazu|darauf|dabei|damit|danach|dort"
    r"|dies(?:e[rsmn]?)?|das(?! [A-ZÄÖÜ]))\b",
    "french": r"\b(?:elles?|ils|ça|cela|ceci|celui|celle|ceux|celles)\b|-ils?\b"
    r"|\bil (?:est|sera|doit|peut|a)\b",
}
# "Gibt es", "y a-t-il": nothing is pointed to.
IMPERSONAL = {
    "german": r"\b(?:gibt es|gibt's|es gibt|ist es (?:möglich|erlaubt|nötig|wahr)|geht es)\b",
    "french": r"\b(?:y a-t-il|il y a|faut-il|il faut|est-il (?:possible|permis|vrai|nécessaire)|s'agit-il)\b",
}


def language_of(question: str, talk: Talk) -> str:
    """The question's language; a short one is taken to be in the language of the questions before."""
    if ENGLISH.search(question):
        return "english"
    own = detect_language(question)
    if own != "english" or not re.search(r"[A-Za-z]", question):
        return own if own != "english" else "unknown"
    words = set(re.findall(r"\w+", " ".join((*talk.raw[-LOOKED_BACK:], question)).lower()))
    if words & UNMISTAKABLE:
        return "english"
    hits = {language: len(words & stop_words(language)) for language in NEIGHBOURS}
    best = max(NEIGHBOURS, key=lambda language: hits[language])
    return best if hits[best] > max(1, len(words & FUNCTION_WORDS)) else "english"


def completed_abroad(question: str, talk: Talk, language: str) -> tuple[str, str] | None:
    """The question with the one before, and what was carried over; None where it says by itself what it asks.

    >>> completed_abroad("Und in Spanien?", Talk(raw=("Wie hoch ist das Tagegeld?",)), "german")
    ('Wie hoch ist das Tagegeld in Spanien?', 'Wie hoch ist das Tagegeld')
    """
    before = END.sub("", talk.subject)
    for asked in talk.raw[-LOOKED_BACK:]:
        before = END.sub("", _with_the_one_before(asked, before, language) or asked)
    whole = _with_the_one_before(question, before, language)
    return (whole, before) if whole else None


def _with_the_one_before(question: str, before: str, language: str) -> str:
    if not before or before in question:
        return ""
    short = len(question.split()) <= SHORT
    opening = re.match(OPENINGS.get(language, NEVER), question, re.IGNORECASE) if short else None
    if opening and ENDING.match(question, opening.end()):
        return f"{before} {question[opening.end() :]}"
    if opening or _points(question, language) or (short and _says_little(question, language)):
        return at_the_end(question, f"({before})")
    return ""


def _points(question: str, language: str) -> bool:
    if len(question.split()) > 2 * SHORT or re.search(
        IMPERSONAL.get(language, NEVER), question, re.IGNORECASE
    ):
        return False
    return bool(re.search(POINTS.get(language, NEVER), question[:1].lower() + question[1:]))


def _says_little(question: str, language: str) -> bool:
    """Whether hardly a word carries meaning; a noun of one's own is enough, and in German one sees it."""
    if language == "german" and NOUN.search(question, 1):
        return False
    words = re.findall(r"\w[\w'’-]*", question)
    said = [word for word in words if word.lower() not in stop_words(language)]
    return len(said) <= (FEW if language not in OPENINGS or language == "german" else 1)
