"""Whether the retrieved passages hold the answer, judged by signals that mean the same on every base.

Cosines and shares of the question's words; never the fused score, which is relative to its own search.
Knows no store and no language model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.documents import Document

from .embeddings import Encoder
from .extractive import PASSAGES, Quote, select_quotes
from .passage_text import passage_text

__all__ = [
    "DOES_NOT_SAY",
    "FILTERED_OUT",
    "NOTHING_FOUND",
    "SIGNALS",
    "Verdict",
    "judge",
    "reason_without_filter",
]

NOTHING_FOUND = "nothing found"
FILTERED_OUT = "found but filtered out"
DOES_NOT_SAY = "found but it does not say"

# What speaks for an answer; each is between 0 and 1 (cosines may fall a little below).
#   sentence: cosine of the question and the best quote
#   words: share of the question's words in the best quote, what stands right before it, and its headings;
#       words that few of the retrieved sentences hold weigh more
#   pairs: share of the question's neighbouring words that are neighbours in the quote
# The cosine of the nearest passage adds nothing to them; it only chooses between the two reasons.
SIGNALS = ("sentence", "words", "pairs")
# Fitted by `python benchmarks/answers.py --fit` on half of SQuAD's articles, half of the paragraphs left out.
WEIGHTS = (4.5, 4.8, 2.4)
CONSTANT = -5.57
LEAST = 0.15  # probability of an answer below which none is given: rather too few refusals than wrong ones
# Asks for nothing, yet many a manual holds the word.
SMALL_TALK = re.compile(
    r"\W*((hi|hello|hey|hallo|bonjour|hola|good (morning|afternoon|evening|day|night)|bye|goodbye|thanks?"
    r"|thank you|ok|okay|there|everyone|all|so|very|much|a lot|how are you|nice to meet you|please)\W*)*",
    re.I,
)
NEAR = 0.35  # cosine from which passages are on the subject


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is "" where the question is to be answered; `signals` are for the trace."""

    abstain: bool
    reason: str
    signals: dict[str, float]
    by: str = ""  # what dropped the passages that would have answered


def judge(
    question: str,
    documents: Sequence[Document],
    encoder: Encoder,
    *,
    quotes: Sequence[Quote] | None = None,
    filtered: Sequence[tuple[Document, str]] = (),
) -> Verdict:
    """Decide whether the documents answer, and if not, why not.

    Args:
        question: As it stands alone.
        documents: What the reader read, best first.
        encoder: The knowledge base's own.
        quotes: What the reader chose from them; spares a second reading.
        filtered: Passages that were found and dropped, with the reason, best first. Where they would have
            answered, the verdict is FILTERED_OUT and `by` names the reason.
    """
    verdict = _judged(question, documents, encoder, quotes)
    if verdict.abstain and filtered and not SMALL_TALK.fullmatch(question):
        dropped = [document for document, _ in filtered[:PASSAGES]]
        read = select_quotes(question, dropped, encoder)
        instead = _judged(question, dropped, encoder, read)
        if not instead.abstain:
            return Verdict(True, FILTERED_OUT, instead.signals, by=filtered[read[0].document][1])
    return verdict


def reason_without_filter(
    verdict: Verdict, question: str, documents: Sequence[Document], encoder: Encoder, *, by: str
) -> Verdict:
    """The verdict as it is once the same search was made without the caller's filter.

    `documents` is what that search found, `by` the filter in words. Only an abstention can change.
    """
    if not verdict.abstain:
        return verdict
    instead = _judged(question, documents, encoder, None)
    return verdict if instead.abstain else Verdict(True, FILTERED_OUT, instead.signals, by=by)


def _judged(
    question: str, documents: Sequence[Document], encoder: Encoder, quotes: Sequence[Quote] | None
) -> Verdict:
    if quotes is None:
        quotes = select_quotes(question, documents, encoder)
    if not quotes or SMALL_TALK.fullmatch(question):
        return Verdict(True, NOTHING_FOUND, {})
    signals = _signals(question, documents, encoder, quotes[0])
    logit = CONSTANT + sum(w * signals[name] for name, w in zip(SIGNALS, WEIGHTS, strict=True))
    signals["probability"] = 1 / (1 + math.exp(-logit))
    if signals["probability"] >= LEAST:
        return Verdict(False, "", signals)
    near = max(signals["passage"], signals["sentence"]) >= NEAR
    return Verdict(True, DOES_NOT_SAY if near else NOTHING_FOUND, signals)


def _signals(
    question: str, documents: Sequence[Document], encoder: Encoder, quote: Quote
) -> dict[str, float]:
    return {
        "sentence": quote.cosine,
        "passage": _passage_cosine(question, documents, encoder),
        "words": quote.measures["words_around"],
        "pairs": quote.measures["pairs"],
    }


def _passage_cosine(question: str, documents: Sequence[Document], encoder: Encoder) -> float:
    """The nearest passage's, as the search gave it, else of the passages that are read."""
    known = [document.metadata.get("scores", {}).get("vector") for document in documents]
    cosines = [float(cosine) for cosine in known if cosine is not None]
    if not cosines:
        vectors = encoder.encode([passage_text(document) for document in documents[:PASSAGES]])
        cosines = [float(cosine) for cosine in vectors @ encoder.encode_query(question)]
    return max(cosines)
