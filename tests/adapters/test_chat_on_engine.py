"""The chat model on the engine of this process, over random weights: the right one says whatever it says."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.messages import BaseMessage
from pydantic import BaseModel, Field

from ragweave.adapters import (
    AdapterError,
    AdapterMismatch,
    AdapterRegistry,
    ChatLora,
    EngineStopped,
    UnknownAdapter,
)
from ragweave.chains import rag_chain

from .models import make_adapter

QUESTION = "Where is the nearest office?"


@pytest.fixture(scope="module")
def model(base: Path, adapters: Path) -> Iterator[ChatLora]:
    """A base and three adapters, in a plain folder."""
    with ChatLora(base, registry=adapters, max_tokens=12) as made:
        yield made


def said(message: BaseMessage) -> tuple[str, str]:
    """Who says it, and what."""
    return message.response_metadata["adapter"], str(message.content)


def test_each_way_of_choosing_gives_the_same_answer_and_adapters_differ(model: ChatLora) -> None:
    names = ["", "legal", "legal-v2", "support"]

    by_call = [said(model.invoke(QUESTION, model=name)) for name in names]
    by_bind = [said(model.bind(model=name).invoke(QUESTION)) for name in names]
    by_config = [said(model.invoke(QUESTION, {"configurable": {"adapter": name}})) for name in names]
    together = model.batch([QUESTION] * 4, [{"configurable": {"adapter": name}} for name in names])

    assert [name for name, _ in by_call] == names
    assert len({text for _, text in by_call}) == 4
    assert by_call == by_bind == by_config == [said(answer) for answer in together]


def test_a_pinned_adapter_keeps_its_slot(base: Path, adapters: Path) -> None:
    with ChatLora(base, registry=adapters, slots=2, max_tokens=2) as model:
        model.pin_adapter("legal")
        for name in ("legal", "legal-v2", "support", "legal-v2"):
            model.invoke(QUESTION, model=name)

        states = {info.name: info.state for info in model.list_adapters()}
        with pytest.raises(AdapterError, match="1 of 2 slots are"):
            model.pin_adapter("support")

    assert states["legal"] == states["legal-v2"] == "device"
    assert states["support"] != "device"


async def test_streams_and_asynchronous_calls_say_the_same(model: ChatLora) -> None:
    whole = model.invoke(QUESTION, model="legal")

    unsync = await model.ainvoke(QUESTION, model="legal")
    streamed = "".join(chunk.text for chunk in model.stream(QUESTION, model="legal"))
    astreamed = "".join([chunk.text async for chunk in model.astream(QUESTION, model="legal")])

    assert whole.content == unsync.content == streamed == astreamed
    assert whole.usage_metadata == unsync.usage_metadata
    assert whole.response_metadata["finish_reason"] == "length"
    assert whole.response_metadata["adapter_version"] != ""


async def test_asynchronous_calls_take_no_thread_each(model: ChatLora) -> None:
    await model.ainvoke(QUESTION, model="legal")
    before = threading.active_count()
    names = ["", "legal", "legal-v2", "support"] * 6

    calls = [asyncio.create_task(model.ainvoke(QUESTION, model=name, max_tokens=24)) for name in names]
    most = before
    while not all(call.done() for call in calls):
        most = max(most, threading.active_count())
        await asyncio.sleep(0.005)

    assert [call.result().response_metadata["adapter"] for call in calls] == names
    assert most <= before


async def test_calls_that_are_cancelled_leave_room_and_the_next_answer_right(model: ChatLora) -> None:
    expected = said(model.invoke(QUESTION, model="legal"))

    for _ in range(3):
        calls = [
            asyncio.create_task(model.ainvoke(QUESTION, model=name, max_tokens=400))
            for name in ("support", "legal-v2", "") * 4
        ]
        await asyncio.sleep(0.05)
        for call in calls:
            call.cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in ended)
        async for _chunk in model.astream(QUESTION, model="support", max_tokens=400):
            break

    assert said(await asyncio.wait_for(model.ainvoke(QUESTION, model="legal"), timeout=10)) == expected


def test_an_unknown_adapter_is_refused_before_the_base_is_loaded(base: Path, adapters: Path) -> None:
    model = ChatLora(base, {"legal": adapters / "legal"})

    with pytest.raises(UnknownAdapter, match="Known adapters: legal"):
        model.invoke(QUESTION, model="leagl")

    assert model._engine._served is None  # type: ignore[attr-defined]  # LocalEngine's own
    model.close()


def test_an_adapter_of_another_base_fails_at_load(gpt2_base: Path, adapters: Path) -> None:
    model = ChatLora(gpt2_base, {"legal": adapters / "legal"})

    with pytest.raises(AdapterMismatch):
        model.load()
    with pytest.raises(AdapterMismatch):
        model.invoke(QUESTION)


def test_a_registry_s_new_version_answers_and_no_cache_crosses(
    base: Path, adapters: Path, tmp_path: Path
) -> None:
    registry = AdapterRegistry(tmp_path / "registry")
    registry.add(adapters / "legal", "legal")
    make_adapter(base, tmp_path / "newer", rank=8, seed=9)
    with ChatLora(base, registry=registry, max_tokens=12, cache=InMemoryCache()) as model:
        first = model.invoke(QUESTION, model="legal")
        registry.add(tmp_path / "newer", "legal")
        second = model.invoke(QUESTION, model="legal")
        again = model.invoke(QUESTION, model="legal@1")

    versions = [answer.response_metadata["adapter_version"] for answer in (first, second, again)]
    assert versions == ["1", "2", "1"]
    assert first.content == again.content != second.content


def test_a_pickled_model_is_small_and_answers_the_same(model: ChatLora) -> None:
    pickled = pickle.dumps(model)

    with pickle.loads(pickled) as restored:
        answer = restored.invoke(QUESTION, model="support")

    assert len(pickled) < 10_000
    assert said(answer) == said(model.invoke(QUESTION, model="support"))


class Visit(BaseModel):
    """A visit to an office."""

    city: str = Field(max_length=8)
    days: int = Field(ge=1, le=30)


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_random_weights_answer_in_a_schema_with_any_adapter(model: ChatLora, method: Any) -> None:
    for name in ("", "legal", "support"):
        visits = model.bind(model=name, max_tokens=120).with_structured_output(Visit, method=method)

        assert isinstance(visits.invoke(QUESTION), Visit)


def test_a_call_of_a_tool_is_cut_off_as_invalid_never_mended(model: ChatLora) -> None:
    with_tools = model.bind_tools([Visit], tool_choice="any")

    for answer in (with_tools.invoke(QUESTION), sum_of(with_tools.stream(QUESTION))):
        assert answer.tool_calls == []
        assert str(answer.invalid_tool_calls[0]["args"]).startswith("<tool_call>")
        assert answer.response_metadata["finish_reason"] == "length"


def sum_of(chunks: Iterator[Any]) -> Any:
    """The whole of a stream."""
    first, *rest = chunks
    return sum(rest, first)


def test_the_chain_s_config_reaches_the_model(model: ChatLora) -> None:
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever

    class One(BaseRetriever):
        def _get_relevant_documents(self, query: str, **kwargs: Any) -> list[Document]:
            return [Document("The nearest office is in Berlin.", metadata={"source": "a.md"})]

    chain = rag_chain(model, One(), condense=None, abstain=None)
    bound = rag_chain(model.bind(model="legal"), One(), condense=None, abstain=None)

    states = [
        one.with_config(configurable={"adapter": "support"}).invoke({"question": QUESTION})
        for one in (chain, bound)
    ]

    assert [state["adapter"] for state in states] == ["support", "legal"]


def test_tokens_are_counted_by_the_base_s_tokenizer(model: ChatLora) -> None:
    assert model.get_num_tokens(QUESTION) > 3
    assert json.loads(json.dumps(model.profile))["max_input_tokens"] == 512


def test_closing_ends_calls_of_copies(base: Path) -> None:
    model = ChatLora(base)
    copy = model.model_copy()
    model.invoke(QUESTION, max_tokens=1)

    model.close()

    with pytest.raises(EngineStopped):
        copy.invoke(QUESTION)
