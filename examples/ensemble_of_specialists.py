"""One bot in front of several specialists: each has its own knowledge base, and a person takes complaints.

python examples/ensemble_of_specialists.py
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from langchain_core.documents import Document

from ragweave.chains import KnowledgeBase, Route, RuleRouter, SeveralRetrievers, rag_chain

PEOPLE = [
    "Every employee gets 25 days of leave a year.",
    "Salaries are paid on the 25th of each month.",
    "Sick leave of more than three days needs a doctor's note.",
]
IT = [
    "Laptops are replaced every three years.",
    "A forgotten password is reset at the help desk, in room 12.",
    "The printer on the second floor prints in colour.",
]
QUESTIONS = [
    "How many days of leave do I get?",
    "I forgot my password, what now?",
    "I want to complain about my manager",
    "Good morning",
    "Who prints in colour?",
    "How high is Mount Everest?",
]


def main() -> None:
    with tempfile.TemporaryDirectory() as kept, ExitStack() as opened:
        people = opened.enter_context(filled(Path(kept) / "people", PEOPLE))
        it = opened.enter_context(filled(Path(kept) / "it", IT))
        routes = [
            # With a model that takes adapters each specialist can have its own: adapter="people".
            Route(
                "people",
                "leave, pay and sickness",
                ["How many days off do I have?", "When do I get my salary?", "I am ill today"],
                retriever=people,
            ),
            Route(
                "it",
                "computers, passwords and printers",
                ["My laptop is broken", "I cannot log in", "Where can I print?"],
                retriever=it,
            ),
            Route("complaint", handoff="I am passing this on to Sam, who will call you today."),
        ]
        rules = RuleRouter({"complaint": r"\bcomplain|\bharass"})  # asked before the examples
        everywhere = SeveralRetrievers({"people": people, "it": it})  # for questions that fit no route
        bot = rag_chain(None, everywhere, route=[rules, *routes])
        for question in QUESTIONS:
            state = bot.invoke(question)
            print(
                f"{question}\n  {state['route']['name'] if state['route'] else 'no route'}: {state['answer']}"
            )


def filled(folder: Path, texts: list[str]) -> KnowledgeBase:
    """A knowledge base with these texts."""
    kb = KnowledgeBase.open(folder)
    kb.ingest([Document(text, metadata={"source": f"{folder.name} {n}"}) for n, text in enumerate(texts, 1)])
    return kb


if __name__ == "__main__":
    main()
