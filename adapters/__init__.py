"""Base models with LoRA adapters: serve, train, register.

Names resolve on first use, so that importing this costs next to nothing. Knows nothing of retrieval.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .chat import ChatLora as ChatLora
    from .errors import AdapterError as AdapterError
    from .errors import AdapterMismatch as AdapterMismatch
    from .errors import EngineBusy as EngineBusy
    from .errors import EngineStopped as EngineStopped
    from .errors import RequestTimeout as RequestTimeout
    from .errors import UnknownAdapter as UnknownAdapter
    from .errors import UnsafeAdapter as UnsafeAdapter
    from .records import AdapterInfo as AdapterInfo
    from .registry import AdapterRegistry as AdapterRegistry

_HOMES = {
    "AdapterError": "errors",
    "AdapterInfo": "records",
    "AdapterMismatch": "errors",
    "AdapterRegistry": "registry",
    "ChatLora": "chat",
    "EngineBusy": "errors",
    "EngineStopped": "errors",
    "RequestTimeout": "errors",
    "UnknownAdapter": "errors",
    "UnsafeAdapter": "errors",
}

__all__ = [
    "AdapterError",
    "AdapterInfo",
    "AdapterMismatch",
    "AdapterRegistry",
    "ChatLora",
    "EngineBusy",
    "EngineStopped",
    "RequestTimeout",
    "UnknownAdapter",
    "UnsafeAdapter",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
