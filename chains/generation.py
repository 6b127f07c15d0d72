"""An answer written by a chat model from numbered passages, streamed, its marks checked on the way.

Any LangChain chat model serves; what it is given is made in `answer_prompt.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessageChunk

from .citations import Keep, MarkFilter
from .prompts import NOT_IN_DOCUMENTS
from .replies import reply_chunk

__all__ = ["BROKEN_OFF", "Generated", "gave_nothing"]

BROKEN_OFF = "\n\nThe model broke off here."  # follows what a model said before it failed
MARKS = re.compile(r"\[[\d,;\s]*\]?")  # whole or begun
SAYING = re.compile(r"[^\s!-/:-@[-`{-~…–—«»“”‘’•·]")  # anything but blanks and punctuation
LONGEST_SILENCE = 4000  # characters without a word that are held back


def gave_nothing(error: Exception) -> bool:
    """Whether it is LangChain's word for a stream of a model in which nothing came."""
    return isinstance(error, ValueError) and str(error).startswith("No generation chunks")


@dataclass(slots=True)
class Generated:
    """Collects a streamed reply: what to show of each piece, and what is known at its end."""

    passages: int
    keep: Keep | None = None  # which of a sentence's marks to show
    marks: MarkFilter = field(init=False)
    reply: AIMessageChunk | None = None
    shown: str = ""
    waiting: str = ""  # the beginning, as long as it says nothing, or may say "not in the documents"

    def __post_init__(self) -> None:
        self.marks = MarkFilter(self.passages, self.keep)

    def feed(self, piece: Any) -> str:
        """What can be shown after one more piece: a message, a chunk of one, or a text."""
        chunk = reply_chunk(piece)
        self.reply = chunk if self.reply is None else self.reply + chunk
        text = self.waiting + str(chunk.content)
        if not self.shown and _says_nothing_yet(text):
            self.waiting = text
            return ""
        self.waiting = ""
        return self._show(self.marks.feed(text if self.shown else text.lstrip()))

    def finish(self) -> str:
        """The rest; "" where the reply says that the passages do not hold the answer."""
        if self.waiting:
            rest = "" if self.declined or not _says(self.waiting) else self.waiting.lstrip()
            self.waiting = ""
            return self._show(self.marks.feed(rest) + self.marks.finish())
        return self._show(self.marks.finish())

    def _show(self, text: str) -> str:
        text = text if self.shown else text.lstrip()  # a mark at the beginning that was taken out
        self.shown += text
        return text

    @property
    def declined(self) -> bool:
        """Whether the model said that the passages do not hold the answer."""
        return self.reply is not None and str(self.reply.content).strip().startswith(NOT_IN_DOCUMENTS)

    @property
    def usage(self) -> dict[str, Any]:
        """Tokens as the model counted them; {} where it did not."""
        return dict(self.reply.usage_metadata or {}) if self.reply is not None else {}

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


def _says_nothing_yet(text: str) -> bool:
    if NOT_IN_DOCUMENTS.startswith(text.strip()[: len(NOT_IN_DOCUMENTS)]):
        return True
    return len(text) <= LONGEST_SILENCE and not _says(text)


def _says(text: str) -> bool:
    """Whether there is more than marks and punctuation: "[1]" alone is no answer."""
    return SAYING.search(MARKS.sub("", text)) is not None
