"""One engine for all copies of a chat model, opened at the first use.

Knows how an engine is made from a chat model's settings; knows no LangChain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from .engine import Engine
from .errors import AdapterError, EngineStopped

__all__ = ["EngineHandle", "EngineSettings", "is_server"]


def is_server(base: str) -> bool:
    """Whether a base names a server, not a model of this process.

    >>> is_server("http://localhost:8000/v1#qwen"), is_server("Qwen/Qwen3-0.6B")
    (True, False)
    """
    return base.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What an engine is made from; two models with equal settings can share one.

    `options` are the keyword arguments of that kind of engine; `timeout` a server's alone.
    """

    base: str
    adapters: Mapping[str, str] = field(default_factory=dict)
    registry: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)  # may hold the key
    timeout: float | None = field(default=None, compare=False)

    def open(self) -> Engine:
        """A new engine with its adapters; nothing stays open when one of them is refused."""
        engine: Any
        if is_server(self.base):
            from .http_engine import HttpEngine

            engine = HttpEngine(self.base, timeout=self.timeout, **self.options)
        else:
            from .local_engine import LocalEngine

            engine = LocalEngine(self.base, **self.options)
        try:
            if self.registry is not None:
                engine.use_registry(self.registry)
            for name, path in self.adapters.items():
                engine.load_adapter(name, path)
        except (AdapterError, OSError):
            engine.close()
            raise
        opened: Engine = engine
        return opened


class EngineHandle:
    """Opens the engine once, whoever asks first, and closes it for all who hold the handle."""

    def __init__(self, settings: EngineSettings, engine: Engine | None = None) -> None:
        self.settings = settings
        self.given = engine is not None  # by the caller, who made it as they like
        self._engine = engine
        self._closed = False
        self._lock = Lock()

    @property
    def is_open(self) -> bool:
        """Whether `engine` answers at once: opened, or closed for good."""
        return self._engine is not None or self._closed

    def engine(self) -> Engine:
        """The engine. Raises `EngineStopped` after `close`."""
        with self._lock:
            if self._closed:
                raise EngineStopped(
                    f"The model {self.settings.base!r} is closed.", remedy="Make a new ChatLora."
                )
            if self._engine is None:
                self._engine = self.settings.open()
            return self._engine

    def close(self) -> None:
        """Stop the engine; closing twice is harmless."""
        with self._lock:
            engine, self._engine, self._closed = self._engine, None, True
        if engine is not None:
            engine.close()

    def __copy__(self) -> EngineHandle:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> EngineHandle:
        return self
