"""The state that one question collects on its way through the chain, and how it begins.

Pieces of a state add up: `answer` grows, `trace` grows, every other key is set. Knows no step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages

from .characters import whole_characters
from .errors import ChainError, FilterError

__all__ = ["RagState", "first_state", "text_of"]

GROWING = ("answer", "trace")


class RagState(dict[str, Any]):
    """A dict whose pieces add up, so that the pieces of a stream make the state that `invoke` gives.

    Keys that begin with an underscore are between steps and leave with the last one.

    >>> RagState(answer="25 ") + RagState(answer="days", adapter="")
    {'answer': '25 days', 'adapter': ''}
    """

    def __add__(self, other: Mapping[str, Any]) -> Self:
        joined = type(self)(self)
        for key, value in other.items():
            joined[key] = joined[key] + value if key in GROWING and key in joined else value
        return joined

    def __radd__(self, other: Mapping[str, Any]) -> Self:
        return type(self)(other) + self


def first_state(given: Any) -> RagState:
    """The beginning of a state from what a caller hands in: a question, or a dict that holds one."""
    asked = given if isinstance(given, Mapping) else {"question": given}
    unknown = asked.keys() - {"question", "history", "filter"}
    if "question" not in asked:
        raise ChainError(
            f"The input has no question, only {sorted(unknown) or 'nothing'}.",
            remedy='Give a text, or {"question": "...", "history": [...], "filter": {...}}.',
        )
    return RagState(
        question=_question(asked["question"]),
        history=_history(asked.get("history") or ()),
        filter=_filter(asked.get("filter") or {}),
    )


def _question(given: Any) -> str:
    if isinstance(given, str):
        return whole_characters(given)
    if isinstance(given, BaseMessage):
        return text_of(given)
    if isinstance(given, Sequence) and given and isinstance(given[-1], BaseMessage):
        return text_of(given[-1])
    raise ChainError(
        f"The question is a {type(given).__name__}.", remedy="Give a text or a LangChain message."
    )


def _history(given: Any) -> list[BaseMessage]:
    """Messages of people and models; instructions do not come in through a history."""
    try:
        if isinstance(given, (str, Mapping)):  # its characters, or its keys, would pass for messages
            raise TypeError(f"it is a {type(given).__name__}, no list.")
        messages = convert_to_messages(given)
    except (ValueError, NotImplementedError, TypeError, KeyError) as error:
        raise ChainError(
            f"The history cannot be read: {next(iter(str(error).splitlines()), '')}",
            remedy='Give LangChain messages, (role, text) pairs or {"role", "content"} dicts.',
        ) from error
    return [
        message for message in messages if isinstance(message, (HumanMessage, AIMessage)) and text_of(message)
    ]


def _filter(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise FilterError(
            f"The filter is {given!r}.",
            remedy='Give a dict, such as {"team": "sales"} or {"page": {"gte": 3}}.',
        )
    return dict(given)


def text_of(message: BaseMessage) -> str:
    """The text of a message, whatever blocks it is made of."""
    return whole_characters(str(message.text))


def joined(pieces: Iterator[Any]) -> Any:
    """What a stream of inputs amounts to: texts and states add up, plain dicts merge, others replace."""
    whole: Any = None
    for piece in pieces:
        whole = piece if whole is None else add(whole, piece)
    return whole


def add(whole: Any, piece: Any) -> Any:
    """One more piece of an input."""
    if isinstance(whole, Mapping) and isinstance(piece, Mapping) and not hasattr(whole, "__add__"):
        return {**whole, **piece}
    try:
        return whole + piece
    except TypeError:
        return piece
