"""The commands on a real knowledge base of two documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragweave.ui.__main__ import main

LEAVE = """# Leave

## Annual leave

Employees get 25 days of annual leave per year. Unused days expire in March.

## Parental leave

Parents get 16 weeks of paid leave.
"""
Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def handbook(workplace: Path) -> Path:
    folder = workplace / "handbook"
    folder.mkdir()
    (folder / "leave.md").write_text(LEAVE)
    (folder / "office.txt").write_text("The office opens at 8 and closes at 18.")
    return folder


@pytest.fixture
def run(handbook: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with `--json` and give its exit code and object."""

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        code = main([*arguments, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_what_is_ingested_is_listed_found_and_deleted(run: Run) -> None:
    code, report = run("ingest", "handbook")
    assert (code, report["added"]) == (0, ["handbook/leave.md", "handbook/office.txt"])

    _, listed = run("sources")
    assert [(info["source"], info["chunks"]) for info in listed["sources"]] == [
        ("handbook/leave.md", 2),
        ("handbook/office.txt", 1),
    ]

    _, found = run("search", "when does the office open", "-k", "1")
    [document] = found["documents"]
    assert set(document) == {
        "id", "text", "source", "title", "score", "scores", "page", "heading", "start", "end"
    }  # fmt: skip
    assert document["source"] == "handbook/office.txt"

    code, report = run("delete", "handbook/office.txt")
    assert (code, report["deleted"], report["probes"]["found"]) == (0, ["handbook/office.txt"], 0)
    assert run("ingest", "handbook")[1]["embedded"] == 1


def test_an_answer_comes_with_its_sources(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("ingest", "handbook")

    code, state = run("ask", "How many days of annual leave do employees get?", "-k", "2")
    assert code == 0
    assert "25 days" in state["answer"]
    assert len(state["documents"]) == 2
    assert state["citations"][0]["source"] == "handbook/leave.md"

    assert main(["ask", "How many days of annual leave do employees get?", "--trace"]) == 0
    written = capsys.readouterr().out
    assert "[1] Leave (handbook/leave.md), Leave > Annual leave" in written
    assert "retrieve" in written


def test_a_file_that_cannot_be_read_fails_and_the_others_do_not(run: Run, handbook: Path) -> None:
    (handbook / "broken.pdf").write_bytes(b"%PDF-1.7 cut off")

    code, report = run("ingest", "handbook", "nowhere.md")

    assert code == 1
    assert len(report["added"]) == 2
    assert {failure["source"] for failure in report["failed"]} == {"handbook/broken.pdf", "nowhere.md"}
    assert all(failure["reason"] and failure["remedy"] for failure in report["failed"])


def test_the_report_for_people_names_changes_and_remedies(
    run: Run, handbook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (handbook / "broken.pdf").write_bytes(b"%PDF-1.7 cut off")

    code = main(["ingest", "handbook"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert lines[:3] == [
        "added     handbook/leave.md",
        "added     handbook/office.txt",
        "failed    handbook/broken.pdf",
    ]
    assert "2 added, 1 failed." in lines
    assert lines[-1].startswith("The knowledge base holds 3 passages; 3 texts embedded in")


def test_a_dry_run_writes_nothing(run: Run, workplace: Path) -> None:
    code, report = run("ingest", "handbook", "--dry-run")

    assert (code, len(report["added"])) == (0, 2)
    assert run("sources")[1] == {"sources": []}


def test_missing_files_are_deleted_on_request(run: Run, handbook: Path) -> None:
    run("ingest", "handbook")
    (handbook / "office.txt").unlink()

    kept, deleted = run("ingest", "handbook")[1], run("ingest", "handbook", "--delete-missing")[1]

    assert (kept["deleted"], deleted["deleted"]) == ([], ["handbook/office.txt"])


def test_filters_limit_what_is_found(run: Run) -> None:
    run("ingest", "handbook")

    _, found = run("search", "leave office", "--filter", "source!=handbook/leave.md", "--filter", "chunk>=0")
    code, wrong = run("search", "leave", "--filter", "sauce=x")

    assert [document["source"] for document in found["documents"]] == ["handbook/office.txt"]
    assert (code, wrong["error"]["type"]) == (2, "FilterError")
    assert "source" in wrong["error"]["remedy"]


def test_tenants_do_not_see_each_other(run: Run) -> None:
    run("ingest", "handbook/leave.md", "--tenant", "a")

    seen = {tenant: run("sources", "--tenant", tenant)[1]["sources"] for tenant in ("a", "b")}

    assert (len(seen["a"]), len(seen["b"])) == (1, 0)


def test_search_settings_change_what_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("ingest", "handbook")
    monkeypatch.setenv("RAGWEAVE_SEARCH_K", "1")
    monkeypatch.setenv("RAGWEAVE_SEARCH_MODE", "keyword")

    [by_environment] = run("search", "annual leave")[1]["documents"]
    by_flags = run("search", "annual leave", "-k", "3", "--mode", "hybrid", "--alpha", "1")[1]["documents"]

    assert set(by_environment["scores"]) == {"keyword"}
    assert len(by_flags) == 3
    vectors = [document["scores"]["vector"] for document in by_flags]
    assert vectors == sorted(vectors, reverse=True)  # alpha 1: the order of the vectors


def test_history_completes_a_follow_up(run: Run, workplace: Path) -> None:
    run("ingest", "handbook")
    turns = [["user", "How many days of annual leave do employees get?"], ["assistant", "25 days."]]
    (workplace / "turns.json").write_text(json.dumps(turns))

    _, state = run("ask", "And for parents?", "--history", "turns.json")

    assert len(state["history"]) == 2
    assert state["standalone"] != "And for parents?"


@pytest.mark.parametrize(
    "flags", [["--without", "condense"], ["--without", "ground", "--without", "condense"]]
)
def test_a_step_is_left_out_by_a_flag(run: Run, workplace: Path, flags: list[str]) -> None:
    (workplace / "turns.json").write_text('[["user", "How many days of annual leave are there?"]]')
    run("ingest", "handbook")

    _, with_it = run("ask", "And when do they expire?", "--history", "turns.json")
    _, state = run("ask", "And when do they expire?", "--history", "turns.json", *flags)

    assert with_it["standalone"] != state["standalone"] == "And when do they expire?"
    assert state["trace"][0]["detail"] == {"left_out": "by the call"}


def test_the_trace_is_a_tree_with_what_became_of_each_passage(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run("ingest", "handbook")

    main(["ask", "How many days of annual leave do employees get?", "--trace"])

    written = capsys.readouterr().out
    assert written.index("[1] Leave") < written.index("Trace, ") < written.index("Found ")
    assert "1  Leave › Annual leave" in written


def test_an_empty_knowledge_base_says_how_to_fill_it(
    run: Run, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["search", "leave"])

    written = capsys.readouterr()
    assert (code, written.out) == (0, "Nothing found.\n")
    assert "holds no documents. Add some: ragweave ingest PATH" in written.err
    assert not (workplace / ".ragweave").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["search"], 2, "Missing argument 'QUERY'"),
        (["serch", "x"], 2, "No such command 'serch'"),
        (["search", "x", "--mod", "y"], 2, "--mod"),
        (["search", "x", "-k", "0"], 2, "search.k (-k) cannot be 0"),
        (["search", "x", "--mode", "fuzzy"], 2, "'hybrid', 'keyword' or 'vector'"),
        (["search", "x", "--filter", "y"], 2, "'y' is no comparison"),
        (["ask", " "], 2, "The question is empty"),
        (["ask", "x", "--model", "./qwen"], 1, "'./qwen' names no folder"),
        (["ask", "x", "--adapter", "support"], 2, "--model none takes no adapters"),
        (["ask", "x", "--history", "none.json"], 2, "none.json cannot be read"),
        (["sources", "--kb", "redis://host"], 1, "redis://host"),
        (["chat", "--host", "0.0.0.0"], 2, "no keys are set"),
        (["sources", "--config", "none.toml"], 2, "none.toml cannot be read"),
    ],
)
def test_an_error_is_one_object_with_its_remedy(
    run: Run, arguments: list[str], code: int, message: str
) -> None:
    found, written = run(*arguments)

    assert found == code
    assert message in written["error"]["message"]
    assert written["error"]["remedy"]


def test_what_comes_later_is_absent(run: Run) -> None:
    for name in ("train", "evaluate", "compare", "serve"):
        assert run(name)[1]["error"]["message"] == f"No such command '{name}'."


def test_config_show_tells_values_and_origins(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGWEAVE_UI_PORT", "7861")
    monkeypatch.setenv("RAGWEAVE_KB_API_KEY", "s3cret")

    code, shown = run("config", "show", "--tenant", "t")

    found = {row["name"]: (row["value"], row["from"]) for row in shown["settings"]}
    assert code == 0
    assert found["ui.port"] == (7861, "RAGWEAVE_UI_PORT")
    assert found["kb.tenant"] == ("t", "--tenant")
    assert found["kb.api_key"] == ("(set)", "RAGWEAVE_KB_API_KEY")
    assert found["search.k"] == (8, "default")


def test_an_unforeseen_error_is_one_sentence_and_a_traceback_on_request(
    run: Run,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def breaks(settings: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("ragweave.ui.wiring.open_kb", breaks)

    assert main(["sources"]) == 1
    short = capsys.readouterr().err
    assert main(["sources", "-v"]) == 1

    assert short.splitlines()[0] == "Error: Something unexpected failed: RuntimeError: boom."
    assert "Traceback" not in short
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]


def test_what_was_skipped_is_named(handbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (handbook / "old.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    (handbook / ".hidden").write_text("x")

    main(["ingest", "handbook"])

    written = capsys.readouterr().out
    assert "skipped   .hidden, old.doc: hidden, or of a kind that is not read" in written


def test_a_question_without_quotes_is_an_error_that_asks_for_them(
    handbook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["ask", "How", "many", "days?"])

    assert code == 2
    assert "Put a question or query of several words in quotes." in capsys.readouterr().err
