"""An engine without a model: it says which adapter was asked and what for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ragweave.adapters.chat import ChatLora
from ragweave.adapters.errors import EngineStopped, UnknownAdapter
from ragweave.adapters.records import AdapterInfo, ChatRequest, Delta, Usage, split_version

Script = Callable[[ChatRequest, str], Sequence[Delta]]


def echo(request: ChatRequest, who: str) -> list[Delta]:
    """`<adapter>@<version> heard <the last message>`, a word a piece."""
    words = f"{who} heard {request.messages[-1]['content']}".split(" ")
    return [Delta(text=word if not at else f" {word}") for at, word in enumerate(words)]


class FakeEngine:
    """An `Engine` whose answers come from a script; it keeps what it was asked."""

    base_model = "fake"

    def __init__(self, versions: dict[str, str] | None = None, script: Script = echo) -> None:
        self.versions = dict(versions or {})
        self.script = script
        self.requests: list[ChatRequest] = []
        self.left_early = 0
        self.streams: list[object] = []  # kept, so that no iterator is closed by being forgotten
        self.loads = 0
        self.closed = False

    def load(self) -> None:
        self.loads += 1

    def stream(self, request: ChatRequest) -> Iterator[Delta]:
        self.streams.append(made := self._stream(request))
        return made

    def astream(self, request: ChatRequest) -> AsyncIterator[Delta]:
        self.streams.append(made := self._astream(request))
        return made

    def _stream(self, request: ChatRequest) -> Iterator[Delta]:
        pieces = self._pieces(request)
        ended = False
        try:
            yield from pieces
            ended = True
        finally:
            self.left_early += not ended

    async def _astream(self, request: ChatRequest) -> AsyncIterator[Delta]:
        pieces = self._pieces(request)
        ended = False
        try:
            for piece in pieces:
                await asyncio.sleep(0)
                yield piece
            ended = True
        finally:
            self.left_early += not ended

    def _pieces(self, request: ChatRequest) -> list[Delta]:
        if self.closed:
            raise EngineStopped("The fake engine is closed.")
        name, version = split_version(request.adapter)
        if name and (name not in self.versions or version not in (None, self.versions[name])):
            raise UnknownAdapter(request.adapter, self.versions)
        self.requests.append(request)
        version = self.versions.get(name, "")
        pieces = list(self.script(request, f"{name}@{version}" if name else "base"))
        last = {"finish_reason": "stop", "usage": Usage(3, len(pieces))}
        pieces.append(Delta(**last))  # type: ignore[arg-type]  # two kinds of value in one dict
        return [_signed(piece, name, version) for piece in pieces]

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def load_adapter(self, name: str, path: str | Path, *, description: str = "") -> AdapterInfo:
        self.versions[name] = str(int(self.versions.get(name, "0")) + 1)
        return AdapterInfo(name=name, version=self.versions[name], description=description, path=str(path))

    def unload_adapter(self, name: str) -> None:
        if name not in self.versions:
            raise UnknownAdapter(name, self.versions)
        del self.versions[name]

    def pin_adapter(self, name: str, *, pinned: bool = True) -> None:
        """Everything stays anyway."""

    def list_adapters(self) -> list[AdapterInfo]:
        return [AdapterInfo(name=name, version=self.versions[name]) for name in sorted(self.versions)]

    def close(self) -> None:
        self.closed = True


def _signed(piece: Delta, name: str, version: str) -> Delta:
    return Delta(
        text=piece.text,
        logprobs=piece.logprobs,
        tool_calls=piece.tool_calls,
        finish_reason=piece.finish_reason,
        usage=piece.usage,
        adapter=name,
        adapter_version=version,
    )


def chat_over(engine: FakeEngine, **settings: Any) -> ChatLora:
    """A chat model over a fake engine."""
    return ChatLora("fake/base", engine=engine, **settings)
