"""Ragweave as a node of a LangGraph graph: the passages decide where the graph goes next.

python examples/langgraph_node.py
"""

import tempfile
from typing import Any, TypedDict

from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, StateGraph

from ragweave.chains import KnowledgeBase, rag_chain

HANDBOOK = [
    Document("Laptops are replaced every three years.", metadata={"source": "it", "title": "IT handbook"}),
    Document("Lunch is served from 11:30 to 13:30.", metadata={"source": "canteen", "title": "Canteen"}),
]


class Ticket(TypedDict, total=False):
    question: str
    answer: str
    citations: list[dict[str, Any]]
    abstained: bool


def ask_a_person(ticket: Ticket) -> Ticket:
    return {"answer": f"A colleague will answer: {ticket['question']}"}


def main() -> None:
    with tempfile.TemporaryDirectory() as kept, KnowledgeBase.open(kept) as kb:
        kb.ingest(HANDBOOK)
        chain = rag_chain(None, kb.as_retriever(k=2))
        graph = StateGraph(Ticket)
        graph.add_node("documents", RunnableLambda(lambda ticket: {"question": ticket["question"]}) | chain)
        graph.add_node("person", RunnableLambda(ask_a_person))
        graph.add_edge(START, "documents")
        graph.add_conditional_edges("documents", lambda ticket: "person" if ticket["abstained"] else END)
        graph.add_edge("person", END)
        desk = graph.compile()
        for question in ("How often are laptops replaced?", "Who won the cup in 1998?"):
            print(desk.invoke({"question": question})["answer"])


if __name__ == "__main__":
    main()
