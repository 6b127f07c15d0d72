"""What an ingestion costs: a first run and an unchanged one, and beside the bare encoder on the same texts.

Run: python benchmarks/ingest.py [--rounds 3]

Reads ../shared/data/fastapi-docs (152 Markdown files). Ratios are medians over rounds; the bare encoder runs
twice a round, so that its own spread shows what a difference means.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ragweave.chains import KnowledgeBase, open_encoder
from ragweave.chains.splitting import indexed_text

SHARED = Path(__file__).resolve().parents[2] / "shared/data"
FILES = SHARED / "fastapi-docs/files"
BATCH = 128  # texts that an ingestion embeds at once


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median(values: list[float]) -> str:
    return f"{statistics.median(values):8.2f}  ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=Path, default=FILES)
    arguments = parser.parse_args()
    encoder = open_encoder()
    encoder.encode(["Loads the model."])
    first: list[float] = []
    again: list[float] = []
    bare: list[float] = []
    bare_again: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.rounds):
            with KnowledgeBase.open(f"{folder}/{number}", embeddings=encoder) as kb:
                first.append(seconds(partial(kb.ingest, arguments.files)))
                texts = stored_texts(kb)
                bare.append(seconds(partial(encode, encoder, texts)))
                bare_again.append(seconds(partial(encode, encoder, texts)))
                again.append(seconds(partial(kb.ingest, arguments.files)))
                embedded = kb.ingest(arguments.files).embedded
    print(f"{len(texts)} passages of {arguments.files}, {arguments.rounds} rounds\n")
    print(f"first ingestion            s {median(first)}")
    print(f"bare encoder, same texts   s {median(bare)}")
    print(f"bare encoder once more     s {median(bare_again)}")
    print(f"unchanged ingestion        s {median(again)}   embedded: {embedded}")
    print(f"first / bare                 {median([a / b for a, b in zip(first, bare, strict=True)])}")
    print(f"bare / bare                  {median([a / b for a, b in zip(bare_again, bare, strict=True)])}")
    print(f"first / unchanged            {median([a / b for a, b in zip(first, again, strict=True)])}")


def stored_texts(kb: KnowledgeBase) -> list[str]:
    """The distinct texts that were embedded, in the order of the ingestion."""
    found = dict.fromkeys(
        indexed_text(one.metadata["title"], one.metadata.get("heading", ""), one.page_content)
        for info in kb.sources()
        for one in kb.documents(info.source)
    )
    return list(found)


def encode(encoder: Any, texts: list[str]) -> None:
    for start in range(0, len(texts), BATCH):
        encoder.encode(texts[start : start + BATCH])


if __name__ == "__main__":
    main()
