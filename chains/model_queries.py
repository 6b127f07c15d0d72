"""Queries that a chat model writes for a question: rewrite, multi_query, decompose, hyde, step_back.

Replies are read strictly: what is no query in the form asked for is none at all. Knows no retrieval.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from langchain_core.messages import BaseMessage, HumanMessage

from .analyser import query_tokens
from .prompts import DECOMPOSE, HYDE, MULTI_QUERY, REWRITE, STEP_BACK
from .queries import Query, QueryKind

__all__ = ["MODEL_METHODS", "SHOWN", "ModelMethod", "read_list"]

LONGEST, LONGEST_PASSAGE = 400, 2000  # characters of a query, of a made-up passage
SHOWN = 4000  # characters of the question that a model is given
WORDINGS, PARTS = 3, 4
NUMBERED = re.compile(r"^\s*(?:\(?\d{1,2}[.):]|[-*•])\s+(\S.*)$")
FENCED = re.compile(r"^```\w*\n(.*)\n```$", re.DOTALL)
REFUSAL = re.compile(r"^\W*(?:i['’]?m sorry|i can(?:not|['’]?t)\b|as an ai|sorry\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelMethod:
    """One way for a model to help: its prompt, and the queries that a reply holds; [] for a malformed one."""

    name: str
    prompt: str
    count: int
    read: Callable[[str, str], list[Query]]  # (reply, question)
    form: str  # of the reply, for the trace

    def messages(self, question: str, *, longest: int = SHOWN) -> list[BaseMessage]:
        """What the model is given; of the question at most `longest` characters."""
        return [HumanMessage(self.prompt.format(question=question[:longest].strip(), count=self.count))]


def read_list(reply: str, most: int) -> list[str]:
    """The lines of a numbered list, or of a JSON list of texts; [] for anything else.

    >>> read_list("1. What is a pet?\\n2. Who may bring one?", 3)
    ['What is a pet?', 'Who may bring one?']
    >>> read_list('["a", "b"]', 3), read_list("Sure. Here are some:", 3)
    (['a', 'b'], [])
    """
    fenced = FENCED.match(reply.strip())
    text = (fenced[1] if fenced else reply).strip()
    if text.startswith("["):
        try:
            given = json.loads(text)
        except ValueError:
            return []
        lines = given if all(isinstance(one, str) for one in given) else []
    else:
        found = [NUMBERED.match(line) for line in text.splitlines() if line.strip()]
        lines = [one[1] for one in found if one is not None] if all(found) else []
    lines = list(dict.fromkeys(one.strip().strip('"').strip() for one in lines))
    return lines if 0 < len(lines) <= most and all(0 < len(one) <= LONGEST for one in lines) else []


def _one(reply: str) -> str:
    lines = [line.strip() for line in reply.strip().splitlines() if line.strip()]
    text = lines[0].strip('"“”').strip() if len(lines) == 1 else ""
    return text if len(text) <= LONGEST else ""


def _shared(text: str, question: str) -> float:
    """Share of a text's words that the question has too."""
    asked = set(query_tokens(question, ["english"]))
    tokens = query_tokens(text, ["english"])
    return sum(token in asked for token in tokens) / max(1, len(tokens))


def _read_one(kind: QueryKind, weight: float, least: float) -> Callable[[str, str], list[Query]]:
    def read(reply: str, question: str) -> list[Query]:
        text = _one(reply)
        if not text or REFUSAL.match(text) or _shared(text, question) < least:
            return []
        return [Query(text, kind, weight)]

    return read


def _read_several(
    kind: QueryKind, weight: float, most: int, least: float
) -> Callable[[str, str], list[Query]]:
    def read(reply: str, question: str) -> list[Query]:
        lines = read_list(reply, most)
        if not lines or any(_shared(line, question) < least for line in lines):
            return []
        return [Query(line, kind, weight) for line in lines]

    return read


def _read_passage(reply: str, question: str) -> list[Query]:
    text = " ".join(reply.split())
    if not 20 <= len(text) <= LONGEST_PASSAGE or REFUSAL.match(text) or _shared(text, question) == 0:
        return []
    return [Query(text, "hyde", 0.5, "vector")]


def _methods(methods: Sequence[ModelMethod]) -> Mapping[str, ModelMethod]:
    return {one.name: one for one in methods}


# The shares of known words: a rewording may say all anew but its subject; a part is made of the question.
MODEL_METHODS = _methods(
    [
        ModelMethod("rewrite", REWRITE, 1, _read_one("rewrite", 1.0, 0.25), "one question"),
        ModelMethod(
            "multi_query",
            MULTI_QUERY,
            WORDINGS,
            _read_several("variant", 0.5, WORDINGS, 0.01),
            f"a list of 1 to {WORDINGS} questions",
        ),
        ModelMethod(
            "decompose",
            DECOMPOSE,
            PARTS,
            _read_several("part", 1.0, PARTS, 0.34),
            f"a list of 1 to {PARTS} questions",
        ),
        ModelMethod("hyde", HYDE, 1, _read_passage, "a passage"),
        ModelMethod("step_back", STEP_BACK, 1, _read_one("step back", 0.3, 0.01), "one question"),
    ]
)
