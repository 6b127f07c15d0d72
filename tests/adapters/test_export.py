"""Merged exports: one model that answers as base and adapter do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from ragweave.adapters.base_model import describe_base
from ragweave.adapters.errors import AdapterError, AdapterMismatch
from ragweave.adapters.export import export_merged

from .models import make_adapter, tiny_base

PROBE = torch.tensor([[5, 99, 300, 42, 7, 250]])


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model.eval()(input_ids=PROBE).logits
    return found


def load(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@pytest.mark.parametrize("kind", ["qwen2", "llama", "gpt2", "tied"])
@pytest.mark.parametrize(
    "config",
    [
        {"targets": "all-linear", "rslora": True},
        {"targets": ("embed",), "rank": 4},
        {"targets": "all-linear", "use_dora": True},
        {"targets": "all-linear", "modules_to_save": ["lm_head"]},
    ],
)
def test_the_merged_model_answers_as_base_and_adapter(
    tmp_path: Path, kind: str, config: dict[str, Any]
) -> None:
    base = tiny_base(tmp_path / "base", kind="qwen2" if kind == "tied" else kind, tie=kind == "tied")
    if config["targets"] == ("embed",):
        config = config | {"targets": ("wte",) if kind == "gpt2" else ("embed_tokens",)}
    adapter = make_adapter(base, tmp_path / "adapter", **config)

    out = export_merged(base, adapter, tmp_path / "out")

    adapted: Any = PeftModel.from_pretrained(load(base), adapter)
    expected = logits(adapted)
    torch.testing.assert_close(logits(load(out)), expected, rtol=1e-4, atol=1e-4)
    assert (logits(load(base)) - expected).abs().max() > 0.1  # the adapter does something


def test_the_export_is_a_base_model_like_any_other(base: Path, adapters: Path, tmp_path: Path) -> None:
    out = export_merged(base, adapters / "legal", tmp_path / "new" / "merged")

    found = describe_base(out)
    tokenizer: Any = AutoTokenizer.from_pretrained(out)
    assert found.name == "merged"
    assert found.modules == describe_base(base).modules
    assert found.template_hash == describe_base(base).template_hash
    assert found.fingerprint != describe_base(base).fingerprint
    assert tokenizer.eos_token == "<|im_end|>"
    assert [path.name for path in out.parent.iterdir()] == ["merged"]


def test_weights_are_stored_as_the_base_or_as_asked(base: Path, adapters: Path, tmp_path: Path) -> None:
    own = export_merged(base, adapters / "legal", tmp_path / "own")
    half = export_merged(base, adapters / "legal", tmp_path / "half", dtype="bfloat16")

    assert {tensor.dtype for tensor in load_file(own / "model.safetensors").values()} == {torch.float32}
    assert {tensor.dtype for tensor in load_file(half / "model.safetensors").values()} == {torch.bfloat16}


def test_a_folder_that_holds_something_is_never_written_to(
    base: Path, adapters: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")

    with pytest.raises(AdapterError, match="not empty") as caught:
        export_merged(base, adapters / "legal", tmp_path / "out")

    assert caught.value.remedy == "Give a new folder."
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_an_adapter_of_another_base_is_not_merged(adapters: Path, tmp_path: Path) -> None:
    other = tiny_base(tmp_path / "other", layers=3)

    with pytest.raises(AdapterMismatch):
        export_merged(other, adapters / "legal", tmp_path / "out")

    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_merge_that_answers_otherwise_is_not_written(
    base: Path, adapters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(self: Any, **options: object) -> Any:
        return self.unload()

    monkeypatch.setattr(PeftModel, "merge_and_unload", wrong, raising=False)

    with pytest.raises(AdapterError, match="merged logits differ"):
        export_merged(base, adapters / "legal", tmp_path / "out")

    assert list(tmp_path.iterdir()) == []


def test_kinds_that_cannot_be_merged_say_so(base: Path, tmp_path: Path) -> None:
    adapter = make_adapter(base, tmp_path / "adapter", alora_invocation_tokens=[1, 2])

    with pytest.raises(AdapterError, match="cannot be merged") as caught:
        export_merged(base, adapter, tmp_path / "out")

    assert "beside its base" in caught.value.remedy
