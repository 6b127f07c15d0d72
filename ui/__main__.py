"""The `ragweave` command. Every error ends here: one object or two lines, and an exit code."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from .commands import application
from .errors import UsageError, explain
from .output import Output

__all__ = ["main"]

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 something failed, 2 wrong use."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    flags = given[: given.index("--")] if "--" in given else given
    output = Output(json="--json" in flags)  # known before the command line is parsed: that may fail too
    try:
        code = application()(args=given, prog_name="ragweave", standalone_mode=False, obj=output)
        return int(code or 0)
    except Exception as error:
        explanation = explain(_wrong_use(error) or error)
        if output.verbose or not explanation.expected:
            log.log(logging.ERROR if output.verbose else logging.DEBUG, "The command failed", exc_info=error)
        output.error(explanation)
        return explanation.exit_code


def _wrong_use(error: Exception) -> UsageError | None:
    """The parser's own errors by their shape: typer has changed their classes between releases."""
    show = getattr(error, "format_message", None)
    if show is None or getattr(error, "exit_code", None) != 2:
        return None
    said = str(show())
    quotes = "Put a question or query of several words in quotes. " if "extra argument" in said else ""
    return UsageError(
        said, remedy=f"{quotes}`ragweave --help` and `ragweave COMMAND --help` list what there is."
    )


if __name__ == "__main__":
    sys.exit(main())
