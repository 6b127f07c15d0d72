"""Which adapter a call is for, where LangChain hands it on, and what its cache may remember.

LangChain gives `_generate` the call's keyword arguments and no config. Here the config's adapter becomes the
keyword argument `model` before that, so that tracing, callbacks, the cache and the engine see one name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, cast

from langchain_core.caches import BaseCache
from langchain_core.globals import get_llm_cache
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import _ChatModelBinding
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatResult, LLMResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config, run_in_executor

from .errors import UnknownAdapter
from .records import AdapterInfo, split_version
from .structured_output import Method, Schema, structured

__all__ = ["AdapterBinding", "AdapterChoice"]

RACES = 3  # times that a version may be replaced between a look at the cache and the call


class AdapterChoice(BaseChatModel):
    """A chat model whose `model` argument may come from `config["configurable"]["adapter"]`."""

    def list_adapters(self) -> list[AdapterInfo]:
        """The adapters that can be asked for, by name."""
        raise NotImplementedError

    def invoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """LangChain's `invoke`, with the config's adapter."""
        return super().invoke(input, config, **_chosen(config, kwargs))

    async def ainvoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        """LangChain's `ainvoke`, with the config's adapter."""
        return await super().ainvoke(input, config, **_chosen(config, kwargs))

    def stream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        """LangChain's `stream`, with the config's adapter."""
        return super().stream(input, config, **_chosen(config, kwargs))

    def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        """LangChain's `astream`, with the config's adapter."""
        return super().astream(input, config, **_chosen(config, kwargs))

    # Their overloads differ by `version`; versions 1 and 2 end in `astream`, version 3 in no method above.
    def stream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """LangChain's `stream_events`, with the config's adapter."""
        return super().stream_events(input, config, **_chosen(config, kwargs))

    def astream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """LangChain's `astream_events`, with the config's adapter."""
        return super().astream_events(input, config, **_chosen(config, kwargs))

    def generate(self, messages: list[list[BaseMessage]], *args: Any, **kwargs: Any) -> LLMResult:
        """LangChain's `generate`, with the adapter of the chain around it."""
        return super().generate(messages, *args, **_chosen(None, kwargs))

    async def agenerate(self, messages: list[list[BaseMessage]], *args: Any, **kwargs: Any) -> LLMResult:
        """LangChain's `agenerate`, with the adapter of the chain around it."""
        return await super().agenerate(messages, *args, **_chosen(None, kwargs))

    def bind(self, **kwargs: Any) -> AdapterBinding:
        """LangChain's `bind`; tools and schemas can be bound to what it gives, too."""
        return AdapterBinding(bound=self, kwargs=kwargs, config={})

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> AdapterBinding:
        """LangChain's `with_config`; tools and schemas can be bound to what it gives, too."""
        merged = cast("RunnableConfig", {**(config or {}), **kwargs})
        return AdapterBinding(bound=self, kwargs={}, config=merged)

    # ---- LangChain's cache: looked at before `_generate`, so the version is settled before that ----

    def _pinned(self, name: object) -> str:
        """`name@version` of the version that a call would get now."""
        plain, version = split_version(name) if isinstance(name, str) else ("", None)
        if not plain or version is not None:
            return name if isinstance(name, str) and plain else ""
        infos = self.list_adapters()
        for info in infos:
            if info.name == plain:
                return f"{plain}@{info.version}"
        raise UnknownAdapter(plain, [info.name for info in infos])

    def _caches(self) -> bool:
        if isinstance(self.cache, BaseCache):
            return True
        return self.cache is not False and get_llm_cache() is not None

    def _generate_with_cache(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        if not self._caches():
            return super()._generate_with_cache(messages, *args, **kwargs)
        for left in reversed(range(RACES)):
            pinned = self._pinned(kwargs.get("model"))
            try:
                return super()._generate_with_cache(messages, *args, **{**kwargs, "model": pinned})
            except UnknownAdapter:
                if pinned == kwargs.get("model") or not left:
                    raise
        raise AssertionError("unreachable")

    async def _agenerate_with_cache(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        if not self._caches():
            return await super()._agenerate_with_cache(messages, *args, **kwargs)
        for left in reversed(range(RACES)):
            pinned = await run_in_executor(None, self._pinned, kwargs.get("model"))
            try:
                return await super()._agenerate_with_cache(messages, *args, **{**kwargs, "model": pinned})
            except UnknownAdapter:
                if pinned == kwargs.get("model") or not left:
                    raise
        raise AssertionError("unreachable")


class AdapterBinding(_ChatModelBinding):
    """A chat model with an adapter or other options bound, to which tools and schemas can still be bound.

    LangChain's own binding hands `bind_tools` to the bare model, and what was bound before is lost: the base
    would answer in the adapter's place.
    """

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> AdapterBinding:
        """The model's `bind_tools`, with all that was bound before."""
        bound: AdapterBinding = cast("Any", self.bound).bind_tools(tools, **kwargs)
        return cast("AdapterBinding", self.bind(**bound.kwargs))  # `bind` keeps the class

    def with_structured_output(
        self,
        schema: Schema | None = None,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
    ) -> Runnable[LanguageModelInput, Any]:
        """The model's `with_structured_output`, with all that was bound before."""
        return structured(self, schema, method=method, include_raw=include_raw)


def _chosen(config: RunnableConfig | None, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments with `model` settled; a call's own, which `bind` fills too, comes first."""
    if kwargs.get("model") is not None:
        return dict(kwargs)
    return {**kwargs, "model": (ensure_config(config).get("configurable") or {}).get("adapter") or ""}
