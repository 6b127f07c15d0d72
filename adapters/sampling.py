"""From logits to tokens, for rows that each want it differently. Knows no model, no text and no adapter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from .errors import AdapterError
from .records import Sampling
from .sampling_limits import check_sampling as check_sampling

__all__ = ["Choice", "Constraint", "Failed", "TokenChooser", "check_sampling", "choose"]

# Below this a division by the temperature overflows and the likeliest token wins anyway.
GREEDY_BELOW = 1e-5
# Filters keep a few hundred tokens as a rule: the likeliest are looked at first, all only where needed.
CANDIDATES = 256


class Constraint(Protocol):
    """What a grammar does to one request's tokens."""

    @property
    def finished(self) -> bool:
        """Whether the answer is complete."""
        ...

    def mask(self, logits: Tensor) -> None:
        """Set the logits [vocabulary] of tokens that may not come next to minus infinity, in place."""
        ...

    def accept(self, token: int) -> None:
        """Move on by the token chosen."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """A row's next token; `logprob` and `top` (likeliest first) only where the request asks for them."""

    token: int
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A row that has no next token, and why; the other rows of the step have theirs."""

    error: Exception


class TokenChooser:
    """How one running request chooses its tokens: one object a request, from its first token to its last.

    It keeps the request's own random numbers, so that a seed gives the same answer in any company, and the
    tokens that the repetition penalty falls on.
    """

    def __init__(
        self, sampling: Sampling, prompt_ids: Sequence[int], *, constraint: Constraint | None = None
    ) -> None:
        self.sampling = sampling
        self.constraint = constraint
        self.greedy = sampling.temperature < GREEDY_BELOW
        self.penalised = sampling.repetition_penalty != 1.0
        #: The likeliest token as the model gives it, and nothing else asked.
        self.plain = self.greedy and not self.penalised and constraint is None and sampling.logprobs is None
        self._prompt_ids = tuple(prompt_ids) if self.penalised else ()
        self._seen: Tensor | None = None
        self._generator: torch.Generator | None = None

    @property
    def finished(self) -> bool:
        """Whether a constraint says that the answer is complete."""
        return self.constraint is not None and self.constraint.finished

    @property
    def width(self) -> int:
        """How many of the likeliest tokens to look at first; 0: all, none is filtered out.

        It depends on this request alone, never on its company, and so do its tokens, ties included.
        """
        wants = self.sampling
        if not wants.top_k and wants.top_p == 1.0 and not wants.min_p:
            return 0
        if wants.top_k < CANDIDATES:
            return CANDIDATES
        return 1 << wants.top_k.bit_length()

    def adjust(self, logits: Tensor) -> None:
        """Apply the repetition penalty, then the constraint, to a row [vocabulary] in place."""
        if self.penalised:
            if self._seen is None:
                self._seen = torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
                known = [token for token in self._prompt_ids if token < len(logits)]
                self._seen[torch.tensor(known, dtype=torch.long, device=logits.device)] = True
            penalty = self.sampling.repetition_penalty
            changed = torch.where(logits < 0, logits * penalty, logits / penalty)
            torch.where(self._seen, changed, logits, out=logits)
        if self.constraint is not None:
            self.constraint.mask(logits)

    def draw(self) -> float:
        """The request's next random number in [0, 1)."""
        if self._generator is None:
            self._generator = torch.Generator()
            if self.sampling.seed is None:
                self._generator.seed()
            else:
                self._generator.manual_seed(self.sampling.seed)
        return torch.rand((), dtype=torch.float64, generator=self._generator).item()

    def accept(self, token: int) -> None:
        """Take note of the token chosen."""
        if self._seen is not None:
            self._seen[token] = True
        if self.constraint is not None:
            self.constraint.accept(token)


def choose(logits: Tensor, choosers: Sequence[TokenChooser]) -> list[Choice | Failed]:
    """The next token of each row of logits [rows, vocabulary], which stay as they are.

    The order is that of transformers: repetition penalty, constraint, temperature, top-k, top-p, min-p. Log
    probabilities are those of the model's own logits, before all of these (as vLLM reports them), so that
    they compare between requests whatever their sampling. Rows that only want the likeliest token cost one
    pass over the logits and one transfer for all of them.

    A row whose constraint fails, forbids every token, or whose logits are not numbers is `Failed`; the others
    are not touched by it.
    """
    if all(chooser.plain for chooser in choosers):
        return _likeliest(logits)
    ready = logits.to(torch.float32, copy=True)
    errors: dict[int, Exception] = {}
    for row, chooser in enumerate(choosers):
        if chooser.penalised or chooser.constraint is not None:
            try:
                chooser.adjust(ready[row])
            except Exception as error:  # one row's constraint, of whatever make, must not end the others
                errors[row] = error
    tokens = _tokens(ready, choosers)
    reports = _reports(logits, choosers, tokens)
    return [
        _settle(chooser, token, best, report, errors.get(row))
        for row, (chooser, token, best, report) in enumerate(
            zip(choosers, tokens.tolist(), ready.amax(dim=-1).tolist(), reports, strict=True)
        )
    ]


def _likeliest(logits: Tensor) -> list[Choice | Failed]:
    best = logits.max(dim=-1)
    # Token ids are exact in float64, so that one transfer brings both.
    values, tokens = torch.stack([best.values.double(), best.indices.double()]).tolist()
    return [
        Choice(int(token)) if math.isfinite(value) else Failed(_no_token(value))
        for token, value in zip(tokens, values, strict=True)
    ]


def _settle(
    chooser: TokenChooser, token: int, best: float, report: tuple[float, _Top] | None, error: Exception | None
) -> Choice | Failed:
    if error is not None:
        return Failed(error)
    if not math.isfinite(best):
        return Failed(_no_token(best))
    try:
        chooser.accept(token)
    except Exception as refused:  # as in `choose`: this row's alone
        return Failed(refused)
    return Choice(token, *report) if report else Choice(token)


_Top = tuple[tuple[int, float], ...]


def _tokens(ready: Tensor, choosers: Sequence[TokenChooser]) -> Tensor:
    """The token of each row [rows]; where a row's logits are no numbers, any."""
    tokens = ready.argmax(dim=-1)
    groups: dict[int, list[int]] = {}
    for row, chooser in enumerate(choosers):
        if not chooser.greedy:
            groups.setdefault(chooser.width, []).append(row)
    for width, rows in groups.items():
        where = torch.tensor(rows, device=ready.device)
        tokens[where] = _sample(ready[where], [choosers[row] for row in rows], width)
    return tokens


def _sample(logits: Tensor, choosers: Sequence[TokenChooser], width: int) -> Tensor:
    """A random token of each row, by its own random number, from the tokens that its filters keep."""
    numbers = torch.tensor([c.draw() for c in choosers], dtype=torch.float64, device=logits.device)[:, None]
    column = _columns(choosers, logits.device)
    # The largest is taken off first: no small temperature overflows then.
    scaled = (logits - logits.amax(dim=-1, keepdim=True)) / column["temperature"]
    if not width:
        return _pick(scaled.exp(), numbers).squeeze(1)
    scores, tokens = scaled.topk(min(width, scaled.shape[1]), dim=-1)
    keep = _kept(scores, scaled, column)
    picked = tokens.gather(1, _pick(scores.exp() * keep, numbers))
    if width < scaled.shape[1] and bool((more := keep[:, -1]).any()):
        # A row that keeps its last candidate may have to keep others behind it.
        scores, tokens = scaled[more].sort(dim=-1, descending=True)
        keep = _kept(scores, scaled[more], {name: values[more] for name, values in column.items()})
        picked[more] = tokens.gather(1, _pick(scores.exp() * keep, numbers[more]))
    return picked.squeeze(1)


def _columns(choosers: Sequence[TokenChooser], device: torch.device) -> dict[str, Tensor]:
    """Each value of the rows' sampling as a column [rows, 1]."""
    wants = [chooser.sampling for chooser in choosers]
    # Past these limits nothing changes, but float32 would overflow or lose whole numbers.
    values = {
        "temperature": [min(want.temperature, 1e6) for want in wants],
        "top_k": [min(want.top_k, 1 << 24) for want in wants],
        "top_p": [want.top_p for want in wants],
        "min_p": [want.min_p for want in wants],
    }
    return {
        name: torch.tensor(column, dtype=torch.float32, device=device)[:, None]
        for name, column in values.items()
    }


def _kept(scores: Tensor, scaled: Tensor, column: dict[str, Tensor]) -> Tensor:
    """Which of the likeliest `scores` [rows, n], sorted, the filters keep.

    `scaled` [rows, vocabulary] are all of them. Each filter keeps the first few, so that looking at more
    candidates than are kept changes nothing.
    """
    top_k = column["top_k"].long()
    last = (top_k - 1).clamp(0, scores.shape[1] - 1)
    keep = (top_k == 0) | (scores >= scores.gather(1, last))  # ties with the last stay, as in transformers
    chances = (scores.exp() * keep).double()
    left_in = chances.sum(dim=-1, keepdim=True)
    total = torch.where(top_k == 0, scaled.exp().sum(dim=-1, keepdim=True).double(), left_in)
    before = chances.cumsum(dim=-1) - chances
    keep &= (before < column["top_p"] * total) | (column["top_p"] == 1.0)
    return keep & (scores >= column["min_p"].log())  # the likeliest has score 0


def _pick(weights: Tensor, numbers: Tensor) -> Tensor:
    """Where in each row of weights [rows, n] its number [rows, 1] from [0, 1) falls: [rows, 1]."""
    sums = weights.cumsum(dim=-1, dtype=torch.float64)
    total = sums[:, -1:].contiguous()
    # Just below the total, so that rounding never points behind the last weight that is not zero.
    target = torch.minimum(numbers * total, torch.nextafter(total, torch.zeros_like(total)))
    return torch.searchsorted(sums, target, right=True).clamp(max=weights.shape[1] - 1)


def _reports(
    logits: Tensor, choosers: Sequence[TokenChooser], tokens: Tensor
) -> list[tuple[float, _Top] | None]:
    """Log probabilities of the rows that ask for them."""
    reports: list[tuple[float, _Top] | None] = [None] * len(choosers)
    wanted = {row: c.sampling.logprobs for row, c in enumerate(choosers) if c.sampling.logprobs is not None}
    if not wanted:
        return reports
    rows = torch.tensor(list(wanted), device=logits.device)
    logprobs = logits[rows].float().log_softmax(dim=-1)
    chosen = logprobs.gather(1, tokens[rows][:, None]).squeeze(1).tolist()
    top = logprobs.topk(min(max(wanted.values()), logprobs.shape[1]), dim=-1)
    for (row, count), logprob, ids, values in zip(
        wanted.items(), chosen, top.indices.tolist(), top.values.tolist(), strict=True
    ):
        reports[row] = logprob, tuple(zip(ids[:count], values[:count], strict=True))
    return reports


def _no_token(best: float) -> AdapterError:
    if best == -math.inf:
        return AdapterError(
            "No token may come next: the constraint forbids each one.",
            remedy="Check that the schema has a finite match that the tokenizer can write.",
        )
    return AdapterError(
        f"The model's largest logit is {best}, where a finite number was expected.",
        remedy="Check the adapter's and the base model's weights, or use a wider dtype.",
    )
