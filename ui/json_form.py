"""Values of the chain as the JSON that `--json` prints. Imports no framework: it looks at shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

__all__ = ["document_form", "json_form"]

ROLES = {"human": "user", "ai": "assistant"}  # LangChain's message types by the names of chat APIs
OWN = ("source", "title", "score", "scores", "page", "heading", "start", "end")


def document_form(document: Any) -> dict[str, Any]:
    """A LangChain `Document` in the flat form of the command line."""
    metadata = document.metadata
    found = {"id": document.id, "text": document.page_content}
    return found | {key: metadata.get(key) for key in OWN}


def json_form(value: Any) -> Any:
    """The value with documents, messages, dataclasses and numbers of NumPy made plain.

    >>> json_form({"documents": (), "k": 8})
    {'documents': [], 'k': 8}
    """
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): json_form(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [json_form(item) for item in value]
    if hasattr(value, "page_content"):
        return json_form(document_form(value))
    if hasattr(value, "content") and hasattr(value, "type"):
        return {"role": ROLES.get(value.type, value.type), "content": json_form(value.content)}
    if is_dataclass(value) and not isinstance(value, type):
        return json_form(asdict(value))
    return value.item() if hasattr(value, "item") else str(value)
