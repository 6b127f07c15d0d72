"""Fifty adapters on one base model, all asked at once: each answer comes from its own adapter.

python examples/many_adapters.py                       # a tiny random model, made on the spot
python examples/many_adapters.py models/qwen adapters  # your base model, your folder of adapters
"""

import sys
import tempfile
import time
from pathlib import Path

from langchain_core.runnables import RunnableConfig
from tiny_model import make_adapters, make_base

from ragweave.adapters import ChatLora

QUESTION = "What do you say?"


def main(base: Path, adapters: dict[str, Path]) -> None:
    names = ["base", *adapters]
    with ChatLora(base, adapters=adapters, slots=8, max_tokens=16) as model:
        model.load()
        started = time.perf_counter()
        each: list[RunnableConfig] = [{"configurable": {"adapter": name}} for name in names]
        answers = model.batch([QUESTION] * len(names), each)  # a config for each input
        seconds = time.perf_counter() - started
        for name, answer in zip(names, answers, strict=True):
            wrote = answer.response_metadata
            assert wrote["adapter"] == ("" if name == "base" else name)
            print(f"{name:12} {wrote['adapter_version'][:8]:8}  {str(answer.content)[:40]!r}")
        print(f"{len(adapters)} adapters and the base, 8 slots: {len(answers)} answers in {seconds:.1f} s")
        print(f"{len({str(answer.content) for answer in answers})} different answers")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        folders = sorted(path.parent for path in Path(sys.argv[2]).glob("*/adapter_config.json"))
        main(Path(sys.argv[1]), {folder.name: folder for folder in folders})
    else:
        with tempfile.TemporaryDirectory() as made:
            tiny = make_base(Path(made) / "base")
            main(tiny, make_adapters(tiny, Path(made), [f"customer{n:02}" for n in range(1, 51)]))
