"""What the pointing words of a question stand for: "it", "their", "he", "this album", "the second one".

Each resolver gives the question with the first such word replaced, or None. English; knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from .decompose import compared_in
from .mentions import (
    AFTER,
    DATE,
    FUNCTION_WORDS,
    KINDS,
    Talk,
    bare,
    folded,
    items_in,
    names_in,
    noun_phrases,
    works_in,
)

__all__ = ["RESOLVERS", "Resolver", "owner", "with_article"]

HE_SHE = re.compile(r"\b(he|him|his|she|her|hers)\b", re.IGNORECASE)
SEVERAL = re.compile(r"(?:\b[a-z-]+ )?\b[a-z-]{3,}s\b")
NO_PLURAL = re.compile(r"(?:ss|us|is)$")
THEY = re.compile(r"\b(they|them|their|theirs)\b", re.IGNORECASE)
IT = re.compile(r"\b(it|its)\b", re.IGNORECASE)
# Somebody named before "he" in the same question: "What did Ann say when she left?"
SOMEBODY = re.compile(r"\b(?i:did|does|do|was|is|has|had|will|can|could|would|should) (?:[A-Z][\w’-]+ )+")
# Where a clause ends within a question: what the next one points to may stand before it.
CLAUSE_ENDS = re.compile(r",? (?:and|or|but|if|when|once|before|after|because|unless|while) |[,;] ")
OWNING = frozenset({"its", "their", "theirs", "his", "hers"})
# "her" before one of these is an object ("give her the book"), before other words it owns ("her book").
OBJECT_ENDS = re.compile(rf"\s*(?:$|[^\w\s]|(?:{'|'.join(sorted(FUNCTION_WORDS))})\b)", re.IGNORECASE)
# "How long does it take", "Is it possible to": nothing is pointed to.
SINGULAR = re.compile(r"\b(is|was|does|has) $", re.IGNORECASE)
IMPERSONAL = re.compile(
    r"\bdo it\b|\bit (?:takes?|took|true|possible|ok|okay|says?|mentions?|rains?|make sense|costs? to)\b"
    r"|\b(?:time|day|date) is it\b"
    r"|\b(?:is|was|would) it (?:so |not )?(?:to|that|if|possible|true|okay|ok|allowed|necessary|hard|"
    r"difficult|easy|important|better|worth|safe|legal|normal|common)\b",
    re.IGNORECASE,
)
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
    "section page also already"
).replace(" ", "|")
POINTING = re.compile(
    rf"\b(this|that|these|those) (?!(?:{SPAN}|{BY_ITSELF})\b)((?:one|ones)\b|[\w'’-]+)", re.IGNORECASE
)
ALONE = re.compile(
    r"\b(?:this|that|these|those)\b(?=\s*(?:$|[?.!,;]))|(?<=\bis )(?:this|that)\b"
    r"|(?<=\bwas )(?:this|that)\b|(?<=\bdid )(?:this|that)\b|(?<=\bdoes )(?:this|that)\b"
    r"|(?<=\bwere )(?:these|those)\b|(?<=\bare )(?:these|those)\b",
    re.IGNORECASE,
)
THERE = re.compile(
    r"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )(?<!\bbeen )\bthere\b(?=\s*(?:$|[?.!,]))", re.IGNORECASE
)
PLACE = re.compile(
    r"\b((?:[Ii]n|[Aa]t|to|[Oo]n) (?:the )?)((?:[A-Z][\w'’.-]*)(?: (?:of |the |de )?[A-Z0-9][\w'’.-]*)*)"
)
PLACED = re.compile(r"\b(?:in|at|from|near|on) (?:the )?$", re.IGNORECASE)
THE = re.compile(r"\bthe ((?:[a-z-]+ )?)([a-z-]{3,})\b(?! of\b)")
KIND = re.compile(rf"^(?:{KINDS})s?$", re.IGNORECASE)
GROUP = re.compile(r"^(?:band|group|team|club|company|duo|trio)s?$", re.IGNORECASE)
TWO_WORDS = re.compile(r"(?!The )[A-Z][\w.'’-]+ (?:\w+ )?[A-Z][\w'’-]+$")
NO_PERSON = re.compile(r"^The |[–:&]|\b(?:in|about|and|on|it|to|at|with)\b|\d", re.IGNORECASE)
COUPLE = re.compile(
    r"\b(?:marr|wed|divorc|together|kids|children|dat(?:e|ing)\b|met\b|meet\b)", re.IGNORECASE
)
PERSON = re.compile(
    r"\b((?:my|our|the|your|a|an) (?:\w+ )?(?:manager|doctor|boss|colleague|employee|officer|director|"
    r"lead|owner|buddy|mentor|customer|agent|contractor|author|president|founder|head of \w+|"
    r"[a-z]{3,}(?:ist|ician)))\b",
    re.IGNORECASE,
)
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

Resolver = Callable[[str, Talk], tuple[str, str] | None]
Found = tuple[str, str]  # the question as it is now, and what was carried into it


def owner(name: str) -> str:
    """The name as an owner: "Slayer's", "The Kinks'"."""
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def _put(text: str, match: re.Match[str], name: str) -> Found:
    word = match[0].lower()
    owns = word in OWNING or (word == "her" and not OBJECT_ENDS.match(text[match.end() :]))
    return f"{text[: match.start()]}{owner(name) if owns else name}{text[match.end() :]}", name


def _ordinal(text: str, talk: Talk) -> Found | None:
    """ "The second one", "option 2": an item of the last list in an answer, or of what was compared."""
    match = ORDINAL.search(text) or COUNTED.search(text)
    if not match:
        return None
    told = (items_in(answer) for answer in reversed(talk.told))
    compared = compared_in(talk.question) if len(items_in(talk.answer)) < 2 else []
    items: list[str] = compared or next((found for found in told if len(found) > 1), [])
    place = int(match[1]) - 1 if match[1].isdigit() else PLACES[match[1].lower()]
    return _put(text, match, items[place]) if place < len(items) else None


def _person(text: str, talk: Talk) -> Found | None:
    match = HE_SHE.search(text)
    if not match or talk.names_subject(text) or SOMEBODY.search(text, 0, match.start()):
        return None
    if talk.subject and not NO_PERSON.search(talk.subject):
        return _put(text, match, talk.subject)
    for said in (talk.answer, talk.question):
        named = [
            name for name in names_in(said) if name not in works_in(said) and not KIND.match(name.split()[-1])
        ]
        for name in [*talk.others(named), *(person[1] for person in PERSON.finditer(said))]:
            if name.lower() not in text.lower():
                return _put(text, match, _definite_form(name))
    return _put(text, match, talk.subject) if talk.subject else None


def _named_before(text: str, match: re.Match[str]) -> bool:
    """Whether an earlier clause of the question has a thing: "Which form do I need and who signs it?"."""
    ends = [one.start() for one in CLAUSE_ENDS.finditer(text, 0, match.start() + 1)]
    clause = text[: ends[-1]] if ends else ""
    return bool(noun_phrases(clause) or names_in(clause))


def _definite_form(name: str) -> str:
    return re.sub(r"^(?:a|an) ", "the ", name, flags=re.IGNORECASE)


def _they(text: str, talk: Talk) -> Found | None:
    match = THEY.search(text)
    if not match or _named_before(text, match) or (talk.subject and talk.names_subject(text)):
        return None
    name = (
        _people(text, talk)
        or talk.subject
        or _listed(talk)
        or _thing(text, talk, plural=match[0].lower() == "they")
        or _several(talk.question)
    )
    return _put(text, match, name) if name else None


def _listed(talk: Talk) -> str:
    items = items_in(talk.answer)
    return " and ".join([", ".join(items[:-1]), items[-1]]) if 1 < len(items) <= 4 else ""


def _several(question: str) -> str:
    """The last things that a question names without a word before them: "carry over unused days"."""
    for match in reversed(list(SEVERAL.finditer(question))):
        words = [word for word in match[0].split() if word.lower() not in FUNCTION_WORDS]
        if words and words[-1] == match[0].split()[-1] and not NO_PLURAL.search(words[-1]):
            return " ".join(words)
    return ""


def _people(text: str, talk: Talk) -> str:
    """Where the subject is one person: who "they" are besides, if the last turns tell."""
    if not talk.subject:
        return ""
    near = [name for said in (talk.question, talk.answer) for name in talk.others(names_in(said))]
    if COUPLE.search(text) and TWO_WORDS.match(talk.subject):
        partners = [*near, *talk.others(names_in(talk.aspect))]
        return f"{talk.subject} and {partners[0]}" if partners else ""
    if not _is_person(talk):
        return ""
    if talk.raw and THEY.search(talk.raw[-1]):  # the same people as in the question before
        before = [name for name in talk.others(names_in(talk.question)) if name not in talk.raw[-1]]
        return before[0] if before else ""
    return next((name for name in near if " and " in name or " & " in name), "")


def _is_person(talk: Talk) -> bool:
    return any(HE_SHE.search(question) for question in talk.raw)


def _it(text: str, talk: Talk) -> Found | None:
    match = IT.search(text)
    if not match or IMPERSONAL.search(text) or (talk.subject and talk.names_subject(text)):
        return None
    if _named_before(text, match):
        return None
    name = _thing(text, talk)
    if not name:
        return None
    return _put_agreeing(text, match, _of_subject(name, talk), name)


def _put_agreeing(text: str, match: re.Match[str], whole: str, name: str) -> Found:
    made, carried = _put(text, match, whole)
    return (_agreeing(made, match.start()) if _is_plural(name) else made), carried


def _is_plural(name: str) -> bool:
    """Whether a thing without a name is several: "days of leave", "salaries"."""
    head = name.split(" of ")[0]
    return name[0].islower() and head.endswith("s") and not head.endswith("ss")


def _agreeing(text: str, place: int) -> str:
    """The question with the auxiliary right before that place in the plural."""
    match = SINGULAR.search(text, 0, place)
    if not match:
        return text
    verb = {"is": "are", "was": "were", "does": "do", "has": "have"}[match[1].lower()]
    verb = verb.capitalize() if match[1][0].isupper() else verb
    return f"{text[: match.start(1)]}{verb}{text[match.end(1) :]}"


def _of_subject(name: str, talk: Talk) -> str:
    apart = talk.subject and not talk.names_subject(name) and name[0].isupper()
    return f"{owner(talk.subject)} {name}" if apart else name


def _thing(text: str, talk: Talk, *, plural: bool = False) -> str:
    """What was spoken of last and is not in the question yet: a name, the subject, else a thing."""
    for name in _things(talk, plural):
        if name.lower() not in text.lower():
            return name
    return ""


def _things(talk: Talk, plural: bool) -> Iterator[str]:
    works = () if not talk.subject and len(items_in(talk.answer)) > 1 else works_in(talk.answer)
    where: list[str] = []  # "in France": rather the thing that is there
    for said, names in ((talk.question, names_in(talk.question)), (talk.answer, works)):
        if talk.aspect and folded(talk.title) in folded(said):
            yield talk.title
        for name in talk.others(names):
            if not talk.subject and PLACED.search(said[: max(0, said.find(name))]):
                where.append(name)
            else:
                yield with_article(name, said)
    if talk.subject:
        yield talk.subject
    told = [name for name in talk.others(names_in(talk.answer)) if " " in name]
    if len(told) == 1:  # "I recommend Hunan Chef."
        yield with_article(told[0], talk.answer)
    phrases = noun_phrases(talk.question)
    yield from sorted(phrases, key=lambda phrase: phrase.endswith("s") != plural)
    yield from where


def with_article(name: str, said: str) -> str:
    """The name with the "the" and the kind that it had where it was said: "the Berlin office"."""
    place = said.find(name)
    kind = AFTER.match(said, place + len(name)) if place >= 0 else None
    whole = f"{name} {kind[1]}" if kind and kind[1].islower() and "," not in kind[0] else name
    return f"the {whole}" if said[max(0, place - 4) : place].lower() == "the " else whole


def _time(text: str, talk: Talk) -> Found | None:
    """ "That season", "at this time": the year that was spoken of last."""
    match = TIME.search(text)
    years = YEAR.findall(talk.answer) or YEAR.findall(talk.question) or YEAR.findall(talk.aspect)
    if not match or not years or YEAR.search(text) or (match[2] and not talk.subject):
        return None
    unit = (match[3] or match[4]).lower()
    when = f"the {years[-1]} season" if unit == "season" else years[-1]
    how = (match[1] or "in ").lower().replace("at ", "in ")
    return f"{text[: match.start()]}{how}{when}{text[match.end() :]}", years[-1]


def _this(text: str, talk: Talk) -> Found | None:
    match = POINTING.search(text)
    found = _this_one(text, match, talk) if match and not _joins(text, match) else None
    if found:
        return found
    match = ALONE.search(text)
    name = _thing(text, talk) if match else ""
    return _put_agreeing(text, match, name, name) if match and name else None


def _joins(text: str, match: re.Match[str]) -> bool:
    """Whether a "that" begins a clause: "the band that Jo joined", "true that employees pay"."""
    before = text[: match.start()].split()
    return match[1].lower() == "that" and bool(before) and before[-1].lower() not in FUNCTION_WORDS


def _this_one(text: str, match: re.Match[str], talk: Talk) -> Found | None:
    noun = match[2]
    if noun.lower() in ("one", "ones"):
        name = _thing(text, talk)
        return _put(text, match, name) if name else None
    full = _full_name(noun, text, talk)
    if full:
        return _put(text, match, full)
    name = _thing(text, talk) if KIND.match(noun) else ""
    if name and name != talk.subject and name[0].isupper():
        return _put(text, match, f"the {noun} {name}")
    if talk.subject and not talk.names_subject(text):
        return f"{text[: match.start()]}{owner(talk.subject)} {noun}{text[match.end() :]}", talk.subject
    return None


def _definite(text: str, talk: Talk) -> Found | None:
    """ "The policy" after "the Travel Policy"; "the album" where one was named."""
    if talk.names_known(text):
        return None
    for match in THE.finditer(text):
        before, noun = match[1], match[2]
        if noun in FUNCTION_WORDS or (before and before.strip() in FUNCTION_WORDS):
            continue
        full = _full_name(noun, text, talk)
        if full:
            return f"{text[: match.start()]}{full}{text[match.end() :]}", full
        if before or not KIND.match(noun) or talk.names_subject(text) or _said_bare(noun, talk):
            continue
        name = talk.subject if GROUP.match(noun) else _thing(text, talk)
        if name and name[0].isupper() and (name != talk.subject or not _is_person(talk)):
            return f"{text[: match.end()]} {name}{text[match.end() :]}", name
    return None


def _said_bare(noun: str, talk: Talk) -> bool:
    """Whether "the office" stood in an earlier question without a name: then it has none here either."""
    unnamed = re.compile(rf"\bthe {re.escape(noun)}\b(?! [A-Z])")
    return any(unnamed.search(question) is not None for question in talk.asked)


def _full_name(noun: str, text: str, talk: Talk) -> str:
    """The name in the last turns that the noun is the head of: "policy" in "Travel Policy"."""
    head = re.compile(rf"\b{re.escape(noun)}(?:$| of )", re.IGNORECASE)
    for said in (talk.question, talk.answer):
        for name in map(bare, talk.others(names_in(said))):
            if head.search(name) and " " in name and name.lower() not in text.lower():
                return name if name.lower().startswith("the ") else f"the {name}"
    return ""


def _there(text: str, talk: Talk) -> Found | None:
    match = THERE.search(text)
    for said in (talk.answer, talk.question) if match else ():
        places = [place for place in PLACE.finditer(said) if not DATE.match(place[2])]
        if match and places and places[0][2].lower() not in text.lower():
            going = re.search(r"\b(?:get|go|travel|come|move) $", text[: match.start()])
            where = f"{'to ' if going else places[0][1].lower()}{places[0][2].rstrip('.')}"
            return f"{text[: match.start()]}{where}{text[match.end() :]}", places[0][2]
    return None


RESOLVERS = (_ordinal, _person, _they, _it, _time, _this, _there, _definite)
