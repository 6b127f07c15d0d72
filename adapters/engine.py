"""What every engine offers: the one inside this process, and servers behind the OpenAI API.

An engine knows messages, adapters and text; LangChain is known to `chat.py` alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

from .records import AdapterInfo, ChatRequest, Delta

__all__ = ["Engine"]


class Engine(Protocol):
    """Serves one base model and its adapters; safe to call from any thread and any event loop.

    Errors: `UnknownAdapter`, `AdapterMismatch`, `EngineBusy` and `EngineStopped` come before the first piece;
    `RequestTimeout` and `EngineStopped` also between pieces. Leaving an iterator early (`close`, `aclose`,
    cancellation) ends the request.
    """

    @property
    def base_model(self) -> str:
        """The base model's name: a folder's last part, a hub id, or the served name."""
        ...

    def load(self) -> None:
        """Get ready to answer, where that takes time; the first request would do it otherwise."""
        ...

    def stream(self, request: ChatRequest) -> Iterator[Delta]:
        """The answer, piece by piece."""
        ...

    def astream(self, request: ChatRequest) -> AsyncIterator[Delta]:
        """The same for asyncio, without a thread for each request."""
        ...

    def count_tokens(self, text: str) -> int:
        """How many tokens of the base model's a text has."""
        ...

    def load_adapter(self, name: str, path: str | Path, *, description: str = "") -> AdapterInfo:
        """Make an adapter known under this name; a name known already gets a new version.

        Requests that run finish on the version they began with.
        """
        ...

    def unload_adapter(self, name: str) -> None:
        """Forget an adapter; requests that run finish on it, then its memory is free."""
        ...

    def pin_adapter(self, name: str, *, pinned: bool = True) -> None:
        """Keep an adapter in its slot whatever others are asked for, or let it go again.

        Raises `AdapterError` where no slot would be left for others, or where slots are not the engine's.
        """
        ...

    def list_adapters(self) -> list[AdapterInfo]:
        """The adapters that can be asked for, by name."""
        ...

    def close(self) -> None:
        """Stop; requests that wait or run get `EngineStopped`."""
        ...
