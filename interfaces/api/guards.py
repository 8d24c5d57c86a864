"""What stands before every request: which Host, whose page, how large, and what leaves with it.

The API has no login: it listens on the loopback interface. That alone does not keep a web page
out that the user happens to visit. DNS rebinding lets such a page speak to us under its own host
name, and a plain form may POST across sites. Both are refused here.
"""

import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interfaces.api.problems import Problem, answer

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_PLAIN_CSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": _PLAIN_CSP,
}
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

Observer = Callable[[str, str, int, float], None]
"""Told method, route template, status and seconds of every request."""


def host_name(host: str) -> str:
    """The name in a Host header or an origin's authority, without port and brackets."""
    if host.count(":") > 1 and not host.startswith("["):
        host = f"[{host}]"  # an IPv6 address without brackets, as settings spell it
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


class Guards:
    """ASGI middleware: refuses foreign hosts and foreign pages, adds the security headers."""

    def __init__(self, app: ASGIApp, allowed_hosts: Iterable[str], observe: Observer) -> None:
        self.app = app
        self.allowed = (LOOPBACK | {host_name(host) for host in allowed_hosts}) - {""}
        self.observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            refusal = self.refusal(scope["method"], Headers(scope=scope))
            if refusal is None:
                await self.app(scope, receive, send_guarded)
            else:
                await answer(refusal)(scope, receive, send_guarded)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            self.observe(scope["method"], route, status, time.perf_counter() - began)

    def refusal(self, method: str, headers: Headers) -> Problem | None:
        """Why this request is not served; None when it is."""
        host = headers.get("host", "")
        if host_name(host) not in self.allowed:
            return Problem(
                type="urn:aiops:problem:foreign-host",
                title="Refused: the Host header names somebody else",
                status=421,
                detail=f"this API does not answer as {host[:80]!r}; call it as localhost, or allow "
                "the name in the settings (AIOPS_ALLOWED_HOSTS)",
            )
        origin = headers.get("origin")
        foreign = origin is not None and host_name(urlsplit(origin).netloc) not in self.allowed
        if method not in _SAFE_METHODS and (
            foreign or headers.get("sec-fetch-site") == "cross-site"
        ):
            return Problem(
                type="urn:aiops:problem:foreign-page",
                title="Refused: sent by a page of another site",
                status=403,
                detail="a page of another site sent this; use the dashboard or a program",
            )
        return None
