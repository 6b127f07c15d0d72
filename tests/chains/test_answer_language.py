from __future__ import annotations

import pytest
from langchain_core.documents import Document

from ragweave.chains.answer_language import language_note, written_in

TEXTS = {
    "english": "Employees get 25 days of leave a year. Ask your manager two weeks ahead.",
    "german": "Beschäftigte erhalten 25 Tage Urlaub im Jahr. Der Antrag ist zwei Wochen vorher zu stellen.",
    "french": "Les salariés ont 25 jours de congé par an. La demande est à faire deux semaines avant.",
    "russian": "Сотрудники получают 25 дней отпуска в год. Заявление подаётся за две недели до отпуска.",
    "japanese": "従業員は年に二十五日の休暇を取ることができます。",
    "chinese": "员工每年有二十五天年假。申请须提前两周提交。",
}
QUESTIONS = {
    "english": "How many days of leave do I get?",
    "german": "Wie viele Urlaubstage habe ich?",
    "french": "Combien de jours de congé ai-je ?",
    "russian": "Сколько дней отпуска у меня есть?",
    "japanese": "休暇は何日ありますか。",
    "chinese": "员工每年有几天年假？",
}


@pytest.mark.parametrize("written", TEXTS)
@pytest.mark.parametrize("asked", QUESTIONS)
def test_the_note_is_there_where_question_and_passages_differ(asked: str, written: str) -> None:
    note = language_note(QUESTIONS[asked], [Document(TEXTS[written])])

    # A question in Han letters alone may be Japanese.
    same = asked == written or (asked, written) == ("chinese", "japanese")
    assert note == ("" if same else f"The passages are in {written.capitalize()}.")


@pytest.mark.parametrize("question", ["Urlaub?", "VPN", "", "🤔", "401k ISO-9001", "x" * 100_000])
def test_where_nothing_tells_the_question_there_is_no_note(question: str) -> None:
    assert language_note(question, [Document(TEXTS["english"])]) == ""


def test_passages_without_letters_are_in_no_language() -> None:
    assert written_in([Document("12 34 | 56")]) == written_in([]) == ""
    assert language_note("How many days do I get?", []) == ""
