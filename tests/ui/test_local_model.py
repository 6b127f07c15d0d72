"""`ask` and `chat` with a base model and adapters inside the process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragweave.ui import app
from ragweave.ui.__main__ import main
from ragweave.ui.output import Output
from ragweave.ui.settings import load_settings
from ragweave.ui.web_chat import free_port, run_chat
from tests.adapters.models import make_adapter, tiny_base

QUESTION = "How many days of leave does every employee get?"
LEAVE = "# Leave\n\nEvery employee gets 25 days of leave a year. Ask your manager two weeks ahead.\n"
Ask = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def ask(workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Ask the question with `--json`; `base` has the adapters legal and support, and a document is in."""
    tiny_base(workplace / "base", context=16384)
    for seed, name in enumerate(("legal", "support"), start=1):
        make_adapter(workplace / "base", workplace / "mine" / name, seed=seed)
    (workplace / "leave.md").write_text(LEAVE)
    main(["ingest", "leave.md", "-q"])
    monkeypatch.setenv("RAGWEAVE_MODEL_MAX_TOKENS", "8")
    monkeypatch.setenv("RAGWEAVE_MODEL_DEVICE", "cpu")
    capsys.readouterr()

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        code = main(["ask", QUESTION, "--model", "base", "--adapters", "mine", "--json", *arguments])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_each_adapter_answers_in_its_own_words_and_signs_them(ask: Ask) -> None:
    states = {name: ask("--adapter", name)[1] for name in ("legal", "support", "base")}

    assert [states[name]["adapter"] for name in states] == ["legal", "support", ""]
    assert len({state["adapter_version"] for state in states.values()}) == 3
    assert states["base"]["adapter_version"] == ""
    assert len({state["answer"] for state in states.values()}) == 3
    assert states["legal"]["usage"]["output_tokens"] == 8


def test_the_answer_on_a_terminal_says_who_wrote_it(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    main(["ask", QUESTION, "--model", "base", "--adapters", "mine", "--adapter", "legal"])
    named = capsys.readouterr().out
    main(["ask", QUESTION, "--model", "base", "--adapters", "mine"])
    unnamed = capsys.readouterr().out

    assert "\n\nAnswered by legal, version " in named
    assert "\n\nAnswered by the base model.\n" in unnamed


def test_a_misspelt_adapter_is_an_error_even_where_no_answer_is_found(ask: Ask) -> None:
    code, written = ask("--adapter", "suport", "--filter", "source=none.md")

    assert (code, written["error"]["type"]) == (1, "UnknownAdapter")
    assert "Did you mean 'support'? Known adapters: legal, support." in written["error"]["message"]


def test_the_page_offers_the_adapters_and_names_the_base(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    offered: dict[str, Any] = {}

    def create(kb: Any, chain: Any, **given: Any) -> None:
        offered["base"] = given["model_name"]
        offered["names"] = [info.name for info in given["adapters"]()]

    monkeypatch.setattr(app, "create_app", create)
    monkeypatch.setattr(app, "serve", lambda application, **given: None)
    given = {"ui.port": free_port("127.0.0.1", 21000), "model.spec": "base", "adapters.dir": "mine"}

    code = run_chat(Output(), load_settings(given).settings, [])

    assert code == 0
    assert offered == {"base": "base", "names": ["legal", "support"]}


def test_a_base_model_that_cannot_be_loaded_is_no_page(ask: Ask, workplace: Path) -> None:
    (workplace / "base" / "model.safetensors").write_bytes(b"damaged")

    code = main(["chat", "--model", "base", "--port", str(free_port("127.0.0.1", 22000))])

    assert code == 1
