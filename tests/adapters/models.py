"""Tiny base models and adapters, made as their owners make them: transformers and peft write every file."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, PreTrainedTokenizerFast, Qwen2Config

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CHAT_TEMPLATE", "make_adapter", "real_base", "tiny_base"]

REAL = Path(__file__).resolve().parents[3] / "shared" / "models" / "TinyStories-656K"

# ChatML with the tool format of Hermes and Qwen: a call is a JSON object between two tags.
CHAT_TEMPLATE = """\
{%- if tools %}{{ '<|im_start|>system\\n' }}
{%- if messages[0].role == 'system' %}{{ messages[0].content + '\\n\\n' }}{% endif %}
{{- '# Tools\\n\\n<tools>' }}{% for tool in tools %}{{ '\\n' + tool | tojson }}{% endfor %}
{{- '\\n</tools>\\n\\nFor a call answer:\\n' }}
{{- '<tool_call>\\n{"name": <name>, "arguments": <object>}\\n</tool_call><|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'system' and tools %}
{%- elif message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- else %}{{ '<|im_start|>' + message.role + '\\n' }}{% if message.content %}{{ message.content }}{% endif %}
{%- for call in message.tool_calls or [] %}
{{- '<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- (call.function.arguments if call.function.arguments is string else call.function.arguments | tojson) }}
{{- '}\\n</tool_call>' }}{% endfor %}{{ '<|im_end|>\\n' }}
{%- endif %}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
# Qwen2's own: its tokenizer class sets this whatever the folder's file says.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CORPUS = (
    "The quick brown fox jumps over the lazy dog. Where is the nearest office, and when does it open?",
    "A model answers a question from the documents; an adapter changes its style, terms and task.",
    '{"name": "get_weather", "arguments": {"city": "Berlin", "unit": "celsius"}} user assistant system tool',
    "Holidays, leave and pay: ask the support team how many days are left. Numbers: 0 1 2 3 4 5 6 7 8 9.",
)


def tiny_base(
    folder: Path,
    *,
    kind: str = "qwen2",
    layers: int = 2,
    hidden: int = 32,
    heads: int = 4,
    kv_heads: int = 2,
    mlp: int = 64,
    vocab: int = 384,
    context: int = 512,
    seed: int = 0,
    tie: bool = False,
) -> Path:
    """Write a random causal language model with a byte-level tokenizer and a chat template.

    `kind` is "qwen2", "llama" or "gpt2". The weights are ten times wider than a fresh model's, so that greedy
    answers vary with the prompt and their top two logits lie apart.
    """
    from_config: Any = AutoModelForCausalLM.from_config  # untyped
    shape: dict[str, Any] = {
        "vocab_size": vocab,
        "tie_word_embeddings": tie,
        "initializer_range": 0.2,
        "bos_token_id": None,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    decoder = shape | {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "intermediate_size": mlp,
        "max_position_embeddings": context,
    }
    config: Any
    if kind == "gpt2":
        sizes: dict[str, Any] = {"n_embd": hidden, "n_layer": layers, "n_head": heads, "n_inner": mlp}
        config = GPT2Config(**shape, **sizes, n_positions=context)
    else:
        config = {"qwen2": Qwen2Config, "llama": LlamaConfig}[kind](**decoder)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = from_config(config)
    model.save_pretrained(folder)
    save_tokenizer(folder, vocab)
    return folder


def save_tokenizer(folder: Path, vocab: int) -> None:
    """Write a tokenizer of at most `vocab` tokens: all bytes, some words, the special tokens."""
    fast: Any = PreTrainedTokenizerFast  # untyped
    fast(
        tokenizer_object=Tokenizer.from_str(_byte_pairs(vocab)),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    ).save_pretrained(folder)


@cache
def _byte_pairs(vocab: int) -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        min_frequency=1,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return str(tokenizer.to_str())


def make_adapter(
    base: Path,
    folder: Path,
    *,
    rank: int = 8,
    alpha: int | None = None,
    targets: Sequence[str] | str = ("q_proj", "v_proj"),
    seed: int = 0,
    scale: float = 0.5,
    rslora: bool = False,
    **lora_config: Any,
) -> Path:
    """Write a LoRA adapter through peft, with a random B that is not zero.

    `alpha` is twice the rank if not given; `scale` is the standard deviation of B; `lora_config` holds
    further arguments of peft's LoraConfig.
    """
    from peft import LoraConfig, get_peft_model

    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank if alpha is None else alpha,
        target_modules=targets if isinstance(targets, str) else list(targets),
        use_rslora=rslora,
        task_type="CAUSAL_LM",
        **lora_config,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        adapted = get_peft_model(model, config)
        with torch.no_grad():
            for name, parameter in adapted.named_parameters():
                if "lora_B" in name or "lora_embedding_" in name:
                    parameter.normal_(std=scale)
    adapted.save_pretrained(str(folder))
    return folder


def real_base(folder: Path) -> Path:
    """Copy the real small model that lies beside the repository, and give it a chat template; else skip."""
    if not (REAL / "model.safetensors").is_file():
        pytest.skip(f"No model at {REAL}. Clone the repository beside the folder `shared`.")
    shutil.copytree(REAL, folder, dirs_exist_ok=True)
    settings = folder / "tokenizer_config.json"
    template = "{{ bos_token }}{% for message in messages %}{{ message.content + '\\n' }}{% endfor %}"
    told = json.loads(settings.read_text(encoding="utf-8")) | {"chat_template": template}
    settings.write_text(json.dumps(told), encoding="utf-8")
    return folder
