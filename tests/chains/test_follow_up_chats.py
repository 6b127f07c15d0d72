"""Whole talks as they happen at work: each turn with the question that it should be searched with."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from ragweave.chains.follow_up import complete

Turn = tuple[str, str, str]  # question, the question that stands alone, answer
SAME = ""  # the question stands alone

LEAVE: list[Turn] = [
    ("How many days of leave do full-time employees get?", SAME, "Full-time employees get 25 days. [1]"),
    (
        "And for part-timers?",
        "How many days of leave do full-time employees get for part-timers?",
        "A share of it. [1]",
    ),
    ("How do I apply for it?", "How do I apply for days of leave?", "In the HR portal. [2]"),
    ("How long does that take?", "How long does that take (apply days leave)?", "Two days."),
]
ALLOWANCE: list[Turn] = [
    ("What is the daily allowance for trips to France?", SAME, "55 euros. [1]"),
    ("What about Spain?", "What is the daily allowance for trips to Spain?", "48 euros. [1]"),
    ("Does it include breakfast?", "Does the daily allowance include breakfast?", "No. [1]"),
    ("Who approves the expenses?", SAME, "Your manager."),
    ("Why?", "Who approves the expenses, and why?", "It is the rule."),
]
LAPTOP: list[Turn] = [
    ("How do I request a new laptop?", SAME, "Open a ticket in the service desk. [1]"),
    ("Who approves that?", "Who approves the new laptop?", "The team lead. [1]"),
    ("How long does it take?", "How long does it take (approves new laptop)?", "A week."),
    ("Can I choose the model?", SAME, "No."),
]
PARENTS: list[Turn] = [
    ("Do we have parental leave?", SAME, "Yes, up to 16 weeks. [1]"),
    ("Is it paid?", "Is parental leave paid?", "Yes. [1]"),
    ("Do both parents get it?", "Do both parents get parental leave?", "Yes."),
    ("When do I have to tell my manager?", SAME, "Two months before."),
]
POLICY: list[Turn] = [
    ("What is the Travel Policy?", SAME, "It covers trips. [1]"),
    ("Who wrote it?", "Who wrote the Travel Policy?", "Ann Lee from Finance. [2]"),
    ("What is her phone number?", "What is Ann Lee's phone number?", "It is 555. [3]"),
    ("Where does she work?", "Where does Ann Lee work?", "In Berlin."),
    ("When was the policy last changed?", "When was the Travel Policy last changed?", "In 2024."),
]
PLANS: list[Turn] = [
    ("Which health plans are there?", SAME, "There are two: the Basic plan and the Family plan. [1]"),
    ("What does the second one cost?", "What does the Family plan cost?", "90 euros."),
    ("And the first?", "What does the Basic plan cost?", "40 euros."),
    ("Can I switch between them?", "Can I switch between the Basic plan and the Family plan?", "Yes."),
]
BADGE: list[Turn] = [
    ("What do I do when my badge does not work?", SAME, "Go to the front desk. [1]"),
    ("Where is that?", "Where is the front desk?", "On the ground floor."),
    ("Is it open on Saturdays?", "Is the front desk open on Saturdays?", "No."),
]
NETWORK: list[Turn] = [
    ("How does the VPN work?", SAME, "Install the client. [1]"),
    ("Does it work from abroad?", "Does the VPN work from abroad?", "Yes."),
    ("What are the opening hours of the canteen?", SAME, "11 to 2."),
]
HOME: list[Turn] = [
    ("Can I work from home?", SAME, "Yes, up to three days a week. [1]"),
    ("Was that different in 2021?", "Was that different in 2021 (work home)?", "It was two days."),
    ("And now?", "Was that different in 2021 (work home), and now?", "Three."),
    ("How do I reset my password?", SAME, "In the portal."),
]
NOTICE: list[Turn] = [
    ("What is the notice period?", SAME, "Three months. [1]"),
    ("During probation?", "What is the notice period during probation?", "Two weeks."),
    ("Does the same apply to interns?", "Does the same apply to interns (the notice period)?", "Yes."),
    (
        "Is it counted from the end of the month?",
        "Is the notice period counted from the end of the month?",
        "",
    ),
]


@pytest.mark.parametrize(
    "turns", [LEAVE, ALLOWANCE, LAPTOP, PARENTS, POLICY, PLANS, BADGE, NETWORK, HOME, NOTICE]
)
def test_each_turn_of_a_talk_at_work_is_completed_from_the_turns_before(turns: list[Turn]) -> None:
    history: list[BaseMessage] = []
    made, wanted = [], []

    for question, whole, answer in turns:
        made.append(complete(question, history).text)
        wanted.append(whole or question)
        history += [HumanMessage(question), AIMessage(answer)]

    assert made == wanted
