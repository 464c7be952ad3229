"""The web server of the dashboard. Without a token it listens on loopback only. It closes idle connections."""

import asyncio
import ipaddress
import secrets
import socket
import webbrowser
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from seedbed.dashboard.app import dashboard
from seedbed.dashboard.ledger import LedgerLocation, open_ledger
from seedbed.errors import InputError, TargetError

__all__ = ["serve"]

REQUEST_SECONDS = 10
IDLE_SECONDS = 5
MAX_CONNECTIONS = 64
MAX_HEAD_BYTES = 16 * 1024
MIN_TOKEN_CHARACTERS = 16


class ImpatientProtocol(H11Protocol):
    """Closes a connection on which a request takes too long to arrive. Uvicorn alone would wait for ever."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the timer of the first request."""
        super().connection_made(transport)
        self._waiting = self.loop.call_later(REQUEST_SECONDS, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Stops the timer once a request is complete, and starts it for the next request."""
        super().data_received(data)
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering and self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        elif not is_answering and self._waiting is None and not self.transport.is_closing():
            self._waiting = self.loop.call_later(REQUEST_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timer."""
        if self._waiting is not None:
            self._waiting.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """A server that calls a function once it listens."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._say = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, then calls the function."""
        await super().startup(sockets)
        self._say()


def serve(
    location: LedgerLocation,
    host: str,
    port: int,
    token: str | None,
    *,
    open_browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serves the dashboard of a ledger until the process is interrupted.

    Raises `InputError` for a host other than the loopback without a token, and for a location without a ledger;
    `TargetError` for a port that is taken.
    """
    is_loopback = _is_loopback(host)
    if not is_loopback and token is None:
        raise InputError(
            f"dashboard: other machines can connect to {host}; give --token, for example {secrets.token_urlsafe(24)}"
        )
    if token is not None and len(token) < MIN_TOKEN_CHARACTERS:
        raise InputError(f"dashboard: a token needs at least {MIN_TOKEN_CHARACTERS} characters")
    with open_ledger(location):
        pass  # a wrong location fails now, and not on the first page
    listening = _listening(host, port)
    port = listening.getsockname()[1]
    written = f"[{host}]" if ":" in host else host
    hosts = {f"{written}:{port}", *([f"localhost:{port}"] if is_loopback else []), *([written] if port == 80 else [])}
    config = uvicorn.Config(
        dashboard(location, hosts, token),
        http=ImpatientProtocol,
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=2,
        limit_concurrency=MAX_CONNECTIONS,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )
    url = f"http://{written}:{port}/"

    def started() -> None:
        say(url)
        if open_browser:
            webbrowser.open(f"{url}?token={token}" if token else url)

    Server(config, started).run([listening])


def _is_loopback(host: str) -> bool:
    """Whether only this machine can connect to a host. Raises `InputError` for a host that browsers cannot name."""
    if host == "localhost":
        return True
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return False
    if number.is_unspecified:
        raise InputError(f"dashboard: {host} stands for every address; give the one that browsers will use")
    return number.is_loopback


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, socket_address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(socket_address)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "unknown host"
        raise TargetError(f"{host[:100]}:{port}: {reason}") from error
    return listening
