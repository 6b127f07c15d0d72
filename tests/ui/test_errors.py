"""Any error becomes a type, a sentence, a remedy and an exit code."""

from __future__ import annotations

import openai
import pytest

from ragweave.chains import FilterError, StoreUnavailable
from ragweave.ui.errors import ModelError, UsageError, explain


def made(kind: type[Exception], text: str) -> Exception:
    """An error of the client without the request and response that its constructor asks for."""
    return kind.__new__(kind, text)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("m", remedy="r"), 2),
        (ModelError("m", remedy="r"), 1),
        (StoreUnavailable("m", remedy="r"), 1),
        (FilterError("m", remedy="r"), 2),
    ],
)
def test_an_own_error_keeps_its_sentence_and_remedy(error: Exception, code: int) -> None:
    told = explain(error)

    assert (told.type, told.message, told.remedy) == (type(error).__name__, "m", "r")
    assert (told.exit_code, told.expected) == (code, True)


@pytest.mark.parametrize(
    ("error", "sentence", "remedy"),
    [
        (made(openai.APIConnectionError, "Refused."), "cannot be reached: Refused.", "--model none"),
        (made(openai.APITimeoutError, "Late."), "did not answer in time: Late.", "RAGWEAVE_MODEL_TIMEOUT"),
        (made(openai.AuthenticationError, "No."), "refuses the key: No.", "RAGWEAVE_MODEL_API_KEY"),
        (made(openai.NotFoundError, "No."), "does not know this model or path", "usually ends in /v1"),
        (
            made(openai.InternalServerError, "Broken."),
            "call to the model failed: Broken.",
            "log of its server",
        ),
    ],
)
def test_an_error_of_the_model_server_says_what_to_do(error: Exception, sentence: str, remedy: str) -> None:
    told = explain(error)

    assert told.type == "ModelError"
    assert sentence in told.message
    assert remedy in told.remedy


def test_an_unforeseen_error_is_one_short_line() -> None:
    told = explain(ValueError("first\nsecond " + "x" * 1000))

    assert told.message.startswith("Something unexpected failed: ValueError: first second")
    assert "\n" not in told.message
    assert len(told.message) < 400
    assert not told.expected
