"""What a talk was about: its subject, and the names and things that its last turns mention.

By capital letters, quotation marks and articles, so for English. Completes no question and knows no model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from langchain_core.messages import BaseMessage, HumanMessage

from .state import text_of

__all__ = [
    "AFTER",
    "DATE",
    "FUNCTION_WORDS",
    "KINDS",
    "Talk",
    "bare",
    "content_words",
    "folded",
    "items_in",
    "names_in",
    "noun_phrases",
    "talk_of",
    "works_in",
]

TURNS = 12  # messages looked back on, beside the first two
LONGEST = 1000  # characters of a message; what a long answer says first is what it is about
A_NAME = 60  # characters; a longer stretch is no name to put into a question

# Words that begin sentences and name nothing, and those that only connect.
FUNCTION_WORDS = frozenset(
    """a an the this that these those it its he she his her him they their them we you i my your our me
    us and or but so if as at by for from in into of on onto to with without about after before
    between during since until while when where who whom whose which what why how is are was were be
    been being do does did done has have had can could should would may might must will shall not no
    yes there here then than also only just very too any some all each both more most other others
    another such own same one two many much few several every either neither however although though
    because despite due per via over under again once ever never always often still yet even get got
    go goes went please""".split()
)
ASKING = frozenset(
    """who what when where why how which whose whom is are was were do does did can could should may
    must will would has have had am any anything tell explain show describe list name give find
    compare please i i'm my we our let help hi hello hey thanks thank ok okay yes no sure great
    sounds perhaps and but or so""".split()
)
QUESTIONS = re.compile(r"\W*(?:and|but|so|or)?\b\W*(?:who|what|when|where|why|how|which|any)", re.IGNORECASE)
GREETING = frozenset("hi hello hey thanks thank ok okay please help yes no sure great that sounds".split())
# What a work, a group or a rule is called; beside it, a name is that of a thing and not of a person.
KINDS = (
    "album|film|movie|song|single|book|novel|show|series|band|club|team|company|play|musical|game|poem|record|"
    "magazine|tour|group|recording|label|act|policy|plan|product|project|program|programme|foundation|movement|"
    "office|contract|account|version|edition|package|subscription"
)
BEFORE = re.compile(rf"\b(?:{KINDS}|called|named|titled|entitled),? (?:the )?$", re.IGNORECASE)
AFTER = re.compile(rf",? ({KINDS})\b", re.IGNORECASE)

MARK = re.compile(r"\s?\[\d+\]|[*`]+")  # of a citation, of Markdown
# What an answer of ours says besides the documents' words: a refusal's search and advice, notes at the end.
BESIDE = re.compile(
    r" I searched for “.*|(?<=[.?!\])”]) (?:As of [^().]{4,20} \(|From (?:the newest|an older) version, "
    r"|The document has not filled in: |The documents do not say: “).*"
)
NO_NAME = re.compile(r"(?:I|I['’]\w+|ID|OK|TV|AM|PM|Let['’]s|[A-Z]?\d+)$")
WORD = re.compile(r"\w[\w'’-]*")
QUOTED = re.compile(r"[\"“](\S[^\"“”]{1,60}?)[,.]?[\"”]")
NAME = re.compile(
    r"(?<![\w'’])(?:[A-Z][a-z]?\.\s?)*[A-Z][\w’-]*(?:'(?!s\b)\w+)*"
    r"(?:(?:\s(?:of|the|and|de|la|van|von|der|to|for|in|on|a|&)){0,2}"
    r"\s(?:\(?[A-Z]|\d)[\w’.-]*(?:'(?!s\b)\w+)*)*"
)
MONTH_OR_DAY = re.compile(
    r"(?:(?:Jan|Febr)uary|March|April|May|June|July|August|(?:Septem|Octo|Novem|Decem)ber|\w+day)\b"
)
DATE = re.compile(rf"\d|{MONTH_OR_DAY.pattern}")
SENTENCE = re.compile(
    r"\b(?:is|are|was|were|does|do|did|has|have|can|cannot|not|need|want|my|me|please|won't|doesn't|don't)\b"
)
DETERMINED = re.compile(r"\b(the|an?|my|your|our|any|some)\s+", re.IGNORECASE)
MEASURED = re.compile(r"\b(?:how many|how much|which|what (?:kind|sort|type)s? of)\s+", re.IGNORECASE)
DOING = re.compile(
    r"\b(?:do|does|did|can|could|should|may|must|will|would|are|were|have|has)\s+(?=[a-z-]+s\b)",
    re.IGNORECASE,
)
NOUN = re.compile(r"(?!.*['’](?:t|re|ve|ll|d|m)$|that['’]s)\w")
NO_THING = re.compile(
    r"(?:morning|afternoon|evening|day|week|month|year|time|date|lot|bit|moment|way|works)s?$"
)
OWN = ("my", "your", "our")
NUMBERED = re.compile(r"(?:^|\s)(?:\d+[.)]|[-*•])\s+([^\n]+?)(?=\s+(?:\d+[.)]|[-*•])\s|$)", re.MULTILINE)
SERIES_ENDS = re.compile(r"[.?!;](?:\s|$)")
CHOICE = re.compile(r"\b(?:the|an?) [\w'’-]+(?: [\w'’-]+){0,2}$")


@dataclass(frozen=True)
class Talk:
    """The turns of a talk; `subject` and `aspect` where somebody wrote them as a title, not as a question.

    `asked` are the questions completed, `raw` as they were asked, `told` the answers; oldest first.
    """

    subject: str = ""
    aspect: str = ""
    asked: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    marks: tuple[int, ...] = ()  # for each raw question, how many answers were before it

    @property
    def question(self) -> str:
        """The last question, completed."""
        return self.asked[-1] if self.asked else ""

    @property
    def answer(self) -> str:
        """The last answer."""
        return self.told[-1] if self.told else ""

    def until(self, index: int, asked: Sequence[str]) -> Talk:
        """The talk as it was when that raw question came, with the questions before it completed."""
        told = self.told[: self.marks[index]]
        return replace(self, asked=tuple(asked), raw=self.raw[:index], told=told, marks=self.marks[:index])

    @cached_property
    def subject_words(self) -> frozenset[str]:
        """The words by which the subject may be named."""
        return _words(self.subject)

    @cached_property
    def known(self) -> frozenset[str]:
        """The names that were said, folded, for finding them in questions typed in lower case."""
        said = (self.aspect, *self.told[-4:], *self.raw[-4:])
        return frozenset(folded(name) for text in said for name in names_in(text))

    @cached_property
    def title(self) -> str:
        """The aspect without years and dots: as it would be named in a sentence."""
        return bare(self.aspect).rstrip(". ")

    def names_known(self, text: str) -> bool:
        """Whether a text names anything, in capitals or by a name that was said before."""
        low = folded(text)
        return bool(names_in(text)) or any(name in low for name in self.known)

    def names_subject(self, text: str) -> bool:
        """Whether a text names the subject, by any word of its name."""
        words = _words(text)
        if words & self.subject_words:
            return True
        long = [name for name in self.subject_words if len(name) > 4]
        return any(_mistyped(word, name) for word in words if len(word) > 4 for name in long)

    def others(self, names: Iterable[str]) -> Iterator[str]:
        """Of these names, those that are not the subject's and no dates."""
        for name in names:
            if len(name) <= A_NAME and not DATE.match(name) and not _words(name) <= self.subject_words:
                yield name


def talk_of(history: Sequence[BaseMessage]) -> Talk:
    """The talk so far, cut to what a follow-up can point to."""
    cut = max(2, len(history) - TURNS)
    subjects: list[str] = []
    asked: list[str] = []
    told: list[str] = []
    marks: list[int] = []
    in_title = True  # a talk may begin with a title, and a title within the title
    for message in [*history[:2], *history[cut:]]:
        text = MARK.sub("", " ".join(text_of(message)[:LONGEST].split()))
        if in_title and isinstance(message, HumanMessage) and len(subjects) < 2 and _is_title(text):
            subjects.append(text)
            continue
        in_title = False
        if isinstance(message, HumanMessage):
            if len(text) < 20 and "?" not in text and text.count(" ") < 3 and not QUESTIONS.match(text):
                continue  # "Yes, please."
            asked.append(text)
            marks.append(len(told))
        else:
            told.append(BESIDE.sub("", text))
    subject = bare(subjects[0]) if subjects else ""
    aspect = subjects[1] if len(subjects) > 1 else ""
    return Talk(subject, aspect, tuple(asked), tuple(asked), tuple(told), tuple(marks))


def _is_title(text: str) -> bool:
    """Whether a message is a title and no sentence: "Travel Policy", "Yes (band)", "Harry Nilsson"."""
    words = text.split()
    if not 0 < len(words) <= 12 or "?" in text or not (text[0].isupper() or text[0] in "0123456789\"“'"):
        return False
    stops = text.endswith(("!", ":")) or (text.endswith(".") and text[-3:] != "..." and len(words[-1]) > 3)
    if stops or SENTENCE.search(text):
        return False
    first = words[0].lower().strip(",.!")
    if first not in ASKING:
        return True
    capital = all(word[0].isupper() for word in content_words(text))
    return "(" in text or (first not in GREETING and capital and len(words) > 2)


def bare(title: str) -> str:
    """A title without what tells it from its namesakes: "Yes (band)" is "Yes"."""
    return re.sub(r"\s*\([^)]*\)\s*$", "", title).strip() or title


def folded(text: str) -> str:
    """In lower case and without accents, as names are typed in a hurry."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))


def _words(text: str) -> frozenset[str]:
    words = {re.sub(r"['’]s?$", "", word) for word in WORD.findall(folded(text))} - FUNCTION_WORDS
    words = words or {word for word in WORD.findall(folded(text))}
    return frozenset(words | {word[:-1] for word in words if len(word) > 3 and word.endswith("s")})


def _mistyped(word: str, name: str) -> bool:
    """Whether one letter is missing, added, or wrong."""
    if word[0] != name[0] or abs(len(word) - len(name)) > 1:
        return False
    same = next(
        (i for i, (a, b) in enumerate(zip(word, name, strict=False)) if a != b), min(len(word), len(name))
    )
    return word[same + (len(word) >= len(name)) :] == name[same + (len(name) >= len(word)) :]


@lru_cache(maxsize=512)
def names_in(text: str) -> tuple[str, ...]:
    """Quoted titles and runs of capitalised words, in order of appearance.

    >>> names_in('The band then released "Ceremony" and toured Europe with Ann Lee of the Cult.')
    ('Ceremony', 'Europe', 'Ann Lee of the Cult')
    """
    quoted = list(QUOTED.finditer(text))
    found = [(one.start(1), one[1]) for one in quoted if one[1][0].isupper() or one[1].count(" ") in (1, 2)]
    for match in NAME.finditer(text):
        if not any(one.start() <= match.start() < one.end() for one in quoted):
            found.extend(_trimmed(text, match))
    return tuple(name for _, name in sorted(found))


def _trimmed(text: str, match: re.Match[str]) -> Iterator[tuple[int, str]]:
    """The run without function words at its beginning; none where only a sentence's first word is left."""
    start, words = match.start(), match[0].split(" ")
    begins = start == 0 or text[:start].rstrip()[-1:] in '.?!:\n"“'
    while words and (words[0].lower() in FUNCTION_WORDS or (begins and words[0].lower() in ASKING)):
        start += len(words[0]) + 1
        words, begins = words[1:], False
    if begins and len(words) > 1 and words[0][1:].islower() and MONTH_OR_DAY.match(words[1]):
        start += len(words[0]) + 1  # "Starting May 2022"
        words, begins = words[1:], False
    plain = begins and len(words) == 1 and words[0][1:].islower() and not text.startswith("'s", match.end())
    if words and not plain and not any(map(NO_NAME.match, words[:1])):
        yield start, " ".join(words).rstrip(".-")


@lru_cache(maxsize=512)
def works_in(text: str) -> tuple[str, ...]:
    """Names that are surely those of things: in quotation marks, beside their kind, or all there is."""
    count = len(text.split())
    return tuple(name for name in names_in(text) if count <= len(name.split()) + 2 or _is_work(name, text))


def _is_work(name: str, text: str) -> bool:
    place = text.find(name)
    before, after = text[max(0, place - 24) : place], text[place + len(name) : place + len(name) + 24]
    return before.endswith(('"', "“")) or bool(BEFORE.search(before) or AFTER.match(after))


def content_words(text: str) -> list[str]:
    """The words that carry meaning, in order."""
    return [word for word in WORD.findall(text) if word.lower() not in FUNCTION_WORDS]


def noun_phrases(text: str) -> list[str]:
    """What a question speaks of without a name.

    >>> noun_phrases("How many days of leave do contractors get under the annual plan?")
    ['days of leave', 'contractors', 'the annual plan']
    """
    found: list[tuple[int, str]] = []
    for pattern in (DETERMINED, MEASURED, DOING):
        for match in pattern.finditer(text):
            head = _run(text[match.end() :], most=1 if pattern is DOING else 4)
            article = match[1].lower() if pattern is DETERMINED else ""
            kept = article if article in OWN else "the" if article else ""
            if head and not NO_THING.match(head):
                found.append((match.start(), f"{kept} {head}".strip()))
    return [phrase for _, phrase in sorted(found)]


def _run(text: str, *, most: int) -> str:
    words: list[str] = []
    for match in re.finditer(r"[\w'’-]+|[^\w\s]", text):
        word = match[0]
        if word == "of" and words and "of" not in words and most > 1:
            words.append(word)
        elif len(words) >= most or word.lower() in FUNCTION_WORDS or not NOUN.match(word):
            break
        else:
            words.append(word)
    return " ".join(words[:-1] if words and words[-1] == "of" else words)


def items_in(text: str) -> list[str]:
    """What an answer enumerates: a list, or "A, B and C".

    >>> items_in("There are two: the basic plan and the premium plan.")
    ['the basic plan', 'the premium plan']
    """
    listed = [match[1].strip(" .;,") for match in NUMBERED.finditer(text)]
    if len(listed) > 1:
        items = [item.split(":")[0] for item in listed]
        return items if all(len(item.split()) <= 6 for item in items) else []
    series = SERIES_ENDS.split(text.partition(": ")[2] or text, maxsplit=1)[0]
    joint = " and " if " and " in series else " or "
    left, _, last = series.rpartition(joint)
    items = [item.strip() for item in [*left.rstrip(", ").split(", "), last]]
    first = CHOICE.search(items[0]) if len(items[0].split()) > 4 else None
    items[0] = first[0] if first else items[0]
    return items if all(0 < len(item.split()) <= 4 for item in items) else []
