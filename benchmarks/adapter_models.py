"""Random base models and adapters for benchmarks, written as files; weights shared between model objects."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Qwen2Config
from transformers.utils import logging as transformers_logging

from ragweave.adapters.weights import AdapterWeights, LoraPair

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"

quiet: Any = transformers_logging  # untyped
quiet.set_verbosity_error()
quiet.disable_progress_bar()


@dataclass(frozen=True)
class Shape:
    """Sizes of a Qwen2."""

    hidden: int
    layers: int
    mlp: int
    heads: int
    kv_heads: int
    vocabulary: int

    def config(self) -> Qwen2Config:
        return Qwen2Config(
            vocab_size=self.vocabulary,
            hidden_size=self.hidden,
            num_hidden_layers=self.layers,
            intermediate_size=self.mlp,
            num_attention_heads=self.heads,
            num_key_value_heads=self.kv_heads,
            max_position_embeddings=4096,
            tie_word_embeddings=False,
            bos_token_id=None,
            eos_token_id=None,  # no answer ends early
            pad_token_id=None,
        )


SHAPE_168M = Shape(hidden=1024, layers=12, mlp=2816, heads=16, kv_heads=4, vocabulary=32_000)
QUICK = Shape(hidden=128, layers=3, mlp=352, heads=8, kv_heads=2, vocabulary=2_000)


@dataclass(frozen=True)
class Setting:
    """What one run of the program measures with."""

    shape: Shape
    folder: Path
    base: Path
    quick: bool
    rounds: int
    prompts: tuple[tuple[int, ...], ...]
    new_tokens: int


def middle(values: Sequence[float]) -> float:
    return statistics.median(values)


def write_base(folder: Path, shape: Shape) -> Path:
    """A base model's folder, with a tokenizer that has as many tokens."""
    torch.manual_seed(0)
    from_config: Any = AutoModelForCausalLM.from_config  # untyped
    model = from_config(shape.config(), dtype=torch.float32)
    model.save_pretrained(folder)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = letters + [f"Ġw{number}" for number in range(shape.vocabulary - len(letters))]
    tokenizer = Tokenizer(models.BPE({name: number for number, name in enumerate(names)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast: Any = PreTrainedTokenizerFast  # untyped
    fast(tokenizer_object=tokenizer, chat_template=TEMPLATE).save_pretrained(folder)
    return folder


def load_model(folder: Path) -> Any:
    """The model as transformers loads it."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)  # its type is partial
    return model.eval()


def twin(model: Any) -> Any:
    """Another model object with the same weights in memory, for what wraps the layers of its own."""
    from_config: Any = AutoModelForCausalLM.from_config  # untyped
    with torch.device("meta"):
        other = from_config(model.config, dtype=torch.float32)
    other.load_state_dict(model.state_dict(), assign=True)
    # Buffers that no file holds (rotary frequencies) are still on the meta device.
    for name, buffer in model.named_buffers():
        parent, _, last = name.rpartition(".")
        setattr(other.get_submodule(parent), last, buffer)
    return other.eval()


def write_adapter(folder: Path, shape: Shape, *, seed: int, rank: int = 16) -> Path:
    """An adapter of all linear layers in peft's format, with a B that is not zero."""
    tensors = {}
    for name, pair in random_weights(shape, seed=seed, rank=rank).linear.items():
        tensors[f"base_model.model.{name}.lora_A.weight"] = pair.a
        tensors[f"base_model.model.{name}.lora_B.weight"] = pair.b
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": 2 * rank,
        "target_modules": list(TARGETS),
        "lora_dropout": 0.0,
        "bias": "none",
        "inference_mode": True,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def random_weights(shape: Shape, *, seed: int, rank: int = 16) -> AdapterWeights:
    """What `write_adapter` writes, in memory."""
    dice = torch.Generator().manual_seed(seed)
    head = shape.hidden // shape.heads
    wide, narrow = shape.hidden, shape.kv_heads * head
    sizes = {
        "self_attn.q_proj": (wide, wide),
        "self_attn.k_proj": (wide, narrow),
        "self_attn.v_proj": (wide, narrow),
        "self_attn.o_proj": (wide, wide),
        "mlp.gate_proj": (wide, shape.mlp),
        "mlp.up_proj": (wide, shape.mlp),
        "mlp.down_proj": (shape.mlp, wide),
    }
    pairs = {}
    for layer in range(shape.layers):
        for name, (into, out) in sizes.items():
            a = torch.randn(rank, into, generator=dice) / into**0.5
            b = torch.randn(out, rank, generator=dice) * 0.02
            pairs[f"model.layers.{layer}.{name}"] = LoraPair(a, b, 2.0)
    return AdapterWeights(linear=pairs)
