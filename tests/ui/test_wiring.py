"""`--model` values become chat models, or errors that say what works."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_openai import ChatOpenAI

from ragweave.chains import KnowledgeBase
from ragweave.ui.errors import ModelError
from ragweave.ui.settings import load_settings
from ragweave.ui.wiring import open_kb, open_model, open_settings_model

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.mark.parametrize("spec", ["", "none"])
def test_none_is_no_model(spec: str) -> None:
    assert open_model(spec) is None


def test_an_address_is_an_openai_compatible_server() -> None:
    model = open_model("http://localhost:8000/v1#qwen/qwen3", temperature=0.5, max_tokens=9, timeout=7)

    assert isinstance(model, ChatOpenAI)
    assert (model.openai_api_base, model.model_name) == ("http://localhost:8000/v1", "qwen/qwen3")
    assert (model.temperature, model.max_tokens, model.request_timeout) == (0.5, 9, 7)


def test_a_provider_is_opened_by_langchain() -> None:
    model = open_model("openai:gpt-5-mini", api_key="s3cret")

    assert isinstance(model, ChatOpenAI)
    assert model.model_name == "gpt-5-mini"
    assert "s3cret" not in repr(model)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("http://localhost:8000/v1", "names no model. Write http://HOST:PORT/v1#NAME"),
        ("http:///v1#m", "names no host"),
        ("models/qwen", "come with the adapters.*Use none"),
        ("Qwen/Qwen3-0.6B", "come with the adapters"),
        ("nobody:m", "'nobody:m' cannot be opened"),
        ("mistralai:m", "needs the package langchain-mistralai, .*pip install langchain-mistralai"),
    ],
)
def test_another_value_is_an_error_that_says_what_works(spec: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        open_model(spec)


def test_settings_of_the_model_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "SPEC": "http://localhost:1/v1#m",
        "TEMPERATURE": "0.7",
        "MAX_TOKENS": "11",
        "TIMEOUT": "3",
        "API_KEY": "s3cret",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"RAGWEAVE_MODEL_{name}", value)

    model = open_settings_model(load_settings().settings.model)

    assert isinstance(model, ChatOpenAI)
    assert (model.temperature, model.max_tokens, model.request_timeout) == (0.7, 11, 3)
    assert model.openai_api_key is not None
    assert model.openai_api_key.get_secret_value() == "s3cret"  # type: ignore[union-attr]  # opened with a key


def test_the_knowledge_base_is_not_made_by_looking(workplace: Path) -> None:
    with open_kb(load_settings({"kb.url": "kb"}).settings) as kb:
        found = kb.sources()

    assert found == []
    assert not (workplace / "kb").exists()


def test_settings_of_the_knowledge_base_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}
    monkeypatch.setattr(KnowledgeBase, "open", lambda url, **rest: given.update(rest, url=url))
    for name, value in {"URL": "kb", "TENANT": "t", "TIMEOUT": "3", "API_KEY": "s3cret"}.items():
        monkeypatch.setenv(f"RAGWEAVE_KB_{name}", value)

    open_kb(load_settings().settings)

    assert given == {"url": "kb", "tenant": "t", "timeout": 3.0, "api_key": "s3cret"}
