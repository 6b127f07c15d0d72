"""What a talk was about: its title, its questions and its answers, cut to what a follow-up can point to.

Completes no question and knows no model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from .names import ASKING, DATE, names_in
from .noun_phrases import FUNCTION_WORDS, content_words
from .small_talk import asks_nothing
from .state import text_of

__all__ = ["Talk", "bare", "folded", "talk_of"]

TURNS = 12  # messages looked back on, beside the first two
LONGEST = 1000  # characters of a message; what a long answer says first is what it is about
A_NAME = 60  # characters; a longer stretch is no name to put into a question
QUESTIONS = re.compile(r"\W*(?:and|but|so|or)?\b\W*(?:who|what|when|where|why|how|which|any)", re.IGNORECASE)
GREETING = frozenset("hi hello hey thanks thank ok okay please help yes no sure great that sounds".split())
MARK = re.compile(r"\s?\[\d+\]|[*`]+")  # of a citation, of Markdown
# What an answer of ours says besides the documents' words: a refusal's search and advice, notes at the end.
BESIDE = re.compile(
    r" I searched for “.*|(?<=[.?!\])”]) (?:As of [^().]{4,20} \(|From (?:the newest|an older) version, "
    r"|The document has not filled in: |The documents do not say: “).*"
)
SENTENCE = re.compile(
    r"\b(?:is|are|was|were|does|do|did|has|have|can|cannot|not|need|want|my|me|please|won't|doesn't|don't)\b"
)
WORD = re.compile(r"\w[\w'’-]*")


@dataclass(frozen=True)
class Talk:
    """The turns of a talk; `subject` and `aspect` where somebody wrote them as a title, not as a question.

    `headed` where the title was set above the talk; one that was answered was a search for those words.
    `asked` are the questions completed, `raw` as they were asked, `told` the answers; oldest first.
    """

    subject: str = ""
    aspect: str = ""
    headed: bool = False
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
        return bool(names_in(text)) or any(
            len(name) > 1 and re.search(rf"\b{re.escape(name)}\b", low) for name in self.known if name in low
        )

    def names_subject(self, text: str) -> bool:
        """Whether a text names the subject, by any word of its name."""
        words = _words(text)
        if words & self.subject_words or (
            self.subject and re.search(rf"\b{re.escape(self.subject)}\b", text)
        ):
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
    headed = False
    in_title = True  # a talk may begin with a title, and a title within the title
    for message in [*history[:2], *history[cut:]]:
        text = MARK.sub("", " ".join(text_of(message)[:LONGEST].split()))
        titled = in_title and isinstance(message, HumanMessage) and len(subjects) < 2
        if titled and (_is_title(text) or (not subjects and _is_search(text))):
            subjects.append(text)
            headed = True
            continue
        headed = headed and not (in_title and isinstance(message, AIMessage))
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
    return Talk(subject, aspect, headed, tuple(asked), tuple(asked), tuple(told), tuple(marks))


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
    enough = 1 if first in ("will", "may") else 2  # "Will Forte", "May Day"
    return "(" in text or (first not in GREETING and capital and len(words) > enough)


def _is_search(text: str) -> bool:
    """Whether the first message is no sentence, but words to look for: "parental leave"."""
    words = text.lower().split()
    if not 0 < len(words) <= 4 or not text[-1].isalnum() or SENTENCE.search(text) or asks_nothing(text):
        return False
    return words[0] not in ASKING


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
