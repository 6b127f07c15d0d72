"""Ten lines: from a folder of documents to a cited answer. Run it with the folder and a question.

python examples/cited_answer.py docs "Which port does the chat use?"
"""

import sys
import tempfile

from ragweave.chains import KnowledgeBase, rag_chain


def main(folder: str, question: str) -> None:
    with tempfile.TemporaryDirectory() as kept, KnowledgeBase.open(kept) as kb:
        kb.ingest(folder)
        state = rag_chain(None, kb.as_retriever()).invoke(question)
        print(state["answer"])
        for citation in state["citations"]:
            print(f"[{citation['n']}] {citation['source']}: {citation['quote']!r}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
