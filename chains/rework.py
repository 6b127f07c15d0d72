"""What reworks the passages found: it orders them anew, gives scores, or drops some and says why.

Each is a LangChain document compressor as well, so it works outside the chain. Knows no store.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document

__all__ = ["Dropped", "Reworked", "Reworker", "rescored"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A passage that does not go on, and why, in words for the trace: "repeats [3] (cosine .98)"."""

    document: Document
    reason: str


@dataclass(frozen=True, slots=True)
class Reworked:
    """What came out, best first; `detail` is what else the trace tells, `degraded` for what did not work."""

    documents: list[Document]
    dropped: Sequence[Dropped] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)


class Reworker(BaseDocumentCompressor):
    """A compressor that tells what it did. Documents that came in are never changed, only copied."""

    @abstractmethod
    def rework(self, documents: Sequence[Document], query: str) -> Reworked:
        """Rework the passages found for a query, best first."""

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        """The passages that `rework` keeps."""
        return self.rework(documents, query).documents


def rescored(document: Document, **stages: float) -> Document:
    """A copy with `metadata["scores"]` grown by these stages; the last one named is its `score`."""
    scores = {**document.metadata.get("scores", {}), **stages}
    score = list(stages.values())[-1]
    return document.model_copy(update={"metadata": {**document.metadata, "scores": scores, "score": score}})
