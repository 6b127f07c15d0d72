"""Reranking and near-duplicates: tables, then what is required.

Run: python benchmarks/chain_ranking.py [--store FOLDER] [--sets squad2-dev ...] [--every N]

Reranking: nDCG@10 of documents on public sets, of the 32 passages that the search finds, where
`Rerank(SentenceRanker())` reorders them with several weights; weight 0 is the search alone. The questions of
each set are split in two by a seed: the weight is the one with the best mean over the first halves (a grid
of tenths), and the second halves are the result. Of squad2-dev 500 questions, of scifact the first 2,000
abstracts and half of the claims about them: the rest would be an hour of embedding.

Near-duplicates: paragraphs of squad2-dev, each copied with a change. Copies that say the same are to go,
copies with another number, date, name, negation or number word are to stay; `Diversify()` sees the
paragraph and one copy among other paragraphs of the same article.

The knowledge bases stay (in the temporary folder unless --store is given), so a second run embeds less.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from remembering import RememberingEncoder
from retrieval import SETS, Dataset, load, ndcg

from ragweave.chains import KnowledgeBase
from ragweave.chains.diversify import Diversify
from ragweave.chains.near_duplicates import TURNING
from ragweave.chains.rerank import WEIGHT, Rerank
from ragweave.chains.sentence_ranker import SentenceRanker

POOL = 32  # passages that the chain's search gives to the steps behind it
EVERY = {"squad2-dev": 4, "scifact": 2}  # of the questions that retrieval.py takes
PART = {"scifact": 2000}  # sources
GRID = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 1.0)
SPLIT_SEED, COPY_SEED = 29, 17
MOST_LOST = 0.003  # of nDCG@10 on any set
PARAGRAPHS = 300
FELLOWS = 8  # other paragraphs of the article


# -- reranking ---------------------------------------------------------------------------------------------


class Remembered(BaseDocumentCompressor):
    """What a reranker said of these passages, so that each weight costs nothing more."""

    ranked: list[Document]

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        return self.ranked


def measured(dataset: Dataset, kb: KnowledgeBase, every: int) -> dict[float, list[float]]:
    """nDCG@10 of each question in one order, by weight."""
    ranker = SentenceRanker(kb.encoder)
    found: dict[float, list[float]] = {weight: [] for weight in GRID}
    for question, text in list(dataset.questions.items())[:: every * EVERY.get(dataset.name, 1)]:
        documents = kb.search(text, k=POOL)
        remembered = Remembered(ranked=ranker.rework(documents, text).documents)
        for weight in GRID:
            reworked = Rerank(remembered, weight=weight, top=POOL, deadline=None).rework(documents, text)
            names = [str(one.metadata["source"]).removeprefix(dataset.prefix) for one in reworked.documents]
            found[weight].append(ndcg(list(dict.fromkeys(names)), dataset.relevant[question]))
    return found


def _first(dataset: Dataset, sources: int | None) -> Dataset:
    """The first sources, and the questions that they answer in full."""
    if sources is None:
        return dataset
    there = {one.metadata["source"] for one in dataset.sources[:sources]}
    answered = {id_: text for id_, text in dataset.questions.items() if dataset.relevant[id_].keys() <= there}
    return replace(dataset, sources=dataset.sources[:sources], questions=answered)


def _halves(scores: Sequence[float]) -> tuple[float, float]:
    order = random.Random(SPLIT_SEED).sample(range(len(scores)), len(scores))
    middle = len(order) // 2
    return fmean(scores[row] for row in order[:middle]), fmean(scores[row] for row in order[middle:])


def reranking_table(results: Mapping[str, Mapping[float, Sequence[float]]]) -> None:
    """Prints both halves, and how many sets the default weight helps and hurts on the second."""
    print(f"\nReranking by the best sentence, nDCG@10 of {POOL} passages\n")
    print(f"| set | half | questions | {' | '.join(f'weight {weight:g}' for weight in GRID)} |")
    print(f"|---|---|---|{'---|' * len(GRID)}")
    gained: list[float] = []
    for name, by_weight in results.items():
        halves = {weight: _halves(by_weight[weight]) for weight in GRID}
        for half, label in enumerate(("choosing", "result")):
            cells = " | ".join(f"{halves[weight][half]:.4f}" for weight in GRID)
            print(f"| {name} | {label} | {len(by_weight[0.0]) // 2} | {cells} |")
        gained.append(halves[WEIGHT][1] - halves[0.0][1])
        print(f"| {name} | {WEIGHT:g} against 0, result | | {gained[-1]:+.4f} |{' |' * (len(GRID) - 1)}")
    first = {weight: fmean(_halves(found[weight])[0] for found in results.values()) for weight in GRID}
    chosen = max(GRID, key=lambda weight: first[weight])
    helped, hurt = sum(one > 0 for one in gained), sum(one < -MOST_LOST for one in gained)
    print(
        f"\nThe first halves choose {chosen:g}. {WEIGHT:g} helps {helped} of {len(gained)} sets "
        f"and costs more than {MOST_LOST} on {hurt}."
    )


# -- near-duplicates ---------------------------------------------------------------------------------------

Change = Callable[[str, random.Random], str | None]  # None where the text offers nothing to change
MONTHS = "January February March April May June July August September October November December".split()
OTHER_WORDS = "garden simple quietly method remains wooden carries distant".split()
NAMES = "Halvorsen Okonkwo Brixham Tarragona Ellesmere Yamada".split()


def _spaces(text: str, chance: random.Random) -> str | None:
    return re.sub(r" ", lambda _: chance.choice([" ", " ", "  ", "\n"]), text)


def _punctuation(text: str, chance: random.Random) -> str | None:
    inside_numbers_kept = re.sub(r"\.(?!\d)", " .", text.replace(", ", "; ").replace("-", "–"))
    return inside_numbers_kept.replace('"', "'") + " …"


def _case(text: str, chance: random.Random) -> str | None:
    return text.upper()


def _plain_word(text: str, chance: random.Random) -> str | None:
    words = [m for m in re.finditer(r"(?<=\s)[a-z]{5,}(?=\s)", text) if m.group() not in TURNING]
    return _put(text, words, lambda _: chance.choice(OTHER_WORDS), chance)


def _part(text: str, chance: random.Random) -> str | None:
    cut = text.rfind(". ", 0, len(text) - 60)
    return text[: cut + 1] if cut > 80 else None


def _number(text: str, chance: random.Random) -> str | None:
    return _put(text, list(re.finditer(r"\b\d{1,3}\b", text)), lambda old: str(int(old) + 1), chance)


def _year(text: str, chance: random.Random) -> str | None:
    return _put(text, list(re.finditer(r"\b[12]\d{3}\b", text)), lambda old: str(int(old) + 1), chance)


def _month(text: str, chance: random.Random) -> str | None:
    found = list(re.finditer(rf"\b({'|'.join(MONTHS)})\b", text))
    return _put(text, found, lambda old: MONTHS[MONTHS.index(old) - 1], chance)


def _proper_name(text: str, chance: random.Random) -> str | None:
    found = list(re.finditer(r"(?<=[a-z] )[A-Z][a-z]{3,}\b", text))
    return _put(text, found, lambda _: chance.choice(NAMES), chance)


def _negation(text: str, chance: random.Random) -> str | None:
    return _put(text, list(re.finditer(r"\b(is|was|are|were|can|may|must)\b", text)), "{} not".format, chance)


def _number_word(text: str, chance: random.Random) -> str | None:
    found = list(re.finditer(r"\b(two|three|four|five|six|ten)\b", text))
    return _put(text, found, lambda _: "seven", chance)


def _put(
    text: str, found: Sequence[re.Match[str]], other: Callable[[str], str], chance: random.Random
) -> str | None:
    if not found:
        return None
    one = chance.choice(found)
    return text[: one.start()] + other(one.group()) + text[one.end() :]


SAME: dict[str, Change] = {
    "white space": _spaces,
    "punctuation": _punctuation,
    "capitals": _case,
    "one plain word": _plain_word,
    "a part of it": _part,
}
OTHER: dict[str, Change] = {
    "a number": _number,
    "a year": _year,
    "a month": _month,
    "a name": _proper_name,
    "a negation": _negation,
    "a number word": _number_word,
}


def duplicates_table(every: int) -> bool:
    """Prints what went by kind of change; tells whether no version was lost and most repeats found."""
    chance = random.Random(COPY_SEED)
    paragraphs = [one for one in load("squad2-dev").sources if len(one.page_content.split()) >= 40]
    chosen = chance.sample(paragraphs, PARAGRAPHS)[::every]
    by_title: dict[str, list[Document]] = {}
    for one in paragraphs:
        by_title.setdefault(one.metadata["title"], []).append(one)
    print(f"\nNear-duplicates, {len(chosen)} paragraphs of squad2-dev\n")
    print("| changed | copies | dropped |\n|---|---|---|")
    gone: dict[bool, list[bool]] = {True: [], False: []}
    spent: list[float] = []
    for name, change in (SAME | OTHER).items():
        dropped: list[bool] = []
        for one in chosen:
            copied = change(one.page_content, chance)
            if copied is None or copied == one.page_content:
                continue
            fellows = [two for two in by_title[one.metadata["title"]] if two is not one][:FELLOWS]
            copy = Document(copied, metadata={**one.metadata, "source": "copy"})
            started = time.perf_counter()
            reworked = Diversify().rework([one, *fellows, copy], "")
            spent.append((time.perf_counter() - started) * 1000)
            dropped.append(any(two.document is copy for two in reworked.dropped))
        gone[name in SAME] += dropped
        print(f"| {name} | {len(dropped)} | {100 * fmean(dropped):.1f} % |")
    wrong, right = sum(gone[False]), sum(gone[True])
    precision, recall = right / max(1, right + wrong), right / len(gone[True])
    print(f"\nPrecision {precision:.4f}, recall {recall:.4f}; {median(spent):.2f} ms a question.")
    return wrong == 0 and recall >= 0.95


def main(argv: Sequence[str] = ()) -> bool:
    """Prints both tables; True where repeats are told from versions. Reranking is reported."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--store", type=Path, default=Path(tempfile.gettempdir()) / "ragweave-benchmarks")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--every", type=int, default=1, help="take every N-th question and paragraph")
    options = parser.parse_args(list(argv))
    options.store.mkdir(parents=True, exist_ok=True)
    enough = duplicates_table(options.every)
    results = {}
    for name in options.sets:
        encoder = RememberingEncoder(options.store / f"{name}-sentences.npz")
        with KnowledgeBase.open(str(options.store / name), embeddings=encoder) as kb:
            dataset = _first(load(name), PART.get(name))
            kb.ingest(dataset.sources)
            results[name] = measured(dataset, kb, options.every)
        encoder.save()
    reranking_table(results)
    print(f"\nNo version lost and .95 of the repeats found: {'reached' if enough else 'MISSED'}")
    return enough


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1:]))
