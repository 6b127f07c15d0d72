"""Adapters read from peft's files: the same numbers as peft's, or refused with the reason."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from ragweave.adapters.adapter_config import CONFIG, WEIGHTS, adapter_info, content_hash
from ragweave.adapters.adapter_files import read_adapter
from ragweave.adapters.base_model import BaseDescription, describe_base
from ragweave.adapters.errors import AdapterError, AdapterMismatch, UnsafeAdapter
from ragweave.adapters.weights import AdapterWeights

from .models import make_adapter, tiny_base

Spoil = Callable[[Path], object]
QUERY = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"


@pytest.fixture(scope="module")
def described(base: Path) -> BaseDescription:
    return describe_base(base)


@pytest.fixture
def legal(adapters: Path, tmp_path: Path) -> Path:
    """An adapter, to be spoilt."""
    return Path(shutil.copytree(adapters / "legal", tmp_path / "legal"))


def change_config(**values: object) -> Spoil:
    def change(folder: Path) -> None:
        file = folder / CONFIG
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    return change


def change_weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Spoil:
    def apply(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})

    return apply


def deltas_of_peft(base: Path, folder: Path) -> dict[str, torch.Tensor]:
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    adapted: Any = PeftModel.from_pretrained(model, folder)
    found = {}
    for name, module in adapted.base_model.model.named_modules():
        if hasattr(module, "get_delta_weight"):
            delta = module.get_delta_weight("default")
            # peft turns it as the base keeps its weight; ours is [out, in]
            turned = module.fan_in_fan_out or "default" in module.lora_embedding_A
            found[name] = delta.T if turned else delta
    return found


def deltas(weights: AdapterWeights) -> dict[str, torch.Tensor]:
    pairs = {**weights.linear, **weights.embedding}
    return {name: pair.scaling * (pair.b.float() @ pair.a.float()) for name, pair in pairs.items()}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"rslora": True, "alpha": 5},
        {"targets": "all-linear", "rank": 3},
        {"targets": r".*layers\.1\..*(up|down)_proj"},
        {"targets": ("model.layers.0.mlp.up_proj", "model.layers.1.mlp.up_proj", "v_proj")},
        {
            "rank_pattern": {r".*\.1\.self_attn.q_proj": 5, "v_proj": 2},
            "alpha_pattern": {"^model.layers.0.*": 7},
        },
        {"rank_pattern": {"proj": 2, "layers.1.self_attn.v_proj": 6}, "rslora": True, "targets": ("v_proj",)},
        {"layers_to_transform": [1]},
        {"layers_to_transform": 1, "layers_pattern": "layers"},
        {"exclude_modules": ["layers.0.self_attn.v_proj"]},
        {"exclude_modules": r".*\.1\..*", "targets": ("q_proj", "o_proj")},
        {"targets": ("embed_tokens", "k_proj")},
        {"targets": ("lm_head", "embed_tokens"), "rslora": True, "rank": 4},
        {"lora_dropout": 0.5, "init_lora_weights": "gaussian"},
    ],
)
def test_the_change_of_every_module_is_pefts(base: Path, tmp_path: Path, config: dict[str, Any]) -> None:
    folder = make_adapter(base, tmp_path / "adapter", **config)

    weights = read_adapter(folder, describe_base(base))

    expected, found = deltas_of_peft(base, folder), deltas(weights)
    assert weights.exclusive == ""
    assert found.keys() == expected.keys()
    for name, delta in expected.items():
        torch.testing.assert_close(found[name], delta, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("targets", [("c_attn",), "all-linear", ("c_fc", "wte")])
def test_the_transposed_layers_of_gpt2_are_right(gpt2_base: Path, tmp_path: Path, targets: Any) -> None:
    folder = make_adapter(gpt2_base, tmp_path / "adapter", targets=targets)

    found = deltas(read_adapter(folder, describe_base(gpt2_base)))

    expected = deltas_of_peft(gpt2_base, folder)
    assert found.keys() == expected.keys()
    for name, delta in expected.items():
        torch.testing.assert_close(found[name], delta, rtol=1e-5, atol=1e-6)


def test_adapters_of_16_bits_are_read_as_they_are(legal: Path, described: BaseDescription) -> None:
    change_weights(lambda tensors: tensors.update({k: v.bfloat16() for k, v in tensors.items()}))(legal)

    weights = read_adapter(legal, described)

    assert {pair.a.dtype for pair in weights.linear.values()} == {torch.bfloat16}


def test_all_linear_of_older_configurations_is_understood(base: Path, tmp_path: Path) -> None:
    folder = make_adapter(base, tmp_path / "adapter", targets="all-linear")
    change_config(target_modules="all-linear")(folder)

    weights = read_adapter(folder, describe_base(base))

    assert len(weights.linear) == 14


def test_a_tied_base_recognises_its_own_embedding_in_the_file(tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "tied", tie=True)
    folder = make_adapter(base, tmp_path / "adapter", targets=("embed_tokens", "q_proj"))

    weights = read_adapter(folder, describe_base(base))

    assert "base_model.model.model.embed_tokens.base_layer.weight" in load_file(folder / WEIGHTS)
    assert weights.exclusive == ""
    assert list(weights.embedding) == ["model.embed_tokens"]


def test_an_embedding_of_its_own_needs_its_own_lane(base: Path, tmp_path: Path) -> None:
    folder = make_adapter(base, tmp_path / "adapter", targets=("embed_tokens",))
    key = "base_model.model.model.embed_tokens.base_layer.weight"
    change_weights(lambda tensors: tensors[key][7].add_(1))(folder)

    weights = read_adapter(folder, describe_base(base), checked=True)

    assert weights.exclusive == "it brings its own weights of model.embed_tokens"
    assert not weights.embedding


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"modules_to_save": ["norm"]}, "modules_to_save"),
        ({"trainable_token_indices": [1, 2]}, "trainable_token_indices"),
        ({"lora_bias": True}, "lora_bias"),
        ({"bias": "all"}, "bias"),
        ({"bias": "lora_only"}, "bias"),
        ({"alora_invocation_tokens": [1, 2]}, "aLoRA"),
    ],
)
def test_kinds_that_slots_cannot_carry_say_why(
    base: Path, tmp_path: Path, config: dict[str, Any], reason: str
) -> None:
    folder = make_adapter(base, tmp_path / "adapter", **config)

    weights = read_adapter(folder, describe_base(base))

    assert reason in weights.exclusive
    assert not weights.linear


def test_an_unknown_setting_is_never_ignored(legal: Path, described: BaseDescription) -> None:
    change_config(use_wonder=True, unused_list=[], unused_flag=False)(legal)

    assert "use_wonder" in read_adapter(legal, described).exclusive


def test_a_magnitude_that_the_configuration_hides_is_seen(base: Path, tmp_path: Path) -> None:
    folder = make_adapter(base, tmp_path / "adapter", use_dora=True)
    change_config(use_dora=False)(folder)

    assert "DoRA" in read_adapter(folder, describe_base(base)).exclusive


@pytest.mark.parametrize(
    ("config", "ending"),
    [
        ({"use_dora": True}, "v_proj.lora_magnitude_vector"),
        ({"lora_bias": True}, "v_proj.lora_B.bias"),
        ({"modules_to_save": ["lm_head"]}, "lm_head"),
        ({"modules_to_save": ["norm", "lm_head"]}, "norm"),
    ],
)
def test_a_lane_gets_all_its_tensors_and_no_others(
    base: Path, tmp_path: Path, described: BaseDescription, config: dict[str, Any], ending: str
) -> None:
    folder = make_adapter(base, tmp_path / "adapter", **config)
    assert read_adapter(folder, described).lane
    more = Path(shutil.copytree(folder, tmp_path / "more"))
    change_weights(lambda tensors: tensors.update({"base_model.model.model.x": torch.ones(2)}))(more)

    def lose(tensors: dict[str, torch.Tensor]) -> None:
        for key in [key for key in tensors if ending in key and "lora_A" not in key]:
            del tensors[key]

    change_weights(lose)(folder)

    with pytest.raises(AdapterMismatch, match=f"lacks .*{ending}"):
        read_adapter(folder, described)
    with pytest.raises(AdapterMismatch, match="not LoRA factors: base_model.model.model.x"):
        read_adapter(more, described)


def other_base(tmp_path: Path, **shape: Any) -> BaseDescription:
    return describe_base(tiny_base(tmp_path / "other", **shape))


@pytest.mark.parametrize("targets", [("q_proj", "v_proj"), "all-linear", r".*\.(q|v)_proj"])
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"layers": 3}, "made for another base|ends at layer 1"),
        ({"layers": 1}, "reaches layer 1, and other has 1 layers"),
        ({"hidden": 64}, "lead from"),
        ({"kv_heads": 4}, "to 16 values"),
        ({"kind": "gpt2"}, "which other does not have"),
    ],
)
def test_an_adapter_of_another_base_is_refused(
    base: Path, tmp_path: Path, targets: Any, shape: dict[str, Any], message: str
) -> None:
    folder = make_adapter(base, tmp_path / "adapter", targets=targets)

    with pytest.raises(AdapterMismatch, match=message) as caught:
        read_adapter(folder, other_base(tmp_path, **shape))

    assert "base model that the adapter was trained on" in caught.value.remedy


def test_an_embedding_of_another_vocabulary_is_refused(base: Path, tmp_path: Path) -> None:
    folder = make_adapter(base, tmp_path / "adapter", targets=("embed_tokens",))

    with pytest.raises(AdapterMismatch, match="lead from 384"):
        read_adapter(folder, other_base(tmp_path, vocab=400))


def test_a_resized_vocabulary_is_refused(base: Path, tmp_path: Path, described: BaseDescription) -> None:
    folder = make_adapter(base, tmp_path / "adapter", modules_to_save=["lm_head"])
    key = "base_model.model.lm_head.weight"
    change_weights(lambda tensors: tensors.update({key: torch.zeros(400, 32)}))(folder)

    with pytest.raises(AdapterMismatch, match=r"\[400, 32\], and tiny has \[384, 32\]"):
        read_adapter(folder, described)


def test_exclusive_adapters_are_checked_against_the_base_too(base: Path, tmp_path: Path) -> None:
    folder = make_adapter(base, tmp_path / "adapter", use_dora=True)

    with pytest.raises(AdapterMismatch):
        read_adapter(folder, other_base(tmp_path, hidden=64))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (change_weights(lambda tensors: tensors.pop(QUERY)), "only one of the two factors"),
        (change_weights(lambda tensors: tensors.update(more=torch.zeros(2))), "not LoRA factors: more"),
        (change_weights(lambda tensors: tensors.clear()), "no LoRA factors"),
        (change_config(target_modules=["q_proj"]), "target_modules leave out"),
        (change_config(init_lora_weights="pissa"), "starts from pissa"),
        (change_config(init_lora_weights="pissa_niter_4"), "starts from pissa_niter_4"),
        (change_config(init_lora_weights="olora"), "starts from olora"),
        (change_config(layer_replication=[[0, 1], [0, 1]]), "layer_replication"),
        (change_config(task_type="SEQ_CLS"), "task SEQ_CLS"),
    ],
)
def test_what_does_not_fit_together_is_a_mismatch(
    legal: Path, described: BaseDescription, spoil: Spoil, message: str
) -> None:
    spoil(legal)

    with pytest.raises(AdapterMismatch, match=message) as caught:
        read_adapter(legal, described)

    assert caught.value.remedy


def poison(value: float) -> Spoil:
    return change_weights(lambda tensors: tensors[QUERY].view(-1)[5].fill_(value))


def write(name: str, content: bytes) -> Spoil:
    return lambda folder: (folder / name).write_bytes(content)


def truncate(folder: Path) -> None:
    file = folder / WEIGHTS
    file.write_bytes(file.read_bytes()[:-8])


def append(folder: Path) -> None:
    file = folder / WEIGHTS
    file.write_bytes(file.read_bytes() + b"more")


def only_pickle(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / "adapter_model.bin").write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")


def link_outside(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).rename(folder.parent / f"elsewhere-{name}")
        (folder / name).symlink_to(folder.parent / f"elsewhere-{name}")

    return spoil


def pipe(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    os.mkfifo(folder / WEIGHTS)


def claim(header: bytes) -> Spoil:
    return write(WEIGHTS, len(header).to_bytes(8, "little") + header)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (only_pickle, "pickled weights only"),
        (link_outside(WEIGHTS), "outside the adapter's folder"),
        (link_outside(CONFIG), "outside the adapter's folder"),
        (pipe, "outside the adapter's folder"),
        (truncate, "not a whole safetensors file"),
        (append, "not a whole safetensors file"),
        (write(WEIGHTS, b""), "not a whole safetensors file"),
        (write(WEIGHTS, b"\xff" * 64), "header claims"),
        (claim(b"{"), "header is not JSON"),
        (claim(b"[]"), "not a JSON object"),
        (claim(b"[" * 200_000), "header is not JSON"),
        (claim(b'{"a": 1}'), "does not describe the tensor a"),
        (claim(b'{"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}'), "contradicts itself"),
        (claim(b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]}}'), "contradicts itself"),
        (claim(b'{"a": {"dtype": "X", "shape": [1], "data_offsets": [0, 4]}}'), "unknown type 'X'"),
        (claim(b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}'), "tensors need"),
        (write(CONFIG, b"{"), "not JSON"),
        (write(CONFIG, b"\xff\xfe"), "not JSON"),
        (write(CONFIG, b"[]"), "not a JSON object"),
        (write(CONFIG, b"[" * 200_000), "not JSON"),
        (change_config(r=0), "r is 0"),
        (change_config(r=-1), "r is -1"),
        (change_config(r="8"), "r is '8'"),
        (change_config(r=10_000_000), "the rank 10000000"),
        (change_config(rank_pattern={"q_proj": 0}), "q_proj"),
        (change_config(rank_pattern={"q_proj": 9}), "the rank 9"),
        (change_config(lora_alpha=float("inf")), "lora_alpha is inf"),
        (change_config(lora_alpha=10**400), "lora_alpha is 1000"),
        (change_config(lora_alpha=True), "lora_alpha is True"),
        (change_config(target_modules={"a": 1}), "target_modules is neither"),
        (change_config(rank_pattern=[1]), "rank_pattern is not an object"),
        (change_config(layers_to_transform=["x"]), "layers_to_transform is neither"),
        (change_config(target_modules="(q_proj"), "not a regular expression"),
        (change_config(target_modules=r"(?:(?:\w|\w\w|[a-z]+|\.)+)+(?!.)(?<=\d)"), "takes too long"),
        (poison(float("nan")), "values that are not numbers"),
        (poison(float("inf")), "values that are not numbers"),
        (change_weights(lambda t: t.update({k: v.int() for k, v in t.items()})), "of the types I32"),
    ],
)
def test_damaged_and_dangerous_files_are_refused_at_once(
    legal: Path, described: BaseDescription, spoil: Spoil, message: str
) -> None:
    spoil(legal)
    started = time.monotonic()

    with pytest.raises(UnsafeAdapter, match=message) as caught:
        read_adapter(legal, described)

    assert caught.value.remedy
    assert time.monotonic() - started < 2  # 0.5 are a pattern's
    assert not Path("ran").exists()


def test_files_of_the_hubs_cache_are_links_and_are_read(
    legal: Path, tmp_path: Path, described: BaseDescription
) -> None:
    snapshot, blobs = tmp_path / "models--a--b/snapshots/1234", tmp_path / "models--a--b/blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for name in (CONFIG, WEIGHTS):
        (legal / name).rename(blobs / f"hash-of-{name}")
        (snapshot / name).symlink_to(f"../../blobs/hash-of-{name}")

    assert len(read_adapter(snapshot, described).linear) == 4


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (shutil.rmtree, "There is no folder"),
        (lambda folder: (folder / CONFIG).unlink(), "has no adapter_config.json"),
        (lambda folder: (folder / WEIGHTS).unlink(), "has no adapter_model.safetensors"),
        (change_config(peft_type="IA3"), "kind 'IA3'"),
        (change_config(peft_type=None), "kind None"),
    ],
)
def test_what_is_no_adapter_is_told_so(
    legal: Path, described: BaseDescription, spoil: Spoil, message: str
) -> None:
    spoil(legal)

    with pytest.raises(AdapterError, match=message) as caught:
        read_adapter(legal, described)

    assert caught.value.remedy


def test_a_verified_file_is_not_searched_for_broken_numbers(legal: Path, described: BaseDescription) -> None:
    poison(float("nan"))(legal)

    assert read_adapter(legal, described, checked=True).linear


def test_full_paths_of_some_layers_are_taken_when_the_configuration_says_so(
    base: Path, tmp_path: Path, described: BaseDescription
) -> None:
    path = "model.layers.0.self_attn.q_proj"
    folder = make_adapter(base, tmp_path / "adapter", targets=(path,))

    with pytest.raises(AdapterMismatch, match="ends at layer 0"):
        read_adapter(folder, described)
    change_config(layers_to_transform=[0])(folder)

    assert list(read_adapter(folder, described).linear) == [path]


def test_a_layer_number_beyond_all_is_a_mismatch(legal: Path, described: BaseDescription) -> None:
    pair = {
        f"base_model.model.model.layers.{'9' * 5000}.q_proj.lora_{x}.weight": torch.ones(2, 2) for x in "AB"
    }
    change_weights(lambda tensors: tensors.update(pair))(legal)

    with pytest.raises(AdapterMismatch, match="does not have"):
        read_adapter(legal, described)


def test_tensors_that_begin_between_words_are_read_right(legal: Path, described: BaseDescription) -> None:
    expected = read_adapter(legal, described).copied()
    content = (legal / WEIGHTS).read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length].rstrip() + b" "
    while len(header) % 4 != 1:
        header += b" "
    (legal / WEIGHTS).write_bytes(len(header).to_bytes(8, "little") + header + content[8 + length :])

    found = read_adapter(legal, described)

    for name, pair in found.linear.items():
        assert torch.equal(pair.a, expected.linear[name].a)
        torch.testing.assert_close(pair.a @ torch.ones(32), expected.linear[name].a @ torch.ones(32))


def test_a_file_that_may_not_be_read_is_told_so(
    legal: Path, described: BaseDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)

    with pytest.raises(AdapterError, match="cannot be read: Permission denied"):
        read_adapter(legal, described)


def test_weights_stay_readable_after_the_file_is_gone(legal: Path, described: BaseDescription) -> None:
    expected = {name: pair.a.clone() for name, pair in read_adapter(legal, described).linear.items()}
    weights = read_adapter(legal, described)

    shutil.rmtree(legal)

    assert all(torch.equal(pair.a, expected[name]) for name, pair in weights.linear.items())


def test_information_needs_no_base(adapters: Path) -> None:
    info = adapter_info("legal-v2", adapters / "legal-v2", description="Contracts.")

    targets = ("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj")
    assert (info.name, info.rank, info.targets) == ("legal-v2", 4, targets)
    assert (info.version, info.description) == (content_hash(adapters / "legal-v2"), "Contracts.")
    assert (info.path, info.state) == (str(adapters / "legal-v2"), "registered")


def test_the_content_hash_changes_with_either_file(legal: Path) -> None:
    first = content_hash(legal)
    change_config(lora_alpha=3)(legal)
    second = content_hash(legal)
    change_weights(lambda tensors: tensors[QUERY].mul_(2))(legal)

    assert len({first, second, content_hash(legal)}) == 3
    assert len(first) == 12
