"""Slots against peft's own model: every adapter alone there, all of them side by side here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from ragweave.adapters.adapter_files import read_adapter
from ragweave.adapters.base_description import describe_base
from ragweave.adapters.slot_layers import SharedInput
from ragweave.adapters.slot_pool import SlotPool
from ragweave.adapters.weights import AdapterWeights, LoraPair

from .models import make_adapter, tiny_base

IDS = [[5, 90, 17, 300, 44, 8], [301, 7, 7, 60, 12, 99], [33, 4, 250, 251, 3, 18]]
LLAMA_SPECS: dict[str, dict[str, Any]] = {
    "few": {"rank": 4, "targets": ("q_proj", "v_proj")},
    "all": {"rank": 12, "targets": "all-linear"},
    "ends": {"rank": 8, "targets": ("embed_tokens", "lm_head", "down_proj")},
    "rslora": {"rank": 16, "targets": ("up_proj", "o_proj"), "rslora": True},
    "pattern": {
        "rank": 4,
        "targets": ("q_proj", "k_proj", "gate_proj"),
        "rank_pattern": {"k_proj": 24},
        "alpha_pattern": {"gate_proj": 3},
    },
}
GPT2_SPECS: dict[str, dict[str, Any]] = {
    "few": {"rank": 4, "targets": ("c_attn",), "fan_in_fan_out": True},
    "all": {"rank": 12, "targets": "all-linear", "fan_in_fan_out": True},
    "wte": {"rank": 8, "targets": ("wte",)},
}


class Bench:
    """A base with some adapters, each in a slot, and what peft computes for them."""

    def __init__(self, folder: Path, specs: Mapping[str, dict[str, Any]], kind: str, **options: Any) -> None:
        self.base = tiny_base(folder / "base", kind=kind, **options)
        description = describe_base(self.base)
        self.paths = {
            name: make_adapter(self.base, folder / name, seed=seed, **spec)
            for seed, (name, spec) in enumerate(specs.items(), 1)
        }
        self.weights = {name: read_adapter(path, description) for name, path in self.paths.items()}
        self.expected = {"": self.by_peft(None)} | {
            name: self.by_peft(path) for name, path in self.paths.items()
        }

    @torch.inference_mode()
    def by_peft(self, path: Path | None) -> Tensor:
        """Logits of each row of IDS, by a model that holds this adapter alone."""
        from peft import PeftModel

        model = self.model()
        if path is not None:
            model = PeftModel.from_pretrained(model, str(path)).eval()
        logits: Tensor = model(input_ids=torch.tensor(IDS), use_cache=False).logits
        return logits

    def model(self, dtype: torch.dtype = torch.float32) -> Any:
        """A fresh base model."""
        model: Any = AutoModelForCausalLM.from_pretrained(self.base, dtype=dtype)  # its type is partial
        return model.eval()

    def pool(self, *names: str, slots: int = 6) -> SlotPool:
        """A fresh model with adapters in its slots, from 1 on."""
        pool = SlotPool(slots)
        pool.wrap(self.model())
        for slot, name in enumerate(names, 1):
            pool.write(slot, self.weights[name])
        return pool


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The decoder that most tests need."""
    return Bench(tmp_path_factory.mktemp("llama"), LLAMA_SPECS, "llama")


@torch.inference_mode()
def forward(pool: SlotPool, slots: list[int], ids: list[list[int]]) -> Tensor:
    """Logits of these rows, each in its slot."""
    pool.begin(slots)
    try:
        model: Any = pool.model
        logits: Tensor = model(input_ids=torch.tensor(ids), use_cache=False).logits
        return logits
    finally:
        pool.end()


def close(found: Tensor, expected: Tensor) -> bool:
    """The same but for rounding, in logits of some tens."""
    return bool(torch.allclose(found, expected, atol=2e-4, rtol=2e-4))


def check_against_peft(bench: Bench) -> None:
    """Every adapter and the base, alone, sorted, shuffled, and one token a row."""
    names = list(bench.weights)
    pool = bench.pool(*names)
    of = {"": 0} | {name: slot for slot, name in enumerate(names, 1)}
    for name, slot in of.items():
        assert close(forward(pool, [slot] * 3, IDS), bench.expected[name]), name
        for other, its_slot in of.items():
            row = forward(pool, [slot, its_slot, slot], IDS)
            assert close(row[0], bench.expected[name][0]), (name, other)
            assert close(row[1], bench.expected[other][1]), (name, other)
            assert close(row[2], bench.expected[name][2]), (name, other)
            assert other == name or not close(row[1], bench.expected[name][1])
    first = [[row[0]] for row in IDS]
    rows = [(name, row) for name in of for row in range(3)]
    rows = rows[::2] + rows[1::2]
    logits = forward(pool, [of[name] for name, _ in rows], [first[place] for _, place in rows])
    for (name, place), found in zip(rows, logits, strict=True):
        assert close(found[0], bench.expected[name][place, 0]), (name, place)


def test_llama_adapters_of_all_ranks_and_targets_equal_peft(llama: Bench) -> None:
    check_against_peft(llama)


@pytest.mark.parametrize(
    ("kind", "specs", "options"),
    [
        ("qwen2", LLAMA_SPECS, {"layers": 1}),
        ("gpt2", GPT2_SPECS, {}),
        ("llama", {name: LLAMA_SPECS[name] for name in ("few", "ends")}, {"tie": True, "layers": 1}),
    ],
    ids=["qwen2", "gpt2", "tied"],
)
def test_other_architectures_equal_peft(
    kind: str, specs: dict[str, Any], options: dict[str, Any], tmp_path: Path
) -> None:
    if options.get("tie"):
        specs["ends"] = {"rank": 8, "targets": ("embed_tokens", "down_proj")}

    check_against_peft(Bench(tmp_path, specs, kind, **options))


def test_base_rows_beside_adapters_are_the_base_models(llama: Bench) -> None:
    plain = llama.pool()
    pool = llama.pool("all", "ends", "few")

    for ids in (IDS, [row[:1] for row in IDS]):
        expected = forward(plain, [0, 0, 0], ids)
        assert torch.allclose(forward(pool, [1, 0, 2], ids)[1], expected[1], atol=1e-6, rtol=1e-6)
        assert torch.equal(forward(pool, [0, 0, 0], ids), expected)


def test_a_slot_keeps_nothing_of_the_adapter_before(llama: Bench) -> None:
    pool = llama.pool("all", "pattern")
    pool.write(1, llama.weights["ends"])
    pool.write(1, llama.weights["few"])

    for slots in ([1, 1, 1], [1, 2, 0]):
        assert close(forward(pool, slots, IDS)[0], llama.expected["few"][0])
        first = [row[:1] for row in IDS]
        assert close(forward(pool, slots, first)[0], llama.expected["few"][0, :1])


def test_an_empty_slot_beside_others_answers_as_the_base(llama: Bench) -> None:
    pool = llama.pool("all", "few")
    pool.write(1, AdapterWeights())

    assert close(forward(pool, [1, 2, 0], IDS)[0], llama.expected[""][0])
    assert close(forward(pool, [1, 2, 0], [row[:1] for row in IDS])[0], llama.expected[""][0, :1])


def test_a_wider_adapter_leaves_the_others_as_they_were(llama: Bench) -> None:
    names = ["few", "pattern", "all", "rslora", "ends"]  # ranks 4, 24, 12, 16, 8
    pool = llama.pool()

    for slot, name in enumerate(names, 1):
        pool.write(slot, llama.weights[name])
        for before in range(1, slot + 1):
            found = forward(pool, [before, 0, slot], IDS)
            assert close(found[0], llama.expected[names[before - 1]][0])


def test_a_narrow_adapter_that_lacks_a_module_is_safe_in_a_table_grown_after_it(llama: Bench) -> None:
    torch.use_deterministic_algorithms(True)  # memory that nobody wrote is NaN
    try:
        pool = llama.pool("all", "all")
        pool.write(2, llama.weights["rslora"])  # nothing in q, k, v any more
        pool.write(3, llama.weights["pattern"])  # q, k, v grow
        found = forward(pool, [3, 2, 1], [row[:1] for row in IDS])
    finally:
        torch.use_deterministic_algorithms(False)

    assert close(found[1, 0], llama.expected["rslora"][1, 0])


class Short:
    """Stands for the tensor that tables are made like, where no memory is left for one of them."""

    def __init__(self, like: Tensor, free: int) -> None:
        self.like = like
        self.free = free

    def __getattr__(self, name: str) -> Any:
        return getattr(self.like, name)

    def new_zeros(self, shape: Any) -> Tensor:
        self.free -= 1
        if self.free < 0:
            raise RuntimeError("out of memory")
        return self.like.new_zeros(shape)


@pytest.mark.parametrize("free", [0, 1, 2, 5, 9])
def test_an_adapter_that_finds_no_memory_harms_no_other(llama: Bench, free: int) -> None:
    pool = llama.pool("few", "ends")
    like: Any = pool._like
    pool._like = Short(like, free)  # type: ignore[assignment]  # a stand-in

    with pytest.raises(RuntimeError, match="out of memory"):
        pool.write(3, llama.weights["all"])

    for slots in ([1, 2, 0], [1, 1, 1]):
        assert close(forward(pool, slots, IDS)[0], llama.expected["few"][0])
    pool._like = like
    pool.write(3, llama.weights["all"])  # and once there is memory, it is served
    found = forward(pool, [3, 1, 2], IDS)
    for row, name in enumerate(("all", "few", "ends")):
        assert close(found[row], llama.expected[name][row])


@pytest.mark.parametrize("slot", [0, 7, -1])
def test_only_slots_that_exist_are_written(llama: Bench, slot: int) -> None:
    with pytest.raises(IndexError, match=f"slot {slot} is not one of 1 to 6"):
        llama.pool().write(slot, llama.weights["few"])


def test_modules_that_read_one_tensor_share_their_product(llama: Bench) -> None:
    pool = llama.pool("all", "pattern")
    groups: dict[int, SharedInput] = {id(group): group for group in pool._groups.values()}

    names = sorted(tuple(name.split(".")[-1] for name in group.names) for group in groups.values())

    assert names == sorted(
        2 * [("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"), ("o_proj",), ("down_proj",)]
    )


def test_an_adapter_of_another_type_than_the_base_is_served(llama: Bench) -> None:
    model = llama.model(torch.bfloat16)
    pool = SlotPool(2)
    pool.wrap(model)
    pool.write(1, llama.weights["all"])
    pool.write(2, llama.weights["ends"])

    found = forward(pool, [1, 2, 0], IDS)

    assert found.dtype == torch.bfloat16
    for row, name in enumerate(("all", "ends", "")):
        expected = llama.expected[name][row]
        error = (found[row].float() - expected).norm() / expected.norm()
        assert error < 0.1, name


def test_clearing_gives_the_memory_back_and_slots_can_be_used_again(llama: Bench) -> None:
    pool = llama.pool("all", "ends")
    assert pool.nbytes > 0

    pool.clear()

    assert pool.nbytes == 0
    assert close(forward(pool, [1, 2, 0], IDS), llama.expected[""])
    pool.write(2, llama.weights["few"])
    assert close(forward(pool, [1, 2, 0], IDS)[1], llama.expected["few"][1])


@pytest.mark.parametrize("layer", ["model.layers.0.self_attn.k_proj", "model.layers.1.mlp.down_proj"])
def test_an_exception_inside_a_forward_leaves_nothing_behind(llama: Bench, layer: str) -> None:
    pool = llama.pool("all", "few")

    def fail(*args: Any) -> None:
        raise RuntimeError("out of memory")

    handle = pool.model.get_submodule(layer).register_forward_hook(fail)
    with pytest.raises(RuntimeError):
        forward(pool, [1, 2, 0], IDS)
    handle.remove()

    assert pool.step is None
    assert all(group._input is None and group._product is None for group in pool._groups.values())
    model: Any = pool.model
    with torch.inference_mode():
        assert close(model(input_ids=torch.tensor(IDS), use_cache=False).logits, llama.expected[""])
    found = forward(pool, [2, 1, 0], IDS)
    for row, name in enumerate(("few", "all", "")):
        assert close(found[row], llama.expected[name][row])


def test_a_second_model_on_the_same_weights_knows_no_slots(llama: Bench) -> None:
    pool = llama.pool("all", "ends")

    twin: Any = pool.twin()

    pool.begin([1, 1, 1])
    with torch.inference_mode():
        logits = twin(input_ids=torch.tensor(IDS), use_cache=False).logits
    pool.end()
    assert close(logits, llama.expected[""])
    mine: dict[str, Any] = dict(pool.model.named_parameters())
    assert (
        len({tensor.data_ptr() for tensor in twin.parameters()} - {t.data_ptr() for t in mine.values()}) == 0
    )


def test_scaling_is_folded_in() -> None:
    pair = LoraPair(torch.ones(2, 32), torch.ones(64, 2), 0.5)
    config: Any = AutoModelForCausalLM.from_config
    from transformers import LlamaConfig

    sizes: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    pool = SlotPool(1)
    pool.wrap(config(LlamaConfig(vocab_size=64, intermediate_size=64, **sizes)))
    name = "model.layers.0.mlp.up_proj"
    pool.write(1, AdapterWeights(linear={name: pair}))
    layer = pool.model.get_submodule(name)
    x = torch.arange(32.0)[None, None]

    pool.begin([0])
    with torch.inference_mode():
        plain = layer(x)
        pool.begin([1])
        adapted = layer(x)
    pool.end()

    assert torch.allclose(adapted - plain, torch.full_like(plain, 0.5 * 2 * 496), rtol=1e-4)
