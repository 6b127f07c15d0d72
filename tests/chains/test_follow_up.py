from __future__ import annotations

import time

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from ragweave.chains.follow_up import complete


def talk(*turns: str) -> list[BaseMessage]:
    """Questions and answers in turn."""
    return [(HumanMessage if index % 2 == 0 else AIMessage)(turn) for index, turn in enumerate(turns)]


LEAVE = talk("How many days of leave do employees get?", "25 days a year. [1]")
POLICY = talk("What is the Travel Policy?", "It covers trips and expenses. [1]")
PLANS = talk("Which plans are there?", "There are three: the Basic plan, the Plus plan and the Premium plan.")
PRICES = [*PLANS, *talk("How much is the second one?", "9 euros.")]
DISCOUNT = talk("Is there a discount for students?", "Yes.")
MANAGER = talk("Who is my manager?", "Your manager is Ann Lee. [1]")
PAY = talk("When are salaries paid?", "On the 25th. [1]")
BERLIN = talk("Where is the Berlin office?", "In Alexanderstrasse 5. [1]")
CLOUD = talk("What is Acme Cloud?", "A product. [1]", "Does it run in Europe?", "Yes, in Frankfurt.")
BAND = [HumanMessage("The Cult (band)"), HumanMessage("Ceremony and the lawsuit (1991-1994)")]
ALBUM = [
    *BAND,
    *talk("Was Ceremony successful?", "The resulting album Ceremony had mixed responses in 1991."),
]
COMPARED = talk("What is the difference between a junior and a senior engineer?", "Experience. [1]")
CARRIED = talk("Can I carry over unused days?", "Unused leave is carried over. [1]")
OFFICE = talk("How many days a week do we work in the office?", "Three. [1]")
DECLINED = talk(
    "What was the rule in 2021?",
    "I found nothing about this in the documents. I searched for “What was the rule in 2021?”. Try others.",
)
AUTHOR = [HumanMessage("Doris Lessing"), *talk("Where was she born?", "In Kermanshah.")]


@pytest.mark.parametrize(
    ("history", "question", "whole"),
    [
        # pronouns
        (POLICY, "Who approves it?", "Who approves the Travel Policy?"),
        (POLICY, "What are its limits?", "What are the Travel Policy's limits?"),
        (POLICY, "Who wrote the policy?", "Who wrote the Travel Policy?"),
        (POLICY, "Who can change that?", "Who can change the Travel Policy?"),
        (LEAVE, "Does that include weekends?", "Do days of leave include weekends?"),
        (LEAVE, "Is it paid?", "Are days of leave paid?"),
        (LEAVE, "How do I apply for it?", "How do I apply for days of leave?"),
        (LEAVE, "Do they get it in the first year?", "Do employees get days of leave in the first year?"),
        (PAY, "Are they paid in advance?", "Are salaries paid in advance?"),
        (MANAGER, "What is her email?", "What is Ann Lee's email?"),
        (MANAGER, "Can she approve my leave?", "Can Ann Lee approve my leave?"),
        (CLOUD, "How much does it cost?", "How much does Acme Cloud cost?"),
        (talk("What is the daily rate in Rome?", "50."), "Who pays that?", "Who pays the daily rate?"),
        (talk("How many sick days can I take?", "20."), "Are they paid?", "Are sick days paid?"),
        # places
        (BERLIN, "When is it open?", "When is the Berlin office open?"),
        (BERLIN, "How do I get there?", "How do I get to Alexanderstrasse 5?"),
        (CLOUD, "Can I host my data there?", "Can I host my data in Frankfurt?"),
        # an item of a list
        (PLANS, "How much is the second one?", "How much is the Plus plan?"),
        (PLANS, "What does option 3 include?", "What does the Premium plan include?"),
        (PLANS, "Does the first include support?", "Does the Basic plan include support?"),
        (PRICES, "And the third?", "How much is the Premium plan?"),
        (PLANS, "Any others?", "Any other plans besides the Basic plan, the Plus plan and the Premium plan?"),
        # fragments
        (LEAVE, "And for part-time staff?", "How many days of leave do employees get for part-time staff?"),
        (LEAVE, "For interns?", "How many days of leave do employees get for interns?"),
        (LEAVE, "What about contractors?", "How many days of leave do employees get, and contractors?"),
        (PAY, "And in May?", "When are salaries paid in May?"),
        (PAY, "And overtime?", "When are salaries paid, and overtime?"),
        (DISCOUNT, "And for teachers?", "Is there a discount for teachers?"),
        (CLOUD, "And in the US?", "Does Acme Cloud run in the US?"),
        (talk("Can I carry over leave?", "Yes."), "Since when?", "Since when can I carry over leave?"),
        (talk("Can I carry over leave?", "Yes."), "Why?", "Why can I carry over leave?"),
        (PAY, "Why?", "When are salaries paid, and why?"),
        (PAY, "Where?", "Where are salaries paid?"),
        (COMPARED, "Who may be the second one?", "Who may be a senior engineer?"),
        (CARRIED, "What happens to them when I leave?", "What happens to unused days when I leave?"),
        (OFFICE, "What was the rule in 2021?", "What was the rule in 2021 (days week work office)?"),
        (DECLINED, "Who approves it?", "Who approves the rule?"),
        (talk("Is overtime paid?", "Yes."), "Even on Sundays?", "Is overtime paid even on Sundays?"),
        (talk("Is overtime paid?", "Yes."), "And if I am sick?", "Is overtime paid if I am sick?"),
        (talk("Is overtime paid?", "Yes."), "What if I am sick?", "Is overtime paid if I am sick?"),
        # another name in the place of the only one
        (talk("How much is Acme Server?", "9."), "What about Acme Cloud?", "How much is Acme Cloud?"),
        (talk("What do we get in Germany?", "30."), "And the US?", "What do we get in the US?"),
        # what an answer names
        (talk("Who is the manager?", "Ann Lee."), "What is her email?", "What is Ann Lee's email?"),
        (talk("Who helps me?", "Ask Maria Gomez in HR."), "Is she in?", "Is Maria Gomez in?"),
        (talk("How do I get a car?", "Ask Fleet."), "Who pays for its fuel?", "Who pays for the car's fuel?"),
        (talk("Where do I park?", "In the garage."), "How do I get there?", "How do I get to the garage?"),
        (talk("Where do I park?", "In the garage."), "Where is that?", "Where is the garage?"),
        # one of a kind
        (talk("Do I need a badge?", "Yes."), "When do I get one?", "When do I get a badge?"),
        (talk("How does the VPN work?", "Well."), "Is there one for Linux?", "Is there a VPN for Linux?"),
        # a talk with a title
        (AUTHOR, "What did she write?", "What did Doris Lessing write?"),
        (AUTHOR, "When did her parents marry?", "When did Doris Lessing's parents marry?"),
        (BAND, "When did they break up?", "When did The Cult break up?"),
        (BAND, "What was the outcome?", "What was the outcome of The Cult?"),
        (BAND, "Were there any problems abroad?", "Were there any problems abroad (The Cult)?"),
        (BAND, "What happened in 1991?", "What happened to The Cult in 1991?"),
        (AUTHOR, "What did this cause?", "What did this cause (Doris Lessing)?"),
        (ALBUM, "Did it win any awards?", "Did The Cult's Ceremony win any awards?"),
        (ALBUM, "Was this album popular?", "Was the album Ceremony popular?"),
        (ALBUM, "Did they tour that year?", "Did The Cult tour in 1991?"),
        (ALBUM, "Did they have any other albums?", "Did The Cult have any other albums besides Ceremony?"),
        # over several turns
        (
            talk("What is the Travel Policy?", "Rules.", "Who approves it?", "Finance.", "Why?", "Costs."),
            "And for contractors?",
            "Who approves the Travel Policy, and why for contractors?",
        ),
    ],
)  # fmt: skip
def test_what_a_follow_up_points_to_or_leaves_out_is_carried_over(
    history: list[BaseMessage], question: str, whole: str
) -> None:
    made = complete(question, history)

    assert made.text == whole
    assert made.carried and not made.alone


@pytest.mark.parametrize(
    "question",
    [
        "How do I reset my password?",
        "How many days do apprentices get?",
        "What is Kubernetes?",
        "Is it possible to work from home on Fridays?",
        "How long does it take to get a badge?",
        "Did Ann Lee change her phone number?",
        "Which form do I need and how do I submit it?",
        "When do I get my badge and what happens if they lose it?",
        "How many sick days do people get this year?",
        "Is it true that apprentices pay nothing?",
        "Who is in the IT department?",
        "Thanks!",
        "ok",
        "",
        "   ",
        "?",
        "🤔🤔",
        "Wie beantrage ich den Urlaub bei meiner Vorgesetzten?",
        "Comment puis-je demander un congé parental ?",
    ],
)
@pytest.mark.parametrize("history", [LEAVE, POLICY, PLANS, DECLINED, []])
def test_a_question_that_stands_alone_is_left_as_it_is(history: list[BaseMessage], question: str) -> None:
    assert complete(question, history).text == question


NOTED = talk(
    "How long do we work in the office?",
    "Starting May 1, 2023, three days. [1]\n\nAs of May 2023 (Office Rules). There is a newer version.",
)
BOOKED = talk("Who is in the office on Fridays?", "Ask the Acme Board. [1]")


@pytest.mark.parametrize(
    ("history", "question"),
    [
        (NOTED, "How long do we work in the office?"),
        (NOTED, "Is there coffee in the office?"),
        (BOOKED, "Is there coffee in the office?"),
        (talk("Is it open?", "Yes."), "Is it open?"),
    ],
)
def test_nothing_is_put_into_what_was_said_without_it_before(
    history: list[BaseMessage], question: str
) -> None:
    assert complete(question, history).text == question


@pytest.mark.parametrize("question", ["How do I reset my password?", "Who pays for parental leave abroad?"])
def test_the_gate_is_sure_of_a_plain_question(question: str) -> None:
    assert complete(question, POLICY).alone


@pytest.mark.parametrize("question", ["And how do I get one?", "Is that so?", "How high are the expenses?"])
def test_the_gate_is_not_sure_where_something_points_back(question: str) -> None:
    assert not complete(question, POLICY).alone


SEARCHED = talk("parental leave", "Every parent gets 16 weeks. [1]")
TITLE_SEARCHED = talk("Travel Policy", "It covers trips. [1]")


@pytest.mark.parametrize(
    ("question", "whole"),
    [
        ("Is it paid?", "Is parental leave paid?"),
        ("And for interns?", "And for interns (parental leave)?"),
        ("Do they get paid?", "Do they get paid (parental leave)?"),
    ],
)
def test_words_searched_for_first_are_what_is_spoken_of(question: str, whole: str) -> None:
    assert complete(question, SEARCHED).text == whole


@pytest.mark.parametrize("history", [SEARCHED, TITLE_SEARCHED])
@pytest.mark.parametrize("question", ["When does the canteen open?", "How do I reset my password?"])
def test_words_searched_for_first_are_not_put_into_whole_questions(
    history: list[BaseMessage], question: str
) -> None:
    assert complete(question, history).text == question


SHOP = talk("I need to return my laptop.", "Could you give me your email address?")


@pytest.mark.parametrize(
    "message",
    [
        "Sure, it's ann@example.com.",
        "Yes, please.",
        "In Oakland please",
        "That's great.",
        "I want to exchange it for one with more memory.",
        "I ordered it in the shop in Oakland last week. Is it enough?",
    ],
)
def test_a_reply_a_report_or_several_sentences_are_left_as_they_are(message: str) -> None:
    assert complete(message, SHOP).text == message


@pytest.mark.parametrize(
    ("history", "question"),
    [
        (talk("I changed my mind about the visit.", "Shall I book it?"), "Does this flat have a kitchen?"),
        (talk("Where do I arrive?", "At King Street Station."), "What is the departure station?"),
        (talk("Is it at nine?", "Yes.", "Sounds good to me.", "It is booked."), "What is the address?"),
        (talk("I want to come on the 12th.", "It is booked."), "Are they friendly?"),
    ],
)
def test_what_was_not_spoken_of_is_not_put_in(history: list[BaseMessage], question: str) -> None:
    assert complete(question, history).text == question


def test_a_name_ends_with_its_sentence() -> None:
    history = talk("What is there to see?", "Try the American Folk Art Museum. This is a museum.")

    assert complete("When is it open?", history).text == "When is the American Folk Art Museum open?"


def test_a_word_of_thanks_before_the_question_stays_before_it() -> None:
    assert (
        complete("Okay, thanks. Who approves it?", POLICY).text
        == "Okay, thanks. Who approves the Travel Policy?"
    )


def test_replies_are_no_titles_and_no_questions_to_complete_from() -> None:
    history = talk("Can I get a seat in Fairfield?", "Yes, at Mimi's Cafe. Shall I?", "Sure.", "It is done.")

    assert complete("And for two?", history).text == "Can I get a seat in Fairfield for two?"


def test_this_year_is_not_the_year_of_the_last_answer() -> None:
    history = talk("When did the Travel Policy change?", "In 2019.")

    assert "this year" in complete("Who changes it this year?", history).text
    assert complete("Who changed it that year?", history).text == "Who changed the Travel Policy in 2019?"


def test_a_pronoun_for_a_name_of_the_same_question_stays() -> None:
    assert (
        complete("What did Doris write before she left?", AUTHOR).text
        == "What did Doris write before she left?"
    )


def test_a_name_with_one_wrong_letter_is_the_same_name() -> None:
    assert complete("When did Lesing get her prize?", AUTHOR).text == "When did Lesing get her prize?"


LONG = [
    "a" * 100_000,
    "The Aa " * 15_000,
    "a b, " * 20_000,
    "1. x " * 20_000,
    '"' * 100_000,
    "for it " * 15_000,
]


@pytest.mark.parametrize("text", LONG)
def test_long_messages_and_many_of_them_cost_milliseconds(text: str) -> None:
    complete("Does it?", LEAVE)  # what is loaded at the first use
    started = time.process_time()

    complete("Who approves it, and what else?", talk(*[text] * 4))
    complete("And the second one?", talk(*[text[:900]] * 500))
    complete(text, LEAVE)
    complete(text[:500], talk(text, text))

    assert time.process_time() - started < 0.5  # four calls; a tenth of this alone on the machine
