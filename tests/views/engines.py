"""The four engines side by side: a feed goes in, and a view's rows come out once all engines agree on them."""

import sqlite3
import subprocess
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import duckdb
import psycopg
import pymysql

from seedbed.ledger.dataset import Dataset, Part
from seedbed.views import EXCEPTION_VIEWS, VIEWS, drop_view_statements, refresh_statements, view_statements
from seedbed.write import DIALECTS, emit_sql
from seedbed.write.schema import drop_statements, schema_statements

from .feed import Feed

__all__ = ["ENGINES", "Engine", "Engines", "agreed", "plain_rows"]

Row = dict[str, Any]


class Cursor(Protocol):
    """What all drivers' results have."""

    description: Any

    def fetchall(self) -> list[Any]:
        """All rows."""


class Engine:
    """One connection; `execute` takes a statement and values for its question marks."""

    def __init__(self, dialect: str, connection: Any) -> None:
        self.dialect = dialect
        self.connection = connection

    def execute(self, sql: str, *values: Any) -> Cursor:
        if self.dialect in ("postgresql", "mariadb") and values:
            sql = sql.replace("?", "%s")
        if self.dialect == "mariadb":
            cursor: Cursor = self.connection.cursor()
            cursor.execute(sql, values or None)  # type: ignore[attr-defined]
            return cursor
        result: Cursor = self.connection.execute(sql, values) if values else self.connection.execute(sql)
        return result

    def run(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self.execute(statement)

    def fill(self, feed: Feed) -> None:
        """A feed's rows into empty tables, and the views refreshed."""
        for table in ("transactions", "daily_balances", "dataset"):
            rows = feed.dataset() if table == "dataset" else getattr(feed, table)
            for row in rows:
                columns = ", ".join(f'"{name}"' for name in row)
                marks = ", ".join("?" * len(row))
                self.execute(
                    f'INSERT INTO "{feed.bank.instance}_{table}" ({columns}) VALUES ({marks})', *row.values()
                )
        self.run(refresh_statements(feed.bank, self.dialect))

    def load(self, parts: Sequence[Part], dataset: Dataset, server: tuple[Path, str], folder: Path) -> None:
        """A generated ledger by its script, as a user loads it."""
        script = emit_sql(parts, dataset, self.dialect, folder / "data")
        if self.dialect in ("postgresql", "mariadb"):
            (folder / "script.sql").write_text(script, encoding="utf-8")
            command = [server[0], "-X", "-q", "-f", folder / "script.sql", server[1]]
            if self.dialect == "mariadb":
                command = ["mariadb", "--no-defaults", f"--socket={self.connection.unix_socket}", "-uroot", "bank"]
            with (folder / "script.sql").open("rb") as stream:
                done = subprocess.run(command, stdin=stream, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, "")
        elif self.dialect == "sqlite":
            self.connection.executescript(script)
        else:
            self.execute(f"SET file_search_path = '{folder / 'data'}'")
            self.execute(script)

    def rows(self, name: str) -> list[Row]:
        """The rows of a table or view, in plain values, sorted."""
        result = self.execute(f'SELECT * FROM "{name}"')
        return plain_rows([str(column[0]) for column in result.description], result.fetchall())


def plain_rows(columns: list[str], rows: Iterable[Any]) -> list[Row]:
    """Rows as dictionaries of whole numbers, floats to four places, text and None, in one order."""
    found = [dict(zip(columns, map(_plain, row), strict=True)) for row in rows]
    return sorted(found, key=lambda row: [str(value) for value in row.values()])


def _plain(value: Any) -> Any:
    if value is None or type(value) in (str, int):
        return value
    if isinstance(value, Decimal | float):
        return int(value) if value == int(value) else round(float(value), 4)
    return str(value) if isinstance(value, date | datetime) else value


def _mariadb(socket: str) -> Any:
    """A connection in which names stand in double quotes, as in the other engines."""
    connection = pymysql.connect(unix_socket=socket, user="root", database="bank", autocommit=True)
    for statement in DIALECTS["mariadb"].session:
        connection.cursor().execute(statement)
    return connection


# What a connection is made from: the PostgreSQL server's URI and the MariaDB server's socket.
ENGINES: dict[str, Callable[[str, str], Any]] = {
    "duckdb": lambda _uri, _socket: duckdb.connect(),
    "sqlite": lambda _uri, _socket: sqlite3.connect(":memory:", isolation_level=None),
    "postgresql": lambda uri, _: psycopg.connect(uri, autocommit=True, prepare_threshold=None),
    "mariadb": lambda _, socket: _mariadb(socket),
}


class Engines:
    """All engines; what is asked of a feed is asked of each, and the answers must be the same."""

    def __init__(self, engines: list[Engine]) -> None:
        self.engines = engines

    def load(self, feed: Feed) -> None:
        """Replaces all of the bank: tables and views, empty, then the rows, then a refresh."""
        for engine in self.engines:
            engine.run(drop_statements(feed.bank.instance, engine.dialect))
            engine.run(schema_statements(feed.bank, engine.dialect))
            engine.fill(feed)

    def view(self, feed: Feed, name: str) -> list[Row]:
        """The rows of one view on a feed."""
        self.load(feed)
        return self.agreed(f"{feed.bank.instance}_{name}")

    def agreed(self, name: str) -> list[Row]:
        """The rows of a table or view that all engines have."""
        return agreed({engine.dialect: engine.rows(name) for engine in self.engines}, name)

    def exceptions(self, feed: Feed) -> dict[str, list[str]]:
        """The keys in every exception view that has rows."""
        self.load(feed)
        found = {name: self.agreed(f"{feed.bank.instance}_{name}") for name in EXCEPTION_VIEWS}
        return {name: [row["view_key"] for row in rows] for name, rows in found.items() if rows}

    def recreate(self, feed: Feed) -> None:
        """The views dropped twice and created again on the rows that are there."""
        for engine in self.engines:
            for _ in range(2):
                engine.run(drop_view_statements(feed.bank.instance, engine.dialect))
            engine.run(view_statements(feed.bank, engine.dialect))

    def everything(self, instance: str) -> dict[str, list[Row]]:
        """The rows of every view."""
        return {view.name: self.agreed(f"{instance}_{view.name}") for view in VIEWS}


def agreed(answers: dict[str, list[Row]], name: str) -> list[Row]:
    """The answer that all engines gave."""
    (first, expected), *others = answers.items()
    for dialect, rows in others:
        assert [list(row) for row in rows] == [list(row) for row in expected], (
            f"{name}: columns, {dialect} and {first}"
        )
        assert rows == expected, f"{name}: {dialect} and {first} differ"
    return expected
