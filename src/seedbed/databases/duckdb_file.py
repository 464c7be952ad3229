"""DuckDB: replaces a file in one step, and only if the rows that were read back are right.

The new database is made in a private folder: empty, or as a copy of the existing file, so that its other instances
survive. Readers of the old file keep it. Nobody sees a half-loaded file.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from seedbed.databases.reader import Database
from seedbed.errors import TargetError, one_line
from seedbed.ledger.columns import Table
from seedbed.write.dialects import DIALECTS, table_name
from seedbed.write.locks import OPENS_FOLDERS, locked
from seedbed.write.staging import check_file, move_file, staging
from seedbed.write.targets import output_path, shown
from seedbed.write.urls import DatabaseUrl

__all__ = ["duckdb_session"]

Config = dict[str, str | bool | int | float | list[str]]

DIALECT = DIALECTS["duckdb"]
# The storage version of a new file, which needs DuckDB 1.3 or later. Older versions make a load a tenth slower and a
# file a fifth larger.
STORAGE: Config = {"storage_compatibility_version": "v1.3.0"}


class DuckdbSession:
    """One connection to a private copy."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.database = Database("duckdb", connection)
        self.committed = False
        self._filling = False

    def lock(self, instance: str) -> None:
        """Does nothing: the old file has been locked since it was copied."""

    def begin(self, instance: str) -> None:
        """Does nothing: nobody sees the copy."""

    def run(self, statement: str) -> None:
        """Runs one statement. It first commits the rows, because keys are built on committed rows."""
        if self._filling:
            self._connection.execute("COMMIT")
            self._filling = False
        self._connection.execute(statement)

    def insert(self, instance: str, table: Table, rows: pa.Table) -> None:
        """INSERT of an Arrow table. All inserts are in one transaction."""
        if not self._filling:
            # This frees the blocks of dropped tables.
            self._connection.execute("CHECKPOINT")
            self._connection.execute("BEGIN")
            self._filling = True
        columns = ", ".join(DIALECT.quoted(column.name) for column in table.columns)
        name = DIALECT.quoted(table_name(instance, table))
        self._connection.register("incoming_rows", rows)
        self._connection.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM incoming_rows")
        self._connection.unregister("incoming_rows")

    def commit(self, instance: str, names: Sequence[str]) -> None:
        """Writes everything into the file. The file replaces the target when the session ends."""
        self.run("CHECKPOINT")
        self.committed = True

    def rollback(self, instance: str) -> None:
        """Does nothing: the copy is thrown away."""


@contextmanager
def duckdb_session(database_url: DatabaseUrl) -> Iterator[DuckdbSession]:
    """A session on a private database. If it was committed, it becomes the target when the block ends.

    Until then the old file stays locked, so that two loads into one file cannot undo each other. An error of DuckDB
    becomes a `TargetError` of one line.
    """
    target = output_path(database_url.path)
    check_file(target, lambda _: True)
    with staging(target) as private, ExitStack() as held:
        old = held.enter_context(_old_file(target))
        staged = private / "ledger.duckdb"
        if old:
            shutil.copy(target, staged)
        with _connection(staged, target, config=STORAGE) as connection:
            session = DuckdbSession(connection)
            yield session
        if not session.committed:
            return
        if not OPENS_FOLDERS:
            held.close()  # such a system cannot replace an open file
        if not old and os.path.lexists(target):
            raise TargetError(f"{shown(target)} was created by another process in the meantime; run again")
        if old and os.path.lexists(target) and not _is_same(old, target):
            raise TargetError(f"{shown(target)} was replaced by another process in the meantime; run again")
        move_file(staged, target)


def _is_same(old: os.stat_result, target: Path) -> bool:
    now = target.lstat()
    return os.path.samestat(old, now) and old.st_mtime_ns == now.st_mtime_ns


@contextmanager
def _old_file(target: Path) -> Iterator[os.stat_result | None]:
    """Checks that the target is a database, and locks it against other loads. Does nothing without a file."""
    if not os.path.lexists(target):
        yield None
        return
    wal = target.with_name(f"{target.name}.wal")
    if wal.exists():
        raise TargetError(
            f"{shown(target)} has unfinished writes in {shown(wal.name)}; close the program that writes it first"
        )
    # Opening it read-only proves that it is a database, and keeps writers out while it is copied.
    with _connection(target, target, read_only=True), target.open("rb") as old:
        if not locked(old.fileno()):
            raise TargetError(f"{shown(target)} is being loaded by another process")
        found = target.lstat()
        if not os.path.samestat(os.fstat(old.fileno()), found):
            raise TargetError(f"{shown(target)} was replaced by another process in the meantime; run again")
        yield found


@contextmanager
def _connection(
    path: Path, target: Path, read_only: bool = False, config: Config | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """An open database. An error of DuckDB becomes a one-line `TargetError` about the target."""
    try:
        with duckdb.connect(str(path), read_only=read_only, config=config or {}) as connection:
            yield connection
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].replace(str(path), target.name)
        raise TargetError(f"{shown(target)}: {one_line(reason)}") from error
