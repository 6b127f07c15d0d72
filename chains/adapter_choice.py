"""Which adapter a question asks for, and whether the model can take it. Knows adapters by name alone.

A call's configurable `adapter` beats the route's; what the model was bound to is the model's own affair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import patch_config

from .errors import ChainError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseLanguageModel

__all__ = ["check_answered", "check_model", "for_answer", "for_rewriting"]

ADAPTER = "adapter"
BASE = ("", "base")


def for_answer(config: RunnableConfig, route: Any) -> RunnableConfig:
    """The config that the answer is written with: the route names the adapter where the call does not."""
    if ADAPTER in config.get("configurable", {}):
        return config
    named = route.get(ADAPTER) if isinstance(route, Mapping) else None
    return config if named is None else patch_config(config, configurable={ADAPTER: str(named)})


def for_rewriting(config: RunnableConfig) -> RunnableConfig:
    """The config for work on the question: the base model.

    An adapter learned to answer in some manner; nobody taught it to rewrite questions.
    """
    asked = config.get("configurable", {}).get(ADAPTER, "")
    return patch_config(config, configurable={ADAPTER: ""}) if asked not in BASE else config


def check_model(model: Runnable[Any, Any] | None, config: RunnableConfig) -> None:
    """Raise `ChainError` where an adapter is asked for that the model would ignore."""
    asked = config.get("configurable", {}).get(ADAPTER, "")
    if asked in BASE:
        return
    if model is None:
        raise ChainError(
            f"The adapter {asked!r} was asked for, but no model writes the answers: they are quotes.",
            remedy="Give rag_chain a model that takes adapters, such as ragweave.adapters.ChatLora.",
        )
    for ignoring in _ignoring(model):
        raise ChainError(
            f"The adapter {asked!r} was asked for, but {type(ignoring).__name__} takes no adapters.",
            remedy="Give rag_chain a model that does, such as ragweave.adapters.ChatLora, or leave it out.",
        )


def check_answered(reply: Any, config: RunnableConfig) -> None:
    """Raise `ChainError` where a reply does not say which adapter wrote it, though one was asked for."""
    asked = config.get("configurable", {}).get(ADAPTER, "")
    if asked not in BASE and ADAPTER not in getattr(reply, "response_metadata", {}):
        raise ChainError(
            f"The adapter {asked!r} was asked for, and the reply does not say which adapter wrote it.",
            remedy="Use a model that puts `adapter` into response_metadata, such as "
            "ragweave.adapters.ChatLora.",
        )


def _ignoring(runnable: Runnable[Any, Any]) -> Iterator[BaseLanguageModel[Any]]:
    """The chat models in a Runnable that take no adapters; what shows no model inside is trusted.

    LangChain's wrappers are looked into: bindings, retries, sequences, fallbacks, configurable fields.
    """
    from langchain_core.language_models import BaseLanguageModel

    if isinstance(runnable, BaseLanguageModel):
        if not callable(getattr(runnable, "list_adapters", None)) and not _declares(runnable):
            yield runnable
        return
    inner = getattr(runnable, "default", None)
    if isinstance(inner, Runnable) and _declares(runnable):
        return  # a field of LangChain's own, named `adapter`
    steps = getattr(runnable, "steps", ())
    parts = [inner, getattr(runnable, "bound", None), getattr(runnable, "runnable", None)]
    parts += [*getattr(runnable, "fallbacks", ()), *(steps if isinstance(steps, list) else ())]
    for part in parts:
        if isinstance(part, Runnable):
            yield from _ignoring(part)


def _declares(runnable: Runnable[Any, Any]) -> bool:
    return any(spec.id == ADAPTER for spec in runnable.config_specs)
