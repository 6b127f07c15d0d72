"""How servers behind the OpenAI API differ in adapters: names in requests, routes to load and unload.

Knows no network. vLLM takes an adapter's name as the model, SGLang `base:adapter`; others have no adapters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["DIALECTS", "Dialect", "recognise"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of server. Routes are below the server's root, "" where it has none."""

    name: str
    takes_adapters: bool = False
    joined: bool = False  # whether a request names base and adapter, `base:adapter`
    load: str = ""
    unload: str = ""
    remedy: str = "Use a server that serves adapters: vLLM or SGLang, or a base model of this process."

    def model(self, base: str, adapter: str) -> str:
        """The `model` of a request.

        >>> DIALECTS["sglang"].model("qwen", "legal.v2"), DIALECTS["vllm"].model("qwen", "legal.v2")
        ('qwen:legal.v2', 'legal.v2')
        """
        if not adapter:
            return base
        return f"{base}:{adapter}" if self.joined else adapter

    def fields(self, adapter: str) -> dict[str, str]:
        """What else names the adapter: older SGLang reads none from the model's name."""
        return {"lora_path": adapter} if adapter and self.joined else {}


DIALECTS: Mapping[str, Dialect] = {
    "plain": Dialect("plain"),
    "vllm": Dialect(
        "vllm",
        takes_adapters=True,
        load="/v1/load_lora_adapter",
        unload="/v1/unload_lora_adapter",
        remedy="Start vLLM with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, and give a path "
        "that the server can read.",
    ),
    "sglang": Dialect(
        "sglang",
        takes_adapters=True,
        joined=True,
        load="/load_lora_adapter",
        unload="/unload_lora_adapter",
        remedy="Start SGLang with --enable-lora, --max-lora-rank and --lora-target-modules, and give a path "
        "that the server can read.",
    ),
}


def recognise(models: Sequence[Mapping[str, Any]]) -> Dialect:
    """The dialect of a server that lists these models at `/v1/models`.

    >>> recognise([{"id": "qwen", "owned_by": "vllm"}]).name
    'vllm'
    """
    for entry in models:
        owner = str(entry.get("owned_by") or "").lower()
        if owner in DIALECTS:
            return DIALECTS[owner]
    return DIALECTS["plain"]
