"""Decode steps that take turns: one of each kind, over and over, so that all meet the same machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from adapter_models import Setting, load_model, middle, random_weights, twin, write_adapter
from adapter_peft import NoSlots, PeftInLoop
from transformers.cache_utils import DynamicCache

from ragweave.adapters.runner import Prompt, Runner
from ragweave.adapters.slot_pool import SlotPool

WARM_UP = 3


@dataclass
class Lane:
    """One kind of step: `act` makes it."""

    act: Callable[[], object]
    seconds: list[float] = field(default_factory=list)

    def turn(self) -> None:
        began = time.perf_counter()
        self.act()
        self.seconds.append(time.perf_counter() - began)

    @property
    def ms(self) -> float:
        return 1e3 * middle(self.seconds[WARM_UP:])


class Rows:
    """The setting's prompts, read by a runner; each step goes on from the one before."""

    def __init__(self, runner: Runner, setting: Setting) -> None:
        self.runner = runner
        logits, held = runner.prefill([Prompt(ids, 0) for ids in setting.prompts])
        for each in held:
            runner.append(each, 0)
        self.tokens: list[int] = logits.argmax(-1).tolist()

    def step(self, slots: Sequence[int]) -> None:
        self.runner.slots = list(slots)
        self.tokens = self.runner.decode(self.tokens).argmax(-1).tolist()
        self.runner.advance()


def measure_turns(setting: Setting) -> None:
    """A step of the base, of adapters here, of adapters in peft, and of transformers' own cache, in turns."""
    plain = load_model(setting.base)
    count = len(setting.prompts)
    base, distinct, one = [0] * count, list(range(1, count + 1)), [1] * count
    bare = Rows(Runner(plain, NoSlots(), rows=count), setting)  # type: ignore[arg-type]  # no layer is wrapped
    slotted = twin(plain)
    pool = SlotPool(count)
    pool.wrap(slotted)
    for slot in distinct:
        pool.write(slot, random_weights(setting.shape, seed=slot))
    ours = Rows(Runner(slotted, pool, rows=count), setting)
    folders = [write_adapter(setting.folder / f"turn-{s}", setting.shape, seed=s) for s in distinct]
    peft = PeftInLoop(twin(plain), folders, rows=count)
    theirs = Rows(peft.runner(None), setting)

    def peft_step(names: list[str] | None) -> None:
        peft.names = names
        theirs.step(base)

    lanes = {
        "base": Lane(lambda: bare.step(base)),
        "own, base rows": Lane(lambda: ours.step(base)),
        "own, 8 adapters": Lane(lambda: ours.step(distinct)),
        "own, one adapter": Lane(lambda: ours.step(one)),
        "peft, 8 adapters": Lane(lambda: peft_step([str(slot) for slot in distinct])),
        "peft, one adapter": Lane(lambda: peft_step(None)),
        "transformers' cache": Lane(growing_cache(plain, setting)),
        "base again": Lane(lambda: bare.step(base)),
    }
    for _ in range(setting.new_tokens + WARM_UP):
        for lane in lanes.values():
            lane.turn()
    print(f"{'one step of 8 rows':24} {'ms':>7}   share of base (both)")
    both = middle(lanes["base"].seconds[WARM_UP:] + lanes["base again"].seconds[WARM_UP:]) * 1e3
    for name, lane in lanes.items():
        print(f"{name:24} {lane.ms:7.1f}   {both / lane.ms:.3f}")
    print(f"8 adapters against peft  {lanes['peft, 8 adapters'].ms / lanes['own, 8 adapters'].ms:7.3f}")


def growing_cache(model: Any, setting: Setting) -> Callable[[], None]:
    """A step as `generate` makes it, without its own work around the step."""
    cache = DynamicCache()
    ids = torch.tensor(setting.prompts)
    with torch.inference_mode():
        logits = model(input_ids=ids, cache=cache, use_cache=True, logits_to_keep=1).logits
    tokens = [logits[:, -1].argmax(-1)]

    def step() -> None:
        with torch.inference_mode():
            mask = torch.ones((len(ids), cache.get_seq_length() + 1), dtype=torch.long)
            made = model(
                input_ids=tokens[-1][:, None],
                attention_mask=mask,
                cache=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            tokens.append(made.logits[:, -1].argmax(-1))

    return step
