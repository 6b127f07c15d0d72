"""Errors of ragweave.chains.

ChainError
├── StoreUnavailable   no connection, or no answer in time
├── StoreMismatch      embedder, schema or tenancy differs from what the knowledge base was built with
├── IngestError        a source that cannot be read or stored
└── FilterError        a filter that no document could be matched with
"""

from __future__ import annotations

from langchain_core.exceptions import LangChainException

__all__ = ["ChainError", "FilterError", "IngestError", "StoreMismatch", "StoreUnavailable"]


class ChainError(LangChainException):
    """What failed and what was expected, with `remedy`: what to do about it.

    >>> str(ChainError("No such folder: kb.", remedy="Check the path."))
    'No such folder: kb. Check the path.'
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".rstrip())
        self.message = message
        self.remedy = remedy


class StoreUnavailable(ChainError):
    """The store does not answer: refused, reset, or slower than the deadline."""


class StoreMismatch(ChainError):
    """The knowledge base was built with another embedder, schema or tenancy."""


class IngestError(ChainError):
    """A source cannot be read or stored."""


class FilterError(ChainError):
    """A filter names an unknown key or operator, or cannot be applied."""
