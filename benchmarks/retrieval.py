"""nDCG@10 of keyword leg, vector leg and their fusion on public sets: a table, then what falls short.

Run: python benchmarks/retrieval.py [--sets scifact ...] [--store FOLDER_OR_URL] [--alpha .4 .5 ...]

Documents go through `KnowledgeBase.ingest` and `search`; a document ranks where its best passage does. The
knowledge bases stay (in the temporary folder unless --store is given), so a second run embeds nothing.
With --halves each number is given for two halves of the questions too: tune on the first, report the second.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log2
from pathlib import Path
from statistics import fmean
from typing import Any

from langchain_core.documents import Document

from ragweave.chains import KnowledgeBase
from ragweave.chains.fusion import DEFAULT_ALPHA, LEG_LIMIT, fuse

ALPHAS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7)
REQUIRED = {"scifact": 0.72, "squad2-dev": 0.90, "covid-faq": 0.755, "fastapi-docs": 0.90}
LEEWAY = 0.005  # hybrid may be so much under the better leg
HALVES_SEED = 13
DATA = Path(__file__).resolve().parents[2] / "shared/data"
SETS = ("scifact", "squad2-dev", "covid-faq", "fastapi-docs")
EVERY = {"squad2-dev": 6}  # of its 11,993 questions, to keep a run short


@dataclass(frozen=True, slots=True)
class Dataset:
    """Sources as `KnowledgeBase.ingest` takes them, questions, and the grade of each relevant source."""

    name: str
    sources: list[Any]  # Documents whose `source` is the document's id, or one folder
    prefix: str  # what stands before a document's id in its source name
    questions: dict[str, str]
    relevant: dict[str, dict[str, int]]


def load(name: str, folder: Path = DATA) -> Dataset:
    """One set, with the questions that have a relevant document."""
    home = folder / name
    relevant: dict[str, dict[str, int]] = {}
    for line in _lines(home / "qrels.tsv.gz"):
        question, document, grade = line.rstrip("\n").split("\t")
        if grade != "score":
            relevant.setdefault(question, {})[document] = int(grade)
    questions = [json.loads(line) for line in _lines(home / "queries.jsonl.gz")][:: EVERY.get(name, 1)]
    files = home / "files"
    return Dataset(
        name=name,
        sources=[files] if files.is_dir() else list(_documents(home / "corpus.jsonl.gz")),
        prefix=f"{files}/" if files.is_dir() else "",
        questions={one["id"]: one["text"] for one in questions if one["id"] in relevant},
        relevant=relevant,
    )


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int], k: int = 10) -> float:
    """Normalised discounted cumulative gain of a ranking, with gains of 2^grade - 1.

    >>> round(ndcg(["b", "a"], {"a": 1}), 4)
    0.6309
    """
    gains = [2 ** relevant.get(document, 0) - 1 for document in ranked[:k]]
    ideal = sorted((2**grade - 1 for grade in relevant.values()), reverse=True)[:k]
    return _discounted(gains) / _discounted(ideal) if any(ideal) else 0.0


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / log2(place + 2) for place, gain in enumerate(gains))


def _documents(path: Path) -> Iterator[Document]:
    for line in _lines(path):
        row = json.loads(line)
        yield Document(row["text"], metadata={"source": row["id"], "title": row["title"]})


def _lines(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from file


@dataclass(frozen=True, slots=True)
class Result:
    """nDCG@10 of each question, in one order, by column of the table."""

    name: str
    passages: int
    columns: dict[str, list[float]]

    def mean(self, column: str, half: int | None = None) -> float:
        scores = self.columns[column]
        if half is None:
            return fmean(scores)
        order = random.Random(HALVES_SEED).sample(range(len(scores)), len(scores))
        middle = len(order) // 2
        return fmean(scores[row] for row in (order[:middle], order[middle:])[half])


def measure(dataset: Dataset, kb: KnowledgeBase, alphas: Iterable[float]) -> Result:
    """Search every question once per leg, and fuse the two lists for each alpha."""
    report = kb.ingest(dataset.sources)
    if report.failed:
        raise SystemExit(f"{dataset.name}: {len(report.failed)} sources failed, first {report.failed[0]}")
    columns: dict[str, list[float]] = {}
    for question, text in dataset.questions.items():
        legs = {mode: kb.search(text, k=LEG_LIMIT, mode=mode) for mode in ("keyword", "vector", "hybrid")}
        rankings = {mode: _sources(dataset, found) for mode, found in legs.items()}
        source = {found.id: _source(dataset, found) for hits in legs.values() for found in hits}
        keyword, vector = (_hits(legs[mode]) for mode in ("keyword", "vector"))
        for alpha in alphas:
            fused = fuse(keyword, vector, alpha=alpha)
            rankings[f"{alpha:g}"] = list(dict.fromkeys(source[id_] for id_, _ in fused))
        for column, ranked in rankings.items():
            columns.setdefault(column, []).append(ndcg(ranked, dataset.relevant[question]))
    return Result(dataset.name, report.chunks, columns)


def _hits(found: Sequence[Document]) -> list[tuple[str, float]]:
    return [(str(one.id), one.metadata["score"]) for one in found]


def _source(dataset: Dataset, found: Document) -> str:
    return str(found.metadata["source"]).removeprefix(dataset.prefix)


def _sources(dataset: Dataset, found: Sequence[Document]) -> list[str]:
    return list(dict.fromkeys(_source(dataset, one) for one in found))


def table(results: Sequence[Result], *, halves: bool) -> str:
    """One row a set; `hybrid` is the search as users get it, the numbered columns are fused here."""
    names = list(results[0].columns)
    lines = [f"{'set':24} {'questions':>9} {'passages':>8} " + " ".join(f"{name:>7}" for name in names)]
    for result in results:
        for half in (None, 0, 1) if halves else (None,):
            label = result.name if half is None else f"  half {half + 1}"
            numbers = " ".join(f"{result.mean(name, half):7.4f}" for name in names)
            count = len(result.columns[names[0]])
            lines.append(f"{label:24} {count:9} {result.passages:8} {numbers}")
    return "\n".join(lines)


def misses(results: Sequence[Result]) -> list[str]:
    """What the default alpha does not reach."""
    found = []
    for result in results:
        hybrid = result.mean("hybrid")
        better = max(result.mean("keyword"), result.mean("vector"))
        if hybrid < REQUIRED[result.name]:
            found.append(f"{result.name}: {hybrid:.4f}, required {REQUIRED[result.name]}")
        if hybrid < better - LEEWAY:
            found.append(
                f"{result.name}: {hybrid:.4f} is more than {LEEWAY} under the better leg {better:.4f}"
            )
    return found


def address(store: str, name: str) -> str:
    """A folder or a collection for each set."""
    if "collection=" in store:
        return store.replace("collection=", "collection=" + name.title().replace("-", ""), 1)
    return store if "://" in store else str(Path(store) / name)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--store", default=str(Path(tempfile.gettempdir()) / "ragweave-benchmarks"))
    parser.add_argument("--alpha", nargs="+", type=float, default=ALPHAS)
    parser.add_argument("--halves", action="store_true")
    chosen = parser.parse_args()
    results = []
    for name in chosen.sets:
        with KnowledgeBase.open(address(chosen.store, name)) as kb:
            results.append(measure(load(name), kb, chosen.alpha))
    print(table(results, halves=chosen.halves))
    print(f"\nnDCG@10; hybrid: alpha {DEFAULT_ALPHA}, {LEG_LIMIT} hits a leg; store {chosen.store}")
    missed = misses(results)
    print("\n".join(missed) if missed else "Every required number is reached.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
