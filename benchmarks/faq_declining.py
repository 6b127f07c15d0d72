"""Declining on FAQs: is an entry quoted that answers, and are the questions declined of which it is not?

Two FAQs: covid-faq with its paraphrases, and one of our own, an entry for each of Bitext's intents, with
eight of their requests each. Knows nothing of fitting; chain_abstention.py prints the table.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from answers import DATA, K, collection, opened, rows_of
from langchain_core.documents import Document
from remembering import RememberingEncoder
from retrieval import _lines

from ragweave.chains import KnowledgeBase
from ragweave.chains.abstention import judge
from ragweave.chains.extractive import select_quotes

__all__ = ["faq_table", "found_among", "size_of"]

TUNING_SEED, REQUESTS_SEED, REQUESTS = 17, 5, 8
LEFT_OUT_SEEDS = (100, 101, 102, 103)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the entries that answer it, and whether `ASKED_WEIGHT` was fitted on it."""

    text: str
    entries: frozenset[str]
    tuning: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether an entry that answers is quoted, and whether the question is declined all the same."""

    right: bool
    declined: bool


def size_of(kb: KnowledgeBase) -> int:
    return sum(info.chunks for info in kb.sources())


def found_among(kb: KnowledgeBase, question: str, there: set[str]) -> list[Document]:
    """What a search would find if the other paragraphs were not in the base."""
    return [one for one in kb.search(question, k=8 * K) if one.metadata["source"] in there][:K]


def _faqs() -> Iterator[tuple[str, list[Any], list[Asked]]]:
    answers: dict[str, set[str]] = {}
    for line in _lines(DATA / "covid-faq/qrels.tsv.gz"):
        question, entry, *_ = line.split("\t")
        answers.setdefault(question, set()).add(entry)
    rows = [row for row in rows_of(DATA / "covid-faq/queries.jsonl.gz") if row["id"] in answers]
    yield "covid-faq", collection("covid-faq"), _halved([(row["text"], answers[row["id"]]) for row in rows])
    faq = json.loads(Path(__file__).with_name("support_faq.json").read_text(encoding="utf-8"))
    requests: dict[str, list[str]] = {intent: [] for intent in faq}
    for row in rows_of(DATA / "bitext-support/intents.jsonl.gz"):
        requests[row["intent"]].append(row["text"])
    dice = random.Random(REQUESTS_SEED)
    asked = [(text, {intent}) for intent in faq for text in dice.sample(requests[intent], REQUESTS)]
    entries = [
        Document(answer, metadata={"source": intent, "title": question})
        for intent, (question, answer) in faq.items()
    ]
    yield "support", entries, _halved(asked)


def _halved(asked: Sequence[tuple[str, set[str]]]) -> list[Asked]:
    places = list(range(len(asked)))
    random.Random(TUNING_SEED).shuffle(places)
    tuning = set(places[: len(places) // 2])
    return [Asked(text, frozenset(entries), place in tuning) for place, (text, entries) in enumerate(asked)]


def _outcome(one: Asked, found: Sequence[Document], encoder: RememberingEncoder, size: int) -> Outcome:
    quotes = select_quotes(one.text, found, encoder)
    right = any(found[quote.document].metadata["source"] in one.entries for quote in quotes)
    return Outcome(right, judge(one.text, found, encoder, quotes=quotes, size=size).abstain)


def faq_table(store: Path, encoder: RememberingEncoder) -> None:
    """All entries there; and half left out, four times: how many of the declined had no right quote."""
    print(
        "\nFAQs, constants as shipped; right: an entry that answers is quoted\n\n"
        "| FAQ | questions | answered right | wrong | declined, would be right | would be wrong "
        "| half left out: precision | recall |\n|---|---|---|---|---|---|---|---|"
    )
    for name, sources, questions in _faqs():
        kb = opened(name, sources, store, encoder)
        size = size_of(kb)
        there = [_half_of(kb, seed) for seed in LEFT_OUT_SEEDS]
        for tuning in (True, False):
            chosen = [one for one in questions if one.tuning is tuning]
            whole = [_outcome(one, kb.search(one.text, k=K), encoder, size) for one in chosen]
            counts = [
                whole.count(Outcome(right, declined)) for declined in (False, True) for right in (True, False)
            ]
            left = [
                _outcome(one, found_among(kb, one.text, some), encoder, size // 2)
                for some in there
                for one in chosen
            ]
            precision = fmean(not one.right for one in left if one.declined)
            recall = fmean(one.declined for one in left if not one.right)
            half = "tuning" if tuning else "held out"
            cells = [f"{name}, {half}", len(chosen), *counts, f"{precision:.2f}", f"{recall:.2f}"]
            print(f"| {' | '.join(map(str, cells))} |")


def _half_of(kb: KnowledgeBase, seed: int) -> set[str]:
    dice = random.Random(seed)
    return {info.source for info in kb.sources() if dice.random() < 0.5}
