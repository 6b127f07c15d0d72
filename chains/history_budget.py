"""A conversation in so many tokens: the last turns whole, of older ones what each began with.

Roles stay what they are: what a user or an assistant wrote is theirs, whatever it says of itself. Asks no
model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from .budget import Count
from .prompt_fence import as_data
from .sentences import sentences
from .state import text_of

__all__ = ["fitted_history", "shortened"]

WHOLE = 6  # messages
MOST = 30  # messages, whole and shortened together
BRIEF = 160  # characters of an older message
READ = 4000  # characters of a message that its first sentence is looked for in
CUT = " [...]"
LEAST = 8  # tokens; less of a message says nothing
SHARE = 2  # no message takes more than one part in so many
MARKS = re.compile(r"(?:\s*\[\d+\])+")  # of an earlier answer: they number other passages


def fitted_history(history: Sequence[BaseMessage], tokens: int, count: Count) -> list[BaseMessage]:
    """The last messages that fit `tokens`, newest first served; they begin with one of the user's.

    >>> said = [HumanMessage("Who is Ada? I forgot."), AIMessage("A boss [1].")] * 4
    >>> [one.content for one in fitted_history(said, 200, len)][:3]
    ['Who is Ada?', 'A boss.', 'Who is Ada? I forgot.']
    """
    kept: list[BaseMessage] = []
    left = tokens
    for age, message in enumerate(reversed(history[-MOST:])):
        text = _plain(message)
        if age >= WHOLE:
            text = _brief(text)
        text = shortened(text, min(left, max(LEAST, tokens // SHARE)), count)
        if not text:
            break
        left -= count(text)
        kind = HumanMessage if isinstance(message, HumanMessage) else AIMessage
        kept.append(kind(text))
    while kept and not isinstance(kept[-1], HumanMessage):
        kept.pop()  # chat templates want the user to begin, and an answer without its question says little
    return kept[::-1]


def shortened(text: str, tokens: int, count: Count) -> str:
    """The text, or as much of its beginning as fits with a sign that it was cut; "" where nothing does."""
    if len(text) <= tokens or count(text) <= tokens:  # no token is shorter than a character, but for signs
        return text if count(text) <= tokens else ""
    if tokens < LEAST:
        return ""
    low, high = 0, min(len(text), 16 * tokens)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        if count(text[:middle] + CUT) <= tokens:
            low = middle
        else:
            high = middle - 1
    beginning = text[:low]
    return (beginning.rsplit(None, 1)[0] if " " in beginning else beginning) + CUT if beginning else ""


def _plain(message: BaseMessage) -> str:
    text = as_data(text_of(message))
    return text if isinstance(message, HumanMessage) else MARKS.sub("", text)


def _brief(text: str) -> str:
    """The first sentence, and the first question where a user asked later on."""
    spans = sentences(text[:READ])
    said = [text[start:end] for start, end in spans]
    first = next((one for one in said if one.endswith("?")), said[0] if said else "")
    return first if len(first) <= BRIEF else f"{first[:BRIEF].rsplit(None, 1)[0]}{CUT}"
