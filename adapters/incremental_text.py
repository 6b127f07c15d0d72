"""From tokens to text while they come, up to a stop string. Knows no model and no logits."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["TextStream"]

# A byte of SentencePiece's fallback. A decoder takes a run of them whole: one bad byte makes all of them
# U+FFFD, so that none can be shown before the run has ended.
BYTE = re.compile(r"<0x[0-9A-F]{2}>")
# What an unfinished character looks like in the text of a byte-level tokenizer: one of these, at the end.
UNFINISHED = "\ufffd"
# Text that a token adds depends on what stands before it: a space is dropped at the very beginning, and the
# bytes of a character (four at most) may be in as many tokens. So many tokens that added text stay in view.
CONTEXT = 6
LONGEST_VIEW = 16


class TextStream:
    """The text of one answer, piece by piece: one object an answer.

    The pieces, joined, are `tokenizer.decode(tokens, skip_special_tokens=True,
    clean_up_tokenization_spaces=False)`, cut where the first stop string begins. Each token is decoded
    together with a few before it, so that a token costs the same however long the answer is, and any
    tokenizer of transformers serves. Held back are characters whose bytes are not all there, and what may
    turn out to be the beginning of a stop string. A special token, which has no text, is met by a stop string
    that is its name; those in `named` are text of the answer, such as the marks of a tool call.

    >>> stream = TextStream(tokenizer, stop=["\\nUser:"])  # doctest: +SKIP
    >>> "".join(stream.feed(token) for token in tokens) + stream.finish()  # doctest: +SKIP
    """

    def __init__(
        self, tokenizer: Any, stop: Sequence[str] = (), *, named: Mapping[int, str] | None = None
    ) -> None:
        self._tokenizer = tokenizer  # a PreTrainedTokenizerBase; its methods are untyped
        self._stop = tuple(stop)
        self._named = named or {}
        self._tokens: list[int] = []  # in view
        self._in_bytes = False
        self._shown = 0  # characters of their text that left the decoder
        self._growth: deque[int] = deque(maxlen=CONTEXT)  # lengths of _tokens at which it grew
        self._grown = 0
        self._held = ""  # decoded, and perhaps the beginning of a stop string
        self.stopped = False

    def feed(self, token: int) -> str:
        """Take the next token; returns what can be shown now, often nothing."""
        if self.stopped:
            return ""
        if token in self._named:
            self._held += self._decode(last=True) + self._named[token]
            self._look_away()
            return self._release(last=False)
        self._tokens.append(token)
        name = self._tokenizer.convert_ids_to_tokens(token)
        if name and BYTE.fullmatch(name):
            self._in_bytes = True
            return ""
        named_stop = name in self._stop and not self._text([token])
        if self._in_bytes and not named_stop and not self._text([token]):
            return ""  # special tokens are skipped before the decoder looks for runs
        self._in_bytes = False
        self._held += self._decode(last=named_stop)
        shown = self._release(last=named_stop)
        self.stopped = self.stopped or named_stop
        return shown

    def finish(self) -> str:
        """What was held back; there are no more tokens."""
        if self.stopped:
            return ""
        self._held += self._decode(last=True)
        return self._release(last=True)

    def _decode(self, *, last: bool) -> str:
        text = self._text(self._tokens)
        end = len(text) - (text.endswith(UNFINISHED) and not last)
        added = text[self._shown : end]
        if added:
            self._shown = end
            self._growth.append(len(self._tokens))
            self._grown += 1
            if self._grown >= LONGEST_VIEW:
                self._forget(len(text) - end)
        return added

    def _look_away(self) -> None:
        """Begin a new text: nothing of the one before bears on it."""
        self._tokens, self._shown, self._grown = [], 0, 0
        self._growth.clear()
        self._in_bytes = False

    def _forget(self, held: int) -> None:
        """Leave the tokens out of view that no longer bear on what comes."""
        first = self._growth[0]
        del self._tokens[:first]
        self._shown = len(self._text(self._tokens)) - held
        self._grown = CONTEXT - 1
        self._growth = deque((length - first for length in list(self._growth)[1:]), maxlen=CONTEXT)

    def _text(self, tokens: list[int]) -> str:
        text: str = self._tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def _release(self, *, last: bool) -> str:
        held = self._held
        met = [place for text in self._stop if (place := held.find(text)) >= 0]
        if met:
            self.stopped = True
            self._held = ""
            return held[: min(met)]
        keep = 0 if last else max((_overlap(held, text) for text in self._stop), default=0)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep]


def _overlap(text: str, stop: str) -> int:
    """The length of the longest end of `text` that a stop string begins with."""
    longest = min(len(text), len(stop) - 1)
    return next((length for length in range(longest, 0, -1) if text.endswith(stop[:length])), 0)
