"""safetensors files read by hand: what the safetensors package wrote comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ragweave.adapters.errors import AdapterError, UnsafeAdapter
from ragweave.adapters.tensor_file import TensorFile

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int8, torch.bool]


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    values = torch.arange(-30, 30).view(3, 4, 5)
    found = {str(dtype): values.to(dtype) for dtype in DTYPES}
    return found | {"scalar": torch.tensor(2.5), "empty": torch.empty(0, 3)}


@pytest.fixture
def path(tensors: dict[str, torch.Tensor], tmp_path: Path) -> Path:
    save_file(tensors, tmp_path / "x.safetensors", metadata={"format": "pt"})
    return tmp_path / "x.safetensors"


def test_tensors_come_back_mapped_and_copied(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    with TensorFile(path) as file:
        mapped = {name: file.tensor(name) for name in file.entries}
        copied = {name: file.copy(name) for name in file.entries}

    assert mapped.keys() == tensors.keys()
    for name, expected in tensors.items():
        assert torch.equal(mapped[name], expected) and mapped[name].dtype == expected.dtype
        assert torch.equal(copied[name], expected) and copied[name].dtype == expected.dtype


def test_writing_to_a_mapped_tensor_never_reaches_the_file(path: Path) -> None:
    before = path.read_bytes()

    with TensorFile(path) as file:
        file.tensor(str(torch.float32)).zero_()

    assert path.read_bytes() == before


def test_a_sample_is_the_same_in_16_bits_and_changes_with_values(tmp_path: Path) -> None:
    weights = torch.randn(200, 7, generator=torch.Generator().manual_seed(0)).bfloat16().float()
    files = {"full": weights, "half": weights.bfloat16(), "other": weights + 1}
    for name, tensor in files.items():
        save_file({"w": tensor, "empty": torch.empty(0), "one": torch.ones(1)}, tmp_path / name)

    samples = {}
    for name in files:
        with TensorFile(tmp_path / name) as file:
            samples[name] = (file.sample("w"), file.sample("empty"), len(file.sample("one")))

    assert samples["full"] == samples["half"] != samples["other"]
    assert samples["full"][1:] == (b"", 2)


def test_a_file_cut_anywhere_is_refused(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    cut = tmp_path / "cut.safetensors"

    for length in range(0, len(content), 97):
        cut.write_bytes(content[:length])
        with pytest.raises(UnsafeAdapter, match="not a whole safetensors file"):
            TensorFile(cut)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="cannot be read: No such file"):
        TensorFile(tmp_path / "nowhere")
