"""Oracle. DDL commits by itself there, so rows are staged in separate tables and copied over in one transaction.

Seedbed makes no views for Oracle. The lock needs EXECUTE on DBMS_LOCK.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

import pyarrow as pa

from seedbed.databases.definitions import relation_names
from seedbed.databases.drivers import refusing, server_connection
from seedbed.databases.reader import Database
from seedbed.databases.session import LOCK_SECONDS, AnswerLostError, lock_key
from seedbed.errors import TargetError
from seedbed.ledger.columns import Table
from seedbed.write.dialects import DIALECTS, STAGING_MARK, create_table, drop_table, finish_table, table_name
from seedbed.write.facts import STORED
from seedbed.write.urls import DatabaseUrl

__all__ = ["oracle_session"]

DIALECT = DIALECTS["oracle"]
STAGED = STAGING_MARK
INSERTED_ROWS = 16_384
# Longer texts cannot be bound as text.
BOUND_BYTES = 32_767
EXCLUSIVE = 6
TAKEN = (0, 4)
LOCK_IDS = 1 << 30
QUOTED = re.compile(r"""'(?:[^']|'')*'|"[^"]*\"""")
# The line that SQL*Plus needs after a block, and that a driver rejects.
BLOCK_END = "\n/\n--"


class OracleConnection:
    """A connection of oracledb with an `execute` that returns a cursor and accepts names in lower case."""

    def __init__(self, connection: Any) -> None:
        self.raw = connection

    def execute(self, sql: str) -> Any:
        """Runs one statement. Large texts (CLOBs) are returned as text."""
        capitals = QUOTED.sub(lambda found: found[0].upper() if found[0][0] == '"' else found[0], sql)
        cursor = self.raw.cursor()
        cursor.execute(capitals.removesuffix(BLOCK_END), fetch_lobs=False, fetch_decimals=True)
        return cursor


class OracleSession:
    """One connection of oracledb."""

    def __init__(self, connection: OracleConnection, driver: Any) -> None:
        self._connection = connection
        self._driver = driver
        self.database = Database("oracle", connection)

    def lock(self, instance: str) -> None:
        """Takes a numbered lock on the instance in this schema. The server releases it with the connection."""
        [(schema,)] = self.database.rows("SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM DUAL")
        number = int.from_bytes(lock_key(schema, instance), "big") % LOCK_IDS
        cursor = self._connection.raw.cursor()
        if cursor.callfunc("DBMS_LOCK.REQUEST", int, [number, EXCLUSIVE, LOCK_SECONDS, False]) not in TAKEN:
            raise TargetError(f"another load of {instance} is running")

    def begin(self, instance: str) -> None:
        """Removes tables that an earlier load left under the staging name."""
        for table in STORED:
            self.run(drop_table(f"{instance}{STAGED}", table, DIALECT))

    def run(self, statement: str) -> None:
        """One statement."""
        self._connection.execute(statement)

    def insert(self, instance: str, table: Table, rows: pa.Table) -> None:
        """Runs `executemany` on slices, so that a large part does not become Python objects all at once."""
        name = DIALECT.quoted(table_name(instance, table))
        names = [column.name for column in table.columns]
        statement = f"INSERT INTO {name} VALUES ({', '.join(f':{n}' for n, _ in enumerate(names, 1))})"
        for start in range(0, rows.num_rows, INSERTED_ROWS):
            cells = [rows[name].slice(start, INSERTED_ROWS).to_pylist() for name in names]
            longest = [
                max((len(cell.encode()) for cell in column if isinstance(cell, str)), default=0) for column in cells
            ]
            cursor = self._connection.raw.cursor()
            cursor.setinputsizes(*(self._driver.DB_TYPE_CLOB if size > BOUND_BYTES else None for size in longest))
            cursor.executemany(statement, list(zip(*cells, strict=True)))

    def commit(self, instance: str, names: Sequence[str]) -> None:
        """Replaces all old rows by the staged rows in one transaction. Raises `AnswerLostError` without an answer.

        Missing tables are made before, empty. If nothing is staged, the old tables are dropped.
        """
        there = relation_names(self.database)
        tables = [table for table in STORED if table.name in names]
        staged = [table for table in tables if f"{instance}{STAGED}_{table.name}" in there]
        # The table of facts comes first. It identifies the others as Seedbed's if the process ends in between.
        for table in reversed(staged):
            if f"{instance}_{table.name}" not in there:
                for statement in (create_table(instance, table, DIALECT), *finish_table(instance, table, DIALECT)):
                    self.run(statement)
        for table in staged:
            old, new = (DIALECT.quoted(table_name(name, table)) for name in (instance, f"{instance}{STAGED}"))
            self.run(f"DELETE FROM {old}")
            self.run(f"INSERT INTO {old} SELECT * FROM {new}")
        try:
            self._connection.raw.commit()
        except self._driver.Error as error:
            if not self._connection.raw.is_healthy():
                raise AnswerLostError from error
            raise
        for table in tables:
            self.run(drop_table(f"{instance}{STAGED}" if table in staged else instance, table, DIALECT))

    def rollback(self, instance: str) -> None:
        """Rolls back the copying and removes the staged tables."""
        with suppress(Exception):
            self._connection.raw.rollback()
            self.begin(instance)


@contextmanager
def oracle_session(database_url: DatabaseUrl) -> Iterator[OracleSession]:
    """A session that ends with its block. An error of the server becomes a one-line `TargetError`."""
    with closing(server_connection(database_url)) as raw, refusing(database_url):
        import oracledb  # noqa: PLC0415 - it is there, the connection is its own

        yield OracleSession(OracleConnection(raw), oracledb)
