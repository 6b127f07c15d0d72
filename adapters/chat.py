"""A LangChain chat model over one base model and many LoRA adapters, the adapter chosen call by call.

Knows LangChain; of models it knows ids, names and text. Engines do the work.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Self, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput, ModelProfile
from langchain_core.language_models.base import LangSmithParams
from langchain_core.load.load import ALL_SERIALIZABLE_MAPPINGS
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.runnables.config import run_in_executor
from langchain_core.utils import secret_from_env
from pydantic import Field, SecretStr

from .adapter_choice import AdapterChoice
from .call_options import CALL_OPTIONS, TRACING, chat_request, check_names
from .chat_messages import Origin, Reply
from .chat_settings import checked_adapters, checked_base, checked_registry, context_length
from .engine import Engine
from .engine_handle import EngineHandle, EngineSettings, is_server
from .records import AdapterInfo, ChatRequest, Delta, Sampling
from .sampling_limits import check_sampling
from .structured_output import Method, Schema, ToolLike, structured, tool_options

__all__ = ["ChatLora"]

SAMPLING = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "seed", "max_tokens")
LOCAL = ("slots", "device", "dtype", "quantization", "trust_remote_code", "chat_template")
LIMITS = ("max_batch", "max_queue")
REMOTE = ("flavour", "max_retries")


class ChatLora(AdapterChoice):
    """A chat model with adapters: `model="support"` in a call answers with that adapter, this call only.

    Use it wherever LangChain takes a chat model. `base` is a folder, a hub id, or `http://host:8000/v1#name`
    for a server that speaks the OpenAI API (vLLM, SGLang and others). Construction loads nothing; copies
    (`bind`, `with_config`, `model_copy`) share one engine.

    The adapter of a call: `model=` in the call, else in `bind`, else `configurable={"adapter": ...}` in the
    config, else the base model. "" and "base" are the base model, `name@version` is a version.

    >>> model = ChatLora("Qwen/Qwen3-0.6B", temperature=0.2)
    >>> support = model.bind(model="support")
    >>> support.invoke("When does the office open?")  # doctest: +SKIP

    Errors: `UnknownAdapter`, `AdapterMismatch`, `UnsafeAdapter`, `EngineBusy`, `EngineStopped`,
    `RequestTimeout`; `TypeError` for an argument that does not exist.
    """

    base: str
    adapters: dict[str, str] = Field(default_factory=dict)
    registry: str | None = None
    slots: int = Field(default=8, ge=1)
    device: str | None = None
    dtype: str | None = None
    quantization: str | None = None
    trust_remote_code: bool = False
    chat_template: str | None = None
    max_batch: int | None = Field(default=None, ge=1)
    max_queue: int | None = Field(default=None, ge=1)
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    max_tokens: int = 512
    stop: list[str] | None = None
    seed: int | None = None
    timeout: float | None = None
    max_retries: int = Field(default=2, ge=0)
    api_key: SecretStr | None = Field(default_factory=secret_from_env("RAGWEAVE_MODEL_API_KEY", default=None))
    flavour: Literal["auto", "vllm", "sglang"] = "auto"
    streaming: bool = False
    # A field, for LangChain makes copies from fields (`configurable_fields`), and copies share one engine.
    engine: Any = Field(default=None, exclude=True, repr=False)

    def __init__(
        self,
        base: str | Path,
        adapters: Mapping[str, str | Path] | None = None,
        registry: Any = None,
        **settings: Any,
    ) -> None:
        """Checks names and folders, and loads nothing.

        `registry` is an `AdapterRegistry`, its folder, or a folder of peft folders; `engine` one of your own
        in place of what `base` names. `settings` are the other fields of this class, and those of every
        LangChain chat model.
        """
        check_names(settings, type(self).model_fields, of="ChatLora")
        for name in ("device", "dtype"):  # torch's own objects are welcome
            if settings.get(name) is not None:
                settings[name] = str(settings[name]).removeprefix("torch.")
        if isinstance(settings.get("stop"), str):
            settings["stop"] = [settings["stop"]]
        base = checked_base(base)
        own = {
            "base": base,
            "adapters": checked_adapters(adapters or {}, base),
            "registry": checked_registry(registry),
        }
        super().__init__(**{**settings, **own})
        check_sampling(self._own_sampling())
        if not isinstance(self.engine, EngineHandle):
            self.engine = EngineHandle(self._engine_settings(), self.engine)

    # ---- adapters ----

    def load(self) -> Self:
        """Load the base model and check the adapters now, not at the first call."""
        self._engine.load()
        return self

    def close(self) -> None:
        """Stop the engine, for all copies of this model; later calls raise `EngineStopped`."""
        self._handle.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def load_adapter(self, name: str, path: str | Path, *, description: str = "") -> AdapterInfo:
        """Add an adapter, or a new version of one; calls that run finish on the version they began with."""
        checked_adapters({name: path}, self.base)
        return self._engine.load_adapter(name, path, description=description)

    def unload_adapter(self, name: str) -> None:
        """Forget an adapter; calls that run finish on it. Raises `UnknownAdapter`."""
        self._engine.unload_adapter(name)

    def pin_adapter(self, name: str, *, pinned: bool = True) -> None:
        """Keep an adapter in its slot once it has one; for a name that must never wait for a load.

        Raises `UnknownAdapter`, and `AdapterError` where no slot would be left for others or a server serves.
        """
        self._engine.pin_adapter(name, pinned=pinned)

    def list_adapters(self) -> list[AdapterInfo]:
        """The adapters that can be asked for, by name."""
        return self._engine.list_adapters()

    # ---- the engine that copies share ----

    def _engine_settings(self) -> EngineSettings:
        remote = is_server(self.base)
        options = {name: getattr(self, name) for name in (REMOTE if remote else LOCAL)}
        if remote:
            options["api_key"] = self.api_key.get_secret_value() if self.api_key else None
        else:
            options |= {name: value for name in LIMITS if (value := getattr(self, name)) is not None}
        return EngineSettings(
            base=self.base,
            adapters=self.adapters,
            registry=self.registry,
            options=options,
            timeout=self.timeout,
        )

    @property
    def _handle(self) -> EngineHandle:
        """The copies' handle; a copy whose base or engine settings were changed gets its own."""
        handle: EngineHandle = self.engine
        if not handle.given and (settings := self._engine_settings()) != handle.settings:
            handle = self.engine = EngineHandle(settings)
        return handle

    @property
    def _engine(self) -> Engine:
        return self._handle.engine()

    async def _aengine(self) -> Engine:
        """Opening reads adapter files, which would hold up the event loop."""
        handle = self._handle
        return handle.engine() if handle.is_open else await run_in_executor(None, handle.engine)

    def __getstate__(self) -> dict[Any, Any]:
        state = dict(super().__getstate__())
        state["__dict__"] = {**state["__dict__"], "api_key": None, "engine": None}
        return state

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        self.api_key = secret_from_env("RAGWEAVE_MODEL_API_KEY", default=None)()
        self.engine = EngineHandle(self._engine_settings())

    # ---- one call ----

    def _own_sampling(self) -> Sampling:
        given = {name: value for name in SAMPLING if (value := getattr(self, name)) is not None}
        return Sampling(**given, stop=tuple(self.stop or ()))

    def _request(
        self, messages: Sequence[BaseMessage], stop: Sequence[str] | None, options: Mapping[str, Any]
    ) -> ChatRequest:
        return chat_request(messages, stop, options, sampling=self._own_sampling(), timeout=self.timeout)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, stop, kwargs)
        engine = self._engine
        reply = Reply(Origin(engine.base_model, request.adapter))
        with closing(_pieces(engine, request)) as deltas:
            for delta in deltas:
                reply.add(delta)
        return ChatResult(generations=[ChatGeneration(message=reply.message())])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, stop, kwargs)
        engine = await self._aengine()
        reply = Reply(Origin(engine.base_model, request.adapter))
        async with aclosing(_apieces(engine, request)) as deltas:
            async for delta in deltas:
                reply.add(delta)
        return ChatResult(generations=[ChatGeneration(message=reply.message())])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        request = self._request(messages, stop, kwargs)
        engine = self._engine
        reply = Reply(Origin(engine.base_model, request.adapter))
        with closing(_pieces(engine, request)) as deltas:
            for delta in deltas:
                chunk = ChatGenerationChunk(message=reply.chunk(delta))
                if run_manager:
                    run_manager.on_llm_new_token(delta.text, chunk=chunk)
                yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        request = self._request(messages, stop, kwargs)
        engine = await self._aengine()
        reply = Reply(Origin(engine.base_model, request.adapter))
        async with aclosing(_apieces(engine, request)) as deltas:
            async for delta in deltas:
                chunk = ChatGenerationChunk(message=reply.chunk(delta))
                if run_manager:
                    await run_manager.on_llm_new_token(delta.text, chunk=chunk)
                yield chunk

    # ---- tools and schemas ----

    def bind_tools(
        self,
        tools: Sequence[ToolLike],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Tools that the model may call, written as its chat template writes them.

        `tool_choice`: None or "auto" leaves it to the model, "any", "required" or True makes it call one, a
        name makes it call that one, "none" or False forbids it. A call that has to be made, or has begun, is
        decoded under the tool's schema, so its arguments are valid.

        Raises `AdapterError` for a choice that names no tool.
        """
        check_names(kwargs, CALL_OPTIONS | TRACING, of="bind_tools")
        return self.bind(**tool_options(tools, tool_choice, strict), **kwargs)

    def with_structured_output(
        self,
        schema: Schema | None = None,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Answers that fit a schema: a pydantic class, a `TypedDict`, a JSON schema or a tool's schema.

        `json_schema` decodes under the schema and needs nothing of the chat template; `function_calling` asks
        for a call of a tool of that schema; `json_mode` gives any JSON object, in the shape that the messages
        ask for. An answer that `max_tokens` cut off is an error of the parser; a stream gives what came.
        """
        check_names(kwargs, ("method", "include_raw", "strict"), of="with_structured_output")
        return structured(self, schema, method=method, include_raw=include_raw)

    # ---- what LangChain asks a model about itself ----

    @property
    def _llm_type(self) -> str:
        return "ragweave-chat-lora"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """What an answer depends on besides the call; the adapter and its version are the call's."""
        return {
            "base_model": self.base,
            **{name: getattr(self, name) for name in ("dtype", "quantization", "chat_template")},
            **asdict(self._own_sampling()),
        }

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        request = self._request([HumanMessage("")], stop, kwargs)
        asked = {
            **asdict(request),
            "messages": None,
            "timeout": None,
            "adapter": self._pinned(request.adapter),
        }
        return json.dumps({**self._identifying_params, **asked}, sort_keys=True, default=str)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        base = self.base.rpartition("#")[2] if is_server(self.base) else Path(self.base).name
        params = super()._get_ls_params(stop=stop if stop is not None else self.stop, **kwargs)
        params["ls_provider"] = "ragweave"
        params["ls_model_name"] = kwargs.get("model") or base
        return params

    def _resolve_model_profile(self) -> ModelProfile:
        length = None if is_server(self.base) else context_length(self.base)
        profile = ModelProfile(
            text_inputs=True,
            image_inputs=False,
            audio_inputs=False,
            video_inputs=False,
            text_outputs=True,
            image_outputs=False,
            audio_outputs=False,
            video_outputs=False,
            max_output_tokens=self.max_tokens,
            tool_calling=True,
            tool_choice=True,
            structured_output=True,
        )
        if length is not None:
            profile["max_input_tokens"] = length
        return profile

    @property
    def counts_locally(self) -> bool:
        """Whether `get_num_tokens` counts in this process; a server would be asked for each text."""
        return self.custom_get_token_ids is not None or not is_server(self.base)

    def get_num_tokens(self, text: str) -> int:
        """How many tokens of the base model's a text has."""
        if self.custom_get_token_ids is not None:
            return len(self.custom_get_token_ids(text))
        return self._engine.count_tokens(text)

    def get_token_ids(self, text: str) -> list[int]:
        """The ids of `custom_get_token_ids`; engines count tokens and do not name them."""
        if self.custom_get_token_ids is None:
            raise NotImplementedError("ChatLora counts tokens (get_num_tokens) and does not list their ids.")
        return self.custom_get_token_ids(text)

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """LangChain may write the model down: its constructor's arguments, without weights or secrets."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Read back from the environment."""
        return {"api_key": "RAGWEAVE_MODEL_API_KEY"}


# `load(..., allowed_objects="all")` admits the classes of LangChain's own table, and of them those of the
# caller's `valid_namespaces`: nobody gets this class who does not name "ragweave" there.
LC_ID = tuple(ChatLora.lc_id())
ALL_SERIALIZABLE_MAPPINGS.setdefault(LC_ID, LC_ID)


# Leaving an engine's iterator early ends the request, so every one is closed where it was opened.
def _pieces(engine: Engine, request: ChatRequest) -> Generator[Delta]:
    return cast("Generator[Delta]", engine.stream(request))


def _apieces(engine: Engine, request: ChatRequest) -> AsyncGenerator[Delta]:
    return cast("AsyncGenerator[Delta]", engine.astream(request))
