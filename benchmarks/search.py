"""What a search costs beside the embedding of its query, on 5,000 passages.

Run: python benchmarks/search.py [--weaviate URL] [--rounds 5]

SQLite: `kb.search` against its two legs run alone, each as the store runs it. Weaviate: against the bare
client's own calls (one bm25 and one near_vector of 100 hits, with the passages' properties). Interleaved;
each figure is the median over 100 queries, then over rounds; the baseline runs twice.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ragweave.chains import KnowledgeBase
from ragweave.chains.analyser import query_tokens
from ragweave.chains.fusion import LEG_LIMIT
from ragweave.chains.records import Chunk, EmbedderIdentity, SourceRecord, Vector, chunk_id

PASSAGES = 5000
PER_SOURCE = 50
QUERIES = 100
DIMENSION = 384


class ReadyVectors:
    """An encoder whose queries are embedded already: what is left is the search."""

    window = 254

    def __init__(self) -> None:
        self.ready: dict[str, Vector] = {}

    def identity(self) -> EmbedderIdentity:
        return EmbedderIdentity("ready", "1", DIMENSION, True)

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        raise NotImplementedError

    def encode(self, texts: Any) -> Any:
        raise NotImplementedError

    def encode_query(self, text: str) -> Vector:
        return self.ready[text]


def words(dice: random.Random, count: int) -> str:
    """Text with word frequencies as in language: rank r about once in r."""
    return " ".join(f"w{int(3000 ** dice.random())}x" for _ in range(count))


def unit(random_: np.random.Generator) -> Vector:
    vector = random_.standard_normal(DIMENSION).astype(np.float32)
    return vector / np.linalg.norm(vector)


def fill(kb: KnowledgeBase) -> None:
    dice, random_ = random.Random(1), np.random.default_rng(1)
    store = kb._store
    store.bind(kb.encoder.identity())
    blank = Chunk("", "", "", 0, 0, 0, "", "", None, "2026-01-01", "english", "", "")
    for number in range(PASSAGES // PER_SOURCE):
        source = f"source-{number}.md"
        chunks = []
        for position in range(PER_SOURCE):
            text = words(dice, 120)
            chunks.append(
                replace(
                    blank,
                    id=chunk_id(source, str(position), 0),
                    source=source,
                    title=source,
                    position=position,
                    end=len(text),
                    text=text,
                    tokens=" ".join(query_tokens(text, ["english"])),
                    hash=f"{source}{position}",
                    vector=unit(random_),
                )
            )
        record = SourceRecord(
            source=source,
            path="",
            sha256="x",
            fingerprint="x",
            title=source,
            ingested_at="2026-01-01",
            updated_at="2026-01-01",
            chunk_ids=tuple(one.id for one in chunks),
            languages=("english",),
            fields=(),
        )
        store.replace(record, "", chunks)


def timed(work: Callable[[str], Any], queries: list[str]) -> float:
    """Median milliseconds of one call."""
    taken = []
    for query in queries:
        began = time.perf_counter()
        work(query)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def compare(kb: KnowledgeBase, encoder: ReadyVectors, baseline: Callable[[str], Any], rounds: int) -> None:
    queries = list(encoder.ready)
    rows: dict[str, list[float]] = {"baseline": [], "baseline again": [], "kb.search": []}
    for work in (baseline, kb.search):
        timed(work, queries[:20])
    for _ in range(rounds):
        rows["baseline"].append(timed(baseline, queries))
        rows["kb.search"].append(timed(lambda query: kb.search(query, k=8), queries))
        rows["baseline again"].append(timed(baseline, queries))
    for name, values in rows.items():
        print(f"  {name:16} {statistics.median(values):7.2f} ms  ({min(values):.2f} to {max(values):.2f})")
    for name in ("kb.search", "baseline again"):
        ratios = [a / b for a, b in zip(rows[name], rows["baseline"], strict=True)]
        spread = f"({min(ratios):.3f} to {max(ratios):.3f})"
        print(f"  {name + ' / baseline':26} {statistics.median(ratios):.3f}  {spread}")


def sqlite_legs(kb: KnowledgeBase, encoder: ReadyVectors) -> Callable[[str], Any]:
    def legs(query: str) -> None:
        tokens = query_tokens(query, ["english"])
        kb._store.search(tokens, None, limit=LEG_LIMIT)
        kb._store.search((), encoder.ready[query], limit=LEG_LIMIT)

    return legs


def bare_client(kb: KnowledgeBase, encoder: ReadyVectors, url: str) -> tuple[Callable[[str], Any], Any]:
    import weaviate
    from weaviate.classes.query import MetadataQuery

    from ragweave.chains.weaviate_schema import CHUNK_PROPERTIES, VECTOR_NAME
    from ragweave.chains.weaviate_url import parse_weaviate_url

    parsed = parse_weaviate_url(url)
    address = parsed.address
    assert address is not None
    client = weaviate.connect_to_local(
        host=address.host, port=address.port, grpc_port=address.grpc_port, skip_init_checks=True
    )
    collection = client.collections.get(parsed.collection)
    properties = list(CHUNK_PROPERTIES)

    def calls(query: str) -> None:
        tokens = query_tokens(query, ["english"])
        collection.query.bm25(
            " ".join(tokens),
            limit=LEG_LIMIT,
            return_properties=properties,
            return_metadata=MetadataQuery(score=True),
        )
        collection.query.near_vector(
            encoder.ready[query].tolist(),
            target_vector=VECTOR_NAME,
            limit=LEG_LIMIT,
            return_properties=properties,
            return_metadata=MetadataQuery(distance=True),
        )

    return calls, client


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--weaviate", metavar="URL", help="weaviate://HOST:PORT?grpc=PORT of a running server"
    )
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    encoder = ReadyVectors()
    dice, random_ = random.Random(2), np.random.default_rng(2)
    encoder.ready = {words(dice, 8): unit(random_) for _ in range(QUERIES)}
    with tempfile.TemporaryDirectory() as folder:
        with KnowledgeBase.open(folder, embeddings=encoder) as kb:
            fill(kb)
            print(f"SQLite, {PASSAGES} passages; the baseline is its two legs, one after the other")
            compare(kb, encoder, sqlite_legs(kb, encoder), arguments.rounds)
    if arguments.weaviate:
        url = f"{arguments.weaviate}&collection=Benchmark{int(time.time())}"
        with KnowledgeBase.open(url, embeddings=encoder) as kb:
            fill(kb)
            print(f"Weaviate, {PASSAGES} passages; the baseline is the bare client's two calls")
            calls, client = bare_client(kb, encoder, url)
            compare(kb, encoder, calls, arguments.rounds)
            client.close()
            kb.delete([info.source for info in kb.sources()])


if __name__ == "__main__":
    main()
