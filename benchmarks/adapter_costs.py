"""What adapters cost: many in one batch, one after another, switched and loaded while others run.

Run: python benchmarks/adapters.py [--quick] [--rounds 5] [--threads 2] [--only steps traffic ...]

A random Qwen2 (168M: hidden 1024, 12 layers, MLP 2816, 16/4 heads, vocabulary 32k, float32) and random
adapters of rank 16 on all linear layers, batch 8, prompts of 64 tokens, 64 new tokens a row, greedy, no early
stop. peft runs in the same step loop, with the same cache of keys and values, on the same weights. Rounds are
interleaved; each figure is the median over rounds; the base runs twice, so that the noise is seen. `turns`
compares single decode steps that take turns, which a machine that grows slower meanwhile disturbs least.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from adapter_models import (
    QUICK,
    SHAPE_168M,
    Setting,
    load_model,
    middle,
    random_weights,
    twin,
    write_adapter,
    write_base,
)
from adapter_peft import NoSlots, PeftInLoop
from adapter_traffic import measure_chain, measure_engine, measure_loads, measure_stall, measure_traffic
from adapter_turns import measure_turns

from ragweave.adapters.records import Sampling
from ragweave.adapters.runner import Prompt, Runner
from ragweave.adapters.sampling import Choice, TokenChooser, choose
from ragweave.adapters.slot_pool import SlotPool

BATCH = 8
PROMPT_TOKENS = 64
NEW_TOKENS = 64
DISTINCT = tuple(range(1, BATCH + 1))


@dataclass(frozen=True)
class Timing:
    """Seconds of one run, and the tokens it gave."""

    prefill: float
    decode: float
    tokens: tuple[tuple[int, ...], ...] = field(default=(), repr=False)

    @property
    def total(self) -> float:
        return self.prefill + self.decode


# -- the step loop that every variant runs in --------------------------------------------------------------


def run_loop(runner: Runner, slots: Sequence[int], setting: Setting) -> Timing:
    """All prompts in one prefill, then a step a token."""
    choosers = [TokenChooser(Sampling(), prompt) for prompt in setting.prompts]
    began = time.perf_counter()
    logits, held = runner.prefill(
        [Prompt(ids, slot) for ids, slot in zip(setting.prompts, slots, strict=True)]
    )
    steps = [chosen(logits, choosers)]
    for keys_and_values, slot in zip(held, slots, strict=True):
        runner.append(keys_and_values, slot)
    middle = time.perf_counter()
    for _ in range(setting.new_tokens - 1):
        steps.append(chosen(runner.decode(steps[-1]), choosers))
        runner.advance()
    ended = time.perf_counter()
    runner.clear()
    return Timing(middle - began, ended - middle, tuple(zip(*steps, strict=True)))


def chosen(logits: torch.Tensor, choosers: Sequence[TokenChooser]) -> list[int]:
    return [result.token for result in choose(logits, choosers) if isinstance(result, Choice)]


def one_at_a_time(runner: Runner, slots: Sequence[int], setting: Setting) -> Timing:
    """The same requests, each alone."""
    parts = [
        run_loop(runner, [slot], replace(setting, prompts=(prompt,)))
        for prompt, slot in zip(setting.prompts, slots, strict=True)
    ]
    return Timing(
        sum(part.prefill for part in parts),
        sum(part.decode for part in parts),
        tuple(part.tokens[0] for part in parts),
    )


def static_generate(model: Any, setting: Setting) -> Timing:
    """transformers' own loop; a prefill is a generation of one token."""
    ids = torch.tensor(setting.prompts)

    def seconds(count: int) -> tuple[float, Any]:
        began = time.perf_counter()
        answer = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, do_sample=False, pad_token_id=0
        )
        return time.perf_counter() - began, answer

    prefill, _ = seconds(1)
    total, answer = seconds(setting.new_tokens)
    return Timing(prefill, total - prefill, tuple(map(tuple, answer[:, ids.shape[1] :].tolist())))


# -- tables ------------------------------------------------------------------------------------------------


def measure_steps(setting: Setting) -> None:
    """The rows of the table that compare step loops."""
    plain = load_model(setting.base)
    slotted = twin(plain)
    pool = SlotPool(BATCH)
    pool.wrap(slotted)
    folders = []
    for slot in DISTINCT:
        folders.append(write_adapter(setting.folder / f"adapter-{slot}", setting.shape, seed=slot))
        pool.write(slot, random_weights(setting.shape, seed=slot))
    base = Runner(plain, NoSlots(), rows=BATCH)  # type: ignore[arg-type]  # no layer of it is wrapped
    ours = Runner(slotted, pool, rows=BATCH)
    peft = PeftInLoop(twin(plain), folders, rows=BATCH)
    distinct = [str(slot) for slot in DISTINCT]
    everyone = [0] * BATCH
    variants: dict[str, Callable[[], Timing]] = {
        "base": lambda: run_loop(base, everyone, setting),
        "base again": lambda: run_loop(base, everyone, setting),
        "own, base rows": lambda: run_loop(ours, everyone, setting),
        "own, 8 adapters": lambda: run_loop(ours, DISTINCT, setting),
        "own, one adapter": lambda: run_loop(ours, [1] * BATCH, setting),
        "own, one at a time": lambda: one_at_a_time(ours, DISTINCT, setting),
        "peft, 8 adapters": lambda: run_loop(peft.runner(distinct), everyone, setting),
        "peft, one adapter": lambda: run_loop(peft.runner(None), everyone, setting),
        "generate, base": lambda: static_generate(plain, setting),
    }
    runs = interleaved(variants, setting.rounds)
    print_runs(runs)
    print_ratios(runs)
    print_agreement(runs)
    print_switches(ours, peft)


def interleaved(variants: dict[str, Callable[[], Timing]], rounds: int) -> dict[str, list[Timing]]:
    """Every variant once a round, each round beginning with another; a first round warms up."""
    runs: dict[str, list[Timing]] = {name: [] for name in variants}
    names = list(variants)
    for round_ in range(rounds + 1):
        for name in names[round_ % len(names) :] + names[: round_ % len(names)]:
            timing = variants[name]()
            if round_:
                runs[name].append(timing)
    return runs


def print_runs(runs: dict[str, list[Timing]]) -> None:
    print(f"{'seconds (medians)':28} {'prefill':>8} {'decode':>8} {'total':>8} {'lowest':>8} {'highest':>8}")
    for name, timings in runs.items():
        decodes = [timing.decode for timing in timings]
        print(
            f"{name:28} {middle([t.prefill for t in timings]):8.3f} {middle(decodes):8.3f} "
            f"{middle([t.total for t in timings]):8.3f} {min(decodes):8.3f} {max(decodes):8.3f}"
        )


# name, what is slower or the reference, what is compared with it, at least
RATIOS = (
    ("noise: base again / base", "base", "base again", ""),
    ("own base rows, share of base", "base", "own, base rows", ""),
    ("8 adapters, share of base", "base", "own, 8 adapters", ".88"),
    ("  peft, share of base", "base", "peft, 8 adapters", ""),
    ("8 adapters against peft", "peft, 8 adapters", "own, 8 adapters", "1.15"),
    ("one adapter, share of base", "base", "own, one adapter", ".92"),
    ("  peft, share of base", "base", "peft, one adapter", ""),
    ("mixed against one at a time", "own, one at a time", "own, 8 adapters", "2.2"),
    ("own base rows against generate", "generate, base", "own, base rows", ".97"),
)


def print_ratios(runs: dict[str, list[Timing]]) -> None:
    """How many times faster than the reference; the median of the rounds' own ratios."""
    print(f"\n{'throughput ratio':34} {'prefill':>8} {'decode':>8} {'total':>8}   decode at least")
    for label, reference, compared, least in RATIOS:
        pairs = list(zip(runs[reference], runs[compared], strict=True))
        print(
            f"{label:34} {middle([a.prefill / b.prefill for a, b in pairs]):8.3f} "
            f"{middle([a.decode / b.decode for a, b in pairs]):8.3f} "
            f"{middle([a.total / b.total for a, b in pairs]):8.3f}   {least}"
        )


def print_agreement(runs: dict[str, list[Timing]]) -> None:
    """Whether all gave the same tokens; nearly equal logits may part two that are right."""
    print("\nanswers that are token for token the same:")
    for one, other in (
        ("own, 8 adapters", "peft, 8 adapters"),
        ("own, 8 adapters", "own, one at a time"),
        ("own, one adapter", "peft, one adapter"),
        ("own, base rows", "generate, base"),
    ):
        pairs = list(zip(runs[one][0].tokens, runs[other][0].tokens, strict=True))
        print(f"  {one} and {other}: {sum(a == b for a, b in pairs)} of {len(pairs)}")


def print_switches(ours: Runner, peft: PeftInLoop) -> None:
    """Rows change adapters between two steps: ours names slots, peft activates an adapter."""
    turns = [list(DISTINCT), [1] * BATCH, list(reversed(DISTINCT))]

    def own(turn: int) -> None:
        ours.pool.begin(turns[turn % 3])
        ours.pool.end()

    own_ms = 1e3 * middle([seconds_of(partial(own, turn)) for turn in range(300)])
    activate = peft.adapted.set_adapter
    peft_ms = 1e3 * middle([seconds_of(partial(activate, str(turn % 8 + 1))) for turn in range(24)])
    print(f"\nswitch, 8 loaded: own {own_ms:.4f} ms (at most .1), peft set_adapter {peft_ms:.1f} ms")


def seconds_of(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


PARTS: dict[str, Callable[[Setting], None]] = {
    "turns": measure_turns,
    "steps": measure_steps,
    "engine": measure_engine,
    "traffic": measure_traffic,
    "loads": measure_loads,
    "stall": measure_stall,
    "chain": measure_chain,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a small shape: shows that it runs, no numbers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    dice = torch.Generator().manual_seed(0)
    shape = QUICK if arguments.quick else SHAPE_168M
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(
            shape=shape,
            folder=Path(folder),
            base=write_base(Path(folder) / "base", shape),
            quick=arguments.quick,
            rounds=arguments.rounds,
            prompts=tuple(
                tuple(torch.randint(shape.vocabulary, (PROMPT_TOKENS,), generator=dice).tolist())
                for _ in range(BATCH)
            ),
            new_tokens=8 if arguments.quick else NEW_TOKENS,
        )
        print(f"{shape}, torch {torch.__version__}, {arguments.threads} threads, {setting.rounds} rounds\n")
        for part in arguments.only:
            print(f"-- {part}")
            PARTS[part](setting)
            print(flush=True)
