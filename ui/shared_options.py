"""The flags that every command takes, declared once, and the call that a command gets from them."""

from __future__ import annotations

import inspect
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from .output import Output

if TYPE_CHECKING:
    from .settings import Loaded

__all__ = ["Call", "command"]

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
PIPE_CLOSED = 141  # 128 + SIGPIPE

SHARED: dict[str, tuple[Any, Any]] = {
    "kb": (
        Annotated[
            str | None,
            typer.Option(
                "--kb",
                metavar="URL",
                help="Knowledge base: a folder or a weaviate:// address.  [default: .ragweave/kb]",
            ),
        ],
        None,
    ),
    "tenant": (
        Annotated[
            str | None, typer.Option("--tenant", metavar="T", help="Tenant whose documents alone are seen.")
        ],
        None,
    ),
    "adapters": (
        Annotated[
            str | None,
            typer.Option(
                "--adapters", metavar="DIR", help="Folder of adapters.  [default: .ragweave/adapters]"
            ),
        ],
        None,
    ),
    "config": (
        Annotated[
            Path | None,
            typer.Option(
                "--config", metavar="FILE", help="Settings file.  [default: ragweave.toml, if there]"
            ),
        ],
        None,
    ),
    "json": (Annotated[bool, typer.Option("--json", help="Print one JSON object.")], False),
    "quiet": (Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")], False),
    "verbose": (Annotated[bool, typer.Option("--verbose", "-v", help="Print logs and tracebacks.")], False),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a command: where to write, and the settings that its flags give."""

    output: Output
    kb: str | None
    tenant: str | None
    adapters: str | None
    config: Path | None

    def load(self, **flags: object) -> Loaded:
        """The settings in force; a flag of the command is given as `section_key=value`."""
        from .settings import load_settings

        shared = {"kb.url": self.kb, "kb.tenant": self.tenant, "adapters.dir": self.adapters}
        own = {name.replace("_", ".", 1): value for name, value in flags.items()}
        return load_settings(shared | own, config=self.config)


def command(function: Callable[..., int | None]) -> Callable[..., int]:
    """Add the shared flags to a command, and hand it a `Call` as its first argument."""
    hints = get_type_hints(function, include_extras=True)
    own = list(inspect.signature(function).parameters.values())[1:]
    parameters = [parameter.replace(annotation=hints[parameter.name]) for parameter in own]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in SHARED.items()
    ]
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_ONLY, annotation=typer.Context)

    def run(context: typer.Context, **given: Any) -> int:
        output: Output = context.obj
        output.json, output.quiet, output.verbose = (given.pop(name) for name in ("json", "quiet", "verbose"))
        _log(verbose=output.verbose)
        shared = {name: given.pop(name) for name in ("kb", "tenant", "adapters", "config")}
        # Typer would swallow these two before `main` sees them.
        try:
            with output.reserved():
                return function(Call(output, **shared), **given) or 0
        except KeyboardInterrupt:
            output.note("\nInterrupted. What was ingested stays; the same command goes on from there.")
            return INTERRUPTED
        except BrokenPipeError:  # the reader left, as `head` does: nothing to say, nothing to write at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return PIPE_CLOSED

    run.__name__ = function.__name__
    run.__doc__ = function.__doc__
    run.__annotations__ = {
        "context": typer.Context,
        **{parameter.name: parameter.annotation for parameter in parameters},
    }
    run.__signature__ = inspect.Signature([context, *parameters])  # type: ignore[attr-defined]  # typer reads it
    return run


def _log(*, verbose: bool) -> None:
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("ragweave").setLevel(logging.INFO if verbose else logging.WARNING)
    logging.captureWarnings(True)  # of libraries, for developers: some switch theirs on by themselves
    logging.getLogger("py.warnings").setLevel(logging.WARNING if verbose else logging.ERROR)
