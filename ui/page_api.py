"""The few plain requests of the page beside Gradio's: what the base holds, thumbs, health, its own files."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from langchain_core.runnables import Runnable
from pydantic import BaseModel, Field

from .callbacks import failure_sentence
from .examples import ExampleFinder
from .feedback import FeedbackStore
from .sources_panel import file_name, short_date
from .steps import NEEDS, STEPS, steps_of
from .uploads import UPLOAD_MEGABYTES, UploadFolder

if TYPE_CHECKING:
    from ragweave.adapters import AdapterInfo
    from ragweave.chains import KnowledgeBase

__all__ = ["Feedback", "ListAdapters", "PageApi", "data_folder"]

log = logging.getLogger(__name__)

ListAdapters = Callable[[], "Sequence[AdapterInfo]"]  # what may be chosen now: `ChatLora.list_adapters`

HERE = Path(__file__).parent
SCRIPTS = (
    "adapters.js",
    "asking.js",
    "connection.js",
    "conversations.js",
    "draw.js",
    "frame.js",
    "knowledge.js",
    "parts.js",
    "running.js",
    "script.js",
    "sidebar.js",
    "sources.js",
    "steps.js",
    "trace.js",
    "turns.js",
    "uploads.js",
)
FILES = {"style.css": "text/css"} | dict.fromkeys(SCRIPTS, "text/javascript")
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="8" fill="#0b6e66"/>'
    '<path d="M8 11h16M8 16h16M8 21h10" stroke="#fff" stroke-width="2.5" stroke-linecap="round"/>'
    '<circle cx="24" cy="21" r="2.5" fill="#fdf0c4"/></svg>'
)
LISTED = 500  # sources that the library page shows


class Feedback(BaseModel):
    """A thumb as the page sends it."""

    request_id: str = Field(pattern=r"^[0-9a-f]{8}$")
    verdict: Literal["up", "down", ""]
    question: str = Field(max_length=100_000)
    answer: str = Field(max_length=100_000)
    sources: list[str] = Field(default=[], max_length=100)
    adapter: str = Field(default="", max_length=1000)
    adapter_version: str = Field(default="", max_length=200)


def data_folder(kb: Any) -> Path:
    """Where uploads and thumbs live: the knowledge base's own folder, or `.ragweave` for one on a server."""
    folder = getattr(kb, "folder", None)
    return Path(folder) if folder else Path(".ragweave").resolve()


def _checker(kb: KnowledgeBase, chain: Runnable[Any, Any], model_name: str) -> Runnable[Any, Any]:
    """What example questions are tried with: quotes, where the chat model costs time or money."""
    if not model_name:
        return chain
    from ragweave.chains import rag_chain

    return rag_chain(None, kb.as_retriever())


class PageApi:
    """What the page asks for by plain HTTP, over one knowledge base."""

    def __init__(
        self,
        kb: KnowledgeBase,
        chain: Runnable[Any, Any],
        *,
        title: str,
        model_name: str,
        adapters: ListAdapters | None = None,
        without: Collection[str] | None = None,
    ) -> None:
        self._kb = kb
        self._title = title
        self._model_name = model_name
        self._adapters = adapters
        self._without = without
        self._chain_steps = steps_of(chain, model=bool(model_name))
        self.switchable = without is not None
        self.data_folder = data_folder(kb)
        self.uploads = UploadFolder(self.data_folder / "uploads")
        self._feedback = FeedbackStore(self.data_folder / "feedback.sqlite")
        self._examples = ExampleFinder(kb, _checker(kb, chain, model_name))
        self.version = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()[:12]

    def router(self) -> APIRouter:
        """The routes, to be included before Gradio is mounted at `/`."""
        router = APIRouter()
        router.add_api_route("/healthz", self.healthz, methods=["GET"])
        router.add_api_route("/readyz", self.readyz, methods=["GET"])
        router.add_api_route("/page/{name}", self.file, methods=["GET"])
        router.add_api_route("/api/knowledge", self.knowledge, methods=["GET"])
        router.add_api_route("/api/adapters", self.adapters, methods=["GET"])
        router.add_api_route("/api/feedback", self.feedback, methods=["POST"])
        return router

    def warm_up(self) -> None:
        """Begin to look for examples, and so load the encoder, without waiting for it."""
        threading.Thread(target=self.knowledge, name="ragweave-warm-up", daemon=True).start()

    def healthz(self) -> Response:
        """The process answers."""
        return PlainTextResponse("ok")

    def readyz(self) -> Response:
        """The store answers too."""
        try:
            self._kb.sources()
        except Exception as error:  # the edge: any failure means not ready
            return PlainTextResponse(failure_sentence(error), status_code=503)
        return PlainTextResponse("ok")

    def file(self, name: str) -> Response:
        """The page's own script, style and icon."""
        if name == "icon.svg":
            return Response(ICON, media_type="image/svg+xml")
        if name not in FILES:
            return PlainTextResponse("Not found.", status_code=404)
        return FileResponse(HERE / name, media_type=FILES[name], headers={"Cache-Control": "no-cache"})

    def knowledge(self) -> Response:
        """What the knowledge base holds, when it was last updated, and questions that it answers."""
        try:
            sources = self._kb.sources()
        except Exception as error:  # the edge: the page says why it knows nothing
            log.warning("The knowledge base cannot be read", exc_info=True)
            return JSONResponse({"error": failure_sentence(error), "title": self._title}, status_code=503)
        newest = max((source.ingested_at for source in sources), default="")
        return JSONResponse(
            {
                "id": hashlib.sha256(str(self.data_folder).encode()).hexdigest()[:10],
                "title": self._title,
                "model": self._model_name,
                "documents": len(sources),
                "passages": sum(source.chunks for source in sources),
                "updated": short_date(newest),
                "updated_at": newest,
                "upload_megabytes": UPLOAD_MEGABYTES,
                "examples": self._examples.questions(sources),
                "examples_pending": self._examples.pending(),
                "steps": self._steps(),
                "sources": [
                    {
                        "source": self.uploads.name(source.source),
                        "title": source.title or file_name(source.source),
                        "passages": source.chunks,
                        "changed": short_date(source.updated_at),
                        "added": short_date(source.ingested_at),
                    }
                    for source in sources[:LISTED]
                ],
            },
            headers={"Cache-Control": "no-store"},
        )

    def _steps(self) -> list[dict[str, Any]]:
        """The steps that people may switch; none where nobody said which the chain leaves out."""
        if self._without is None:
            return []
        return [
            {"name": name, "text": text, "on": name not in self._without, "needs": ""}
            if name in self._chain_steps
            else {"name": name, "text": text, "on": False, "needs": NEEDS.get(name, "Not in this chain.")}
            for name, text in STEPS.items()
        ]

    def adapters(self) -> Response:
        """What may write the answers: the base model and its adapters, as they are now."""
        found: Sequence[AdapterInfo] = ()
        try:
            found = self._adapters() if self._adapters else ()
        except Exception as error:  # the edge: the menu says why it is empty
            log.warning("The adapters cannot be listed", exc_info=True)
            return JSONResponse({"error": failure_sentence(error)}, status_code=503)
        listed = [
            {"name": one.name, "version": one.version, "description": one.description, "rank": one.rank}
            for one in found
        ]
        told = {"base": self._model_name, "adapters": listed}
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    def feedback(self, given: Feedback) -> Response:
        """Store a thumb, or take it back."""
        self._feedback.give(
            given.request_id,
            given.verdict,
            question=given.question,
            answer=given.answer,
            sources=given.sources,
            adapter=given.adapter,
            adapter_version=given.adapter_version,
        )
        return JSONResponse({"stored": True})
