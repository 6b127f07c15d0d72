"""The command as a process: how fast it starts, how it ends."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("workplace")
RAGWEAVE = (sys.executable, "-m", "ragweave.ui")
# A shell that starts the tests in the background has them ignore SIGINT, and so their children.
ENDLESS = """
import signal, sys, time
from ragweave.ui import wiring
from ragweave.ui.__main__ import main
signal.signal(signal.SIGINT, signal.default_int_handler)
def wait(settings):
    print("waiting", file=sys.stderr, flush=True)
    time.sleep(60)
wiring.open_kb = wait
sys.exit(main(["ingest", "x"]))
"""
HEAVY = {
    "torch",
    "transformers",
    "gradio",
    "weaviate",
    "llama_index",
    "langchain",
    "langchain_core",
    "rich",
    "pydantic",
}


def test_help_takes_less_than_half_a_second() -> None:
    """Processor time, which on an idle machine is the time to wait: the suite may run beside other work."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    ran = subprocess.run([*RAGWEAVE, "--help"], capture_output=True, text=True, check=True)

    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "ingest" in ran.stdout
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


def test_help_imports_nothing_heavy() -> None:
    script = "import sys; from ragweave.ui.__main__ import main; main(['--help']);"
    script += f"print({HEAVY} & set(sys.modules))"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[-1] == "set()"


def test_standard_output_is_one_object() -> None:
    Path("a.md").write_text("# Tea\n\nTea is served at four.\n")

    ran = subprocess.run([*RAGWEAVE, "ingest", "a.md", "--json"], capture_output=True, text=True, check=True)

    assert json.loads(ran.stdout)["added"] == ["a.md"]


def test_a_reader_that_leaves_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)

    ran = subprocess.run([*RAGWEAVE, "config", "show"], stdout=writing, stderr=subprocess.PIPE, text=True)

    os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, "")


def test_an_interrupt_says_that_what_was_ingested_stays() -> None:
    process = subprocess.Popen([sys.executable, "-c", ENDLESS], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    process.stderr.readline()

    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Interrupted. What was ingested stays" in told
