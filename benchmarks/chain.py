"""Every step of the chain, measured: tables, each with what is required. A part a script; all of them here.

Run: python benchmarks/chain.py [--only condense,routing] [--every N]

`--every N` takes every N-th question, for a quick look. Each part says in its own docstring how its sets are
split; nothing is tuned on what it reports.
"""

from __future__ import annotations

import argparse
import importlib
import time

PARTS = (
    "condense",
    "queries",
    "routing",
    "ranking",
    "freshness",
    "context",
    "injection",
    "abstention",
    "grounding",
    "overhead",
)
WHOLE = ("overhead",)  # what has no --every


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    parser.add_argument("--every", type=int, help="take every N-th question")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: choose of {', '.join(PARTS)}")
    missed: list[str] = []
    for part in chosen:
        started = time.perf_counter()
        print(f"\n# {part}", flush=True)
        every = ["--every", str(options.every)] if options.every and part not in WHOLE else []
        reached = importlib.import_module(f"chain_{part}").main(every)
        print(f"\n{part}: {time.perf_counter() - started:.0f} s, {'reached' if reached else 'MISSED'}")
        missed += [] if reached else [part]
    print(f"\nMissed: {', '.join(missed) or 'nothing'}")
    raise SystemExit(bool(missed))


if __name__ == "__main__":
    main()
