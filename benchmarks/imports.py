"""What the doors cost: importing them in a fresh process, interleaved with what LangChain's own cost.

Run: python benchmarks/imports.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

DOORS = {
    "langchain_core": "import langchain_core.retrievers, langchain_core.language_models",
    "langchain_core again": "import langchain_core.retrievers, langchain_core.language_models",
    "import ragweave.chains": "import ragweave.chains",
    "KnowledgeBase, rag_chain": "from ragweave.chains import KnowledgeBase, rag_chain",
}
TIMED = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"


def imported(code: str) -> float:
    printed = subprocess.run(
        [sys.executable, "-c", TIMED.format(code)], capture_output=True, text=True, check=True
    ).stdout
    return float(printed)


def command() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "ragweave.ui", "--help"], capture_output=True, check=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    taken: dict[str, list[float]] = {name: [] for name in [*DOORS, "ragweave --help"]}
    for _ in range(rounds):
        for name, code in DOORS.items():
            taken[name].append(imported(code))
        taken["ragweave --help"].append(command())
    print(f"{'door':26} {'median s':>8} {'min':>6} {'max':>6}  / langchain_core")
    for name, values in taken.items():
        ratios = [a / b for a, b in zip(values, taken["langchain_core"], strict=True)]
        print(
            f"{name:26} {statistics.median(values):8.3f} {min(values):6.3f} {max(values):6.3f}"
            f"  {statistics.median(ratios):.2f}"
        )


if __name__ == "__main__":
    main()
