"""Errors of ragweave.adapters.

AdapterError
├── UnknownAdapter    a name that nobody loaded; lists the known ones
├── AdapterMismatch   made for another base model: other shapes, layers or weights
├── UnsafeAdapter     a pickle, a path outside the folder, a bad name, a damaged file
├── EngineBusy        the queue is full
├── EngineStopped     the engine is closed, or ended by an error
└── RequestTimeout    not finished by its deadline
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from langchain_core.exceptions import LangChainException

__all__ = [
    "AdapterError",
    "AdapterMismatch",
    "EngineBusy",
    "EngineStopped",
    "RequestTimeout",
    "UnknownAdapter",
    "UnsafeAdapter",
]


class AdapterError(LangChainException):
    """What failed and what was expected, with `remedy`: what to do about it.

    >>> str(AdapterError("No such folder: support.", remedy="Check the path."))
    'No such folder: support. Check the path.'
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".rstrip())
        self.message = message
        self.remedy = remedy


class UnknownAdapter(AdapterError):
    """No adapter of this name is loaded; `known` are those that are.

    `answered` is the model that a server answered with in place of the adapter; its answer is not used.
    """

    def __init__(self, name: str, known: Iterable[str], *, answered: str = "") -> None:
        self.name = name
        self.known = tuple(sorted(known))
        listed = f"Known adapters: {', '.join(self.known)}." if self.known else "No adapter is loaded."
        close = get_close_matches(name, self.known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        message = f"There is no adapter {name!r}.{hint} {listed}"
        if answered:
            message = (
                f"The server answered as {answered!r} where the adapter {name!r} was asked for. {listed}"
            )
        super().__init__(message, remedy='Use "base" for the base model.')


class AdapterMismatch(AdapterError):
    """The adapter was made for another base model."""


class UnsafeAdapter(AdapterError):
    """The adapter's name, path or files cannot be trusted."""


class EngineBusy(AdapterError):
    """The queue of waiting requests is full."""


class EngineStopped(AdapterError):
    """The engine takes no more requests: it was closed, or an error ended it."""


class RequestTimeout(AdapterError, TimeoutError):
    """A request was not finished by its deadline."""
