"""Base models: described from headers, loaded whole or refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, T5Config, T5ForConditionalGeneration

from ragweave.adapters.base_model import LoadedBase, describe_base, load_base, require_template
from ragweave.adapters.errors import AdapterError

from .models import tiny_base

WEIGHTS = "model.safetensors"


@pytest.fixture
def copy(base: Path, tmp_path: Path) -> Path:
    """The tiny base, to be spoilt."""
    return Path(shutil.copytree(base, tmp_path / "copy"))


def change_config(folder: Path, **values: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def shard(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    names = sorted(tensors)
    files = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in files.items():
        save_file({name: tensors[name] for name in part}, folder / file, metadata={"format": "pt"})
    mapping = {name: file for file, part in files.items() for name in part}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": mapping}))
    (folder / WEIGHTS).unlink()


def test_a_description_names_every_module_with_its_widths(base: Path) -> None:
    found = describe_base(base)

    query = found.modules["model.layers.1.self_attn.k_proj"]
    assert (query.kind, query.in_features, query.out_features) == ("linear", 32, 16)
    embedding = found.modules["model.embed_tokens"]
    assert (embedding.kind, embedding.in_features, embedding.out_features) == ("embedding", 384, 32)
    assert (found.name, found.layers, found.context) == ("tiny", 2, 512)
    assert found.output_embedding == "lm_head"
    assert len(found.template_hash) == len(found.fingerprint) == 64


def test_the_transposed_layers_of_gpt2_count_as_linear(gpt2_base: Path) -> None:
    found = describe_base(gpt2_base)

    shape = found.modules["transformer.h.0.attn.c_attn"]
    assert (shape.kind, shape.in_features, shape.out_features) == ("linear", 32, 96)
    assert (found.layers, found.context) == (2, 512)


def test_a_description_loads_no_weights(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("weights were loaded")

    monkeypatch.setattr("transformers.PreTrainedModel.from_pretrained", refuse)

    assert describe_base(base).layers == 2


def test_the_fingerprint_does_not_depend_on_files_dtype_or_folder(base: Path, copy: Path) -> None:
    shard(copy)

    split = describe_base(copy).fingerprint
    shutil.rmtree(copy)
    shutil.copytree(base, copy)
    change_weights(copy, lambda tensors: tensors.update({k: v.bfloat16() for k, v in tensors.items()}))
    change_config(copy, dtype="bfloat16", transformers_version="4.0.0", use_cache=False)

    assert describe_base(base).fingerprint == split == describe_base(copy).fingerprint


def test_the_fingerprint_changes_with_weights_and_architecture(
    base: Path, copy: Path, tmp_path: Path
) -> None:
    same_shapes = tiny_base(tmp_path / "other", seed=1)
    change_config(copy, rms_norm_eps=1e-3)

    found = {describe_base(folder).fingerprint for folder in (base, same_shapes, copy)}

    assert len(found) == 3


def test_loading_gives_a_model_ready_to_answer(base: Path) -> None:
    loaded = load_base(base, device="cpu")

    assert (loaded.dtype, loaded.device) == (torch.float32, torch.device("cpu"))
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert loaded.model.config._attn_implementation == "sdpa"
    assert "<|im_start|>" in require_template(loaded)


def test_loading_prints_nothing(base: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_base(base, device="cpu")

    assert capfd.readouterr() == ("", "")


def test_dtype_can_be_given_by_name(base: Path) -> None:
    assert load_base(base, device="cpu", dtype="bfloat16").dtype is torch.bfloat16


def test_the_real_model_loads_with_its_own_tokenizer(story_base: Path) -> None:
    loaded = load_base(story_base, device="cpu")

    prompt = loaded.tokenizer("Once upon a time, there was a little girl named Lily.", return_tensors="pt")
    with torch.no_grad():
        loss = loaded.model(**prompt, labels=prompt["input_ids"]).loss
    assert float(loss) < 5  # 7.6 is chance
    assert loaded.description.output_embedding == "lm_head"


def test_a_tokenizer_that_auto_tokenizer_rebuilds_wrongly_is_read_from_its_file(copy: Path) -> None:
    words = {"<unk>": 0, "the": 1, "office": 2, "The": 3}
    stored = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    stored.pre_tokenizer = pre_tokenizers.Whitespace()
    stored.save(str(copy / "tokenizer.json"))
    load: Any = AutoTokenizer.from_pretrained

    loaded = load_base(copy, device="cpu")

    assert load(copy)("the office")["input_ids"] != [1, 2]  # the defect worked around
    assert loaded.tokenizer("the office")["input_ids"] == [1, 2]
    assert loaded.chat_template


def test_the_tokenizer_of_an_ordinary_folder_is_the_one_auto_tokenizer_gives(base: Path) -> None:
    load: Any = AutoTokenizer.from_pretrained

    loaded = load_base(base, device="cpu")

    text = "Wörld 123  <|im_end|>\n"
    assert type(loaded.tokenizer) is type(load(base))
    assert loaded.tokenizer(text)["input_ids"] == load(base)(text)["input_ids"]


def test_a_chat_template_is_replaced_by_text_or_file(base: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.jinja"
    file.write_text("{{ 'from a file' }}")

    question = [{"role": "user", "content": "?"}]

    by_text = load_base(base, device="cpu", chat_template="{{ 'x' }}")
    by_file = load_base(base, device="cpu", chat_template=file)

    assert by_text.tokenizer.apply_chat_template(question, tokenize=False) == "x"
    assert require_template(by_file) == "{{ 'from a file' }}"


def test_a_missing_chat_template_is_an_error_only_when_needed(copy: Path) -> None:
    (copy / "chat_template.jinja").unlink()
    loaded = load_base(copy, device="cpu")

    with pytest.raises(AdapterError, match="no chat template") as caught:
        require_template(loaded)

    assert loaded.description.template_hash == ""
    assert "chat_template=" in caught.value.remedy


def test_a_chat_template_that_is_no_file_is_named(base: Path) -> None:
    with pytest.raises(AdapterError, match="'nowhere.jinja' is neither"):
        load_base(base, device="cpu", chat_template="nowhere.jinja")


def drop(name: str) -> Callable[[Path], None]:
    return lambda folder: change_weights(folder, lambda tensors: tensors.pop(name))


def add(name: str) -> Callable[[Path], None]:
    return lambda folder: change_weights(folder, lambda tensors: tensors.update({name: torch.zeros(3)}))


def poison(value: float) -> Callable[[Path], None]:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        tensors["model.norm.weight"][3] = value

    return lambda folder: change_weights(folder, change)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (drop("lm_head.weight"), "missing lm_head.weight"),
        (drop("model.layers.1.mlp.up_proj.weight"), "missing model.layers.1.mlp.up_proj.weight"),
        (add("model.layers.9.mlp.up_proj.weight"), "unexpected model.layers.9.mlp.up_proj.weight"),
        (lambda folder: change_config(folder, intermediate_size=128), "up_proj|cannot be loaded"),
        (poison(float("nan")), "not numbers, in model.norm.weight"),
        (poison(float("-inf")), "not numbers, in model.norm.weight"),
    ],
)
def test_weights_that_do_not_fit_are_refused(copy: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(copy)

    with pytest.raises(AdapterError, match=message) as caught:
        load_base(copy, device="cpu")

    assert caught.value.remedy


def truncate(folder: Path) -> None:
    file = folder / WEIGHTS
    file.write_bytes(file.read_bytes()[:-100])


def only_pickle(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / "pytorch_model.bin").write_bytes(b"not even opened")


def lose_a_shard(folder: Path) -> None:
    shard(folder)
    (folder / "b.safetensors").unlink()


def point_outside(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder.parent / WEIGHTS)
    index = {"weight_map": {"lm_head.weight": f"../{WEIGHTS}"}}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(index))


def need_code(folder: Path) -> None:
    auto = {"AutoConfig": "code.Config", "AutoModelForCausalLM": "code.Model"}
    change_config(folder, model_type="made_up", auto_map=auto)
    (folder / "code.py").write_text("raise SystemExit('the code ran')")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (shutil.rmtree, "There is no folder"),
        (lambda folder: (folder / "config.json").unlink(), "no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "is not JSON"),
        (lambda folder: (folder / "config.json").write_text("[]"), "JSON object"),
        (lambda folder: change_config(folder, model_type="made_up"), "no model that transformers knows"),
        (lambda folder: change_config(folder, architectures=["Qwen2ForSequenceClassification"]), "Sequence"),
        (truncate, "not a whole safetensors file"),
        (only_pickle, "pickled weights only"),
        (lambda folder: (folder / WEIGHTS).unlink(), "holds no weights"),
        (lose_a_shard, "lacks b.safetensors"),
        (point_outside, "outside its folder"),
        (need_code, "needs Python code"),
    ],
)
def test_what_is_no_base_model_is_refused_with_a_remedy(
    copy: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(copy)

    with pytest.raises(AdapterError, match=message) as caught:
        describe_base(copy)

    assert caught.value.remedy


@pytest.mark.parametrize("kind", ["encoder-decoder", "encoder"])
def test_models_that_do_not_write_from_left_to_right_are_refused(kind: str, tmp_path: Path) -> None:
    if kind == "encoder":
        small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
        model: Any = BertForMaskedLM(BertConfig(vocab_size=16, **small))  # type: ignore[arg-type]  # ints all
    else:
        model = T5ForConditionalGeneration(
            T5Config(vocab_size=16, d_model=8, d_ff=8, num_layers=1, num_heads=2)
        )
    model.save_pretrained(tmp_path)

    with pytest.raises(AdapterError, match="left to right"):
        describe_base(tmp_path)


def test_an_adapter_given_as_the_base_is_recognised(adapters: Path) -> None:
    with pytest.raises(AdapterError, match="holds an adapter, not a base model"):
        describe_base(adapters / "legal")


def test_a_hub_id_out_of_reach_is_an_error_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(AdapterError, match="no folder nobody/nothing, and the hub gave no model") as caught:
        describe_base("nobody/nothing")

    assert "download the model" in caught.value.remedy


def test_a_device_or_type_that_is_not_there_is_named(base: Path) -> None:
    with pytest.raises(AdapterError, match="no device 'toaster'"):
        load_base(base, device="toaster")
    with pytest.raises(AdapterError, match="no type 'float3'"):
        load_base(base, device="cpu", dtype="float3")


def test_quantization_off_cuda_is_refused(base: Path) -> None:
    with pytest.raises(AdapterError, match="4bit needs CUDA and bitsandbytes"):
        load_base(base, device="cpu", quantization="4bit")


def test_gpt2_loads_whole(gpt2_base: Path) -> None:
    loaded: LoadedBase = load_base(gpt2_base, device="cpu")

    assert loaded.description.output_embedding == "lm_head"
