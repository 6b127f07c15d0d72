"""From a URL to where a Weaviate server is: the three forms, checked before anything is opened.

Knows no client and no network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from .errors import ChainError

__all__ = ["DEFAULT_VERSION", "EmbeddedPlace", "ServerAddress", "WeaviateURL", "parse_weaviate_url"]

DEFAULT_COLLECTION = "Ragweave"
DEFAULT_VERSION = "1.39.0"
CLOUD_DOMAINS = (".weaviate.cloud", ".weaviate.network", ".weaviate.io", ".wcs.api.weaviate.io")
FORMS = (
    "weaviate://host:8080?grpc=50051&collection=Docs, weaviates://cluster.example?collection=Docs or "
    "weaviate+embedded:///data/folder?binary=/path/weaviate-server&port=8079&grpc=50050&collection=Docs"
)
QUERY_KEYS = {
    "weaviate": ("collection", "grpc"),
    "weaviates": ("collection", "grpc"),
    "weaviate+embedded": ("binary", "collection", "grpc", "port", "version"),
}
# One character less than Weaviate's own limit for each of our companion's suffix "Sources".
COLLECTION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,199}")


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where REST and gRPC of one server listen."""

    host: str
    port: int
    grpc_host: str
    grpc_port: int
    secure: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class EmbeddedPlace:
    """A server started on this machine: its folder, binary ("": look for one) and ports (0: any free one)."""

    folder: Path
    binary: str
    version: str
    port: int
    grpc_port: int


@dataclass(frozen=True, slots=True)
class WeaviateURL:
    """A parsed URL: the collection, and either a server's address or a place to start one."""

    collection: str
    address: ServerAddress | None
    embedded: EmbeddedPlace | None


def parse_weaviate_url(url: str) -> WeaviateURL:
    """Read a Weaviate URL of one of the three forms.

    Raises:
        ChainError: The URL is malformed, names an unknown option or an impossible collection.

    >>> parse_weaviate_url("weaviate://db:8080?grpc=50051&collection=docs").collection
    'Docs'
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _malformed(url, str(error)) from error
    if parts.scheme not in QUERY_KEYS:
        raise _malformed(url, f"the scheme is {parts.scheme!r}")
    if parts.fragment or parts.username or parts.password:
        raise _malformed(url, "it holds a fragment or credentials; a key is given as api_key")
    options = _options(url, parts)
    collection = _collection(options.get("collection", DEFAULT_COLLECTION))
    if parts.scheme == "weaviate+embedded":
        return WeaviateURL(collection, None, _embedded(url, parts, options))
    if not parts.hostname or parts.path not in ("", "/"):
        raise _malformed(url, "it needs a host and no path")
    secure = parts.scheme == "weaviates"
    grpc_host, grpc_port = _grpc(url, options.get("grpc"), parts.hostname, secure)
    address = ServerAddress(parts.hostname, port or (443 if secure else 8080), grpc_host, grpc_port, secure)
    if (address.host, address.port) == (grpc_host, grpc_port):
        raise _malformed(url, f"REST and gRPC are both at {address}")
    return WeaviateURL(collection, address, None)


def _malformed(url: str, why: str) -> ChainError:
    return ChainError(f"Not a Weaviate URL: {url!r}: {why}.", remedy=f"Write it as {FORMS}.")


def _options(url: str, parts: SplitResult) -> dict[str, str]:
    known = QUERY_KEYS[parts.scheme]
    options: dict[str, str] = {}
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key not in known:
            close = get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            raise ChainError(
                f"Unknown option {key!r} in {url!r}.", remedy=f"{hint}Options are: {', '.join(known)}."
            )
        if key in options or not value:
            raise _malformed(url, f"the option {key!r} is empty or given twice")
        options[key] = value
    return options


def _collection(name: str) -> str:
    if not COLLECTION_NAME.fullmatch(name):
        raise ChainError(
            f"Not a collection name: {name!r}.",
            remedy="Use letters, digits and _, beginning with a letter, at most 200 of them.",
        )
    return name[0].upper() + name[1:]  # as Weaviate itself does


def _grpc(url: str, given: str | None, host: str, secure: bool) -> tuple[str, int]:
    if given is None:
        if secure and host.endswith(CLOUD_DOMAINS):
            return f"grpc-{host}", 443
        return host, 50051
    name, _, number = given.rpartition(":")
    return name or host, _port(url, "grpc", number)


def _port(url: str, key: str, given: str) -> int:
    if not given.isascii() or not given.isdigit() or not 0 < int(given) < 65536:
        raise _malformed(url, f"{key}={given!r} is no port")
    return int(given)


def _embedded(url: str, parts: SplitResult, options: dict[str, str]) -> EmbeddedPlace:
    if parts.netloc or parts.path in ("", "/"):
        raise _malformed(url, "it needs a folder after three slashes")
    version = options.get("version", DEFAULT_VERSION).removeprefix("v")
    if not re.fullmatch(r"\d+\.\d+\.\d+(-[a-z0-9.]+)?", version):
        raise _malformed(url, f"version={version!r} is none")
    return EmbeddedPlace(
        folder=Path(unquote(parts.path)),
        binary=options.get("binary", ""),
        version=version,
        port=_port(url, "port", options["port"]) if "port" in options else 0,
        grpc_port=_port(url, "grpc", options["grpc"]) if "grpc" in options else 0,
    )
