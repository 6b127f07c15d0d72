"""A knowledge base and a chain with the shapes of the real ones, quick and under a test's control."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.documents import Document
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda

from ragweave.adapters import AdapterInfo, UnknownAdapter
from ragweave.chains.records import SourceInfo
from ragweave.chains.report import Failure, IngestEvent, IngestReport, OnProgress

EVIL = '<img src=x onerror="window.injected=1"><script>window.injected=1</script>'
TEXTS = {
    "handbook/leave.md": f"Annual leave is 25 days a year. It lapses in March. {EVIL}",
    "handbook/travel.md": "Travel costs are refunded within 14 days. Submit receipts first. **bold** [x](http://evil.example)",
}


def passage(source: str, score: float = 0.9) -> Document:
    text = TEXTS[source]
    metadata = {
        "source": source, "title": f"{source[9:-3].title()} {EVIL}", "start": 0, "end": len(text), "page": 2,
        "heading": "Rules > Days", "updated_at": "2026-10-01T09:00:00+00:00", "scores": {"fused": score},
    }  # fmt: skip
    return Document(id=source, page_content=text, metadata=metadata)


def citation(n: int, source: str, quote: str) -> dict[str, Any]:
    start = TEXTS[source].index(quote)
    return {
        "n": n, "document_id": source, "source": source, "title": source, "quote": quote,
        "source_start": start, "source_end": start + len(quote), "answer_start": 0, "answer_end": 10,
    }  # fmt: skip


class FakeKnowledgeBase:
    """Two documents, and whatever is ingested; `.bin` files fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.added: list[str] = []

    def sources(self) -> list[SourceInfo]:
        when = "2026-11-25T09:00:00+00:00"
        return [SourceInfo(name, name, 1, "ff", when, when) for name in [*TEXTS, *self.added]]

    def as_retriever(self) -> Runnable[str, list[Document]]:
        return RunnableLambda(lambda query: [passage("handbook/leave.md")])

    def documents(self, source: str) -> list[Document]:
        return [passage(source)] if source in TEXTS else []

    def ingest(self, sources: Sequence[str], *, on_progress: OnProgress | None = None) -> IngestReport:
        failed = []
        for done, source in enumerate(sources):
            if on_progress is not None:
                on_progress(IngestEvent(source, done, len(sources), 0, "reading"))
            if source.endswith(".bin"):
                failed.append(Failure(source, f"{source} is no document.", "Save it as PDF."))
            elif source not in self.added:
                self.added.append(source)
        added = tuple(source for source in sources if source in self.added)
        return IngestReport(added=added, failed=tuple(failed), chunks=2 + len(self.added))


FOUND = [
    {
        "id": source, "source": source, "title": f"{source[9:-3].title()} {EVIL}", "heading": "Rules > Days",
        "ranks": {"keyword": place, "vector": 3 - place}, "scores": {"keyword": 7.2, "fused": 0.9},
    }
    for place, source in enumerate(TEXTS, start=1)
]  # fmt: skip
DOUBTFUL = "Travel costs are refunded within 14 days."


class FakeChain(Runnable[Any, Any]):
    """Answers by key words of the question: `fail`, `moon` (abstains), `long` (streams on), `script`,
    `hello` (no sources), `doubt` (a sentence that its sources do not support)."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.without: list[list[str] | None] = []  # the steps that each call left out
        self.closed = threading.Event()
        self.step: Callable[[], object] = lambda: time.sleep(0.02)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        state: dict[str, Any] = {}
        for piece in self.stream(input, config):
            state |= piece
        return state

    def stream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[dict[str, Any]]:
        self.asked.append(input)
        self.without.append((config or {}).get("configurable", {}).get("without"))
        self.closed.clear()
        try:
            yield from self._pieces(input["question"], self.without[-1] or ())
        finally:
            self.closed.set()

    def _pieces(self, question: str, without: Sequence[str]) -> Iterator[dict[str, Any]]:
        yield {"question": question, "history": []}
        yield {"trace": [{"step": "retrieve", "ms": 3.1, "detail": {"queries": [question], "found": FOUND}}]}
        dropped = [{"id": "handbook/travel.md", "reason": f"too far away {EVIL}"}]
        worked = {"degraded": "The reranker was too slow; the order stands.", "dropped": dropped}
        left_out = {"left_out": "by the call"}
        yield {
            "trace": [{"step": "rerank", "ms": 9.5, "detail": left_out if "rerank" in without else worked}]
        }
        self.step()
        if "fail" in question:
            raise RuntimeError("secret detail of the machine")
        if "hello" in question:
            yield {"documents": [], "answer": "Hello.", "citations": [], "abstained": False}
            return
        yield {"documents": [passage("handbook/leave.md"), passage("handbook/travel.md", 0.4)]}
        self.step()
        if "moon" in question:
            yield {"answer": "The documents do not say. I searched for the moon."}
            yield {"citations": [], "abstained": True}
            return
        said = "Annual leave is 25 days a year. [1] Travel costs are refunded within 14 days. [2]"
        if "script" in question:
            said = f"{EVIL} is quoted. [1] `code` and **strong**."
        for word in (said + (" and so on" * 400 if "long" in question else "")).split(" "):
            self.step()
            yield {"answer": f"{word} "}
        yield {
            "citations": [
                citation(1, "handbook/leave.md", "Annual leave is 25 days a year."),
                citation(2, "handbook/travel.md", "Travel costs are refunded within 14 days."),
            ],
            "abstained": False,
        }
        if "doubt" in question:
            start = said.index(DOUBTFUL)
            claim = {
                "claim": DOUBTFUL, "start": start, "end": start + len(DOUBTFUL), "cited": [2],
                "supported": False, "score": 0.1, "problems": [f"14 stands in no passage {EVIL}"],
            }  # fmt: skip
            yield {"grounding": {"claims": [claim], "supported": 1, "unsupported": 1}}


class FakeAdapters(FakeChain):
    """The same chain over a model with three adapters; `names` is what is there now."""

    def __init__(self) -> None:
        super().__init__()
        self.names = {
            "legal": "Cites clauses, in the language of contracts.",
            "support": "Friendly and short, as the help desk writes.",
            "summaries": "",
        }
        self.chosen: list[str | None] = []

    def list_adapters(self) -> list[AdapterInfo]:
        return [
            AdapterInfo(name=name, version="2", description=description, rank=16)
            for name, description in sorted(self.names.items())
        ]

    def stream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[dict[str, Any]]:
        name = (config or {}).get("configurable", {}).get("adapter")
        self.chosen.append(name)
        if name and name not in self.names:
            raise UnknownAdapter(name, self.names)
        yield from super().stream(input, config)
        by = {"abstain": "abstention", "quote": "reader"}.get(input["question"].split()[0], "model")
        yield {"adapter": name or "", "adapter_version": "2" if name else ""}
        yield {"trace": [{"step": "answer", "ms": 9.1, "detail": {"by": by}}]}
