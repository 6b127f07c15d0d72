"""How many tokens a model reads, how many an answer needs of them, and how many a text has.

Knows LangChain's words for it; asks no server and downloads nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Budget",
    "Count",
    "budget_of",
    "characters_beside",
    "count_tokens",
    "counter_of",
    "estimate_tokens",
    "window_of",
]

Count = Callable[[str], int]

DEFAULT_WINDOW = 4096  # where nobody tells: what Ollama serves unless told otherwise, and it cuts in silence
ANSWER_TOKENS = 1024  # of an answer, where the model has no `max_tokens`
WRAPPED = ("bound", "default", "runnable")  # where LangChain's wrappers keep what they wrap
MOST_WRAPPERS = 20
LIMITS = ("max_tokens", "max_completion_tokens", "num_predict", "max_output_tokens")

ASCII_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123))
WORDS_APART = bytes(code if code in ASCII_LETTERS else 32 for code in range(256))
NO_SIGNS = bytes(range(33)) + ASCII_LETTERS + b"\x7f"  # signs are the rest of ASCII: digits, punctuation
BLANKS = re.compile(r"\s{2,}")
FEWEST_CHARACTERS = 2  # of a token, in the worst of plain texts
WORD_LETTERS = 4  # of an ASCII word: the first token holds no more in the worst of plain texts
LONG_WORD_LETTERS = 3  # of what follows: long words are rare, foreign or no words


@dataclass(frozen=True, slots=True)
class Budget:
    """`window` tokens for prompt and answer together, `answer_tokens` of them kept for the answer."""

    window: int
    answer_tokens: int
    assumed: bool = False  # the model does not tell its window

    @property
    def prompt(self) -> int:
        """Tokens for the prompt."""
        return max(0, self.window - self.answer_tokens)


def budget_of(model: Any, *, window: int | None = None) -> Budget:
    """The budget of a model; `window` where the caller knows better than the model tells.

    A model that may answer longer than half of its window gets a quarter kept: its engine stops it there.
    """
    told = window_of(model) if window is None else window
    size = told or DEFAULT_WINDOW
    wanted = _answer_limit(model) or min(ANSWER_TOKENS, size // 4)
    return Budget(size, wanted if wanted <= size // 2 else size // 4, assumed=told is None)


def characters_beside(tokens: int, model: Any) -> int:
    """The characters of plain text that surely fit a model's prompt beside so many tokens."""
    return FEWEST_CHARACTERS * max(0, budget_of(model).prompt - tokens)


def window_of(model: Any) -> int | None:
    """LangChain's `profile["max_input_tokens"]`, through bindings and fallbacks; None where nobody tells."""
    windows = []
    for one in _wrapped(model):
        profile = getattr(one, "profile", None)
        tokens = profile.get("max_input_tokens") if isinstance(profile, Mapping) else None
        if isinstance(tokens, int) and tokens > 0:
            windows.append(tokens)
    return min(windows, default=None)


def counter_of(model: Any) -> Count | None:
    """The model's own counter where it counts in this process; None where it would ask a server.

    LangChain's default downloads a tokenizer of GPT-2, others download theirs: so only what says of itself
    that it counts here (`counts_locally`) or was given a counter (`custom_get_token_ids`) is asked.
    """
    for one in _wrapped(model):
        if getattr(one, "counts_locally", False) or getattr(one, "custom_get_token_ids", None) is not None:
            count: Count = one.get_num_tokens
            return count
    return None


def count_tokens(model: Any, text: str) -> int:
    """How many tokens a text has for a model, by its own counter, else by `estimate_tokens`."""
    count = counter_of(model)
    return estimate_tokens(text) if count is None else count(text)


def estimate_tokens(text: str) -> int:
    """Rather too many than too few, for tokenizers of 30,000 tokens and more.

    A token for each four letters of a word (three, once it is long), for each digit, sign and line break, and
    for each two bytes of other scripts.

    >>> estimate_tokens("Employees get 25 days of leave.")
    11
    """
    words = Counter(map(len, text.encode("ascii", "replace").translate(WORDS_APART).split()))
    letters = sum(_word_cost(length) * count for length, count in words.items())
    plain = text.encode("ascii", "ignore")
    signs = len(plain.translate(None, NO_SIGNS))
    others = len(text.encode("utf-8", "replace")) - len(plain)  # bytes
    blanks = text.count("\n") + len(BLANKS.findall(text))
    return letters + signs + blanks + -(-others // 2)


def _word_cost(length: int) -> int:
    if length <= 2 * WORD_LETTERS:
        return -(-length // WORD_LETTERS)
    return 2 + -(-(length - 2 * WORD_LETTERS) // LONG_WORD_LETTERS)


def _answer_limit(model: Any) -> int | None:
    for one in _wrapped(model):
        bound = getattr(one, "kwargs", None)
        given = [bound.get(name) for name in LIMITS] if isinstance(bound, Mapping) else []
        for value in (*given, *(getattr(one, name, None) for name in LIMITS)):
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None


def _wrapped(model: Any) -> Iterator[Any]:
    """The model, what it wraps, and so on; of fallbacks all."""
    waiting = [model]
    for _ in range(MOST_WRAPPERS):
        if not waiting:
            return
        one = waiting.pop(0)
        yield one
        inner = [getattr(one, name, None) for name in WRAPPED] + list(getattr(one, "fallbacks", None) or ())
        waiting += [each for each in inner if each is not None and not isinstance(each, (str, int, float))]
