from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from ragweave.chains.follow_up import complete

GERMAN: list[BaseMessage] = [HumanMessage("Wie viele Urlaubstage habe ich?"), AIMessage("25. [1]")]
FRENCH: list[BaseMessage] = [HumanMessage("Combien de jours de congé avons-nous ?"), AIMessage("25. [1]")]


@pytest.mark.parametrize(
    ("history", "question", "whole"),
    [
        (GERMAN, "Und für Teilzeitkräfte?", "Wie viele Urlaubstage habe ich für Teilzeitkräfte?"),
        (GERMAN, "Aber nach der Probezeit?", "Wie viele Urlaubstage habe ich nach der Probezeit?"),
        (FRENCH, "Et pour les stagiaires ?", "Combien de jours de congé avons-nous pour les stagiaires ?"),
        (FRENCH, "Et en Espagne ?", "Combien de jours de congé avons-nous en Espagne ?"),
    ],
)
def test_a_fragment_ends_the_question_before(history: list[BaseMessage], question: str, whole: str) -> None:
    made = complete(question, history)

    assert made.text == whole
    assert made.carried and not made.alone


@pytest.mark.parametrize(
    ("history", "question"),
    [
        (GERMAN, "Und Praktikanten?"),
        (GERMAN, "Was ist mit Praktikanten?"),
        (GERMAN, "Warum?"),
        (GERMAN, "Wer genehmigt das?"),
        (GERMAN, "Wie lange vorher muss ich ihn beantragen?"),
        (GERMAN, "Verfallen sie am Jahresende?"),
        (FRENCH, "Et les stagiaires ?"),
        (FRENCH, "Pourquoi ?"),
        (FRENCH, "Qui approuve cela ?"),
        (FRENCH, "Sont-ils payés ?"),
    ],
)
def test_what_points_or_says_little_gets_the_question_before_in_brackets(
    history: list[BaseMessage], question: str
) -> None:
    before = str(history[0].content).rstrip(" ?")
    end = " ?" if question.endswith(" ?") else "?"

    assert complete(question, history).text == f"{question.removesuffix(end)} ({before}){end}"


@pytest.mark.parametrize(
    ("history", "question"),
    [
        (GERMAN, "Wann öffnet die Kantine?"),
        (GERMAN, "Und wann öffnet die Kantine?"),
        (GERMAN, "Haben Sie einen Dienstwagen?"),
        (GERMAN, "Gibt es eine Kantine in Berlin?"),
        (GERMAN, "Was kostet das Essen in der Kantine?"),
        (FRENCH, "Quand ouvre la cantine ?"),
        (FRENCH, "Y a-t-il une cantine à Paris ?"),
        (FRENCH, "Et comment changer mon mot de passe ?"),
    ],
)
def test_a_question_that_says_what_it_asks_is_left_as_it_is(
    history: list[BaseMessage], question: str
) -> None:
    assert complete(question, history).text == question


def test_fragments_follow_each_other() -> None:
    history = [*GERMAN, HumanMessage("Und für Teilzeitkräfte?"), AIMessage("15. [1]")]

    made = complete("Und in Spanien?", history)

    assert made.text == "Wie viele Urlaubstage habe ich für Teilzeitkräfte in Spanien?"


def test_another_language_without_a_list_of_its_own_keeps_its_words() -> None:
    history = [HumanMessage("¿Cuántos días de vacaciones tenemos?"), AIMessage("25. [1]")]

    made = complete("¿Y para los becarios?", history)

    assert made.text.startswith("¿Y para los becarios (") and "vacaciones" in made.text
