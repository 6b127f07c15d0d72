"""What Weaviate keeps for a knowledge base: two collections, their properties, and passages as objects.

Knows no connection. The description of the passages' collection names the schema and the encoder, so that
every host reads the same truth in one call.
"""

from __future__ import annotations

import base64
import json
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from .dates import read_date
from .errors import IngestError, StoreMismatch
from .filters import OWN_FIELDS
from .records import NAMESPACE, SEPARATOR, Chunk, EmbedderIdentity, SourceRecord, Vector
from .store import SCHEMA_VERSION
from .weaviate_filters import index_properties, index_property

if TYPE_CHECKING:
    from weaviate.classes.config import Property

__all__ = [
    "CHUNK_PROPERTIES",
    "RECORD_PROPERTIES",
    "RUN",
    "STATE_ID",
    "UPDATED",
    "VECTOR_NAME",
    "chunk_from",
    "chunk_properties",
    "describe",
    "has_dates",
    "index_schema",
    "passage_schema",
    "read_description",
    "record_from",
    "record_properties",
    "source_schema",
    "source_uuid",
    "tenant_name",
    "unpack_text",
    "vector_of",
]

VECTOR_NAME = "dense"
UPDATED = "f_updated_at_d"  # `updated_at` as a date, for the server's time decay: others are text
RUN = "run"  # token of the `replace` that wrote a passage: what else its source has is old
CHUNK_TEXTS = ("text", "title", "heading", "source", "updated_at", "language", "metadata")
CHUNK_NUMBERS = ("chunk", "start", "end", "page")
CHUNK_PROPERTIES = (*CHUNK_TEXTS, *CHUNK_NUMBERS, "tokens", "hash")
RECORD_PROPERTIES = ("kind", "name", "record")
SOURCE_TEXTS = ("kind", "name", "record", "text", "token", "holder")
STATE_ID = str(uuid.uuid5(NAMESPACE, SEPARATOR.join(("weaviate", "state"))))


def source_uuid(kind: str, source: str) -> str:
    """The id of a source's ledger line (`kind` "source") or of its lease (`kind` "lease")."""
    return str(uuid.uuid5(NAMESPACE, SEPARATOR.join(("weaviate", kind, source))))


def tenant_name(tenant: str) -> str:
    """A tenant's name as Weaviate takes it; names it would refuse are hashed.

    >>> tenant_name("acme"), len(tenant_name("Ä & B"))
    ('acme', 63)
    """
    plain = tenant.isascii() and tenant.replace("-", "").replace("_", "").isalnum() and len(tenant) <= 64
    if plain and not tenant.startswith("_h_"):
        return tenant
    return "_h_" + uuid.uuid5(NAMESPACE, tenant).hex + uuid.uuid5(uuid.NAMESPACE_URL, tenant).hex[:28]


def describe(identity: EmbedderIdentity) -> str:
    """The description of the passages' collection."""
    return json.dumps(
        {"made_by": "ragweave", "schema": SCHEMA_VERSION, "dates": True, "embedder": asdict(identity)},
        sort_keys=True,
    )


def has_dates(description: str) -> bool:
    """Whether every passage of a collection of ours has `UPDATED`: those made earlier lack it."""
    return bool(json.loads(description).get("dates"))


def read_description(collection: str, description: str | None) -> EmbedderIdentity:
    """The encoder that a collection was built with; `StoreMismatch` if it is not ours or too old."""
    foreign = StoreMismatch(
        f"The collection {collection!r} was not made by Ragweave, and is left as it is.",
        remedy="Choose another name with collection=... in the URL.",
    )
    try:
        said = json.loads(description or "")
    except ValueError as error:
        raise foreign from error
    if not isinstance(said, dict) or said.get("made_by") != "ragweave":
        raise foreign
    if said.get("schema") != SCHEMA_VERSION:
        raise StoreMismatch(
            f"The collection {collection!r} has schema {said.get('schema')}, not {SCHEMA_VERSION}.",
            remedy="Ingest into a new collection, or use the Ragweave version that made it.",
        )
    return EmbedderIdentity(**said["embedder"])


def passage_schema() -> list[Property]:
    """Properties of the passages' collection: `tokens` is searched, index properties are filtered."""
    from weaviate.classes.config import DataType, Property, Tokenization

    numbers = [Property(name=name, data_type=DataType.INT, index_filterable=False) for name in CHUNK_NUMBERS]
    tokens = Property(
        name="tokens",
        data_type=DataType.TEXT,
        tokenization=Tokenization.WHITESPACE,
        index_filterable=False,
        index_searchable=True,
    )
    indexed = [index_property(name, "text") for name in ("source", "title", "heading", "updated_at")]
    indexed += [index_property(name, "number") for name in CHUNK_NUMBERS]
    return [
        *(_text(name) for name in CHUNK_TEXTS),
        *numbers,
        tokens,
        *(_text(name, filterable=True) for name in ("hash", RUN)),
        *(index_schema(name) for name in (*indexed, UPDATED)),
    ]


def source_schema() -> list[Property]:
    """Properties of the companion collection: ledger lines, leases and the change stamp."""
    return [_text(name, filterable=name in ("name", "token")) for name in SOURCE_TEXTS]


def _text(name: str, *, filterable: bool = False) -> Property:
    from weaviate.classes.config import DataType, Property, Tokenization

    return Property(
        name=name,
        data_type=DataType.TEXT,
        tokenization=Tokenization.FIELD,
        index_filterable=filterable,
        index_searchable=False,
    )


def index_schema(name: str) -> Property:
    """An index property: a list of order keys, or a date."""
    from weaviate.classes.config import DataType, Property, Tokenization

    if name == UPDATED:
        return Property(name=name, data_type=DataType.DATE, index_filterable=True)
    return Property(
        name=name,
        data_type=DataType.TEXT_ARRAY,
        tokenization=Tokenization.FIELD,
        index_filterable=True,
        index_searchable=False,
    )


def _filtered_fields(chunk: Chunk) -> dict[str, Any]:
    """The passage's fields as a filter sees them: the caller's, and Ragweave's own, which win."""
    fields: dict[str, Any] = {key: value for key, value in chunk.metadata.items() if key not in OWN_FIELDS}
    fields |= {
        "source": chunk.source,
        "title": chunk.title,
        "chunk": chunk.position,
        "start": chunk.start,
        "end": chunk.end,
        "updated_at": chunk.updated_at,
        "heading": chunk.heading,
    }
    if chunk.page is not None:
        fields["page"] = chunk.page
    return fields


def chunk_properties(chunk: Chunk, run: str) -> dict[str, Any]:
    """A passage as properties; raises `IngestError` for metadata that JSON does not hold."""
    try:
        metadata = json.dumps(dict(chunk.metadata), ensure_ascii=True)
    except (TypeError, ValueError) as error:
        raise IngestError(
            f"The metadata of {chunk.source!r} cannot be stored: {error}.",
            remedy="Use text, numbers, true or false, None, lists and dicts.",
        ) from error
    properties: dict[str, Any] = {
        "text": chunk.text,
        "title": chunk.title,
        "heading": chunk.heading,
        "source": chunk.source,
        "updated_at": chunk.updated_at,
        "language": chunk.language,
        "metadata": metadata,
        "chunk": chunk.position,
        "start": chunk.start,
        "end": chunk.end,
        "tokens": chunk.tokens,
        "hash": chunk.hash,
        RUN: run,
        **index_properties(_filtered_fields(chunk)),
    }
    if chunk.page is not None:
        properties["page"] = chunk.page
    if (updated := read_date(chunk.updated_at)) is not None:
        properties[UPDATED] = updated
    return properties


def chunk_from(identifier: object, properties: Mapping[str, Any], vector: Vector | None = None) -> Chunk:
    """The passage that `chunk_properties` made the object of."""
    page = properties.get("page")
    return Chunk(
        id=str(identifier),
        source=properties["source"],
        title=properties["title"],
        position=int(properties["chunk"]),
        start=int(properties["start"]),
        end=int(properties["end"]),
        text=properties["text"],
        heading=properties["heading"],
        page=None if page is None else int(page),
        updated_at=properties["updated_at"],
        language=properties["language"],
        tokens=properties["tokens"],
        hash=properties["hash"],
        metadata=json.loads(properties["metadata"]),
        vector=vector,
    )


def vector_of(vectors: Mapping[str, Any]) -> Vector | None:
    """The passage's vector out of what the client gives."""
    given = vectors.get(VECTOR_NAME)
    return None if given is None else np.asarray(given, dtype=np.float32)


def record_properties(record: SourceRecord, text: str) -> dict[str, Any]:
    """A ledger line with the extracted text, compressed."""
    packed = base64.b64encode(zlib.compress(text.encode("utf-8", "surrogatepass"), 6)).decode("ascii")
    return {"kind": "source", "name": record.source, "record": json.dumps(asdict(record)), "text": packed}


def record_from(properties: Mapping[str, Any]) -> SourceRecord:
    """The ledger line that `record_properties` made the object of."""
    said = json.loads(properties["record"])
    for name in ("chunk_ids", "languages", "fields"):
        said[name] = tuple(said[name])
    return SourceRecord(**said)


def unpack_text(packed: str) -> str:
    """The extracted text of a ledger line."""
    return zlib.decompress(base64.b64decode(packed)).decode("utf-8", "surrogatepass")
