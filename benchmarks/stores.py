"""The same documents and questions on SQLite and on Weaviate: do both find alike?

Run: python benchmarks/stores.py --weaviate "weaviate://127.0.0.1:8080?grpc=50051" [--sets covid-faq ...]

For each set: the mean overlap of the ten best passages, by leg and fused; nDCG@10 of each store; and
Weaviate's own relative-score fusion beside ours. Every text is embedded once and serves both stores.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from remembering import RememberingEncoder
from retrieval import SETS, Dataset, load, ndcg

from ragweave.chains import KnowledgeBase
from ragweave.chains.analyser import query_tokens
from ragweave.chains.fusion import DEFAULT_ALPHA, LEG_LIMIT, fuse


def overlap(one: Sequence[tuple[str, float]], two: Sequence[tuple[str, float]]) -> float:
    """Share of the ten best that both have; 1 where neither has any."""
    first, second = ({name for name, _ in hits[:10]} for hits in (one, two))
    return len(first & second) / max(len(first), len(second), 1) if first or second else 1.0


def ranked_sources(kb: KnowledgeBase, hits: Sequence[tuple[str, float]], data: Dataset) -> list[str]:
    """Documents by their best passage."""
    chunks = kb._store.get([name for name, _ in hits[:50]])
    return list(dict.fromkeys(chunks[name].source.removeprefix(data.prefix) for name, _ in hits[:50]))


def compare(data: Dataset, sqlite: KnowledgeBase, weaviate: KnowledgeBase) -> dict[str, float]:
    rows: dict[str, list[float]] = {}
    native: Any = weaviate._store
    languages = sqlite._store.languages()
    for question, text in data.questions.items():
        tokens = query_tokens(text, languages)
        vector = sqlite.encoder.encode_query(text)
        here = sqlite._store.search(tokens, vector, limit=LEG_LIMIT)
        there = native.search(tokens, vector, limit=LEG_LIMIT)
        fused_here, fused_there = fuse(here.keyword, here.vector), fuse(there.keyword, there.vector)
        theirs = native.hybrid_native(tokens, vector, alpha=DEFAULT_ALPHA, limit=10)
        for name, value in {
            "keyword": overlap(here.keyword, there.keyword),
            "vector": overlap(here.vector, there.vector),
            "hybrid": overlap(fused_here, fused_there),
            "native": overlap(fused_there, theirs),
            "ndcg sqlite": ndcg(ranked_sources(sqlite, fused_here, data), data.relevant[question]),
            "ndcg weaviate": ndcg(ranked_sources(weaviate, fused_there, data), data.relevant[question]),
        }.items():
            rows.setdefault(name, []).append(value)
    return {name: float(np.mean(values)) for name, values in rows.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weaviate", metavar="URL", required=True)
    parser.add_argument("--sets", nargs="*", default=SETS)
    arguments = parser.parse_args()
    print(
        f"{'set':14} {'questions':>9} | overlap@10: {'keyword':>7} {'vector':>7} {'hybrid':>7} {'native':>7}"
        f" | nDCG@10: {'sqlite':>7} {'weaviate':>8}"
    )
    encoder = RememberingEncoder()
    for name in arguments.sets:
        data = load(name)
        url = f"{arguments.weaviate}&collection=Stores{name.title().replace('-', '')}{int(time.time())}"
        with tempfile.TemporaryDirectory() as folder:
            with (
                KnowledgeBase.open(folder, embeddings=encoder) as sqlite,
                KnowledgeBase.open(url, embeddings=encoder) as weaviate,
            ):
                sqlite.ingest(data.sources)
                weaviate.ingest(data.sources)
                means = compare(data, sqlite, weaviate)
                weaviate.delete([info.source for info in weaviate.sources()])
        print(
            f"{name:14} {len(data.questions):9} | {'':11} {means['keyword']:7.3f} {means['vector']:7.3f} "
            f"{means['hybrid']:7.3f} {means['native']:7.3f} | {'':8} {means['ndcg sqlite']:7.4f} "
            f"{means['ndcg weaviate']:8.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
