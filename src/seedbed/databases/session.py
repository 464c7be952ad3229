"""The session of an engine: one connection that locks an instance, takes rows, and ends completely or not at all."""

import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Protocol

import pyarrow as pa

from seedbed.databases.reader import Database
from seedbed.errors import TargetError
from seedbed.ledger.columns import Table

__all__ = ["LOCK_SECONDS", "AnswerLostError", "Session", "lock_key", "wait_for_lock"]

# The time that a load waits for another load of its instance and for readers. After a load was killed, its server
# takes a moment to notice.
LOCK_SECONDS = 20
LOCK_PAUSE_SECONDS = 0.2


class AnswerLostError(Exception):
    """The connection broke within `commit`. Whether the commit happened has to be found out."""


class Session(Protocol):
    """A connection that replaces the tables of one instance. Nobody else sees anything between `begin` and `commit`.

    If the dialect has a staging name, new tables are made under it. Otherwise the old tables are dropped first, and
    the new ones have the name of the instance.
    """

    @property
    def database(self) -> Database:
        """The same connection for reading: within a load it sees the new rows, under the staging name."""
        ...

    def lock(self, instance: str) -> None:
        """Locks the instance against other loads until the session ends. Waits, then raises `TargetError`."""
        ...

    def begin(self, instance: str) -> None:
        """Opens a replacement."""
        ...

    def run(self, statement: str) -> None:
        """One statement."""
        ...

    def insert(self, instance: str, table: Table, rows: pa.Table) -> None:
        """Adds rows to one of the tables, in bulk."""
        ...

    def commit(self, instance: str, names: Sequence[str]) -> None:
        """Shows everything in one step. `names` are the replaced tables and views, without the instance.

        Raises `AnswerLostError`.
        """
        ...

    def rollback(self, instance: str) -> None:
        """Undoes everything since `begin`, as far as the connection still can."""
        ...


def lock_key(*names: str) -> bytes:
    """Eight bytes that identify the lock of an instance in one database or schema."""
    return blake2b("/".join(("seedbed", *names)).encode(), digest_size=8).digest()


def wait_for_lock(instance: str, take: Callable[[], bool]) -> None:
    """Tries until the lock is taken. Raises `TargetError` if another load holds it for too long."""
    deadline = time.monotonic() + LOCK_SECONDS
    while not take():
        if time.monotonic() > deadline:
            raise TargetError(f"another load of {instance} is running")
        time.sleep(LOCK_PAUSE_SECONDS)
