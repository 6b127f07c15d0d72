"""A question that asks for two things becomes a question for each, by rule.

Two questions in one, comparisons, and lists whose form shows that two things are meant. Knows no store: what
is one thing in the collection ("terms and conditions") is asked of a function.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .analyser import query_tokens

__all__ = ["Together", "asks_for_several", "compared_in", "decompose"]

Together = Callable[[str, str], bool]  # whether "first and second" stands in the collection: one thing

MOST = 4  # parts; a longer list asks for one thing, its items
LONGEST = 2000  # characters; a longer one is pasted text, whose commas ask for nothing
SIDE = 12  # words of one side of a list; a longer one is a clause
QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|‘[^’]*’|`[^`]*`|(?<!\w)'[^']*'(?!\w)")
SENTENCE = re.compile(r"[^.?!\n]+(?:[.?!]+(?=\S)[^.?!\n]*)*[.?!\n]*")  # "3.5" and "a.md" end none
# After "and" these begin a question of their own; an auxiliary does only before its subject.
ASKING = r"(?:(?:in |at |on |for |to |by |of |from |with )?(?:what|which|whom|whose|how)|when|where|who|why)"
SUBJECT = r"(?:i|we|you|it|they|he|she|there|this|that|these|those|the|a|an|my|our|your|is|are)"
AUXILIARY = r"(?:is|are|was|were|do|does|did|can|could|may|must|shall|should|will|would|has|have)"
CLAUSES = re.compile(
    rf"(?:\s*[,;])?\s+(?:and|or)\s+(?:also\s+|if so,?\s+)?"
    rf"(?={ASKING}\b|{AUXILIARY}\s+{SUBJECT}\b)|\s*;\s+",
    re.IGNORECASE,
)
PRONOUN = re.compile(
    r"\b(it|its|they|them|their|this|that|these|those|he|him|his|she|her|one|ones)\b", re.IGNORECASE
)
OPENING = re.compile(r"^(?:and|but|or|so|also|then)\b[\s,]*", re.IGNORECASE)
PREPOSITION = re.compile(r"\s(in|of|on|for|from|at|to|under|with|by|during|after|before)\s", re.IGNORECASE)
# What a comparison may name that nobody can search for.
VAGUE = re.compile(
    r"^(?:the )?(?:others?|most|all|any|some|rest|average|normal|what|who|which)\b", re.IGNORECASE
)
ASKS = re.compile(
    rf"^(?:{OPENING.pattern[1:]})?(?:please\s+)?(?:{ASKING}|{AUXILIARY}|tell|explain|describe|list|show|give|name)\b",
    re.IGNORECASE,
)
STAND_IN = re.compile(r"^(?:those|that|the ones?)\s+", re.IGNORECASE)
TAIL = (
    r"(?P<tail>,?\s+"
    r"(?:regarding|concerning|in terms of|with (?:respect|regard) to|when it comes to|as to)\s.+)?"
)
# What is compared is in `first` and `second`, or is a list in `both`; `about` is said of each.
COMPARISONS = tuple(
    re.compile(pattern + TAIL + r"\s*[?.!]*\s*$", re.IGNORECASE)
    for pattern in (
        r"\b(?:differences?|similarit(?:y|ies)|distinctions?|comparisons?|contrasts?)\s+between\s+(?P<both>.+?)",
        r"\bhow\s+(?:do|does|did|are|is|were|was)\s+(?P<first>.+?)\s+"
        r"(?:differ(?:s|ent)?\s+from|compared?\s+(?:to|with)|similar\s+to|relate(?:d|s)?\s+to)\s+(?P<second>.+?)",
        r"\bhow\s+(?:do|does|did|are|is|were|was)\s+(?P<both>.+?)\s+(?:differ|compare|different|alike|similar)"
        r"(?P<about>\s+(?:in|on)\s+.+?)?",
        r"\b(?:do|does|did)\s+(?P<both>.+?)\s+have\s+in\s+common",
        r"^\W*(?:\w+\s+){0,3}?(?:compare|contrast|comparing)\s+"
        r"(?P<first>.+?)\s+(?:with|to|against)\s+(?P<second>.+?)",
        r"^\W*(?:\w+\s+){0,3}?(?:compare|contrast|comparing)\s+(?P<both>.+?)",
        r"^(?:what\s+(?:is|about)\s+)?(?P<first>.+?),?\s+"
        r"(?:vs\.?|versus|compared\s+(?:to|with)|as opposed to)\s+(?P<second>.+?)",
        r"^(?:is|are|was|were|do|does)\s+(?P<first>.+?)"
        r"(?P<about>\s+(?:(?:more|less)\s+\w+|(?:\w{3,}er)|better|worse|as \w+))"
        r"\s+(?:than|as)\s+(?P<second>.+?)",
        r"^(?P<about>(?:which|who|what)\b[^,:]*)[,:]\s+(?P<both>.+?\s+or\s+.+?)",
    )
)
# "for X and for Y", "the X or the Y": the little word said twice shows that two are meant.
TWICE = re.compile(
    r"\b(?:(?P<word>the|my|our|your|for|to|of|in|on|at|with|by|from|about|under)|an?)\s+"
    r"(?P<first>(?:[\w'’-]+,?\s+){1,5}?)(?:and|or|as well as)\s+"
    r"(?(word)(?P=word)|an?)\s+(?P<second>[\w'’-]+(?:\s+[\w'’-]+)*)",
    re.IGNORECASE,
)
JOINT = re.compile(r"\s(?:and|or|&|as well as)\s", re.IGNORECASE)
ARTICLE = re.compile(r"^(?:the|an?|my|our|your|their|its)\s+", re.IGNORECASE)
# A word that says what a thing is like, by its ending: alone behind its article it lacks the thing.
QUALITY = re.compile(
    r"(?:the|an?|my|our|your)\s+[a-z-]+(?:al|ic|ior|time|ary|ive|ous|ed|ible|able|ful|less)$", re.IGNORECASE
)
WORD = re.compile(r"[\w'’-]+")
LIGHT = frozenset("many much get need want like know tell make use take give say".split())


def decompose(question: str, *, together: Together | None = None) -> list[str]:
    """A question for each thing that is asked for, two or more; [] where one thing is.

    Args:
        question: one that stands alone.
        together: whether two words joined by "and" are one thing in the collection.

    >>> decompose("What is the difference between the travel policy and the pet policy?")
    ['the travel policy', 'the pet policy']
    >>> decompose("How many days of leave do I get and who approves them?")
    ['How many days of leave do I get', 'who approves them (days leave)']
    >>> decompose("What are the terms and conditions?")
    []
    """
    if len(question) > LONGEST:
        return []
    masked = QUOTED.sub(lambda quoted: "q" * len(quoted[0]), question)
    for split in (_sentences, _compared, _clauses, _listed):
        parts = split(question, masked, together or _never)
        if 2 <= len(parts) <= MOST and len(set(parts)) == len(parts):
            return parts
    return []


def asks_for_several(question: str) -> bool:
    """Whether a question looks as if it asked for more than one thing; what a rule cannot split, a model may.

    >>> asks_for_several("Which of our two offices, Oslo or Bergen, grew faster, and what did each earn?")
    True
    """
    words = WORD.findall(question.lower())
    asking = sum(word in ("how", "what", "when", "where", "who", "why", "which") for word in words)
    joined = not {"and", "or", "versus", "vs"}.isdisjoint(words)
    return len(words) >= 10 and joined and (asking >= 2 or "respectively" in words)


def _never(first: str, second: str) -> bool:
    return False


# -- two questions -----------------------------------------------------------------------------------------


def _sentences(question: str, masked: str, together: Together) -> list[str]:
    found = [question[slice(*one.span())].strip() for one in SENTENCE.finditer(masked)]
    asking = [OPENING.sub("", one.rstrip("? ")) for one in found if one.endswith("?")]
    return _with_topic(asking) if all(_content(one) for one in asking) else []


def _clauses(question: str, masked: str, together: Together) -> list[str]:
    starts, ends = [0], []
    for match in CLAUSES.finditer(masked):
        ends.append(match.start())
        starts.append(match.end())
    spans = zip(starts, [*ends, len(question)], strict=True)
    parts = [OPENING.sub("", question[start:end].strip(" ,;?.")) for start, end in spans]
    return _with_topic(parts) if all(ASKS.match(part) and _content(part) for part in parts) else []


def _with_topic(parts: list[str]) -> list[str]:
    """A part that points back, or says too little, gets the words of the first."""
    if len(parts) < 2:
        return parts
    topic = " ".join([word for word in _content(parts[0]) if word.lower() not in LIGHT][-4:])
    return [parts[0], *(f"{one} ({topic})" if _leans(one) else one for one in parts[1:])]


def _leans(part: str) -> bool:
    content = len(_content(part))
    return content < 2 or (content < 4 and PRONOUN.search(part) is not None)


def _content(text: str) -> list[str]:
    """The words that carry meaning, in order."""
    # A stop word gives a token only because nothing else is left; beside a rare word it gives none.
    return [word for word in WORD.findall(text) if len(query_tokens(f"{word} zyzzyva", ["english"])) > 1]


# -- comparisons -------------------------------------------------------------------------------------------


def compared_in(question: str) -> list[str]:
    """What a question compares; [] where it compares nothing.

    >>> compared_in("What is the difference between a junior and a senior engineer?")
    ['a junior engineer', 'a senior engineer']
    """
    return _compared(question, QUOTED.sub(lambda quoted: "q" * len(quoted[0]), question), _never)


def _compared(question: str, masked: str, together: Together) -> list[str]:
    for pattern in COMPARISONS:
        found = pattern.search(masked)
        if found is None:
            continue
        groups = {
            name: question[slice(*found.span(name))] for name, text in found.groupdict().items() if text
        }
        sides = _sides(groups, together)
        if len(sides) >= 2 and all(_can_stand(side) for side in sides):
            rest = f"{groups.get('about', '')} {groups.get('tail', '')}".strip(" ,")
            return [f"{side} {rest}".strip() for side in sides]
    return []


def _sides(groups: dict[str, str], together: Together) -> list[str]:
    if "both" not in groups:
        first, second = groups["first"], _in_full(groups["second"], groups["first"])
        return _with_topic([first, second]) if ASKS.match(first) else _headed([first, second])
    both = groups["both"]
    joints = list(JOINT.finditer(both))
    if len(joints) > 1:  # some join words of one side
        joints = [one for one in joints if not _one_thing(both[: one.start()], both[one.end() :], together)]
    if not joints:
        return []
    if len(joints) == 1:
        return _headed([*re.split(r"\s*,\s+", both[: joints[0].start()]), both[joints[0].end() :]])
    middle = joints[len(joints) // 2] if len(joints) % 2 else joints[-1]
    return _headed([both[: middle.start()], both[middle.end() :]])


def _one_thing(before: str, after: str, together: Together) -> bool:
    first, second = before.split()[-1:], ARTICLE.sub("", after).split()[:1]
    return bool(first and second) and together(first[0], second[0])


def _in_full(second: str, first: str) -> str:
    """ "the risk on a plane" and "on a train", "the values in A" and "those in B": what is said once."""
    bare = STAND_IN.sub("", second)
    little = PREPOSITION.match(f" {bare}")
    if little is None:
        return second
    head = re.split(rf"\s{little[1]}\s", first, maxsplit=1, flags=re.IGNORECASE)
    return f"{head[0]} {bare}" if len(head) == 2 else second


def _headed(sides: list[str]) -> list[str]:
    """ "annual and sick leave": the word that both share stands once, at the end."""
    sides = [side.strip(" ,?.!") for side in sides]
    last = sides[-1].split()
    if ARTICLE.match(sides[-1]):
        rest = " ".join(last[2:])
        return [f"{side} {rest}" if rest and QUALITY.match(side) else side for side in sides[:-1]] + sides[
            -1:
        ]
    if len(last) < 2:
        return sides
    return [f"{side} {last[-1]}" if _lacks_head(side) else side for side in sides[:-1]] + sides[-1:]


def _lacks_head(side: str) -> bool:
    return len(side.split()) == 1 and (side.islower() or side.isdigit())


def _can_stand(side: str) -> bool:
    """Whether one can search for it: some word, and not a bare number."""
    bare = re.fullmatch(r"[\d\W]+", side) or VAGUE.match(side)
    return len(side.split()) <= SIDE and not bare and bool(_content(side))


# -- lists -------------------------------------------------------------------------------------------------


def _listed(question: str, masked: str, together: Together) -> list[str]:
    found = TWICE.search(masked)
    if found is None or len(SENTENCE.findall(masked)) > 1:
        return []
    first, second = (question[slice(*found.span(name))].strip() for name in ("first", "second"))
    if not (_can_stand(first) and _content(second)):
        return []
    if _one_thing(first, second, together):
        return []
    before = question[: found.start("first")]
    # The second is taken to be as long as the first; what follows is said of both.
    rest = " ".join(second.split()[len(first.split()) :])
    rest = rest if " " in rest else ""
    after = question[found.end("second") :].strip(" ?")
    return [" ".join(f"{before}{side} {after}".split()) for side in (f"{first} {rest}", second)]
