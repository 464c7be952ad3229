"""Loads a ledger into a DuckDB file that is replaced in one step, and only once its rows, read back, are right.

The new database is made in a private folder: from nothing, or from a copy of the file at the target, so that other
instances in it survive. Readers of the old file keep it; nobody sees a half-loaded one.
"""

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from seedbed.bank.model import Bank
from seedbed.connect import Database, stored_bank, the_instance
from seedbed.errors import TargetError, one_line
from seedbed.ledger.columns import ANSWER_KEY, TABLES, Table
from seedbed.ledger.dataset import Dataset, Part
from seedbed.ledger.digest import TableDigest, content_digest
from seedbed.views import refresh_statements, view_statements
from seedbed.write.dialects import (
    DIALECTS,
    create_table,
    finish_table,
    table_name,
)
from seedbed.write.facts import DATASET, STORED, Tally, dataset_row
from seedbed.write.schema import drop_statements, schema_statements
from seedbed.write.staging import check_file, move_file, staging
from seedbed.write.targets import Target, WriteReport, parse_url, place, refusals, shown

__all__ = ["apply_schema", "load_duckdb", "refresh_views", "write_duckdb"]

DUCKDB = DIALECTS["duckdb"]


def write_duckdb(parts: Iterable[Part], dataset: Dataset, target: Target) -> WriteReport:
    """`load_duckdb` as a row of the writers' table."""
    return load_duckdb(parts, dataset, target.path)


def load_duckdb(parts: Iterable[Part], dataset: Dataset, path: str) -> WriteReport:
    """Replace the instance's tables in the DuckDB file at `path`, which is made if it is not there.

    The rows are read back from the finished file before it is moved into place. Raises `TargetError`, and leaves
    the target as it was, if it is no DuckDB database, is being written by another process, cannot be written, or
    if the rows read back are not those that went in.
    """
    target = place(path)
    with _replacement(target) as staged:
        tally = Tally(parts)
        with _connection(staged, target) as connection:
            _fill(connection, dataset, tally)
        with _connection(staged, target, read_only=True) as connection:
            _verify(connection, dataset.bank.instance, tally, target)
    with refusals(target):
        return WriteReport((target,), tally.rows, tally.digest, target.stat().st_size)


def apply_schema(bank: Bank, url: str) -> Path:
    """Create the bank's base tables, empty, and its views in the DuckDB file of a URL; gives the file's path.

    Those of the instance that are there already are replaced. Raises `InputError` for another kind of URL and
    `TargetError` as `load_duckdb` does.
    """
    target = place(parse_url(url).path)
    statements = schema_statements(bank, DUCKDB.name)
    with _replacement(target) as staged, _connection(staged, target) as connection:
        _drop(connection, bank.instance)
        for statement in statements:
            connection.execute(statement)
    return target


def refresh_views(url: str, instance: str | None = None, bank: Bank | None = None) -> tuple[str, Path]:
    """Fill the views of one instance in the DuckDB file of a URL anew; gives the instance and the file's path.

    The bank is the one that the instance's dataset row holds, unless `bank` is given. Without `instance` the file has
    to hold one instance only. Raises `InputError` for another kind of URL or an instance that is not there, and
    `TargetError` as `load_duckdb` does.
    """
    target = place(parse_url(url).path)
    with refusals(target):
        target.stat()
    with _replacement(target) as staged, _connection(staged, target) as connection:
        database = Database(DUCKDB.name, connection)
        instance = the_instance(database, bank.instance if bank else instance)
        statements = refresh_statements(bank or stored_bank(database, instance), DUCKDB.name)
        connection.execute("BEGIN")
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("CHECKPOINT")
    return instance, target


@contextmanager
def _replacement(target: Path) -> Iterator[Path]:
    """The path of a private database to fill; it becomes the target when the block ends well.

    The old file stays locked meanwhile, so that two loads into one file cannot undo each other.
    """
    check_file(target, lambda _: True)
    with staging(target) as private, _old_file(target) as exists:
        staged = private / "ledger.duckdb"
        if exists:
            shutil.copy(target, staged)
        yield staged
        if not exists and os.path.lexists(target):
            raise TargetError(f"{shown(target)} was made by another process meanwhile; run again")
        move_file(staged, target)


@contextmanager
def _old_file(target: Path) -> Iterator[bool]:
    """Whether there is a database at the target; it is checked, and locked against other loads, if so."""
    if not os.path.lexists(target):
        yield False
        return
    wal = target.with_name(f"{target.name}.wal")
    if wal.exists():
        raise TargetError(f"{shown(target)} has unfinished writes in {shown(wal.name)}; close its writer first")
    # Opening it read-only proves that it is a database, and keeps writers out while it is copied.
    with _connection(target, target, read_only=True), target.open("rb") as old:
        try:
            fcntl.flock(old, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TargetError(f"{shown(target)} is being loaded by another process") from None
        if not os.path.samestat(os.fstat(old.fileno()), target.lstat()):
            raise TargetError(f"{shown(target)} was replaced by another process meanwhile; run again")
        yield True


@contextmanager
def _connection(path: Path, target: Path, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """An open database; what DuckDB refuses becomes a `TargetError` of one line about the target."""
    try:
        with duckdb.connect(str(path), read_only=read_only) as connection:
            yield connection
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].replace(str(path), target.name)
        raise TargetError(f"{shown(target)}: {one_line(reason)}") from error


def _drop(connection: duckdb.DuckDBPyConnection, instance: str) -> None:
    """Remove exactly this instance's views and tables, and free their blocks for the new rows."""
    for statement in drop_statements(instance, DUCKDB.name):
        connection.execute(statement)
    connection.execute("CHECKPOINT")


def _fill(connection: duckdb.DuckDBPyConnection, dataset: Dataset, tally: Tally) -> None:
    instance = dataset.bank.instance
    _drop(connection, instance)
    for table in STORED:
        connection.execute(create_table(instance, table, DUCKDB))
    connection.execute("BEGIN")
    for part in tally:
        for table in (*TABLES, ANSWER_KEY):
            _insert(connection, instance, table, part.tables()[table.name])
    _insert(connection, instance, DATASET, dataset_row(dataset, tally.rows, tally.digest))
    connection.execute("COMMIT")
    for table in STORED:
        for statement in finish_table(instance, table, DUCKDB):
            connection.execute(statement)
    for statement in view_statements(dataset.bank, DUCKDB.name):
        connection.execute(statement)
    connection.execute("CHECKPOINT")


def _insert(connection: duckdb.DuckDBPyConnection, instance: str, table: Table, data: pa.Table) -> None:
    columns = ", ".join(DUCKDB.quoted(column.name) for column in table.columns)
    name = DUCKDB.quoted(table_name(instance, table))
    connection.register("incoming_rows", data)
    connection.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM incoming_rows")
    connection.unregister("incoming_rows")


def _verify(connection: duckdb.DuckDBPyConnection, instance: str, tally: Tally, target: Path) -> None:
    """Digest what the database holds; raises `TargetError` unless it is what the generator made."""
    stored = []
    for table in TABLES:
        total = TableDigest(table)
        for batch in Database(DUCKDB.name, connection).batches(instance, table):
            total += TableDigest.of(table, batch)
        stored.append(total)
    if content_digest(stored) != tally.digest:
        counts = ", ".join(f"{total.rows} of {tally.rows[total.table.name]} {total.table.name}" for total in stored)
        raise TargetError(f"{shown(target)}: the rows read back differ from the rows loaded ({counts})")
