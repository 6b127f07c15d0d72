"""A follow-up and its history become a question that stands alone, with its relative dates made absolute.

By rule, and by the chat model where there is one and the rule is not sure that nothing is open. Knows no
retrieval.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, datetime
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableConfig

from .adapter_choice import for_rewriting
from .alone import StandaloneStep
from .analyser import query_tokens
from .budget import characters_beside, estimate_tokens
from .follow_up import FollowUp, complete
from .prompts import CONDENSE
from .relative_dates import absolute_dates
from .replies import reply_text
from .state import RagState, text_of
from .step import Piece, Step

__all__ = ["condense_step", "condenser"]

TURNS = 6  # messages of the history that a model is shown
SHOWN = 1000  # characters of each; fewer where the model's window is small
LEAST_SHOWN = 200  # characters; rather fewer messages than less of each, but always the last two
KEPT = 0.25  # of a rewritten question's words: fewer from question and history, and it is about another thing
LONGEST = (
    400  # characters of a rewritten question: a longer reply is none, and a longer question no follow-up
)
LABEL = re.compile(r"^(?:(?:last|rewritten|stand-?alone) )?question:\s*", re.IGNORECASE)

Now = Callable[[], date]


def condenser(model: Runnable[Any, Any] | None = None, *, now: Now | None = None) -> StandaloneStep:
    """The step as a Runnable: from `{"question", "history"}` to the question that stands alone.

    Args:
        model: any LangChain chat model; without one, or where its reply is no question, the rule serves.
        now: gives the day (or the moment) that "yesterday" is seen from; by default the local day.

    >>> history = [("user", "What is the Travel Policy?")]
    >>> condenser().invoke({"question": "Who approves it?", "history": history})
    'Who approves the Travel Policy?'
    """
    return StandaloneStep(condense_step(model, now=now), "standalone")


def condense_step(model: Runnable[Any, Any] | None, *, now: Now | None = None) -> Step:
    """Sets `standalone`; a model writes it as its base, whatever adapter the answer is to come from."""

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        ruled = complete(state["question"], state["history"])
        if model is None or not _asks_model(state, ruled, detail):
            yield _dated(_ruled(ruled, detail), state, detail, now)
            return
        try:
            reply = model.invoke(_messages(state, model), for_rewriting(config))
        except Exception as error:  # whatever a model raises, the rule has a question to go on with
            yield _dated(_failed(error, ruled, detail), state, detail, now)
            return
        yield _dated(_checked(reply, state, ruled, detail), state, detail, now)

    async def arun(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> AsyncIterator[Piece]:
        ruled = complete(state["question"], state["history"])
        if model is None or not _asks_model(state, ruled, detail):
            yield _dated(_ruled(ruled, detail), state, detail, now)
            return
        try:
            reply = await model.ainvoke(_messages(state, model), for_rewriting(config))
        except Exception as error:  # whatever a model raises, the rule has a question to go on with
            yield _dated(_failed(error, ruled, detail), state, detail, now)
            return
        yield _dated(_checked(reply, state, ruled, detail), state, detail, now)

    return Step("condense", run, arun)


def _asks_model(state: RagState, ruled: FollowUp, detail: dict[str, Any]) -> bool:
    if not state["history"]:
        return False
    alone = ruled.alone or len(state["question"]) > LONGEST
    if alone:
        detail["by"] = "gate"
    return not alone


def _ruled(ruled: FollowUp, detail: dict[str, Any]) -> str:
    detail.setdefault("by", "rule")
    if ruled.carried:
        detail["from"] = [carried[:SHOWN] for carried in ruled.carried]
    return ruled.text


def _dated(standalone: str, state: RagState, detail: dict[str, Any], now: Now | None) -> Piece:
    today = now() if now else date.today()
    text, dates = absolute_dates(standalone, today.date() if isinstance(today, datetime) else today)
    if dates:
        detail["dates"] = dates
    detail["changed"] = text != state["question"]
    return {"standalone": text}


# -- the chat model ----------------------------------------------------------------------------------------


def _messages(state: RagState, model: Any) -> list[BaseMessage]:
    characters = characters_beside(estimate_tokens(CONDENSE) + len(state["question"]), model)
    count = max(2, min(TURNS, characters // LEAST_SHOWN))
    shown = min(SHOWN, characters // count)
    said = "\n".join(
        f"{_speaker(message)}: {' '.join(text_of(message)[:shown].split())}"
        for message in state["history"][-count:]
    )
    # The fence depends on all that stands between its lines, so nothing there can forge it.
    digest = hashlib.sha256(f"{state['question']}\x1f{said}".encode(errors="replace")).hexdigest()[:16]
    fence = f"===== {digest} ====="
    return [HumanMessage(CONDENSE.format(fence=fence, history=said, question=state["question"]))]


def _speaker(message: BaseMessage) -> str:
    return "User" if isinstance(message, HumanMessage) else "Assistant"


def _failed(error: Exception, ruled: FollowUp, detail: dict[str, Any]) -> str:
    detail["degraded"] = f"The model failed ({type(error).__name__}); the rule completed the question."
    return _ruled(ruled, detail)


def _checked(reply: Any, state: RagState, ruled: FollowUp, detail: dict[str, Any]) -> str:
    """The model's question, or the rule's where the reply is none."""
    _count(reply, detail)
    lines = [line.strip() for line in reply_text(reply).splitlines() if line.strip()]
    standalone = LABEL.sub("", lines[0]).strip("\"'“” ") if len(lines) == 1 else ""
    asked = "?" in standalone or "?" not in state["question"]
    if not standalone or len(standalone) > LONGEST or not asked:
        detail["degraded"] = "The model's reply was no question; the rule completed it."
        return _ruled(ruled, detail)
    if not _about(standalone, state):
        detail["degraded"] = "The model's reply was about something else; the rule completed the question."
        return _ruled(ruled, detail)
    detail["by"] = "model"
    return standalone


def _count(reply: Any, detail: dict[str, Any]) -> None:
    usage = getattr(reply, "usage_metadata", None)
    if usage:
        detail["tokens"] = {"input": usage["input_tokens"], "output": usage["output_tokens"]}
    name = getattr(reply, "response_metadata", {}).get("model_name")
    if name:
        detail["model"] = str(name)


def _about(standalone: str, state: RagState) -> bool:
    """Whether a rewritten question is made of what was said; a model without training writes anything."""
    said = [*(text_of(message)[:SHOWN] for message in state["history"][-TURNS:]), state["question"]]
    known = {token for text in said for token in query_tokens(text, ["english"])}
    tokens = query_tokens(standalone, ["english"])
    return sum(token in known for token in tokens) >= KEPT * max(1, len(tokens))
