"""Opens databases for reading. For every engine the connection returns rows and Arrow tables.

Nothing is written through it. A URL may contain a password, so messages repeat only its scheme.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.bank.load import parse_instance_text
from seedbed.bank.model import Bank
from seedbed.databases.drivers import MysqlConnection, mysql_connection, refusing, server_connection
from seedbed.databases.folder import file_of_folder
from seedbed.errors import InputError, TargetError, one_line
from seedbed.ledger.columns import TABLES, Table
from seedbed.ledger.sql import double_quoted
from seedbed.write.dialects import DIALECTS, STAGING_MARK, table_name
from seedbed.write.engines import ENGINES, engine_of, imported
from seedbed.write.facts import DATASET
from seedbed.write.targets import refusals, shown
from seedbed.write.urls import FOLDER, DatabaseUrl, parse_database_url

__all__ = [
    "Database",
    "instances",
    "open_database",
    "read_duckdb",
    "read_folder",
    "read_mysql",
    "read_postgresql",
    "read_sqlite",
    "stored_bank",
    "stored_facts",
    "table_names",
    "the_instance",
]

# Rows that are fetched at a time from engines without Arrow.
FETCHED_ROWS = 65_536

# The largest amount in 64 bits of cents, in dollars.
LARGEST_MONEY = Decimal(9 * 10**16)

Made = TypeVar("Made")


@dataclass(frozen=True)
class Database:
    """An open database: its dialect, and a connection with an `execute` that returns a cursor."""

    dialect: str
    connection: Any

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of one query."""
        return list(self.connection.execute(sql).fetchall())

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of one query, one after another."""
        streaming = isinstance(self.connection, MysqlConnection)
        cursor = self.connection.stream(sql) if streaming else self.connection.execute(sql)
        while rows := cursor.fetchmany(FETCHED_ROWS):
            yield from rows

    def batches(self, instance: str, table: Table) -> Iterator[pa.Table]:
        """The rows of one of the instance's tables, in any order, with the columns of the contract.

        Money is in cents if the engine has no decimals.
        """
        return self.made(instance, table, lambda batch: batch)

    def made(self, instance: str, table: Table, make: Callable[[pa.Table], Made]) -> Iterator[Made]:
        """Applies `make` to each of the `batches` while the engine gathers the next one."""
        name = double_quoted(table_name(instance, table))
        rows: Callable[..., Iterator[Made]] = imported(engine_of(self.dialect).rows)
        return rows(self.connection, name, table, lambda batch: make(_within_cents(batch)))


def _within_cents(batch: pa.Table) -> pa.Table:
    """The rows, with decimals that are too large for a digest cut to its bound. No load stores either value."""
    for position, column in enumerate(batch.columns):
        if pa.types.is_decimal(column.type) and (most := pc.max(pc.abs(column)).as_py()) and most > LARGEST_MONEY:
            bound = pa.scalar(LARGEST_MONEY, column.type)
            kept = pc.if_else(pc.greater(pc.abs(column), bound), bound, column)
            batch = batch.set_column(position, batch.field(position), kept)
    return batch


@contextmanager
def open_database(url: str) -> Iterator[Database]:
    """The database of a URL, open for reading until the block ends. It shows one state, whatever others write.

    Raises `InputError` for a wrong URL, and a one-line `TargetError` for errors of the engine, also within the block.
    """
    database_url = parse_database_url(url)
    home = (
        "seedbed.databases.reader:read_folder"
        if database_url.engine == FOLDER
        else ENGINES[database_url.engine].opener
    )
    if home is None:
        raise InputError(f"{database_url.engine} databases can be loaded, but not read")
    opener: Callable[[DatabaseUrl], AbstractContextManager[Database]] = imported(home)
    with opener(database_url) as database:
        yield database


def _file(database_url: DatabaseUrl) -> Path:
    target = Path(database_url.path)
    with refusals(target):
        if "\0" in database_url.path or not target.is_file():
            raise TargetError(f"{shown(target)}: no such file")
        os.access(target, os.R_OK)
    return target


@contextmanager
def read_duckdb(database_url: DatabaseUrl) -> Iterator[Database]:
    """A DuckDB file, open for reading, in one state."""
    target = _file(database_url)
    try:
        with duckdb.connect(str(target), read_only=True) as connection:
            connection.execute("BEGIN")
            yield Database("duckdb", connection)
    except duckdb.Error as error:
        raise TargetError(f"{shown(target)}: {_reason(error)}") from error


@contextmanager
def read_folder(database_url: DatabaseUrl) -> Iterator[Database]:
    """A folder of Parquet files, read through a DuckDB file that is made from it."""
    with read_duckdb(DatabaseUrl(engine="duckdb", path=str(file_of_folder(Path(database_url.path))))) as database:
        yield database


@contextmanager
def read_sqlite(database_url: DatabaseUrl) -> Iterator[Database]:
    """A SQLite file, open for reading, in one state."""
    target = _file(database_url)
    try:
        if target.with_name(f"{target.name}-journal").exists():
            # A writer was killed. The first reader rolls its transaction back, and must be allowed to write for that.
            with closing(sqlite3.connect(_place(target, "rw"), uri=True)) as connection:
                connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchall()
        with closing(sqlite3.connect(_place(target, "ro"), uri=True, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            yield Database("sqlite", connection)
    except sqlite3.Error as error:
        raise TargetError(f"{shown(target)}: {_reason(error)}") from error


def _place(target: Path, mode: str) -> str:
    return f"{target.absolute().as_uri()}?mode={mode}"


@contextmanager
def read_postgresql(database_url: DatabaseUrl) -> Iterator[Database]:
    """A PostgreSQL database, open for reading, in one state."""
    with closing(server_connection(database_url)) as connection, refusing(database_url):
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for statement in DIALECTS["postgresql"].session:
            connection.execute(statement)
        yield Database("postgresql", connection)


@contextmanager
def read_mysql(database_url: DatabaseUrl) -> Iterator[Database]:
    """A MySQL or MariaDB database, open for reading, in one state."""
    with mysql_connection(database_url) as connection, refusing(database_url):
        connection.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        yield Database(connection.dialect, connection)


def _reason(error: Exception) -> str:
    return one_line((str(error).splitlines() or [type(error).__name__])[0])


def table_names(database: Database) -> set[str]:
    """The names of all tables that an unqualified name can mean."""
    return {name for (name,) in database.rows(engine_of(database.dialect).tables)}


def instances(database: Database) -> list[str]:
    """The sorted instances that have all their tables in the database. Staged tables do not count."""
    names, suffix = table_names(database), f"_{DATASET.name}"
    prefixes = (name.removesuffix(suffix) for name in names if name.endswith(suffix))
    whole = (prefix for prefix in prefixes if {f"{prefix}_{table.name}" for table in TABLES} <= names)
    return sorted(prefix for prefix in whole if STAGING_MARK not in prefix)


def the_instance(database: Database, wanted: str | None) -> str:
    """The named instance, or the only one that has all its tables in the database.

    Raises `InputError` if it does not exist, or if there are several and none is named.
    """
    found = instances(database)
    if wanted in found:
        return str(wanted)
    if wanted is None and len(found) == 1:
        return found[0]
    if not found:
        raise InputError("the database has no instance")
    there = one_line(", ".join(found))
    if wanted is not None:
        raise InputError(f"the database has no instance {one_line(wanted)}; it has {there}")
    raise InputError(f"the database has several instances; choose one with --instance: {there}")


def stored_facts(database: Database, instance: str) -> dict[str, Any] | None:
    """The one row of an instance's dataset table, by column. None if the table is empty."""
    columns = [column.name for column in DATASET.columns]
    selected = ", ".join(double_quoted(name) for name in columns)
    rows = database.rows(f"SELECT {selected} FROM {double_quoted(table_name(instance, DATASET))}")
    return dict(zip(columns, rows[0], strict=True)) if rows else None


def stored_bank(database: Database, instance: str) -> Bank:
    """The bank in the dataset row of an instance. Raises `InputError` if there is none."""
    facts, table = stored_facts(database, instance), table_name(instance, DATASET)
    if facts is None:
        raise InputError(f"{table} does not name the bank; give --bank")
    return parse_instance_text(facts["bank"], f"{table}.bank")
