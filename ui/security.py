"""Who may talk to the pages, and what a browser may do with them: one pure ASGI middleware.

Host and origin checks against other web sites, keys against other people, headers against injected code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import re
import secrets
from collections.abc import Sequence
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/sign-in", "/page/style.css"})
COOKIE = "ragweave_session"
INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = (
    "default-src 'self'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)

SIGN_IN = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sign in · {title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/page/style.css"></head>
<body class="rw-sign-in"><main><h1>{title}</h1><form method="post" action="/sign-in">
<label for="key">Key</label><input id="key" name="key" type="password" autocomplete="current-password"
 required autofocus><p role="alert">{message}</p>
<button type="submit">Sign in</button></form></main></body></html>
"""


class Guard:
    """Wraps the whole application. Without keys only this machine's own names are served."""

    def __init__(self, app: ASGIApp, *, keys: Sequence[str] = (), title: str = "Ragweave") -> None:
        self._app = app
        self._keys = tuple(keys)
        self._title = title
        self._session = secrets.token_urlsafe(32)  # one for all: who has a key may see the pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await (self._app(scope, receive, send) if scope["type"] == "lifespan" else _close(send))
            return
        refusal = self._refusal(scope)
        if refusal is None and self._keys:
            refusal = await self._sign_in(scope, receive)
        answer: ASGIApp = refusal or self._app
        if refusal is None and scope["path"] == "/":
            scope = _uncompressed(scope)
        await answer(scope, receive, _Headers(send, whole=scope["path"] == "/").send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._keys and (urlsplit(f"//{host}").hostname or "") not in LOOPBACK:
            return PlainTextResponse(
                f"Host {host[:100]!r} is not served. Without keys Ragweave answers to this machine only.",
                status_code=421,
            )
        origin = headers.get("origin")
        if origin and scope["method"] not in ("GET", "HEAD") and urlsplit(origin).netloc != host:
            return PlainTextResponse("Requests from other web sites are not served.", status_code=403)
        return None

    async def _sign_in(self, scope: Scope, receive: Receive) -> Response | None:
        path, headers = scope["path"], Headers(scope=scope)
        if path == "/sign-in" and scope["method"] == "POST":
            form = parse_qs((await _body(receive, 10_000)).decode("utf-8", "replace"))
            return self._checked((form.get("key") or [""])[0].strip(), secure=scope["scheme"] == "https")
        if path in OPEN_PATHS - {"/sign-in"} or self._known(headers):
            return None
        if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            return self._page("")
        return JSONResponse(
            {"error": {"type": "Unauthorized", "message": "A key is needed.", "remedy": "Sign in again."}},
            status_code=401,
        )

    def _known(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._matches(given.strip()):
            return True
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        return cookie is not None and hmac.compare_digest(cookie.value, self._session)

    def _matches(self, given: str) -> bool:
        return any([hmac.compare_digest(given.encode(), key.encode()) for key in self._keys])

    def _checked(self, key: str, *, secure: bool) -> Response:
        if not self._matches(key):
            return self._page("This key is not known. Check it and try again.")
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(COOKIE, self._session, httponly=True, samesite="strict", secure=secure)
        return response

    def _page(self, message: str) -> Response:
        page = SIGN_IN.format(title=html.escape(self._title), message=html.escape(message))
        return HTMLResponse(page, status_code=401)


class _Headers:
    """Adds the headers to a response; for the page itself, with the hashes of its inline scripts."""

    def __init__(self, send: Send, *, whole: bool) -> None:
        self._send = send
        self._whole = whole
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers["Content-Security-Policy"] = POLICY.format(scripts="")
            if self._whole and headers.get("content-type", "").startswith("text/html"):
                self._start = message
                return
        elif self._start is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            headers = MutableHeaders(scope=self._start)
            headers["Content-Security-Policy"] = POLICY.format(scripts=_hashes(self._body))
            headers["Cache-Control"] = "no-store"
            await self._send(self._start)
            message = {"type": "http.response.body", "body": self._body}
        await self._send(message)


def _hashes(page: bytes) -> str:
    digests = {
        base64.b64encode(hashlib.sha256(body).digest()).decode() for body in INLINE_SCRIPT.findall(page)
    }
    return "".join(f" 'sha256-{digest}'" for digest in sorted(digests))


def _uncompressed(scope: Scope) -> Scope:
    kept = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    return {**scope, "headers": kept}


async def _body(receive: Receive, limit: int) -> bytes:
    body = b""
    more = True
    while more and len(body) <= limit:
        message: dict[str, Any] = dict(await receive())
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body[:limit]


async def _close(send: Send) -> None:
    await send({"type": "websocket.close", "code": 1008})
