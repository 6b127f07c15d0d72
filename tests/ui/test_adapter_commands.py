"""The commands of `ragweave adapters`, on a tiny base model and adapters that peft wrote."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragweave.ui.__main__ import main
from tests.adapters.models import make_adapter, tiny_base

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture(scope="module")
def legal(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adapter(base, tmp_path_factory.mktemp("peft") / "legal")


@pytest.fixture
def run(workplace: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command of `adapters` with `--json` and give its exit code and object."""

    def run(*arguments: object) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = main(["adapters", *(str(argument) for argument in arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_what_is_added_is_listed_shown_and_removed(run: Run, legal: Path, base: Path) -> None:
    code, added = run("add", legal, "--name", "legal", "--description", "Contracts.", "--base", base)
    assert (code, added["adapter"]["version"]) == (0, "1")
    assert added["manifest"]["places"] == {"ragweave": "", "vllm": "", "sglang": ""}
    run("add", legal, "--name", "legal", "--description", "Newer.")

    _, listed = run("list")
    [info] = listed["adapters"]
    assert (info["name"], info["version"], info["description"]) == ("legal", "2", "Newer.")
    assert (info["rank"], info["targets"]) == (8, ["q_proj", "v_proj"])

    _, shown = run("show", "legal@1")
    assert (shown["adapter"]["description"], shown["versions"]) == ("Contracts.", ["1", "2"])
    assert shown["manifest"]["base_model"] == "tiny"

    assert run("remove", "legal@2") == (0, {"removed": ["legal@2"]})
    assert run("remove", "legal") == (0, {"removed": ["legal@1"]})
    assert run("list") == (0, {"adapters": []})


def test_people_read_tables(run: Run, legal: Path, base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("add", legal, "--name", "legal", "--description", "Contracts.", "--base", base)

    codes = [
        main(["adapters", "list"]),
        main(["adapters", "show", "legal"]),
        main(["adapters", "check", "legal", "--base", str(base)]),
    ]

    written = capsys.readouterr().out
    assert codes == [0, 0, 0]
    assert "legal  1        8     q_proj, v_proj  Contracts." in written
    assert "base model   tiny" in written
    assert "legal@1 fits tiny." in written
    assert "on vllm      yes" in written


def test_a_plain_folder_is_listed_and_checked_too(run: Run, legal: Path, base: Path, workplace: Path) -> None:
    shutil.copytree(legal, workplace / "plain" / "legal")

    _, listed = run("list", "--adapters", "plain")
    code, checked = run("check", "legal", "--base", base, "--adapters", "plain")
    _, shown = run("show", "legal", "--adapters", "plain")
    refused, error = run("remove", "legal", "--adapters", "plain")

    assert [info["name"] for info in listed["adapters"]] == ["legal"]
    assert (code, checked["fits"]) == (0, True)
    assert shown["versions"] == [listed["adapters"][0]["version"]]
    assert (refused, error["error"]["message"]) == (
        2,
        "plain is not a registry, so nothing is removed from it.",
    )


def test_an_adapter_that_does_not_fit_fails_the_check(
    run: Run, legal: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tiny_base(workplace / "other", layers=3)

    code, checked = run("check", legal, "--base", other)
    told = main(["adapters", "check", str(legal), "--base", str(other)])

    assert (code, told, checked["fits"]) == (1, 1, False)
    assert "made for another base" in checked["problems"][0]
    assert "legal@" in (written := capsys.readouterr().out)
    assert "does not fit other." in written


def test_a_registered_adapter_is_checked_against_its_own_base_by_its_weights(
    run: Run, legal: Path, base: Path, workplace: Path
) -> None:
    run("add", legal, "--name", "legal", "--base", base)
    twin = tiny_base(workplace / "twin", seed=5)

    code, checked = run("check", "legal", "--base", twin)

    assert (code, checked["fits"]) == (1, False)
    assert "registered for tiny" in checked["problems"][0]


def test_an_export_is_written_once(run: Run, legal: Path, base: Path, workplace: Path) -> None:
    run("add", legal, "--name", "legal", "--base", base)

    code, told = run("export", "legal", "merged", "--merge", "--base", base)
    again, error = run("export", legal, "merged", "--merge", "--base", base)

    assert (code, told["path"], told["version"]) == (0, "merged", "1")
    assert (workplace / "merged" / "model.safetensors").is_file()
    assert (again, error["error"]["type"]) == (1, "AdapterError")
    assert error["error"]["remedy"] == "Give a new folder."


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("export", "{legal}", "out", "--base", "{base}"), 2, "merged into its base"),
        (("export", "{legal}", "out", "--merge"), 2, "--base"),
        (("check", "{legal}"), 2, "--base"),
        (("add", "{legal}"), 2, "--name"),
        (("add", "{legal}", "--name", "../x"), 1, "cannot be called '../x'"),
        (("add", "nowhere", "--name", "x"), 1, "no folder nowhere"),
        (("show", "legal"), 1, "no adapter 'legal'"),
        (("check", "legal", "--base", "{base}"), 1, "no adapter 'legal'"),
        (("check", "./nowhere", "--base", "{base}"), 1, "no folder nowhere"),
        (("check", "{legal}", "--base", "./nowhere"), 1, "no folder ./nowhere"),
    ],
)
def test_wrong_use_is_told_with_a_remedy(
    run: Run, legal: Path, base: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    given = [argument.format(legal=legal, base=base) for argument in arguments]

    found, shown = run(*given)

    assert (found, message in shown["error"]["message"]) == (code, True), shown
    assert shown["error"]["remedy"]


def test_no_adapters_are_told_with_the_way_to_some(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adapters", "list"]) == 0

    assert "ragweave adapters add PATH --name NAME" in capsys.readouterr().err


def test_an_unchecked_adapter_is_told(
    run: Run, legal: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.loads((legal / "adapter_config.json").read_text())
    stray = Path(shutil.copytree(legal, workplace / "stray"))
    (stray / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": "a/b"}))

    code = main(["adapters", "add", str(stray), "--name", "stray"])

    assert code == 0
    assert "Not checked against a base model" in capsys.readouterr().err


def test_listing_a_registry_imports_no_torch(run: Run, legal: Path, base: Path, workplace: Path) -> None:
    run("add", legal, "--name", "legal", "--base", base)
    code = (
        "import sys; from ragweave.ui.__main__ import main; code = main(['adapters', 'list', '--json']); "
        "sys.exit(code or 'torch' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=workplace, capture_output=True)

    assert done.returncode == 0
