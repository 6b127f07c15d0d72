"""Opening encoders, and what foreign embedding models may give."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings

from ragweave.chains.embeddings import open_encoder
from ragweave.chains.errors import ChainError
from ragweave.chains.langchain_encoder import LangChainEncoder
from ragweave.chains.minilm import MiniLM
from ragweave.chains.records import EmbedderIdentity

from .fakes import WordEncoder


class Canned(Embeddings):
    """Gives the vectors it was made with, whatever the texts."""

    model = "canned-1"

    def __init__(self, *vectors: list[float]) -> None:
        self.vectors = vectors

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[1.0, 0.0]] if texts == ["dimension"] else list(self.vectors)

    def embed_query(self, text: str) -> list[float]:
        return self.vectors[0]


def test_nothing_given_is_the_packaged_model() -> None:
    assert isinstance(open_encoder(), MiniLM)


def test_an_encoder_is_given_back_as_it_is() -> None:
    encoder = WordEncoder()

    assert open_encoder(encoder) is encoder


def test_langchain_vectors_come_out_with_unit_length() -> None:
    encoder = open_encoder(Canned([3.0, 4.0], [0.0, 2.0]))

    assert encoder.encode(["a", "b"]).tolist() == [pytest.approx([0.6, 0.8]), [0.0, 1.0]]
    assert encoder.encode_query("q").tolist() == pytest.approx([0.6, 0.8])


def test_no_texts_give_no_vectors() -> None:
    assert open_encoder(Canned()).encode([]).shape == (0, 2)


def test_the_identity_names_the_model() -> None:
    identity = open_encoder(Canned()).identity()

    assert identity == EmbedderIdentity("canned-1", "", 2, True)


def test_a_model_without_a_name_is_known_by_its_class() -> None:
    identity = open_encoder(DeterministicFakeEmbedding(size=8)).identity()

    assert identity.model.endswith(".DeterministicFakeEmbedding")
    assert identity.dimension == 8


def test_the_window_is_the_models_own_where_it_says_so() -> None:
    embeddings = Canned()
    assert open_encoder(embeddings).window == 254

    embeddings.max_seq_length = 512  # type: ignore[attr-defined]  # as sentence-transformers' wrappers have

    assert open_encoder(embeddings).window == 510


def test_tokens_of_a_foreign_model_are_counted_like_the_packaged_ones() -> None:
    assert open_encoder(Canned()).token_spans("two words") == [(0, 3), (4, 9)]


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (([1.0, 0.0],), "canned-1 gave 1 vectors of 2 numbers for 2 texts"),
        (([1.0, 0.0], [1.0]), "canned-1 gave 2 vectors of 1, 2 numbers"),
        (([1.0, 0.0], [0.0, 0.0]), "vector of length 0.0 for text 2 of 2"),
        (([math.nan, 0.0], [1.0, 0.0]), "vector of length nan for text 1 of 2"),
        (([1.0, 0.0], [math.inf, 0.0]), "vector of length inf for text 2 of 2"),
    ],
)
def test_vectors_that_cannot_be_compared_are_refused(vectors: tuple[list[float], ...], message: str) -> None:
    encoder = open_encoder(Canned(*vectors))

    with pytest.raises(ChainError, match=f"{message}.*Check the model"):
        encoder.encode(["a", "b"])


def test_what_is_no_embedding_model_is_named() -> None:
    with pytest.raises(ChainError, match="42 is no embedding model.*Give a LangChain Embeddings"):
        open_encoder(42)


def test_a_wrapped_packaged_model_is_the_packaged_model() -> None:
    texts = ["one text", "another text"]

    wrapped = LangChainEncoder(MiniLM()).encode(texts)

    assert np.allclose(wrapped, MiniLM().encode(texts), atol=1e-6)


def test_opening_a_folder_loads_nothing(tmp_path: Path) -> None:
    assert open_encoder(tmp_path / "no such folder") is not None


def test_a_question_is_embedded_once_by_each_encoder() -> None:
    class Counting(Embeddings):
        def __init__(self) -> None:
            self.asked: list[str] = []

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [[1.0, 0.0] for _ in texts]

        def embed_query(self, text: str) -> list[float]:
            self.asked.append(text)
            return [3.0, 4.0]

    one, other = Counting(), Counting()
    first, second = open_encoder(one), open_encoder(other)

    vectors = [first.encode_query("q"), first.encode_query("q"), second.encode_query("q")]

    assert (one.asked, other.asked) == (["q"], ["q"])
    assert vectors[0] is vectors[1]
    with pytest.raises(ValueError, match="read-only"):
        vectors[0][0] = 9
