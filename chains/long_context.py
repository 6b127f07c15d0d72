"""Whole documents in place of passages, where they fit: those of the hits, or all of a small base.

Knows knowledge bases and how tokens are counted; no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from langchain_core.documents import Document

from .budget import Count
from .errors import ChainError
from .filters import Expression
from .fitting import passage_tokens
from .knowledge_base import KnowledgeBase
from .spans import runs, span_document

__all__ = ["Sources", "Whole", "whole_base", "whole_documents"]

CHARACTERS_PER_TOKEN = 12  # no tokenizer packs more into plain text, so a longer one need not be counted
FEWEST_TOKENS = 8  # of a passage: a base of more passages than that leaves room for is not read
LAST = 1 << 30  # further than any passage


@dataclass(slots=True)
class Sources:
    """What one turn reads of a knowledge base: nothing that the filter hides, and each text once."""

    kb: KnowledgeBase
    where: Expression = ()
    _texts: dict[str, str] = field(default_factory=dict)

    def text(self, source: str) -> str:
        """The extracted text; "" where the source was deleted since it was found."""
        if source not in self._texts:
            try:
                self._texts[source] = self.kb.text(source)
            except ChainError:
                self._texts[source] = ""
        return self._texts[source]

    def around(self, source: str, first: int, last: int) -> list[Document]:
        """The passages that the filter lets pass."""
        return self.kb.around(source, first, last, filter=self.where)

    def whole(self, source: str) -> tuple[list[Document], bool]:
        """The passages of a source that the filter lets pass, and whether these are all of them."""
        passages = self.around(source, 0, LAST)
        return passages, not self.where or len(passages) == len(self.kb.around(source, 0, LAST))


@dataclass(frozen=True, slots=True)
class Whole:
    """Documents that fit; none, and why they do not."""

    documents: Sequence[Document]
    why: str


def whole_documents(sources: Sources, hits: Sequence[Document], *, tokens: int, count: Count) -> Whole:
    """The sources of the hits, each as one Document, in the hits' order."""
    best: dict[str, Document] = {}
    for hit in hits:
        best.setdefault(str(hit.metadata["source"]), hit)
    names = f"{len(best)} documents" if len(best) > 1 else "1 document"
    texts = [sources.text(name) for name in best]
    if not all(texts):
        return Whole([], "a document was deleted since it was found")
    if sum(map(len, texts)) > tokens * CHARACTERS_PER_TOKEN:
        return Whole([], f"{names} are more than {tokens} tokens")
    documents: list[Document] = []
    for name, text, hit in zip(best, texts, best.values(), strict=True):
        passages, complete = sources.whole(name)
        if not passages or not complete:
            return Whole([], "the filter hides a part of a document")
        documents.append(span_document(hit, text, first=passages[0], last=passages[-1], whole=True))
    return _fitting(documents, names, tokens, count)


def whole_base(sources: Sources, hits: Sequence[Document], *, tokens: int, count: Count) -> Whole:
    """All that the filter lets pass: the hits' sources in their order, then the others by name."""
    found = sources.kb.everything(tokens // FEWEST_TOKENS, filter=sources.where)
    if found is None:
        return Whole([], f"the base has more passages than {tokens} tokens hold")
    best: dict[str, Document] = {}
    for hit in hits:
        best.setdefault(str(hit.metadata["source"]), hit)
    documents: dict[str, list[Document]] = {name: [] for name in best}
    for name, passages in groupby(found, key=lambda one: str(one.metadata["source"])):
        documents[name] = _as_documents(sources, name, list(passages), best.get(name))
    return _fitting([one for some in documents.values() for one in some], "all documents", tokens, count)


def _as_documents(
    sources: Sources, name: str, passages: list[Document], best: Document | None
) -> list[Document]:
    """One Document for a source that the filter leaves whole, else one for each stretch that it leaves."""
    text = sources.text(name)
    if not text:
        return []
    if not sources.where or sources.whole(name)[1]:
        return [span_document(best or passages[0], text, first=passages[0], last=passages[-1], whole=True)]
    return [
        span_document(_best_of(run, best), text, first=run[0], last=run[-1], whole=False)
        for run in runs(passages)
    ]


def _best_of(run: Sequence[Document], best: Document | None) -> Document:
    return best if best is not None and any(one.id == best.id for one in run) else run[0]


def _fitting(documents: Sequence[Document], names: str, tokens: int, count: Count) -> Whole:
    size = sum(_sizes(documents, count))
    if size > tokens:
        return Whole([], f"{names} are {size} tokens, and there is room for {tokens}")
    return Whole(documents, f"{names} are {size} tokens of the {tokens} there is room for")


def _sizes(documents: Iterable[Document], count: Count) -> Iterable[int]:
    return (passage_tokens(one, count) for one in documents)
