"""An inference model from a folder, or an object that predicts."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragweave.chains.errors import ChainError
from ragweave.chains.inference import InferenceModel

WORDS = "employees get leave days pets are not allowed".split()


class Scores:
    def __init__(self, *scores: float) -> None:
        self.scores = scores

    def predict(self, pairs: list[tuple[str, str]]) -> list[tuple[float, ...]]:
        return [self.scores for _ in pairs]


@pytest.mark.parametrize(("score", "probability"), [(0.8, 0.8), (4.0, 0.982), (-4.0, 0.018)])
def test_one_score_is_a_probability_or_a_logit(score: float, probability: float) -> None:
    entailed, contradicted = InferenceModel(Scores(score)).judge("a", "b")

    assert (round(entailed, 3), contradicted) == (probability, False)


def test_a_model_without_the_label_is_an_error_that_says_so() -> None:
    with pytest.raises(ChainError, match="none of which is entailment"):
        InferenceModel(Scores(1.0, 2.0)).judge("a", "b")


@pytest.mark.slow
def test_a_folder_is_loaded_at_the_first_pair(tmp_path: Path) -> None:
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    folder = tmp_path / "tiny"
    folder.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizer.from_pretrained(str(folder)).save_pretrained(str(folder))
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        id2label={0: "entailment", 1: "neutral", 2: "contradiction"},
    )
    BertForSequenceClassification(config).save_pretrained(str(folder))

    entailed, _ = InferenceModel(folder).judge("Employees get leave", "pets are not allowed")

    assert 0 < entailed < 1
