"""The `chat` command: who may reach it, is its port free, ingest what is named, serve the page."""

from __future__ import annotations

import errno
import ipaddress
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import NoReturn

from .errors import EdgeError, UsageError
from .output import Output
from .rendering import draw_report
from .settings import Settings
from .telemetry import telemetry
from .wiring import open_chain, open_kb, settings_model, steps_off, takes_adapters

__all__ = ["check_host", "free_port", "port_is_free", "run_chat"]

KEY_LENGTH = 16  # characters: what cannot be guessed over a network
MAKE_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(24))'"
PORTS_TRIED = 50


def run_chat(output: Output, settings: Settings, paths: Sequence[str]) -> int:
    """Ingest `paths`, then serve the web chat until it is stopped.

    Raises `UsageError` for a public address without keys and `EdgeError` for a taken port, both before
    anything is ingested.
    """
    host, port = settings.ui.host, settings.ui.port
    keys = _keys(settings)
    check_host(host, keys)
    if not port_is_free(host, port):
        raise EdgeError(f"Port {port} of {host} is taken.", remedy=_other_port(host, port))
    signal.signal(signal.SIGTERM, _terminate)
    with (
        telemetry(output.note),
        settings_model(settings) as model,
        open_kb(settings) as kb,
        ExitStack() as opened,
    ):
        started: dict[str, object] = {"url": _address(host, port), "ingest": None}
        if paths:
            with output.ingest_progress() as on_progress:
                report = kb.ingest(paths, on_progress=on_progress)
            started["ingest"] = report.as_dict()
            if not output.json and not output.quiet:
                draw_report(output.console(sys.stderr), report)
        chain = opened.enter_context(open_chain(settings, kb, model, note=output.note))
        if not is_loopback(host):
            output.note(
                "The keys cross the network in clear text: put a proxy with TLS in front of this port."
            )
        if takes_adapters(model) and "://" not in settings.model.spec:
            output.note(f"Loading {settings.model.spec}.")
            model.load()  # a model that cannot be loaded is no page, and nobody waits at the first question
        from .app import create_app, serve

        adapters = model.list_adapters if takes_adapters(model) else None
        app = create_app(
            kb,
            chain,
            title=settings.ui.title,
            keys=keys,
            model_name=_name(settings.model.spec),
            adapters=adapters,
            without=steps_off(settings),
        )
        if output.json:
            output.result(started, lambda console: None)
            output.stream.flush()
        try:
            serve(app, host=host, port=port)
        except KeyboardInterrupt:
            output.note("Stopped.")  # the way to end it, so no failure
    return 0


def _name(spec: str) -> str:
    """A model as the page names it: a server's name for it, a folder's last part, or the value itself."""
    if spec in ("", "none"):
        return ""
    return spec.rpartition("#")[2] if "#" in spec else Path(spec).name if Path(spec).is_dir() else spec


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address.

    >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: nobody knows what it resolves to tomorrow
        return False


def check_host(host: str, keys: Sequence[str]) -> None:
    """Raise `UsageError` for an address that others can reach, unless keys are set that cannot be guessed."""
    short = [key for key in keys if len(key) < KEY_LENGTH]
    if short:
        raise UsageError(
            f"{len(short)} of the keys in RAGWEAVE_UI_KEYS have fewer than {KEY_LENGTH} characters.",
            remedy=f"Make one that cannot be guessed: {MAKE_KEY}",
        )
    if not keys and not is_loopback(host):
        raise UsageError(
            f"--host {host} lets others reach the web chat, and no keys are set.",
            remedy=f"Use --host 127.0.0.1, or set RAGWEAVE_UI_KEYS to keys made with: {MAKE_KEY}",
        )


def port_is_free(host: str, port: int) -> bool:
    """Whether a server can listen there; raises `UsageError` for an address of another machine."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server: skip TIME_WAIT
            probe.bind(address)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return False
        raise UsageError(
            f"Cannot listen on {host}: {error.strerror or error}.",
            remedy="Give --host an address of this machine, such as 127.0.0.1.",
        ) from error
    return True


def free_port(host: str, port: int) -> int | None:
    """The next free port after this one, if one is near."""
    following = range(port + 1, min(port + 1 + PORTS_TRIED, 65536))
    return next((other for other in following if port_is_free(host, other)), None)


def _other_port(host: str, port: int) -> str:
    other = free_port(host, port)
    return f"Use --port {other}, the next free one." if other else "Use --port with a free one."


def _keys(settings: Settings) -> tuple[str, ...]:
    text = settings.ui.keys.get_secret_value() if settings.ui.keys else ""
    return tuple(key for part in text.split(",") if (key := part.strip()))


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)  # closes the knowledge base on the way out
