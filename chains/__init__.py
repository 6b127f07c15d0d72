"""From a question to an answer with its sources: knowledge bases, retrieval, the chain.

Names resolve on first use, so that importing this costs next to nothing. Knows no user interface and no
adapter.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .as_of_date import as_of as as_of
    from .as_of_date import as_of_phrase as as_of_phrase
    from .chat_ranker import ChatRanker as ChatRanker
    from .cited_context import CitedContext as CitedContext
    from .condense import condenser as condenser
    from .cross_encoder import CrossEncoderReranker as CrossEncoderReranker
    from .deciding import FirstOf as FirstOf
    from .deciding import Router as Router
    from .diversify import Diversify as Diversify
    from .embeddings import Encoder as Encoder
    from .embeddings import open_encoder as open_encoder
    from .errors import ChainError as ChainError
    from .errors import FilterError as FilterError
    from .errors import IngestError as IngestError
    from .errors import StoreMismatch as StoreMismatch
    from .errors import StoreUnavailable as StoreUnavailable
    from .example_router import ExampleRouter as ExampleRouter
    from .expand import expander as expander
    from .freshness import Freshness as Freshness
    from .grounding import Grounder as Grounder
    from .knowledge_base import KnowledgeBase as KnowledgeBase
    from .model_router import ModelRouter as ModelRouter
    from .queries import Query as Query
    from .rag import rag_chain as rag_chain
    from .rag import retrieval_chain as retrieval_chain
    from .records import EmbedderIdentity as EmbedderIdentity
    from .records import SourceInfo as SourceInfo
    from .report import Failure as Failure
    from .report import IngestEvent as IngestEvent
    from .report import IngestReport as IngestReport
    from .report import Probes as Probes
    from .rerank import Rerank as Rerank
    from .retriever import KnowledgeBaseRetriever as KnowledgeBaseRetriever
    from .rework import Dropped as Dropped
    from .rework import Reworked as Reworked
    from .rework import Reworker as Reworker
    from .reworking_retriever import ReworkingRetriever as ReworkingRetriever
    from .route import router as router
    from .routes import Decision as Decision
    from .routes import Route as Route
    from .rule_router import RuleRouter as RuleRouter
    from .runnable_router import RunnableRouter as RunnableRouter
    from .score_filter import ScoreFilter as ScoreFilter
    from .sentence_ranker import SentenceRanker as SentenceRanker
    from .several_retrievers import SeveralRetrievers as SeveralRetrievers
    from .small_talk import SmallTalk as SmallTalk
    from .trace_table import candidate_table as candidate_table
    from .transform import transformer as transformer
    from .versions import Supersede as Supersede

_HOMES = {
    "ChainError": "errors",
    "ChatRanker": "chat_ranker",
    "CitedContext": "cited_context",
    "CrossEncoderReranker": "cross_encoder",
    "Decision": "routes",
    "Diversify": "diversify",
    "Dropped": "rework",
    "EmbedderIdentity": "records",
    "Encoder": "embeddings",
    "ExampleRouter": "example_router",
    "Failure": "report",
    "FilterError": "errors",
    "FirstOf": "deciding",
    "Freshness": "freshness",
    "Grounder": "grounding",
    "IngestError": "errors",
    "IngestEvent": "report",
    "IngestReport": "report",
    "KnowledgeBase": "knowledge_base",
    "KnowledgeBaseRetriever": "retriever",
    "ModelRouter": "model_router",
    "Probes": "report",
    "Query": "queries",
    "Rerank": "rerank",
    "Reworked": "rework",
    "Reworker": "rework",
    "ReworkingRetriever": "reworking_retriever",
    "Route": "routes",
    "Router": "deciding",
    "RuleRouter": "rule_router",
    "RunnableRouter": "runnable_router",
    "ScoreFilter": "score_filter",
    "SentenceRanker": "sentence_ranker",
    "SeveralRetrievers": "several_retrievers",
    "SmallTalk": "small_talk",
    "SourceInfo": "records",
    "StoreMismatch": "errors",
    "StoreUnavailable": "errors",
    "Supersede": "versions",
    "as_of": "as_of_date",
    "as_of_phrase": "as_of_date",
    "candidate_table": "trace_table",
    "condenser": "condense",
    "expander": "expand",
    "open_encoder": "embeddings",
    "rag_chain": "rag",
    "retrieval_chain": "rag",
    "router": "route",
    "transformer": "transform",
}

__all__ = [
    "ChainError",
    "ChatRanker",
    "CitedContext",
    "CrossEncoderReranker",
    "Decision",
    "Diversify",
    "Dropped",
    "EmbedderIdentity",
    "Encoder",
    "ExampleRouter",
    "Failure",
    "FilterError",
    "FirstOf",
    "Freshness",
    "Grounder",
    "IngestError",
    "IngestEvent",
    "IngestReport",
    "KnowledgeBase",
    "KnowledgeBaseRetriever",
    "ModelRouter",
    "Probes",
    "Query",
    "Rerank",
    "Reworked",
    "Reworker",
    "ReworkingRetriever",
    "Route",
    "Router",
    "RuleRouter",
    "RunnableRouter",
    "ScoreFilter",
    "SentenceRanker",
    "SeveralRetrievers",
    "SmallTalk",
    "SourceInfo",
    "StoreMismatch",
    "StoreUnavailable",
    "Supersede",
    "as_of",
    "as_of_phrase",
    "candidate_table",
    "condenser",
    "expander",
    "open_encoder",
    "rag_chain",
    "retrieval_chain",
    "router",
    "transformer",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
