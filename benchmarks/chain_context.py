"""What a model is given: how much of the answer's surroundings it holds, and what that costs. A table.

Run: python benchmarks/chain_context.py [--store FOLDER] [--every N]

The paragraphs of squad2-dev joined to their 35 articles, each one document, so that passages have neighbours.
"Answer" is the share of questions whose gold answer stands in the context at its own place, "paragraph" the
share of the answer's paragraph that the context holds, "tokens" by the estimate of `budget.py`. `growth` was
chosen on the tuning half of the articles; the other half is the result. Every tenth question is asked, and of
these every N-th.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from answers import Question, collection, opened, squad_questions
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from remembering import RememberingEncoder

from ragweave.chains import KnowledgeBase
from ragweave.chains.budget import estimate_tokens
from ragweave.chains.expand import expander

K, WINDOW, TENTH = 8, 200_000, 10
REQUIRED = {"answer": 97.0, "paragraph": 97.0}  # of the grown context
Place = tuple[str, int, str]  # article, offset and text of a paragraph


def articles() -> tuple[list[Document], dict[str, Place]]:
    """The articles as documents, and where each paragraph stands."""
    texts: dict[str, str] = {}
    places: dict[str, Place] = {}
    for one in collection("squad2-dev"):
        title = str(one.metadata["title"])
        begun = f"{texts[title]}\n\n" if title in texts else ""
        places[one.metadata["source"]] = (title, len(begun), one.page_content)
        texts[title] = begun + one.page_content
    return [Document(text, metadata={"source": name, "title": name}) for name, text in texts.items()], places


def held(question: Question, documents: Sequence[Document], places: dict[str, Place]) -> dict[str, float]:
    """What of the answer and of its paragraph a context holds."""
    article, offset, text = places[question.paragraph]
    spans = [
        (one.metadata["start"] - offset, one.metadata["end"] - offset)
        for one in documents
        if one.metadata["source"] == article
    ]
    answers = [
        (start, start + len(answer))
        for answer in question.answers
        for start in range(len(text))
        if text.startswith(answer, start)
    ]
    covered = {place for start, end in spans for place in range(max(0, start), min(len(text), end))}
    return {
        "answer": 100.0 * any(start <= a and b <= end for a, b in answers for start, end in spans),
        "paragraph": 100.0 * len(covered) / len(text),
        "tokens": float(sum(estimate_tokens(one.page_content) for one in documents)),
        "pieces": float(len(documents)),
    }


def contexts(kb: KnowledgeBase, question: Question) -> dict[str, list[Document]]:
    """The context of one question in each way."""
    hits = kb.search(question.text, k=3 * K)
    model: Any = FakeListChatModel(responses=[""], profile={"max_input_tokens": WINDOW})
    given = {"question": question.text, "documents": hits[:K]}
    made = {f"{k} hits": hits[:k] for k in (K, 12, 16, 24)}
    for growth in (1.5, 2.0, 3.0):
        step = expander(kb.as_retriever(k=K), model, growth=growth, long_context=False)
        made[f"{K} hits, grown to {growth:g} times"] = step.invoke(given)
    return made


def main(argv: Sequence[str] | None = None) -> bool:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--store", type=Path, default=Path(tempfile.gettempdir()) / "ragweave-context")
    parser.add_argument("--every", type=int, default=1, help="take every N-th question")
    options = parser.parse_args(argv)
    options.store.mkdir(parents=True, exist_ok=True)
    encoder = RememberingEncoder(options.store / "vectors.npz")
    documents, places = articles()
    kb = opened("articles", documents, options.store, encoder)
    rows: dict[tuple[bool, str], list[dict[str, float]]] = {}
    for question in squad_questions(TENTH * options.every):
        for name, context in contexts(kb, question).items():
            rows.setdefault((question.tuning, name), []).append(held(question, context, places))
    encoder.save()
    columns = ("half", "context", "questions", "answer", "paragraph", "tokens", "pieces")
    print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    reached = True
    for (tuning, name), some in sorted(rows.items(), key=lambda one: not one[0][0]):
        means = {key: fmean(row[key] for row in some) for key in some[0]}
        shown = " | ".join(f"{means[key]:.1f}" for key in means)
        print(f"| {'tuning' if tuning else 'held out'} | {name} | {len(some)} | {shown} |")
        if not tuning and name.endswith("2 times"):
            reached = all(means[key] >= least for key, least in REQUIRED.items())
    print(
        f"\nRequired of the held-out half, grown to 2 times, {REQUIRED}: {'reached' if reached else 'MISSED'}"
    )
    return reached


if __name__ == "__main__":
    raise SystemExit(not main())
