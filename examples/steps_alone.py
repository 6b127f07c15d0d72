"""Single steps of the chain in a chain of your own: each is a Runnable, a compressor or a retriever.

python examples/steps_alone.py
"""

import tempfile

from langchain_core.documents import Document
from langchain_core.runnables import RunnablePassthrough

from ragweave.chains import (
    Diversify,
    KnowledgeBase,
    ReworkingRetriever,
    condenser,
    retrieval_chain,
    transformer,
)

HANDBOOK = [
    Document("Laptops are replaced every three years.", metadata={"source": "it", "title": "IT handbook"}),
    Document("Laptops are replaced every three years!", metadata={"source": "old", "title": "IT handbook"}),
    Document("Lunch is served from 11:30 to 13:30.", metadata={"source": "canteen", "title": "Canteen"}),
]
TALK = {
    "question": "And how often is it replaced?",
    "history": [("user", "Who gets a laptop?"), ("assistant", "Everyone.")],
}


def main() -> None:
    with tempfile.TemporaryDirectory() as kept, KnowledgeBase.open(kept) as kb:
        kb.ingest(HANDBOOK)
        print(condenser().invoke(TALK))
        print(transformer(kb).invoke("How often are laptops replaced and when is lunch served?"))

        without_repeats = ReworkingRetriever(retriever=kb.as_retriever(k=3), steps=[Diversify()])
        print([one.metadata["source"] for one in without_repeats.invoke("laptops")])

        chain = RunnablePassthrough.assign(question=condenser()) | retrieval_chain(kb.as_retriever(k=2))
        print([one.metadata["title"] for one in chain.invoke(TALK)["documents"]])


if __name__ == "__main__":
    main()
