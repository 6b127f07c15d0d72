"""Agents that cite: passages in every call (middleware), or a search that the model decides on (a tool).

python examples/agent.py
"""

import tempfile
from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolCall

from ragweave.chains import CitedContext, KnowledgeBase

HANDBOOK = [
    Document("Laptops are replaced every three years.", metadata={"source": "it", "title": "IT handbook"}),
    Document("Lunch is served from 11:30 to 13:30.", metadata={"source": "canteen", "title": "Canteen"}),
]
QUESTION: Any = {"messages": [("user", "How often are laptops replaced?")]}


class Scripted(GenericFakeChatModel):
    """Says what it is told; put any chat model of yours that calls tools in its place."""

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self


def main() -> None:
    with tempfile.TemporaryDirectory() as kept, KnowledgeBase.open(kept) as kb:
        kb.ingest(HANDBOOK)

        model = Scripted(messages=iter([AIMessage("Every three years. [1]")]))
        reading = create_agent(model, middleware=[CitedContext(kb.as_retriever(k=2))])
        state = reading.invoke(QUESTION)
        print(state["messages"][-1].text)
        for citation in state["citations"]:
            print(f"[{citation['n']}] {citation['source']}: {citation['quote']!r}")

        search = kb.as_tool(k=2)
        call = ToolCall(name=search.name, args={"query": "laptops replaced"}, id="1")
        model = Scripted(
            messages=iter([AIMessage("", tool_calls=[call]), AIMessage("Every three years. [1]")])
        )
        searching = create_agent(model, [search])
        found = next(one for one in searching.invoke(QUESTION)["messages"] if one.type == "tool")
        print(f"{found.name} found {[document.metadata['source'] for document in found.artifact]}")


if __name__ == "__main__":
    main()
