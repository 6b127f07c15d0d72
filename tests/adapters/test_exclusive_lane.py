"""Adapters that slots cannot carry answer as in peft, beside others, and leave the base as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ragweave.adapters.errors import AdapterError
from ragweave.adapters.local_engine import LocalEngine
from ragweave.adapters.records import ChatRequest, Sampling

from .models import make_adapter, tiny_base
from .reference import run_alone

TOKENS = 10
KINDS: dict[str, dict[str, Any]] = {
    "dora": {"use_dora": True, "targets": ("q_proj", "v_proj")},
    "lora_bias": {"lora_bias": True, "targets": ("q_proj", "v_proj")},
    "head": {"modules_to_save": ["lm_head"], "targets": ("q_proj",)},
    "tokens": {"trainable_token_indices": [5, 6, 7, 30, 40], "targets": ("q_proj",)},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("lane")
    base = tiny_base(root / "base", seed=3)
    made = {
        name: _trained(make_adapter(base, root / name, seed=number, **kind))
        for number, (name, kind) in enumerate(KINDS.items())
    }
    return {"base": base, "plain": make_adapter(base, root / "plain", seed=5)} | made


def _trained(folder: Path) -> Path:
    """Make what stands beside the factors differ from the base's, as training does."""
    file = folder / "adapter_model.safetensors"
    generator = torch.Generator().manual_seed(0)
    tensors = {
        name: tensor if ".lora_A." in name else tensor + 0.2 * torch.randn(tensor.shape, generator=generator)
        for name, tensor in load_file(file).items()
    }
    save_file(tensors, file)
    return folder


@pytest.fixture
def engine(folders: dict[str, Path]) -> Iterator[LocalEngine]:
    engine = LocalEngine(folders["base"], slots=2)
    for name in ("plain", *KINDS):
        engine.load_adapter(name, folders[name])
    yield engine
    engine.close()


def _request(adapter: str, tokens: int = TOKENS) -> ChatRequest:
    message = {"role": "user", "content": "Where is the nearest office?"}
    return ChatRequest(messages=(message,), adapter=adapter, sampling=Sampling(max_tokens=tokens))


def _answer(engine: LocalEngine, adapter: str) -> str:
    return "".join(delta.text for delta in engine.stream(_request(adapter)))


def _alone(engine: LocalEngine, folders: dict[str, Path], adapter: str) -> str:
    served = engine._ready()
    ids = served.prompts.ids(_request(adapter))
    tokens, _ = run_alone(folders["base"], folders[adapter] if adapter else None, ids, TOKENS)
    text: str = served.loaded.tokenizer.decode(tokens, skip_special_tokens=True)
    return text


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_slots_cannot_carry_answers_as_in_peft(
    kind: str, engine: LocalEngine, folders: dict[str, Path]
) -> None:
    expected = _alone(engine, folders, kind)

    answer = _answer(engine, kind)

    assert answer == expected
    assert answer != _alone(engine, folders, "")


def test_lanes_and_slots_answer_side_by_side(engine: LocalEngine, folders: dict[str, Path]) -> None:
    names = ["", "plain", *KINDS]
    expected = {name: _alone(engine, folders, name) for name in names}
    wrong: list[str] = []

    def ask(start: int) -> None:
        for turn in range(12):
            name = names[(start + turn) % len(names)]
            if _answer(engine, name) != expected[name]:
                wrong.append(name)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(expected.values())) == len(names)
    assert wrong == []


def test_an_unloaded_lane_finishes_its_request_and_ends(engine: LocalEngine) -> None:
    answer = engine.stream(_request("dora", tokens=40))
    next(answer)
    lane = next(iter(engine._ready().lanes.values()))

    engine.unload_adapter("dora")
    rest = list(answer)

    assert rest[-1].finish_reason is not None
    assert lane._thread is not None
    lane._thread.join(timeout=10)
    assert not lane._thread.is_alive()
    assert not engine._ready().lanes


def test_a_kind_that_writes_over_the_base_is_refused_with_the_reason(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    base = tiny_base(tmp_path / "base", seed=3)
    biased = make_adapter(base, tmp_path / "biased", bias="all")
    engine = LocalEngine(base)

    with pytest.raises(AdapterError, match="biases of the base"):
        engine.load_adapter("biased", biased)

    engine.close()
