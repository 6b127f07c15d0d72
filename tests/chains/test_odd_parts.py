"""Parts of the chain that other people give: what is odd about them is survived, or is a clear error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document

from ragweave.chains import ChainError, KnowledgeBase, Rerank, rag_chain
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder

LEAVE = "Employees get 25 days of annual leave each year. Leave must be approved by the manager."
PAY = "Salaries are paid on the 25th of each month. Overtime is paid with the next salary."
QUESTION = "How many days of annual leave do employees get?"


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase(SqliteStore(tmp_path / "kb"), WordEncoder()) as kb:
        kb.ingest(
            [
                Document(LEAVE, metadata={"source": "leave", "title": "Leave policy"}),
                Document(PAY, metadata={"source": "pay", "title": "Pay policy"}),
            ]
        )
        yield kb


# -- compressors -------------------------------------------------------------------------------------------


class Giving(BaseDocumentCompressor):
    """Gives what it was given to give."""

    given: Any

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Any:
        return self.given(documents)


@pytest.mark.parametrize("given", [None, ["a text"]])
async def test_a_filter_that_gives_no_documents_is_a_clear_error(kb: KnowledgeBase, given: Any) -> None:
    chain = rag_chain(None, kb.as_retriever(), filter=Giving(given=lambda documents: given))

    with pytest.raises(ChainError, match="'filter' gave"):
        chain.invoke(QUESTION)
    with pytest.raises(ChainError, match="'filter' gave"):
        await chain.ainvoke(QUESTION)


def test_a_reranker_may_give_a_generator(kb: KnowledgeBase) -> None:
    reranker = Giving(given=lambda documents: (one for one in reversed(documents)))

    state = rag_chain(None, kb.as_retriever(), rerank=Rerank(reranker, weight=1)).invoke("annual leave")

    assert [one.metadata["source"] for one in state["documents"]] == ["pay", "leave"]
