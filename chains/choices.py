"""What may stand for a step: "auto", None, a Runnable, a compressor, one of ours, or a plain function.

Knows no particular step.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from langchain_core.documents import BaseDocumentCompressor
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig

from .alone import StandaloneStep
from .document_step import document_step, shown
from .errors import ChainError
from .state import RagState, text_of
from .step import Piece, Step

__all__ = ["Choice", "as_runnable", "check_retriever", "chosen", "reworking", "setting"]

Choice = Any


def check_retriever(retriever: Any) -> None:
    """Raise `TypeError` for what cannot be one, such as a knowledge base itself."""
    if not isinstance(retriever, Runnable):
        raise TypeError(
            f"retriever is a {type(retriever).__name__}: give kb.as_retriever() or a LangChain retriever."
        )


def chosen(name: str, choice: Choice, default: Any, convert: Callable[[str, Any], Any]) -> Any:
    """The default for "auto" and None, else what the caller gave, converted."""
    if choice is None or choice == "auto":
        return default
    return convert(name, choice)


def as_runnable(name: str, choice: Choice) -> Runnable[Any, Any]:
    """A Runnable or a function as a Runnable; raises `TypeError` for anything else."""
    if isinstance(choice, Runnable):
        return choice
    if callable(choice):
        from langchain_core.runnables import RunnableLambda

        return RunnableLambda(choice)
    raise TypeError(f"{name}={choice!r} is no step: give 'auto', None, or a Runnable.")


def setting(
    name: str, key: str, choice: Choice, default: Step | None, otherwise: Callable[[RagState], Any]
) -> Step:
    """A step that sets `key`: the caller's Runnable, the default, or the plain value where it is left out."""

    def instead(state: RagState) -> Piece:
        return {key: otherwise(state)}

    if choice == "auto" and default is not None:
        return replace(default, instead=instead)
    if isinstance(choice, StandaloneStep):
        return replace(choice.step, instead=choice.step.instead or instead)
    if choice is None or choice == "auto":
        return Step(name, lambda state, config, detail: iter([instead(state)]), traced=False)
    worker = as_runnable(name, choice)

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        yield {key: _checked(name, key, worker.invoke(shown(state), config), state)}

    async def arun(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> AsyncIterator[Piece]:
        yield {key: _checked(name, key, await worker.ainvoke(shown(state), config), state)}

    return Step(name, run, arun, instead=instead)


def _checked(name: str, key: str, given: Any, state: RagState) -> Any:
    """What a step of the caller's gave, as the steps after it read it: a text, or texts."""
    if key == "standalone":
        return _text(name, given)
    if key == "queries":
        several = [given] if isinstance(given, (str, BaseMessage)) else given
        if not isinstance(several, Iterable) or isinstance(several, Mapping):
            raise _unlike(name, given, "a list of texts")
        return [_text(name, one) for one in several] or [state["standalone"]]
    return given


def _text(name: str, given: Any) -> str:
    if isinstance(given, BaseMessage):
        return text_of(given)
    if not isinstance(given, str):
        raise _unlike(name, given, "a text")
    return given


def _unlike(name: str, given: Any, expected: str) -> ChainError:
    return ChainError(
        f"The step {name!r} gave a {type(given).__name__}, {given!r}.", remedy=f"It must give {expected}."
    )


def reworking(name: str, choice: Choice, default: Any = None) -> Step | None:
    """A step that reworks the documents found; None where it is left out."""
    worker = default if choice == "auto" else choice
    if worker is None or isinstance(worker, Step):
        return worker
    if isinstance(worker, StandaloneStep):
        return replace(worker.step, instead=worker.step.instead or (lambda state: {}))
    return document_step(
        name, worker if isinstance(worker, BaseDocumentCompressor) else as_runnable(name, worker)
    )
