"""`[[routes]]` of the settings file: what is refused, how it is shown, and what it does to a question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document

from ragweave.chains import KnowledgeBase
from ragweave.ui.__main__ import main
from ragweave.ui.errors import SettingsError
from ragweave.ui.settings import load_settings
from ragweave.ui.wiring import open_chain, open_kb

pytestmark = pytest.mark.usefixtures("workplace")

ROUTES = """
[kb]
url = "kb"

[[routes]]
name = "legal"
description = "contracts, notice and law"
examples = ["How long is the notice period?", "May I terminate the contract early?"]
kb = "legal-kb"

[[routes]]
name = "people"
patterns = ['\\bsalar(y|ies)\\b']
filter = { team = "people" }

[[routes]]
name = "emergency"
examples = ["There is a fire", "Somebody is hurt"]
direct = "Call 112."
"""


def write(text: str) -> None:
    Path("ragweave.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[routes]]\nname = "hr"\nexample = ["x"]', "unknown key 'example'. Did you mean 'examples'"),
        ("[[routes]]\nnam = 1", "route 1 has the unknown key 'nam'. Did you mean 'name'"),
        ("[[routes]]\ndescription = 'x'", "route 1: name cannot be"),
        ("routes = 3", "routes is no list of tables. Begin each route with a line"),
        ("[routes]\nname = 'hr'", "routes is no list of tables"),
        ('[[routes]]\nname = "hr"\nexamples = "x"', "examples cannot be 'x'.*a valid list.*Questions as"),
        ('[[routes]]\nname = "hr"', "route 'hr' cannot be found: it has no examples"),
        ('[[routes]]\nname = "none"\nexamples = ["x"]', "which says that none fits"),
        ('[[routes]]\nname = "hr"\npatterns = ["(x"]', "'\\(x', which is no regular expression"),
        ('[[routes]]\nname = "hr"\nexamples = ["x"]\nfilter = {a = {is = 1}}', "Unknown operator 'is'"),
        ('[[routes]]\nname = "hr"\nexamples = ["x"]\ndirect = true\nhandoff = true', "direct and handoff"),
        ('[[routes]]\nname = "hr"\nexamples = ["x"]\ndirect = "y"\nkb = "z"', "names a kb and needs none"),
        (2 * '[[routes]]\nname = "hr"\nexamples = ["x"]\n', "two routes are called 'hr'. Rename one"),
        ("[[rutes]]\nname = 'hr'", "Unknown table 'rutes'.*Did you mean 'routes'"),
    ],
)  # fmt: skip
def test_a_wrong_route_is_an_error_that_says_what_is_right(text: str, message: str) -> None:
    write(text)

    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_a_route_cannot_be_set_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGWEAVE_ROUTES", "[]")

    with pytest.raises(SettingsError, match="Unknown variable 'RAGWEAVE_ROUTES'"):
        load_settings()


def test_config_show_lists_each_route_with_what_it_sets(capsys: pytest.CaptureFixture[str]) -> None:
    write(ROUTES)

    main(["config", "show", "--json"])

    shown = json.loads(capsys.readouterr().out)["settings"]
    settings = {one["name"]: (one["value"], one["from"]) for one in shown}
    assert settings["routes.people"] == (
        {"patterns": ["\\bsalar(y|ies)\\b"], "filter": {"team": "people"}},
        "ragweave.toml",
    )
    assert settings["routes.legal"][0]["kb"] == "legal-kb"


def test_config_show_writes_a_route_as_the_settings_file_does(capsys: pytest.CaptureFixture[str]) -> None:
    write('[[routes]]\nname = "hr"\npatterns = ["pay"]\nlong_context = true')

    main(["config", "show"])

    assert 'patterns = ["pay"], long_context = true' in capsys.readouterr().out


def _filled() -> None:
    notice = Document("The notice period is three months.", metadata={"source": "contract"})
    pay = Document("Salaries are paid on the 25th.", metadata={"source": "pay", "team": "people"})
    other = Document("Salaries of interns are paid in cash.", metadata={"source": "interns", "team": "it"})
    with KnowledgeBase.open("kb") as kb, KnowledgeBase.open("legal-kb") as legal:
        kb.ingest([pay, other])
        legal.ingest([notice])


@pytest.mark.parametrize(
    ("question", "route", "sources"),
    [
        ("How long is the notice period of a contract?", "legal", ["contract"]),
        ("When are salaries paid?", "people", ["pay"]),
        ("There is a fire in the kitchen", "emergency", []),
        ("Good morning", "small talk", []),
    ],
)
def test_a_question_takes_the_route_of_the_settings(question: str, route: str, sources: list[str]) -> None:
    write(ROUTES)
    _filled()
    settings = load_settings().settings

    with open_kb(settings) as kb, open_chain(settings, kb, None) as chain:
        state = chain.invoke(question)

    assert state["route"]["name"] == route
    assert [document.metadata["source"] for document in state["documents"]] == sources


def test_a_question_that_fits_no_route_searches_all_bases_where_only_routes_have_documents() -> None:
    write(ROUTES)
    with KnowledgeBase.open("legal-kb") as legal:
        legal.ingest([Document("The canteen opens at noon.", metadata={"source": "canteen"})])
    settings = load_settings().settings

    with open_kb(settings) as kb, open_chain(settings, kb, None) as chain:
        state = chain.invoke("When does the canteen open?")

    assert state["route"] is None
    assert [document.metadata["source"] for document in state["documents"]] == ["canteen"]


def test_a_question_that_fits_no_route_stays_in_a_main_base_with_documents() -> None:
    write(ROUTES)
    _filled()
    settings = load_settings().settings

    with open_kb(settings) as kb, open_chain(settings, kb, None) as chain:
        state = chain.invoke("When does the canteen open?")

    assert {document.metadata["source"] for document in state["documents"]} == {"pay", "interns"}


def test_an_empty_knowledge_base_of_a_route_is_told_with_what_to_do() -> None:
    write(ROUTES)
    settings, notes = load_settings().settings, list[str]()

    with open_kb(settings) as kb, open_chain(settings, kb, None, note=notes.append):
        pass

    assert notes == [
        "The route 'legal' searches an empty knowledge base. legal-kb holds no documents. "
        "Add some: ragweave ingest PATH --kb legal-kb"
    ]


def test_what_a_route_says_directly_is_the_answer() -> None:
    write(ROUTES)
    _filled()
    settings = load_settings().settings

    with open_kb(settings) as kb, open_chain(settings, kb, None) as chain:
        state = chain.invoke("There is a fire in the kitchen")

    assert (state["answer"], state["abstained"]) == ("Call 112.", False)


def test_the_knowledge_base_of_a_route_is_opened_for_the_same_tenant() -> None:
    write(ROUTES)
    for tenant in ("one", "two"):
        with KnowledgeBase.open("legal-kb", tenant=tenant) as legal:
            legal.ingest([Document(f"The notice period of {tenant}.", metadata={"source": tenant})])
    settings = load_settings({"kb.tenant": "two"}).settings

    with open_kb(settings) as kb, open_chain(settings, kb, None) as chain:
        state = chain.invoke("How long is the notice period of a contract?")

    assert [document.metadata["source"] for document in state["documents"]] == ["two"]


def test_the_knowledge_bases_of_routes_are_closed_with_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    write(ROUTES)
    settings = load_settings().settings
    closed: list[Any] = []
    monkeypatch.setattr(KnowledgeBase, "close", lambda self: closed.append(self.folder.name))

    with open_kb(settings) as kb:
        with open_chain(settings, kb, None):
            pass
        assert closed == ["legal-kb"]


def test_an_adapter_that_the_model_cannot_take_is_an_error_before_any_question() -> None:
    write('[[routes]]\nname = "hr"\nexamples = ["leave"]\nadapter = "friendly"')
    settings = load_settings().settings

    with (
        open_kb(settings) as kb,
        pytest.raises(SettingsError, match="route 'hr' names the adapter 'friendly', but --model none"),
        open_chain(settings, kb, None),
    ):
        pass
