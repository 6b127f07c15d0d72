"""`ragweave doctor`: what this machine has and lacks, each with the remedy. Changes nothing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .errors import EdgeError, explain
from .settings import Loaded, Settings
from .web_chat import free_port, port_is_free
from .wiring import open_kb, settings_model, takes_adapters

if TYPE_CHECKING:
    from ragweave.adapters.registry import AdapterRegistry

    from .route_settings import RouteSettings

__all__ = ["Check", "Status", "examine"]

Status = Literal["OK", "WARN", "FAIL"]
DISTRIBUTION = "ragweave"
OLDEST_PYTHON = (3, 11)
DISK_WARN, DISK_FAIL = 2 * 10**9, 10**8  # bytes
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WEAVIATE = Path(".tools/weaviate-server")  # where `make weaviate` puts it
ASIDE = "Only the tests need it; this is no obstacle to using Ragweave."


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; `remedy` is empty where it is in order."""

    name: str
    status: Status
    detail: str
    remedy: str = ""


def examine(loaded: Loaded) -> list[Check]:
    """Look at everything; a check that breaks is a FAIL of its own, never the end."""
    settings = loaded.settings
    checks: list[tuple[str, Callable[[], Check]]] = [
        ("python", python),
        ("packages", packages),
        ("embedder", embedder),
        ("knowledge base", lambda: knowledge_base(settings)),
        *((f"route {one.name}", partial(knowledge_base, settings, one)) for one in settings.routes if one.kb),
        ("model", lambda: model(settings)),
        ("adapters", lambda: adapters(loaded)),
        ("port", lambda: port(settings)),
        ("disk", lambda: disk(settings)),
        ("chromium", chromium),
        ("weaviate server", weaviate_server),
    ]
    return [_guarded(name, check) for name, check in checks]


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    from ragweave.adapters import AdapterError
    from ragweave.chains import ChainError

    try:
        return check()
    except (AdapterError, ChainError, EdgeError, OSError, ImportError, ValueError) as error:
        told = explain(error)
        return Check(name, "FAIL", told.message, told.remedy)


def python() -> Check:
    """The interpreter's version."""
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Check("python", "FAIL", found, "Install Ragweave with Python 3.11 or newer.")
    return Check("python", "OK", found)


def packages() -> Check:
    """Installed versions against the ranges that the package declares."""
    try:
        declared = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return Check("packages", "WARN", f"{DISTRIBUTION} runs without being installed", "Run: make install")
    wrong = list(_unmet(declared))
    if wrong:
        return Check("packages", "FAIL", "; ".join(wrong), f"Run: pip install --upgrade {DISTRIBUTION}")
    return Check("packages", "OK", f"{len(declared)} declared ranges are met")


def _unmet(declared: list[str]) -> Iterator[str]:
    from packaging.requirements import Requirement

    for line in declared:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield f"{requirement.name} is missing (needed: {requirement.specifier})"
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield f"{requirement.name} is {version} (needed: {requirement.specifier})"


def embedder() -> Check:
    """The packaged encoder: its files are there, unchanged, and give a vector."""
    from ragweave.chains import open_encoder

    identity = open_encoder().identity()
    return Check("embedder", "OK", f"{identity.model}, {identity.dimension} dimensions, files unchanged")


def knowledge_base(settings: Settings, route: RouteSettings | None = None) -> Check:
    """The main one or a route's: reachable, built with this embedder; one that is not there is not made."""
    name, url = (f"route {route.name}", route.kb) if route else ("knowledge base", settings.kb.url)
    with open_kb(settings, url or "") as kb:
        sources = kb.sources()
        kb.search("ragweave", k=1)  # raises where another embedder built it
    if not sources and not route and any(one.kb for one in settings.routes):
        return Check(name, "OK", f"{url} holds no documents: the routes' are searched")
    if not sources:
        remedy = f"Add documents: ragweave ingest PATH --kb {url}"
        return Check(name, "WARN", f"{url} holds no documents", remedy)
    passages = sum(info.chunks for info in sources)
    return Check(name, "OK", f"{url}: {len(sources)} sources, {passages} passages")


def model(settings: Settings) -> Check:
    """The chat model can be opened; it is not called."""
    spec = settings.model.spec
    with settings_model(settings) as opened:
        if opened is None:
            return Check("model", "OK", "none: answers are quotes")
        if not takes_adapters(opened) or "://" in spec:
            return Check("model", "OK", f"{spec} (not called)")
    return _base_model(settings)


def _base_model(settings: Settings) -> Check:
    """The base model's configuration and headers are whole; where and in what it will compute."""
    from ragweave.adapters.base_model import chosen_device, chosen_dtype, describe_base

    chosen = settings.model
    found = describe_base(chosen.spec)
    device = chosen_device(chosen.device)
    dtype = str(chosen_dtype(chosen.dtype, device)).removeprefix("torch.").replace("auto", "its own type")
    told = f"{found.name}: {found.layers} layers, {dtype} on {device}"
    if not found.template_hash and not chosen.chat_template:
        return Check(
            "model",
            "WARN",
            f"{told}, no chat template",
            "Set RAGWEAVE_MODEL_CHAT_TEMPLATE to a file with one, or use the model's chat variant.",
        )
    return Check("model", "OK", told)


def adapters(loaded: Loaded) -> Check:
    """The folder is there, and its adapters fit the base model where that is one of this machine."""
    folder, origin = Path(loaded.settings.adapters.dir).expanduser(), loaded.origins["adapters.dir"]
    if not folder.is_dir():
        if origin == "default":
            return Check("adapters", "OK", "none")
        return Check("adapters", "WARN", f"{folder} ({origin}) is no folder", "Correct it, or leave it out.")
    from ragweave.adapters.registry import open_adapters

    opened = open_adapters(folder)
    names = list(opened) if isinstance(opened, dict) else [info.name for info in opened.list()]
    told = f"{folder}: {len(names)} {'adapter' if len(names) == 1 else 'adapters'}"
    with settings_model(loaded.settings) as model:
        base = loaded.settings.model.spec
        if not names or not takes_adapters(model) or "://" in base:
            return Check("adapters", "OK", told)
    misfits = list(_misfits(opened, names, base))
    if not misfits:
        return Check("adapters", "OK", f"{told}, all fit {base}")
    some = f"Look closer: ragweave adapters check {misfits[0][0]} --base {base} --adapters {folder}"
    return Check("adapters", "WARN", f"{told}; {'; '.join(reason for _, reason in misfits)}", some)


def _misfits(
    opened: AdapterRegistry | dict[str, Path], names: list[str], base: str
) -> Iterator[tuple[str, str]]:
    """The adapters that cannot be served with the base, each with the reason."""
    from ragweave.adapters.adapter_check import check_adapter
    from ragweave.adapters.base_model import describe_base

    described = describe_base(base)
    for name in names:
        found = (
            check_adapter(opened[name], described)
            if isinstance(opened, dict)
            else opened.check(name, None, described)
        )
        reason = " ".join(found.problems) or found.places["ragweave"]
        if reason:
            yield name, f"{name} cannot be served: {reason}"


def port(settings: Settings) -> Check:
    """The web chat can listen."""
    host, number = settings.ui.host, settings.ui.port
    if port_is_free(host, number):
        return Check("port", "OK", f"{number} of {host} is free")
    other = free_port(host, number)
    return Check(
        "port", "WARN", f"{number} of {host} is taken", f"Use --port {other}." if other else "Free it."
    )


def disk(settings: Settings) -> Check:
    """Room where the knowledge base lies, or in the working directory where it is on a server."""
    folder = Path() if "://" in settings.kb.url else Path(settings.kb.url).expanduser()
    here = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(here).free
    status: Status = "FAIL" if free < DISK_FAIL else "WARN" if free < DISK_WARN else "OK"
    remedy = "" if status == "OK" else "Make room, or give --kb a folder on another disk."
    return Check("disk", status, f"{free / 1e9:.1f} GB free at {here}", remedy)


def chromium() -> Check:
    """A browser for the tests of the web chat."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        return Check("chromium", "OK", found)
    return Check("chromium", "WARN", "no Chromium found", f"Install it: apt-get install chromium. {ASIDE}")


def weaviate_server() -> Check:
    """A server for the tests of the Weaviate store."""
    on_path = shutil.which("weaviate-server")
    if WEAVIATE.is_file() and os.access(WEAVIATE, os.X_OK):
        return Check("weaviate server", "OK", str(WEAVIATE))
    if on_path:
        return Check("weaviate server", "OK", on_path)
    return Check("weaviate server", "WARN", f"no {WEAVIATE}", f"Build it: make weaviate. {ASIDE}")
