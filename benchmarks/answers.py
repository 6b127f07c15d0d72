"""Answers made of quotes: the two halves, then what is required.

Run: python benchmarks/answers.py [--store FOLDER] [--every N] [--fit]

Quotes: all answerable questions of squad2-dev against all of its paragraphs, through `rag_chain(None,
kb.as_retriever())` with abstention off. "First" and "answer" are the shares of questions for which a gold
answer stands verbatim in the first quote, and in any. The articles are split in two: what is tuned was
tuned on one half, and the other is the result.

`--fit` fits the constants in `chains/extractive.py` again, on the tuning half, and prints them. Whether to
answer at all is measured by chain_abstention.py.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from langchain_core.documents import Document
from numpy.typing import NDArray
from remembering import RememberingEncoder

from ragweave.chains import KnowledgeBase, rag_chain
from ragweave.chains.extractive import WEIGHTS, measured

DATA = Path(__file__).resolve().parents[2] / "shared/data"
SPLIT_SEED = 7
REQUIRED = {"first": 76.0, "answer": 86.0}
ALLOWED = {"sentences": 2.0, "words": 60.0}
COLUMNS = ("first", "answer", "sentences", "words", "in top 1", "in top 8")
K = 8


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    answers: tuple[str, ...]
    paragraph: str
    tuning: bool


def rows_of(path: Path) -> list[Any]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def collection(name: str) -> list[Any]:
    """Sources as `KnowledgeBase.ingest` takes them."""
    if (DATA / name / "files").is_dir():
        return [DATA / name / "files"]
    return [
        Document(row["text"], metadata={"source": row["id"], "title": row["title"]})
        for row in rows_of(DATA / name / "corpus.jsonl.gz")
    ]


def squad_questions(every: int) -> list[Question]:
    """The answerable questions of the development part, each with its half."""
    home = DATA / "squad2-dev"
    title = {row["id"]: row["title"] for row in rows_of(home / "corpus.jsonl.gz")}
    articles = sorted(set(title.values()))
    random.Random(SPLIT_SEED).shuffle(articles)
    tuning = set(articles[: len(articles) // 2])
    with gzip.open(home / "qrels.tsv.gz", "rt", encoding="utf-8") as file:
        paragraph = {row.split("\t")[0]: row.split("\t")[1] for row in file}
    return [
        Question(
            row["text"], tuple(row["answers"]), paragraph[row["id"]], title[paragraph[row["id"]]] in tuning
        )
        for row in rows_of(home / "queries.jsonl.gz")
        if row["part"] == "dev" and not row["unanswerable"]
    ][::every]


def opened(name: str, sources: Sequence[Any], store: Path, encoder: RememberingEncoder) -> KnowledgeBase:
    kb = KnowledgeBase.open(str(store / name), embeddings=encoder)
    report = kb.ingest(sources)
    if report.failed:
        raise SystemExit(f"{name}: {len(report.failed)} sources failed, first {report.failed[0]}")
    return kb


# -- quotes ------------------------------------------------------------------------------------------------


def quotes_table(questions: Sequence[Question], kb: KnowledgeBase) -> bool:
    """Prints the two halves; tells whether the held-out one has what is required."""
    chain = rag_chain(None, kb.as_retriever(k=K), abstain=None)
    rows = [(question.tuning, _row(question, chain.invoke(question.text))) for question in questions]
    print(f"\nQuotes, squad2-dev, {len(rows)} answerable questions\n")
    print(f"| half | questions | {' | '.join(COLUMNS)} |\n|---|---|{'---|' * len(COLUMNS)}")
    means: dict[str, float] = {}
    for half, tuning in (("tuning", True), ("held out", False)):
        chosen = [row for is_tuning, row in rows if is_tuning is tuning]
        means = {column: fmean(row[column] for row in chosen) for column in COLUMNS}
        print(f"| {half} | {len(chosen)} | {' | '.join(f'{means[column]:.2f}' for column in COLUMNS)} |")
    reached = all(means[column] >= least for column, least in REQUIRED.items())
    return reached and all(means[column] <= most for column, most in ALLOWED.items())


def _row(question: Question, state: dict[str, Any]) -> dict[str, float]:
    quotes = [citation["quote"] for citation in state["citations"]]
    held = [any(answer in quote for answer in question.answers) for quote in quotes] or [False]
    sources = [document.metadata["source"] for document in state["documents"]]
    return {
        "first": 100.0 * held[0],
        "answer": 100.0 * any(held),
        "sentences": float(len(quotes)),
        "words": float(sum(len(quote.split()) for quote in quotes)),
        "in top 1": 100.0 * (question.paragraph in sources[:1]),
        "in top 8": 100.0 * (question.paragraph in sources),
    }


def fit_quotes(questions: Sequence[Question], kb: KnowledgeBase, encoder: RememberingEncoder) -> None:
    """Maximises the likelihood, within each question, of the stretches that hold its answer."""
    groups: list[tuple[list[dict[str, float]], list[bool]]] = []
    for question in questions:
        if not question.tuning:
            continue
        documents = kb.search(question.text, k=K)
        found = measured(question.text, documents, encoder)
        right = [
            documents[one.document].metadata["source"] == question.paragraph
            and any(answer in one.text for answer in question.answers)
            for one, _ in found
        ]
        if any(right):
            groups.append(([{**one.measures, "cosine": cosine} for one, cosine in found], right))
    names = [*WEIGHTS, "cosine"]
    values = [np.array([[row.get(name, 0.0) for name in names] for row in rows]) for rows, _ in groups]
    weights = _conditional_logit(values, [np.array(right) for _, right in groups])
    print(
        "\nWeights of the reader:", {name: round(float(w), 2) for name, w in zip(names, weights, strict=True)}
    )


def _conditional_logit(
    values: Sequence[NDArray[np.float64]], right: Sequence[NDArray[np.bool_]]
) -> NDArray[np.float64]:
    rows, hits = np.concatenate(values), np.concatenate(right)
    scale = rows.std(0) + 1e-6
    rows = rows / scale
    sizes = [len(one) for one in values]
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    weights = np.zeros(len(scale))
    momentum = np.zeros(len(scale))
    for _ in range(400):  # gradient ascent; the likelihood is concave but for the choice among right ones
        scores = rows @ weights
        odds = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), sizes))
        inside = odds * hits
        drawn = inside / np.repeat(np.add.reduceat(inside, starts), sizes)
        gradient = (drawn - odds / np.repeat(np.add.reduceat(odds, starts), sizes)) @ rows / len(values)
        momentum = 0.9 * momentum + gradient - 2e-3 * weights
        weights += 0.3 * momentum
    result: NDArray[np.float64] = weights / scale
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--store", type=Path, default=Path(tempfile.gettempdir()) / "ragweave-answers")
    parser.add_argument("--every", type=int, default=1, help="take every N-th question of squad2-dev")
    parser.add_argument("--fit", action="store_true", help="fit the constants again and print them")
    options = parser.parse_args()
    options.store.mkdir(parents=True, exist_ok=True)
    encoder = RememberingEncoder(options.store / "vectors.npz")
    questions = squad_questions(options.every)
    paragraphs = collection("squad2-dev")
    kb = opened("squad2-dev", paragraphs, options.store, encoder)
    enough = quotes_table(questions, kb)
    encoder.save()
    if options.fit:
        fit_quotes(questions, kb, encoder)
    encoder.save()
    print(
        f"\nRequired of the held-out half, {REQUIRED}, at most {ALLOWED}: {'reached' if enough else 'MISSED'}"
    )
    raise SystemExit(not enough)


if __name__ == "__main__":
    main()
