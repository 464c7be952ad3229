"""PostgreSQL: a load is one transaction, and rows go through COPY."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import Any

import pyarrow as pa

from seedbed.databases.drivers import refusing, server_connection
from seedbed.databases.reader import Database
from seedbed.databases.session import LOCK_SECONDS, AnswerLostError, lock_key, wait_for_lock
from seedbed.ledger.columns import Table
from seedbed.write.background import BackgroundCall
from seedbed.write.dialects import DIALECTS, table_name
from seedbed.write.text import ROWS, RowText
from seedbed.write.urls import DatabaseUrl

__all__ = ["postgresql_session"]

DIALECT = DIALECTS["postgresql"]
SETTINGS = (
    # The settings that a script fixes within its transaction. Here they apply before it, too: old rows are read then.
    *(statement.replace("SET LOCAL", "SET SESSION") for statement in DIALECT.session),
    f"SET lock_timeout = '{LOCK_SECONDS}s'",
    # Indexes are sorted in memory; the server's own default is 64 MB.
    "SET maintenance_work_mem = '256MB'",
    # The server notices within a second that a killed client is gone, also while it builds an index.
    "SET client_connection_check_interval = '1s'",
)


class PostgresqlSession:
    """One connection of psycopg."""

    def __init__(self, connection: Any, schema: str) -> None:
        self._connection = connection
        self._schema = schema
        self.database = Database("postgresql", connection)

    def lock(self, instance: str) -> None:
        """Takes an advisory lock on the instance in the schema of unqualified names, which may not exist yet."""
        [(schema,)] = self.database.rows("SELECT current_schema()")
        key = int.from_bytes(lock_key(schema or self._schema, instance), "big", signed=True)
        wait_for_lock(instance, lambda: bool(self.database.rows(f"SELECT pg_try_advisory_lock({key})")[0][0]))

    def begin(self, instance: str) -> None:
        """Begins a transaction, which includes all DDL. Creates the schema if it is missing."""
        self.run(DIALECT.begin)
        # Not IF NOT EXISTS: for that a user needs the right to create a schema, even if the schema exists.
        if self._schema and self.database.rows("SELECT current_schema() IS NULL") == [(True,)]:
            self.run(f"CREATE SCHEMA {DIALECT.quoted(self._schema)}")

    def run(self, statement: str) -> None:
        """One statement."""
        self._connection.execute(statement)

    def insert(self, instance: str, table: Table, rows: pa.Table) -> None:
        """COPY with FREEZE, so that readers need not check the transaction. This transaction made the table."""
        name = DIALECT.quoted(table_name(instance, table))
        with self._connection.cursor().copy(f"COPY {name} FROM STDIN (FREEZE)") as copy:
            writing: BackgroundCall[None] | None = None
            try:
                for chunk in RowText(ROWS, table, name).whole(rows):
                    if writing:
                        writing.result()
                    writing = BackgroundCall(partial(copy.write, chunk))
            finally:
                if writing:
                    writing.wait()
            if writing:
                writing.result()

    def commit(self, instance: str, names: Sequence[str]) -> None:
        """COMMIT. Raises `AnswerLostError` if no answer comes."""
        import psycopg  # noqa: PLC0415 - it is there, the connection is its own

        try:
            self._connection.execute("COMMIT")
        except psycopg.OperationalError as error:
            if self._connection.closed or self._connection.broken:
                raise AnswerLostError from error
            raise

    def rollback(self, instance: str) -> None:
        """ROLLBACK. A lost connection does this by itself."""
        with suppress(Exception):
            self._connection.execute("ROLLBACK")


@contextmanager
def postgresql_session(database_url: DatabaseUrl) -> Iterator[PostgresqlSession]:
    """A session that ends with its block. An error of the server becomes a one-line `TargetError`."""
    with closing(server_connection(database_url)) as connection, refusing(database_url):
        for statement in SETTINGS:
            with suppress(connection.DataError, connection.NotSupportedError, connection.ProgrammingError):
                connection.execute(statement)
        yield PostgresqlSession(connection, database_url.schema)
