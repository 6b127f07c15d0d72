"""What "this album", "that", "there", "that year", "one" and "the policy" of a question stand for.

Each resolver gives the question with the first such word replaced, or None. English; knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .antecedents import KIND, PLACE_TOLD, full_name, place_told, thing
from .decompose import compared_in
from .names import DATE, owner
from .noun_phrases import FUNCTION_WORDS, items_in
from .pronouns import Found, about_a_person, put, put_agreeing
from .talk import Talk

__all__ = ["definite", "one", "ordinal", "then", "there", "this"]

PLACES = {
    "first": 0,
    "1st": 0,
    "second": 1,
    "2nd": 1,
    "third": 2,
    "3rd": 2,
    "fourth": 3,
    "4th": 3,
    "fifth": 4,
    "former": 0,
    "latter": -1,
    "last": -1,
}
ORDINAL = re.compile(
    rf"\bthe ({'|'.join(PLACES)})(?: (?:one|option|choice)\b|"
    r"(?=\s*(?:$|[?.!,;]|\b(?:is|was|costs?|mean|include|work)\b)))",
    re.IGNORECASE,
)
COUNTED = re.compile(r"\b(?:option|choice) ([1-9])\b", re.IGNORECASE)
SPAN = "time|year|season|period|point|era|month|week|day"
# "This year" is a date seen from today and not pointed at; "this time" and "that year" are.
TIME = re.compile(
    r"\b((?:at|during|in|after|before|since|by|until) )?(?:all )?"
    r"(?:(this) (time|period|point|era|season)|(?:that|the same) (time|year|season|period|point|era))"
    r"(?: period| frame)?\b",
    re.IGNORECASE,
)
YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d(?:[-–]\d{2,4})?\b")
# What may follow a "this" or "that" that points by itself; before any other word it belongs to that word.
BY_ITSELF = (
    "who which is was are were has have had to he she they it you i we the a an in on of by with for at from "
    "after before did does do and or get work well happen happened go mean cause change end sell released "
    "done begin release occur developed all only affect typically much many way article "
    "include apply cover count cost need require matter depend help contain exist hold take "
    "section page also already popular about too true"
).replace(" ", "|") + r"|\w{3,}ed|\w+(?:ful|ous)"
POINTING = re.compile(
    rf"\b(this|that|these|those) (?!(?:{SPAN}|{BY_ITSELF})\b)((?:one|ones)\b|[\w'’-]+)", re.IGNORECASE
)
ALONE = re.compile(
    r"\b(?:this|that|these|those)\b(?=\s*(?:$|[?.!,;]))|(?<=\bis )(?:this|that)\b"
    r"|(?<=\bwas )(?:this|that)\b|(?<=\bdid )(?:this|that)\b|(?<=\bdoes )(?:this|that)\b"
    r"|(?<=\bwere )(?:these|those)\b|(?<=\bare )(?:these|those)\b",
    re.IGNORECASE,
)
TAKES = re.compile(r"\btakes?\b", re.IGNORECASE)  # what takes long is what was asked how to do
# What "this" happened or was said is no name.
HAPPENS = re.compile(
    r"\b(?:happen|occur|began|beg[iu]n|start|stat|said?|say|mean|caus|done|feel|felt|chang|result)",
    re.IGNORECASE,
)
THERE = re.compile(
    r"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )(?<!\bbeen )\bthere\b(?=\s*(?:$|[?.!,]))", re.IGNORECASE
)
GOING = re.compile(r"\b(?:get|go|travel|come|move) $")
PLACE = re.compile(
    r"\b((?:[Ii]n|[Aa]t|to|[Oo]n) (?:the )?)((?:[A-Z][\w'’.-]*)(?: (?:of |the |de )?[A-Z0-9][\w'’.-]*)*)"
)
ONE = re.compile(r"\b(?:need|get|have|use|there|order|request|want|find|buy) (one)\b(?! of\b)", re.IGNORECASE)
THE = re.compile(r"\bthe ((?:[a-z-]+ )?)([a-z-]{3,})\b(?! of\b)")
GROUP = re.compile(r"^(?:band|group|team|club|company|duo|trio)s?$", re.IGNORECASE)


def ordinal(text: str, talk: Talk) -> Found | None:
    """ "The second one", "option 2": an item of the last list in an answer, or of what was compared."""
    match = ORDINAL.search(text) or COUNTED.search(text)
    if not match:
        return None
    told = (items_in(answer) for answer in reversed(talk.told))
    compared = compared_in(talk.question) if len(items_in(talk.answer)) < 2 else []
    items: list[str] = compared or next((found for found in told if len(found) > 1), [])
    place = int(match[1]) - 1 if match[1].isdigit() else PLACES[match[1].lower()]
    return put(text, match, items[place]) if place < len(items) else None


def then(text: str, talk: Talk) -> Found | None:
    """ "That season", "at this time": the year that was spoken of last."""
    match = TIME.search(text)
    years = YEAR.findall(talk.answer) or YEAR.findall(talk.question) or YEAR.findall(talk.aspect)
    if not match or not years or YEAR.search(text) or (match[2] and not talk.subject):
        return None
    unit = (match[3] or match[4]).lower()
    when = f"the {years[-1]} season" if unit == "season" else years[-1]
    how = (match[1] or "in ").lower().replace("at ", "in ")
    return f"{text[: match.start()]}{how}{when}{text[match.end() :]}", years[-1]


def this(text: str, talk: Talk) -> Found | None:
    """ "This album", "that": the name that the noun is of, else what was spoken of last."""
    match = POINTING.search(text)
    found = _this_one(text, match, talk) if match and not _joins(text, match) else None
    if found:
        return found
    alone = ALONE.search(text)
    own = alone and match and alone.start() == match.start()  # "does this flat": it belongs to the noun
    match = None if own or TAKES.search(text) else alone
    name = place_told(text, talk) or thing(text, talk) if match else ""
    if name == talk.subject and match and (talk.names_subject(text) or HAPPENS.search(text)):
        return None  # what happened is no name
    return put_agreeing(text, match, name, name) if match and name else None


def _joins(text: str, match: re.Match[str]) -> bool:
    """Whether a "that" begins a clause: "the band that Jo joined", "true that employees pay"."""
    before = text[: match.start()].split()
    return match[1].lower() == "that" and bool(before) and before[-1].lower() not in FUNCTION_WORDS


def _this_one(text: str, match: re.Match[str], talk: Talk) -> Found | None:
    noun = match[2]
    if noun.lower() in ("one", "ones"):
        name = thing(text, talk)
        return put(text, match, name) if name else None
    full = full_name(noun, text, talk)
    if full:
        return put(text, match, full)
    name = thing(text, talk) if KIND.match(noun) else ""
    if name and name != talk.subject and name[0].isupper():
        return put(text, match, f"the {noun} {name}")
    if talk.subject and not talk.names_subject(text):
        return f"{text[: match.start()]}{owner(talk.subject)} {noun}{text[match.end() :]}", talk.subject
    return None


def one(text: str, talk: Talk) -> Found | None:
    """ "Is there one for Linux?", "When do I need one?"."""
    match = ONE.search(text)
    name = thing(text, talk) if match and not talk.subject else ""
    if not match or not name or name.endswith("s"):
        return None
    name = name.removeprefix("the ")
    article = "an" if name[0] in "aeio" else "a"
    return f"{text[: match.start(1)]}{article} {name}{text[match.end() :]}", name


def there(text: str, talk: Talk) -> Found | None:
    """ "There": the place in the last turns."""
    match = THERE.search(text)
    for place in _places(talk) if match else ():
        if match and place[2].lower() not in text.lower():
            how = place[1].lower()
            if GOING.search(text[: match.start()]):
                how = "to the " if how.endswith(" the ") else "to "
            name = place[2].rstrip(".")
            return f"{text[: match.start()]}{how}{name}{text[match.end() :]}", name
    return None


def _places(talk: Talk) -> Iterator[re.Match[str]]:
    for said in (talk.answer, talk.question):
        yield from [place for place in PLACE.finditer(said) if not DATE.match(place[2])][:1]
    if not talk.subject:
        yield from [*PLACE_TOLD.finditer(talk.answer)][:1]


def definite(text: str, talk: Talk) -> Found | None:
    """ "The policy" after "the Travel Policy"; "the album" where one was named."""
    if talk.names_known(text):
        return None
    for match in THE.finditer(text):
        for before, noun, end in _readings(match):
            if noun in FUNCTION_WORDS or (before and before.strip() in FUNCTION_WORDS):
                continue
            full = full_name(noun, text, talk)
            if full and before.strip() in full.lower():
                return f"{text[: match.start()]}{full}{text[end:]}", full
            several = noun.endswith("s") and noun != "series" and not GROUP.match(noun)
            if (
                before
                or several
                or not KIND.match(noun)
                or talk.names_subject(text)
                or _said_bare(noun, talk)
            ):
                continue
            name = talk.subject if GROUP.match(noun) else thing(text, talk)
            if name and name[0].isupper() and (name != talk.subject or not about_a_person(talk)):
                return f"{text[:end]} {name}{text[end:]}", name
    return None


def _readings(match: re.Match[str]) -> Iterator[tuple[str, str, int]]:
    """ "The house designed": the noun is the second word, or the first."""
    yield match[1], match[2], match.end()
    if match[1]:
        yield "", match[1].strip(), match.end(1) - 1


def _said_bare(noun: str, talk: Talk) -> bool:
    """Whether "the office" stood in an earlier question without a name: then it has none here either."""
    unnamed = re.compile(rf"\bthe {re.escape(noun)}\b(?! [A-Z])")
    return any(unnamed.search(question) is not None for question in talk.asked)
