"""The engine behind an OpenAI-compatible server: vLLM and SGLang with adapters, others without.

Knows what is asked of a server; its connections are `http_connection`'s, its words are read by `http_answer`,
and how servers differ stands in `http_dialects`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import aclosing, closing
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import httpx

from .adapter_names import check_name
from .errors import AdapterError, UnknownAdapter
from .http_answer import AnswerReader, EventLines, Refusal, refused, request_body
from .http_connection import HttpConnection
from .http_dialects import DIALECTS, recognise
from .records import AdapterInfo, ChatRequest, Delta, split_version
from .remote_adapters import RemoteAdapter, RemoteAdapters, new_version, served_name
from .sampling_limits import check_sampling

__all__ = ["HttpEngine"]

PER_TOKEN = 4  # characters, where the server counts no tokens: what English takes
NOBODY = AdapterInfo(name="", version="")


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request on its way."""

    body: Mapping[str, Any]
    reader: AnswerReader
    held: RemoteAdapter | None
    deadline: float | None


class HttpEngine:
    """Serves a model of a server, with the server's adapters; see `Engine` for what it offers.

    Nothing is sent before the first use.

    Args:
        base: the address and the model, `http://host:8000/v1#name`; without a name the server's first model.
        api_key: sent as a bearer token.
        flavour: "vllm" or "sglang"; "auto" asks the server.
        max_retries: attempts after the first, for a busy server or a lost connection before the first token.
        timeout: seconds for requests that are no answers, such as loading an adapter.
    """

    def __init__(
        self,
        base: str,
        *,
        api_key: str | None = None,
        flavour: str = "auto",
        max_retries: int = 2,
        timeout: float | None = None,
    ) -> None:
        address, _, self._name = base.partition("#")
        self._address = address.rstrip("/")
        self._root = self._address.removesuffix("/v1")
        self._http = HttpConnection(address, api_key=api_key, retries=max_retries, timeout=timeout)
        self._dialect = DIALECTS.get(flavour, DIALECTS["plain"])
        self._told = flavour in DIALECTS
        self._adapters = RemoteAdapters()
        self._registry: Any = None
        self._asked_server = False
        self._lock = Lock()

    # ---- the server ----

    @property
    def base_model(self) -> str:
        """The model's name on the server."""
        return self._name or self._http.host

    def load(self) -> None:
        """Ask the server what it serves. Raises `EngineStopped` where there is none."""
        self._ask_server()

    def close(self) -> None:
        """Stop; later requests get `EngineStopped`."""
        self._http.close()

    def count_tokens(self, text: str) -> int:
        """How many tokens a text has; an estimate from its length where the server does not count."""
        self._ask_once()
        body = {"model": self._name, "prompt": text, "add_special_tokens": False}
        response = self._http.send("POST", f"{self._root}/tokenize", body)
        if response.status_code == 200 and isinstance(count := response.json().get("count"), int):
            return count
        return -(-len(text) // PER_TOKEN)

    def _ask_once(self) -> None:
        if not self._asked_server:
            self._ask_server()

    def _ask_server(self) -> None:
        """What it serves now: dialect, base model, adapters."""
        with self._lock:
            models = self._models()
            if not self._told:
                self._dialect = recognise(models)
            if not self._name:
                bases = [str(entry["id"]) for entry in models if not entry.get("parent")]
                if not bases:
                    raise AdapterError(
                        f"The server {self._http.host} lists no model.",
                        remedy="Name it behind the address: http://host:8000/v1#name.",
                    )
                self._name = bases[0]
            self._adapters.note(models)
            self._asked_server = True

    def _models(self) -> list[Mapping[str, Any]]:
        response = self._http.send("GET", f"{self._address}/models")
        if response.status_code in (404, 405, 501):
            return []  # not every server lists its models
        if response.status_code >= 400:
            raise self._refused(Refusal.of(response.status_code, response.content), "")
        data = response.json().get("data")
        return [entry for entry in data or () if isinstance(entry, dict) and entry.get("id")]

    def _refused(self, refusal: Refusal, adapter: str) -> AdapterError:
        known = [info.name for info in self._adapters.infos()]
        return refused(refusal, base=self._name, adapter=adapter, known=known)

    # ---- requests ----

    def stream(self, request: ChatRequest) -> Generator[Delta]:
        """The answer, piece by piece."""
        for again in (True, False):
            asked, begun = self._prepare(request), False
            try:
                with closing(self._answer(asked)) as answer:
                    for delta in answer:
                        begun = True
                        yield delta
                return
            except UnknownAdapter:
                if begun or not again or not _lost(asked.held):
                    raise
            finally:
                self._release(asked.held)

    def _answer(self, asked: _Asked) -> Generator[Delta]:
        with self._http.opened(*self._call(asked)) as response:
            lines = EventLines()
            for data in self._http.within(response.iter_bytes(), asked.deadline):
                yield from _deltas(lines.feed(data), asked.reader)
                if lines.done:
                    break
        yield asked.reader.end()

    async def astream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """The same for asyncio; only what has to be asked or loaded first takes a thread."""
        for again in (True, False):
            asked, begun = self._prepared(request), False
            if asked is None:
                asked = await self._prepared_beside(request)
            try:
                async with aclosing(self._aanswer(asked)) as answer:
                    async for delta in answer:
                        begun = True
                        yield delta
                return
            except UnknownAdapter:
                if begun or not again or not _lost(asked.held):
                    raise
            finally:
                self._release(asked.held)

    async def _aanswer(self, asked: _Asked) -> AsyncGenerator[Delta]:
        async with self._http.aopened(*self._call(asked)) as response:
            lines = EventLines()
            async with aclosing(self._http.awithin(response.aiter_bytes(), asked.deadline)) as pieces:
                async for data in pieces:
                    for delta in _deltas(lines.feed(data), asked.reader):
                        yield delta
                    if lines.done:
                        break
        yield asked.reader.end()

    def _call(self, asked: _Asked) -> tuple[str, Mapping[str, Any], float | None, Any]:
        def refusing(refusal: Refusal) -> AdapterError:
            return self._refused(refusal, asked.reader.adapter)

        return f"{self._address}/chat/completions", asked.body, asked.deadline, refusing

    def _prepare(self, request: ChatRequest) -> _Asked:
        """Everything that can fail before the request is sent; asks the server where that is needed."""
        check_sampling(request.sampling)
        deadline = _deadline(request)
        self._ask_once()
        name, version = split_version(request.adapter)
        held = (self._adapters.hold(name, version) or self._found(name, version)) if name else None
        try:
            if held is not None:
                self._ensure_loaded(held)
        except AdapterError:
            self._release(held)
            raise
        return self._asked(request, held, deadline)

    def _prepared(self, request: ChatRequest) -> _Asked | None:
        """The same where nothing has to be asked; else None."""
        if not self._asked_server:
            return None
        check_sampling(request.sampling)
        name, version = split_version(request.adapter)
        held = self._adapters.hold(name, version) if name else None
        if name and (held is None or not held.loaded):
            self._release(held)
            return None
        return self._asked(request, held, _deadline(request))

    async def _prepared_beside(self, request: ChatRequest) -> _Asked:
        """In a thread, which goes on when its caller is cancelled: then what it holds is given up."""
        preparing = asyncio.ensure_future(asyncio.to_thread(self._prepare, request))
        try:
            return await asyncio.shield(preparing)
        except asyncio.CancelledError:
            preparing.add_done_callback(self._give_up)
            raise

    def _give_up(self, prepared: asyncio.Future[_Asked]) -> None:
        if not prepared.cancelled() and prepared.exception() is None:
            self._release(prepared.result().held)

    def _asked(self, request: ChatRequest, held: RemoteAdapter | None, deadline: float | None) -> _Asked:
        served, info = (held.served, held.info) if held else ("", NOBODY)
        model = self._dialect.model(self._name, served)
        known = tuple(one.name for one in self._adapters.infos())
        reader = AnswerReader(model, served, info.name, info.version, known)
        return _Asked(
            {**request_body(request, model), **self._dialect.fields(served)}, reader, held, deadline
        )

    def _release(self, held: RemoteAdapter | None) -> None:
        """The end of a request; the last one of a replaced version has it unloaded, in nobody's time."""
        if held is not None and self._adapters.release(held):
            Thread(target=self._unload, args=(held,), daemon=True).start()

    # ---- adapters ----

    def load_adapter(self, name: str, path: str | Path, *, description: str = "") -> AdapterInfo:
        """Have the server load an adapter from a path that it can read, under a name of its own.

        Raises `AdapterError` where the server takes none, or refuses this one.
        """
        check_name(name)
        version = new_version(path, taken=lambda made: self._adapters.knows(name, made))
        if self._adapters.knows(name, version):
            return next(info for info in self._adapters.infos() if info.name == name)
        info = AdapterInfo(
            name=name, version=version, description=description, path=str(path), state="remote"
        )
        adapter = RemoteAdapter(info, served=served_name(name, version, str(path)))
        self._ask_once()
        self._ensure_loaded(adapter)
        replaced = self._adapters.add(adapter)
        if replaced is not None:
            self._unload(replaced)
        return info

    def use_registry(self, registry: Any) -> None:
        """Serve a registry's adapters, or those of a folder of peft folders; loaded at their first use.

        The server has to read the same paths as this process.
        """
        from .registry import open_adapters

        opened = open_adapters(registry)
        if isinstance(opened, dict):
            for name, path in opened.items():
                self.load_adapter(name, path)
        else:
            self._registry = opened
            self._refresh()

    def unload_adapter(self, name: str) -> None:
        """Forget an adapter, here and on the server; requests that run finish on it."""
        unused = self._adapters.remove(name)
        if unused is not None:
            self._unload(unused)

    def pin_adapter(self, name: str, *, pinned: bool = True) -> None:
        """Raises `AdapterError`: the slots are the server's."""
        raise AdapterError(
            f"The adapter {name!r} cannot be pinned: the server keeps its slots by its own rules.",
            remedy="Start the server with more of them (vLLM: --max-loras).",
        )

    def list_adapters(self) -> list[AdapterInfo]:
        """The adapters that can be asked for, by name."""
        self._ask_server()
        self._refresh()
        return self._adapters.infos()

    def _found(self, name: str, version: str | None) -> RemoteAdapter:
        """An adapter that is new in the registry or on the server. Raises `UnknownAdapter`."""
        self._refresh()
        if version is not None and self._registry is not None and not self._adapters.knows(name, version):
            try:
                older = self._registry.get(name, version)
            except UnknownAdapter:
                pass  # the server may have it
            else:
                self._adapters.add(_registered(older), current=False)
        held = self._adapters.hold(name, version)
        if held is None:
            self._ask_server()
            held = self._adapters.hold(name, version)
        if held is None:
            asked = name if version is None else f"{name}@{version}"
            raise UnknownAdapter(asked, [info.name for info in self._adapters.infos()])
        return held

    def _refresh(self) -> None:
        """Take the registry's newest versions up."""
        if self._registry is not None:
            for info in self._registry.list():
                if not self._adapters.knows(info.name, info.version):
                    self._adapters.add(_registered(info))

    def _ensure_loaded(self, adapter: RemoteAdapter) -> None:
        """The server has this version, under its own name and from its own path."""
        if adapter.loaded:
            return
        dialect = self._dialect
        if not dialect.takes_adapters:
            raise AdapterError(f"The server {self._http.host} takes no adapters.", remedy=dialect.remedy)
        body = {"lora_name": adapter.served, "lora_path": adapter.info.path}
        response = self._http.send("POST", self._root + dialect.load, body)
        refusal = Refusal.of(response.status_code, response.content)
        succeeded = response.status_code == 200 and not _says_failed(response)
        # The name holds the version and the path, so what has it is this version.
        if not succeeded and "already" not in refusal.said:
            if refusal.status in (401, 403):
                raise self._refused(refusal, "")
            raise AdapterError(
                f"The server did not load the adapter {adapter.info.name!r} from {adapter.info.path!r} "
                f"(HTTP {refusal.status}): {refusal.said}.",
                remedy=dialect.remedy,
            )
        adapter.loaded = True

    def _unload(self, adapter: RemoteAdapter) -> None:
        """Give the server's memory back; that it cannot is no failure of any caller's."""
        if adapter.loaded and self._dialect.unload:
            try:
                self._http.send("POST", self._root + self._dialect.unload, {"lora_name": adapter.served})
            except AdapterError:
                return
            adapter.loaded = False


def _registered(info: AdapterInfo) -> RemoteAdapter:
    """A registry's version, which others may use on the same server: it stays loaded when it is replaced."""
    return RemoteAdapter(info, served=served_name(info.name, info.version, info.path), shared=True)


def _lost(held: RemoteAdapter | None) -> bool:
    """Whether the server once had this adapter from us, and has to be given it again: it was started anew."""
    if held is None or not held.ours or not held.loaded:
        return False
    held.loaded = False
    return True


def _says_failed(response: httpx.Response) -> bool:
    """SGLang says in the body whether it loaded the adapter."""
    try:
        body = response.json()
    except ValueError:
        return False
    return isinstance(body, dict) and body.get("success") is False


def _deltas(events: Iterator[Mapping[str, Any]], reader: AnswerReader) -> Iterator[Delta]:
    for event in events:
        delta = reader.feed(event)
        if delta is not None:
            yield delta


def _deadline(request: ChatRequest) -> float | None:
    return None if request.timeout is None else time.monotonic() + request.timeout
