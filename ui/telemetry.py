"""OpenTelemetry spans of every question, where the standard environment variables ask for them.

Imports nothing and does nothing without them. These variables belong to OpenTelemetry, not to the settings,
and are read here alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

__all__ = ["spans_to", "telemetry", "wanted_exporters"]

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
EXPORTERS = ("otlp", "console")
TIMEOUT = 3.0  # seconds, tries again included: a command must not wait for a collector that is gone
TIMEOUTS = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
INSTALL = "Install it: pip install 'ragweave[telemetry]'."


@contextmanager
def telemetry(note: Callable[[str], None]) -> Iterator[None]:
    """Send the spans of what is asked meanwhile; `note` is told why none are sent though they are wanted."""
    exporters, problem = wanted_exporters(os.environ)
    provider = _provider(exporters, note) if exporters and not problem else None
    if problem:
        note(f"No traces are sent: {problem}")
    with nullcontext() if provider is None else spans_to(provider):
        yield


@contextmanager
def spans_to(provider: Any) -> Iterator[None]:
    """Every LangChain run meanwhile becomes a span of this provider of tracers, which is shut down after."""
    from openinference.instrumentation.langchain import LangChainInstrumentor

    instrumentor = LangChainInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        yield
    finally:
        instrumentor.uninstrument()
        provider.shutdown()  # sends what is left, and gives up after TIMEOUT


def wanted_exporters(environment: Mapping[str, str]) -> tuple[list[str], str]:
    """The exporters that the variables name, and what is wrong with them; none where nothing is asked for.

    >>> wanted_exporters({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"})
    (['otlp'], '')
    """
    named = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    endpoint = any(environment.get(name) for name in ENDPOINTS)
    disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if disabled or named == "none" or not (named or endpoint):
        return [], ""
    exporters = [one.strip() for one in (named or "otlp").split(",") if one.strip()]
    for one in exporters:
        if one not in EXPORTERS:
            return [], f"OTEL_TRACES_EXPORTER is {one!r}. Use {', '.join(EXPORTERS)} or none."
    protocol = next((environment[name] for name in PROTOCOLS if environment.get(name)), "http/protobuf")
    if "otlp" in exporters and protocol != "http/protobuf":
        return [], f"the protocol is {protocol!r}. Set {PROTOCOLS[1]} to http/protobuf; its port is 4318."
    return exporters, ""


def _provider(exporters: list[str], note: Callable[[str], None]) -> Any:
    """A provider of tracers; None, and a note, where the extra is not installed."""
    try:
        import openinference.instrumentation.langchain  # noqa: F401  # said here rather than later
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import (
            BatchSpanProcessor,
            ConsoleSpanExporter,
            SimpleSpanProcessor,
        )
    except ImportError as error:
        note(f"No traces are sent: {error.name} is not installed. {INSTALL}")
        return None
    named = "OTEL_SERVICE_NAME" in os.environ or "service.name" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    provider = TracerProvider(resource=Resource.create({} if named else {"service.name": "ragweave"}))
    for one in exporters:
        if one == "console":  # standard output is for the answer
            provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stderr)))
        else:
            timeout = None if any(name in os.environ for name in TIMEOUTS) else TIMEOUT
            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=timeout)))
    return provider
