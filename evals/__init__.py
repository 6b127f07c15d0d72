"""Measures whether base model, retrieval, adapter or both answer best. Nothing is here yet but the front door."""

from __future__ import annotations

__all__: list[str] = []
