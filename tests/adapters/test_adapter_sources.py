"""A model that runs takes up what others do to its registry; what its own user did comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragweave.adapters.adapter_sources import RegistryFollower, folder_version
from ragweave.adapters.base_description import BaseDescription, describe_base
from ragweave.adapters.errors import UnknownAdapter
from ragweave.adapters.registry import AdapterRegistry
from ragweave.adapters.slot_pool import SlotPool
from ragweave.adapters.slot_store import SlotStore

from .models import make_adapter, tiny_base


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("sources")
    base = tiny_base(root / "base")
    return {"base": base} | {name: make_adapter(base, root / name, seed=ord(name)) for name in "abc"}


@pytest.fixture(scope="module")
def base(made: dict[str, Path]) -> BaseDescription:
    return describe_base(made["base"])


@pytest.fixture
def registry(tmp_path: Path, made: dict[str, Path], base: BaseDescription) -> AdapterRegistry:
    registry = AdapterRegistry(tmp_path / "registry")
    registry.add(made["a"], "support", base=base)
    return registry


@pytest.fixture
def store() -> SlotStore:
    return SlotStore(SlotPool(2))


@pytest.fixture
def follower(registry: AdapterRegistry, store: SlotStore, base: BaseDescription) -> RegistryFollower:
    follower = RegistryFollower(registry, store, lambda: base)
    follower.refresh()
    return follower


def _versions(store: SlotStore) -> dict[str, str]:
    return {info.name: info.version for info in store.list()}


def test_new_names_and_versions_are_taken_up(
    follower: RegistryFollower, registry: AdapterRegistry, store: SlotStore, made: dict[str, Path]
) -> None:
    registry.add(made["b"], "support")
    registry.add(made["c"], "legal")

    follower.refresh()

    assert _versions(store) == {"legal": "1", "support": "2"}


def test_a_look_is_spared_that_was_taken_just_now(
    follower: RegistryFollower, registry: AdapterRegistry, store: SlotStore, made: dict[str, Path]
) -> None:
    registry.add(made["c"], "legal")

    follower.refresh(at_most_every=60)

    assert _versions(store) == {"support": "1"}


def test_a_name_that_was_removed_goes(
    follower: RegistryFollower, registry: AdapterRegistry, store: SlotStore
) -> None:
    registry.remove("support")

    follower.refresh()

    with pytest.raises(UnknownAdapter):
        store.find("support")


def test_an_unloaded_name_stays_away_until_there_is_a_newer_version(
    follower: RegistryFollower, registry: AdapterRegistry, store: SlotStore, made: dict[str, Path]
) -> None:
    store.remove("support")

    follower.refresh()
    after_unloading = _versions(store)
    registry.add(made["b"], "support")
    follower.refresh()

    assert after_unloading == {}
    assert _versions(store) == {"support": "2"}


def test_a_name_of_the_callers_own_is_not_followed(
    follower: RegistryFollower,
    registry: AdapterRegistry,
    store: SlotStore,
    made: dict[str, Path],
    base: BaseDescription,
) -> None:
    own = folder_version("support", made["c"], base, description="Mine.")
    follower.leave("support")
    store.add(own)

    registry.add(made["b"], "support")
    follower.refresh()

    assert store.find("support") is own


def test_an_older_version_is_had_by_its_number_and_stays_beside_the_newest(
    follower: RegistryFollower, registry: AdapterRegistry, store: SlotStore, made: dict[str, Path]
) -> None:
    registry.add(made["b"], "support")
    follower.refresh()

    follower.take("support", "1")
    follower.take("support", "7")

    assert store.find("support", "1").info.version == "1"
    assert store.find("support").info.version == "2"
    with pytest.raises(UnknownAdapter):
        store.find("support", "7")
