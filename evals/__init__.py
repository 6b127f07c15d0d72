"""Measures whether base model, retrieval, adapter or both answer best. Only the front door is here yet."""

from __future__ import annotations

__all__: list[str] = []
