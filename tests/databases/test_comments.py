"""Tables and columns are described in the databases, in the words of the column contract."""

from pathlib import Path

import duckdb
import psycopg
import pytest

import seedbed
from seedbed.databases.drivers import mysql_connection
from seedbed.write.dialects import DIALECTS, create_table, finish_table
from seedbed.write.facts import STORED
from seedbed.write.urls import parse_database_url
from tests.databases.servers import Server

BANK = "spec_example"
WANTED = {f"{BANK}_{table.name}": table.about for table in STORED}
WANTED_COLUMNS = {(f"{BANK}_{table.name}", column.name): column.about for table in STORED for column in table.columns}


@pytest.fixture(scope="module")
def ledger() -> seedbed.Ledger:
    return seedbed.generate(BANK, window_days=5)


@pytest.mark.parametrize("table", STORED, ids=lambda table: table.name)
def test_every_table_and_column_is_described(table: object) -> None:
    for about in (table.about, *(column.about for column in table.columns)):  # type: ignore[attr-defined]
        # A script is split at semicolons by some clients.
        assert about.endswith(".") and ";" not in about and "'" not in about


def test_duckdb_has_the_descriptions(ledger: seedbed.Ledger, tmp_path: Path) -> None:
    seedbed.load(ledger, tmp_path / "x.duckdb")
    with duckdb.connect(str(tmp_path / "x.duckdb"), read_only=True) as connection:
        tables = connection.execute("SELECT table_name, comment FROM duckdb_tables() WHERE comment IS NOT NULL")
        assert dict(tables.fetchall()) == WANTED
        columns = connection.execute(
            "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE comment IS NOT NULL"
        )
        assert {(table, column): about for table, column, about in columns.fetchall()} == WANTED_COLUMNS


def test_postgresql_has_the_descriptions(ledger: seedbed.Ledger, postgres: Server) -> None:
    seedbed.load(ledger, postgres.url)
    with psycopg.connect(postgres.url) as connection:
        rows = connection.execute(
            "SELECT relname, attname, description FROM pg_description JOIN pg_class ON objoid = pg_class.oid"
            " LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND objsubid > 0"
            " WHERE relname LIKE %s AND relkind = 'r'",
            (f"{BANK}%",),
        ).fetchall()
    assert {table: about for table, column, about in rows if column is None} == WANTED
    assert {(table, column): about for table, column, about in rows if column is not None} == WANTED_COLUMNS


def test_mariadb_has_the_descriptions_after_the_tables_were_renamed(ledger: seedbed.Ledger, mariadb: Server) -> None:
    seedbed.load(ledger, mariadb.url)
    names = ", ".join(f"'{name}'" for name in WANTED)
    with mysql_connection(parse_database_url(mariadb.url)) as connection:
        tables = connection.execute(
            "SELECT table_name, table_comment FROM information_schema.tables"
            f" WHERE table_schema = DATABASE() AND table_name IN ({names})"
        ).fetchall()
        columns = connection.execute(
            "SELECT table_name, column_name, column_comment FROM information_schema.columns"
            f" WHERE table_schema = DATABASE() AND table_name IN ({names})"
        ).fetchall()
    assert dict(tables) == WANTED
    assert {(table, column): about for table, column, about in columns} == WANTED_COLUMNS


@pytest.mark.parametrize("name", ["sqlite", "oracle"])
def test_engines_without_comments_get_none(name: str) -> None:
    dialect = DIALECTS[name]
    statements = [
        s for table in STORED for s in (create_table("x", table, dialect), *finish_table("x", table, dialect))
    ]
    assert not any("COMMENT" in statement for statement in statements)
