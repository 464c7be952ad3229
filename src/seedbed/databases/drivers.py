"""The drivers of the server engines: one row each, imported on first use, with errors in one line."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from seedbed.errors import InputError, TargetError, one_line
from seedbed.extras import install_command
from seedbed.ledger.sql import double_quoted
from seedbed.write.dialects import DIALECTS, MYSQL_MODE
from seedbed.write.urls import DatabaseUrl

__all__ = [
    "DRIVERS",
    "Driver",
    "MysqlConnection",
    "mysql_connection",
    "refusing",
    "server_connection",
]

CONNECT_SECONDS = 10
# Part of a server's message → the remedy.
REMEDIES: Mapping[str, str] = {
    # Since PostgreSQL 15 this is the usual state of a role that does not own its database.
    "permission denied for schema": "GRANT CREATE ON SCHEMA … TO the user, or a schema of its own: "
    "?schema=NAME at the end of the URL",
    "no schema has been selected to create in": "make the schema that the search_path names",
}
# Oracle's messages contain the id of the connection attempt, which is always different.
CONNECTION_ID = re.compile(r" \(CONNECTION_ID=[^)]*\)")
MYSQL_OPTIONS = {"unix_socket": "unix_socket", "socket": "unix_socket", "ssl_ca": "ssl_ca"}


@dataclass(frozen=True, kw_only=True)
class Driver:
    """One engine's driver: its display name, its module, its extra, its function to connect, its errors."""

    shown: str
    module: str
    extra: str
    connect: Callable[[Any, DatabaseUrl], Any]
    error: str

    def loaded(self) -> Any:
        """The driver's module. If it is missing, the `TargetError` tells how to install it."""
        try:
            return import_module(self.module)
        except ImportError:
            hint = install_command(self.extra)
            raise TargetError(f"{self.shown} needs the package {self.module}: {hint}") from None


def _postgresql(psycopg: Any, database_url: DatabaseUrl) -> Any:
    known = {"connect_timeout": CONNECT_SECONDS, "application_name": "seedbed", **database_url.options}
    named = {
        "host": database_url.host,
        "port": database_url.port,
        "user": database_url.user,
        "dbname": database_url.database,
        "password": database_url.password,
    }
    known |= {name: value for name, value in named.items() if value}
    known["client_encoding"] = "UTF8"
    connection = psycopg.connect(**known, autocommit=True, prepare_threshold=None)
    if database_url.schema:
        # Names without a schema then refer to this one, even before it exists.
        connection.execute(f"SET search_path TO {double_quoted(database_url.schema)}")
    return connection


def _mysql(pymysql: Any, database_url: DatabaseUrl) -> Any:
    unknown = database_url.options.keys() - MYSQL_OPTIONS.keys()
    if not database_url.database:
        raise InputError("the URL names no database: mysql://USER@HOST:PORT/DATABASE")
    if unknown:
        raise InputError(f"a mysql URL takes only the options {', '.join(MYSQL_OPTIONS)}")
    options = {MYSQL_OPTIONS[name]: value for name, value in database_url.options.items()}
    return pymysql.connect(
        host=database_url.host or "localhost",
        port=database_url.port or 3306,
        user=database_url.user or None,
        password=(database_url.password or "").encode(),
        database=database_url.database,
        charset="utf8mb4",
        sql_mode=MYSQL_MODE,
        connect_timeout=CONNECT_SECONDS,
        local_infile=True,
        autocommit=True,
        **options,
    )


def _oracle(oracledb: Any, database_url: DatabaseUrl) -> Any:
    if database_url.options or not database_url.database:
        raise InputError("an oracle URL names a service, and takes no options: oracle://USER@HOST:PORT/SERVICE")
    return oracledb.connect(
        user=database_url.user,
        password=database_url.password or "",
        host=database_url.host or "localhost",
        port=database_url.port or 1521,
        service_name=database_url.database,
        tcp_connect_timeout=CONNECT_SECONDS,
    )


DRIVERS: Mapping[str, Driver] = {
    "postgresql": Driver(
        shown="PostgreSQL", module="psycopg", extra="postgresql", connect=_postgresql, error="Error"
    ),
    "mysql": Driver(shown="MySQL", module="pymysql", extra="mysql", connect=_mysql, error="MySQLError"),
    "oracle": Driver(shown="Oracle", module="oracledb", extra="oracle", connect=_oracle, error="Error"),
}


@contextmanager
def refusing(database_url: DatabaseUrl) -> Iterator[None]:
    """Turns an error of a server's driver into a `TargetError` of one line, without the password."""
    driver = DRIVERS[database_url.engine]
    module = driver.loaded()
    try:
        yield
    except (getattr(module, driver.error), OSError) as error:
        # `from None`: the driver's own message may contain the password.
        raise TargetError(f"{driver.shown}: {_reason(error, database_url)}") from None


def server_connection(database_url: DatabaseUrl) -> Any:
    """A new connection of the engine's driver. Each statement commits by itself until a transaction begins.

    Raises a one-line `TargetError`, and `InputError` for options that the driver does not know.
    """
    driver = DRIVERS[database_url.engine]
    module = driver.loaded()
    try:
        return driver.connect(module, database_url)
    except (InputError, TargetError):
        raise
    except (TypeError, ValueError, getattr(module, "ProgrammingError", TypeError)):
        raise InputError(f"not a {driver.shown} URL that its driver accepts") from None
    except (getattr(module, driver.error), OSError) as error:
        raise TargetError(f"{driver.shown}: {_reason(error, database_url)}") from None


class MysqlConnection:
    """A PyMySQL connection with an `execute` that returns a cursor, like the other drivers."""

    def __init__(self, connection: Any) -> None:
        self.raw = connection
        # Whether a statement was sent whose answer has not been read.
        self.is_broken_off = False
        self.dialect = "mariadb" if "mariadb" in connection.get_server_info().lower() else "mysql"

    def execute(self, sql: str | bytes) -> Any:
        """Runs one statement and fetches all of its rows."""
        cursor = self.raw.cursor()
        self.is_broken_off = True
        try:
            cursor.execute(sql)
            self.is_broken_off = False
        except import_module("pymysql").err.MySQLError:
            self.is_broken_off = not self.raw.open
            raise
        except AttributeError:
            # After a connection is lost within LOAD DATA, PyMySQL sets it to None and fails with this error.
            if self.raw.open:
                raise
            raise import_module("pymysql").err.OperationalError(2013, "the connection was lost") from None
        return cursor

    def stream(self, sql: str) -> Any:
        """Runs one query whose rows arrive as they are fetched. Fetch all of them before the next statement."""
        self.is_broken_off = True
        cursor = self.raw.cursor(import_module("pymysql.cursors").SSCursor)
        cursor.execute(sql)
        return cursor


@contextmanager
def mysql_connection(database_url: DatabaseUrl) -> Iterator[MysqlConnection]:
    """A MySQL or MariaDB connection whose texts compare byte by byte, as in the other engines."""
    with closing(server_connection(database_url)) as raw, refusing(database_url):
        connection = MysqlConnection(raw)
        for statement in DIALECTS[connection.dialect].session:
            connection.execute(statement)
        yield connection


def _reason(error: BaseException, database_url: DatabaseUrl) -> str:
    """The first line of the driver's message. MySQL's error has a number and a text."""
    words = error.args[1] if len(error.args) == 2 and isinstance(error.args[0], int) else str(error)
    lines = str(words).strip().splitlines() or [type(error).__name__]
    remedy = next((f"; {remedy}" for said, remedy in REMEDIES.items() if said in lines[0]), "")
    return one_line(database_url.scrubbed(CONNECTION_ID.sub("", lines[0]))) + remedy
