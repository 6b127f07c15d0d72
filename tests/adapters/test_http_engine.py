"""The engine over a real local server: adapters by either server's rules, and what can go wrong."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ragweave.adapters.chat import ChatLora
from ragweave.adapters.errors import (
    AdapterError,
    EngineBusy,
    EngineStopped,
    RequestTimeout,
    UnknownAdapter,
)
from ragweave.adapters.http_answer import EventLines
from ragweave.adapters.http_engine import HttpEngine
from ragweave.adapters.records import ChatRequest, Delta, Sampling, Usage
from ragweave.adapters.registry import AdapterRegistry

from .openai_server import OpenAIServer, running


@pytest.fixture(params=["vllm", "sglang"])
def server(request: pytest.FixtureRequest) -> Iterator[OpenAIServer]:
    """Each of the servers with adapters."""
    with running(request.param) as made:
        yield made


@pytest.fixture
def plain() -> Iterator[OpenAIServer]:
    """A server without adapters, which answers to any name."""
    with running("plain") as made:
        yield made


@pytest.fixture
def engine(server: OpenAIServer) -> Iterator[HttpEngine]:
    """The engine over it."""
    made = HttpEngine(server.base)
    yield made
    made.close()


def asks(adapter: str = "", **options: Any) -> ChatRequest:
    """A request for an adapter."""
    return ChatRequest(messages=({"role": "user", "content": "hello"},), adapter=adapter, **options)


def text(deltas: list[Delta]) -> str:
    """The whole answer."""
    return "".join(delta.text for delta in deltas)


async def astream(engine: HttpEngine, request: ChatRequest) -> list[Delta]:
    """All pieces of an asynchronous answer."""
    return [delta async for delta in engine.astream(request)]


async def test_the_base_answers_with_usage_once(engine: HttpEngine) -> None:
    for deltas in (list(engine.stream(asks())), await astream(engine, asks())):
        assert text(deltas) == "tiny heard hello"
        assert [delta.usage for delta in deltas if delta.usage] == [Usage(5, 3)]
        assert deltas[-1].finish_reason == "stop"
        assert deltas[-1].adapter == ""


async def test_an_adapter_is_loaded_under_its_own_name_and_answers(
    engine: HttpEngine, server: OpenAIServer
) -> None:
    info = engine.load_adapter("legal", "/on/the/server")

    (served,) = server.adapters
    deltas = list(engine.stream(asks("legal")))
    assert text(deltas) == text(await astream(engine, asks("legal"))) == f"{served} heard hello"
    assert served.startswith(f"legal.{info.version}")
    assert (deltas[0].adapter, deltas[0].adapter_version) == ("legal", info.version)
    expected = served if server.flavour == "vllm" else f"tiny:{served}"
    assert server.bodies[0]["model"] == expected


def test_a_new_version_has_a_new_name_and_the_old_one_goes(engine: HttpEngine, server: OpenAIServer) -> None:
    first = engine.load_adapter("legal", "/on/the/server")
    second = engine.load_adapter("legal", "/on/the/server")

    assert first.version != second.version
    assert [name.split(".")[1] for name in server.adapters] == [second.version]
    assert list(engine.stream(asks(f"legal@{second.version}")))[0].adapter_version == second.version
    with pytest.raises(UnknownAdapter):
        list(engine.stream(asks(f"legal@{first.version}")))


def test_a_request_finishes_on_the_version_that_it_began_with(
    engine: HttpEngine, server: OpenAIServer
) -> None:
    first = engine.load_adapter("legal", "/one")
    stream = engine.stream(asks("legal"))
    next(stream)

    engine.load_adapter("legal", "/two")
    both = len(server.adapters)
    rest = list(stream)

    assert both == 2
    assert {delta.adapter_version for delta in rest} == {first.version}
    assert _soon(lambda: len(server.adapters) == 1)


def test_the_same_files_are_the_same_version(
    engine: HttpEngine, server: OpenAIServer, adapters: Path
) -> None:
    first = engine.load_adapter("legal", adapters / "legal")
    second = engine.load_adapter("legal", adapters / "legal")

    assert first == second
    assert len(server.adapters) == 1


def test_an_adapter_that_another_process_loaded_is_taken_as_it_is(server: OpenAIServer) -> None:
    one, other = HttpEngine(server.base), HttpEngine(server.base)

    one.load_adapter("legal", "/on/the/server")
    other.load_adapter("legal", "/on/the/server")

    assert len(server.adapters) == 1
    assert text(list(other.stream(asks("legal")))).endswith("heard hello")


def test_a_registry_s_versions_are_loaded_when_they_are_asked_for(
    server: OpenAIServer, adapters: Path, tmp_path: Path
) -> None:
    registry = AdapterRegistry(tmp_path / "registry")
    registry.add(adapters / "legal", "legal")
    with ChatLora(server.base, registry=registry) as model:
        before = len(server.adapters)
        first = model.invoke("hello", model="legal")
        registry.add(adapters / "support", "legal")
        second = model.invoke("hello", model="legal@2")
        known = [(info.name, info.version) for info in model.list_adapters()]
        newest = model.invoke("hello", model="legal")
        older = model.invoke("hello", model="legal@1")

    answers = (first, second, newest, older)
    assert before == 0
    assert [answer.response_metadata["adapter_version"] for answer in answers] == ["1", "2", "2", "1"]
    assert [str(answer.content).split(".")[1] for answer in answers] == ["1", "2", "2", "1"]
    assert known == [("legal", "2")]


def test_a_folder_of_adapters_is_served_by_name(server: OpenAIServer, adapters: Path) -> None:
    with ChatLora(server.base, registry=adapters) as model:
        answer = model.invoke("hello", model="legal-v2")

    assert answer.response_metadata["adapter"] == "legal-v2"
    assert len(server.adapters) == 3


def test_the_server_s_own_adapters_are_used_and_listed(engine: HttpEngine, server: OpenAIServer) -> None:
    engine.load()
    server.adapters["resident"] = "/there/already"

    deltas = list(engine.stream(asks("resident")))

    assert text(deltas) == "resident heard hello"
    assert deltas[0].adapter_version
    assert [(info.name, info.state) for info in engine.list_adapters()] == [("resident", "remote")]


async def test_an_unknown_adapter_is_an_error_before_any_answer(
    engine: HttpEngine, server: OpenAIServer
) -> None:
    engine.load_adapter("legal", "/on/the/server")

    with pytest.raises(UnknownAdapter, match="no adapter 'leagl'. Did you mean 'legal'"):
        list(engine.stream(asks("leagl")))
    with pytest.raises(UnknownAdapter):
        await astream(engine, asks("leagl"))
    assert server.bodies == []


async def test_a_server_that_was_started_anew_is_given_the_adapter_again(
    engine: HttpEngine, server: OpenAIServer
) -> None:
    engine.load_adapter("legal", "/on/the/server")
    for ask in (False, True):
        server.adapters.clear()

        deltas = await astream(engine, asks("legal")) if ask else list(engine.stream(asks("legal")))

        assert text(deltas).startswith("legal.")


async def test_an_adapter_that_the_server_lost_for_good_is_not_answered_by_the_base(
    engine: HttpEngine, server: OpenAIServer
) -> None:
    engine.load_adapter("legal", "/on/the/server")
    server.adapters["resident"] = "/there/already"
    engine.list_adapters()
    server.adapters.clear()
    server.refuses_load = "no such path"

    for name in ("legal", "resident"):
        with pytest.raises(AdapterError, match="legal|resident"):
            list(engine.stream(asks(name)))
        with pytest.raises(AdapterError, match="legal|resident"):
            await astream(engine, asks(name))


async def test_an_answer_under_another_name_is_refused(engine: HttpEngine, server: OpenAIServer) -> None:
    engine.load_adapter("legal", "/on/the/server")
    server.echo = "tiny"

    with pytest.raises(UnknownAdapter, match="answered as 'tiny' where the adapter 'legal' was asked for"):
        list(engine.stream(asks("legal")))
    with pytest.raises(UnknownAdapter):
        await astream(engine, asks("legal"))
    assert text(list(engine.stream(asks()))) == "tiny heard hello"


def test_a_server_without_adapters_refuses_them(plain: OpenAIServer) -> None:
    engine = HttpEngine(plain.base)

    with pytest.raises(AdapterError, match="takes no adapters. Use a server that serves adapters"):
        engine.load_adapter("legal", "/on/the/server")
    with pytest.raises(UnknownAdapter):
        list(engine.stream(asks("legal")))
    assert text(list(engine.stream(asks()))) == "tiny heard hello"


def test_a_server_that_does_not_load_says_why(engine: HttpEngine, server: OpenAIServer) -> None:
    server.refuses_load = "rank 64 is greater than max_lora_rank 16"

    with pytest.raises(AdapterError, match="did not load the adapter 'legal'.*rank 64 .*--enable-lora"):
        engine.load_adapter("legal", "/on/the/server")
    with pytest.raises(UnknownAdapter):
        list(engine.stream(asks("legal")))


def test_an_adapter_is_unloaded_here_and_there(engine: HttpEngine, server: OpenAIServer) -> None:
    engine.load_adapter("legal", "/on/the/server")

    engine.unload_adapter("legal")

    assert server.adapters == {}
    with pytest.raises(UnknownAdapter):
        engine.unload_adapter("legal")


def test_options_are_sent_as_the_api_has_them(engine: HttpEngine, server: OpenAIServer) -> None:
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
    sampling = Sampling(temperature=0.5, top_k=4, min_p=0.1, seed=3, stop=("x",), max_tokens=7, logprobs=1)

    deltas = list(
        engine.stream(asks(sampling=sampling, tools=(tool,), tool_choice="add", schema={"type": "object"}))
    )

    body = server.bodies[0]
    assert (body["temperature"], body["top_k"], body["min_p"], body["seed"]) == (0.5, 4, 0.1, 3)
    assert (body["stop"], body["max_tokens"], body["top_logprobs"]) == (["x"], 7, 1)
    assert body["tool_choice"] == {"type": "function", "function": {"name": "add"}}
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert deltas[1].logprobs[0].top == ((" heard", -0.5),)
    list(engine.stream(asks()))
    assert not {"top_k", "min_p", "repetition_penalty", "tools", "stop", "lora_path"} & set(server.bodies[1])


def test_tool_calls_come_whole_and_broken_ones_cannot_be_mended(
    engine: HttpEngine, server: OpenAIServer
) -> None:
    def piece(index: int, name: str | None, arguments: str) -> dict[str, Any]:
        call = {"index": index, "id": f"id{index}", "function": {"name": name, "arguments": arguments}}
        return {"choices": [{"delta": {"tool_calls": [call]}}]}

    server.events = [
        piece(0, "add", '{"x": '),
        piece(0, None, "1}"),
        piece(1, "add", '{"x": 12'),
        {"choices": [{"delta": {}, "finish_reason": "length"}]},
    ]

    (last,) = list(engine.stream(asks()))

    assert last.finish_reason == "length"
    assert dict(last.tool_calls[0]) == {"index": 0, "id": "id0", "name": "add", "arguments": '{"x": 1}'}
    assert last.tool_calls[1]["arguments"] == 'add {"x": 12'


# ---- what goes wrong ----


async def test_a_busy_server_is_asked_again(engine: HttpEngine, server: OpenAIServer) -> None:
    engine.load()
    server.busy = 2
    first = text(list(engine.stream(asks())))
    server.busy = 1
    second = text(await astream(engine, asks()))

    assert first == second == "tiny heard hello"
    assert len(server.bodies) == 5


@pytest.mark.parametrize("status", [429, 503])
async def test_a_server_that_stays_busy_is_an_error_of_its_own(status: int) -> None:
    with running("vllm") as server:
        server.busy, server.busy_status = 100, status
        engine = HttpEngine(server.base, max_retries=1)

        with pytest.raises(EngineBusy, match="Too many requests. Ask again later"):
            list(engine.stream(asks()))
        with pytest.raises(EngineBusy):
            await astream(engine, asks())
        assert len(server.bodies) == 4


async def test_a_connection_lost_in_the_answer_is_never_tried_again(
    engine: HttpEngine, server: OpenAIServer
) -> None:
    server.dies_after = 2
    for ask in (lambda: iter(engine.stream(asks())), None):
        pieces = []
        with pytest.raises(EngineStopped):
            if ask is not None:
                for delta in ask():
                    pieces.append(delta)
            else:
                async for delta in engine.astream(asks()):
                    pieces.append(delta)
        assert text(pieces) == "tiny"

    assert len(server.bodies) == 2


async def test_an_answer_without_an_end_is_an_error(engine: HttpEngine, server: OpenAIServer) -> None:
    server.events = [{"choices": [{"delta": {"content": "half"}}]}]

    with pytest.raises(EngineStopped, match="before the answer's end"):
        list(engine.stream(asks()))


def test_an_error_inside_the_stream_is_raised(engine: HttpEngine, server: OpenAIServer) -> None:
    server.events = [{"error": {"message": "out of memory"}}]

    with pytest.raises(EngineStopped, match="out of memory"):
        list(engine.stream(asks()))


async def test_no_server_is_an_error_with_a_remedy_soon() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    engine = HttpEngine(f"http://127.0.0.1:{port}/v1#tiny", max_retries=1)
    begun = time.monotonic()

    with pytest.raises(EngineStopped, match=f"127.0.0.1:{port} cannot be reached.*Start it, or correct"):
        list(engine.stream(asks()))
    with pytest.raises(EngineStopped):
        await astream(engine, asks())
    assert time.monotonic() - begun < 3


async def test_a_deadline_ends_a_slow_answer(engine: HttpEngine, server: OpenAIServer) -> None:
    engine.load()
    server.pause = 0.2
    for _ in range(2):
        begun = time.monotonic()
        with pytest.raises(RequestTimeout, match="Raise timeout"):
            list(engine.stream(asks(timeout=0.3)))
        with pytest.raises(RequestTimeout):
            await astream(engine, asks(timeout=0.3))
        assert time.monotonic() - begun < 2


async def test_a_wrong_key_names_where_keys_come_from(engine: HttpEngine, server: OpenAIServer) -> None:
    server.key = "sesame"

    with pytest.raises(AdapterError, match="refused the key.*RAGWEAVE_MODEL_API_KEY"):
        list(engine.stream(asks()))
    with pytest.raises(AdapterError, match="refused the key"):
        await astream(engine, asks())
    assert text(list(HttpEngine(server.base, api_key="sesame").stream(asks()))) == "tiny heard hello"


def test_an_unknown_base_says_how_to_name_one() -> None:
    with running("vllm") as server:
        engine = HttpEngine(server.base.replace("#tiny", "#huge"))

        with pytest.raises(AdapterError, match="does not know the model 'huge'.*#name"):
            list(engine.stream(asks()))


def test_the_first_model_serves_where_none_is_named(server: OpenAIServer) -> None:
    engine = HttpEngine(server.base.removesuffix("#tiny"))

    assert text(list(engine.stream(asks()))) == "tiny heard hello"
    assert engine.base_model == "tiny"


async def test_leaving_early_hangs_up(engine: HttpEngine, server: OpenAIServer) -> None:
    engine.load()
    server.events = [{"choices": [{"delta": {"content": "x" * 1000}}]}] * 2000
    server.pause = 0.001
    stream = engine.stream(asks())
    next(stream)
    stream.close()
    sync = await asyncio.to_thread(server.cut_off.wait, 5)
    server.cut_off.clear()

    task = asyncio.create_task(astream(engine, asks()))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert sync
    assert await asyncio.to_thread(server.cut_off.wait, 5)


async def test_a_call_cancelled_while_its_adapter_loads_holds_nothing(
    server: OpenAIServer, adapters: Path, tmp_path: Path
) -> None:
    registry = AdapterRegistry(tmp_path / "registry")
    registry.add(adapters / "legal", "legal")
    engine = HttpEngine(server.base)
    engine.use_registry(registry)
    engine.load()
    server.load_takes = 0.3

    task = asyncio.create_task(astream(engine, asks("legal")))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    held = engine._adapters._current["legal"]
    during = held.running
    while not held.loaded:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.05)

    assert (during, held.running) == (1, 0)


def test_it_serves_many_threads_and_event_loops(engine: HttpEngine, server: OpenAIServer) -> None:
    engine.load_adapter("legal", "/legal")
    engine.load_adapter("sales", "/sales")
    wrong: list[str] = []

    def ask(name: str) -> None:
        for deltas in (list(engine.stream(asks(name))), asyncio.run(astream(engine, asks(name)))):
            if not text(deltas).startswith(f"{name}."):
                wrong.append(text(deltas))

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("legal", "sales") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_closed_engine_says_so(engine: HttpEngine) -> None:
    engine.close()

    with pytest.raises(EngineStopped, match="closed"):
        list(engine.stream(asks()))


def test_it_counts_tokens_as_the_server_does_or_estimates(engine: HttpEngine, plain: OpenAIServer) -> None:
    assert engine.count_tokens("one two three") == 3
    assert HttpEngine(plain.base).count_tokens("one two three") == 4


def test_lines_of_events_end_at_line_feeds_alone() -> None:
    lines = EventLines()
    data = 'data: {"text": "a\u2028b\x85c"}\r\n\ndata: [DONE]\n'.encode()

    events = [event for at in range(0, len(data), 3) for event in lines.feed(data[at : at + 3])]

    assert events == [{"text": "a\u2028b\x85c"}]
    assert lines.done


def test_the_chat_model_is_the_same_over_http(server: OpenAIServer) -> None:
    with ChatLora(server.base, {"legal": "/on/the/server"}) as model:
        base = model.invoke("hello")
        legal = model.invoke("hello", config={"configurable": {"adapter": "legal"}})

    assert base.content == "tiny heard hello"
    assert legal.response_metadata["model_name"] == legal.response_metadata["adapter"] == "legal"
    assert legal.response_metadata["base_model"] == "tiny"
    assert str(legal.content).startswith("legal.")


def test_a_servers_slots_are_its_own(engine: HttpEngine) -> None:
    with pytest.raises(AdapterError, match="keeps its slots by its own rules"):
        engine.pin_adapter("legal")


def _soon(holds: Any) -> bool:
    """Whether something becomes true within two seconds."""
    for _ in range(100):
        if holds():
            return True
        time.sleep(0.02)
    return False
