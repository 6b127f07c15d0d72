"""A knowledge base as a LangChain tool, for agents."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.documents import Document
from langchain_core.tools import BaseTool, StructuredTool

from .knowledge_base import KnowledgeBase
from .prompt_fence import as_data, one_line

__all__ = ["search_tool"]

DESCRIPTION = (
    "Search the knowledge base. Returns numbered passages; cite them as [1], [2]. "
    "Use it for every question about the documents, and say so when nothing fits."
)


def search_tool(kb: KnowledgeBase, *, k: int, name: str, description: str) -> BaseTool:
    """A tool that takes `query`: its content is text for the model, its artifact the Documents."""

    def search(query: str) -> tuple[str, list[Document]]:
        found = kb.search(query, k=k)
        return _numbered(found), found

    async def asearch(query: str) -> tuple[str, list[Document]]:
        found = await kb.asearch(query, k=k)
        return _numbered(found), found

    return StructuredTool.from_function(
        search,
        coroutine=asearch,
        name=name,
        description=description or DESCRIPTION,
        response_format="content_and_artifact",
    )


def _numbered(documents: Sequence[Document]) -> str:
    if not documents:
        return "Nothing in the knowledge base fits."
    return "\n\n".join(
        f"[{number}] {one_line(document.metadata['title'])} ({one_line(document.metadata['source'])})\n"
        f"{as_data(document.page_content)}"
        for number, document in enumerate(documents, start=1)
    )
