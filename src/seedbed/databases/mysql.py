"""MariaDB and MySQL: DDL commits by itself there, so tables are made under a staging name and renamed in one step."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial

import pyarrow as pa

from seedbed.connect import Database
from seedbed.databases.drivers import MysqlConnection, mysql_connection
from seedbed.databases.session import LOCK_SECONDS, AnswerLostError, lock_key
from seedbed.databases.urls import Address
from seedbed.errors import TargetError
from seedbed.ledger.columns import Table
from seedbed.write.alongside import Alongside
from seedbed.write.dialects import DIALECTS, table_name
from seedbed.write.schema import closing_statements, opening_statements
from seedbed.write.text import ROWS, RowText

__all__ = ["mysql_session"]

LOAD = "LOAD DATA LOCAL INFILE '{path}' INTO TABLE {name} CHARACTER SET utf8mb4"
SETTINGS = (
    f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}",
    f"SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}",
)


class MysqlSession:
    """One connection of PyMySQL."""

    def __init__(self, connection: MysqlConnection) -> None:
        self._connection = connection
        self._dialect = DIALECTS[connection.dialect]
        self.database = Database(connection.dialect, connection)

    def lock(self, instance: str) -> None:
        """A named lock on the instance in this database; the server gives it up with the connection."""
        [(schema,)] = self.database.rows("SELECT DATABASE()")
        name = f"seedbed.{lock_key(schema, instance).hex()}"
        if self.database.rows(f"SELECT GET_LOCK('{name}', {LOCK_SECONDS})") != [(1,)]:
            raise TargetError(f"another load of {instance} is running")

    def begin(self, instance: str) -> None:
        """Takes away what an earlier load left under the staging name."""
        for statement in opening_statements(instance, self._dialect):
            self.run(statement)

    def run(self, statement: str) -> None:
        """One statement."""
        self._connection.execute(statement)

    def insert(self, instance: str, table: Table, rows: pa.Table) -> None:
        """LOAD DATA LOCAL from a pipe, into which the text goes while the server takes it in."""
        name = self._dialect.quoted(table_name(instance, table))
        reading, writing = os.pipe()
        piping = Alongside(partial(_pipe, writing, RowText(ROWS, table, name), rows))
        try:
            self.run(LOAD.format(path=f"/dev/fd/{reading}", name=name))
        finally:
            # Whoever still writes is told that nobody reads any more.
            os.close(reading)
            piping.wait()
        piping.result()

    def commit(self, instance: str, names: Sequence[str]) -> None:
        """The renaming; raises `AnswerLostError` where no answer comes."""
        import pymysql  # noqa: PLC0415 - it is there, the connection is its own

        try:
            for statement in closing_statements(instance, self._dialect, names):
                self.run(statement)
        except (pymysql.err.OperationalError, pymysql.err.InterfaceError) as error:
            if not self._connection.raw.open:
                raise AnswerLostError from error
            raise

    def rollback(self, instance: str) -> None:
        """Removes the staged tables."""
        with suppress(Exception):
            for statement in opening_statements(instance, self._dialect):
                self.run(statement)


def _pipe(writing: int, text: RowText, rows: pa.Table) -> None:
    with os.fdopen(writing, "wb") as pipe:
        for chunk in text.whole(rows):
            pipe.write(chunk)


@contextmanager
def mysql_session(address: Address) -> Iterator[MysqlSession]:
    """A session that ends with its block; what the server refuses is a `TargetError` of one line."""
    with mysql_connection(address) as connection:
        for statement in SETTINGS:
            connection.execute(statement)
        yield MysqlSession(connection)
