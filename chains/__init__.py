"""From a question to an answer with its sources: knowledge bases, retrieval, the chain.

Names resolve on first use, so that importing this costs next to nothing. Knows no user interface and no
adapter.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .embeddings import Encoder as Encoder
    from .embeddings import open_encoder as open_encoder
    from .errors import ChainError as ChainError
    from .errors import FilterError as FilterError
    from .errors import IngestError as IngestError
    from .errors import StoreMismatch as StoreMismatch
    from .errors import StoreUnavailable as StoreUnavailable
    from .knowledge_base import KnowledgeBase as KnowledgeBase
    from .rag import rag_chain as rag_chain
    from .records import EmbedderIdentity as EmbedderIdentity
    from .records import SourceInfo as SourceInfo
    from .report import Failure as Failure
    from .report import IngestEvent as IngestEvent
    from .report import IngestReport as IngestReport
    from .report import Probes as Probes
    from .retriever import KnowledgeBaseRetriever as KnowledgeBaseRetriever

_HOMES = {
    "ChainError": "errors",
    "EmbedderIdentity": "records",
    "Encoder": "embeddings",
    "Failure": "report",
    "FilterError": "errors",
    "IngestError": "errors",
    "IngestEvent": "report",
    "IngestReport": "report",
    "KnowledgeBase": "knowledge_base",
    "KnowledgeBaseRetriever": "retriever",
    "Probes": "report",
    "SourceInfo": "records",
    "StoreMismatch": "errors",
    "StoreUnavailable": "errors",
    "open_encoder": "embeddings",
    "rag_chain": "rag",
}

__all__ = [
    "ChainError",
    "EmbedderIdentity",
    "Encoder",
    "Failure",
    "FilterError",
    "IngestError",
    "IngestEvent",
    "IngestReport",
    "KnowledgeBase",
    "KnowledgeBaseRetriever",
    "Probes",
    "SourceInfo",
    "StoreMismatch",
    "StoreUnavailable",
    "open_encoder",
    "rag_chain",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
