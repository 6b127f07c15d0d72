"""Rows side by side, each against the model's own plain forward of that row alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from ragweave.adapters.errors import AdapterError
from ragweave.adapters.runner import Prompt, Runner
from ragweave.adapters.slot_pool import SlotPool
from ragweave.adapters.step_slots import BASE_SLOT
from ragweave.adapters.weights import AdapterWeights, LoraPair

SHAPE: dict[str, Any] = {
    "vocab_size": 128,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": 2,
}
MIXED = ["sliding_attention", "full_attention"]
# Window 8: every prompt and answer below goes past it.
SLIDING: dict[str, dict[str, Any]] = {
    "mistral": {"sliding_window": 8},  # every layer slides, and the configuration names no kinds
    "mixtral": {"sliding_window": 8, "num_local_experts": 2},
    "phi3": {"sliding_window": 8},
    "gemma2": {"sliding_window": 8, "head_dim": 8, "layer_types": MIXED},
    "gemma3_text": {"sliding_window": 8, "head_dim": 8, "layer_types": MIXED},
    "qwen2": {"sliding_window": 8, "use_sliding_window": True, "layer_types": MIXED},
    "qwen3": {"sliding_window": 8, "use_sliding_window": True, "layer_types": ["sliding_attention"] * 2},
}
SMALL = {"vocab_size": 128, "hidden_size": 32}
STRANGE: dict[str, dict[str, Any]] = {
    "bloom": {**SMALL, "n_layer": 2, "n_head": 4},  # ALiBi, from a mask of the caller's
    "mamba": {**SMALL, "num_hidden_layers": 2, "state_size": 4},
    "rwkv": {**SMALL, "num_hidden_layers": 2, "attention_hidden_size": 32, "context_length": 64},
    "llama4_text": {
        **SHAPE,
        "num_hidden_layers": 4,
        "head_dim": 8,
        "attention_chunk_size": 8192,  # far beyond what a short trial would show
        "num_local_experts": 2,
        "intermediate_size_mlp": 48,
    },
}


@cache
def model_of(kind: str) -> Any:
    """A random model of this architecture; Llama is the plain one."""
    settings = STRANGE.get(kind) or SHAPE | SLIDING.get(kind, {})
    build: Any = AutoModelForCausalLM.from_config  # untyped
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return build(CONFIG_MAPPING[kind](**settings)).eval()


@torch.inference_mode()
def alone(model: Any, ids: Sequence[int]) -> Tensor:
    """Logits of the last token, in one forward without a cache."""
    logits: Tensor = model(input_ids=torch.tensor([list(ids)]), use_cache=False).logits
    return logits[0, -1]


def close(found: Tensor, expected: Tensor) -> bool:
    """The same but for rounding."""
    return bool(torch.allclose(found, expected, atol=1e-4, rtol=1e-4))


def ids_of(length: int, seed: int) -> list[int]:
    """A random prompt."""
    generator = torch.Generator().manual_seed(seed)
    numbers: list[int] = torch.randint(3, 128, (length,), generator=generator).tolist()
    return numbers


def runner_of(kind: str = "llama", rows: int = 8) -> Runner:
    """A runner without adapters."""
    pool = SlotPool(2)
    pool.wrap(model_of(kind))
    return Runner(model_of(kind), pool, rows=rows)


def adapted_runner() -> Runner:
    """A runner with an adapter in each of two slots, over a model of its own, whose layers get wrapped."""
    model, pool = deepcopy(model_of("llama")), SlotPool(2)
    pool.wrap(model)
    generator = torch.Generator().manual_seed(0)
    for slot in (1, 2):
        a, b = torch.randn(4, 32, generator=generator), torch.randn(48, 4, generator=generator)
        pool.write(slot, AdapterWeights(linear={"model.layers.0.mlp.up_proj": LoraPair(a, b, 1.0)}))
    return Runner(model, pool, rows=4)


def start(runner: Runner, prompts: Sequence[Sequence[int]], slot: int = BASE_SLOT) -> list[list[int]]:
    """Let prompts run: what each row has seen, with the first token of its answer."""
    logits, held = runner.prefill([Prompt(ids, slot) for ids in prompts])
    for each in held:
        runner.append(each, slot)
    return [[*ids, int(row.argmax())] for ids, row in zip(prompts, logits, strict=True)]


LENGTHS = (1, 5, 17, 17, 40)


def test_prompts_of_different_lengths_in_one_forward_equal_each_alone() -> None:
    runner = runner_of()
    prompts = [ids_of(length, seed) for seed, length in enumerate(LENGTHS)]

    logits, held = runner.prefill([Prompt(ids, BASE_SLOT) for ids in prompts])

    assert all(close(row, alone(runner.model, ids)) for row, ids in zip(logits, prompts, strict=True))
    for ids, layers in zip(prompts, held, strict=True):
        _, ((*_, (keys, values)),) = runner.prefill([Prompt(ids, BASE_SLOT)])
        assert close(layers[-1][0], keys)
        assert close(layers[-1][1], values)


@pytest.mark.parametrize("kind", ["llama", *SLIDING])
@pytest.mark.parametrize("piece", [1, 7, 16, 100])
def test_a_prompt_read_in_pieces_equals_the_whole(kind: str, piece: int) -> None:
    runner = runner_of(kind)
    prompt = Prompt(ids_of(33, 1), BASE_SLOT)

    while prompt.left:
        logits = runner.extend(prompt, piece)

    assert close(logits[0], alone(runner.model, prompt.ids))
    runner.append(runner.held(prompt), BASE_SLOT)
    assert close(runner.decode([7])[0], alone(runner.model, [*prompt.ids, 7]))


@pytest.mark.parametrize("kind", ["llama", *SLIDING])
def test_thirty_tokens_of_rows_side_by_side_equal_each_alone(kind: str) -> None:
    runner = runner_of(kind)
    runner.check()
    seen = start(runner, [ids_of(length, seed) for seed, length in enumerate(LENGTHS)])

    for step in range(30):
        logits = runner.decode([row[-1] for row in seen])
        runner.advance()
        if step % 5 == 0 or step == 29:
            assert all(close(row, alone(runner.model, ids)) for row, ids in zip(logits, seen, strict=True))
        for ids, row in zip(seen, logits, strict=True):
            ids.append(int(row.argmax()))
        if step == 10:
            runner.remove(1)
            seen[1] = seen.pop()
        if step == 12:  # longer than what runs: the others move
            seen += start(runner, [ids_of(90, 9)])

    assert len({tuple(ids[-20:]) for ids in seen}) > 1


def kv_of(runner: Runner) -> list[Tensor]:
    """Copies of what every row has seen."""
    return [
        tensor.clone() for row in range(len(runner.slots)) for pair in runner.kv.read(row) for tensor in pair
    ]


@pytest.mark.parametrize("kind", ["llama", "mistral", "gemma2"])
def test_a_row_run_alone_equals_its_row_in_the_step_and_leaves_the_same_behind(kind: str) -> None:
    together, single = runner_of(kind), runner_of(kind)
    prompts = [ids_of(12, 1), ids_of(30, 2), ids_of(5, 3)]
    start(together, prompts)
    start(single, prompts)

    expected = together.decode([4, 5, 6])
    together.advance()
    found = [single.decode_row(row, token) for row, token in enumerate([4, 5, 6])]
    single.advance()

    assert close(torch.cat(found), expected)
    assert all(close(mine, other) for mine, other in zip(kv_of(single), kv_of(together), strict=True))
    assert close(single.decode([7, 8, 9]), together.decode([7, 8, 9]))


class Trap:
    """A forward hook that raises when its turn has come."""

    def __init__(self, module: Any) -> None:
        self.armed = False
        self.handle = module.register_forward_hook(self)

    def __call__(self, *args: Any) -> None:
        if self.armed:
            raise RuntimeError("out of memory")


@pytest.mark.parametrize("failing", ["decode", "decode_row", "prefill", "extend"])
def test_a_forward_that_raises_changes_nothing(failing: str) -> None:
    runner = adapted_runner()
    layer: Any = runner.model.model.layers[-1]
    trap = Trap(layer.mlp)
    start(runner, [ids_of(12, 1), ids_of(30, 2)], slot=1)
    expected = runner.decode([4, 5])  # not counted: `advance` is not called
    before, lengths, kv = kv_of(runner), runner.kv.lengths, runner.kv

    attempts: dict[str, Callable[[], object]] = {
        "decode": lambda: runner.decode([9, 9]),
        "decode_row": lambda: runner.decode_row(1, 9),
        "prefill": lambda: runner.prefill([Prompt(ids_of(50, 3), 2)]),
        "extend": lambda: runner.extend(Prompt(ids_of(50, 3), 2), 20),
    }

    trap.armed = True
    with pytest.raises(RuntimeError, match="out of memory"):
        attempts[failing]()
    trap.armed = False

    assert runner.pool.step is None
    assert runner.kv is kv
    assert runner.kv.lengths == lengths
    assert all(map(torch.equal, kv_of(runner), before))
    assert close(runner.decode([4, 5]), expected)


def test_each_row_keeps_its_slot_when_another_one_leaves() -> None:
    runner = adapted_runner()
    ids = ids_of(12, 1)
    expected = [runner.prefill([Prompt(ids, slot)])[0][0] for slot in (0, 1, 2)]
    for slot in (1, 2, 0, 2):
        start(runner, [ids[:-1]], slot)

    runner.remove(0)
    logits = runner.decode([ids[-1]] * 3)

    assert runner.slots == [2, 2, 0]
    assert all(close(row, expected[slot]) for row, slot in zip(logits, runner.slots, strict=True))
    assert not close(expected[1], expected[2])


def test_all_rows_can_be_dropped_at_once() -> None:
    runner = runner_of()
    start(runner, [ids_of(12, 1), ids_of(30, 2)])

    runner.clear()

    assert runner.slots == []
    assert runner.kv.lengths == []
    (seen,) = start(runner, [ids_of(8, 3)])
    assert close(runner.decode(seen[-1:])[0], alone(runner.model, seen))


@pytest.mark.parametrize("kind", STRANGE)
def test_a_model_that_cannot_be_served_side_by_side_is_refused(kind: str) -> None:
    runner = runner_of(kind)

    with pytest.raises(AdapterError, match=r"cannot serve requests side by side: .*vLLM"):
        runner.check()


def test_a_model_whose_rows_disturb_each_other_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = runner_of()
    monkeypatch.setattr(runner, "_mask", lambda: torch.zeros_like(runner.kv.mask()))

    with pytest.raises(AdapterError, match="answers otherwise next to another one"):
        runner.check()

    assert runner.slots == []
