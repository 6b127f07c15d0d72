"""The registry: immutable versions, checked once, whole whatever happens to its writers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ragweave.adapters.adapter_config import CONFIG, WEIGHTS
from ragweave.adapters.base_model import BaseDescription, describe_base
from ragweave.adapters.errors import AdapterError, AdapterMismatch, UnknownAdapter, UnsafeAdapter
from ragweave.adapters.registry import AdapterRegistry, open_adapters

from .models import make_adapter, tiny_base

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def registry(tmp_path: Path) -> AdapterRegistry:
    return AdapterRegistry(tmp_path / "registry")


@pytest.fixture(scope="module")
def described(base: Path) -> BaseDescription:
    return describe_base(base)


@pytest.fixture(scope="module")
def stray(base: Path, adapters: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that names no base at hand, which spares the tests a look at it."""
    folder = Path(shutil.copytree(adapters / "legal", tmp_path_factory.mktemp("stray") / "legal"))
    config = json.loads((folder / CONFIG).read_text()) | {"base_model_name_or_path": "owner/model"}
    (folder / CONFIG).write_text(json.dumps(config))
    return folder


def test_versions_count_from_one_and_the_newest_is_the_default(
    registry: AdapterRegistry, stray: Path, adapters: Path, described: BaseDescription
) -> None:
    first = registry.add(stray, "support", "First try.")
    second = registry.add(adapters / "support", "support", "More data.", base=described)

    assert (first.version, second.version) == ("1", "2")
    assert [info.description for info in registry.versions("support")] == ["First try.", "More data."]
    assert registry.get("support") == second == registry.list()[0]
    assert registry.get("support", 1) == first == registry.get("support", "1")
    assert (second.rank, second.targets, second.state) == (16, ("down_proj", "up_proj"), "registered")
    assert Path(second.path) == registry.folder / "support" / "2"


def test_a_version_is_a_folder_that_peft_reads(
    registry: AdapterRegistry, adapters: Path, described: BaseDescription
) -> None:
    info = registry.add(adapters / "legal", "legal", base=described)

    for name in (CONFIG, WEIGHTS):
        assert (Path(info.path) / name).read_bytes() == (adapters / "legal" / name).read_bytes()


def test_the_manifest_tells_what_was_checked(
    registry: AdapterRegistry, adapters: Path, described: BaseDescription
) -> None:
    registry.add(
        adapters / "legal-v2", "legal", base=described, data_hash="abc", metrics={"loss": 0.5, "accuracy": 1}
    )

    manifest = registry.manifest("legal", 1)
    assert (manifest["name"], manifest["version"], manifest["rank"]) == ("legal", 1, 4)
    assert manifest["base_model"] == "tiny"
    assert manifest["base_fingerprint"] == described.fingerprint
    assert manifest["template_hash"] == described.template_hash
    assert manifest["places"] == {"ragweave": "", "vllm": "", "sglang": ""}
    assert (manifest["data_hash"], manifest["metrics"]) == ("abc", {"loss": 0.5, "accuracy": 1})
    assert manifest["files"][WEIGHTS]["size"] == (adapters / "legal-v2" / WEIGHTS).stat().st_size
    assert len(manifest["files"][CONFIG]["sha256"]) == 64
    assert manifest["created_at"].endswith("+00:00")


def test_the_base_that_the_adapter_names_is_looked_at(
    registry: AdapterRegistry, adapters: Path, described: BaseDescription
) -> None:
    registry.add(adapters / "legal", "legal")

    assert registry.manifest("legal")["base_fingerprint"] == described.fingerprint


def test_without_a_base_the_fingerprint_stays_open(registry: AdapterRegistry, stray: Path) -> None:
    registry.add(stray, "legal")

    manifest = registry.manifest("legal")
    assert (manifest["base_model"], manifest["base_fingerprint"]) == ("owner/model", None)


def test_registered_weights_are_read_without_a_new_check(
    registry: AdapterRegistry, adapters: Path, described: BaseDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add(adapters / "legal", "legal", base=described)

    def refuse(*args: object) -> None:
        raise AssertionError("hashed again")

    monkeypatch.setattr("hashlib.file_digest", refuse)
    weights = registry.read("legal", None, described)

    assert len(weights.linear) == 4


def test_a_touched_file_is_hashed_once_and_then_trusted(
    registry: AdapterRegistry, adapters: Path, described: BaseDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = registry.add(adapters / "legal", "legal", base=described)
    os.utime(Path(info.path) / WEIGHTS, (1, 1))

    assert registry.read("legal", "1", described).linear
    monkeypatch.setattr("hashlib.file_digest", None)
    assert registry.read("legal", "1", described).linear


def change_weights(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    save_file({key: tensor + 1 for key, tensor in tensors.items()}, folder / WEIGHTS)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (change_weights, "changed since it was registered"),
        (lambda folder: (folder / CONFIG).write_text("{}"), "changed since it was registered"),
        (lambda folder: (folder / WEIGHTS).unlink(), "missing or damaged"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "missing or damaged"),
        (lambda folder: (folder / "manifest.json").write_text('{"name": "legal"}'), "missing or damaged"),
    ],
)
def test_a_version_changed_on_disk_is_refused(
    registry: AdapterRegistry,
    adapters: Path,
    described: BaseDescription,
    spoil: Callable[[Path], object],
    message: str,
) -> None:
    info = registry.add(adapters / "legal", "legal", base=described)
    spoil(Path(info.path))

    with pytest.raises(UnsafeAdapter, match=message) as caught:
        registry.read("legal", "1", described)

    assert caught.value.remedy


def test_a_version_linked_from_outside_is_refused(
    registry: AdapterRegistry, stray: Path, tmp_path: Path
) -> None:
    info = registry.add(stray, "legal")
    shutil.move(info.path, tmp_path / "elsewhere")
    Path(info.path).symlink_to(tmp_path / "elsewhere")

    with pytest.raises(UnsafeAdapter, match="outside the registry"):
        registry.get("legal")


def test_an_adapter_added_for_one_base_is_not_read_for_its_twin(
    registry: AdapterRegistry, adapters: Path, described: BaseDescription, tmp_path: Path
) -> None:
    registry.add(adapters / "legal", "legal", base=described)
    twin = describe_base(tiny_base(tmp_path / "twin", seed=9))

    with pytest.raises(AdapterMismatch, match="registered for tiny, whose weights are not those of twin"):
        registry.read("legal", None, twin)


def break_numbers(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    next(iter(tensors.values()))[0, 0] = torch.nan
    save_file(tensors, folder / WEIGHTS)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (break_numbers, "not numbers"),
        (lambda folder: (folder / CONFIG).write_text("{"), "not JSON"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b"12"), "not a whole safetensors"),
        (lambda folder: (folder / WEIGHTS).rename(folder / "adapter_model.bin"), "pickled"),
    ],
)
@pytest.mark.parametrize("known_base", [True, False])
def test_an_adapter_that_is_refused_leaves_nothing(
    registry: AdapterRegistry,
    stray: Path,
    described: BaseDescription,
    tmp_path: Path,
    spoil: Callable[[Path], object],
    message: str,
    known_base: bool,
) -> None:
    folder = Path(shutil.copytree(stray, tmp_path / "bad"))
    spoil(folder)

    with pytest.raises(UnsafeAdapter, match=message):
        registry.add(folder, "bad", base=described if known_base else None)

    assert registry.list() == []
    assert not list(registry.folder.glob(".adding-*"))


def test_an_adapter_of_another_base_is_not_added(
    registry: AdapterRegistry, stray: Path, tmp_path: Path
) -> None:
    other = tiny_base(tmp_path / "other", layers=3)

    with pytest.raises(AdapterMismatch, match="another base"):
        registry.add(stray, "legal", base=other)

    assert registry.list() == []


NAMES = [
    "../x",
    "/etc/x",
    "__base__",
    "a.b",
    "",
    "base",
    "Base",
    "-a",
    "аdmin",
    "a b",
    "a/b",
    "a" * 65,
    "x\n",
    ".",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_outside_the_pattern_are_refused_everywhere(
    registry: AdapterRegistry, stray: Path, name: str
) -> None:
    registry.add(stray, "legal")
    uses: list[Callable[[], Any]] = [
        lambda: registry.add(stray, name),
        lambda: registry.get(name),
        lambda: registry.versions(name),
        lambda: registry.manifest(name),
        lambda: registry.remove(name),
    ]

    for use in uses:
        with pytest.raises(UnsafeAdapter, match="cannot be called"):
            use()

    assert [info.name for info in registry.list()] == ["legal"]


def test_names_that_differ_by_case_alone_are_refused(registry: AdapterRegistry, stray: Path) -> None:
    registry.add(stray, "legal")

    with pytest.raises(UnsafeAdapter, match="by case alone"):
        registry.add(stray, "Legal")


@pytest.mark.parametrize("version", ["2", "0", "-1", "1/../1", "latest", "", "01", "1\n"])
def test_an_unknown_version_names_the_known(registry: AdapterRegistry, stray: Path, version: str) -> None:
    registry.add(stray, "legal")

    with pytest.raises(UnknownAdapter, match="legal@1"):
        registry.get("legal", version)


def test_an_unknown_name_names_the_known(registry: AdapterRegistry, stray: Path) -> None:
    registry.add(stray, "legal")

    with pytest.raises(UnknownAdapter, match="Did you mean 'legal'"):
        registry.get("legals")


def test_removed_numbers_are_not_used_again(registry: AdapterRegistry, stray: Path) -> None:
    for _ in range(3):
        registry.add(stray, "legal")

    registry.remove("legal", 3)
    after_one = registry.add(stray, "legal").version
    registry.remove("legal")
    gone = registry.list()
    after_all = registry.add(stray, "legal").version

    assert (after_one, gone, after_all) == ("4", [], "5")
    assert [info.version for info in registry.versions("legal")] == ["5"]


def test_weights_that_are_in_use_survive_their_removal(
    registry: AdapterRegistry, adapters: Path, described: BaseDescription
) -> None:
    registry.add(adapters / "legal", "legal", base=described)
    weights = registry.read("legal", None, described)
    expected = {name: pair.b.clone() for name, pair in weights.linear.items()}

    registry.remove("legal")

    assert all(torch.equal(pair.b, expected[name]) for name, pair in weights.linear.items())


def test_leftovers_of_killed_processes_are_ignored_and_swept_when_old(
    registry: AdapterRegistry, stray: Path
) -> None:
    registry.add(stray, "legal")
    fresh, old = registry.folder / ".adding-1-aaaa", registry.folder / ".adding-2-bbbb"
    fresh.mkdir()
    shutil.copytree(stray, old)
    os.utime(old, (time.time() - 7200,) * 2)

    names = [info.name for info in registry.list()]
    registry.add(stray, "legal")

    assert names == ["legal"]
    assert fresh.exists()
    assert not old.exists()


def test_a_registry_of_a_later_format_is_refused(registry: AdapterRegistry, stray: Path) -> None:
    registry.add(stray, "legal")
    (registry.folder / "registry.json").write_text('{"format": 2}')

    with pytest.raises(AdapterError, match="format 2"):
        registry.list()


def run_processes(what: str, folder: Path, adapter: Path) -> list[list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.adapters.registry_processes", what, str(folder), str(adapter)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = json.loads(done.stdout)
    return found


def test_a_process_killed_anywhere_while_it_adds_leaves_whole_versions(
    registry: AdapterRegistry, stray: Path, described: BaseDescription
) -> None:
    seen = run_processes("add", registry.folder, stray)

    assert len(seen) > 8  # so many steps there are
    for before, after in zip(seen, seen[1:], strict=False):
        assert after in (before, [*before, str(len(before) + 1)])
    assert registry.add(stray, "support").version == str(len(seen[-1]) + 1)
    for info in registry.versions("support"):
        assert registry.read("support", info.version, described).linear


def test_a_process_killed_anywhere_while_it_removes_hides_whole_versions(
    registry: AdapterRegistry, stray: Path, described: BaseDescription
) -> None:
    seen = run_processes("remove", registry.folder, stray)

    assert seen[0] == ["1", "2", "3"]
    for before, after in zip(seen, seen[1:], strict=False):
        assert after in (before, before[:-1])
    assert registry.add(stray, "support").version == "4"
    assert registry.read("support", "4", described).linear


def test_processes_that_add_at_once_get_different_versions(registry: AdapterRegistry, stray: Path) -> None:
    (versions,) = run_processes("side by side", registry.folder, stray)

    assert versions == [str(number) for number in range(1, 21)]
    assert [registry.manifest("support", v)["version"] for v in versions] == list(range(1, 21))


def test_opening_a_folder_finds_what_it_is(registry: AdapterRegistry, stray: Path, adapters: Path) -> None:
    registry.add(stray, "legal")

    opened = open_adapters(registry.folder)

    assert isinstance(opened, AdapterRegistry)
    assert open_adapters(registry) is registry
    assert open_adapters(registry.folder / "nowhere") == {}
    assert open_adapters(adapters) == {name: adapters / name for name in ("legal", "legal-v2", "support")}


def test_opening_what_is_no_folder_of_adapters_says_so(adapters: Path, tmp_path: Path) -> None:
    shutil.copytree(adapters / "legal", tmp_path / "adapters" / "a.b")

    with pytest.raises(AdapterError, match="is an adapter, not a folder of adapters"):
        open_adapters(adapters / "legal")
    with pytest.raises(UnsafeAdapter, match=r"cannot be called 'a\.b'"):
        open_adapters(tmp_path / "adapters")


def test_a_plain_folder_does_not_become_a_registry(base: Path, adapters: Path, stray: Path) -> None:
    with pytest.raises(AdapterError, match="plain adapter folders"):
        AdapterRegistry(adapters).add(stray, "more")

    assert not (adapters / "registry.json").exists()


def test_opening_a_registry_imports_no_torch() -> None:
    code = (
        "import sys; from ragweave.adapters.registry import AdapterRegistry; AdapterRegistry('x').list(); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'peft')))"
    )

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_kinds_for_a_lane_of_their_own_are_registered_with_the_reason(
    registry: AdapterRegistry, base: Path, described: BaseDescription, tmp_path: Path
) -> None:
    folder = make_adapter(base, tmp_path / "dora", use_dora=True)

    registry.add(folder, "dora", base=described)

    assert "DoRA" in registry.manifest("dora")["places"]["vllm"]
    assert "DoRA" in registry.read("dora", None, described).exclusive
