"""A base model and adapters that fit in half a megabyte, to try things with: random weights, no download.

python examples/tiny_model.py models/tiny adapters support legal
"""

import sys
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Qwen2Config

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WORDS = """Please find the answer below. We will look into your order today and write to you by tomorrow.
The contract ends with the month after next, as clause four says. In short: yes, but ask your manager first.
Thank you for your question about leave, travel, pay, laptops and lunch; here is what the handbook tells."""
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def make_base(folder: Path) -> Path:
    """A Qwen2 of two layers that answers in word salad, to the same question always the same."""
    # transformers leaves these three untyped
    config: Any = Qwen2Config
    auto: Any = AutoModelForCausalLM
    tokenizer: Any = PreTrainedTokenizerFast
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    words.train_from_iterator(
        [WORDS],
        trainers.BpeTrainer(
            vocab_size=600,
            min_frequency=1,
            special_tokens=SPECIAL,
            initial_alphabet=alphabet,
            show_progress=False,
        ),
    )
    tokenizer(
        tokenizer_object=words, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=TEMPLATE
    ).save_pretrained(folder)
    torch.manual_seed(0)
    shape = config(
        vocab_size=words.get_vocab_size(), hidden_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, intermediate_size=128, max_position_embeddings=16384, initializer_range=0.2,
        tie_word_embeddings=False, bos_token_id=None, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    model = auto.from_config(shape)
    with torch.no_grad():  # no single bytes, no end: answers are pieces of WORDS, as long as they may be
        model.lm_head.weight[: len(SPECIAL) + len(alphabet)] = 0
    model.save_pretrained(folder)
    return folder


def make_adapters(base: Path, folder: Path, names: list[str]) -> dict[str, Path]:
    """Random LoRA adapters of that base, of different ranks and layers, as peft saves them."""
    made = {}
    for number, name in enumerate(names, start=1):
        torch.manual_seed(number)
        targets = ["q_proj", "v_proj"] if number % 2 else ["up_proj", "down_proj"]
        lora = LoraConfig(r=(4, 8, 16)[number % 3], target_modules=targets, task_type="CAUSAL_LM")
        adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(base), lora)
        for parameter_name, parameter in adapted.named_parameters():
            if "lora_B" in parameter_name:  # zeros in a fresh adapter, which would change nothing
                torch.nn.init.normal_(parameter, std=0.3)
        adapted.save_pretrained(str(folder / name))
        made[name] = folder / name
    return made


def main(base: str, folder: str, *names: str) -> None:
    make_base(Path(base))
    for name, path in make_adapters(Path(base), Path(folder), list(names)).items():
        print(f"{name}: {path}")
    print(f"Try: ragweave chat README.md --model {base} --adapters {folder}")


if __name__ == "__main__":
    main(*sys.argv[1:])
