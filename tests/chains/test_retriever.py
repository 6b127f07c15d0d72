"""The retriever passes LangChain's own suite."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_tests.integration_tests import RetrieversIntegrationTests

from ragweave.chains import KnowledgeBase, KnowledgeBaseRetriever

from .fakes import WordEncoder


class TestKnowledgeBaseRetriever(RetrieversIntegrationTests):
    kb: KnowledgeBase

    @pytest.fixture(autouse=True)
    def _base(self) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            with KnowledgeBase.open(folder, embeddings=WordEncoder()) as kb:
                kb.ingest(
                    Document(f"Example text number {n}.", metadata={"source": str(n)}) for n in range(6)
                )
                type(self).kb = kb
                yield

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return KnowledgeBaseRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"kb": self.kb}

    @property
    def retriever_query_example(self) -> str:
        return "example text"
