"""Spans of questions: where OpenTelemetry's variables ask for them, and nothing otherwise."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel

from ragweave.chains import KnowledgeBase, rag_chain
from ragweave.ui.__main__ import main
from ragweave.ui.telemetry import spans_to, telemetry, wanted_exporters

LEAVE = "# Leave\n\nEvery employee gets 25 days of leave a year. Ask your manager two weeks ahead.\n"
QUESTION = "How many days of leave does every employee get?"
VARIABLES = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SDK_DISABLED", "OTEL_SERVICE_NAME")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def kb(workplace: Path) -> Path:
    (workplace / "leave.md").write_text(LEAVE)
    with KnowledgeBase.open("kb") as kb:
        kb.ingest(["leave.md"])
    return workplace / "kb"


def spans(kb_folder: Path) -> list[Any]:
    """What a question to the chain with a chat model leaves in an exporter that keeps it."""
    pytest.importorskip("openinference.instrumentation.langchain", reason="pip install 'ragweave[telemetry]'")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    model = FakeListChatModel(responses=["Every employee gets 25 days of leave a year. [1]"])
    with spans_to(provider), KnowledgeBase.open(kb_folder) as kb:
        list(rag_chain(model, kb.as_retriever()).stream(QUESTION))
    return list(kept.get_finished_spans())


def test_every_step_is_a_span_below_the_chain_with_its_openinference_kind(kb: Path) -> None:
    found = spans(kb)

    kinds = {span.name: span.attributes["openinference.span.kind"] for span in found}
    names = {span.context.span_id: span.name for span in found}
    above = {span.name: names[span.parent.span_id] for span in found if span.parent}
    for step in ("condense", "transform", "route", "retrieve", "abstain", "answer"):
        assert (kinds[step], above[step]) == ("CHAIN", "rag_chain")
    assert (kinds["KnowledgeBaseRetriever"], above["KnowledgeBaseRetriever"]) == ("RETRIEVER", "retrieve")
    assert (kinds["FakeListChatModel"], above["FakeListChatModel"]) == ("LLM", "answer")
    assert any("25 days" in str(span.attributes.get("output.value")) for span in found)


def test_inputs_are_hidden_where_openinference_is_told_so(kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENINFERENCE_HIDE_INPUTS", "true")

    found = spans(kb)

    assert {span.attributes.get("input.value") for span in found} <= {"__REDACTED__", None}


def test_a_command_sends_spans_and_keeps_standard_output_for_the_answer(
    kb: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openinference.instrumentation.langchain", reason="pip install 'ragweave[telemetry]'")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")

    main(["ask", QUESTION, "--kb", str(kb), "--json"])

    written = capsys.readouterr()
    assert json.loads(written.out)["question"] == QUESTION
    assert '"name": "retrieve"' in written.err
    assert '"service.name": "ragweave"' in written.err


def test_without_the_variables_nothing_is_imported() -> None:
    code = (
        "import sys\nfrom ragweave.ui.telemetry import telemetry\nwith telemetry(print): pass\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'openinference'))])"
    )

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "[]"


def test_a_missing_extra_is_one_sentence_and_the_question_is_answered(
    kb: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "openinference.instrumentation.langchain", None)

    code = main(["ask", QUESTION, "--kb", str(kb)])

    written = capsys.readouterr()
    assert (code, "25 days" in written.out) == (0, True)
    assert written.err.splitlines() == [
        "No traces are sent: openinference.instrumentation.langchain is not installed. "
        "Install it: pip install 'ragweave[telemetry]'."
    ]


@pytest.mark.parametrize(
    ("environment", "exporters", "problem"),
    [
        ({}, [], ""),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a:4318/v1/traces"}, ["otlp"], ""),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ["console", "otlp"], ""),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318"}, [], ""),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}, [], ""),
        (
            {"OTEL_TRACES_EXPORTER": "zipkin"},
            [],
            "OTEL_TRACES_EXPORTER is 'zipkin'. Use otlp, console or none.",
        ),
        (
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            [],
            "the protocol is 'grpc'. Set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf; its port is 4318.",
        ),
    ],
)
def test_the_variables_say_where_spans_go(
    environment: Mapping[str, str], exporters: list[str], problem: str
) -> None:
    assert wanted_exporters(environment) == (exporters, problem)


def test_a_wrong_variable_is_told_and_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    notes: list[str] = []

    with telemetry(notes.append):
        pass

    assert notes == ["No traces are sent: OTEL_TRACES_EXPORTER is 'zipkin'. Use otlp, console or none."]
