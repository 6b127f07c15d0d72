from __future__ import annotations

import pytest
from langchain_core.documents import Document

from ragweave.ui.question_candidates import candidates


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        (
            "The purpose of this vacation policy is to outline the rules.",
            "What is the purpose of the vacation policy?",
        ),
        ("Tests are the promises that somebody keeps.", "What are tests?"),
        ("Family leave is a right of everybody here.", "What is family leave?"),
        ("A knowledge base is a folder or a collection on a server.", "What is a knowledge base?"),
        (
            "In the event of an unplanned absence due to illness, employees may call.",
            "What happens in the event of an unplanned absence?",
        ),
        (
            "If you need a replacement badge, contact the front desk.",
            "What should I do if I need a replacement badge?",
        ),
        ("To update your tax elections, follow these four steps.", "How do I update my tax elections?"),
        (
            "Employees are required to accurately track their work hours using the system.",
            "Do employees have to track their work hours?",
        ),
        (
            "Visitors must leave the building before six in the evening.",
            "When do visitors have to leave the building?",
        ),
    ],
)
def test_a_sentence_becomes_the_question_it_answers(sentence: str, question: str) -> None:
    made = [one.question for one in candidates("a.md", [Document(page_content=sentence)])]

    assert question in made


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("How do refunds work?", "How do refunds work?"),
        ("How an answer is made", "How is an answer made?"),
        ("Moving from SQLite to Weaviate", "How do I move from SQLite to Weaviate?"),
        ("Install the package", "How do I install the package?"),
        ("Where uploads are", "Where are uploads?"),
    ],
)
def test_a_heading_becomes_a_question(heading: str, question: str) -> None:
    document = Document(page_content="Text.", metadata={"heading": f"Guide > {heading}"})

    assert question in [one.question for one in candidates("a.md", [document])]


@pytest.mark.parametrize(
    "sentence",
    [
        "This is a rule of the house and of the garden.",
        "It is an honour to be here with all of you today.",
        "Employees must submit requests [X weeks] in advance of it.",
        "The first step is a look at the settings of the page.",
        "`kb.ingest` is a method that reads files and folders.",
        "Frequently criticized are the ease of use and the robustness of the software.",
    ],
)
def test_what_would_read_badly_is_left_out(sentence: str) -> None:
    assert list(candidates("a.md", [Document(page_content=sentence)])) == []


@pytest.mark.parametrize("heading", ["Sheet1", "09060124-b5e7-4717-9d07-3c046eb"])
def test_an_identifier_is_nothing_to_ask_about(heading: str) -> None:
    document = Document(page_content="Text.", metadata={"heading": heading})

    assert list(candidates("a.xlsx", [document])) == []
