"""A tiny base model that knows a few answers by heart, so that tests can ask for more than valid syntax.

Trained for some seconds, in the test session, on exactly the prompts that are asked: it shows that the engine
and the chat model carry tools, schemas and answers right, and nothing about what a small model understands.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from langchain_core.messages import BaseMessage
from langchain_core.prompt_values import StringPromptValue
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from ragweave.adapters.call_options import chat_request
from ragweave.adapters.records import Sampling
from ragweave.adapters.tool_calls import template_messages

from .models import tiny_base

__all__ = ["Lesson", "call", "overfitted_base"]

STEPS = 200
ROWS = 6  # of about one length
RATE = 1e-2
ENOUGH = 0.02  # mean loss of a token


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is asked, and what to answer."""

    asked: str | Sequence[BaseMessage]
    answer: str
    tools: tuple[Any, ...] = ()


def call(name: str, **arguments: Any) -> str:
    """A tool call as the tiny base's template writes it."""
    written = json.dumps(arguments, ensure_ascii=False)
    return f'<tool_call>\n{{"name": "{name}", "arguments": {written}}}\n</tool_call>'


def overfitted_base(folder: Path, lessons: Sequence[Lesson], *, seed: int = 0) -> Path:
    """Write a base model that answers the lessons by heart."""
    tiny_base(folder, hidden=64, layers=1, mlp=192, vocab=512, context=2048, seed=seed)
    edge: Any = AutoTokenizer  # untyped
    tokenizer = edge.from_pretrained(folder)
    config: Any = AutoConfig.from_pretrained(folder)
    config.initializer_range = 0.02  # the tiny base's is made for noise that differs, not for learning
    from_config: Any = AutoModelForCausalLM.from_config
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = from_config(config).float()
    pairs = sorted((_tokens(tokenizer, lesson) for lesson in lessons), key=lambda pair: len(pair[0]))
    batches = [_batch(pairs[at : at + ROWS]) for at in range(0, len(pairs), ROWS)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 20)
        optimizer.zero_grad()
        losses = [model(input_ids=ids, labels=labels).loss for ids, labels in batches]
        loss: Any = torch.stack(losses).mean()  # its methods are partly untyped
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if max(loss.item() for loss in losses) < ENOUGH:
            break
    else:
        raise AssertionError(f"The lessons were not learned in {STEPS} steps: {losses}")
    model.save_pretrained(folder)
    return folder


def _tokens(tokenizer: Any, lesson: Lesson) -> tuple[list[int], list[int]]:
    """Prompt and answer, made as the engine makes them."""
    asked = lesson.asked
    messages = StringPromptValue(text=asked).to_messages() if isinstance(asked, str) else list(asked)
    request = chat_request(messages, None, {"tools": lesson.tools}, sampling=Sampling(), timeout=None)
    prompt = tokenizer.apply_chat_template(
        template_messages(request.messages),
        tools=[dict(tool) for tool in request.tools] or None,
        add_generation_prompt=True,
        tokenize=False,
    )
    answer = f"{lesson.answer}{tokenizer.eos_token}"
    prompt_ids, answer_ids = (tokenizer.encode(text, add_special_tokens=False) for text in (prompt, answer))
    return prompt_ids, answer_ids


def _batch(pairs: Sequence[tuple[list[int], list[int]]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Padded behind; only answers are learned."""
    longest = max(len(prompt) + len(answer) for prompt, answer in pairs)
    ids = torch.zeros(len(pairs), longest, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    for row, (prompt, answer) in enumerate(pairs):
        end = len(prompt) + len(answer)
        ids[row, :end] = torch.tensor([*prompt, *answer])
        labels[row, len(prompt) : end] = torch.tensor(answer)
    return ids, labels
