"""A TCP proxy on loopback in front of a server's Unix socket, which cuts connections where it is told to."""

import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

__all__ = ["Proxy"]


class Proxy:
    """Relays connections; `cut_at` ends the first one after so many bytes from the client.

    `cut_before` ends it before the first message that has these bytes goes on, `mute_after` lets that one through and
    ends the connection before an answer does. `sent` counts the bytes from the client of the latest connection, and
    `cuts` the connections that were ended so.
    """

    def __init__(self, target: Path, cut_at: int = -1, cut_before: bytes = b"", mute_after: bytes = b"") -> None:
        self.target = target
        self.cut_at = cut_at
        self.cut_before = cut_before
        self.mute_after = mute_after
        self.sent = 0
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Wakes the thread that waits in accept, too.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                try:
                    server.connect(str(self.target))
                except OSError:
                    _close(client, server)
                    continue
                ends = (client, server, threading.Event(), threading.Event())
                threading.Thread(target=self._up, args=ends, daemon=True).start()
                threading.Thread(target=self._down, args=ends, daemon=True).start()

    def _up(
        self, client: socket.socket, server: socket.socket, muted: threading.Event, answered: threading.Event
    ) -> None:
        """From the client to the server."""
        sent = 0
        with suppress(OSError):
            while data := client.recv(65_536):
                sent += len(data)
                self.sent = sent
                if not self.cuts:
                    if 0 <= self.cut_at < sent:
                        self.cuts += 1
                        server.sendall(data[: len(data) - (sent - self.cut_at)])
                        break
                    if self.cut_before and self.cut_before in data:
                        self.cuts += 1
                        break
                    if self.mute_after and self.mute_after in data:
                        self.cuts += 1
                        muted.set()
                        server.sendall(data)
                        # The server's answer says that it is done; it goes no further.
                        answered.wait(10)
                        break
                server.sendall(data)
        _close(client, server)

    def _down(
        self, client: socket.socket, server: socket.socket, muted: threading.Event, answered: threading.Event
    ) -> None:
        """From the server to the client."""
        with suppress(OSError):
            while data := server.recv(65_536):
                if muted.is_set():
                    answered.set()
                    return
                client.sendall(data)
        answered.set()
        _close(client, server)


def _close(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
