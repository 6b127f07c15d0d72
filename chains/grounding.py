"""Whether an answer's claims stand in the passages that they cite.

Exact checks of numbers, dates, units and names come from `fact_checks`; the rest is judged by the encoder
and the words, or by an inference model (NLI) where one is given. Knows no chat model and no store.
"""

from __future__ import annotations

import math
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document
from langchain_core.runnables import RunnableConfig

from .alone import StandaloneStep
from .analyser import query_tokens
from .claims import MARKS, Claim, asserted, claims
from .code_spans import CodeScanner, outside_code
from .embeddings import Encoder
from .evidence import language_of, read_passage, shares_found
from .fact_checks import contradictions, missing_facts, stated
from .inference import InferenceModel
from .marks_check import supporting_marks
from .quotable import is_lead_in
from .state import RagState
from .step import Piece, Step

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Grounder", "Support", "ground", "ground_step", "strict_answer"]

# Fitted by `python benchmarks/chain_grounding.py --fit` on half of SQuAD's articles and of covid-faq:
#   cosine: of the claim and the closest sentence
#   words: share of the claim's words in that sentence, with its title and headings
WEIGHTS = {"cosine": 10.42, "words": 4.12}
CONSTANT = -7.1
THRESHOLD = 0.5
FAR = 0.1  # a claim that is so improbable comes near no fact that could be to blame
TRIED = 4  # stretches encoded for each claim
REMEMBERED = 256  # checks: the same claim is checked while it streams, and again for `grounding`
KEPT = 4096  # vectors of stretches: the passages of many turns
LONGEST = 2000  # characters of a claim
ENCODED_LENGTH = 600  # characters of a claim or stretch that are encoded


@dataclass(frozen=True, slots=True)
class Support:
    """`score` is the probability that the passages say it; any of `problems` is enough to refuse it."""

    supported: bool
    score: float
    problems: list[str] = field(default_factory=list)
    passage: int = 0  # the place of the closest one


class Grounder:
    """Checks claims against passages; safe to use from several threads.

    Args:
        encoder: The knowledge base's own.
        model: An inference model in place of the encoder's judgement: the folder or hub id of a
            sentence-transformers cross-encoder with the labels entailment, neutral and contradiction (or
            one score), or an object with its `predict`. Loaded at the first claim.
        threshold: The probability from which a claim counts as supported.

    >>> from ragweave.chains import open_encoder
    >>> leave = [Document("Every employee gets 25 days of leave a year.")]
    >>> Grounder(open_encoder()).check("Employees get 30 days of leave a year.", leave).problems
    ['the number “30” is not in the passage']
    """

    def __init__(self, encoder: Encoder, *, model: Any = None, threshold: float = THRESHOLD) -> None:
        self.threshold = threshold
        self._encoder = encoder
        self._model = None if model is None else InferenceModel(model)
        self._vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._checked: OrderedDict[tuple[str, tuple[str, ...]], Support] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """What judges, for the trace."""
        return "encoder" if self._model is None else self._model.name

    def check(self, claim: str, passages: Sequence[Document]) -> Support:
        """Whether the passages, taken together, say what the claim says; "Hello" needs no support."""
        claim = asserted(claim)
        if not claim:
            return Support(True, 1.0)
        if len(claim) > LONGEST:
            return Support(False, 0.0, ["it is too long to be checked as one claim"])
        key = (claim, tuple(map(_whole, passages)))
        with self._lock:
            known = self._checked.get(key)
        if known is None:
            known = self._support(claim, passages)
            with self._lock:
                self._checked[key] = known
                while len(self._checked) > REMEMBERED:
                    self._checked.popitem(last=False)
        return known

    def _support(self, claim: str, passages: Sequence[Document]) -> Support:
        closest, measures = self.measured(claim, passages)
        if closest is None:
            return Support(False, 0.0, ["there is no passage to support it"])
        logit = CONSTANT + sum(WEIGHTS[name] * value for name, value in measures.items())
        score, contradicted = 1 / (1 + math.exp(-logit)), False
        if self._model is not None:
            score, contradicted = self._model.judge(closest.around, claim)
        if score < min(FAR, self.threshold) and not contradicted:  # facts take milliseconds to compare
            return Support(False, round(score, 4), ["no sentence of the passage says it"], closest.passage)
        problems = missing_facts(claim, [stated(_whole(document)) for document in passages])
        problems += contradictions(claim, closest.text)
        problems += ["the passage contradicts it"] if contradicted else []
        if score < self.threshold and not problems:
            problems = ["no sentence of the passage says it"]
        return Support(not problems, round(score, 4), problems, closest.passage)

    def measured(self, claim: str, passages: Sequence[Document]) -> tuple[_Stretch | None, dict[str, float]]:
        language = language_of(passages)
        tokens = query_tokens(claim, [language])
        found = _nearest(tokens, passages, language)
        if not found:
            return None, {}
        vectors = self._encoded([one[:ENCODED_LENGTH] for one in (claim, *(one.text for one in found))])
        for one, cosine in zip(found, vectors[1:] @ vectors[0], strict=True):
            one.measures["cosine"] = float(cosine)
        best = max(found, key=lambda one: sum(WEIGHTS[name] * value for name, value in one.measures.items()))
        return best, best.measures

    def _encoded(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        with self._lock:
            known = {text: self._vectors[text] for text in texts if text in self._vectors}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known |= zip(new, self._encoder.encode(new), strict=True)
        with self._lock:
            self._vectors.update((text, known[text]) for text in new)
            while len(self._vectors) > KEPT:
                self._vectors.popitem(last=False)
        return np.stack([known[text] for text in texts])


@dataclass(slots=True)
class _Stretch:
    passage: int
    text: str
    around: str  # with its neighbours
    measures: dict[str, float]


def _nearest(tokens: Sequence[str], passages: Sequence[Document], language: str) -> list[_Stretch]:
    """The few stretches that hold most of the claim's words, best first."""
    read = [read_passage(document.page_content, language) for document in passages]
    names = [_name_tokens(_names(document), language) for document in passages]
    places = [(number, place) for number, passage in enumerate(read) for place in range(len(passage))]
    shares = shares_found(tokens, [names[number] | read[number][place].present for number, place in places])
    best = sorted(range(len(places)), key=shares.__getitem__, reverse=True)[:TRIED]
    found = []
    for number, place, share in [(*places[one], shares[one]) for one in best]:
        text, passage = passages[number].page_content, [one.stretch for one in read[number]]
        near = passage[max(0, place - 1) : place + 2]
        own, around = (text[some[0].start : some[-1].end] for some in ([passage[place]], near))
        found.append(_Stretch(number, own, around, {"words": share}))
    return found


@lru_cache(maxsize=1024)  # titles and headings of a few turns; each claim asks for them
def _name_tokens(names: str, language: str) -> frozenset[str]:
    return frozenset(query_tokens(names, [language])) if names else frozenset()


def _names(document: Document) -> str:
    title, heading = (str(document.metadata.get(key) or "") for key in ("title", "heading"))
    return f"{title}\n{heading}".strip()


def _whole(document: Document) -> str:
    names = _names(document)
    return f"{names}\n{document.page_content}" if names else document.page_content


# -- an answer's claims ------------------------------------------------------------------------------------


def ground(answer: str, documents: Sequence[Document], grounder: Grounder) -> list[dict[str, Any]]:
    """Every claim of an answer with what its marks are worth: `kept` support it, `removed` do not.

    A claim whose own marks do not support it, or that has none, is checked against all passages;
    `suggested` is the one that does support it.
    """
    return [_grounded(claim, documents, grounder) for claim in claims(answer)]


def _grounded(claim: Claim, documents: Sequence[Document], grounder: Grounder) -> dict[str, Any]:
    cited = [number for number in claim.cited if 1 <= number <= len(documents)]
    support = grounder.check(claim.text, [documents[number - 1] for number in cited])
    kept = supporting_marks(claim.text, cited, documents, grounder)
    suggested = []
    if not support.supported:
        anywhere = grounder.check(claim.text, documents)
        if anywhere.supported:
            support, suggested = anywhere, [anywhere.passage + 1]
        elif not cited:
            support = anywhere
    return {
        "claim": claim.text,
        "start": claim.start,
        "end": claim.end,
        "cited": list(claim.cited),
        "supported": support.supported,
        "score": support.score,
        "problems": list(support.problems),
        "kept": kept,
        "removed": [number for number in claim.cited if number not in kept],
        "suggested": suggested,
    }


def ground_step(grounder: Grounder) -> StandaloneStep:
    """Sets `grounding`: every claim of the answer with its support, and how many have it."""

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        said = state.get("_written", state.get("answer"))  # without the notes that follow it
        answer = "" if state.get("abstained") else str(said or "")
        found = ground(answer, state.get("documents") or [], grounder)
        supported = sum(one["supported"] for one in found)
        detail |= {
            "by": grounder.name,
            "claims": len(found),
            "unsupported": [
                {"claim": one["claim"], "problems": one["problems"]} for one in found if not one["supported"]
            ],
        }
        yield {
            "grounding": {
                "claims": found,
                "supported": supported,
                "unsupported": len(found) - supported,
                "checked_by": grounder.name,
            }
        }

    return StandaloneStep(Step("ground", run), key="grounding")


def strict_answer(answer: str, grounding: Mapping[str, Any]) -> str:
    """The answer without the claims that no passage supports; "" where none is left."""
    if not any(one["supported"] for one in grounding["claims"]):
        return ""
    text = _rewritten(answer, grounding["claims"])
    return answer if text == answer else _tidied(text)


def _tidied(text: str) -> str:
    """The text without the gaps that sentences left; code stays as it is."""
    scanner, lines, kept = CodeScanner(), text.split("\n"), []
    for number, line in enumerate(lines):
        fenced = scanner.fenced
        scanner.feed(f"{line}\n")
        if fenced:
            kept.append(line)
        elif not _leads_nowhere(line, lines[number + 1 :]) and (line.strip() or (kept and kept[-1])):
            kept.append(re.sub(r"(?<=\S)[ \t]{2,}", " ", line).rstrip())
    return "\n".join(kept).strip()


def _rewritten(answer: str, found: Sequence[Mapping[str, Any]]) -> str:
    for one in reversed(found):
        start, end = one["start"], one["end"]
        after = MARKS.match(answer, end)
        end = after.end() if after else end
        text = answer[start:end]
        if not one["supported"]:
            text = ""
        elif one["removed"]:
            for marks in reversed(list(outside_code(MARKS, text))):
                text = text[: marks.start()] + _kept_marks(marks, one["kept"]) + text[marks.end() :]
        answer = answer[:start] + text + answer[end:]
    return answer


def _kept_marks(found: re.Match[str], kept: Sequence[int]) -> str:
    marks = found[0]
    numbers = [int(number) for number in re.findall(r"\d+", marks)]
    blank = marks[: len(marks) - len(marks.lstrip())]
    shown = "".join(f"[{number}]" for number in numbers if number in kept)
    return f"{blank}{shown}" if shown else ""


def _leads_nowhere(line: str, after: Sequence[str]) -> bool:
    """Whether a line led in a list, a table or code of which nothing is left."""
    following = next((one for one in after if one.strip()), "")
    is_led = re.match(r"\s*(([-*+\u2022]|\d+[.)])\s|\||`{3}|~{3})", following)
    return is_lead_in(line) and bool(line.strip()) and not is_led
