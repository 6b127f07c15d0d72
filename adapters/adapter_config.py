"""An adapter's folder and configuration in peft's format: where its files are, and what they claim.

Reads no weights and knows no torch, so that a registry can be listed at once.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regex  # type: ignore[import-untyped]  # one call, with the time limit that re lacks

from .errors import AdapterError, AdapterMismatch, UnsafeAdapter
from .records import AdapterInfo
from .tensor_file import READABLE, TensorFile

__all__ = [
    "CONFIG",
    "PREFIX",
    "WEIGHTS",
    "AdapterConfig",
    "adapter_info",
    "content_hash",
    "find_files",
    "read_config",
]

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."  # of every key in the file
HUGE = 1e9  # an alpha; usual ones are below a thousand
MAX_CONFIG = 10_000_000  # bytes; real ones have some thousand
PATTERN_SECONDS = 0.5  # for one match, some microseconds' work: a hostile expression would take for ever

# Keys that do not change what an adapter computes once it is trained, and their likes: where it came from,
# how it was trained, how the base stores its weights.
HARMLESS = frozenset(
    {
        "auto_mapping",
        "base_model_name_or_path",
        "corda_config",
        "eva_config",
        "exclude_modules",
        "fan_in_fan_out",
        "inference_mode",
        "init_lora_weights",
        "layers_pattern",
        "layers_to_transform",
        "loftq_config",
        "lora_alpha",
        "lora_dropout",
        "lora_ga_config",
        "megatron_core",
        "peft_type",
        "peft_version",
        "qalora_group_size",
        "r",
        "rank_pattern",
        "alpha_pattern",
        "revision",
        "runtime_config",
        "target_modules",
        "task_type",
        "use_rslora",
    }
)
# Kinds that are more than two factors beside a module.
SPECIAL: Mapping[str, str] = {
    "use_dora": "it is a DoRA adapter, which scales the base's own weights",
    "modules_to_save": "it replaces whole modules (modules_to_save)",
    "trainable_token_indices": "it changes single rows of the embedding (trainable_token_indices)",
    "lora_bias": "its B factors have a bias (lora_bias)",
    "target_parameters": "it changes bare parameters (target_parameters)",
    "bias": "it changes biases of the base (bias)",
    "alora_invocation_tokens": "it is an aLoRA, which starts at certain tokens",
    "use_qalora": "it is a QALoRA, which pools its inputs",
    "arrow_config": "it routes between adapters (arrow_config)",
}
# Of these, what peft computes rightly in a plain forward, with no part of the base written over.
LANE_KINDS = frozenset({"use_dora", "modules_to_save", "trainable_token_indices", "lora_bias"})
# These start from changed base weights, so their factors fit only a base changed alike.
CHANGED_BASE = ("pissa", "olora", "corda", "lora_ga", "loftq")
PLAIN_STARTS = ("true", "false", "gaussian", "eva", "orthogonal")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterConfig:
    """What `adapter_config.json` says.

    `exclusive` is why slots cannot carry it, or ""; `lane` says that peft can, and `kinds` are the keys of
    `SPECIAL` that make it so.
    """

    rank: int
    alpha: float
    rslora: bool
    target_modules: str | tuple[str, ...] | None
    exclude_modules: str | tuple[str, ...]
    layers_to_transform: tuple[int, ...]
    layers_pattern: tuple[str, ...]
    rank_pattern: Mapping[str, int]
    alpha_pattern: Mapping[str, float]
    base_model: str
    modules_to_save: tuple[str, ...]
    kinds: frozenset[str]
    exclusive: str
    lane: bool

    def rank_of(self, module: str) -> int:
        """The rank on a module."""
        return self.rank_pattern.get(_pattern_key(self.rank_pattern, module), self.rank)

    def scaling_of(self, module: str) -> float:
        """The factor on a module's product."""
        rank = self.rank_of(module)
        alpha = self.alpha_pattern.get(_pattern_key(self.alpha_pattern, module), self.alpha)
        return alpha / math.sqrt(rank) if self.rslora else alpha / rank

    def is_target(self, module: str) -> bool:
        """Whether peft would adapt a module of this name; "all-linear" is the caller's to resolve."""
        if isinstance(self.exclude_modules, str):
            if self.exclude_modules and _fullmatch(self.exclude_modules, module):
                return False
        elif _named(self.exclude_modules, module):
            return False
        if self.target_modules is None:
            return False
        if isinstance(self.target_modules, str):
            return _fullmatch(self.target_modules, module)
        if module in self.target_modules:
            return True
        return _named(self.target_modules, module) and self._in_layers(module)

    @property
    def all_linear(self) -> bool:
        """Whether the targets are every linear layer but the output."""
        return isinstance(self.target_modules, str) and self.target_modules.lower() == "all-linear"

    def _in_layers(self, module: str) -> bool:
        if not self.layers_to_transform:
            return True
        patterns = [rf"(?:^|.*?\.){pattern}\.(?P<layer>\d+)\." for pattern in self.layers_pattern]
        for pattern in patterns or [r".*?\.[^.]*\.(?P<layer>\d+)\."]:
            if found := _match(pattern, module):
                return int(found["layer"]) in self.layers_to_transform
        return False


def find_files(folder: Path) -> tuple[Path, Path]:
    """The two files of an adapter. Raises `UnsafeAdapter` for pickles and for links that lead elsewhere."""
    if not folder.is_dir():
        raise AdapterError(f"There is no folder {folder}.", remedy="Check the adapter's path.")
    if not (folder / CONFIG).exists():
        raise AdapterError(
            f"{folder} is not an adapter: it has no {CONFIG}.",
            remedy="Give the folder that peft's save_pretrained wrote.",
        )
    if not (folder / WEIGHTS).exists():
        if any(folder.glob("*.bin")) or any(folder.glob("*.pt")) or any(folder.glob("*.pth")):
            raise UnsafeAdapter(
                f"{folder} holds pickled weights only, and loading a pickle can run any code.",
                remedy="Use a safetensors copy, or load it with peft where you trust it and save it again.",
            )
        raise AdapterError(f"{folder} has no {WEIGHTS}.", remedy="Download or save the adapter again.")
    return _inside(folder, CONFIG), _inside(folder, WEIGHTS)


def _inside(folder: Path, name: str) -> Path:
    root, found = folder.resolve(), (folder / name).resolve()
    # The hub's cache keeps files as links from snapshots/<revision>/ to blobs/.
    cached = root.parent.name == "snapshots" and found.parent == root.parent.parent / "blobs"
    if found.is_file() and (found.parent == root or cached):
        return found
    raise UnsafeAdapter(
        f"{folder / name} leads to {found}, outside the adapter's folder.",
        remedy="Replace the link by the file itself.",
    )


def content_hash(folder: str | Path) -> str:
    """The version of a plain folder: twelve digits over its two files."""
    digest = hashlib.sha256()
    for path in find_files(Path(folder)):
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def adapter_info(name: str, folder: str | Path, *, version: str = "", description: str = "") -> AdapterInfo:
    """What can be said of an adapter without its base; the version is the content's hash if not given."""
    _, weights = find_files(Path(folder))
    read_config(Path(folder))
    ranks: list[int] = []
    targets: set[str] = set()
    with TensorFile(weights) as file:
        for key, entry in file.entries.items():
            module, factor, _ = key.partition(".lora_")
            if factor:
                targets.add(module.rpartition(".")[2])
            if key.endswith((".lora_A.weight", ".lora_embedding_A")) and entry.shape:
                ranks.append(entry.shape[0])
    return AdapterInfo(
        name=name,
        version=version or content_hash(folder),
        description=description,
        rank=max(ranks, default=0),
        targets=tuple(sorted(targets)),
        path=str(folder),
    )


def read_config(folder: Path) -> AdapterConfig:
    """Read and check `adapter_config.json`.

    Raises `UnsafeAdapter` for a damaged one, `AdapterError` for another kind than LoRA, and `AdapterMismatch`
    for an adapter of a changed base or of another task.
    """
    path = find_files(folder)[0]
    raw = _json_object(path)
    kind = raw.get("peft_type")
    if kind != "LORA":
        raise AdapterError(
            f"{path} describes an adapter of the kind {kind!r}; only LORA can be served.",
            remedy="Train a LoRA adapter, or merge this one into its base with peft.",
        )
    task = raw.get("task_type")
    if task not in (None, "CAUSAL_LM"):
        raise AdapterMismatch(
            f"{path} describes an adapter for the task {task}, not for writing text (CAUSAL_LM).",
            remedy="Use an adapter that was trained on a causal language model.",
        )
    _refuse_changed_base(path, raw)
    kinds = frozenset(key for key in SPECIAL if raw.get(key) not in (None, False, "none", [], {}))
    strange = _strange(raw)
    return AdapterConfig(
        rank=_rank(path, "r", raw.get("r", 8)),
        alpha=_number(path, "lora_alpha", raw.get("lora_alpha", 8)),
        rslora=bool(raw.get("use_rslora")),
        target_modules=_names(path, raw, "target_modules"),
        exclude_modules=_names(path, raw, "exclude_modules") or (),
        layers_to_transform=_layers(path, raw),
        layers_pattern=_several(path, raw, "layers_pattern"),
        rank_pattern={
            key: _rank(path, f"rank_pattern[{key!r}]", value)
            for key, value in _mapping(path, raw, "rank_pattern").items()
        },
        alpha_pattern={
            key: _number(path, f"alpha_pattern[{key!r}]", value)
            for key, value in _mapping(path, raw, "alpha_pattern").items()
        },
        base_model=str(raw.get("base_model_name_or_path") or ""),
        modules_to_save=_several(path, raw, "modules_to_save"),
        kinds=kinds,
        exclusive=next((SPECIAL[key] for key in SPECIAL if key in kinds), strange),
        lane=bool(kinds) and kinds <= LANE_KINDS and not strange,
    )


def _json_object(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MAX_CONFIG:
        raise _damaged(path, f"it is larger than {MAX_CONFIG} bytes")
    try:
        raw = json.loads(path.read_bytes())
    except OSError as error:
        raise AdapterError(f"{path} cannot be read: {error.strerror}.", remedy=READABLE) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "it is not JSON") from error
    if not isinstance(raw, dict):
        raise _damaged(path, "it is not a JSON object")
    return raw


def _damaged(path: Path, reason: str) -> UnsafeAdapter:
    return UnsafeAdapter(
        f"{path} is not an adapter's configuration: {reason}.", remedy="Download or save the adapter again."
    )


def _rank(path: Path, name: str, value: object) -> int:
    if type(value) is not int or value < 1:
        raise _damaged(path, f"{name} is {value!r:.40}, and a rank is a whole number from 1")
    return value


def _number(path: Path, name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < HUGE:
        raise _damaged(path, f"{name} is {value!r:.40}, and has to be a number below {HUGE:g}")
    return float(value)


def _names(path: Path, raw: Mapping[str, Any], key: str) -> str | tuple[str, ...] | None:
    value = raw.get(key)
    if value is None or isinstance(value, str):
        return value
    return _several(path, raw, key)


def _several(path: Path, raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = raw.get(key) or []
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise _damaged(path, f"{key} is neither a text nor a list of texts")
    return tuple(found)


def _layers(path: Path, raw: Mapping[str, Any]) -> tuple[int, ...]:
    value = raw.get("layers_to_transform")
    found = [] if value is None else value if isinstance(value, list) else [value]
    if not all(type(layer) is int for layer in found):
        raise _damaged(path, "layers_to_transform is neither a number nor a list of numbers")
    return tuple(found)


def _mapping(path: Path, raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key) or {}
    if not isinstance(value, dict):
        raise _damaged(path, f"{key} is not an object")
    return value


def _refuse_changed_base(path: Path, raw: Mapping[str, Any]) -> None:
    start = str(raw.get("init_lora_weights", True)).lower()
    if start.startswith(CHANGED_BASE):
        raise AdapterMismatch(
            f"{path} starts from {start}, which changes the base's weights; on the plain base it is wrong.",
            remedy="Save it again as a plain LoRA: "
            "save_pretrained(..., path_initial_model_for_weight_conversion=...).",
        )
    if raw.get("layer_replication"):
        raise AdapterMismatch(
            f"{path} needs a base with repeated layers (layer_replication).",
            remedy="Merge it into its base with peft, and serve the merged model as a base of its own.",
        )


def _strange(raw: Mapping[str, Any]) -> str:
    """A setting that nobody here knows and that is in force, as a reason; else ""."""
    start = str(raw.get("init_lora_weights", True)).lower()
    if start not in PLAIN_STARTS:
        return f"it starts from {start!r}, which may compute otherwise (init_lora_weights)"
    for key in sorted(raw.keys() - HARMLESS - SPECIAL.keys()):
        if raw[key] not in (None, False, [], {}, ""):
            return f"its configuration sets {key}, which may change what it computes"
    return ""


def _pattern_key(patterns: Mapping[str, object], module: str) -> str:
    """The first pattern that fits, as peft's `get_pattern_key` finds it."""
    return next((key for key in patterns if _match(rf"(.*\.)?({key})$", module)), module)


def _named(names: tuple[str, ...], module: str) -> bool:
    return any(module == name or module.endswith(f".{name}") for name in names)


def _fullmatch(pattern: str, module: str) -> bool:
    return _match(rf"(?:{pattern})\Z", module) is not None


def _match(pattern: str, module: str) -> Any:
    """The match from the start, if any. Raises `UnsafeAdapter` for a bad or endless pattern."""
    try:
        return regex.match(pattern, module, timeout=PATTERN_SECONDS)
    except (regex.error, TimeoutError) as error:
        raise UnsafeAdapter(
            f"The pattern {pattern!r} in {CONFIG} is not a regular expression, or takes too long: {error}.",
            remedy="Correct target_modules, exclude_modules, rank_pattern or alpha_pattern.",
        ) from error
