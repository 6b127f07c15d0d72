from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from ragweave.adapters.errors import AdapterError
from ragweave.adapters.records import Sampling
from ragweave.adapters.sampling import Choice, Failed, TokenChooser, check_sampling, choose


class Allow:
    """A constraint that lets a few tokens through, or breaks."""

    def __init__(self, *tokens: int, broken: str = "") -> None:
        self.tokens = tokens
        self.broken = broken
        self.accepted: list[int] = []
        self.finished = False

    def mask(self, logits: Tensor) -> None:
        if self.broken == "mask":
            raise RuntimeError("no grammar")
        kept = logits[list(self.tokens)].clone()
        logits.fill_(-math.inf)
        logits[list(self.tokens)] = kept

    def accept(self, token: int) -> None:
        if self.broken == "accept":
            raise RuntimeError("no such token")
        self.accepted.append(token)
        self.finished = True


def random_logits(rows: int, vocabulary: int = 50, seed: int = 0) -> Tensor:
    return torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(seed)) * 2


def tokens_of(results: list[Choice | Failed]) -> list[int]:
    assert all(isinstance(result, Choice) for result in results), results
    return [result.token for result in results if isinstance(result, Choice)]


def by_transformers(logits: Tensor, sampling: Sampling, prompt: list[int]) -> Tensor:
    """The chances [vocabulary] that transformers' own chain gives the tokens of one row."""
    steps: Any = LogitsProcessorList()
    if sampling.repetition_penalty != 1:
        steps.append(RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty))
    steps.append(TemperatureLogitsWarper(sampling.temperature))
    if sampling.top_k:
        steps.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        steps.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p:
        steps.append(MinPLogitsWarper(sampling.min_p))
    chances: Tensor = steps(torch.tensor([prompt]), logits[None].clone())[0].softmax(-1)
    return chances


def test_the_likeliest_token_is_taken_where_nothing_else_is_asked() -> None:
    logits = random_logits(8)

    results = choose(logits, [TokenChooser(Sampling(), [1])] * 8)

    assert tokens_of(results) == logits.argmax(-1).tolist()
    assert results[0] == Choice(int(logits[0].argmax()))


@pytest.mark.parametrize("vocabulary", [50, 1000])
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=1.0),
        Sampling(temperature=0.6),
        Sampling(temperature=1.7),
        Sampling(temperature=1.0, top_k=5),
        Sampling(temperature=1.0, top_k=400),
        Sampling(temperature=1.0, top_p=0.8),
        Sampling(temperature=3.0, top_p=0.9),
        Sampling(temperature=1.0, min_p=0.1),
        Sampling(temperature=1.0, repetition_penalty=1.8),
        Sampling(temperature=1.0, repetition_penalty=0.5, top_k=7),
        Sampling(temperature=0.9, top_k=20, top_p=0.7, min_p=0.05, repetition_penalty=1.2),
    ],
    ids=str,
)
def test_tokens_come_with_the_chances_that_transformers_gives_them(
    sampling: Sampling, vocabulary: int
) -> None:
    draws = 4000
    logits = random_logits(1, vocabulary)[0]
    prompt = [3, 7, 7, int(logits.argmax())]

    rows = [TokenChooser(replace(sampling, seed=seed), prompt) for seed in range(draws)]
    tokens = torch.tensor(tokens_of(choose(logits.expand(draws, -1), rows)))

    expected = by_transformers(logits, sampling, prompt)
    seen = torch.bincount(tokens, minlength=vocabulary) / draws
    deviation = (expected * (1 - expected) / draws).sqrt()
    assert not (expected[tokens] == 0).any()
    assert ((seen - expected).abs() <= 5 * deviation + 1e-3).all()


@pytest.mark.parametrize("top_k", [1, 5, 300])
def test_ties_with_the_last_of_top_k_stay_as_in_transformers(top_k: int) -> None:
    logits = torch.zeros(1, 600)
    sampling = Sampling(temperature=1.0, top_k=top_k)

    rows = [TokenChooser(replace(sampling, seed=seed), []) for seed in range(3000)]
    tokens = tokens_of(choose(logits.expand(3000, -1), rows))

    assert int((by_transformers(logits[0], sampling, [0]) > 0).sum()) == 600
    assert len(set(tokens)) > 550


def test_the_repetition_penalty_falls_on_what_was_answered() -> None:
    logits = torch.tensor([[2.0, 1.9, -1.0]])
    chooser = TokenChooser(Sampling(repetition_penalty=1.5), [2, 99_999])

    tokens = [tokens_of(choose(logits, [chooser]))[0] for _ in range(3)]

    assert tokens == [0, 1, 0]


MIXED = [
    Sampling(),
    Sampling(temperature=1.0, seed=1),
    Sampling(temperature=0.7, top_k=3, seed=2),
    Sampling(temperature=5.0, top_p=0.95, seed=3),
    Sampling(temperature=1.3, top_k=700, min_p=0.01, seed=4),
    Sampling(repetition_penalty=1.3, logprobs=2),
    Sampling(temperature=1.0, top_p=0.5, repetition_penalty=1.1, seed=5, logprobs=0),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_gets_the_same_tokens_in_any_company(dtype: torch.dtype) -> None:
    steps = [random_logits(len(MIXED), 3000, seed).to(dtype) for seed in range(20)]
    alone = [TokenChooser(sampling, [1, 2]) for sampling in MIXED]
    together = [TokenChooser(sampling, [1, 2]) for sampling in MIXED]

    one_by_one = [
        [choose(step[row : row + 1], [chooser])[0] for row, chooser in enumerate(alone)] for step in steps
    ]
    in_one = []
    for number, step in enumerate(steps):
        order = torch.randperm(len(MIXED), generator=torch.Generator().manual_seed(number)).tolist()
        results = choose(step[order], [together[row] for row in order])
        in_one.append([results[order.index(row)] for row in range(len(MIXED))])

    assert [[r.token for r in rows if isinstance(r, Choice)] for rows in one_by_one] == [
        [r.token for r in rows if isinstance(r, Choice)] for rows in in_one
    ]
    assert len({tuple(tokens_of([rows[row] for rows in in_one])) for row in range(len(MIXED))}) == len(MIXED)


def test_a_seed_repeats_and_none_does_not() -> None:
    logits = torch.zeros(1, 1000)

    def answer(seed: int | None) -> list[int]:
        chooser = TokenChooser(Sampling(temperature=1.0, seed=seed), [])
        return [tokens_of(choose(logits, [chooser]))[0] for _ in range(5)]

    assert answer(7) == answer(7)
    assert answer(7) != answer(8)
    assert answer(None) != answer(None)


@pytest.mark.parametrize("temperature", [1e-30, 1e-4, 1e300])
def test_no_temperature_overflows(temperature: float) -> None:
    logits = torch.tensor([[300.0, -math.inf, 299.0]])

    tokens = {
        tokens_of(choose(logits, [TokenChooser(Sampling(temperature=temperature, seed=seed), [])]))[0]
        for seed in range(30)
    }

    assert tokens == ({0} if temperature < 1 else {0, 2})


def test_log_probabilities_are_the_models_own() -> None:
    logits = random_logits(2)
    sampling = Sampling(temperature=2.0, top_k=1, repetition_penalty=3.0, logprobs=3)

    result, other = choose(logits, [TokenChooser(sampling, [4]), TokenChooser(Sampling(logprobs=0), [])])

    expected = logits.log_softmax(-1)
    assert isinstance(result, Choice) and isinstance(other, Choice)
    assert result.logprob == pytest.approx(float(expected[0, result.token]))
    assert [token for token, _ in result.top] == expected[0].topk(3).indices.tolist()
    assert [value for _, value in result.top] == pytest.approx(expected[0].topk(3).values.tolist())
    assert (other.token, other.top) == (int(logits[1].argmax()), ())
    assert other.logprob == pytest.approx(float(expected[1].max()))


def test_the_callers_logits_stay_as_they_are() -> None:
    logits = random_logits(len(MIXED))
    before = logits.clone()

    choose(logits, [TokenChooser(sampling, [1], constraint=Allow(2, 3)) for sampling in MIXED])

    assert torch.equal(logits, before)


@torch.inference_mode()
def logits_of_a_forward(rows: int) -> Tensor:
    return random_logits(rows) + 0


def test_logits_of_a_forward_without_gradients_serve_every_kind_of_row() -> None:
    choosers = [TokenChooser(sampling, [1], constraint=Allow(2, 3)) for sampling in MIXED]

    results = choose(logits_of_a_forward(len(MIXED)), choosers)

    assert set(tokens_of(results)) <= {2, 3}


def test_a_constraint_has_the_last_word_on_what_may_come() -> None:
    constraints = [Allow(4, 9), Allow(11)]
    choosers = [
        TokenChooser(Sampling(temperature=1.0, top_p=0.9, seed=1), [], constraint=constraints[0]),
        TokenChooser(Sampling(), [], constraint=constraints[1]),
    ]

    tokens = tokens_of(choose(random_logits(2), choosers))

    assert tokens[0] in (4, 9) and tokens[1] == 11
    assert [constraint.accepted for constraint in constraints] == [[tokens[0]], [11]]
    assert choosers[0].finished and not TokenChooser(Sampling(), []).finished


@pytest.mark.parametrize("broken", ["mask", "accept"])
def test_a_broken_constraint_fails_its_row_alone(broken: str) -> None:
    logits = random_logits(3)
    seeded = Sampling(temperature=1.0, seed=5)
    rows = [Sampling(), Sampling(temperature=1.0, top_k=4), seeded]
    broken_row = TokenChooser(rows[1], [], constraint=Allow(1, broken=broken))

    first, failed, last = choose(logits, [TokenChooser(rows[0], []), broken_row, TokenChooser(rows[2], [])])

    assert isinstance(failed, Failed) and isinstance(failed.error, RuntimeError)
    assert first == Choice(int(logits[0].argmax()))
    assert last == choose(logits[2:], [TokenChooser(seeded, [])])[0]


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.0, top_p=0.5), Sampling(logprobs=1)])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_that_are_no_numbers_fail_their_row_alone(sampling: Sampling, bad: float) -> None:
    logits = random_logits(2)
    logits[0, 3] = bad

    failed, fine = choose(logits, [TokenChooser(sampling, []), TokenChooser(Sampling(), [])])

    assert isinstance(failed, Failed) and str(bad) in str(failed.error)
    assert fine == Choice(int(logits[1].argmax()))


def test_a_constraint_that_forbids_everything_is_an_error_of_its_row() -> None:
    class Nothing(Allow):
        def mask(self, logits: Tensor) -> None:
            logits.fill_(-math.inf)

    (failed,) = choose(random_logits(1), [TokenChooser(Sampling(temperature=1.0), [], constraint=Nothing())])

    assert isinstance(failed, Failed) and "forbids each one" in str(failed.error)


@pytest.mark.parametrize(
    "sampling, expected",
    [
        (Sampling(temperature=-0.1), "temperature is -0.1; it has to be at least 0. Use 0 for"),
        (Sampling(temperature=math.nan), "temperature is nan"),
        (Sampling(temperature=math.inf), "temperature is inf"),
        (Sampling(top_p=0.0), "top_p is 0.0; it has to be above 0 and at most 1. Use 1"),
        (Sampling(top_p=1.1), "top_p is 1.1"),
        (Sampling(top_k=-1), "top_k is -1"),
        (Sampling(min_p=-0.1), "min_p is -0.1"),
        (Sampling(min_p=2.0), "min_p is 2.0"),
        (Sampling(repetition_penalty=0.0), "repetition_penalty is 0.0; it has to be above 0."),
        (Sampling(max_tokens=0), "max_tokens is 0; it has to be at least 1. Ask"),
        (Sampling(logprobs=-1), "logprobs is -1"),
        (Sampling(seed=2**64), "seed is 18446744073709551616"),
        (Sampling(stop=("a", "")), "stop holds an empty text: ('a', '')"),
    ],
    ids=str,
)
def test_values_that_make_no_sense_are_refused_with_the_remedy(sampling: Sampling, expected: str) -> None:
    with pytest.raises(AdapterError) as caught:
        check_sampling(sampling)

    assert str(caught.value).startswith(expected)
    assert caught.value.remedy


@pytest.mark.parametrize("sampling", [*MIXED, Sampling(seed=-(2**63)), Sampling(seed=2**64 - 1, min_p=1.0)])
def test_values_that_make_sense_pass_and_serve(sampling: Sampling) -> None:
    check_sampling(sampling)

    assert isinstance(
        choose(random_logits(1), [TokenChooser(replace(sampling, temperature=1), [])])[0], Choice
    )
