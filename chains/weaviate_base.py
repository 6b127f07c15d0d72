"""The two collections of a knowledge base on Weaviate: found, checked, made, and widened.

Passages are in `<Collection>`, ledger and leases in `<Collection>Sources`; with a tenant, both are
multi-tenant. Knows what the collections must look like, and nothing of passages.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import ChainError, StoreMismatch
from .records import EmbedderIdentity
from .weaviate_connection import MissingCollection, WeaviateConnection
from .weaviate_schema import (
    VECTOR_NAME,
    describe,
    has_dates,
    index_schema,
    passage_schema,
    read_description,
    source_schema,
    tenant_name,
)

if TYPE_CHECKING:
    from weaviate import WeaviateClient

__all__ = ["WeaviateBase"]

T = TypeVar("T")
DECAY_VERSION = (1, 38)  # an older server ignores a decay without a word


class WeaviateBase:
    """Access to the passages and to the sources of one tenant, once the collections are found to be ours."""

    def __init__(self, connection: WeaviateConnection, collection: str, tenant: str | None) -> None:
        self.collection = collection
        self._connection = connection
        self._tenant = tenant
        self._lock = threading.RLock()
        self._identity: EmbedderIdentity | None = None  # known once the base was found
        self._known: frozenset[str] = frozenset()
        self._dated = False  # whether every passage has its date as a date
        self._version = ""  # the server's, known once it was asked for

    @property
    def sources_collection(self) -> str:
        """The name of the companion collection."""
        return f"{self.collection}Sources"

    def found(self) -> bool:
        """Whether the base is there; asks the server until it was."""
        with self._lock:
            return self._identity is not None or self._look()

    def bind(self, identity: EmbedderIdentity) -> None:
        """Make what is missing; raise `StoreMismatch` if another encoder built it."""
        with self._lock:
            if not self.found():
                self._create(identity)
                if not self._look():
                    raise ChainError(
                        f"The collection {self.collection!r} is gone right after it was made.",
                        remedy="Check whether something else deletes collections on this server.",
                    )
            self._compare(self._identity, identity)

    def read(self, call: Callable[[Any, Any], T], default: T) -> T:
        """What a call on the passages and the sources gives; `default` where the base is not there."""
        if not self.found():
            return default
        try:
            return self._connection.run(lambda client: call(*self._handles(client)))
        except MissingCollection:
            self._forget()  # deleted by another process
            return default

    def write(self, call: Callable[[Any, Any], T]) -> T:
        """The same for a call that needs the base to be there."""
        self._require()
        try:
            return self._connection.run(lambda client: call(*self._handles(client)))
        except MissingCollection:
            self._forget()
            raise

    def decays(self) -> bool:
        """Whether the server can count a passage's age: it is new enough, and every passage has a date."""
        if not self.found() or not self._dated:
            return False
        self._version = self._version or self._connection.run(
            lambda client: str(client.get_meta()["version"])
        )
        return _at_least(self._version, DECAY_VERSION)

    def _require(self) -> None:
        if not self.found():
            raise ChainError(
                f"The collection {self.collection!r} is not there yet.", remedy="Call bind() first."
            )

    def known(self, names: Collection[str]) -> frozenset[str]:
        """The schema's properties; read anew where one of `names` is not among those known so far."""
        with self._lock:
            if not self._known.issuperset(names):
                self._look()
            return self._known

    def add_properties(self, names: Collection[str]) -> None:
        """Add the index properties that the schema lacks; another host may do the same at the same time."""
        self._require()
        with self._lock:
            if self._known.issuperset(names):
                return
            for name in sorted(set(names) - self.known(names)):
                self._connection.run(partial(self._add_property, name=name))
            self._look()

    def _add_property(self, client: WeaviateClient, name: str) -> None:
        from weaviate import exceptions

        config = client.collections.use(self.collection).config
        try:
            config.add_property(index_schema(name))
        except (exceptions.WeaviateInvalidInputError, exceptions.UnexpectedStatusCodeError):
            # Another host was first; the words of that refusal depend on where the two met.
            if name not in {one.name for one in config.get().properties}:
                raise

    def _handles(self, client: WeaviateClient) -> tuple[Any, Any]:
        passages: Any = client.collections.use(self.collection)
        sources: Any = client.collections.use(self.sources_collection)
        if self._tenant is None:
            return passages, sources
        name = tenant_name(self._tenant)
        return passages.with_tenant(name), sources.with_tenant(name)

    def _forget(self) -> None:
        with self._lock:
            self._identity, self._known, self._dated = None, frozenset(), False

    def _look(self) -> bool:
        """Read the schema from the server and check that it is ours and of this tenancy."""
        try:
            passages = self._checked(self.collection)
            identity = read_description(self.collection, passages.description)
            self._checked(self.sources_collection)
        except MissingCollection:
            self._forget()
            return False
        if self._tenant is not None and not self._has_tenant():
            self._forget()
            return False
        self._identity = identity
        self._dated = has_dates(passages.description)
        self._known = frozenset(prop.name for prop in passages.properties)
        return True

    def _checked(self, name: str) -> Any:
        """A collection's configuration; `StoreMismatch` if it is not ours or of another tenancy."""
        config = self._connection.run(lambda client: client.collections.use(name).config.get())
        read_description(name, config.description)
        self._check_tenancy(config.multi_tenancy_config.enabled)
        return config

    def _compare(self, built: EmbedderIdentity | None, given: EmbedderIdentity) -> None:
        if built != given:
            raise StoreMismatch(
                f"{self.collection!r} was built with {built}, not with {given}.",
                remedy="Open it with the encoder that built it, or ingest into a new collection.",
            )

    def _check_tenancy(self, multi_tenant: bool) -> None:
        if multi_tenant and self._tenant is None:
            raise StoreMismatch(
                f"{self.collection!r} was built with tenants, and no tenant is given.",
                remedy="Open it with tenant=..., or choose another collection.",
            )
        if not multi_tenant and self._tenant is not None:
            raise StoreMismatch(
                f"{self.collection!r} was built without tenants, and the tenant {self._tenant!r} is given.",
                remedy="Open it without a tenant, or choose another collection.",
            )

    def _has_tenant(self) -> bool:
        name = tenant_name(self._tenant or "")

        def has(client: WeaviateClient) -> bool:
            both = (self.collection, self.sources_collection)
            return all(client.collections.use(one).tenants.exists(name) for one in both)

        return self._connection.run(has)

    def _create(self, identity: EmbedderIdentity) -> None:
        # The companion first: where the passages' collection is, the base is whole.
        for name in (self.sources_collection, self.collection):
            try:
                config = self._checked(name)
            except MissingCollection:
                self._connection.run(partial(self._create_one, name=name, identity=identity))
                config = self._checked(name)  # another host may have been first
            self._compare(read_description(name, config.description), identity)
        if self._tenant is not None:
            self._connection.run(self._create_tenant)

    def _create_one(self, client: WeaviateClient, *, name: str, identity: EmbedderIdentity) -> None:
        from weaviate import exceptions
        from weaviate.classes.config import Configure, StopwordsPreset, VectorDistances

        index = Configure.VectorIndex.hnsw(
            distance_metric=VectorDistances.COSINE, quantizer=Configure.VectorIndex.Quantizer.none()
        )
        passages = name == self.collection
        try:
            client.collections.create(
                name,
                description=describe(identity),
                properties=passage_schema() if passages else source_schema(),
                vector_config=Configure.Vectors.self_provided(name=VECTOR_NAME, vector_index_config=index),
                inverted_index_config=Configure.inverted_index(
                    bm25_b=0.75, bm25_k1=1.2, stopwords_preset=StopwordsPreset.NONE
                ),
                multi_tenancy_config=Configure.multi_tenancy(enabled=self._tenant is not None),
            )
        except exceptions.UnexpectedStatusCodeError:
            if not client.collections.exists(name):  # another host was first
                raise

    def _create_tenant(self, client: WeaviateClient) -> None:
        from weaviate.classes.tenants import Tenant

        tenant = Tenant(name=tenant_name(self._tenant or ""))
        for name in (self.sources_collection, self.collection):
            client.collections.use(name).tenants.create([tenant])


def _at_least(version: str, wanted: tuple[int, ...]) -> bool:
    """Whether a version such as "1.39.0-rc.1" is so new."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) >= wanted
