"""An app that has a chain already gets adapters: the model is exchanged, the chain stays as it is.

python examples/adapters_in_an_app.py                       # a tiny random model, made on the spot
python examples/adapters_in_an_app.py models/qwen adapters  # your base model, your folder with legal, support
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableConfig
from tiny_model import make_adapters, make_base

from ragweave.adapters import ChatLora
from ragweave.chains import KnowledgeBase, rag_chain

HANDBOOK = [
    Document("A contract ends three months after notice.", metadata={"source": "contracts"}),
    Document("Orders are sent within two days.", metadata={"source": "orders"}),
]


def existing_chain(model: Runnable[Any, Any]) -> Runnable[Any, str]:
    """What the app had before there were adapters; it knows nothing of them now."""
    prompt = ChatPromptTemplate.from_messages([("system", "Answer in one sentence."), ("user", "{question}")])
    return prompt | model | StrOutputParser()


def by_topic(state: dict[str, Any]) -> dict[str, str]:
    """A route: the adapter for a question, by a rule. A classifier would stand in the same place."""
    return {"adapter": "legal" if "contract" in state["standalone"] else "support"}


def main(base: Path, adapters: dict[str, Path]) -> None:
    with ChatLora(base, adapters=adapters, max_tokens=12) as model:
        chain = existing_chain(model)
        asked = {"question": "When is my order sent?"}
        print("one customer:", repr(chain.with_config(configurable={"adapter": "support"}).invoke(asked)))
        each: list[RunnableConfig] = [
            {"configurable": {"adapter": name}} for name in ("support", "legal", "base")
        ]
        print("three at once:", chain.batch([asked] * 3, each))
        always_legal = existing_chain(model.bind(model="legal"))  # beats whatever the config says
        print("bound:", repr(always_legal.invoke(asked, {"configurable": {"adapter": "support"}})))
        with tempfile.TemporaryDirectory() as kept, KnowledgeBase.open(kept) as kb:
            kb.ingest(HANDBOOK)
            answers = rag_chain(model, kb.as_retriever(k=1), route=by_topic)
            for question in ("When does a contract end?", "How soon are orders sent?"):
                state = answers.invoke(question)
                print(f"{question} {state['adapter']}, version {state['adapter_version'][:8]}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        main(Path(sys.argv[1]), {name: Path(sys.argv[2], name) for name in ("legal", "support")})
    else:
        with tempfile.TemporaryDirectory() as made:
            tiny = make_base(Path(made) / "base")
            main(tiny, make_adapters(tiny, Path(made), ["legal", "support"]))
