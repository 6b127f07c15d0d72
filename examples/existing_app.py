"""A chain that an app has already, and Ragweave as one step of it: the app's prompt, the app's model.

python examples/existing_app.py
"""

import tempfile
from typing import Any

from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.runnables import Runnable, RunnableLambda

from ragweave.chains import KnowledgeBase, rag_chain

HANDBOOK = [
    Document("Laptops are replaced every three years.", metadata={"source": "it", "title": "IT handbook"}),
    Document("Lunch is served from 11:30 to 13:30.", metadata={"source": "canteen", "title": "Canteen"}),
]


def main() -> None:
    with tempfile.TemporaryDirectory() as kept, KnowledgeBase.open(kept) as kb:
        kb.ingest(HANDBOOK)
        model = FakeListChatModel(responses=["Every three years [1]. Ask IT [9]."])  # any chat model of yours
        answer = rag_chain(model, kb.as_retriever())
        app: Runnable[Any, Any] = (
            RunnableLambda(lambda mail: {"question": mail["subject"]}) | answer | RunnableLambda(_reply)
        )
        print(app.invoke({"subject": "How often are laptops replaced?"}))


def _reply(state: dict[str, Any]) -> str:
    sources = ", ".join(sorted({citation["title"] for citation in state["citations"]}))
    return f"{state['answer']}\n-- from: {sources}"


if __name__ == "__main__":
    main()
