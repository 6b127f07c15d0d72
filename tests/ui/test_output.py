"""Results alone go to standard output; documents cannot drive the terminal."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage

from ragweave.chains.report import Failure, IngestEvent
from ragweave.ui.errors import explain
from ragweave.ui.json_form import json_form
from ragweave.ui.output import Output, printable
from ragweave.ui.rendering import draw_citations

STRAY = """
import os, subprocess, sys
from ragweave.ui.output import Output
output = Output(json=True)
with output.reserved():
    print("stray")
    subprocess.run(["echo", "child"])
    os.write(1, b"descriptor")
    output.result({"a": "\\udc80 \\u4e2d"}, lambda console: None)
print("after")
"""


def test_what_libraries_and_child_processes_print_stays_out_of_the_result() -> None:
    ran = subprocess.run([sys.executable, "-c", STRAY], capture_output=True, text=True, check=True)
    result, _, after = ran.stdout.rpartition("}\n")

    assert json.loads(result + "}") == {"a": "\udc80 中"}
    assert after == "after\n"
    assert all(word in ran.stderr for word in ("stray", "child", "descriptor"))


def test_an_error_is_two_lines_or_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    told = explain(FileNotFoundError("gone"))

    Output().error(told)
    Output(json=True).error(told)

    written = capsys.readouterr()
    assert written.err.splitlines() == [f"Error: {told.message}", told.remedy]
    assert json.loads(written.out) == {
        "error": {"type": "FileNotFoundError", "message": told.message, "remedy": told.remedy}
    }


def test_a_note_stands_behind_the_result_that_came_before_it(tmp_path: Path) -> None:
    file = tmp_path / "both"
    tell = (
        "from ragweave.ui.output import Output\n"
        "output = Output()\n"
        "with output.reserved():\n"
        "    output.stream.write('An answer.\\n')\n"
        "    output.note('A note.')\n"
    )

    with file.open("w") as both:
        subprocess.run([sys.executable, "-c", tell], stdout=both, stderr=both, check=True)

    assert file.read_text() == "An answer.\nA note.\n"


def test_quiet_leaves_out_notes_and_progress(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.quiet = True

    output.note("aside")
    with output.ingest_progress() as on_progress:
        pass

    assert on_progress is None
    assert capsys.readouterr().err == ""


def test_progress_without_a_terminal_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragweave.ui.output.LINE_EVERY", 0.0)

    with Output().ingest_progress() as on_progress:
        assert on_progress is not None
        on_progress(IngestEvent("a.md", done=1, total=3, embedded=0, status="added"))

    assert capsys.readouterr().err == "1 of 3 documents, 0 embeddings/s: a.md\n"


def test_progress_on_a_terminal_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")

    with Output().ingest_progress() as on_progress:
        assert on_progress is not None
        on_progress(IngestEvent("[red]a.md", done=1, total=3, embedded=2, status="added"))

    assert "1/3" in terminal.getvalue()
    assert "[red]a.md" in terminal.getvalue()
    assert "embeddings/s" in terminal.getvalue()


def test_a_document_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "a\x1b]0;title\x07[bold]b[/bold]\r"
    citation = {"n": 1, "document_id": "x", "source": evil, "title": evil, "quote": evil}

    draw_citations(Output().console(sys.stdout), [citation], [])

    written = capsys.readouterr().out
    assert not any(code in written for code in "\x1b\x07\r")
    assert "[bold]b[/bold]" in written


def test_control_characters_are_replaced_and_lines_kept() -> None:
    assert printable("a\tb\nc\x9b31m") == "a\tb\nc\N{REPLACEMENT CHARACTER}31m"


def test_values_of_the_chain_become_plain_json() -> None:
    document = Document(
        id="i", page_content="t", metadata={"source": "s", "score": np.float32(0.5), "own": 1}
    )
    value = {
        "documents": [document],
        "history": [HumanMessage("q"), AIMessage("a")],
        "failed": (Failure("s", "r", "do"),),
        "count": np.int64(3),
    }

    form = json.loads(json.dumps(json_form(value)))

    assert form["documents"] == [
        {
            "id": "i",
            "text": "t",
            "source": "s",
            "title": None,
            "score": 0.5,
            "scores": None,
            "page": None,
            "heading": None,
            "start": None,
            "end": None,
        }
    ]
    assert form["history"] == [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    assert form["failed"] == [{"source": "s", "reason": "r", "remedy": "do"}]
    assert form["count"] == 3
