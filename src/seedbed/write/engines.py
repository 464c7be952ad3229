"""The engines, one row each: their URLs, their catalogue queries, and the code that talks to them.

A row names its code, which is imported when it is used. So a script does not wait for the driver of a database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

__all__ = ["ENGINES", "Engine", "engine_of", "imported"]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One engine.

    Its URLs begin with one of `schemes`. An engine of files has no server; `suffixes` are the suffixes of its files.
    `password_variable` is the environment variable in which the engine's own clients look for a password. `dialects`
    are the dialects that a connection may turn out to use.

    `tables` and `relations` are queries of the catalogue. `tables` gives the names of tables. `relations` gives the
    lower-case name and the sort (TABLE, VIEW, MATERIALIZED VIEW) of each table and view that an unqualified name can
    mean. `placeholder` stands for a value in a query of the dashboard; None if the dashboard cannot read the engine.

    The other fields name functions as "module:name". `session` opens a connection to load (`databases/session.py`).
    `opener` opens a connection to read; None if Seedbed only loads the engine. `rows` reads a table as Arrow tables.
    `definition` tells whether a view is defined as its text. `row_sum` adds up a hash of each row of a query.
    """

    name: str
    dialects: tuple[str, ...]
    schemes: tuple[str, ...]
    suffixes: tuple[str, ...] = ()
    password_variable: str | None = None
    tables: str
    relations: str
    placeholder: str | None = None
    session: str
    opener: str | None
    rows: str
    definition: str
    row_sum: str

    @property
    def is_file(self) -> bool:
        """Whether a database is a file."""
        return bool(self.suffixes)

    @property
    def format(self) -> str:
        """The name of the format that loads this engine. It differs from the name of the engine's script."""
        return f"{self.name}-{'file' if self.is_file else 'database'}"


ENGINES: Mapping[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine(
            name="duckdb",
            dialects=("duckdb",),
            schemes=("duckdb",),
            suffixes=(".duckdb",),
            tables="SELECT table_name FROM duckdb_tables()",
            relations="SELECT lower(table_name), CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END"
            " FROM information_schema.tables"
            " WHERE table_catalog = current_database() AND table_schema = current_schema()",
            placeholder="?",
            session="seedbed.databases.duckdb_file:duckdb_session",
            opener="seedbed.databases.reader:read_duckdb",
            rows="seedbed.databases.arrow_rows:duckdb_rows",
            definition="seedbed.databases.definitions:same_parsed_text",
            row_sum="seedbed.checks.filled:duckdb_sum",
        ),
        Engine(
            name="sqlite",
            dialects=("sqlite",),
            schemes=("sqlite",),
            suffixes=(".sqlite", ".sqlite3"),
            tables="SELECT name FROM sqlite_master WHERE type = 'table'",
            relations="SELECT lower(name), upper(type) FROM sqlite_master WHERE type IN ('table', 'view')",
            placeholder="?",
            session="seedbed.databases.sqlite:sqlite_session",
            opener="seedbed.databases.reader:read_sqlite",
            rows="seedbed.databases.arrow_rows:sqlite_rows",
            definition="seedbed.databases.definitions:same_text",
            row_sum="seedbed.checks.filled:sqlite_sum",
        ),
        Engine(
            name="postgresql",
            dialects=("postgresql",),
            schemes=("postgresql", "postgres"),
            password_variable="PGPASSWORD",
            tables="SELECT tablename FROM pg_tables WHERE schemaname = ANY(current_schemas(false))",
            relations="SELECT relname,"
            " CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END"
            " FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f')"
            " AND relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname = ANY(current_schemas(false)))",
            placeholder="%s",
            session="seedbed.databases.postgresql:postgresql_session",
            opener="seedbed.databases.reader:read_postgresql",
            rows="seedbed.databases.arrow_rows:postgresql_rows",
            definition="seedbed.databases.definitions:same_plan",
            row_sum="seedbed.checks.filled:postgresql_sum",
        ),
        Engine(
            name="mysql",
            dialects=("mysql", "mariadb"),
            schemes=("mysql", "mariadb"),
            password_variable="MYSQL_PWD",
            tables="SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
            relations="SELECT lower(table_name), CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END"
            " FROM information_schema.tables WHERE table_schema = DATABASE()",
            session="seedbed.databases.mysql:mysql_session",
            opener="seedbed.databases.reader:read_mysql",
            rows="seedbed.databases.arrow_rows:mysql_rows",
            # Every view is stored as a table there.
            definition="seedbed.databases.definitions:no_definition",
            row_sum="seedbed.checks.filled:mysql_sum",
        ),
        Engine(
            name="oracle",
            dialects=("oracle",),
            schemes=("oracle",),
            tables="SELECT LOWER(table_name) FROM user_tables",
            relations="SELECT LOWER(table_name), 'TABLE' FROM user_tables"
            " UNION ALL SELECT LOWER(view_name), 'VIEW' FROM user_views",
            session="seedbed.databases.oracle:oracle_session",
            opener=None,
            rows="seedbed.databases.arrow_rows:oracle_rows",
            definition="seedbed.databases.definitions:no_definition",
            row_sum="",
        ),
    )
}


def engine_of(dialect: str) -> Engine:
    """The engine that uses a dialect."""
    return next(engine for engine in ENGINES.values() if dialect in engine.dialects)


def imported(home: str) -> Any:
    """The function that "module:name" names."""
    module, _, name = home.partition(":")
    return getattr(import_module(module), name)
