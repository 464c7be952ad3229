"""Guards every page: checks a request's host name, method and token, and sets the response's headers."""

import hmac
from collections.abc import Collection, Mapping
from hashlib import blake2b
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HEADERS", "Guard"]

COOKIE = "seedbed"
METHODS = ("GET", "HEAD")
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


class Guard:
    """Passes a request on if it names an allowed host and, if there is a token, carries it.

    A request must name one of `hosts` exactly. This stops a foreign site whose name resolves to this machine from
    reading the pages. The first request carries the token in its query string or as a bearer token. The answer sets
    a cookie that is derived from the token and replaces it, so no link has to repeat the token.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], token: str | None = None) -> None:
        self.app = app
        self.hosts = frozenset(hosts)
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._refusal(scope)
        await (refused or self.app)(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if headers.getlist("host") not in [[host] for host in self.hosts]:
            return PlainTextResponse("This server does not answer for that host name.\n", 421)
        if scope["method"] not in METHODS:
            return PlainTextResponse("Use GET or HEAD.\n", 405, {"Allow": ", ".join(METHODS)})
        return None if self.token is None else self._identification(scope, headers, self.token)

    def _identification(self, scope: Scope, headers: Headers, token: str) -> Response | None:
        parameters = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in parameters if name == "token"]
        seal = blake2b(token.encode(), digest_size=24, person=b"seedbed-cookie").hexdigest()
        if given:
            if not _same(given[0], token):
                return _unidentified()
            rest = urlencode([(name, value) for name, value in parameters if name != "token"])
            path = "/" + scope["raw_path"].decode("latin-1").lstrip("/")
            response = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
            response.set_cookie(COOKIE, seal, httponly=True, samesite="strict", path="/")
            return response
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if _same(bearer, token) or _same(_cookie(headers), seal):
            return None
        return _unidentified()


def _cookie(headers: Headers) -> str:
    try:
        cookie = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookie[COOKIE].value if COOKIE in cookie else ""


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def _unidentified() -> Response:
    return PlainTextResponse("The token is missing or wrong.\n", 401, {"WWW-Authenticate": "Bearer"})
