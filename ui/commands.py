"""The commands: flags in, one result out. Each opens what it needs and closes it.

Nothing heavy is imported before a command runs, so that `ragweave --help` answers at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from .adapter_commands import ADAPTER_COMMANDS
from .errors import UsageError
from .shared_options import Call, command
from .steps import OFF

__all__ = ["application"]

Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="SPEC",
        help="Chat model: none (quotes), a folder or hub id, http://HOST:PORT/v1#NAME, PROVIDER:NAME.  "
        "[default: none]",
    ),
]
K = Annotated[int | None, typer.Option("-k", metavar="N", help="Passages to find.  [default: 8]")]
Filter = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="EXPR",
        help="Only documents with KEY=V, KEY=A,B, KEY!=V, KEY>=V, KEY<=V, KEY>V or KEY<V; repeat for more.",
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="STEP", help="Leave a step out, such as rerank; repeat for more."),
]
Also = Annotated[
    list[str] | None,
    typer.Option(
        "--also", metavar="STEP", help=f"Take a step in that is off at first: {', '.join(sorted(OFF))}."
    ),
]


def ingest(
    call: Call,
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files, folders or patterns.")],
    delete_missing: Annotated[
        bool, typer.Option("--delete-missing", help="Also delete what left the folders given.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
) -> int:
    """Take documents into the knowledge base; what did not change costs nothing."""
    from .rendering import draw_report
    from .wiring import open_kb

    with open_kb(call.load().settings) as kb, call.output.ingest_progress() as on_progress:
        report = kb.ingest(paths, delete_missing=delete_missing, dry_run=dry_run, on_progress=on_progress)
    call.output.result(report.as_dict(), lambda console: draw_report(console, report, dry_run=dry_run))
    return 1 if report.failed else 0


def delete(
    call: Call,
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE", help="Names as `ragweave sources` lists them.")
    ],
) -> int:
    """Delete sources by name, and check that their text is no longer found."""
    from .rendering import draw_report
    from .wiring import open_kb

    with open_kb(call.load().settings) as kb:
        report = kb.delete(sources)
    call.output.result(report.as_dict(), lambda console: draw_report(console, report))
    return 1 if report.failed else 0


def list_sources(call: Call) -> None:
    """List what the knowledge base holds."""
    from .rendering import draw_sources
    from .wiring import open_kb

    settings = call.load().settings
    with open_kb(settings) as kb:
        sources = kb.sources()
    if not sources:
        call.output.note(_empty(settings.kb.url))
    call.output.result({"sources": sources}, lambda console: draw_sources(console, sources))


def search(
    call: Call,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Words or a question.")],
    k: K = None,
    alpha: Annotated[
        float | None,
        typer.Option(
            "--alpha",
            metavar="A",
            help="Weight of vectors against keywords, 0 to 1.  [default: a measured one]",
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option("--mode", metavar="M", help="hybrid, keyword or vector.  [default: hybrid]"),
    ] = None,
    filter: Filter = None,
) -> None:
    """Find the passages that fit a query."""
    from .filter_expression import parse_filters
    from .rendering import draw_documents
    from .wiring import open_kb

    settings = call.load(search_k=k, search_alpha=alpha, search_mode=mode).settings
    given, where = settings.search, parse_filters(filter or ())
    with open_kb(settings) as kb:
        documents = kb.search(query, k=given.k, alpha=given.alpha, mode=given.mode, filter=where or None)
        if not documents and not kb.sources():
            call.output.note(_empty(settings.kb.url))
    call.output.result({"documents": documents}, lambda console: draw_documents(console, documents))


def ask(
    call: Call,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question, in one argument.")],
    model: Model = None,
    adapter: Annotated[
        str | None,
        typer.Option(
            "--adapter",
            metavar="NAME",
            help="Adapter that words the answer, or NAME@VERSION.  [default: the base model]",
        ),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            "--history",
            metavar="FILE",
            help='Earlier turns: a JSON list of {"role", "content"} objects or [role, text] pairs.',
        ),
    ] = None,
    k: K = None,
    filter: Filter = None,
    without: Without = None,
    also: Also = None,
    trace: Annotated[bool, typer.Option("--trace", help="Show the steps that made the answer.")] = False,
) -> None:
    """Answer a question from the documents, with the sources of every statement."""
    from .answering import read_history, write_answer
    from .filter_expression import parse_filters
    from .telemetry import telemetry
    from .wiring import check_adapter, open_chain, open_kb, settings_model, takes_adapters

    settings = call.load(
        model_spec=model, search_k=k, chain_without=without or None, chain_also=also or None
    ).settings
    if not question.strip():
        raise UsageError("The question is empty.", remedy="Give a question in quotes.")
    turn: dict[str, object] = {"question": question, "history": read_history(history) if history else []}
    if where := parse_filters(filter or ()):
        turn["filter"] = where
    with telemetry(call.output.note), settings_model(settings) as opened, open_kb(settings) as kb:
        if adapter is not None:
            check_adapter(opened, adapter, settings.model.spec)
        named = takes_adapters(opened)
        with open_chain(settings, kb, opened, note=call.output.note) as chain:
            write_answer(call.output, chain, turn, trace=trace, adapter=adapter, signed=named)
        if not kb.count() and not any(route.kb for route in settings.routes):
            call.output.note(_empty(settings.kb.url))


def chat(
    call: Call,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="Files, folders or patterns, ingested first."),
    ] = None,
    model: Model = None,
    without: Without = None,
    also: Also = None,
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="H", help="Address to listen on.  [default: 127.0.0.1]"),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="P", help="Port to listen on.  [default: 7860]")
    ] = None,
) -> int:
    """Open the web chat; the PATHs are ingested first."""
    from .web_chat import run_chat

    loaded = call.load(
        model_spec=model,
        ui_host=host,
        ui_port=port,
        chain_without=without or None,
        chain_also=also or None,
    )
    return run_chat(call.output, loaded.settings, paths or [])


def doctor(call: Call) -> int:
    """Check the installation and the knowledge base, and say what to do about what is not in order."""
    from .doctor import examine
    from .rendering import draw_checks

    checks = examine(call.load())
    call.output.result({"checks": checks}, lambda console: draw_checks(console, checks))
    return 1 if any(check.status == "FAIL" for check in checks) else 0


def show_config(call: Call) -> None:
    """Print every setting, its value and where it came from."""
    from .rendering import draw_settings

    loaded = call.load()
    settings = [
        {"name": name, "value": loaded.value(name), "from": origin} for name, origin in loaded.origins.items()
    ]
    call.output.result(
        {"settings": settings, "file": None if loaded.file is None else str(loaded.file)},
        lambda console: draw_settings(console, loaded),
    )


def _empty(url: str) -> str:
    from .wiring import how_to_fill

    return f"The knowledge base {how_to_fill(url)}"


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ragweave {version('ragweave')}")
        raise typer.Exit


def _top(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Answers from your documents, with the words they stand on."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def application() -> typer.Typer:
    """The command line."""
    # Plain help: rich would double the time to the first line, and the documents quote it as it is.
    app = typer.Typer(
        name="ragweave", rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False
    )
    app.callback(invoke_without_command=True)(_top)
    for name, (function, summary) in COMMANDS.items():
        app.command(name, short_help=summary)(command(function))
    config = typer.Typer(help="Show the settings in force.", rich_markup_mode=None)
    config.callback()(_group)  # keeps `show` a sub-command though it is the only one
    config.command("show")(command(show_config))
    app.add_typer(config, name="config")
    adapters = typer.Typer(help="List, check, add and export adapters.", rich_markup_mode=None)
    for name, (function, summary) in ADAPTER_COMMANDS.items():
        adapters.command(name, short_help=summary)(command(function))
    app.add_typer(adapters, name="adapters")
    return app


def _group() -> None:
    """Show the settings in force."""


COMMANDS: dict[str, tuple[Callable[..., int | None], str]] = {
    "ingest": (ingest, "Take documents into the knowledge base."),
    "delete": (delete, "Delete sources from the knowledge base."),
    "sources": (list_sources, "List what the knowledge base holds."),
    "search": (search, "Find the passages that fit a query."),
    "ask": (ask, "Answer a question, with its sources."),
    "chat": (chat, "Open the web chat."),
    "doctor": (doctor, "Check the installation and the knowledge base."),
}
