from __future__ import annotations

from pathlib import Path

import pytest

from ragweave.chains.errors import ChainError
from ragweave.chains.weaviate_store import WeaviateStore
from ragweave.chains.weaviate_url import EmbeddedPlace, ServerAddress, WeaviateURL, parse_weaviate_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("weaviate://db", WeaviateURL("Ragweave", ServerAddress("db", 8080, "db", 50051), None)),
        (
            "weaviate://db:81?grpc=52&collection=docs_1",
            WeaviateURL("Docs_1", ServerAddress("db", 81, "db", 52), None),
        ),
        (
            "weaviate://db:81/?grpc=other:52",
            WeaviateURL("Ragweave", ServerAddress("db", 81, "other", 52), None),
        ),
        (
            "weaviates://cluster.example?grpc=443g".replace("443g", "grpc.example:443"),
            WeaviateURL("Ragweave", ServerAddress("cluster.example", 443, "grpc.example", 443, True), None),
        ),
        (
            "weaviates://x1.c0.europe.gcp.weaviate.cloud?collection=Docs",
            WeaviateURL(
                "Docs",
                ServerAddress(
                    "x1.c0.europe.gcp.weaviate.cloud", 443, "grpc-x1.c0.europe.gcp.weaviate.cloud", 443, True
                ),
                None,
            ),
        ),
        (
            "weaviate+embedded:///data/my%20folder",
            WeaviateURL("Ragweave", None, EmbeddedPlace(Path("/data/my folder"), "", "1.39.0", 0, 0)),
        ),
        (
            "weaviate+embedded:///d?binary=/b/server&version=v1.40.2&port=8079&grpc=50050&collection=Docs",
            WeaviateURL("Docs", None, EmbeddedPlace(Path("/d"), "/b/server", "1.40.2", 8079, 50050)),
        ),
    ],
)
def test_the_three_forms_are_read(url: str, expected: WeaviateURL) -> None:
    assert parse_weaviate_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "weaviate://",
        "weaviate:///path",
        "weaviate://db:port",
        "weaviate://db:99999",
        "weaviate://db/path",
        "weaviate://user:secret@db",
        "weaviate://db#part",
        "weaviate://db?grpc=",
        "weaviate://db?grpc=host",
        "weaviate://db?grpc=host:0",
        "weaviate://db?grpc=1&grpc=2",
        "weaviate://db:50051?grpc=50051",
        "weaviate://[db",
        "http://db",
        "weaviate+embedded://data/folder",
        "weaviate+embedded:///",
        "weaviate+embedded:///d?version=latest",
        "weaviate+embedded:///d?port=x",
    ],
)
def test_a_malformed_url_is_told_with_the_forms(url: str) -> None:
    with pytest.raises(ChainError, match="Not a Weaviate URL.*Write it as weaviate://host:8080"):
        WeaviateStore(url)


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(ChainError, match="'colection'.*Did you mean 'collection'"):
        WeaviateStore("weaviate://db?colection=Docs")


def test_an_option_of_another_form_is_unknown() -> None:
    with pytest.raises(ChainError, match="'binary'.*Options are: collection, grpc"):
        WeaviateStore("weaviate://db?binary=/b")


@pytest.mark.parametrize("name", ["1Docs", "my docs", "Döcs", "a-b", "a" * 201])
def test_a_collection_that_weaviate_would_refuse_is_told(name: str) -> None:
    with pytest.raises(ChainError, match="collection name.*letters"):
        WeaviateStore(f"weaviate://db?collection={name}")
