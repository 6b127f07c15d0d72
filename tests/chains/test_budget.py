from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda

from ragweave.chains import open_encoder
from ragweave.chains.budget import budget_of, count_tokens, counter_of, estimate_tokens, window_of

TEXTS = [
    "Employees get 25 days of annual leave each year. Leave must be approved by the manager.",
    "```python\nfrom fastapi import FastAPI\n\napp = FastAPI(title='x', version='0.1.0')\n```\n",
    "| Season | Date | Driver |\n|---|---|---|\n| 2005 | July 17 | Sébastien Bourdais |\n",
    "https://example.com/a/b?c=d&e=%20f 0123456789abcdef0123456789abcdef",
    "员工每年有二十五天年假。",
    "🙂🙂🙂 naïve café",
]


def _model(**settings: Any) -> FakeListChatModel:
    return FakeListChatModel(responses=["x"], **settings)


def test_the_window_is_what_the_models_profile_tells() -> None:
    assert window_of(_model(profile={"max_input_tokens": 32_000})) == 32_000
    assert window_of(_model()) is None
    assert window_of(RunnableLambda(lambda given: given)) is None


def test_the_window_is_found_through_bindings_and_is_the_smallest_of_fallbacks() -> None:
    small = _model(profile={"max_input_tokens": 2_000})
    model = _model(profile={"max_input_tokens": 8_000})

    assert window_of(model.bind(stop=["x"]).with_config(tags=["a"])) == 8_000
    assert window_of(model.with_retry()) == 8_000
    assert window_of(model.with_fallbacks([small])) == 2_000


def test_an_unknown_window_is_assumed_and_said_to_be() -> None:
    budget = budget_of(_model())

    assert budget.assumed and budget.window == 4096
    assert budget.prompt + budget.answer_tokens == budget.window
    assert budget_of(_model(), window=16_000).window == 16_000
    assert not budget_of(_model(), window=16_000).assumed


@pytest.mark.parametrize(
    ("window", "limit", "kept"),
    [(8_000, None, 1024), (2_000, None, 500), (8_000, 300, 300), (8_000, 4_000, 4_000), (512, 512, 128)],
)
def test_the_answers_room_is_what_the_model_may_say_as_far_as_the_window_allows(
    window: int, limit: int | None, kept: int
) -> None:
    model = _model(profile={"max_input_tokens": window}).bind(**({"max_tokens": limit} if limit else {}))

    assert budget_of(model).answer_tokens == kept


def test_langchains_counter_that_downloads_a_tokenizer_is_never_asked() -> None:
    model = _model()

    assert counter_of(model) is None
    assert count_tokens(model, "Employees get 25 days.") == estimate_tokens("Employees get 25 days.")


def test_a_counter_of_the_models_own_is_used_through_a_binding() -> None:
    model = _model(custom_get_token_ids=lambda text: [ord(letter) for letter in text])

    assert count_tokens(model.bind(stop=["x"]), "abc") == 3


@pytest.mark.parametrize("text", TEXTS)
def test_the_estimate_is_not_below_a_real_tokenizers_count(text: str) -> None:
    assert estimate_tokens(text) >= len(open_encoder().token_spans(text))


def test_the_estimate_is_not_far_above_it_on_prose() -> None:
    text = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")

    assert estimate_tokens(text) < 1.8 * len(open_encoder().token_spans(text))
