"""A knowledge base: documents go in, passages with their places come out.

The one object most users meet. Joins store, encoder, analyser and ingestion; each of them does the work.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .analyser import query_tokens
from .embeddings import Encoder, open_encoder
from .errors import ChainError
from .filters import Expression, check_fields, matches, parse_filter
from .fusion import DEFAULT_ALPHA, LEG_LIMIT
from .hits import Fusion, SearchMode, check_search, chunk_document, leg_ranks, ranked, stage_scores
from .records import SourceInfo, Vector
from .report import IngestReport, OnProgress
from .store import DecayingStore, FusingStore, Legs, Store

if TYPE_CHECKING:
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_core.tools import BaseTool

    from .aged_search import AgedHits, ServerDecay
    from .freshness import Freshness
    from .ingestion import Ingestion
    from .lexicon import Lexicon, LexiconKeeper
    from .retriever import KnowledgeBaseRetriever

__all__ = ["KnowledgeBase"]


class KnowledgeBase:
    """Documents made searchable, in a folder on disk or on a Weaviate server.

    Open one with `KnowledgeBase.open`; use it as a context manager or call `close`. One object may be used
    from several threads, and several processes may have one knowledge base open.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, KnowledgeBase.open(folder) as kb:
        ...     kb.sources()
        []
    """

    def __init__(self, store: Store, encoder: Encoder, *, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder
        self._encoder = encoder
        self._bound = False
        self._counted: tuple[str, int] | None = None  # at which change token
        self._keeper: LexiconKeeper | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        url: str | PathLike[str],
        *,
        embeddings: Embeddings | Encoder | str | None = None,
        tenant: str | None = None,
        api_key: str | None = None,
        timeout: float = 10.0,
    ) -> Self:
        """Open a knowledge base; nothing is read, written or connected before its first use.

        Args:
            url: a folder, `weaviate://HOST:PORT?grpc=PORT&collection=NAME`, `weaviates://...` with TLS, or
                `weaviate+embedded:///FOLDER?binary=...` for a server of its own.
            embeddings: any LangChain `Embeddings`, or a sentence-transformers folder or hub id; by default
                the packaged all-MiniLM-L6-v2.
            tenant: keeps what is ingested under one tenant apart from every other, in everything.
            api_key: of the Weaviate server.
            timeout: seconds for one operation on a server that answers slowly.

        Raises:
            ChainError: the URL is malformed.
        """
        if tenant is not None and (not isinstance(tenant, str) or not tenant.strip()):
            raise ChainError(
                f"The tenant {tenant!r} has no name.", remedy="Give a name, or leave tenant out."
            )
        text = str(url)
        if text.startswith(("weaviate:", "weaviates:", "weaviate+embedded:")):
            from .weaviate_store import WeaviateStore

            server = WeaviateStore(text, tenant=tenant, api_key=api_key, timeout=timeout)
            return cls(server, open_encoder(embeddings))
        if "://" in text or not text:
            raise ChainError(
                f"Cannot open a knowledge base at {text!r}.",
                remedy="Give a folder, or a URL that begins with weaviate://, weaviates:// or weaviate+embedded://.",
            )
        from .sqlite_store import SqliteStore

        folder = Path(text).expanduser()
        return cls(SqliteStore(folder, tenant=tenant), open_encoder(embeddings), folder=folder)

    @property
    def encoder(self) -> Encoder:
        """The encoder that this knowledge base was opened with."""
        return self._encoder

    @property
    def folder(self) -> Path | None:
        """The folder it lies in; None on a server."""
        return self._folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release files and connections; a second call does nothing."""
        self._store.close()

    # -- documents go in -----------------------------------------------------------------------------------

    def ingest(
        self,
        sources: Any,
        *,
        delete_missing: bool = False,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
    ) -> IngestReport:
        """Bring the knowledge base up to date with files, folders, patterns, Documents or loaders.

        What did not change costs no embedding. A source that cannot be read is a `Failure` in the report and
        leaves what was there. Cut off at any moment, the same call again ends in the same knowledge base.

        Args:
            sources: one of them or an iterable of them, mixed as you like.
            delete_missing: also delete sources whose files left the folders given.
            dry_run: report what would be done; write and embed nothing.
            on_progress: called with an `IngestEvent` before and after each source.

        Raises:
            StoreUnavailable: the store does not answer; what was stored so far stays.
            StoreMismatch: the knowledge base was built with another embedder.
        """
        return self._ingestion(dry_run, on_progress).run(sources, delete_missing=delete_missing)

    def delete(self, sources: str | Iterable[str]) -> IngestReport:
        """Delete sources by name; the report's probes show that their text is no longer found."""
        names = [sources] if isinstance(sources, str) else list(sources)
        return self._ingestion(False, None).delete(names)

    def _ingestion(self, dry_run: bool, on_progress: OnProgress | None) -> Ingestion:
        from .ingestion import Ingestion  # with the readers; a search needs neither

        return Ingestion(
            self._store, self._encoder, dry_run=dry_run, on_progress=on_progress, leave_out=self._folder
        )

    # -- what it holds -------------------------------------------------------------------------------------

    def sources(self) -> list[SourceInfo]:
        """Every source, by name."""
        return [
            SourceInfo(
                source=record.source,
                title=record.title,
                chunks=len(record.chunk_ids),
                sha256=record.sha256,
                ingested_at=record.ingested_at,
                updated_at=record.updated_at,
            )
            for record in self._store.records()
        ]

    def documents(self, source: str) -> list[Document]:
        """The passages of a source, in order; raises `ChainError` for an unknown one."""
        chunks = self._store.chunks(source)
        if not chunks:
            self.text(source)  # raises where there is no such source
        return [chunk_document(chunk) for chunk in chunks]

    def around(
        self, source: str, first: int, last: int, *, filter: Mapping[str, Any] | Expression | None = None
    ) -> list[Document]:
        """The passages of a source from one place to another, both included, in order.

        Those that a filter does not let pass are left out; an unknown source has none.
        """
        where = parse_filter(filter)
        chunks = self._store.around(source, first, last)
        return [chunk_document(chunk) for chunk in chunks if matches(where, chunk.filterable())]

    def everything(
        self, most: int, *, filter: Mapping[str, Any] | Expression | None = None
    ) -> list[Document] | None:
        """All passages that a filter lets pass, by source; None where the base holds more than `most`."""
        if self._store.count() > most:
            return None
        sources = [(record.source, len(record.chunk_ids)) for record in self._store.records()]
        return [one for name, count in sources for one in self.around(name, 0, count - 1, filter=filter)]

    def text(self, source: str) -> str:
        """The extracted text that offsets point into; raises `ChainError` for an unknown source."""
        text = self._store.text(source)
        if text is None:
            raise ChainError(f"There is no source {source!r}.", remedy="sources() lists the names there are.")
        return text

    def count(self) -> int:
        """Number of passages; counted anew after changes, on Weaviate within half a minute of them."""
        token = self._store.change_token()
        if self._counted is None or self._counted[0] != token:
            self._counted = (token, self._store.count())
        return self._counted[1]

    def lexicon(self) -> Lexicon:
        """The words, acronyms and fixed pairs of its text; read at the first call and after changes."""
        if self._keeper is None:
            with self._lock:
                if self._keeper is None:
                    from .lexicon import LexiconKeeper

                    self._keeper = LexiconKeeper(
                        self._store.change_token,
                        self._store.records,
                        self._store.texts,
                        is_word=self._is_word,
                    )
        return self._keeper.lexicon()

    def _is_word(self, word: str) -> bool:
        """Whether the encoder knows a word whole: its vocabulary holds the common words of its languages."""
        return len(self._encoder.token_spans(word)) == 1

    # -- passages come out ---------------------------------------------------------------------------------

    def search(
        self,
        query: str,
        *,
        k: int = 8,
        alpha: float | None = None,
        mode: SearchMode = "hybrid",
        fusion: Fusion = "relative",
        filter: Mapping[str, Any] | Expression | None = None,
        vector: Vector | None = None,
        freshness: Freshness | tuple[Any, ...] | None = None,
    ) -> list[Document]:
        """The best `k` passages for a query, best first; [] where nothing fits.

        Args:
            query: any text; its first tokens count where it is longer than the encoder's window.
            k: how many passages.
            alpha: weight of the vector leg against the keyword leg, 0..1; by default one measured over
                several public collections.
            mode: both legs, or one of them.
            fusion: of both legs: "relative", the same on every store, or "native", by the Weaviate server.
            filter: keys of metadata and what they must be, see `docs/knowledge-bases.md`.
            vector: the query's embedding, where it is known already; shape (dimension,), unit length.
            freshness: lets age count, over all that the legs found; a `Freshness`, or its arguments.

        Raises:
            FilterError: an unknown operator, or a key that no document has.
            StoreUnavailable: the store does not answer.
        """
        check_search(k, alpha, mode, fusion)
        fresh = _freshness(freshness)
        where = parse_filter(filter)
        if k == 0 or not query.strip() or not self._ready():
            return []
        if where:
            check_fields(where, self._store.fields())
        tokens = query_tokens(query, self._store.languages()) if mode != "vector" else []
        if mode == "keyword":
            vector = None
        elif vector is None:
            vector = self._encoder.encode_query(query)
        alpha = DEFAULT_ALPHA if alpha is None else alpha
        if mode == "hybrid" and fusion == "native" and vector is not None:
            legs = Legs((), ())
            wanted = k if fresh is None else 2 * max(LEG_LIMIT, k)  # all that the legs find
            hits = self._fusing_store().hybrid_native(tokens, vector, alpha=alpha, limit=wanted, where=where)
        else:
            legs = self._store.search(tokens, vector, limit=max(LEG_LIMIT, k), where=where)
            hits = ranked(legs, mode, alpha)
        best, aged = hits[:k], None
        if fresh is not None:
            server = None
            if mode == "hybrid" and vector is not None and isinstance(self._store, DecayingStore):
                decayed = self._store.hybrid_decayed
                server = partial(decayed, tokens, vector, alpha=alpha, limit=k, where=where)
            aged = self._age(fresh, hits, k, server)
            best = aged.best
        chunks = self._store.get([hit for hit, _ in best])
        stages, ranks = stage_scores(legs, mode, best, hits), leg_ranks(legs, best)
        found = [
            chunk_document(chunks[hit], score, stages[hit], ranks[hit])
            for hit, score in best
            if hit in chunks
        ]
        return found if aged is None else aged.marked(found)

    async def asearch(
        self,
        query: str,
        *,
        k: int = 8,
        alpha: float | None = None,
        mode: SearchMode = "hybrid",
        fusion: Fusion = "relative",
        filter: Mapping[str, Any] | Expression | None = None,
        vector: Vector | None = None,
        freshness: Freshness | tuple[Any, ...] | None = None,
    ) -> list[Document]:
        """`search` without blocking the event loop."""
        return await asyncio.to_thread(
            self.search,
            query,
            k=k,
            alpha=alpha,
            mode=mode,
            fusion=fusion,
            filter=filter,
            vector=vector,
            freshness=freshness,
        )

    def as_retriever(
        self,
        *,
        k: int = 8,
        alpha: float | None = None,
        mode: SearchMode = "hybrid",
        fusion: Fusion = "relative",
        filter: Mapping[str, Any] | None = None,
        freshness: Freshness | tuple[Any, ...] | None = None,
    ) -> KnowledgeBaseRetriever:
        """A LangChain retriever with these defaults; each can be given per call too."""
        from .retriever import KnowledgeBaseRetriever

        check_search(k, alpha, mode, fusion)
        return KnowledgeBaseRetriever(
            kb=self,
            k=k,
            alpha=alpha,
            mode=mode,
            fusion=fusion,
            filter=dict(filter or {}),
            freshness=_freshness(freshness),
        )

    def as_tool(self, *, k: int = 8, name: str = "search_documents", description: str = "") -> BaseTool:
        """A LangChain tool for agents: content is numbered passages, the artifact their Documents."""
        from .tool import search_tool

        return search_tool(self, k=k, name=name, description=description)

    def _age(
        self, freshness: Freshness, hits: Sequence[tuple[str, float]], k: int, server: ServerDecay | None
    ) -> AgedHits:
        from .aged_search import age

        def metadata_of(ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
            return {key: chunk_document(chunk).metadata for key, chunk in self._store.get(ids).items()}

        return age(freshness, hits, k, metadata_of=metadata_of, server=server)

    def _fusing_store(self) -> FusingStore:
        if isinstance(self._store, FusingStore):
            return self._store
        raise ChainError(
            'fusion="native" is done by a Weaviate server, and this knowledge base lies in a folder.',
            remedy='Leave fusion at "relative", or open a weaviate:// URL.',
        )

    def _ready(self) -> bool:
        """Whether there is a base to search, made by this embedder."""
        if self._bound:
            return True
        with self._lock:
            if not self._bound and self._store.exists():
                self._store.bind(self._encoder.identity())
                self._bound = True
        return self._bound


def _freshness(given: Any) -> Freshness | None:
    """What counts age; None where it is left out, or counts for nothing."""
    if given is None:
        return None
    from .freshness import freshness_choice

    fresh = freshness_choice(given)
    return fresh if fresh is not None and fresh.weight > 0 else None
