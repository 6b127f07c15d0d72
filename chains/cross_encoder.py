"""A cross-encoder as a reranker: question and passage are read together by one model, which gives a score.

Any sentence-transformers or transformers sequence classifier with one output, by folder or hub id. Knows no
store. PyTorch and the model are loaded at the first question, or by `load`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from langchain_core.documents import Document
from pydantic import ConfigDict, Field, PrivateAttr

from .errors import ChainError
from .passage_text import passage_text
from .rework import Reworked, Reworker, rescored

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

__all__ = ["CrossEncoderReranker"]

BATCH = 16  # pairs


class CrossEncoderReranker(Reworker):
    """Orders passages by a cross-encoder; `Rerank(CrossEncoderReranker(...))` blends it with the search.

    A pair that is too long is cut at the longer of the two, so that a long passage leaves the question
    whole, and a long question does not push the passage out. Scores are the model's raw outputs (logits): a
    sigmoid would make the best ones all alike. Safe to use from several threads, which take turns.

    The first question waits for the model, seconds with PyTorch cold, and so would miss a deadline: call
    `load()` when the application starts.

    Args:
        model: a folder, or a hub id that is in the local cache or can be downloaded.
        device: "cpu", "cuda", ...; chosen by sentence-transformers where it is not given.
        batch_size: pairs in one pass.
        max_length: tokens of question and passage together; what the model can take where not given.
    """

    model_config = ConfigDict(extra="forbid")

    model: str
    device: str | None = None
    batch_size: int = Field(BATCH, ge=1)
    max_length: int | None = Field(None, ge=8)
    _loading: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _turn: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _loaded: Any = PrivateAttr(None)

    def __init__(
        self,
        model: str | Path,
        *,
        device: str | None = None,
        batch_size: int = BATCH,
        max_length: int | None = None,
    ) -> None:
        # Pydantic's own __init__ takes keywords only.
        super().__init__(
            **{"model": str(model), "device": device, "batch_size": batch_size, "max_length": max_length}
        )

    def rework(self, documents: Sequence[Document], query: str) -> Reworked:
        """The passages by the model's score, best first."""
        if not documents:
            return Reworked([])
        scores = self.score(query, [passage_text(document) for document in documents])
        scored = [rescored(document, rerank=score) for document, score in zip(documents, scores, strict=True)]
        scored.sort(key=lambda one: -one.metadata["score"])
        return Reworked(scored, detail={"by": "model", "model": self.model})

    def score(self, question: str, passages: Sequence[str]) -> list[float]:
        """The model's output for the question with each passage; higher is better."""
        from torch.nn import Identity

        model = self.load()
        with self._turn:  # a tokenizer must not be used by two threads at once
            found = model.predict(
                [(question, passage) for passage in passages],
                batch_size=self.batch_size,
                activation_fn=Identity(),
                show_progress_bar=False,
            )
        return [float(score) for score in found]

    def load(self) -> CrossEncoder:
        """Loads the model if it is not loaded yet.

        Raises:
            ChainError: the folder or hub id gives no cross-encoder, or one with several outputs.
        """
        with self._loading:
            if self._loaded is None:
                self._loaded = self._opened()
            return cast("CrossEncoder", self._loaded)

    def _opened(self) -> CrossEncoder:
        remedy = (
            "Give a folder with a cross-encoder, or a hub id that is in the local cache or can be "
            "downloaded from here."
        )
        if _looks_like_a_folder(self.model) and not Path(self.model).is_dir():
            raise ChainError(f"There is no folder {self.model!r} to load a reranker from.", remedy=remedy)
        from sentence_transformers import CrossEncoder

        try:
            model: CrossEncoder = CrossEncoder(self.model, device=self.device, max_length=self.max_length)
        except (OSError, ValueError, KeyError) as error:
            raise ChainError(
                f"The reranker {self.model!r} cannot be loaded: {(str(error).splitlines() or [''])[0]}",
                remedy=remedy,
            ) from error
        _check(model, self.model, self.max_length)
        return model


def _looks_like_a_folder(name: str) -> bool:
    """Hub ids are `name` or `owner/name`."""
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name


def _check(model: CrossEncoder, name: str, max_length: int | None) -> None:
    """Refuses what loads without a word and then ranks at random, or fails at the first long passage."""
    config: Any = model.config
    loaded = type(model.model).__name__
    if config.architectures and loaded not in config.architectures:
        raise ChainError(
            f"The model {name!r} is a {config.architectures[0]}: it has no trained head that scores a pair.",
            remedy="Give a cross-encoder; an embedding model goes into embeddings=.",
        )
    if config.num_labels != 1:
        raise ChainError(
            f"The model {name!r} gives {config.num_labels} scores for a pair; a reranker gives one.",
            remedy="Give a cross-encoder that was trained to rank.",
        )
    positions = getattr(config, "max_position_embeddings", None)
    if max_length and positions and max_length > positions:
        raise ChainError(
            f"max_length={max_length} is more than the {positions} tokens that {name!r} can take.",
            remedy=f"Leave it out, or give at most {positions}.",
        )
