"""Databases to read from: a URL comes in, a connection goes out that says rows and Arrow tables, whatever the engine.

Nothing is ever written through it. A URL may hold a password, so no message repeats any part of one but its scheme.
"""

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import duckdb
import pyarrow as pa

from seedbed.bank.load import parse_instance_text
from seedbed.bank.model import Bank
from seedbed.errors import InputError, TargetError, one_line
from seedbed.ledger.columns import TABLES, Column, Table
from seedbed.ledger.sql import double_quoted
from seedbed.write.dialects import table_name
from seedbed.write.facts import DATASET
from seedbed.write.targets import refusals, shown

__all__ = ["Database", "open_database", "stored_bank", "stored_facts", "table_names", "the_instance"]

# So many rows are fetched at a time from engines that do not speak Arrow.
FETCHED_ROWS = 65_536
EXPECTED = "known are duckdb:///PATH, sqlite:///PATH and postgresql://…"

CATALOGUES: Mapping[str, str] = {
    "duckdb": "SELECT table_name FROM duckdb_tables()",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = ANY(current_schemas(false))",
}
# How a column is fetched as whole numbers, cents and seconds, by engine and kind; other kinds as they are.
FETCHED: Mapping[str, Mapping[str, str]] = {
    "sqlite": {
        "money": "CAST(ROUND({column} * 100) AS INTEGER)",
        "timestamp": "CAST(strftime('%s', {column}) AS INTEGER)",
    },
    "postgresql": {
        "money": "CAST({column} * 100 AS bigint)",
        "timestamp": "CAST(EXTRACT(EPOCH FROM {column}) AS bigint)",
    },
}


@dataclass(frozen=True)
class Database:
    """An open database: its dialect, and a connection of that engine's driver."""

    dialect: str
    connection: Any

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of one query."""
        found: list[tuple[Any, ...]] = self.connection.execute(sql).fetchall()
        return found

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of one query, one after another."""
        cursor = self.connection.execute(sql)
        while rows := cursor.fetchmany(FETCHED_ROWS):
            yield from rows

    def batches(self, instance: str, table: Table) -> Iterator[pa.Table]:
        """The rows of one of the instance's tables, in any order, with the columns of the contract.

        Money is cents where the engine has no Arrow of its own.
        """
        name = double_quoted(table_name(instance, table))
        if self.dialect == "duckdb":
            columns = ", ".join(double_quoted(column.name) for column in table.columns)
            rows = self.connection.sql(f"SELECT {columns} FROM {name}")
            for batch in pa.RecordBatchReader.from_stream(rows):
                yield pa.Table.from_batches([batch])
            return
        forms = FETCHED[self.dialect]
        columns = ", ".join(
            forms.get(column.kind, "{column}").format(column=double_quoted(column.name)) for column in table.columns
        )
        cursor = self.connection.execute(f"SELECT {columns} FROM {name}")
        while rows := cursor.fetchmany(FETCHED_ROWS):
            values = zip(*rows, strict=True)
            arrays = [_array(column, cells) for column, cells in zip(table.columns, values, strict=True)]
            yield pa.table(arrays, names=[column.name for column in table.columns])


def _array(column: Column, cells: tuple[Any, ...]) -> pa.Array:
    match column.kind:
        case "bigint" | "money":
            return pa.array(cells, pa.int64())
        case "timestamp":
            return pa.array(cells, pa.int64()).cast(pa.timestamp("s"))
        case _:
            return pa.array(cells, pa.string())


@contextmanager
def open_database(url: str) -> Iterator[Database]:
    """The database of a URL, open for reading until the block ends: one state of it, whoever writes meanwhile.

    Raises `InputError` for what is no such URL, and `TargetError` of one line for what the engine refuses, also
    within the block.
    """
    match = re.match(r"([A-Za-z][A-Za-z0-9]*)://", url)
    scheme = match[1].lower() if match else ""
    if scheme not in OPENERS:
        raise InputError(f"not a database URL that can be read; {EXPECTED}")
    opener, dialect = OPENERS[scheme]
    with opener(url) as connection:
        yield Database(dialect, connection)


def _file(url: str) -> Path:
    """The file that a URL names; the path is taken as it stands, without percent decoding."""
    path = re.match(r"[A-Za-z]+:///(.+)", url, re.DOTALL)
    if path is None:
        raise InputError(f"a URL of a file names a file and no host; {EXPECTED}")
    target = Path(path[1])
    with refusals(target):
        if "\0" in path[1] or not target.is_file():
            raise TargetError(f"{shown(target)}: there is no such file")
        os.access(target, os.R_OK)
    return target


@contextmanager
def _duckdb(url: str) -> Iterator[duckdb.DuckDBPyConnection]:
    target = _file(url)
    try:
        with duckdb.connect(str(target), read_only=True) as connection:
            connection.execute("BEGIN")
            yield connection
    except duckdb.Error as error:
        raise TargetError(f"{shown(target)}: {_reason(error)}") from error


@contextmanager
def _sqlite(url: str) -> Iterator[sqlite3.Connection]:
    target = _file(url)
    try:
        place = f"file:{quote(os.fsencode(target.absolute()))}?mode=ro"
        with closing(sqlite3.connect(place, uri=True, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            yield connection
    except sqlite3.Error as error:
        raise TargetError(f"{shown(target)}: {_reason(error)}") from error


@contextmanager
def _postgresql(url: str) -> Iterator[Any]:
    try:
        import psycopg  # noqa: PLC0415 - only where a PostgreSQL database is read
    except ImportError:
        raise TargetError("PostgreSQL needs the package psycopg: pip install 'seedbed[postgresql]'") from None
    try:
        connection = psycopg.connect(url, connect_timeout=10)
    except psycopg.ProgrammingError:
        raise InputError("not a PostgreSQL URL that its client library understands") from None
    except psycopg.Error as error:
        raise TargetError(f"PostgreSQL: {_without_password(_reason(error), url)}") from None
    try:
        with closing(connection):
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.execute("SET LOCAL client_encoding = 'UTF8'")
            yield connection
    except psycopg.Error as error:
        raise TargetError(f"PostgreSQL: {_without_password(_reason(error), url)}") from None


OPENERS = {
    "duckdb": (_duckdb, "duckdb"),
    "sqlite": (_sqlite, "sqlite"),
    "postgresql": (_postgresql, "postgresql"),
    "postgres": (_postgresql, "postgresql"),
}


def _reason(error: Exception) -> str:
    return one_line((str(error).splitlines() or [type(error).__name__])[0])


def _without_password(text: str, url: str) -> str:
    try:
        password = urlsplit(url).password
    except ValueError:
        return "the connection failed"
    for secret in (password, unquote(password)) if password else ():
        text = text.replace(secret, "…")
    return text


def table_names(database: Database) -> set[str]:
    """The names of all tables that an unqualified name can mean."""
    return {name for (name,) in database.rows(CATALOGUES[database.dialect])}


def the_instance(database: Database, wanted: str | None) -> str:
    """The instance that is meant, of those that have all their tables in the database.

    Raises `InputError` where it is not there, or where several are and none is named.
    """
    names, suffix = table_names(database), f"_{DATASET.name}"
    found = sorted(
        name.removesuffix(suffix)
        for name in names
        if name.endswith(suffix) and {f"{name.removesuffix(suffix)}_{table.name}" for table in TABLES} <= names
    )
    if wanted in found:
        return str(wanted)
    if wanted is None and len(found) == 1:
        return found[0]
    there = f"it has {one_line(', '.join(found))}" if found else "it has none"
    raise InputError(f"an instance that is in the database has to be named; {there}")


def stored_facts(database: Database, instance: str) -> dict[str, Any] | None:
    """The one row of an instance's dataset table by column, or None where it is empty."""
    columns = [column.name for column in DATASET.columns]
    selected = ", ".join(double_quoted(name) for name in columns)
    rows = database.rows(f"SELECT {selected} FROM {double_quoted(table_name(instance, DATASET))}")
    return dict(zip(columns, rows[0], strict=True)) if rows else None


def stored_bank(database: Database, instance: str) -> Bank:
    """The bank as the dataset row of an instance holds it. Raises `InputError` where there is none."""
    facts, table = stored_facts(database, instance), table_name(instance, DATASET)
    if facts is None:
        raise InputError(f"{table} has no row that says which bank this is; give --bank")
    return parse_instance_text(facts["bank"], f"{table}.bank")
