"""SQLite: one transaction in an existing file, or a new file that is moved into place when it is complete."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.databases.reader import Database
from seedbed.databases.session import LOCK_SECONDS
from seedbed.errors import TargetError, one_line
from seedbed.ledger.columns import Column, Table
from seedbed.money import CENTS_PER_DOLLAR
from seedbed.write.dialects import DIALECTS, table_name
from seedbed.write.staging import check_file, move_file, staging, sweep
from seedbed.write.targets import output_path, refusals, shown
from seedbed.write.urls import DatabaseUrl

__all__ = ["sqlite_session", "sqlite_values"]

DIALECT = DIALECTS["sqlite"]
# 256 MB of pages: indexes are sorted in memory.
CACHE = "PRAGMA cache_size = -262144"
# Settings for a new file, which need not survive a crash. It is flushed to disk before it is moved.
PRIVATE = (CACHE, "PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA locking_mode = EXCLUSIVE")
SLICE_ROWS = 65_536


class SqliteSession:
    """One connection of the standard library."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.database = Database("sqlite", connection)
        self.committed = False

    def lock(self, instance: str) -> None:
        """Begins the transaction, which is the lock: SQLite has one writer per file."""
        try:
            self.run("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise TargetError(f"another load of {instance} or another program is writing to the file") from None
            raise

    def begin(self, instance: str) -> None:
        """Does nothing: `lock` has begun the transaction."""

    def run(self, statement: str) -> None:
        """One statement."""
        self._connection.execute(statement)

    def insert(self, instance: str, table: Table, rows: pa.Table) -> None:
        """Runs `executemany` on slices, so that a large part does not become Python objects all at once."""
        name, marks = DIALECT.quoted(table_name(instance, table)), ", ".join("?" * len(table.columns))
        statement = f"INSERT INTO {name} VALUES ({marks})"
        rows = rows.select([column.name for column in table.columns])
        for start in range(0, rows.num_rows, SLICE_ROWS):
            piece = rows.slice(start, SLICE_ROWS)
            cells = [sqlite_values(column, array) for column, array in zip(table.columns, piece.columns, strict=True)]
            self._connection.executemany(statement, zip(*cells, strict=True))

    def commit(self, instance: str, names: Sequence[str]) -> None:
        """COMMIT. The rows are on disk after it."""
        self.run("COMMIT")
        self.committed = True

    def rollback(self, instance: str) -> None:
        """ROLLBACK."""
        with suppress(sqlite3.Error):
            self.run("ROLLBACK")


def sqlite_values(column: Column, cells: pa.Array | pa.ChunkedArray) -> list[Any]:
    """A column's cells for SQLite: amounts as the nearest floating-point number, times as text."""
    array = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    if pa.types.is_dictionary(array.type):
        words = np.array([*array.dictionary.to_pylist(), None], dtype=object)
        values: list[Any] = words[pc.fill_null(array.indices, len(words) - 1).to_numpy()].tolist()
        return values
    if column.kind == "money":
        # Division rounds correctly, so this is the number that SQLite would read from the text of the amount.
        scaled = pc.multiply(array, pa.scalar(CENTS_PER_DOLLAR, pa.decimal128(3, 0)))
        cents = scaled.cast(pa.decimal128(38, 0)).cast(pa.int64())
        array = pc.divide(cents.cast(pa.float64()), float(CENTS_PER_DOLLAR))
    elif column.kind == "timestamp":
        array = array.cast(pa.timestamp("s")).cast(pa.string())
    if array.null_count and not pa.types.is_string(array.type):
        return array.to_pylist()  # type: ignore[no-any-return]
    # Through NumPy, which is twice as fast as a Python step per cell.
    return array.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]


@contextmanager
def sqlite_session(database_url: DatabaseUrl) -> Iterator[SqliteSession]:
    """A session that ends with its block. An error of SQLite becomes a one-line `TargetError`."""
    target = output_path(database_url.path)
    check_file(target, lambda _: True)
    if target.exists():
        with refusals(target):
            sweep(target.parent)
        with _refusing(target), _connection(target, (CACHE,)) as connection:
            yield SqliteSession(connection)
        return
    with staging(target) as private:
        staged = private / "ledger.sqlite"
        with _refusing(target), _connection(staged, PRIVATE) as connection:
            session = SqliteSession(connection)
            yield session
        if session.committed:
            if os.path.lexists(target):
                raise TargetError(f"{shown(target)} was created by another process in the meantime; run again")
            move_file(staged, target)


@contextmanager
def _connection(path: Path, pragmas: tuple[str, ...]) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=LOCK_SECONDS)) as connection:
        for pragma in pragmas:
            connection.execute(pragma)
        yield connection


@contextmanager
def _refusing(target: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise TargetError(f"{shown(target)}: {one_line(str(error))}") from error
