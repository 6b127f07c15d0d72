"""A follow-up and its history become a question that stands alone.

By the chat model where there is one; else by rule: what a pronoun or an incomplete question leaves open is
taken from the question before. Knows no retrieval.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableConfig

from .adapter_choice import for_rewriting
from .analyser import query_tokens
from .prompts import CONDENSE
from .state import RagState, text_of
from .step import Piece, Step

__all__ = ["complete_by_rule", "condense_step"]

TURNS = 6  # messages of the history that a model is shown, and questions that the rule looks back
KEPT = 0.25  # of a rewritten question's words: fewer from question and history, and it is about another thing
LONGEST = 400  # characters of a rewritten question; a longer reply is no question
WORD = re.compile(r"\w[\w'’-]*")
OPENING = re.compile(
    r"^\s*(what about|how about|what else|why not|and|but|or|so|then|also)\b[\s,]*", re.IGNORECASE
)
CLAUSE = re.compile(
    r"(who|what|when|where|why|how|which|is|are|was|were|do|does|did|can|could|should|may|must|will|would|has|have)\b",
    re.IGNORECASE,
)
PRONOUN = re.compile(
    r"\b(it|its|they|them|their|theirs|he|him|his|she|her|hers|this|these|those|that one|this one)\b",
    re.IGNORECASE,
)
POSSESSIVE = frozenset({"its", "their", "theirs", "his", "her", "hers"})


def condense_step(model: Runnable[Any, Any] | None) -> Step:
    """Sets `standalone`; a model writes it as its base, whatever adapter the answer is to come from."""

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        if model is None or not state["history"]:
            yield {"standalone": _ruled(state, detail)}
            return
        reply = model.invoke(_messages(state), for_rewriting(config))
        yield {"standalone": _checked(text_of(reply), state, detail)}

    async def arun(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> AsyncIterator[Piece]:
        if model is None or not state["history"]:
            yield {"standalone": _ruled(state, detail)}
            return
        reply = await model.ainvoke(_messages(state), for_rewriting(config))
        yield {"standalone": _checked(text_of(reply), state, detail)}

    return Step("condense", run, arun)


def _ruled(state: RagState, detail: dict[str, Any]) -> str:
    standalone = complete_by_rule(state["question"], state["history"])
    detail |= {"by": "rule", "changed": standalone != state["question"]}
    return standalone


def _messages(state: RagState) -> list[BaseMessage]:
    lines = [f"{_speaker(message)}: {text_of(message)[:1000]}" for message in state["history"][-TURNS:]]
    return [HumanMessage(CONDENSE.format(history="\n".join(lines), question=state["question"]))]


def _speaker(message: BaseMessage) -> str:
    return "User" if isinstance(message, HumanMessage) else "Assistant"


def _checked(reply: str, state: RagState, detail: dict[str, Any]) -> str:
    """The model's question, or the rule's where the reply is none."""
    lines = [line for line in reply.strip().splitlines() if line.strip()]
    if len(lines) != 1 or len(lines[0]) > LONGEST:
        detail["degraded"] = "The model's reply was no question."
        return _ruled(state, detail)
    standalone = lines[0].strip().strip('"')
    if not _about(standalone, state):
        detail["degraded"] = "The model's reply was about something else."
        return _ruled(state, detail)
    detail |= {"by": "model", "changed": standalone != state["question"]}
    return standalone


def _about(standalone: str, state: RagState) -> bool:
    """Whether a rewritten question is made of what was said; a model without training writes anything."""
    said = [*(text_of(message) for message in state["history"][-TURNS:]), state["question"]]
    known = {token for text in said for token in query_tokens(text, ["english"])}
    tokens = query_tokens(standalone, ["english"])
    return sum(token in known for token in tokens) >= KEPT * max(1, len(tokens))


def complete_by_rule(question: str, history: Sequence[BaseMessage]) -> str:
    """The question with what it leaves open taken from the question before it; itself if it is complete.

    >>> complete_by_rule("And for part-time staff?", [HumanMessage("How many days of leave are there?")])
    'And for part-time staff, many days leave?'
    >>> complete_by_rule("Who approves it?", [HumanMessage("What is the Travel Policy?")])
    'Who approves the Travel Policy?'
    >>> complete_by_rule("And how do I reset my password?", [HumanMessage("What is the Travel Policy?")])
    'And how do I reset my password?'
    """
    asked = [text_of(message) for message in history if isinstance(message, HumanMessage)][-TURNS:]
    standalone = ""
    for one in [*asked, question]:
        standalone = _completed(one, standalone) if standalone else one
    return standalone


def _completed(question: str, before: str) -> str:
    pronoun = PRONOUN.search(question)
    if pronoun:
        name = _name(before) or " ".join(_content(before))
        if name and name.lower() not in question.lower():
            return f"{question[: pronoun.start()]}{_in_place(pronoun[0], name)}{question[pronoun.end() :]}"
    if pronoun or not _is_complete(question):
        have = {word.lower() for word in WORD.findall(question)}
        missing = [word for word in _content(before) if word.lower() not in have]
        return f"{question.rstrip(' ?.!')}, {' '.join(missing)}?" if missing else question
    return question


def _is_complete(question: str) -> bool:
    """Whether a question without pronouns says by itself what it asks; "And part-time staff?" does not."""
    opening = OPENING.match(question)
    rest = question[opening.end() :] if opening else question
    if len(query_tokens(rest, ["english"])) <= 1:
        return False
    return opening is None or CLAUSE.match(rest) is not None


def _in_place(pronoun: str, name: str) -> str:
    article = "" if " " not in name or name.lower().startswith("the ") else "the "
    return f"{article}{name}'s" if pronoun.lower() in POSSESSIVE else f"{article}{name}"


def _name(question: str) -> str:
    """The longest run of capitalised words after the first word: what the question is about."""
    words = WORD.findall(question)[1:]
    runs: list[list[str]] = [[]]
    for word in words:
        if word[0].isupper() or (word[0].isdigit() and runs[-1]):
            runs[-1].append(word)
        else:
            runs.append([])
    best = max(runs, key=len)
    return " ".join(best) if best != ["I"] else ""


def _content(question: str) -> list[str]:
    """The words that carry meaning, in order."""
    return [word for word in WORD.findall(question) if _carries(word)]


def _carries(word: str) -> bool:
    # A stop word gives a token only because nothing else is left; beside a rare word it gives none.
    return len(query_tokens(f"{word} zyzzyva", ["english"])) > 1
