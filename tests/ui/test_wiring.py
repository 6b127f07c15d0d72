"""`--model` values become chat models, or errors that say what works."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_openai import ChatOpenAI

from ragweave.adapters import ChatLora, UnknownAdapter
from ragweave.chains import KnowledgeBase
from ragweave.ui.errors import ModelError, UsageError
from ragweave.ui.settings import load_settings
from ragweave.ui.wiring import check_adapter, open_kb, open_model, settings_model, takes_adapters
from tests.adapters.fakes import FakeEngine, chat_over
from tests.adapters.models import tiny_base

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.mark.parametrize("spec", ["", "none"])
def test_none_is_no_model(spec: str) -> None:
    assert open_model(spec) is None


def test_an_address_is_an_openai_compatible_server() -> None:
    model = open_model("http://localhost:8000/v1#qwen/qwen3", temperature=0.5, max_tokens=9, timeout=7)

    assert isinstance(model, ChatLora)
    assert model.base == "http://localhost:8000/v1#qwen/qwen3"
    assert (model.temperature, model.max_tokens, model.timeout) == (0.5, 9, 7)
    assert (model.flavour, model.registry) == ("auto", None)


def test_a_server_is_given_up_after_a_minute_and_a_model_of_this_process_never() -> None:
    server, local = open_model("http://localhost:8000/v1#m"), open_model("Qwen/Qwen3-0.6B")

    assert isinstance(server, ChatLora) and isinstance(local, ChatLora)
    assert (server.timeout, local.timeout) == (60.0, None)


def test_a_folder_or_a_hub_id_is_a_model_inside_this_process(workplace: Path) -> None:
    tiny_base(workplace / "models" / "tiny")

    folder, hub = open_model("models/tiny"), open_model("Qwen/Qwen3-0.6B")

    assert isinstance(folder, ChatLora) and isinstance(hub, ChatLora)
    assert (folder.base, hub.base) == ("models/tiny", "Qwen/Qwen3-0.6B")


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
        ("./modle", "names no folder.*Did you mean 'model'.*Use none"),
        ("models/qwem", "names no folder.*Did you mean 'models/qwen'"),
        ("../elsewhere/deep", "names no folder"),
        ("notes.md", "is a file. Give the folder that it lies in"),
        ("nobody:m", "'nobody:m' cannot be opened"),
        ("mistralai:m", "needs the package langchain-mistralai, .*pip install langchain-mistralai"),
    ],
)
def test_another_value_is_an_error_that_says_what_works(spec: str, message: str, workplace: Path) -> None:
    (workplace / "models" / "qwen").mkdir(parents=True)
    (workplace / "model").mkdir()
    (workplace / "notes.md").write_text("# Notes")

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

    with settings_model(load_settings().settings) as model:
        assert isinstance(model, ChatLora)
        assert (model.temperature, model.max_tokens, model.timeout) == (0.7, 11, 3)
        assert model.api_key is not None
        assert model.api_key.get_secret_value() == "s3cret"
        assert "s3cret" not in repr(model)


def test_settings_of_a_model_inside_this_process_reach_it(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace / "mine").mkdir()
    given = {
        "MODEL_SPEC": "Qwen/Qwen3-0.6B", "MODEL_DEVICE": "cpu", "MODEL_DTYPE": "bfloat16",
        "MODEL_CHAT_TEMPLATE": "chat.jinja", "ADAPTERS_DIR": "mine", "ADAPTERS_SLOTS": "3",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(f"RAGWEAVE_{name}", value)

    with settings_model(load_settings().settings) as model:
        assert isinstance(model, ChatLora)
        assert (model.device, model.dtype, model.chat_template) == ("cpu", "bfloat16", "chat.jinja")
        assert (model.registry, model.slots) == ("mine", 3)


def test_a_folder_of_adapters_that_is_not_there_holds_none() -> None:
    with settings_model(load_settings({"model.spec": "Qwen/Qwen3-0.6B"}).settings) as model:
        assert isinstance(model, ChatLora)
        assert model.registry is None


@pytest.mark.parametrize(("named", "registry"), [(None, None), ("mine", "mine")])
def test_a_server_loads_the_adapters_of_a_folder_only_where_one_was_named(
    named: str | None, registry: str | None, workplace: Path
) -> None:
    for folder in ("mine", ".ragweave/adapters"):
        (workplace / folder).mkdir(parents=True)
    given: dict[str, object] = {"model.spec": "http://gpu:8000/v1#qwen", "adapters.dir": named}

    with settings_model(load_settings(given).settings) as model:
        assert isinstance(model, ChatLora)
        assert model.registry == registry


def test_an_adapter_is_looked_up_before_anything_is_searched() -> None:
    model = chat_over(FakeEngine({"support": "1"}))

    check_adapter(model, "support", "models/tiny")
    check_adapter(model, "support@1", "models/tiny")
    check_adapter(None, "base", "none")

    with pytest.raises(UnknownAdapter, match="no adapter 'suport'. Did you mean 'support'"):
        check_adapter(model, "suport", "models/tiny")


@pytest.mark.parametrize("spec", ["none", "openai:gpt-5-mini"])
def test_a_model_without_adapters_is_wrong_use_where_one_is_asked_for(spec: str) -> None:
    model = open_model(spec, api_key="s3cret")

    with pytest.raises(UsageError, match=f"'support' was given, but --model {spec} takes no adapters"):
        check_adapter(model, "support", spec)

    assert not takes_adapters(model)


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
