"""Greetings, thanks, goodbyes and questions about the bot itself, by rule, in seven languages.

Whatever asks for anything else is no small talk, however politely it begins. Knows no encoder and no model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

from langchain_core.runnables import RunnableConfig

from .deciding import Router
from .routes import Decision, Route
from .small_talk_phrases import ANSWERS, KINDS, PHRASES, TITLES_SAID

__all__ = ["SMALL_TALK", "SmallTalk", "asks_nothing", "small_talk"]

SMALL_TALK = "small talk"  # the route's name
LONGEST = 120  # characters; nobody greets at such length without wanting something
TITLES = 3  # documents named where someone asks what the bot can do
Said = tuple[str, str]  # kind and language


class SmallTalk(Router):
    """Answers greetings, thanks, goodbyes, "what can you do?" and "who are you?" without a search.

    It reads the question as it was typed. A real question that begins with a greeting goes on.

    Args:
        titles: gives titles of the documents, to name some where someone asks what the bot can do.

    Example:
        >>> SmallTalk().invoke("Good morning!").route.direct
        'Hello. Ask me a question about the documents.'
        >>> SmallTalk().invoke("Good morning, when is lunch?").name is None
        True
    """

    def __init__(self, titles: Callable[[], Sequence[str]] | None = None) -> None:
        super().__init__(
            [Route(SMALL_TALK, "Greetings, thanks, goodbyes, and what the bot is.", direct=True)]
        )
        self._titles = titles

    def decide(self, question: str, state: Mapping[str, Any], config: RunnableConfig) -> Decision:
        """Small talk with its answer, or no route."""
        said = small_talk(str(state["question"]))
        if said is None:
            return Decision(None, "no small talk", by="rule")
        route = replace(self.routes[0], direct=self._answer(*said))
        return Decision(SMALL_TALK, said[0], by="rule", route=route)

    def _answer(self, kind: str, language: str) -> str:
        known = self._titles() if self._titles and kind == "ability" else ()
        named = ", ".join(f"“{title}”" for title in list(dict.fromkeys(known))[:TITLES])
        return ANSWERS[language][kind].format(titles=TITLES_SAID[language].format(named) if named else "")


def small_talk(text: str) -> Said | None:
    """What kind of small talk a text is, and in which language; None where it asks for something.

    >>> small_talk("Hi there!"), small_talk("Danke schön"), small_talk("ok, what can you do?")
    (('greeting', 'en'), ('thanks', 'de'), ('ability', 'en'))
    >>> small_talk("Hello, how many days of leave do I get?") is None
    True
    """
    found = _said(text)
    kinds = [kind for kind in KINDS if found and any(kind == one for one, _ in found)]
    return next((one for one in found or () if one[0] == kinds[0]), None) if kinds else None


def asks_nothing(text: str) -> bool:
    """Whether a text is small talk, or has no words at all.

    >>> asks_nothing("thanks, bye"), asks_nothing("???"), asks_nothing("thanks, and lunch?")
    (True, True, False)
    """
    said = _said(text)
    if not said or not text.rstrip().endswith("?"):
        return said is not None
    return any(kind != "filler" for kind, _ in said)  # "And then?" asks to go on


@lru_cache(maxsize=64)  # several steps ask it of the same question
def _said(text: str) -> list[Said] | None:
    """The phrases that a text is made of, without a word left over; None where it is made of others."""
    if len(text) > LONGEST:
        return None
    plain = _plain(text)
    reached: dict[int, list[Said]] = {_next_word(plain, 0): []}  # by where the next word begins
    for place in range(len(plain)):
        if place not in reached:
            continue
        for kind, language, phrase in _phrases():
            if hit := phrase.match(plain, place):
                said = [*reached[place], (kind, language)]
                reached.setdefault(_next_word(plain, hit.end()), said)
    return reached.get(len(plain))


def _next_word(plain: str, place: int) -> int:
    while place < len(plain) and not plain[place].isalnum():
        place += 1
    return place


@cache
def _phrases() -> list[tuple[str, str, re.Pattern[str]]]:
    return [
        (kind, language, re.compile(rf"(?:{_plain(said)})(?!\w)"))
        for language, kinds in PHRASES.items()
        for kind, said in kinds.items()
    ]


def _plain(text: str) -> str:
    """In small letters, without accents: many type `adios`."""
    apart = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return "".join(character for character in apart if not unicodedata.combining(character))
