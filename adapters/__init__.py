"""Base models with LoRA adapters: serve, train, register. Nothing is here yet but the front door."""

from __future__ import annotations

__all__: list[str] = []
