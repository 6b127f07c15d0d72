"""The answer: who gives it, and what it stands on.

Knows no retrieval. The reader quotes where there is no chat model, or where the model gives nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig

from .adapter_choice import check_answered, check_model, for_answer
from .answer_prompt import prompt_messages
from .citations import bind_citations
from .direct_answer import DirectAnswer, answers_itself
from .errors import ChainError
from .extractive import Quote
from .generation import BROKEN_OFF, Generated, gave_nothing
from .grounding import Grounder, ground, strict_answer
from .judging import Reader, asked_parts
from .leaving import has_left
from .marks_check import MarksCheck
from .notes import notes_on_quotes, notes_on_reply
from .own_judgement import Own
from .part_reading import unanswered
from .quoting import quoted_answer
from .refusals import refusal
from .state import RagState
from .step import WITHOUT, Piece, Step

__all__ = ["Answering"]

Detail = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answering:
    """Streams `answer`, then sets `citations, abstained, adapter, adapter_version, usage`.

    With a `grounder` a mark is shown only if its passage says what the sentence says; where it is `strict`,
    a sentence too, and the answer comes in one piece.
    """

    model: Runnable[Any, Any] | None
    prompt: Runnable[Any, Any] | None
    reader: Reader
    grounder: Grounder | None = None
    strict: bool = False

    def step(self) -> Step:
        """The step `answer`."""
        return Step("answer", self._run, self._arun)

    def _run(self, state: RagState, config: RunnableConfig, detail: Detail) -> Iterator[Piece]:
        config = for_answer(config, state.get("route"))
        check_model(self.model, config)
        if answers_itself(state.get("_route")):
            yield from self._direct(state, config, detail)
            return
        if self.model is None or _declines(state):
            yield from self._without_model(state, config, detail)
            return
        messages = (
            prompt_messages(state) if self.prompt is None else self.prompt.invoke(_named(state), config)
        )
        check, generated = self._generated(state, config)
        try:
            for chunk in () if has_left(config) else self.model.stream(messages, config):
                if has_left(config):
                    return
                yield from self._said(generated.feed(chunk))
        except Exception as error:  # of any model: what it said so far is kept, and what happened is said
            yield from self._broken(generated, error, detail)
        if has_left(config):
            return
        yield from self._said(generated.finish())
        yield from self._ending(state, generated, check, config, detail)

    async def _arun(self, state: RagState, config: RunnableConfig, detail: Detail) -> AsyncIterator[Piece]:
        config = for_answer(config, state.get("route"))
        check_model(self.model, config)
        if answers_itself(state.get("_route")):
            async for piece in self._adirect(state, config, detail):
                yield piece
            return
        if self.model is None or _declines(state):
            state = await self._read_ahead(state, config)
            for piece in await asyncio.to_thread(lambda: list(self._without_model(state, config, detail))):
                yield piece
            return
        if self.prompt is None:
            messages: Any = prompt_messages(state)
        else:
            messages = await self.prompt.ainvoke(_named(state), config)
        check, generated = self._generated(state, config)
        try:
            async for chunk in self.model.astream(messages, config):
                asks = generated.marks.waits  # then a checker may read for some milliseconds
                text = await asyncio.to_thread(generated.feed, chunk) if asks else generated.feed(chunk)
                for piece in self._said(text):
                    yield piece
        except Exception as error:  # as above
            for piece in self._broken(generated, error, detail):
                yield piece
        for piece in self._said(await asyncio.to_thread(generated.finish)):
            yield piece
        if not generated.shown.strip():
            state = await self._read_ahead(state, config)
        ending = partial(self._ending, state, generated, check, config, detail)
        for piece in await asyncio.to_thread(lambda: list(ending())):  # it may read, and check claims
            yield piece

    def _direct(self, state: RagState, config: RunnableConfig, detail: Detail) -> Iterator[Piece]:
        """What a route answers without passages."""
        direct = DirectAnswer(state["_route"], self.model, detail)
        source = direct.source(state)
        if source is not None:
            try:
                for chunk in source[0].stream(source[1], config):
                    if has_left(config):
                        return
                    yield from direct.pieces(chunk)
            except Exception as error:  # as of a model that has passages
                yield from direct.broken(error)
        yield from direct.ending()
        check_answered(direct.reply, config)

    async def _adirect(self, state: RagState, config: RunnableConfig, detail: Detail) -> AsyncIterator[Piece]:
        direct = DirectAnswer(state["_route"], self.model, detail)
        source = direct.source(state)
        if source is not None:
            try:
                async for chunk in source[0].astream(source[1], config):
                    for piece in direct.pieces(chunk):
                        yield piece
            except Exception as error:  # as above
                for piece in direct.broken(error):
                    yield piece
        for piece in direct.ending():
            yield piece
        check_answered(direct.reply, config)

    def _generated(self, state: RagState, config: RunnableConfig) -> tuple[MarksCheck | None, Generated]:
        documents = state["documents"]
        unchecked = not self.strict and "ground" in config.get("configurable", {}).get(WITHOUT, ())
        check = None if self.grounder is None or unchecked else MarksCheck(self.grounder, documents)
        return check, Generated(len(documents), None if check is None else check.keep)

    def _without_model(self, state: RagState, config: RunnableConfig, detail: Detail) -> Iterator[Piece]:
        if _declines(state):
            yield from _abstention(state, detail)
            return
        yield from _quotation(state, self._quotes(state, config), detail)

    def _quotes(self, state: RagState, config: RunnableConfig) -> list[Quote]:
        quotes: list[Quote] = state["_quotes"] if "_quotes" in state else self.reader(state, config)
        return quotes

    async def _read_ahead(self, state: RagState, config: RunnableConfig) -> RagState:
        """The state with the quotes of a reader that is awaited; threads cannot."""
        if not isinstance(self.reader, Own) or "_quotes" in state or _declines(state):
            return state
        return state + {"_quotes": await self.reader.awaited(state, config)}

    def _ending(
        self,
        state: RagState,
        generated: Generated,
        check: MarksCheck | None,
        config: RunnableConfig,
        detail: Detail,
    ) -> Iterator[Piece]:
        """What follows a model's reply: its citations, or what stands in for a reply that is none."""
        check_answered(generated.reply, config)
        if check is not None and check.changed:
            detail["marks"] = check.changed
        if generated.declined:
            yield from _abstention(state, detail, generated)
        elif not generated.shown.strip():
            detail["degraded"] = "The model gave no answer; quotes stand in for it."
            yield from _quotation(state, self._quotes(state, config), detail, generated)
        else:
            detail |= {"by": "model", **generated.told}
            yield from self._written(state, generated, detail)

    def _written(self, state: RagState, generated: Generated, detail: Detail) -> Iterator[Piece]:
        """The ending of an answer that a model wrote; if it is strict, the answer itself comes here."""
        documents, answer = state["documents"], generated.shown.removesuffix(BROKEN_OFF)
        broken = generated.shown[len(answer) :]
        if self.strict and self.grounder is not None:
            kept = strict_answer(answer, {"claims": ground(answer, documents, self.grounder)})
            if kept != answer:
                detail["strict"] = "Sentences that no passage supports were left out."
            if not kept:
                yield from _abstention(state, detail, generated)
                return
            answer = kept
            yield {"answer": answer + broken}
        citations = bind_citations(answer, documents)
        cited = {int(one["n"]) for one in citations}
        if notes := notes_on_reply(answer, state["standalone"], documents, cited):
            detail["notes"] = notes.strip()
            yield {"answer": notes}
        yield {**_end(citations, False, generated), "_written": answer}

    def _said(self, text: str) -> Iterator[Piece]:
        if text and not self.strict:
            yield {"answer": text}

    def _broken(self, generated: Generated, error: Exception, detail: Detail) -> Iterator[Piece]:
        """A model that fails before its first word is an error; later, its words stay and it is said."""
        if gave_nothing(error):
            return
        if isinstance(error, ChainError) or not generated.shown.strip():
            raise error
        detail["degraded"] = f"The model broke off: {type(error).__name__}: {error}"
        yield from self._said(generated.finish())
        generated.shown += BROKEN_OFF
        yield from self._said(BROKEN_OFF)


def _declines(state: RagState) -> bool:
    verdict = state.get("_verdict")
    return not state["documents"] or (verdict is not None and verdict.abstain)


def _named(state: RagState) -> dict[str, Any]:
    """What a prompt template of the caller's can name."""
    messages = prompt_messages(state)
    parts = state.get("_prompt")  # as they fit the model's window
    own = {"question": state["standalone"]}
    if parts is not None:
        own = {"question": parts.question, "history": [*parts.history]}
    return {**state, **own, "passages": str(messages[-1].content)}


def _quotation(
    state: RagState, quotes: list[Quote], detail: Detail, generated: Generated | None = None
) -> Iterator[Piece]:
    if not quotes:
        yield from _abstention(state, detail, generated)
        return
    documents = state["documents"]
    answer, citations = quoted_answer(quotes, documents)
    missing = unanswered(asked_parts(state), quotes)
    notes = notes_on_quotes(state["standalone"], documents, citations, missing=missing)
    detail |= {"by": "reader", "quotes": len(quotes), **({"notes": notes.strip()} if notes else {})}
    yield {"answer": answer + notes}
    yield {**_end(citations, False, generated), "_written": answer}


def _abstention(state: RagState, detail: Detail, generated: Generated | None = None) -> Iterator[Piece]:
    detail |= {"by": "abstention"}
    answer = refusal(state)
    yield {"answer": answer}
    yield _end([], True, generated)


def _end(citations: list[dict[str, Any]], abstained: bool, generated: Generated | None) -> Piece:
    return {
        "citations": citations,
        "abstained": abstained,
        "adapter": generated.adapter if generated else "",
        "adapter_version": generated.adapter_version if generated else "",
        "usage": generated.usage if generated else {},
    }
