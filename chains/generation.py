"""An answer written by a chat model from numbered passages, streamed, its marks checked on the way.

Any LangChain chat model serves; what it is given is made in `answer_prompt.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessageChunk, BaseMessage

from .citations import Keep, MarkFilter
from .prompts import NOT_IN_DOCUMENTS
from .state import text_of

__all__ = ["BROKEN_OFF", "Generated"]

BROKEN_OFF = "\n\nThe model broke off here."  # follows what a model said before it failed


@dataclass(slots=True)
class Generated:
    """Collects a streamed reply: what to show of each piece, and what is known at its end."""

    passages: int
    keep: Keep | None = None  # which of a sentence's marks to show
    marks: MarkFilter = field(init=False)
    reply: Any = None
    shown: str = ""
    waiting: str = ""  # the beginning, as long as it may be the sign for "not in the documents"

    def __post_init__(self) -> None:
        self.marks = MarkFilter(self.passages, self.keep)

    def feed(self, chunk: BaseMessage) -> str:
        """What can be shown after one more piece."""
        self.reply = chunk if self.reply is None else self.reply + chunk
        text = self.waiting + text_of(chunk)
        if not self.shown and NOT_IN_DOCUMENTS.startswith(text.strip()[: len(NOT_IN_DOCUMENTS)]):
            self.waiting = text
            return ""
        self.waiting = ""
        return self._show(self.marks.feed(text if self.shown else text.lstrip()))

    def finish(self) -> str:
        """The rest; "" where the reply says that the passages do not hold the answer."""
        if self.waiting:
            rest, self.waiting = ("" if self.declined else self.waiting.lstrip()), ""
            return self._show(self.marks.feed(rest) + self.marks.finish())
        return self._show(self.marks.finish())

    def _show(self, text: str) -> str:
        text = text if self.shown else text.lstrip()  # a mark at the beginning that was taken out
        self.shown += text
        return text

    @property
    def declined(self) -> bool:
        """Whether the model said that the passages do not hold the answer."""
        return self.reply is not None and text_of(self.reply).strip().startswith(NOT_IN_DOCUMENTS)

    @property
    def usage(self) -> dict[str, Any]:
        """Tokens as the model counted them; {} where it did not."""
        return dict(self.reply.usage_metadata or {}) if isinstance(self.reply, AIMessageChunk) else {}

    @property
    def adapter(self) -> str:
        """The adapter that wrote the reply, by the model's own word; "" for a base model."""
        return self._said_of_itself("adapter")

    @property
    def adapter_version(self) -> str:
        """The version of that adapter."""
        return self._said_of_itself("adapter_version")

    @property
    def told(self) -> dict[str, Any]:
        """Who wrote the reply and what it cost, for the trace; only what the model said of itself."""
        usage = self.usage
        tokens = {"input": usage["input_tokens"], "output": usage["output_tokens"]} if usage else None
        said = {"model": self._said_of_itself("model_name"), "adapter": self.adapter, "tokens": tokens}
        return {name: value for name, value in said.items() if value}

    def _said_of_itself(self, key: str) -> str:
        return str(self.reply.response_metadata.get(key) or "") if self.reply is not None else ""
