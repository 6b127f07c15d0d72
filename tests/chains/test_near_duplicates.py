"""When a passage only repeats another one, and when it is a version of a rule."""

from __future__ import annotations

import pytest
from langchain_core.documents import Document

from ragweave.chains.near_duplicates import fingerprint, likeness, rule_out_repeats

RULE = (
    "Employees of Norwind may work from home on 2 days of a week. The manager confirms the days by the end "
    "of the month before, in writing. Whoever works from home is reachable between 9 and 15 and keeps papers "
    "with personal data out of the sight of others. The equipment stays the property of the company."
)


def _likeness(later: str, first: str = RULE, question: str = "", names: tuple[str, str] = ("", "")) -> float:
    made = [
        Document(text, metadata={"title": name}) for text, name in zip((later, first), names, strict=True)
    ]
    return likeness(fingerprint(made[0]), fingerprint(made[1]), question)[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("week. The", "week;\n\n   the"),
        ("in writing", "*in* “writing”"),
        ("Employees of Norwind", "EMPLOYEES OF NORWIND"),
    ],
)
def test_punctuation_case_and_white_space_do_not_count(before: str, after: str) -> None:
    assert before in RULE
    assert _likeness(RULE.replace(before, after)) == 1.0


def test_one_plain_word_of_many_may_differ() -> None:
    assert 0.97 <= _likeness(RULE.replace("reachable", "available")) < 1.0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2 days", "3 days"),
        ("2 days", "two days"),
        ("15", "15.5"),
        ("Norwind", "Southwind"),
        ("may work", "may not work"),
        ("may work", "must work"),
        ("a week", "a month"),
        ("the end", "the start"),
        ("between 9 and 15", "between 15 and 9"),
        ("confirms", "unconfirms"),
        ("2 days", "−2 days"),
        ("2 days", "2 % days"),
        ("9 and 15", "9 and 1.5"),
        ("2 days", "< 2 days"),
    ],
)
def test_a_number_a_name_or_a_word_that_turns_a_rule_round_makes_another_rule(
    before: str, after: str
) -> None:
    assert before in RULE
    assert _likeness(RULE.replace(before, after)) == 0.0


@pytest.mark.parametrize(("one", "other"), [("1.5 h", "1/5 h"), ("2-3", "2.3"), ("> 5", "< 5"), ("✓", "✗")])
def test_what_only_punctuation_tells_apart_is_not_the_same_word_for_word(one: str, other: str) -> None:
    assert _likeness(f"It takes {one} in all.", f"It takes {other} in all.") == 0.0


def test_the_same_words_about_others_in_another_order_are_no_repeat() -> None:
    assert _likeness("The buyer pays the seller at once.", "The seller pays the buyer at once.") < 0.97
    assert _likeness("Ann reports to Bob.", "Bob reports to Ann.") == 0.0


def test_scripts_without_capitals_must_agree_in_full() -> None:
    assert (
        _likeness("员工每年有二十五天假期 " * 40, "员工每年有二十五天假期 " * 39 + "员工每年有三十天假期")
        == 0.0
    )


def test_a_passage_inside_the_first_repeats_it_but_not_the_other_way_round() -> None:
    part = RULE[: RULE.index("Whoever")]

    assert _likeness(part, RULE) == 1.0
    assert _likeness(RULE, part) < 0.97


def test_a_part_of_a_word_is_no_part_of_a_passage() -> None:
    assert _likeness("may work from", "They may work from, home. maybe") == 1.0
    assert _likeness("ay work fro", "They may work from home.") == 0.0


@pytest.mark.parametrize(
    ("question", "repeats"),
    [
        ("How long is the warranty?", True),
        ("Is the warranty of pumps as long as that of boilers?", False),
        ("Who repairs a boiler?", False),
    ],
)
def test_the_same_text_below_two_titles_is_kept_where_the_question_names_one(
    question: str, repeats: bool
) -> None:
    text = "The warranty lasts 2 years from the day of delivery and covers all parts but the seals."

    found = _likeness(text, text, question, ("Pumps", "Boilers"))

    assert (found == 1.0) is repeats


def test_a_short_text_means_what_its_heading_says() -> None:
    assert _likeness("Closed.", "Closed.", "When is it open?", ("Sunday", "Monday")) == 0.0
    assert _likeness("Closed.", "The office is closed.", "When is it open?", ("Sunday", "Holidays")) == 0.0
    assert _likeness("Closed.", "Closed.", "When is it open?", ("Sunday", "Sunday")) == 1.0


def test_nearly_the_same_text_below_two_titles_is_no_repeat() -> None:
    assert _likeness(RULE.replace("reachable", "available"), names=("Pumps", "Boilers")) == 0.0


@pytest.mark.parametrize("copied", ["Leave (1)", "Leave - Copy", "Copy of Leave", "leave_copy"])
def test_the_title_of_a_copied_file_is_the_title_of_the_file(copied: str) -> None:
    assert _likeness(RULE.replace("reachable", "available"), names=(copied, "Leave")) > 0.97


@pytest.mark.parametrize("repeat", [RULE, RULE.upper(), RULE[:120], RULE.replace("reachable", "available")])
def test_the_cheap_test_lets_every_repeat_pass(repeat: str) -> None:
    ruled_out = rule_out_repeats([Document(RULE), Document(repeat)])

    assert not ruled_out(1, 0)


def test_the_cheap_test_rules_out_other_words_below_another_title() -> None:
    other = Document("The canteen opens at noon.", metadata={"title": "Canteen"})

    ruled_out = rule_out_repeats([Document(RULE, metadata={"title": "Leave"}), other])

    assert ruled_out(1, 0)
