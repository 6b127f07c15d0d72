"""Forwards of the base model with slots: prompts side by side, long prompts in pieces, one step of all rows.

Knows token ids, slots and rows; no request, text or adapter name. One thread owns it.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from .errors import AdapterError
from .kv_rows import KVRows, LayerKV
from .slot_pool import SlotPool
from .step_slots import BASE_SLOT

__all__ = ["Prompt", "Runner"]

PROBE = ((5, 3, 7, 2, 6, 4, 8), (4, 6, 2, 9))  # two short prompts, taken modulo the vocabulary
MASKED = {"full_attention", "sliding_attention"}  # kinds of layers that `KVRows.mask` serves
# What a model raises whose cache or attention is of another make; none of it is an error of the caller's.
FOREIGN = (AttributeError, LookupError, NotImplementedError, RuntimeError, TypeError, ValueError)
TOLERANCE = 2e-2  # of the largest logit: far above rounding in half precision, far below a wrong mask


@dataclass(slots=True)
class Prompt:
    """A prompt on its way through the model: `done` tokens of `ids` are in `cache`."""

    ids: Sequence[int]
    slot: int
    done: int = 0
    cache: Any = field(default=None, repr=False)

    @property
    def left(self) -> int:
        """Tokens that the model has not seen."""
        return len(self.ids) - self.done


class Runner:
    """Runs the base model for many rows, each with its own slot.

    Args:
        model: a causal language model of transformers, its layers ready for `pool`.
        pool: the slots of its layers.
        rows: how many requests run side by side.
    """

    def __init__(self, model: Any, pool: SlotPool, *, rows: int) -> None:
        self.model = model
        self.pool = pool
        self.kv = KVRows(rows)
        self.slots: list[int] = []  # of each running row
        self._device = next(model.parameters()).device
        accepted = inspect.signature(model.forward).parameters
        self._cache_name = (
            "cache" if "cache" in accepted else "past_key_values"
        )  # renamed in transformers 5.24
        self._keeps_logits = "logits_to_keep" in accepted
        config = model.config.get_text_config()
        kinds = set(getattr(config, "layer_types", None) or ())
        self._window = getattr(config, "sliding_window", None)
        if not kinds and self._window:  # Mistral, Mixtral, Phi-3: every layer slides
            kinds = {"sliding_attention"}
        self._kinds = kinds if len(kinds) > 1 or kinds - {"full_attention"} else set()

    # -- prompts -------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def prefill(self, prompts: Sequence[Prompt]) -> tuple[Tensor, list[list[LayerKV]]]:
        """Whole prompts in one forward: logits of each one's last token [prompts, vocabulary], and their KV.

        Shorter prompts are padded at the end, where no token of theirs looks.
        """
        longest = max(len(prompt.ids) for prompt in prompts)
        ids = torch.empty((len(prompts), longest), dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids[row] = prompt.ids[-1]  # a padding token would look like a mistake to transformers
            ids[row, : len(prompt.ids)] = torch.tensor(prompt.ids)
        slots = [prompt.slot for prompt in prompts]
        lasts = [len(prompt.ids) - 1 for prompt in prompts]
        kept = sorted(set(lasts))
        cache: Any = DynamicCache()
        positions = torch.arange(longest)[None].expand(len(prompts), -1)
        logits = self._forward(ids, positions, cache, slots, keep=kept)
        rows = list(range(len(prompts)))
        last = logits[rows, [kept.index(at) for at in lasts]]
        held = [
            [
                (layer.keys[row, :, : len(prompt.ids)], layer.values[row, :, : len(prompt.ids)])
                for layer in cache.layers
            ]
            for row, prompt in enumerate(prompts)
        ]
        return last, held

    @torch.inference_mode()
    def extend(self, prompt: Prompt, tokens: int) -> Tensor:
        """The next `tokens` of one prompt: logits of the last of them [1, vocabulary]; see `held`."""
        if prompt.cache is None:
            prompt.cache = DynamicCache()
        stop = min(prompt.done + tokens, len(prompt.ids))
        ids = torch.tensor([prompt.ids[prompt.done : stop]])
        positions = torch.arange(prompt.done, stop)[None]
        logits = self._forward(ids, positions, prompt.cache, [prompt.slot], keep=[stop - prompt.done - 1])
        prompt.done = stop
        return logits[:, -1]

    def held(self, prompt: Prompt) -> list[LayerKV]:
        """The KV of a prompt that `extend` has brought to its end."""
        return [(layer.keys[0], layer.values[0]) for layer in prompt.cache.layers]

    # -- rows ----------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def append(self, held: Sequence[LayerKV], slot: int) -> int:
        """Let a prompt's row run; its index."""
        row = self.kv.append(held)
        self.slots.append(slot)
        return row

    @torch.inference_mode()
    def remove(self, row: int) -> None:
        """Free a row: the last row takes its index."""
        self.kv.remove(row)
        last = self.slots.pop()
        if row < len(self.slots):
            self.slots[row] = last

    @torch.inference_mode()
    def decode(self, tokens: Sequence[int]) -> Tensor:
        """One step: the last token of each row in, logits [rows, vocabulary] out.

        A step that raises has changed nothing: `advance` makes it count.
        """
        self.kv.make_room()
        ids = torch.tensor(tokens)[:, None]
        positions = torch.tensor(self.kv.lengths)[:, None]
        return self._forward(ids, positions, self.kv, self.slots, mask=self._mask())[:, -1]

    @torch.inference_mode()
    def decode_row(self, row: int, token: int) -> Tensor:
        """The same step for one row alone, logits [1, vocabulary]; its column is written like in `decode`."""
        alone = KVRows(1)
        alone.append(self.kv.read(row))
        alone.make_room()
        ids, positions = torch.tensor([[token]]), torch.tensor([[self.kv.lengths[row]]])
        together, self.kv = self.kv, alone
        try:
            logits = self._forward(ids, positions, alone, [self.slots[row]], mask=self._mask())[:, -1]
        finally:
            self.kv = together
        together.write_column(row, alone)
        return logits

    def advance(self) -> None:
        """The last step counts."""
        self.kv.advance()

    def works(self) -> bool:
        """Whether the base model still runs a token by itself."""
        try:
            self.prefill([Prompt((0,), BASE_SLOT)])
        except Exception:  # the question is whether there is one
            return False
        return True

    def clear(self) -> None:
        """Drop every row."""
        self.kv, self.slots = KVRows(self.kv.capacity), []

    def _mask(self) -> Any:
        if self.kv.is_level and not self._kinds:
            return None  # nothing to mask, and attention without a mask is faster
        full = self.kv.mask()
        if not self._kinds:
            return full
        masks = {
            kind: self.kv.mask(self._window) if kind == "sliding_attention" else full for kind in self._kinds
        }
        return masks if len(masks) > 1 else next(iter(masks.values()))

    def _forward(
        self,
        ids: Tensor,
        positions: Tensor,
        cache: Any,
        slots: Sequence[int],
        *,
        mask: Any = None,
        keep: Sequence[int] = (0,),
    ) -> Tensor:
        kept: dict[str, Any] = {}
        if self._keeps_logits:
            kept["logits_to_keep"] = torch.tensor(keep, device=self._device) if len(keep) > 1 else 1
            if len(keep) == 1 and keep[0] != ids.shape[1] - 1:
                kept["logits_to_keep"] = torch.tensor(keep, device=self._device)
        self.pool.begin(slots)
        try:
            output = self.model(
                input_ids=ids.to(self._device),
                position_ids=positions.to(self._device),
                attention_mask=mask,
                use_cache=True,
                **{self._cache_name: cache},
                **kept,
            )
        finally:
            self.pool.end()
        logits: Tensor = output.logits
        return logits if self._keeps_logits else logits[:, list(keep)]

    # -- the check before the first request ----------------------------------------------------------------

    @torch.inference_mode()
    def check(self) -> None:
        """Compare two rows side by side with each alone, in the model's plain forward.

        Raises:
            AdapterError: the architecture keeps state that rows of other lengths would disturb, or has
                another kind of attention.
        """
        strange = sorted(self._kinds - MASKED)
        if strange:
            raise self._refused(f"it has layers of the kind {', '.join(strange)}")
        try:
            difference = self._difference()
        except FOREIGN as error:
            self.clear()
            reason = f"{type(error).__name__} in a step of two rows: {error}"
            raise self._refused(reason) from error
        if not difference <= TOLERANCE:
            raise self._refused(
                f"a request answers otherwise next to another one (logits differ by {difference:.3g} of the "
                "largest)"
            )

    def _difference(self) -> float:
        """How far rows of two lengths, and of one, are from each alone, as a share of the largest logit."""
        size = self.model.get_input_embeddings().num_embeddings
        prompts = [[token % size for token in ids] for ids in PROBE]
        worst = []
        for group in (prompts, prompts[:1]):
            following = [prompt[0] for prompt in group]
            _, held = self.prefill([Prompt(ids, BASE_SLOT) for ids in group])
            for each in held:
                self.append(each, BASE_SLOT)
            beside = self.decode(following)
            self.clear()
            for row, (ids, token) in enumerate(zip(group, following, strict=True)):
                whole = torch.tensor([[*ids, token]], device=self._device)
                expected = self.model(input_ids=whole, use_cache=False).logits[0, -1].float()
                worst.append((beside[row].float() - expected).abs().max() / expected.abs().max())
        return float(torch.stack(worst).max())  # NaN if any is

    def _refused(self, reason: str) -> AdapterError:
        return AdapterError(
            f"{type(self.model).__name__} cannot serve requests side by side: {reason}.",
            remedy="Use a decoder with plain or sliding attention (Llama, Qwen, Mistral, Gemma), or serve "
            "this model with vLLM and give its address as base.",
        )
