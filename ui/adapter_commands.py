"""The commands of `ragweave adapters`: what there is, what it fits, in and out of a registry.

Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import UsageError
from .shared_options import Call

if TYPE_CHECKING:
    from ragweave.adapters import AdapterInfo
    from ragweave.adapters.adapter_check import AdapterCheck
    from ragweave.adapters.base_model import BaseDescription
    from ragweave.adapters.registry import AdapterRegistry

__all__ = ["ADAPTER_COMMANDS"]

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A name as `ragweave adapters list` gives it, or NAME@VERSION.")
]
NameOrPath = Annotated[
    str, typer.Argument(metavar="NAME", help="A name, NAME@VERSION, or the path of an adapter's folder.")
]
Base = Annotated[
    str, typer.Option("--base", metavar="BASE", help="Base model: a folder, or a hub id.", show_default=False)
]


def list_adapters(call: Call) -> None:
    """List the adapters: the newest version of each name."""
    from .rendering import draw_adapters

    folder = _folder(call)
    found = _all(folder)
    if not found:
        call.output.note(
            f"There are no adapters in {folder}. Add one: ragweave adapters add PATH --name NAME"
        )
    call.output.result({"adapters": found}, lambda console: draw_adapters(console, found))


def show_adapter(call: Call, name: Name) -> None:
    """Show what is known of an adapter, and its versions."""
    from ragweave.adapters.records import split_version

    from .rendering import draw_adapter

    info, registry = _find(call, name)
    plain = split_version(name)[0]
    versions = [info.version] if registry is None else [each.version for each in registry.versions(plain)]
    manifest = {} if registry is None else registry.manifest(info.name, info.version)
    shown = {"adapter": info, "versions": versions, "manifest": manifest}
    call.output.result(shown, lambda console: draw_adapter(console, info, versions, manifest))


def add_adapter(
    call: Call,
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="The folder that peft's save_pretrained wrote.")
    ],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What to call it.", show_default=False)],
    description: Annotated[
        str,
        typer.Option("--description", metavar="D", help="A line about it, for menus.", show_default=False),
    ] = "",
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="BASE",
            help="Base model that it has to fit: a folder, or a hub id.  [default: the one it names]",
        ),
    ] = None,
) -> None:
    """Copy an adapter into the registry as the next version of a name, checked once and for all."""
    from ragweave.adapters.registry import AdapterRegistry

    from .rendering import draw_adapters

    registry = AdapterRegistry(_folder(call))
    info = registry.add(path, name, description, base=base)
    manifest = registry.manifest(info.name, info.version)
    if manifest["base_fingerprint"] is None:
        call.output.note("Not checked against a base model; --base BASE does that.")
    shown = {"adapter": info, "manifest": manifest}
    call.output.result(shown, lambda console: draw_adapters(console, [info]))


def remove_adapter(call: Call, name: Name) -> None:
    """Remove an adapter from the registry: all versions, or one; no number is used again."""
    from ragweave.adapters.records import split_version
    from ragweave.adapters.registry import AdapterRegistry, open_adapters

    folder = _folder(call)
    registry = open_adapters(folder)
    if not isinstance(registry, AdapterRegistry):
        raise UsageError(
            f"{folder} is not a registry, so nothing is removed from it.",
            remedy="Delete the adapter's folder yourself, or give --adapters a registry.",
        )
    plain, version = split_version(name)
    gone = [info.version for info in registry.versions(plain) if version in (None, info.version)]
    registry.remove(plain, version)
    removed = [f"{plain}@{number}" for number in gone]
    call.output.result(
        {"removed": removed}, lambda console: console.print(f"Removed {', '.join(removed)}.", soft_wrap=True)
    )


def check_adapter(call: Call, adapter: NameOrPath, base: Base) -> int:
    """Check whether an adapter fits a base model, and where it can be served."""
    from ragweave.adapters.base_model import describe_base

    from .rendering import draw_adapter_check

    description = describe_base(base)
    info, found = _check(call, adapter, description)
    shown = {
        "adapter": info.name,
        "version": info.version,
        "base_model": description.name,
        "fits": found.fits,
        "problems": found.problems,
        "places": found.places,
    }
    call.output.result(shown, lambda console: draw_adapter_check(console, info, description.name, found))
    return 0 if found.fits else 1


def export_adapter(
    call: Call,
    adapter: NameOrPath,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write, new or empty.")],
    base: Base,
    merge: Annotated[
        bool, typer.Option("--merge", help="Work the adapter into the base's weights; needed.")
    ] = False,
    dtype: Annotated[
        str | None,
        typer.Option("--dtype", metavar="T", help="float32, bfloat16 or float16.  [default: the base's]"),
    ] = None,
) -> None:
    """Write base and adapter as one model, for other runtimes."""
    from ragweave.adapters.base_model import describe_base
    from ragweave.adapters.export import export_merged

    if not merge:
        raise UsageError(
            "An adapter is exported merged into its base, or copied as the folder that it is.",
            remedy="Add --merge, or copy the folder that `ragweave adapters show` names.",
        )
    info, found = _check(call, adapter, describe_base(base))
    if not found.fits:
        raise UsageError(found.problems[0], remedy="Give --base the model that the adapter was trained on.")
    written = export_merged(base, info.path, out, dtype=dtype)
    shown = {"path": str(written), "adapter": info.name, "version": info.version, "base_model": base}
    call.output.result(
        shown, lambda console: console.print(f"Wrote {base} with {info.name} to {written}.", soft_wrap=True)
    )


def _folder(call: Call) -> Path:
    return Path(call.load().settings.adapters.dir).expanduser()


def _all(folder: Path) -> list[AdapterInfo]:
    from ragweave.adapters.adapter_config import adapter_info
    from ragweave.adapters.registry import AdapterRegistry, open_adapters

    found = open_adapters(folder)
    if isinstance(found, AdapterRegistry):
        return found.list()
    return [adapter_info(name, path) for name, path in found.items()]


def _find(call: Call, name: str) -> tuple[AdapterInfo, AdapterRegistry | None]:
    """An adapter by name, and the registry that it is in."""
    from ragweave.adapters import UnknownAdapter
    from ragweave.adapters.adapter_config import adapter_info
    from ragweave.adapters.records import split_version
    from ragweave.adapters.registry import AdapterRegistry, open_adapters

    found = open_adapters(_folder(call))
    plain, version = split_version(name)
    if isinstance(found, AdapterRegistry):
        return found.get(plain, version), found
    if plain not in found:
        raise UnknownAdapter(name, found)
    info = adapter_info(plain, found[plain])
    if version not in (None, info.version):
        raise UnknownAdapter(name, [f"{plain}@{info.version}"])
    return info, None


def _check(call: Call, adapter: str, base: BaseDescription) -> tuple[AdapterInfo, AdapterCheck]:
    """An adapter by name or path, compared with a base."""
    from ragweave.adapters.adapter_check import check_adapter
    from ragweave.adapters.adapter_config import content_hash
    from ragweave.adapters.records import AdapterInfo

    path = Path(adapter).expanduser()
    if "/" in adapter or path.is_dir():
        found = check_adapter(path, base)
        return AdapterInfo(name=path.resolve().name, version=content_hash(path), path=str(path)), found
    info, registry = _find(call, adapter)
    if registry is None:
        return info, check_adapter(info.path, base)
    return info, registry.check(info.name, info.version, base)


ADAPTER_COMMANDS: Mapping[str, tuple[Callable[..., int | None], str]] = {
    "list": (list_adapters, "List the adapters."),
    "show": (show_adapter, "Show what is known of an adapter."),
    "add": (add_adapter, "Copy an adapter into the registry."),
    "remove": (remove_adapter, "Remove an adapter or a version of it."),
    "check": (check_adapter, "Check an adapter against a base model."),
    "export": (export_adapter, "Write base and adapter as one model."),
}
