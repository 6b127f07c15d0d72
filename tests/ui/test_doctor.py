"""`ragweave doctor` tells what is not in order, and the remedy."""

from __future__ import annotations

import json
import re
import shutil
import socket
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest
from langchain_core.documents import Document

from ragweave.adapters import AdapterRegistry
from ragweave.chains import KnowledgeBase
from ragweave.ui import doctor
from ragweave.ui.__main__ import main
from ragweave.ui.doctor import Check, examine
from ragweave.ui.settings import load_settings
from tests.adapters.models import make_adapter, tiny_base

pytestmark = pytest.mark.usefixtures("workplace")
NAMES = [
    "python",
    "packages",
    "embedder",
    "knowledge base",
    "model",
    "adapters",
    "port",
    "disk",
    "chromium",
    "weaviate server",
]  # fmt: skip


class Usage(NamedTuple):
    free: int


def found(name: str, flags: dict[str, object] | None = None) -> Check:
    """One check of a whole examination."""
    return next(check for check in examine(load_settings(flags)) if check.name == name)


def test_everything_is_examined_and_nothing_is_made(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["doctor", "--json"])

    checks = json.loads(capsys.readouterr().out)["checks"]
    assert [check["name"] for check in checks] == NAMES
    assert code == int(any(check["status"] == "FAIL" for check in checks))
    assert all(check["remedy"] for check in checks if check["status"] != "OK")
    assert list(workplace.iterdir()) == []


def test_a_knowledge_base_with_documents_is_in_order(workplace: Path) -> None:
    (workplace / "tea.md").write_text("# Tea\n\nTea is served at four.\n")
    main(["ingest", "tea.md", "-q"])

    check = doctor.knowledge_base(load_settings().settings)

    assert (check.status, check.detail) == ("OK", ".ragweave/kb: 1 sources, 1 passages")


def test_a_server_that_is_down_fails_with_the_stores_remedy() -> None:
    check = found("knowledge base", {"kb.url": "weaviate://127.0.0.1:9?grpc=10&collection=Docs"})

    assert check.status == "FAIL"
    assert "127.0.0.1:9" in check.detail
    assert check.remedy


def test_a_fail_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--kb", "redis://host"])

    assert code == 1
    assert "FAIL knowledge base: Cannot open a knowledge base at 'redis://host'" in capsys.readouterr().out


def test_an_empty_knowledge_base_is_a_warning_with_the_next_command() -> None:
    check = doctor.knowledge_base(load_settings().settings)

    assert (check.status, check.remedy) == ("WARN", "Add documents: ragweave ingest PATH --kb .ragweave/kb")


def test_the_knowledge_bases_of_routes_are_looked_at_too(workplace: Path) -> None:
    (workplace / "ragweave.toml").write_text(
        '[[routes]]\nname = "hr"\nexamples = ["leave"]\nkb = "hr-kb"\n'
        '[[routes]]\nname = "it"\nexamples = ["laptop"]\nkb = "it-bk"\n'
    )
    with KnowledgeBase.open("hr-kb") as kb:
        kb.ingest([Document("You get 25 days.", metadata={"source": "leave"})])

    told = {check.name: f"{check.status} {check.detail}" for check in examine(load_settings())}

    assert told["route hr"] == "OK hr-kb: 1 sources, 1 passages"
    assert told["route it"] == "WARN it-bk holds no documents"
    assert told["knowledge base"] == "OK .ragweave/kb holds no documents: the routes' are searched"


def test_a_package_outside_its_range_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = ["pytest<1", "nobody-has-this>=2", "typer>=0.1", 'also-absent; extra == "community"']
    monkeypatch.setattr(metadata, "requires", lambda name: declared)

    check = doctor.packages()

    assert check.status == "FAIL"
    assert f"pytest is {pytest.__version__} (needed: <1)" in check.detail
    assert "nobody-has-this is missing (needed: >=2)" in check.detail
    assert "typer" not in check.detail
    assert "also-absent" not in check.detail


def test_a_taken_port_is_a_warning_that_names_a_free_one() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        check = doctor.port(load_settings({"ui.port": server.getsockname()[1]}).settings)

    assert check.status == "WARN"
    assert check.remedy.startswith("Use --port ")


@pytest.mark.parametrize(("free", "status"), [(10**12, "OK"), (10**9, "WARN"), (10**6, "FAIL")])
def test_a_full_disk_is_noticed(free: int, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(free))

    check = doctor.disk(load_settings({"kb.url": "deep/in/a/new/folder"}).settings)

    assert check.status == status
    assert bool(check.remedy) == (status != "OK")


def test_an_adapter_folder_that_was_asked_for_must_be_there(workplace: Path) -> None:
    (workplace / "mine").mkdir()

    there = doctor.adapters(load_settings({"adapters.dir": "mine"}))
    missing = doctor.adapters(load_settings({"adapters.dir": "theirs"}))

    assert (there.status, there.detail) == ("OK", "mine: 0 adapters")
    assert (missing.status, missing.detail) == ("WARN", "theirs (--adapters) is no folder")
    assert doctor.adapters(load_settings()).status == "OK"


@pytest.fixture
def base(workplace: Path) -> str:
    """A base model in the working directory, and an adapter that fits it."""
    tiny_base(workplace / "base")
    make_adapter(workplace / "base", workplace / "mine" / "support")
    return "base"


def test_the_base_model_is_stated_with_its_device_and_type(base: str) -> None:
    check = doctor.model(load_settings({"model.spec": base}).settings)

    assert check.status == "OK"
    assert re.fullmatch(r"base: 2 layers, \S.* on (cpu|cuda|mps)", check.detail)


def test_the_device_and_type_asked_for_are_stated(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGWEAVE_MODEL_DEVICE", "cpu")
    monkeypatch.setenv("RAGWEAVE_MODEL_DTYPE", "bfloat16")

    check = doctor.model(load_settings({"model.spec": base}).settings)

    assert check.detail == "base: 2 layers, bfloat16 on cpu"


def test_a_device_that_is_not_there_fails(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGWEAVE_MODEL_DEVICE", "abacus")

    check = found("model", {"model.spec": base})

    assert (check.status, check.detail) == ("FAIL", "There is no device 'abacus'.")
    assert check.remedy


def test_a_base_model_without_a_chat_template_is_a_warning(base: str, workplace: Path) -> None:
    (workplace / "base" / "chat_template.jinja").unlink(missing_ok=True)
    told = json.loads((workplace / "base" / "tokenizer_config.json").read_text())
    told.pop("chat_template", None)
    (workplace / "base" / "tokenizer_config.json").write_text(json.dumps(told))

    check = found("model", {"model.spec": base})

    assert check.status == "WARN"
    assert check.detail.endswith("no chat template")
    assert "RAGWEAVE_MODEL_CHAT_TEMPLATE" in check.remedy


def test_adapters_that_fit_are_counted_and_others_named_with_the_reason(base: str, workplace: Path) -> None:
    given: dict[str, object] = {"model.spec": base, "adapters.dir": "mine"}
    fits = found("adapters", given)
    make_adapter(tiny_base(workplace / "wide", hidden=64), workplace / "mine" / "legal")

    misfit = found("adapters", given)

    assert (fits.status, fits.detail) == ("OK", "mine: 1 adapter, all fit base")
    assert misfit.status == "WARN"
    assert misfit.detail.startswith("mine: 2 adapters; legal cannot be served: ")
    assert misfit.remedy == "Look closer: ragweave adapters check legal --base base --adapters mine"


def test_a_registry_is_checked_too(base: str, workplace: Path) -> None:
    AdapterRegistry(workplace / "registry").add(workplace / "mine" / "support", "support")

    check = found("adapters", {"model.spec": base, "adapters.dir": "registry"})

    assert (check.status, check.detail) == ("OK", "registry: 1 adapter, all fit base")


def test_what_only_the_tests_need_never_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    browser, server = doctor.chromium(), doctor.weaviate_server()

    assert (browser.status, server.status) == ("WARN", "WARN")
    assert "apt-get install chromium" in browser.remedy
    assert "make weaviate" in server.remedy
