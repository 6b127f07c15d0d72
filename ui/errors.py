"""Errors of the edge, and the one place where any error becomes a type, a sentence and a remedy.

Exception
└── EdgeError          something failed outside the chain
    ├── UsageError     a wrong flag, argument or file given by the user
    │   └── SettingsError   a setting that is unknown, misspelt or of the wrong type
    └── ModelError     the chat model cannot be opened or does not answer
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EdgeError", "Explanation", "ModelError", "SettingsError", "UsageError", "explain"]


class EdgeError(Exception):
    """What failed and what was expected, with `remedy`: what to do about it.

    >>> str(EdgeError("Port 7860 is taken.", remedy="Use --port 7861."))
    'Port 7860 is taken. Use --port 7861.'
    """

    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".rstrip())
        self.message = message
        self.remedy = remedy


class UsageError(EdgeError):
    """The command was used wrongly."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is unknown, stands where it must not, or has a value of the wrong type."""


class ModelError(EdgeError):
    """The chat model cannot be opened, or does not answer."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """An error as a user reads it; `expected` is False for one that nobody foresaw."""

    type: str
    message: str
    remedy: str
    exit_code: int
    expected: bool


# Errors of the OpenAI client by class name, most specific first: importing them would cost a second.
MODEL_ERRORS = {
    "APITimeoutError": (
        "The model did not answer in time",
        "Check that its server is not overloaded, or raise RAGWEAVE_MODEL_TIMEOUT.",
    ),
    "APIConnectionError": (
        "The model's server cannot be reached",
        "Check the address in --model and that the server is running, or use --model none.",
    ),
    "AuthenticationError": (
        "The model's server refuses the key",
        "Set RAGWEAVE_MODEL_API_KEY to a key that it accepts.",
    ),
    "PermissionDeniedError": (
        "The model's server does not allow this",
        "Set RAGWEAVE_MODEL_API_KEY to a key with access to the model.",
    ),
    "NotFoundError": (
        "The model's server does not know this model or path",
        "Check the address (it usually ends in /v1) and the name after '#' in --model.",
    ),
    "RateLimitError": ("The model's server is at its limit", "Wait, then ask again."),
    "OpenAIError": (
        "The call to the model failed",
        "Check --model and the log of its server; -v shows the traceback.",
    ),
}


def explain(error: BaseException) -> Explanation:
    """Say what failed and what to do, whatever the error; used by the command line and by the pages.

    >>> explain(UsageError("No question.", remedy="Type one.")).exit_code
    2
    """
    name = type(error).__name__
    message, remedy = getattr(error, "message", None), getattr(error, "remedy", None)
    if isinstance(message, str) and isinstance(remedy, str):
        wrong_use = isinstance(error, UsageError) or name == "FilterError"
        return Explanation(name, message, remedy, 2 if wrong_use else 1, expected=True)
    if known := _model_error(error):
        sentence, remedy = known
        return Explanation("ModelError", f"{sentence}: {_one_line(error)}.", remedy, 1, expected=True)
    remedy = "Run the command again with -v for the traceback; if it stays, report it with that output."
    return Explanation(name, f"Something unexpected failed: {name}: {_one_line(error)}.", remedy, 1, False)


def _model_error(error: BaseException) -> tuple[str, str] | None:
    for kind in type(error).__mro__:
        if kind.__module__.split(".")[0] == "openai" and kind.__name__ in MODEL_ERRORS:
            return MODEL_ERRORS[kind.__name__]
    return None


def _one_line(error: BaseException, limit: int = 300) -> str:
    text = " ".join(str(error).split()).rstrip(".") or "no details"
    return text if len(text) <= limit else f"{text[:limit]}..."
