"""The engine as its callers see it: what it refuses, what it serves, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ragweave.adapters.adapter_files import content_hash
from ragweave.adapters.errors import AdapterError, EngineStopped, UnknownAdapter, UnsafeAdapter
from ragweave.adapters.local_engine import LocalEngine
from ragweave.adapters.records import ChatRequest, Delta, Sampling
from ragweave.adapters.registry import AdapterRegistry

from .models import make_adapter


def request(adapter: str = "", text: str = "Where is it?", tokens: int = 8, **options: Any) -> ChatRequest:
    """A question to one adapter."""
    return ChatRequest(
        messages=({"role": "user", "content": text},),
        adapter=adapter,
        sampling=Sampling(max_tokens=tokens),
        **options,
    )


def ask(engine: LocalEngine, adapter: str = "", **options: Any) -> tuple[str, Delta]:
    """The text of an answer, and its last piece."""
    pieces = list(engine.stream(request(adapter, **options)))
    return "".join(piece.text for piece in pieces), pieces[-1]


def until(condition: Callable[[], bool]) -> None:
    """Wait for another thread."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.002)


def engine_threads() -> set[threading.Thread]:
    """The threads of all engines."""
    return {thread for thread in threading.enumerate() if thread.name == "ragweave-engine"}


@pytest.fixture(scope="module")
def shared(base: Path, adapters: Path) -> Iterator[LocalEngine]:
    """An engine that no test changes."""
    engine = LocalEngine(base)
    for name in ("legal", "legal-v2", "support"):
        engine.load_adapter(name, adapters / name)
    yield engine
    engine.close()


@pytest.fixture
def engine(base: Path) -> Iterator[LocalEngine]:
    """An engine of a test's own."""
    engine = LocalEngine(base, slots=2)
    yield engine
    engine.close()


# -- requests ----------------------------------------------------------------------------------------------


def test_answers_differ_and_name_the_adapter_and_version_that_gave_them(
    shared: LocalEngine, adapters: Path
) -> None:
    answers = {name: ask(shared, name) for name in ("", "legal", "legal-v2", "support")}

    assert len({text for text, _ in answers.values()}) == 4
    for name, (_, last) in answers.items():
        assert last.adapter == name
        assert last.adapter_version == (content_hash(adapters / name) if name else "")
        assert last.usage is not None
        assert last.usage.output_tokens <= 8
    assert ask(shared, "base") == answers[""]


def test_asyncio_gets_what_threads_get(shared: LocalEngine) -> None:
    async def answer(name: str) -> str:
        return "".join([piece.text async for piece in shared.astream(request(name))])

    async def both() -> list[str]:
        return list(await asyncio.gather(answer("legal"), answer("support"), answer("")))

    assert asyncio.run(both()) == [ask(shared, name)[0] for name in ("legal", "support", "")]


def test_a_version_can_be_asked_for_by_its_number(shared: LocalEngine, adapters: Path) -> None:
    number = content_hash(adapters / "legal")

    assert ask(shared, f"legal@{number}") == ask(shared, "legal")
    with pytest.raises(UnknownAdapter, match=number):
        ask(shared, "legal@77")


def test_an_unknown_adapter_is_named_with_those_that_are_known(shared: LocalEngine) -> None:
    with pytest.raises(UnknownAdapter, match=r"Did you mean 'legal'\? Known adapters: legal, legal-v2, sup"):
        ask(shared, "lega")


def test_a_prompt_longer_than_the_context_is_refused(shared: LocalEngine) -> None:
    with pytest.raises(AdapterError, match=r"The prompt has \d+ tokens, and tiny reads 512.*Shorten"):
        ask(shared, text="word " * 600)


def test_an_answer_ends_where_the_context_does(shared: LocalEngine) -> None:
    length = shared.count_tokens("x y " * 100)
    _, last = ask(shared, text="x y " * 100, tokens=10_000)

    assert last.usage is not None
    assert last.finish_reason in ("length", "stop")
    assert length < last.usage.input_tokens + last.usage.output_tokens <= 512


@pytest.mark.parametrize(
    ("template", "messages", "error"),
    [
        ("{{ raise_exception('only user first') }}", [{"role": "user", "content": "x"}], "only user first"),
        ("{{ messages[0].content }}", [], "refuses the messages|prompt is empty"),
        ("{{ messages[0].content + 1 }}", [{"role": "user", "content": "x"}], "refuses the messages"),
        ("{{ '' }}", [{"role": "user", "content": "x"}], "The prompt is empty"),
    ],
)
def test_a_template_that_raises_or_writes_nothing_is_an_error_of_that_request(
    base: Path, template: str, messages: list[dict[str, str]], error: str
) -> None:
    engine = LocalEngine(base, chat_template=template)

    with pytest.raises(AdapterError, match=error):
        list(engine.stream(ChatRequest(messages=tuple(messages))))
    engine.close()


# -- adapters ----------------------------------------------------------------------------------------------


def test_where_an_adapter_is_shows_in_the_list(engine: LocalEngine, adapters: Path) -> None:
    for name in ("legal", "legal-v2", "support"):
        assert engine.load_adapter(name, adapters / name, description=name.upper()).state == "cpu"

    for name in ("legal", "legal-v2", "support"):
        ask(engine, name)

    listed = {info.name: info for info in engine.list_adapters()}
    assert {name: info.state for name, info in listed.items()} == {
        "legal": "cpu",
        "legal-v2": "device",
        "support": "device",
    }
    assert listed["support"].description == "SUPPORT"
    assert listed["support"].rank == 16
    assert listed["support"].targets == ("down_proj", "up_proj")


def test_a_folder_that_changes_on_disk_changes_no_answer_until_it_is_loaded_again(
    engine: LocalEngine, base: Path, adapters: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(adapters / "legal", folder)
    before = engine.load_adapter("mine", folder)
    answer = ask(engine, "mine")
    make_adapter(base, folder, rank=8, seed=99)

    assert ask(engine, "mine") == answer
    after = engine.load_adapter("mine", folder)
    assert ask(engine, "mine")[0] != answer[0]
    assert after.version != before.version
    assert [info.name for info in engine.list_adapters()] == ["mine"]


def test_a_running_answer_finishes_on_the_version_it_began_with(engine: LocalEngine, adapters: Path) -> None:
    engine.load_adapter("a", adapters / "legal")
    expected, _ = ask(engine, "a", tokens=60)
    stream = engine.stream(request("a", tokens=60))
    text = next(stream).text

    engine.load_adapter("a", adapters / "support")
    other, last = ask(engine, "a", tokens=60)
    engine.unload_adapter("a")
    text += "".join(piece.text for piece in stream)

    assert text == expected
    assert other != expected
    assert last.adapter_version == content_hash(adapters / "support")
    with pytest.raises(UnknownAdapter):
        ask(engine, "a")


def test_unloading_the_last_adapter_gives_the_memory_back(engine: LocalEngine, adapters: Path) -> None:
    engine.load_adapter("a", adapters / "legal-v2")
    ask(engine, "a")
    assert engine._store.pool.nbytes > 0

    engine.unload_adapter("a")

    until(lambda: engine._store.pool.nbytes == 0)
    with pytest.raises(UnknownAdapter):
        engine.unload_adapter("a")


@pytest.mark.parametrize("name", ["base", "", "../x", "a/b", "a@1", "а"])
def test_a_name_outside_the_allowed_ones_is_refused(engine: LocalEngine, adapters: Path, name: str) -> None:
    with pytest.raises(UnsafeAdapter):
        engine.load_adapter(name, adapters / "legal")


def test_a_caller_cancelled_while_weights_are_read_holds_nothing(engine: LocalEngine, adapters: Path) -> None:
    engine.load_adapter("a", adapters / "legal")
    engine.load()
    version = engine._store.find("a")
    read, gate, begun = version.read, threading.Event(), threading.Event()

    def slowly() -> Any:
        begun.set()
        gate.wait(20)
        return read()

    version.read, version.weights = slowly, None

    async def leave() -> None:
        task = asyncio.ensure_future(anext(engine.astream(request("a"))))
        await asyncio.to_thread(begun.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()

    asyncio.run(leave())

    until(lambda: version.holders == 0)
    assert ask(engine, "a")[1].adapter == "a"


# -- registry ----------------------------------------------------------------------------------------------


def test_adapters_of_a_registry_are_read_when_they_are_asked_for(
    engine: LocalEngine, base: Path, adapters: Path, tmp_path: Path
) -> None:
    registry = AdapterRegistry(tmp_path / "registry")
    registry.add(adapters / "legal", "legal", description="law")
    engine.use_registry(registry)
    listed = engine.list_adapters()
    first, last = ask(engine, "legal")

    registry.add(adapters / "support", "legal")
    registry.add(adapters / "legal-v2", "new")

    assert [(info.name, info.version, info.description, info.state) for info in listed] == [
        ("legal", "1", "law", "disk")
    ]
    assert (last.adapter, last.adapter_version) == ("legal", "1")
    assert ask(engine, "new")[1].adapter_version == "1"  # found when somebody asks for it
    engine.list_adapters()
    second, last = ask(engine, "legal")
    assert last.adapter_version == "2"
    assert second != first
    again, last = ask(engine, "legal@1")
    assert (again, last.adapter_version) == (first, "1")
    with pytest.raises(UnknownAdapter):
        ask(engine, "legal@3")


def test_a_registered_file_that_was_tampered_with_is_refused_at_its_first_use(
    engine: LocalEngine, adapters: Path, tmp_path: Path
) -> None:
    registry = AdapterRegistry(tmp_path / "registry")
    info = registry.add(adapters / "legal", "legal")
    engine.use_registry(registry)
    file = Path(info.path) / "adapter_model.safetensors"
    file.chmod(0o600)
    content = bytearray(file.read_bytes())
    content[-2] ^= 1
    file.write_bytes(bytes(content))

    with pytest.raises(UnsafeAdapter):
        ask(engine, "legal")
    assert engine._store.find("legal").holders == 0
    assert ask(engine)[1].finish_reason


def test_a_folder_of_peft_folders_is_served_by_their_names(engine: LocalEngine, adapters: Path) -> None:
    engine.use_registry(adapters)

    assert [info.name for info in engine.list_adapters()] == ["legal", "legal-v2", "support"]
    assert ask(engine, "support")[1].adapter == "support"


# -- the end -----------------------------------------------------------------------------------------------


def test_a_closed_engine_answers_no_more_and_can_be_closed_again(base: Path, adapters: Path) -> None:
    before = engine_threads()
    engine = LocalEngine(base)
    engine.load_adapter("legal", adapters / "legal")
    running = engine.stream(request("legal", tokens=400))
    next(running)

    engine.close()
    engine.close()

    with pytest.raises(EngineStopped):
        list(running)
    with pytest.raises(EngineStopped, match=r"closed\. Make a new model"):
        ask(engine)
    with pytest.raises(EngineStopped):
        engine.count_tokens("x")
    assert engine_threads() <= before


def test_an_engine_that_was_never_used_closes() -> None:
    LocalEngine("no/such-model").close()


@pytest.mark.parametrize("source", ["folder", "registry"])
def test_an_engine_that_nobody_closed_ends_with_its_last_reference(
    base: Path, adapters: Path, tmp_path: Path, source: str
) -> None:
    before = engine_threads()
    engine = LocalEngine(base)
    if source == "registry":
        registry = AdapterRegistry(tmp_path / "registry")
        registry.add(adapters / "legal", "legal")
        engine.use_registry(registry)
    else:
        engine.load_adapter("legal", adapters / "legal")
    ask(engine, "legal")
    gone = weakref.ref(engine)
    assert len(engine_threads() - before) == 1

    del engine
    gc.collect()

    assert gone() is None
    until(lambda: engine_threads() <= before)


def test_two_engines_live_side_by_side(base: Path, gpt2_base: Path, adapters: Path) -> None:
    first, second = LocalEngine(base), LocalEngine(gpt2_base)
    first.load_adapter("legal", adapters / "legal")
    alone = ask(first, "legal"), ask(second)

    together = []
    for stream in (first.stream(request("legal")), second.stream(request())):
        together.append(stream)
    pieces = [list(stream) for stream in together]

    for (text, last), found in zip(alone, pieces, strict=True):
        assert "".join(piece.text for piece in found) == text
        assert found[-1] == last or found[-1].usage == last.usage
    first.close()
    assert ask(second) == alone[1]
    second.close()
