"""Sentence-transformers models by folder; the packaged files serve as one."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from ragweave.chains import minilm
from ragweave.chains.embeddings import open_encoder
from ragweave.chains.errors import ChainError
from ragweave.chains.minilm import MiniLM
from ragweave.chains.sentence_transformer import SentenceTransformerEncoder, _content_hash, _Turns


@pytest.mark.slow
def test_a_folder_gives_the_vectors_of_its_model() -> None:
    encoder = open_encoder(str(minilm._folder()))
    texts = [f"text number {number} " * (1 + number % 5) for number in range(20)]

    vectors = encoder.encode(texts)

    assert isinstance(encoder, SentenceTransformerEncoder)
    assert np.abs(vectors - MiniLM().encode(texts)).max() < 1e-5
    assert np.abs(encoder.encode_query("one question") - MiniLM().encode_query("one question")).max() < 1e-5
    assert encoder.identity().dimension == 384
    assert encoder.identity().model == "model"
    assert encoder.window == 254
    assert encoder.token_spans("two words") == [(0, 3), (4, 9)]
    assert len(encoder.token_spans("word " * 600)) == 600


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    encoder = open_encoder(tmp_path / "nothing-here")

    with pytest.raises(ChainError, match="nothing-here' cannot be loaded: .*Give a folder"):
        encoder.encode_query("a question")


def test_the_revision_of_a_folder_is_its_content(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"weights")
    shutil.copystat(tmp_path / "one", tmp_path / "two")
    same = _content_hash(tmp_path / "one")
    assert _content_hash(tmp_path / "two") == same

    (tmp_path / "two" / "model.safetensors").write_bytes(b"other weights")
    os.utime(tmp_path / "two" / "model.safetensors", (0, 0))

    assert _content_hash(tmp_path / "two") != same


def test_who_is_urgent_goes_before_those_that_wait() -> None:
    turns = _Turns()
    order: list[str] = []

    def work(name: str, urgent: bool) -> None:
        with turns.take(urgent=urgent):
            order.append(name)

    with turns.take(urgent=False):
        threads = [threading.Thread(target=work, args=(f"batch {number}", False)) for number in range(3)]
        threads.append(threading.Thread(target=work, args=("question", True)))
        for thread in threads:
            thread.start()
        while turns._urgent == 0:
            time.sleep(0.001)
        time.sleep(0.05)
    for thread in threads:
        thread.join()

    assert order[0] == "question"
    assert len(order) == 4
