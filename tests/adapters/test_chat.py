"""The chat model over a fake engine: who is asked, and what LangChain gets to see."""

from __future__ import annotations

import asyncio
import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import LanguageModelInput
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.runnables import ConfigurableField, Runnable, RunnableConfig, RunnableLambda
from langchain_core.tools import tool
from pydantic import BaseModel

from ragweave.adapters.chat import ChatLora
from ragweave.adapters.errors import AdapterError, EngineStopped, UnknownAdapter, UnsafeAdapter
from ragweave.adapters.records import ChatRequest, Delta, TokenLogprob

from .fakes import FakeEngine, chat_over


@pytest.fixture
def engine() -> FakeEngine:
    """Two adapters in their second and first version."""
    return FakeEngine({"support": "2", "legal": "1"})


@pytest.fixture
def model(engine: FakeEngine) -> ChatLora:
    """A chat model over it."""
    return chat_over(engine)


def adapter_config(name: str) -> RunnableConfig:
    """A config that chooses an adapter."""
    return {"configurable": {"adapter": name}}


# ---- the adapter of a call ----

Chosen = Runnable[LanguageModelInput, AIMessage]


def test_the_bare_model_answers_as_the_base(model: ChatLora) -> None:
    answer = model.invoke("hello")

    assert answer.content == "base heard hello"
    assert answer.response_metadata == {
        "model_name": "fake",
        "base_model": "fake",
        "adapter": "",
        "adapter_version": "",
        "finish_reason": "stop",
        "model_provider": "ragweave",
    }


@pytest.mark.parametrize("name", ["", "base", None])
def test_base_and_nothing_are_the_base_model(model: ChatLora, name: str | None) -> None:
    answer = model.bind(model="legal").invoke("hello", model=name or "base")

    assert answer.response_metadata["adapter"] == ""


@pytest.mark.parametrize(
    ("call", "bound", "configured", "expected"),
    [
        ("support", "legal", "legal", "support"),
        ("base", "legal", "legal", ""),
        ("", "legal", "legal", ""),
        (None, "support", "legal", "support"),
        (None, "base", "legal", ""),
        (None, None, "support", "support"),
        (None, None, "", ""),
        (None, None, None, ""),
    ],
)
def test_the_call_beats_bind_which_beats_the_config(
    model: ChatLora, call: str | None, bound: str | None, configured: str | None, expected: str
) -> None:
    chosen: Chosen = model if bound is None else model.bind(model=bound)
    chosen = chosen if configured is None else chosen.with_config(configurable={"adapter": configured})
    options: dict[str, Any] = {} if call is None else {"model": call}

    answer = chosen.invoke("hello", **options)

    assert answer.response_metadata["adapter"] == expected


def test_a_call_s_config_beats_the_config_of_the_model(model: ChatLora) -> None:
    chosen = model.with_config(configurable={"adapter": "legal"})

    answer = chosen.invoke("hello", adapter_config("support"))

    assert answer.response_metadata["adapter"] == "support"


async def test_every_way_to_call_takes_the_config_s_adapter(model: ChatLora) -> None:
    chosen = model.with_config(configurable={"adapter": "support"})

    answers = [
        chosen.invoke("hello").text,
        (await chosen.ainvoke("hello")).text,
        "".join(chunk.text for chunk in chosen.stream("hello")),
        "".join([chunk.text async for chunk in chosen.astream("hello")]),
        chosen.batch(["hello"])[0].text,
        (await chosen.abatch(["hello"]))[0].text,
        [
            event["data"]["output"].text
            async for event in chosen.astream_events("hello", version="v2")
            if event["event"] == "on_chat_model_end"
        ][0],
    ]

    assert answers == ["support@2 heard hello"] * len(answers)


@pytest.mark.filterwarnings("ignore:.*v3.*")
async def test_the_events_of_version_3_take_the_config_s_adapter(model: ChatLora) -> None:
    sync = model.stream_events("hello", adapter_config("support"), version="v3")
    unsync = await model.astream_events("hello", adapter_config("legal"), version="v3")

    assert sync.output.text == "support@2 heard hello"
    assert (await unsync.output).text == "legal@1 heard hello"


def test_a_chain_hands_its_adapter_to_the_model(model: ChatLora) -> None:
    chain = RunnableLambda(str.upper) | model

    answer = chain.with_config(configurable={"adapter": "legal"}).invoke("hello")

    assert answer.content == "legal@1 heard HELLO"


def test_a_model_called_inside_a_function_has_the_chain_s_adapter(model: ChatLora) -> None:
    def call(text: str) -> list[str]:
        return [model.invoke(text).text, model.generate([[HumanMessage(text)]]).generations[0][0].text]

    answers = RunnableLambda(call).invoke("hello", adapter_config("legal"))

    assert answers == ["legal@1 heard hello"] * 2


def test_batch_takes_a_config_for_each_input(model: ChatLora) -> None:
    names = ["support", "legal", "base", "", "legal"]

    answers = model.batch(["hello"] * 5, [adapter_config(name) for name in names])

    assert [answer.response_metadata["adapter"] for answer in answers] == [
        "support",
        "legal",
        "",
        "",
        "legal",
    ]


def test_other_keys_of_configurable_are_left_alone(model: ChatLora) -> None:
    answer = model.invoke("hello", {"configurable": {"thread_id": "7", "model": "other", "adapter": "legal"}})

    assert answer.response_metadata["adapter"] == "legal"


def test_a_version_is_asked_for_and_reported(model: ChatLora, engine: FakeEngine) -> None:
    answer = model.invoke("hello", model="support@2")

    assert engine.requests[0].adapter == "support@2"
    assert (answer.response_metadata["model_name"], answer.response_metadata["adapter_version"]) == (
        "support",
        "2",
    )


def test_an_unknown_adapter_lists_the_known_ones(model: ChatLora) -> None:
    with pytest.raises(UnknownAdapter) as raised:
        model.invoke("hello", model="suport")

    assert str(raised.value) == (
        "There is no adapter 'suport'. Did you mean 'support'? Known adapters: legal, support. "
        'Use "base" for the base model.'
    )


@pytest.mark.parametrize("name", ["@2", "legal@7", "base@1", " ", "LEGAL"])
def test_what_names_no_adapter_is_never_answered_by_the_base(
    model: ChatLora, engine: FakeEngine, name: str
) -> None:
    with pytest.raises(AdapterError):
        model.invoke("hello", model=name)
    with pytest.raises(AdapterError):
        model.invoke("hello", adapter_config(name))

    assert engine.requests == []


# ---- what an answer carries ----


def test_usage_comes_once_in_a_stream(model: ChatLora) -> None:
    chunks = list(model.stream("hello", model="legal"))
    whole = sum(chunks[1:], chunks[0])

    assert [chunk.usage_metadata is not None for chunk in chunks].count(True) == 1
    assert whole.usage_metadata == {"input_tokens": 3, "output_tokens": 3, "total_tokens": 6}
    assert whole.response_metadata["adapter"] == "legal"
    assert whole.response_metadata["finish_reason"] == "stop"
    assert chunks[-1].chunk_position == "last"


def test_log_probabilities_are_in_the_form_of_openai() -> None:
    token = TokenLogprob("é", -0.5, (("é", -0.5), ("e", -1.5)))
    model = chat_over(FakeEngine(script=lambda request, who: [Delta(text="é", logprobs=(token,))] * 2))

    whole = model.invoke("hello", logprobs=True, top_logprobs=2)
    chunks = list(model.stream("hello", logprobs=True, top_logprobs=2))

    expected = {
        "token": "é",
        "bytes": [195, 169],
        "logprob": -0.5,
        "top_logprobs": [
            {"token": "é", "bytes": [195, 169], "logprob": -0.5},
            {"token": "e", "bytes": [101], "logprob": -1.5},
        ],
    }
    assert whole.response_metadata["logprobs"] == {"content": [expected] * 2}
    assert sum(chunks[1:], chunks[0]).response_metadata["logprobs"] == {"content": [expected] * 2}


def test_callbacks_get_each_piece_and_the_adapter(model: ChatLora) -> None:
    class Seen(BaseCallbackHandler):
        def __init__(self) -> None:
            self.pieces: list[str] = []
            self.names: list[object] = []

        def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
            self.names.append(kwargs["metadata"]["ls_model_name"])

        def on_llm_new_token(self, token: Any, *, chunk: Any = None, **kwargs: Any) -> None:
            self.pieces.append(chunk.message.text)

    seen = Seen()

    list(model.stream("hello", {"callbacks": [seen], "configurable": {"adapter": "legal"}}))

    assert seen.pieces == ["legal@1", " heard", " hello", ""]
    assert seen.names == ["legal"]


def test_a_broken_tool_call_is_kept_as_invalid() -> None:
    pieces = [
        Delta(tool_calls=({"index": 0, "id": "a", "name": "add", "arguments": '{"x": '},)),
        Delta(tool_calls=({"index": 0, "id": None, "name": None, "arguments": "3}"},)),
        Delta(tool_calls=({"index": 1, "id": "b", "name": None, "arguments": '<tool_call>{"x": '},)),
    ]
    model = chat_over(FakeEngine(script=lambda request, who: pieces))

    answer = model.invoke("hello")
    chunks = list(model.stream("hello"))
    whole = sum(chunks[1:], chunks[0])

    for message in (answer, whole):
        assert message.tool_calls == [{"name": "add", "args": {"x": 3}, "id": "a", "type": "tool_call"}]
        assert [call["args"] for call in message.invalid_tool_calls] == ['<tool_call>{"x": ']


# ---- options ----


def test_a_call_s_options_beat_the_model_s(engine: FakeEngine) -> None:
    model = chat_over(engine, temperature=0.7, max_tokens=9, stop=["\n"], timeout=5.0, seed=3)

    model.invoke("hello", temperature=0.0, top_k=4, stop=["."])

    asked = engine.requests[0]
    assert (asked.sampling.temperature, asked.sampling.top_k, asked.sampling.max_tokens) == (0.0, 4, 9)
    assert (asked.sampling.stop, asked.sampling.seed, asked.timeout) == ((".",), 3, 5.0)


def test_an_unknown_argument_names_the_nearest(model: ChatLora) -> None:
    with pytest.raises(TypeError, match="no argument 'temprature'. Did you mean 'temperature'"):
        model.invoke("hello", temprature=1)
    with pytest.raises(TypeError, match="no argument 'adaptors'. Did you mean 'adapters'"):
        ChatLora("fake/base", adaptors={})


@pytest.mark.parametrize("options", [{"temperature": -1}, {"top_p": 0}, {"max_tokens": 0}, {"min_p": 2}])
def test_a_value_out_of_range_is_refused(model: ChatLora, options: dict[str, Any]) -> None:
    with pytest.raises(AdapterError, match=next(iter(options))):
        model.invoke("hello", **options)
    with pytest.raises(AdapterError, match=next(iter(options))):
        ChatLora("fake/base", **options)


def test_blocks_of_text_are_text_and_images_are_refused(model: ChatLora, engine: FakeEngine) -> None:
    model.invoke([HumanMessage([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}])])

    assert engine.requests[0].messages == ({"role": "user", "content": "one\ntwo"},)
    with pytest.raises(AdapterError, match="takes text only"):
        model.invoke([HumanMessage([{"type": "image", "url": "https://example.com/a.png"}])])


# ---- construction ----


def test_a_missing_folder_fails_at_construction(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="There is no base model"):
        ChatLora(tmp_path / "nothing")
    with pytest.raises(AdapterError, match="There is no base model"):
        ChatLora("./nothing")
    with pytest.raises(AdapterError, match="holds no base model"):
        ChatLora(tmp_path)
    with pytest.raises(AdapterError, match="no adapter_config.json"):
        ChatLora("fake/base", {"legal": tmp_path})
    with pytest.raises(AdapterError, match="no such folder"):
        ChatLora("fake/base", registry=tmp_path / "nothing")


@pytest.mark.parametrize("name", ["../x", "/x", "__base__", "a.b", "", "base", "BASE", "lеgal", "a@1", "-a"])
def test_a_bad_name_fails_at_construction(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafeAdapter, match="cannot be called"):
        ChatLora("fake/base", {name: tmp_path})


@pytest.mark.parametrize("base", ["http://", "https://user:secret@host/v1"])
def test_a_bad_address_fails_at_construction_without_its_key(base: str) -> None:
    with pytest.raises(AdapterError) as raised:
        ChatLora(base)

    assert "secret" not in str(raised.value)


def test_copies_share_one_engine(model: ChatLora, engine: FakeEngine) -> None:
    copies = [model.model_copy(update={"temperature": 1.0}), copy.copy(model), copy.deepcopy(model)]

    for one in copies:
        one.invoke("hello")

    assert len(engine.requests) == 3
    assert engine.requests[0].sampling.temperature == 1.0


def test_a_copy_with_another_base_has_another_engine() -> None:
    model = ChatLora("some/base")
    other = model.model_copy(update={"base": "other/base"})
    slower = model.model_copy(update={"timeout": 9.0, "temperature": 0.5})

    assert other._handle is not model._handle
    assert slower._handle is model._handle


def test_configurable_fields_share_the_engine(model: ChatLora, engine: FakeEngine) -> None:
    configurable = model.configurable_fields(temperature=ConfigurableField(id="warmth"))

    answer = configurable.invoke("hello", {"configurable": {"warmth": 0.5, "adapter": "legal"}})

    assert answer.response_metadata["adapter"] == "legal"
    assert engine.requests[0].sampling.temperature == 0.5


def test_a_closed_model_says_so_to_all_copies(model: ChatLora) -> None:
    other = model.model_copy()
    with model:
        pass

    with pytest.raises(EngineStopped, match="is closed. Make a new ChatLora"):
        other.invoke("hello")


def test_adapters_come_and_go(model: ChatLora, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")

    info = model.load_adapter("sales", tmp_path, description="Sells.")
    names = [one.name for one in model.list_adapters()]
    model.unload_adapter("sales")

    assert (info.version, info.description) == ("1", "Sells.")
    assert names == ["legal", "sales", "support"]
    with pytest.raises(UnknownAdapter):
        model.invoke("hello", model="sales")


# ---- secrets and serialisation ----


def test_a_key_is_never_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ChatLora("http://localhost:8000/v1#m", api_key="sesame")

    written = [repr(model), str(model), dumps(model), pickle.dumps(model).decode("latin-1")]
    written.append(repr(model._engine_settings()))
    monkeypatch.setenv("RAGWEAVE_MODEL_API_KEY", "open")

    assert not any("sesame" in text for text in written)
    restored = pickle.loads(pickle.dumps(model))
    assert restored.api_key.get_secret_value() == "open"


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
def test_a_model_is_written_down_as_its_arguments() -> None:
    model = ChatLora("fake/base", temperature=0.5, stop="x")

    restored = loads(dumps(model), valid_namespaces=["ragweave"], allowed_objects=[ChatLora])

    assert restored.model_dump() == model.model_dump()
    assert restored.temperature == 0.5 and restored.stop == ["x"]
    assert pickle.loads(pickle.dumps(model)).stop == ["x"]


# ---- LangChain's cache ----


def test_the_cache_crosses_neither_adapters_nor_versions(model: ChatLora, engine: FakeEngine) -> None:
    model.cache = InMemoryCache()

    first = model.invoke("hello", model="legal").text
    again = model.invoke("hello", adapter_config("legal")).text
    other = model.invoke("hello", adapter_config("support")).text
    base = model.invoke("hello").text
    engine.versions["legal"] = "2"
    newer = model.invoke("hello", model="legal").text

    assert (first, again, other, base, newer) == (
        "legal@1 heard hello",
        "legal@1 heard hello",
        "support@2 heard hello",
        "base heard hello",
        "legal@2 heard hello",
    )
    assert len(engine.requests) == 4


async def test_the_cache_knows_sampling_and_asynchronous_calls(model: ChatLora, engine: FakeEngine) -> None:
    model.cache = InMemoryCache()

    await model.ainvoke("hello", model="legal")
    await model.ainvoke("hello", model="legal")
    await model.ainvoke("hello", model="legal", temperature=0.5)
    model.invoke("hello", model="legal", stop=["x"])

    assert len(engine.requests) == 3


def test_an_answer_of_a_new_version_is_not_kept_as_the_old_one_s(engine: FakeEngine) -> None:
    class Reloads(FakeEngine):
        def list_adapters(self) -> Any:
            known = super().list_adapters()
            if not self.requests:
                self.versions["legal"] = "2"
            return known

    reloading = Reloads({"legal": "1"})
    model = chat_over(reloading)
    model.cache = InMemoryCache()

    answer = model.invoke("hello", model="legal")

    assert answer.text == "legal@2 heard hello"


# ---- leaving early ----


async def test_leaving_a_stream_or_a_call_ends_the_request(model: ChatLora, engine: FakeEngine) -> None:
    for _ in model.stream("a b c"):
        break
    stream = model.astream("a b c")
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]  # LangChain names only the iterator
    engine.script = lambda request, who: [Delta(text="x")] * 100_000
    task = asyncio.create_task(model.ainvoke("hello"))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)

    assert engine.left_early == 3


# ---- tools and schemas ----


class Joke(BaseModel):
    """A joke."""

    setup: str
    stars: int | None = None


def test_tool_choices_reach_the_engine_in_one_form(model: ChatLora, engine: FakeEngine) -> None:
    choices: list[Any] = [None, "auto", "any", "required", "Joke", True, False, "none"]

    for choice in choices:
        model.bind_tools([Joke], tool_choice=choice).invoke("hello")

    assert [request.tool_choice for request in engine.requests] == [
        None,
        "auto",
        "required",
        "required",
        "Joke",
        "Joke",
        "none",
        "none",
    ]
    assert engine.requests[0].tools[0]["function"]["name"] == "Joke"
    with pytest.raises(AdapterError, match="names no tool. Tools: Joke"):
        model.bind_tools([Joke], tool_choice="joke")


def test_tools_and_adapters_go_together(model: ChatLora) -> None:
    with_tools = model.bind_tools([Joke]).with_config(configurable={"adapter": "legal"})

    assert with_tools.invoke("hello").response_metadata["adapter"] == "legal"


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_what_is_bound_stays_when_tools_and_schemas_are_bound_later(
    model: ChatLora, engine: FakeEngine, method: Any
) -> None:
    bound: list[Any] = [model.bind(model="legal"), model.with_config(configurable={"adapter": "legal"})]

    for one in bound:
        one.bind_tools([Joke], tool_choice="any").invoke("hello")
        one.bind(temperature=0.5).with_structured_output(Joke, method=method, include_raw=True).invoke(
            "hello"
        )

    assert [request.adapter for request in engine.requests] == ["legal"] * 4
    assert engine.requests[1].sampling.temperature == engine.requests[3].sampling.temperature == 0.5
    assert engine.requests[0].tools and (engine.requests[1].schema or engine.requests[1].tools)


async def test_an_agent_calls_with_the_adapter_of_its_config() -> None:
    """LangChain's agent binds tools and the answer's schema itself, and calls the model inside its graph."""

    def script(request: ChatRequest, who: str) -> list[Delta]:
        assert request.schema is not None
        if request.messages[-1]["role"] == "tool":
            return [Delta(text='{"setup": "Knock", "stars": 3}')]
        call = {"index": 0, "id": "a", "name": "look_up", "arguments": '{"word": "cat"}'}
        return [Delta(tool_calls=(call,))]

    engine = FakeEngine({"legal": "1"}, script=script)
    model = chat_over(engine)

    @tool
    def look_up(word: str) -> str:
        """Look a word up."""
        return f"{word}: an animal"

    agent: Any = create_agent(model, [look_up], response_format=Joke)
    result = await agent.ainvoke({"messages": [("user", "a joke")]}, adapter_config("legal"))

    assert result["structured_response"] == Joke(setup="Knock", stars=3)
    assert [request.adapter for request in engine.requests] == ["legal", "legal"]


def says(text: str) -> FakeEngine:
    """An engine that always says this."""
    return FakeEngine({"legal": "1"}, script=lambda request, who: [Delta(text=text)])


def test_a_schema_reaches_the_engine_and_its_answer_is_read() -> None:
    engine = says('{"setup": "Knock", "stars": 3}')
    model = chat_over(engine)

    joke = model.with_structured_output(Joke).invoke("hello", adapter_config("legal"))
    as_dict = model.with_structured_output(Joke.model_json_schema()).invoke("hello")

    assert joke == Joke(setup="Knock", stars=3)
    assert as_dict == {"setup": "Knock", "stars": 3}
    assert engine.requests[0].adapter == "legal"
    assert engine.requests[0].schema is not None
    assert engine.requests[0].schema["properties"]["setup"]["type"] == "string"


def test_an_answer_that_was_cut_off_is_not_mended() -> None:
    model = chat_over(says('{"setup": "Kno'))

    raw = model.with_structured_output(Joke.model_json_schema(), include_raw=True).invoke("hello")

    assert raw["parsed"] is None
    assert "no complete JSON" in str(raw["parsing_error"])


def test_a_schema_by_function_calling_is_a_tool_that_has_to_be_called() -> None:
    call = {"index": 0, "id": "a", "name": "Joke", "arguments": '{"setup": "Knock"}'}

    def script(request: ChatRequest, who: str) -> list[Delta]:
        assert request.tool_choice == "required"
        return [Delta(tool_calls=(call,))]

    model = chat_over(FakeEngine(script=script))

    assert model.with_structured_output(Joke, method="function_calling").invoke("hello") == Joke(
        setup="Knock"
    )


# ---- about itself ----


def test_it_counts_tokens_with_the_engine(model: ChatLora) -> None:
    assert model.get_num_tokens("one two three") == 3
    assert model.get_num_tokens_from_messages([HumanMessage("one two")]) >= 2


def test_it_says_whether_it_counts_in_this_process(model: ChatLora) -> None:
    server = ChatLora("http://127.0.0.1:9/v1#name")

    assert model.counts_locally and not server.counts_locally
    assert ChatLora("http://127.0.0.1:9/v1#name", custom_get_token_ids=lambda text: [1]).counts_locally


def test_a_profile_says_what_it_takes(base: Path) -> None:
    model = ChatLora(base)

    assert model.profile is not None
    assert model.profile["image_inputs"] is False
    assert model.profile["max_input_tokens"] > 0


def test_a_stream_is_made_of_chunks(model: ChatLora) -> None:
    assert all(isinstance(chunk, AIMessageChunk) for chunk in model.stream("hello"))
