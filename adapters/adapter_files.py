"""Adapters read from peft's files, against the base they are to run on: right, or refused with the reason.

Knows no slots and no engine. Weights are views of the file; a shape is checked from the header alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import torch
from torch import Tensor

from .adapter_config import PREFIX, AdapterConfig, adapter_info, content_hash, find_files, read_config
from .base_files import base_tensors
from .errors import AdapterMismatch, UnsafeAdapter
from .tensor_file import FLOATING, TensorFile
from .weights import AdapterWeights, LoraPair

if TYPE_CHECKING:
    from .base_description import BaseDescription

__all__ = ["adapter_info", "check_numbers", "content_hash", "read_adapter"]

# What a key ends in, by the factor it is.
FACTORS: Mapping[str, tuple[str, str]] = {
    ".lora_A.weight": ("linear", "a"),
    ".lora_B.weight": ("linear", "b"),
    ".lora_embedding_A": ("embedding", "a"),
    ".lora_embedding_B": ("embedding", "b"),
}
# Keys of kinds that have a lane of their own, should the configuration not name them.
SPECIAL_KEYS: Mapping[str, str] = {
    ".lora_magnitude_vector": "it is a DoRA adapter, which scales the base's own weights",
    ".lora_B.bias": "its B factors have a bias (lora_bias)",
}
# What else each module of such a kind has, and how its key ends.
EXTRAS: Mapping[str, str] = {"use_dora": ".lora_magnitude_vector", "lora_bias": ".lora_B.bias"}
TOKENS = ".token_adapter.trainable_tokens_delta"
LAYER = re.compile(r"\.(\d{1,9})\.")


@dataclass(slots=True)
class _Contents:
    """The keys of a file, sorted by what they are."""

    # (module, kind) -> a, b -> key
    pairs: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)  # module -> key of the base's own weight
    other: list[str] = field(default_factory=list)
    exclusive: str = ""


def read_adapter(folder: str | Path, base: BaseDescription, *, checked: bool = False) -> AdapterWeights:
    """Map an adapter's weights into memory, checked against the base.

    `checked` skips the search for NaN and infinity, for files that a registry has verified. Raises
    `UnsafeAdapter` for damaged or dangerous files and `AdapterMismatch` where the adapter was made for
    another base.
    """
    path = Path(folder)
    config = read_config(path)
    with TensorFile(find_files(path)[1]) as file:
        contents = _sort_keys(file, base)
        contents.exclusive = config.exclusive or contents.exclusive
        if config.lane or not contents.exclusive:
            _check_other(file, contents, config)
        _check_pairs(file, contents, config, base)
        _check_stored(file, contents.stored, base)
        if not contents.exclusive:
            contents.exclusive = _own_weights(file, contents.stored, base)
        if not checked:
            _refuse_broken_numbers(file)
        if contents.exclusive:
            return AdapterWeights(exclusive=contents.exclusive, lane=_has_lane(contents, config))
        weights: dict[str, dict[str, LoraPair]] = {"linear": {}, "embedding": {}}
        for (module, kind), keys in contents.pairs.items():
            pair = LoraPair(file.tensor(keys["a"]), file.tensor(keys["b"]), config.scaling_of(module))
            weights[kind][module] = pair
        return AdapterWeights(linear=weights["linear"], embedding=weights["embedding"])


def _has_lane(contents: _Contents, config: AdapterConfig) -> bool:
    """Whether peft can serve what slots cannot, with no weight of the base written over."""
    replaced = {module for module in contents.stored if _saved_whole(module, config)}
    return bool(config.exclusive) and config.lane and replaced == contents.stored.keys()


def _check_other(file: TensorFile, contents: _Contents, config: AdapterConfig) -> None:
    """Every tensor beside the factors has to be one that the kind needs, and none may lack.

    peft skips the former and fills the latter with starting values, in silence.
    """
    needed = [
        f"{PREFIX}{module}{ending}"
        for kind, ending in EXTRAS.items()
        for module, _ in contents.pairs
        if kind in config.kinds
    ]
    if lacking := sorted(set(needed) - set(contents.other)):
        raise AdapterMismatch(f"{file.path} lacks {lacking[0]}.", remedy="Save the adapter again, whole.")
    tokens = "trainable_token_indices" in config.kinds
    names = [key.removeprefix(PREFIX) for key in (*contents.other, *contents.stored.values())]
    for saved in config.modules_to_save:
        if not any(_under(name, saved) for name in names):
            raise AdapterMismatch(
                f"{file.path} lacks the module {saved}.", remedy="Save the adapter again, whole."
            )
    unknown = [
        key
        for key in contents.other
        if key not in needed
        and not (tokens and key.endswith(TOKENS))
        and not any(_under(key, saved) for saved in config.modules_to_save)
    ]
    if unknown:
        raise _unknown_keys(file, unknown)


def _under(key: str, module: str) -> bool:
    return f"{module}." in key  # as peft: "norm" means input_layernorm too


def _saved_whole(module: str, config: AdapterConfig) -> bool:
    return any(module == name or module.endswith(f".{name}") for name in config.modules_to_save)


def _sort_keys(file: TensorFile, base: BaseDescription) -> _Contents:
    found = _Contents()
    for key in file.entries:
        name = key.removeprefix(PREFIX)
        ending = next((ending for ending in FACTORS if name.endswith(ending)), None)
        if name == key:
            found.other.append(key)
        elif ending is not None:
            kind, factor = FACTORS[ending]
            found.pairs.setdefault((name.removesuffix(ending), kind), {})[factor] = key
        elif module := _base_weight(name, base):
            found.stored[module] = key
        else:
            found.other.append(key)
            reasons = (reason for ending, reason in SPECIAL_KEYS.items() if name.endswith(ending))
            found.exclusive = found.exclusive or next(reasons, "")
    return found


def _base_weight(name: str, base: BaseDescription) -> str:
    """The embedding or output layer whose own weight this key holds, or ""."""
    module = name.removesuffix(".weight").removesuffix(".base_layer")
    shape = base.modules.get(module)
    mine = shape is not None and (shape.kind == "embedding" or module == base.output_embedding)
    return module if mine and name.endswith(".weight") else ""


def _check_pairs(file: TensorFile, contents: _Contents, config: AdapterConfig, base: BaseDescription) -> None:
    if not contents.pairs and not contents.exclusive:
        raise AdapterMismatch(
            f"{file.path} holds no LoRA factors.", remedy="Save the adapter with peft again."
        )
    for (module, kind), keys in contents.pairs.items():
        if len(keys) == 1:
            raise AdapterMismatch(
                f"{file.path} holds only one of the two factors of {module}.",
                remedy="Save the adapter again, whole.",
            )
        shape = base.modules.get(module)
        if shape is None or shape.kind != kind:
            _refuse_module(module, base)
        _check_shapes(file, keys, module, config.rank_of(module), base)
        if not shape.plain and not contents.exclusive:
            contents.exclusive = f"it adapts {module}, which computes more than a lookup"
    _check_layers(contents.pairs, config, base, exclusive=bool(contents.exclusive))


def _refuse_module(module: str, base: BaseDescription) -> NoReturn:
    layer = LAYER.search(module)
    if layer and int(layer[1]) >= base.layers:
        raise AdapterMismatch(
            f"The adapter reaches layer {layer[1]}, and {base.name} has {base.layers} layers (0 to "
            f"{base.layers - 1}).",
            remedy=_other_base(base),
        )
    raise AdapterMismatch(
        f"The adapter changes {module}, which {base.name} does not have.", remedy=_other_base(base)
    )


def _check_shapes(
    file: TensorFile, keys: Mapping[str, str], module: str, rank: int, base: BaseDescription
) -> None:
    shape = base.modules[module]
    a, b = file.entries[keys["a"]], file.entries[keys["b"]]
    if a.dtype not in FLOATING or b.dtype not in FLOATING:
        raise UnsafeAdapter(
            f"The factors of {module} are of the types {a.dtype} and {b.dtype}.",
            remedy="Save the adapter as float32, bfloat16 or float16.",
        )
    if len(a.shape) != 2 or len(b.shape) != 2 or a.shape[0] != rank or b.shape[1] != rank:
        raise UnsafeAdapter(
            f"The configuration gives {module} the rank {rank}, and its factors have the shapes "
            f"{list(a.shape)} and {list(b.shape)}.",
            remedy="Use the configuration that belongs to these weights.",
        )
    if (a.shape[1], b.shape[0]) != (shape.in_features, shape.out_features):
        raise AdapterMismatch(
            f"The adapter's factors for {module} lead from {a.shape[1]} to {b.shape[0]} values, and the "
            f"module of {base.name} from {shape.in_features} to {shape.out_features}.",
            remedy="Use the base model that the adapter was trained on.",
        )
    if rank > max(shape.in_features, shape.out_features):
        raise UnsafeAdapter(
            f"The rank of {module} is {rank}, more than the module is wide.",
            remedy="Use an adapter of a lower rank.",
        )


def _check_layers(
    pairs: Iterable[tuple[str, str]], config: AdapterConfig, base: BaseDescription, *, exclusive: bool
) -> None:
    """Refuse a file that adapts less, or other modules, than its configuration would adapt in this base."""
    found = {module for module, _ in pairs}
    if config.all_linear:
        linear = {name for name, shape in base.modules.items() if shape.kind == "linear"}
        expected = linear - {base.output_embedding}
    elif config.target_modules is None:
        expected = found
    else:
        expected = {module for module in base.modules if config.is_target(module)}
    if lacking := sorted(expected - found):
        raise AdapterMismatch(
            f"The adapter has no factors for {lacking[0]} and {len(lacking) - 1} other modules that it would "
            f"adapt in {base.name}: it was made for another base, or saved in part.",
            remedy=_other_base(base),
        )
    if (extra := sorted(found - expected)) and not exclusive:
        raise AdapterMismatch(
            f"The adapter has factors for {extra[0]}, which its own target_modules leave out.",
            remedy="Use the configuration that belongs to these weights.",
        )
    # Full paths, which peft writes for "all-linear", cannot tell a base of more layers.
    layers = {int(layer[1]) for layer in map(LAYER.search, found) if layer}
    by_path = not isinstance(config.target_modules, str) and set(config.target_modules or found) & found
    if by_path and layers and max(layers) < base.layers - 1 and not config.layers_to_transform:
        raise AdapterMismatch(
            f"The adapter ends at layer {max(layers)}, and {base.name} has {base.layers} layers.",
            remedy=f"{_other_base(base)} If it is meant for these layers only, set layers_to_transform in "
            "its configuration.",
        )


def _other_base(base: BaseDescription) -> str:
    return f"Use the base model that the adapter was trained on, instead of {base.path}."


def _unknown_keys(file: TensorFile, keys: list[str]) -> AdapterMismatch:
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return AdapterMismatch(
        f"{file.path} holds tensors that are not LoRA factors: {', '.join(sorted(keys)[:3])}{more}.",
        remedy=f"Save it with peft, whose keys begin with {PREFIX!r} and name lora_A and lora_B.",
    )


def _check_stored(file: TensorFile, stored: Mapping[str, str], base: BaseDescription) -> None:
    for module, key in stored.items():
        shape = base.modules[module]
        wide = (shape.in_features, shape.out_features)
        if shape.kind == "linear":
            wide = wide[::-1]
        if file.entries[key].shape != wide:
            raise AdapterMismatch(
                f"The adapter brings {module} of the shape {list(file.entries[key].shape)}, and {base.name} "
                f"has {list(wide)}: its vocabulary was resized.",
                remedy="Resize the base's vocabulary alike and save it, or merge the adapter with peft.",
            )


def _own_weights(file: TensorFile, stored: Mapping[str, str], base: BaseDescription) -> str:
    """Why base weights in the file matter, or "" where they are the base's own, which peft adds unasked."""
    for module, key in stored.items():
        mine, theirs = _base_tensor(module, base), file.tensor(key)
        if mine is None or not torch.equal(mine.to(theirs.dtype), theirs):
            return f"it brings its own weights of {module}"
    return ""


def _base_tensor(module: str, base: BaseDescription) -> Tensor | None:
    names = [f"{module}.weight"]
    if module == base.output_embedding:  # a tied one is stored once, under the input's name
        names += [f"{name}.weight" for name, shape in base.modules.items() if shape.kind == "embedding"][:1]
    for name in names:
        for path in base_tensors(base.path):
            with TensorFile(path) as file:
                if name in file.entries:
                    return file.copy(name)
    return None


def check_numbers(folder: str | Path) -> None:
    """Search an adapter for NaN and infinity, without a base. Raises `UnsafeAdapter`."""
    with TensorFile(find_files(Path(folder))[1]) as file:
        _refuse_broken_numbers(file)


def _refuse_broken_numbers(file: TensorFile) -> None:
    for key, entry in file.entries.items():
        if entry.dtype not in FLOATING or entry.start == entry.end:
            continue
        if not all(bool(torch.isfinite(bound)) for bound in file.tensor(key).aminmax()):
            raise UnsafeAdapter(
                f"{file.path} holds values that are not numbers, in {key}.",
                remedy="Train again with a lower learning rate, or use an earlier checkpoint.",
            )
