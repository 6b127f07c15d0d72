"""From messages to token ids, by the base model's own chat template.

Knows templates and tokens; knows no model and no adapter.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from threading import Lock
from typing import Any

from jinja2.exceptions import TemplateError

from .base_model import LoadedBase, require_template
from .constraints import GrammarFactory
from .errors import AdapterError
from .records import ChatRequest
from .sampling import Constraint
from .tool_calls import ToolFormat, template_messages

__all__ = ["ChatPrompts", "end_tokens"]


class ChatPrompts:
    """Prompts, grammars and tool formats of one base model; safe to use from several threads."""

    def __init__(self, loaded: LoadedBase, *, ends: Sequence[int]) -> None:
        self._loaded = loaded
        self._ends = ends
        self._lock = Lock()
        # Tokenizers change settings of theirs while they encode: a copy of its own, one thread at a time.
        self._tokenizer = deepcopy(loaded.tokenizer)
        self._encoding = Lock()
        self._grammars: GrammarFactory | None = None
        self._format: ToolFormat | None = None

    def ids(self, request: ChatRequest) -> list[int]:
        """The prompt's tokens; a special token that a message spells out is text in it, and ends no turn.

        Raises `AdapterError` where the template refuses the messages.
        """
        template = require_template(self._loaded)
        messages = template_messages(request.messages, self.format(request))
        try:
            with self._encoding:
                ids: list[int] = self._tokenizer.apply_chat_template(
                    messages,
                    tools=[dict(tool) for tool in request.tools] if _calls(request) else None,
                    chat_template=template,
                    add_generation_prompt=True,
                    return_dict=False,
                    sanitize_control_tokens=True,
                )
        except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise AdapterError(
                f"The chat template of {self._loaded.description.name} refuses the messages: {error}",
                remedy="Order them as the model was trained on: system, then user and assistant in turn.",
            ) from error
        return ids

    def count(self, text: str) -> int:
        """How many tokens a text has, without those that a template adds."""
        with self._encoding:
            return len(self._tokenizer.encode(text, add_special_tokens=False))

    def format(self, request: ChatRequest) -> ToolFormat | None:
        """How the base writes tool calls; None where this request can have none."""
        if not _calls(request):
            return None
        with self._lock:
            if self._format is None:
                self._format = ToolFormat.of(require_template(self._loaded), self._loaded.tokenizer)
            return self._format

    def constraint(self, request: ChatRequest) -> Constraint | None:
        """What the answer has to match, by its schema or its tools."""
        if request.schema is None and not _calls(request):
            return None
        with self._lock:
            if self._grammars is None:
                width = self._loaded.model.get_output_embeddings().weight.shape[0]
                self._grammars = GrammarFactory(self._loaded.tokenizer, width=width, eos=self._ends)
            grammars = self._grammars
        return grammars.for_request(request, self.format(request))


def _calls(request: ChatRequest) -> bool:
    return bool(request.tools) and request.tool_choice != "none"


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end an answer, by the model's generation settings and its tokenizer."""
    told = model.generation_config.eos_token_id if model.generation_config is not None else None
    listed = told if isinstance(told, list) else [told]
    return frozenset(token for token in [*listed, tokenizer.eos_token_id] if token is not None)
