"""A model that runs takes up what others do to its registry; what its own user did comes first."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ragweave.adapters.adapter_files import content_hash
from ragweave.adapters.adapter_sources import (
    FolderSource,
    Follower,
    RegistrySource,
    folder_version,
    open_source,
)
from ragweave.adapters.base_description import BaseDescription, describe_base
from ragweave.adapters.errors import UnknownAdapter, UnsafeAdapter
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
def follower(registry: AdapterRegistry, store: SlotStore, base: BaseDescription) -> Follower:
    follower = Follower(RegistrySource(registry, lambda: base), store)
    follower.refresh()
    return follower


def _versions(store: SlotStore) -> dict[str, str]:
    return {info.name: info.version for info in store.list()}


def test_new_names_and_versions_are_taken_up(
    follower: Follower, registry: AdapterRegistry, store: SlotStore, made: dict[str, Path]
) -> None:
    registry.add(made["b"], "support")
    registry.add(made["c"], "legal")

    follower.refresh()

    assert _versions(store) == {"legal": "1", "support": "2"}


def test_a_look_is_spared_that_was_taken_just_now(
    follower: Follower, registry: AdapterRegistry, store: SlotStore, made: dict[str, Path]
) -> None:
    registry.add(made["c"], "legal")

    follower.refresh(at_most_every=60)

    assert _versions(store) == {"support": "1"}


def test_a_name_that_was_removed_goes(
    follower: Follower, registry: AdapterRegistry, store: SlotStore
) -> None:
    registry.remove("support")

    follower.refresh()

    with pytest.raises(UnknownAdapter):
        store.find("support")


def test_an_unloaded_name_stays_away_until_there_is_a_newer_version(
    follower: Follower, registry: AdapterRegistry, store: SlotStore, made: dict[str, Path]
) -> None:
    store.remove("support")

    follower.refresh()
    after_unloading = _versions(store)
    registry.add(made["b"], "support")
    follower.refresh()

    assert after_unloading == {}
    assert _versions(store) == {"support": "2"}


def test_a_name_of_the_callers_own_is_not_followed(
    follower: Follower,
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
    follower: Follower, registry: AdapterRegistry, store: SlotStore, made: dict[str, Path]
) -> None:
    registry.add(made["b"], "support")
    follower.refresh()

    follower.take("support", "1")
    follower.take("support", "7")

    assert store.find("support", "1").info.version == "1"
    assert store.find("support").info.version == "2"
    with pytest.raises(UnknownAdapter):
        store.find("support", "7")


def test_a_folder_of_folders_is_read_when_it_is_asked_for(
    tmp_path: Path, store: SlotStore, made: dict[str, Path], base: BaseDescription
) -> None:
    follower = Follower(open_source(tmp_path, lambda: base), store)
    follower.refresh()
    at_first = _versions(store)

    shutil.copytree(made["a"], tmp_path / "support")
    follower.refresh()
    came = _versions(store)
    shutil.copytree(made["b"], tmp_path / "support", dirs_exist_ok=True)
    follower.refresh()

    assert at_first == {}
    assert came == {"support": content_hash(made["a"])}
    assert _versions(store) == {"support": content_hash(made["b"])}
    assert store.list()[0].state == "disk"


def test_one_bad_folder_stops_none_of_the_others_and_says_why(
    tmp_path: Path, store: SlotStore, made: dict[str, Path], base: BaseDescription
) -> None:
    for name in ("good", "bad", "b.c"):
        shutil.copytree(made["a"], tmp_path / name)
    (tmp_path / "bad" / "adapter_model.safetensors").write_bytes(b"nothing")
    follower = Follower(FolderSource(tmp_path, lambda: base), store)

    follower.refresh()
    store.bring(store.hold("good"))

    assert set(_versions(store)) == {"bad", "good"}
    with pytest.raises(UnsafeAdapter, match="bad"):
        store.bring(store.hold("bad"))


def test_files_that_are_being_written_over_leave_the_version_before(
    tmp_path: Path, store: SlotStore, made: dict[str, Path], base: BaseDescription
) -> None:
    shutil.copytree(made["a"], tmp_path / "support")
    follower = Follower(FolderSource(tmp_path, lambda: base), store)
    follower.refresh()
    half = (made["b"] / "adapter_model.safetensors").read_bytes()[:-100]

    (tmp_path / "support" / "adapter_model.safetensors").write_bytes(half)
    follower.refresh()
    meanwhile = _versions(store)
    shutil.copytree(made["b"], tmp_path / "support", dirs_exist_ok=True)
    follower.refresh()

    assert meanwhile == {"support": content_hash(made["a"])}
    assert _versions(store) == {"support": content_hash(made["b"])}
