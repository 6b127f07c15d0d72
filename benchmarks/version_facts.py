"""Made-up facts in several versions, questions about them, and those about three work-from-home rules.

Data for chain_freshness.py; no search, no chain.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from langchain_core.documents import Document
from retrieval import DATA, _lines

from ragweave.chains.dates import own_date

__all__ = [
    "NOW",
    "SEED",
    "SILENT",
    "WORK_FROM_HOME",
    "Fact",
    "facts",
    "of_then",
    "partly_updated",
    "workplace",
]

SEED = 29
NOW = datetime(2026, 6, 1, tzinfo=UTC)
WORK_FROM_HOME = (
    "How many days a week do I have to be in the office?",
    "What is the work from home policy?",
    "Can I work from home full time?",
    "Who is eligible for remote work?",
    "How many days can I work remotely?",
    "How often must I come to the office?",
)
# Of the three rules, the oldest alone answers these; the newer ones are on the same subject.
SILENT = (
    "What equipment does the company give me for remote work?",
    "Do I have to track my hours when I work from home?",
    "Do I need approval before working overtime?",
    "How should my workspace at home look?",
    "How do I keep company data safe at home?",
    "Should I take breaks when working from home?",
    "How do I stay in touch with my team when remote?",
    "Do I get a laptop for working at home?",
    "When must I be available while working remotely?",
    "Is performance judged differently at home?",
    "What security rules apply when working from home?",
    "To whom do I report a security breach?",
    "Who pays for my software licences at home?",
    "Must my home office be ergonomic?",
    "How are working hours recorded?",
    "Is confidential information protected at home?",
)
CITIES = (
    "Lisbon Oslo Vienna Madrid Dublin Prague Warsaw Berlin Paris Rome Athens Zurich Geneva Lyon Milan Turin"
    " Porto Seville Bergen Malmo Turku Riga Vilnius Tallinn Cork"
).split()
# What the fact is about, the question, and its wordings; {n} is what changes between versions.
FAMILIES: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...] = (
    (
        ("taxi rides", "client dinners", "hotel nights", "phone bills", "conference tickets"),
        "How much is paid back for {about}?",
        (
            "We pay back {about} up to {n} euros.",
            "The limit for {about} is {n} euros; whatever costs more is paid by the employee.",
            "For {about}, staff can claim no more than {n} euros with the receipt.",
            "Costs of {about}: at most {n} euros are refunded.",
        ),
    ),
    (
        ("parental leave", "study leave", "unpaid leave", "moving leave", "bereavement leave"),
        "How many days of {about} do I get?",
        (
            "Every employee gets {n} days of {about}.",
            "{about} is granted for {n} days; ask your manager ahead.",
            "You may take {n} days as {about}, in one piece or several.",
            "Length of {about}: {n} days for full-time staff.",
        ),
    ),
    (
        ("visitor badges", "meeting rooms", "company bikes", "test laptops", "library books"),
        "For how many hours can I have {about}?",
        (
            "{about} are lent for {n} hours.",
            "Whoever takes {about} gives them back after {n} hours.",
            "The time for {about} is limited to {n} hours.",
            "You can keep {about} for {n} hours, then they go to the next person.",
        ),
    ),
    (
        ("supplier invoices", "travel claims", "customer refunds", "deposits", "bonus payments"),
        "Within how many days are {about} settled?",
        (
            "{about} are settled within {n} days.",
            "Accounting pays {about} no later than {n} days after they come in.",
            "It takes {n} days until {about} are paid.",
            "The deadline for {about} is {n} days.",
        ),
    ),
    (
        ("safety drills", "backup tests", "password changes", "equipment checks", "first-aid courses"),
        "How often are {about} due?",
        (
            "{about} are due every {n} weeks.",
            "Every {n} weeks each team sees to {about}.",
            "There must be {about} once in {n} weeks.",
            "The interval for {about} is {n} weeks.",
        ),
    ),
    (
        ("garage parking", "bicycle storage", "locker rental", "gym membership", "canteen meals"),
        "What does {about} cost?",
        (
            "{about} costs {n} euros a month.",
            "The price of {about} is {n} euros, taken off the salary each month.",
            "Staff pay {n} euros monthly for {about}.",
            "We charge {n} euros a month for {about}.",
        ),
    ),
    (
        ("forklift licences", "chemical storage", "night shifts", "roof access", "workshop machines"),
        "How many people must be present for {about}?",
        (
            "{about} need {n} people present.",
            "At least {n} people have to be there for {about}.",
            "Nobody does this alone: {n} people are present for {about}.",
            "The number of people on site for {about} is {n}.",
        ),
    ),
    (
        ("spare parts", "sample goods", "rented tools", "returned goods", "demo devices"),
        "How long are {about} kept in the warehouse?",
        (
            "{about} stay in the warehouse for {n} months.",
            "The warehouse keeps {about} {n} months and then clears them.",
            "After {n} months {about} leave the warehouse.",
            "Storage time of {about} in the warehouse: {n} months.",
        ),
    ),
    (
        ("job interviews", "code reviews", "grant applications", "press releases", "contract drafts"),
        "How many approvals do {about} need?",
        (
            "{about} need {n} approvals.",
            "Before they go out, {n} approvals are collected for {about}.",
            "Without {n} approvals there are no {about}.",
            "The number of approvals for {about} is {n}.",
        ),
    ),
    (
        ("staff discounts", "partner rebates", "volume discounts", "student prices", "renewal offers"),
        "How many percent are {about}?",
        (
            "{about} are {n} percent of the list price.",
            "We give {n} percent off the list price as {about}.",
            "The list price falls by {n} percent through {about}.",
            "Rate of {about}: {n} percent.",
        ),
    ),
)
KINDS = ("Policy", "Guidelines", "Rules", "Procedure", "Handbook")


@dataclass(frozen=True, slots=True)
class Fact:
    """A question, the versions of its answer, and which sources they are, the newest last."""

    question: str
    documents: tuple[Document, ...]
    sources: tuple[str, ...]
    dated_in: str


# -- made-up versions --------------------------------------------------------------------------------------


def facts() -> list[Fact]:
    """Fifty facts; where the dates stand goes round: metadata, title, name."""
    dice = random.Random(SEED)
    topics = [(about, question, texts) for names, question, texts in FAMILIES for about in names]
    made = []
    for number, (about, question, texts) in enumerate(topics):
        kind, dated_in = KINDS[number % len(KINDS)], ("metadata", "title", "name")[number % 3]
        days = _days(dice, dice.randrange(2, 5))
        wordings, values = dice.sample(texts, len(days)), dice.sample(range(3, 60), len(days))
        documents = [
            _version(f"{about.title()} {kind}", day, dated_in, f"{number}-{dice.randrange(10**6)}", text)
            for day, text in zip(
                days,
                (_said(wording, about, value) for wording, value in zip(wordings, values, strict=True)),
                strict=True,
            )
        ]
        sources = tuple(one.metadata["source"] for one in documents)
        dice.shuffle(documents)
        made.append(Fact(question.format(about=about), tuple(documents), sources, dated_in))
    return made


def _days(dice: random.Random, count: int) -> list[date]:
    """The versions' dates, oldest first: the newest of the last year, each a half to two years older."""
    days = [NOW.date() - timedelta(days=dice.randrange(365))]
    while len(days) < count:
        days.append(days[-1] - timedelta(days=dice.randrange(180, 730)))
    return days[::-1]


def _said(wording: str, about: str, value: int) -> str:
    text = wording.format(about=about, n=value)
    return text[0].upper() + text[1:]


def _version(title: str, day: date, dated_in: str, key: str, text: str) -> Document:
    if dated_in == "metadata":
        return Document(text, metadata={"source": key, "title": title, "updated": day.isoformat()})
    if dated_in == "title":
        return Document(text, metadata={"source": key, "title": f"{title} {day:%B %Y}"})
    name = title.lower().replace(" ", "-")
    return Document(text, metadata={"source": f"rules/{name}-{day:%Y-%m}.md", "title": title})


def workplace() -> list[Document]:
    rows = [json.loads(line) for line in _lines(DATA / "workplace-docs/corpus.jsonl.gz")]
    return [
        Document(
            row["text"],
            metadata={
                "source": row["id"],
                "title": row["title"],
                **({"updated": row["updated"]} if row["updated"] else {}),
            },
        )
        for row in rows
    ]


# -- questions of another kind -----------------------------------------------------------------------------

# The question words of FAMILIES, as of an earlier time.
PAST = (
    (r"^(How much) is ", r"\1 was "),
    (r"^(Within how many days|How often|How long|How many percent) are ", r"\1 were "),
    (r"\bdo(es)? ", "did "),
    (r"\bcan I ", "could I "),
    (r"\bmust be ", "had to be "),
)


def of_then(fact: Fact) -> list[tuple[str, str]]:
    """Questions about the time of each older version, and before all; with what should be first."""
    asked = fact.question
    for now, then in PAST:
        asked = re.sub(now, then, asked)
    days = {one.metadata["source"]: _day_of(one) for one in fact.documents}
    month_after = [(source, days[source] + timedelta(days=45)) for source in fact.sources[:-1]]
    made = [(f"{asked[:-1]} in {day:%B %Y}?", source) for source, day in month_after]
    oldest = fact.sources[0]
    return [*made, (f"{asked[:-1]} in {days[oldest].year - 1}?", oldest)]


def _day_of(document: Document) -> date:
    dated = own_date(document.metadata)
    assert dated is not None
    return dated.when.date()


def partly_updated() -> list[tuple[Fact, Fact]]:
    """A policy of two facts for each city, of which a newer version holds the first alone: a fact for each.

    The sources of the second are the newer version and the older one, which answers.
    """
    dice = random.Random(7)
    topics = [(about, question, texts) for names, question, texts in FAMILIES for about in names]
    dice.shuffle(topics)
    made = []
    for number, (city, one, other) in enumerate(zip(CITIES, topics[::2], topics[1::2], strict=True)):
        wordings, left = dice.sample(one[2], 2), dice.choice(other[2])
        values = dice.sample(range(3, 60), 3)
        title = f"{city} Office {KINDS[number % len(KINDS)]}"
        both = f"{_said(wordings[0], one[0], values[0])}\n\n{_said(left, other[0], values[1])}"
        older = _version(title, date(2023, 3, 1), "metadata", f"older-{number}", both)
        text = _said(wordings[1], one[0], values[2])
        newer = _version(title, date(2025, 3, 1), "metadata", f"newer-{number}", text)
        sources = (older.metadata["source"], newer.metadata["source"])
        asked = [f"{question.format(about=about)[:-1]} in {city}?" for about, question, _ in (one, other)]
        made.append(
            (
                Fact(asked[0], (older, newer), sources, "updated"),
                Fact(asked[1], (older, newer), sources[::-1], "not updated"),
            )
        )
    return made
