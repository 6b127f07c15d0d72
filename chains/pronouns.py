"""What "he", "her", "they", "their", "it" and "its" of a question stand for.

Each resolver gives the question with the first such word replaced, or None. English; knows no model.
"""

from __future__ import annotations

import re

from .antecedents import KIND, list_spoken_of, of_subject, place_told, several, thing
from .names import is_work, names_in, owner
from .noun_phrases import FUNCTION_WORDS, noun_phrases
from .talk import Talk

__all__ = ["Found", "about_a_person", "it", "person", "put", "put_agreeing", "they"]

HE_SHE = re.compile(r"\b(he|him|his|she|her|hers)\b", re.IGNORECASE)
THEY = re.compile(r"\b(they|them|their|theirs)\b", re.IGNORECASE)
IT = re.compile(r"\b([Ii]ts?)\b")  # and not "the IT department"
IMPERSONAL = re.compile(
    r"\bdo it\b|\bit (?:takes?|took|true|possible|ok|okay|says?|mentions?|rains?|make sense|costs? to)\b"
    r"|\b(?:time|day|date) is it\b"
    r"|\b(?:is|was|would) it (?:so |not )?(?:to|that|if|possible|true|okay|ok|allowed|necessary|hard|"
    r"difficult|easy|important|better|worth|safe|legal|normal|common)\b",
    re.IGNORECASE,
)
# Somebody named before "he" in the same question: "What did Ann say when she left?"
SOMEBODY = re.compile(r"\b(?i:did|does|do|was|is|has|had|will|can|could|would|should) (?:[A-Z][\w’-]+ )+")
# Where a clause ends within a question: what the next one points to may stand before it.
CLAUSE_ENDS = re.compile(r",? (?:and|or|but|if|when|once|before|after|because|unless|while) |[,;] ")
OWNING = frozenset({"its", "their", "theirs", "his", "hers"})
# "her" before one of these is an object ("give her the book"), before other words it owns ("her book").
OBJECT_ENDS = re.compile(rf"\s*(?:$|[^\w\s]|(?:{'|'.join(sorted(FUNCTION_WORDS))})\b)", re.IGNORECASE)
# "How long does it take", "Is it possible to": nothing is pointed to.
SINGULAR = re.compile(r"\b(is|was|does|has) $", re.IGNORECASE)
TWO_WORDS = re.compile(r"(?!The )[A-Z][\w.'’-]+ (?:\w+ )?[A-Z][\w'’-]+$")
NO_PERSON = re.compile(r"^The |[–:&]|\b(?:in|about|and|on|it|to|at|with)\b|\d", re.IGNORECASE)
COUPLE = re.compile(
    r"\b(?:marr|wed|divorc|together|kids|children|dat(?:e|ing)\b|met\b|meet\b)", re.IGNORECASE
)
PLACE_OF = re.compile(r" (?:in|at|of|from|for|to|on) ")  # "Ann Lee of Finance"
PERSON = re.compile(
    r"\b((?:my|our|the|your|a|an) (?:\w+ )?(?:manager|doctor|boss|colleague|employee|officer|director|"
    r"lead|owner|buddy|mentor|customer|agent|contractor|author|president|founder|head of \w+|"
    r"[a-z]{3,}(?:ist|ician)))\b",
    re.IGNORECASE,
)
Found = tuple[str, str]  # the question as it is now, and what was carried into it


def person(text: str, talk: Talk) -> Found | None:
    """ "He", "her": the subject, else the person that was named last."""
    match = HE_SHE.search(text)
    if not match or talk.names_subject(text) or SOMEBODY.search(text, 0, match.start()):
        return None
    if talk.subject and not NO_PERSON.search(talk.subject):
        return put(text, match, talk.subject)
    for said in (talk.answer, talk.question):
        named = [
            PLACE_OF.split(name)[0]
            for name in names_in(said)
            if not is_work(name, said) and not KIND.match(name.split()[-1])
        ]
        for name in [*talk.others(named), *(person[1] for person in PERSON.finditer(said))]:
            if name.lower() not in text.lower():
                return put(text, match, _definite_form(name))
    return put(text, match, talk.subject) if talk.subject else None


def _named_before(text: str, match: re.Match[str]) -> bool:
    """Whether an earlier clause of the question has a thing: "Which form do I need and who signs it?"."""
    ends = [one.start() for one in CLAUSE_ENDS.finditer(text, 0, match.start() + 1)]
    clause = text[: ends[-1]] if ends else ""
    return bool(noun_phrases(clause) or names_in(clause))


def _definite_form(name: str) -> str:
    return re.sub(r"^(?:a|an) ", "the ", name, flags=re.IGNORECASE)


def they(text: str, talk: Talk) -> Found | None:
    """ "They", "their": the people, the subject, the list or the things that were spoken of last."""
    match = THEY.search(text)
    if not match or _named_before(text, match) or (talk.subject and talk.names_subject(text)):
        return None
    if talk.subject.islower() and not _is_plural(talk.subject):  # "parental leave" is not they
        return None
    name = (
        _people(text, talk)
        or talk.subject
        or list_spoken_of(talk)
        or thing(text, talk, plural=match[0].lower() == "they")
        or several(talk.question)
    )
    return put(text, match, name) if name else None


def _people(text: str, talk: Talk) -> str:
    """Where the subject is one person: who "they" are besides, if the last turns tell."""
    if not talk.subject:
        return ""
    near = [name for said in (talk.question, talk.answer) for name in talk.others(names_in(said))]
    if COUPLE.search(text) and TWO_WORDS.match(talk.subject):
        partners = [*near, *talk.others(names_in(talk.aspect))]
        return f"{talk.subject} and {partners[0]}" if partners else ""
    if not about_a_person(talk):
        return ""
    if talk.raw and THEY.search(talk.raw[-1]):  # the same people as in the question before
        before = [name for name in talk.others(names_in(talk.question)) if name not in talk.raw[-1]]
        return before[0] if before else ""
    return next((name for name in near if " and " in name or " & " in name), "")


def about_a_person(talk: Talk) -> bool:
    """Whether earlier questions call the subject "he" or "she"."""
    return any(HE_SHE.search(question) for question in talk.raw)


def it(text: str, talk: Talk) -> Found | None:
    """ "It", "its": what was spoken of last."""
    match = IT.search(text)
    if not match or IMPERSONAL.search(text) or (talk.subject and talk.names_subject(text)):
        return None
    if _named_before(text, match):
        return None
    name = place_told(text, talk) or thing(text, talk)
    if not name:
        return None
    return put_agreeing(text, match, of_subject(name, talk), name)


def put(text: str, match: re.Match[str], name: str) -> Found:
    """The word replaced by the name, as an owner where the word is one."""
    word = match[0].lower()
    owns = word in OWNING or (word == "her" and not OBJECT_ENDS.match(text[match.end() :]))
    return f"{text[: match.start()]}{owner(name) if owns else name}{text[match.end() :]}", name


def put_agreeing(text: str, match: re.Match[str], whole: str, name: str) -> Found:
    """The word replaced by a thing that may be several: "are days of leave paid"."""
    made, carried = put(text, match, whole)
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
