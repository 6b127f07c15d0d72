"""A base model as its configuration and the headers of its weights describe it; no weights are loaded.

Knows nothing of adapters, slots or requests. Weights come from safetensors alone; code in a model's folder
runs only where the caller asks for it in so many words.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

from .base_files import base_tensors, no_weights, one_line, read_json
from .errors import AdapterError
from .tensor_file import TensorFile

__all__ = ["BaseDescription", "ModuleShape", "describe_base", "one_line"]

# What of a configuration decides what the weights mean; names that transformers maps to each family's own.
ARCHITECTURE = (
    "model_type",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "intermediate_size",
    "vocab_size",
    "tie_word_embeddings",
    "hidden_act",
    "rms_norm_eps",
    "layer_norm_epsilon",
    "rope_theta",
    "sliding_window",
)
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")


@dataclass(frozen=True, slots=True)
class ModuleShape:
    """A module that LoRA can target; an embedding's `in_features` is its vocabulary.

    `plain` is False for an embedding that does more than look up rows (Gemma's scales them).
    """

    kind: Literal["linear", "embedding"]
    in_features: int
    out_features: int
    plain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseDescription:
    """What adapters are checked against, known without loading weights.

    `name` is the folder's last part or the hub id; `fingerprint` is the same for the same weights however
    they are split into files or rounded to bfloat16; `modules` are named as in `named_modules()`;
    `output_embedding` is the name of the module that makes the logits; `context` is the longest sequence, 0
    where unknown; `template_hash` is "" without a chat template.
    """

    name: str
    path: Path
    fingerprint: str
    modules: Mapping[str, ModuleShape]
    output_embedding: str
    layers: int
    context: int
    template_hash: str


def describe_base(
    base: str | Path, *, trust_remote_code: bool = False, revision: str | None = None
) -> BaseDescription:
    """Read a base model's configuration and headers, not its weights.

    `base` is a folder or a hub id. Raises `AdapterError` where it is not a causal language model with whole
    safetensors weights.
    """
    folder = _folder(base, trust_remote_code=trust_remote_code, revision=revision)
    config = _config(folder, trust_remote_code=trust_remote_code)
    model = _skeleton(config, folder, trust_remote_code=trust_remote_code)
    text = config.get_text_config()
    output = model.get_output_embeddings()
    template = _stored_template(folder)
    return BaseDescription(
        name=str(base) if _is_hub_id(base) else folder.resolve().name,
        path=folder,
        fingerprint=_fingerprint(folder, text),
        modules=_modules(model),
        output_embedding=next((name for name, module in model.named_modules() if module is output), ""),
        layers=int(text.num_hidden_layers),
        context=int(getattr(text, "max_position_embeddings", None) or 0),
        template_hash=hashlib.sha256(template.encode()).hexdigest() if template else "",
    )


def _is_hub_id(base: str | Path) -> bool:
    return (
        isinstance(base, str) and HUB_ID.fullmatch(base) is not None and not Path(base).expanduser().exists()
    )


def _folder(base: str | Path, *, trust_remote_code: bool, revision: str | None) -> Path:
    folder = Path(base).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise AdapterError(
            f"{base} is a file, not a model's folder.", remedy="Give the folder that holds it."
        )
    if not _is_hub_id(base):
        raise AdapterError(
            f"There is no folder {base}.", remedy="Check the path, or give a hub id: owner/name."
        )
    patterns = [*FILES, "*.py"] if trust_remote_code else list(FILES)
    try:
        return Path(snapshot_download(str(base), revision=revision, allow_patterns=patterns))
    except (OSError, HFValidationError) as error:  # the hub's errors, those of the network among them
        raise AdapterError(
            f"There is no folder {base}, and the hub gave no model of this name: {one_line(error)}",
            remedy="Check the name and the network, or download the model and give its folder.",
        ) from error


def _config(folder: Path, *, trust_remote_code: bool) -> Any:
    file = folder / "config.json"
    if not file.is_file():
        raise (
            no_weights(folder)
            if (folder / "adapter_config.json").is_file()
            else AdapterError(
                f"{folder} has no config.json, so it is not a model's folder.",
                remedy="Give the folder that holds config.json and model.safetensors.",
            )
        )
    raw = read_json(file)
    try:
        config: Any = AutoConfig.from_pretrained(
            folder, trust_remote_code=trust_remote_code, local_files_only=True
        )
    except (ValueError, KeyError, OSError, TypeError) as error:
        if raw.get("auto_map") and not trust_remote_code:
            raise _needs_code(folder) from error
        raise AdapterError(
            f"{file} describes no model that transformers knows: {one_line(error)}",
            remedy="Check model_type in it, or upgrade transformers.",
        ) from error
    return config


def _needs_code(folder: Path) -> AdapterError:
    return AdapterError(
        f"The model in {folder} needs Python code from its own folder, which is not run unasked.",
        remedy="Read that code; if you trust it, pass trust_remote_code=True.",
    )


def _skeleton(config: Any, folder: Path, *, trust_remote_code: bool) -> Any:
    """The model without weights, on torch's meta device."""
    from_config: Any = AutoModelForCausalLM.from_config  # untyped
    try:
        with torch.device("meta"):
            model = from_config(config, trust_remote_code=trust_remote_code)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if getattr(config, "auto_map", None) and not trust_remote_code:
            raise _needs_code(folder) from error
        raise _not_causal(folder, config.model_type) from error
    made = getattr(config, "architectures", None) or [type(model).__name__]
    if config.is_encoder_decoder or type(model).__name__ not in made:
        raise _not_causal(folder, ", ".join(made))
    return model


def _not_causal(folder: Path, found: str) -> AdapterError:
    return AdapterError(
        f"The model in {folder} ({found}) is not a decoder that writes text from left to right.",
        remedy="Give a causal language model, such as Qwen2ForCausalLM or LlamaForCausalLM.",
    )


def _modules(model: Any) -> dict[str, ModuleShape]:
    found: dict[str, ModuleShape] = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            found[name] = ModuleShape("linear", module.in_features, module.out_features)
        elif isinstance(module, Conv1D):
            found[name] = ModuleShape("linear", int(module.weight.shape[0]), int(module.weight.shape[1]))
        elif isinstance(module, torch.nn.Embedding):
            plain = type(module) is torch.nn.Embedding
            found[name] = ModuleShape("embedding", module.num_embeddings, module.embedding_dim, plain)
    return found


def _fingerprint(folder: Path, config: Any) -> str:
    told = {key: getattr(config, key, None) for key in ARCHITECTURE}
    rope = getattr(config, "rope_parameters", None)
    if told["rope_theta"] is None and isinstance(rope, dict):
        told["rope_theta"] = rope.get("rope_theta")
    tensors: dict[str, str] = {}
    for path in base_tensors(folder):
        try:
            with TensorFile(path) as file:
                for name, entry in file.entries.items():
                    digest = hashlib.sha256(file.sample(name)).hexdigest()
                    tensors[name] = f"{list(entry.shape)} {digest}"
        except AdapterError as error:
            raise AdapterError(error.message, remedy=error.remedy) from error
    text = json.dumps({"config": told, "tensors": tensors}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _stored_template(folder: Path) -> str:
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    settings = folder / "tokenizer_config.json"
    found = read_json(settings).get("chat_template") if settings.is_file() else None
    if isinstance(found, list):  # several by name
        found = {one.get("name"): one.get("template") for one in found}.get("default")
    return found if isinstance(found, str) else ""
