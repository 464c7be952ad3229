"""MariaDB and MySQL. DDL commits by itself there, so tables are made under a staging name and renamed in one step.

Rows go through a pipe that the server reads by LOAD DATA LOCAL. If the server does not allow that (MySQL's default),
rows go as INSERT statements.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import pyarrow as pa

from seedbed.databases.definitions import relation_kinds
from seedbed.databases.drivers import MysqlConnection, mysql_connection
from seedbed.databases.reader import Database
from seedbed.databases.session import LOCK_SECONDS, AnswerLostError, lock_key
from seedbed.errors import TargetError
from seedbed.ledger.columns import Table
from seedbed.write.background import BackgroundCall
from seedbed.write.dialects import DIALECTS, table_name
from seedbed.write.schema import closing_statements, object_names, opening_statements
from seedbed.write.text import BACKSLASHED_INSERT, ROWS, RowText
from seedbed.write.urls import DatabaseUrl

__all__ = ["mysql_session"]

LOAD = "LOAD DATA LOCAL INFILE '{path}' INTO TABLE {name} CHARACTER SET utf8mb4"
# Every slice of rows has its own statement, which is far smaller than the limit of servers.
INSERT = replace(BACKSLASHED_INSERT, cut="", closing="")
INSERTED_ROWS = 256
# The folder in which a process finds its own pipes as files. Windows has no such folder.
PIPES = Path("/dev/fd")
SETTINGS = (
    f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}",
    f"SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}",
)


class MysqlSession:
    """One connection of PyMySQL."""

    def __init__(self, connection: MysqlConnection, database_url: DatabaseUrl) -> None:
        self._connection = connection
        self._database_url = database_url
        self._dialect = DIALECTS[connection.dialect]
        self.database = Database(connection.dialect, connection)

    def lock(self, instance: str) -> None:
        """Takes a named lock on the instance in this database. The server releases it with the connection."""
        [(schema,)] = self.database.rows("SELECT DATABASE()")
        name = f"seedbed.{lock_key(schema, instance).hex()}"
        if self.database.rows(f"SELECT GET_LOCK('{name}', {LOCK_SECONDS})") != [(1,)]:
            raise TargetError(f"another load of {instance} is running")

    def begin(self, instance: str) -> None:
        """Removes tables that an earlier load left under the staging name, and views where tables should be.

        A view with one of the names would be renamed with the old tables, but not dropped with them.
        """
        self._clear(instance)
        kinds = relation_kinds(self.database)
        for name in object_names(instance):
            if kinds.get(name) == "VIEW":
                self.run(f"DROP VIEW {self._dialect.quoted(name)}")

    def run(self, statement: str) -> None:
        """One statement."""
        self._connection.execute(statement)

    @cached_property
    def _takes_files(self) -> bool:
        """Whether the server allows LOAD DATA LOCAL, and this system has named pipes."""
        return PIPES.is_dir() and self.database.rows("SELECT @@GLOBAL.local_infile") == [(1,)]

    def insert(self, instance: str, table: Table, rows: pa.Table) -> None:
        """Adds rows in bulk, by the statement that the server allows."""
        name = self._dialect.quoted(table_name(instance, table))
        if self._takes_files:
            self._load(name, table, rows)
            return
        for start in range(0, rows.num_rows, INSERTED_ROWS):
            text = RowText(INSERT, table, name).whole(rows.slice(start, INSERTED_ROWS))
            self._connection.execute(b"".join(text))

    def _load(self, name: str, table: Table, rows: pa.Table) -> None:
        """LOAD DATA LOCAL from a pipe. The text is written while the server reads it."""
        reading, writing = os.pipe()
        piping = BackgroundCall(partial(_pipe, writing, RowText(ROWS, table, name), rows))
        try:
            self.run(LOAD.format(path=f"{PIPES}/{reading}", name=name))
        finally:
            # This tells the writer that nobody reads any more.
            os.close(reading)
            piping.wait()
        piping.result()

    def commit(self, instance: str, names: Sequence[str]) -> None:
        """Renames all tables in one step. Raises `AnswerLostError` if no answer comes."""
        import pymysql  # noqa: PLC0415 - it is there, the connection is its own

        try:
            for statement in closing_statements(instance, self._dialect, names):
                self.run(statement)
        except (pymysql.err.OperationalError, pymysql.err.InterfaceError) as error:
            if not self._connection.raw.open:
                raise AnswerLostError from error
            raise

    def rollback(self, instance: str) -> None:
        """Removes the staged tables. If a statement was interrupted, it uses another connection.

        The server may still run the interrupted statement, and its answer would be confused with later ones. So the
        server is told to end the old connection, which releases the lock. Another load may take the lock first; it
        then removes the staged tables itself.
        """
        with suppress(Exception):
            if not self._connection.is_broken_off:
                self._clear(instance)
                return
            with mysql_connection(self._database_url) as other:
                with suppress(Exception):
                    other.execute(f"KILL CONNECTION {self._connection.raw.thread_id()}")
                session = MysqlSession(other, self._database_url)
                session.lock(instance)
                session._clear(instance)

    def _clear(self, instance: str) -> None:
        for statement in opening_statements(instance, self._dialect):
            self.run(statement)


def _pipe(writing: int, text: RowText, rows: pa.Table) -> None:
    with os.fdopen(writing, "wb") as pipe:
        for chunk in text.whole(rows):
            pipe.write(chunk)


@contextmanager
def mysql_session(database_url: DatabaseUrl) -> Iterator[MysqlSession]:
    """A session that ends with its block. An error of the server becomes a one-line `TargetError`."""
    with mysql_connection(database_url) as connection:
        for statement in SETTINGS:
            connection.execute(statement)
        yield MysqlSession(connection, database_url)
