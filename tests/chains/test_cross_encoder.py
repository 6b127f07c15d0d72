"""A cross-encoder loaded from a folder: a tiny BERT made here, by the code path that users take."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from langchain_core.documents import Document

from ragweave.chains import minilm
from ragweave.chains.cross_encoder import CrossEncoderReranker
from ragweave.chains.errors import ChainError
from ragweave.chains.rerank import Rerank

WORDS = "leave days of annual get employees how many the a pay salary month title".split()
POSITIONS = 48


def _tiny(folder: Path, *, labels: int = 1) -> Path:
    """A one-layer BERT that scores pairs, with random weights, in transformers' own files."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    folder.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizer.from_pretrained(str(folder)).save_pretrained(str(folder))
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=POSITIONS,
        initializer_range=0.5,  # far apart, so that different pairs get different scores
    )
    config.num_labels = labels
    BertForSequenceClassification(config).save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _tiny(tmp_path_factory.mktemp("models") / "tiny")


def _kept(reranker: CrossEncoderReranker, question: str, passage: str) -> tuple[int, int]:
    """Tokens of question and passage that the model sees."""
    features = reranker.load().preprocess([(question, passage)])
    second = int(features["token_type_ids"].sum())
    return int(features["attention_mask"].sum()) - second - 2, second - 1


@pytest.mark.slow
def test_passages_come_back_by_the_models_score(folder: Path) -> None:
    documents = [Document("pay salary month"), Document("annual leave days"), Document("the a of")]

    reworked = CrossEncoderReranker(folder).rework(documents, "how many leave days")

    scores = [one.metadata["scores"]["rerank"] for one in reworked.documents]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == 3
    assert reworked.detail == {"by": "model", "model": str(folder)}
    assert documents[0].metadata == {}


@pytest.mark.slow
def test_the_model_reads_the_title_and_headings_too(folder: Path) -> None:
    bare, titled = (
        Document("annual leave"),
        Document("annual leave", metadata={"title": "pay", "heading": "a"}),
    )

    reworked = CrossEncoderReranker(folder).rework([bare, titled], "days")

    assert len({one.metadata["score"] for one in reworked.documents}) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "passage", "kept"),
    [
        (4, 500, (4, 41)),  # the question stays whole
        (500, 4, (41, 4)),  # and so does the passage
        (500, 500, (22, 23)),
        (4, 4, (4, 4)),
    ],
)
def test_the_longer_of_the_two_is_cut_first(
    folder: Path, question: int, passage: int, kept: tuple[int, int]
) -> None:
    assert _kept(CrossEncoderReranker(folder), "how " * question, "leave " * passage) == kept


@pytest.mark.slow
def test_a_length_can_be_set_below_the_models_but_not_above(folder: Path) -> None:
    assert _kept(CrossEncoderReranker(folder, max_length=20), "how " * 4, "leave " * 99) == (4, 13)

    with pytest.raises(ChainError, match="max_length=99 is more than the 48 tokens"):
        CrossEncoderReranker(folder, max_length=99).load()


@pytest.mark.slow
def test_threads_take_turns_and_get_what_one_thread_gets(folder: Path) -> None:
    reranker = CrossEncoderReranker(folder, batch_size=2)
    passages = [f"{word} leave days" for word in WORDS]
    alone = reranker.score("how many", passages)
    found: list[Sequence[float]] = []

    threads = [
        threading.Thread(target=lambda: found.append(reranker.score("how many", passages))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert all(scores == pytest.approx(alone, abs=1e-5) for scores in found)


@pytest.mark.slow
def test_an_embedding_model_is_refused_as_a_reranker() -> None:
    with pytest.raises(ChainError, match="is a BertModel: it has no trained head"):
        CrossEncoderReranker(minilm._folder()).load()


@pytest.mark.slow
def test_a_model_with_several_outputs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ChainError, match="gives 3 scores for a pair; a reranker gives one"):
        CrossEncoderReranker(_tiny(tmp_path / "three", labels=3)).load()


@pytest.mark.slow
def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")

    with pytest.raises(ChainError, match=f"'{tmp_path}' cannot be loaded: .* Give a folder"):
        CrossEncoderReranker(tmp_path).load()


def test_a_missing_folder_is_told_without_asking_the_hub(tmp_path: Path) -> None:
    with pytest.raises(ChainError, match="no folder '.*nothing-here' .* Give a folder"):
        CrossEncoderReranker(tmp_path / "nothing-here").load()


def test_in_the_chain_a_missing_model_costs_only_the_reranking(tmp_path: Path) -> None:
    documents = [Document("a", id="1"), Document("b", id="2")]

    reworked = Rerank(CrossEncoderReranker(tmp_path / "nothing-here")).rework(documents, "q")

    assert reworked.documents == documents
    assert "There is no folder" in reworked.detail["degraded"]


def test_nothing_is_loaded_where_nothing_is_found(tmp_path: Path) -> None:
    assert CrossEncoderReranker(tmp_path / "nothing-here").rework([], "q").documents == []
