"""Loads into Oracle, against a stand-in for its driver: DuckDB, committing at every DDL statement as Oracle does."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import oracledb
import pytest

from seedbed.cli.main import run
from seedbed.databases.contents import stored_load_id
from seedbed.databases.definitions import relation_names
from seedbed.databases.loading import clean_data, clean_schema
from seedbed.databases.oracle import OracleConnection
from seedbed.databases.reader import Database
from seedbed.errors import TargetError
from seedbed.extras import install_command
from seedbed.ledger.columns import TABLES
from seedbed.ledger.digest import TableDigest, content_digest
from seedbed.write import parse_url

from .bank import INSTANCE, apply_arguments, load

URL = "oracle://me:s3cret@host/service"
# Oracle's words → DuckDB's.
WORDS = (
    (r"^BEGIN EXECUTE IMMEDIATE 'DROP TABLE (\S+) PURGE'.*", r"DROP TABLE IF EXISTS \1"),
    (r"VARCHAR2\(1000 CHAR\)|CLOB", "VARCHAR"),
    (r"NUMBER\(20,2\)", "DECIMAL(20,2)"),
    (r"NUMBER\(19\)", "DECIMAL(19,0)"),
    (r"TIMESTAMP\(0\)", "TIMESTAMP"),
    (r",\s*CHECK \([^\n]* IS JSON\)", ""),
    (r"\buser_tables\b", "duckdb_tables()"),
    (r"\buser_views\b", "(SELECT '' AS view_name WHERE FALSE)"),
    (r"SYS_CONTEXT\('USERENV', 'CURRENT_SCHEMA'\) FROM DUAL", "'ME'"),
    (r":(\d+)", r"$\1"),
)
DDL = ("CREATE", "DROP", "ALTER")


class RefusalError(Exception):
    """What the stand-in's driver raises."""


class Cursor:
    """A cursor of the stand-in."""

    def __init__(self, connection: "Connection") -> None:
        self.connection = connection

    def callfunc(self, name: str, kind: type, arguments: list[Any]) -> int:
        assert name == "DBMS_LOCK.REQUEST" and 0 <= arguments[0] < 1 << 30
        return self.connection.server.lock_answer

    def setinputsizes(self, *kinds: Any) -> None:
        assert set(kinds) <= {None, "clob"}

    def execute(self, sql: str, rows: Any = None, **options: bool) -> None:
        if self.connection.server.refused and re.search(self.connection.server.refused, sql):
            raise RefusalError(f"ORA-00001: s3cret\n{sql}")
        assert not sql.endswith("--") and not re.search(r'"[^"]*[a-z][^"]*"', re.sub("'[^']*'", "", sql))
        for pattern, word in WORDS:
            sql = re.sub(pattern, word, sql, flags=re.DOTALL if pattern.startswith("^") else 0)
        ddl = sql.startswith(DDL)
        if ddl:
            self.connection.commit()
        if rows is None:
            self.connection.real.execute(sql)
        else:
            self.connection.real.executemany(sql, rows)
        if ddl:
            self.connection.commit()

    def executemany(self, sql: str, rows: list[Any]) -> None:
        self.execute(sql, rows)

    def fetchall(self) -> list[Any]:
        return self.connection.real.fetchall()

    def fetchmany(self, count: int) -> list[Any]:
        return self.connection.real.fetchmany(count)


class Connection:
    """A connection of the stand-in: always within a transaction."""

    def __init__(self, server: "Oracle") -> None:
        self.server = server
        self.real = server.database.cursor()
        self.real.execute("BEGIN")

    def cursor(self) -> Cursor:
        return Cursor(self)

    def commit(self) -> None:
        self.real.execute("COMMIT")
        self.real.execute("BEGIN")

    def rollback(self) -> None:
        self.real.execute("ROLLBACK")
        self.real.execute("BEGIN")

    def is_healthy(self) -> bool:
        return True

    def close(self) -> None:
        self.real.close()


class Oracle:
    """The stand-in: its database, what its lock answers, and a pattern of the statements that it refuses."""

    def __init__(self) -> None:
        self.database = duckdb.connect()
        self.lock_answer = 0
        self.refused = ""

    def names(self) -> set[str]:
        return relation_names(self._reading())

    def held(self) -> tuple[str | None, str]:
        """The load id and the digest of the rows read back."""
        reading = self._reading()
        digests = []
        for table in TABLES:
            total = TableDigest(table)
            for batch in reading.batches(INSTANCE, table):
                total += TableDigest.of(table, batch)
            digests.append(total)
        return stored_load_id(reading, INSTANCE), content_digest(digests)

    def _reading(self) -> Database:
        return Database("oracle", OracleConnection(Connection(self)))


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Oracle]:
    server = Oracle()
    driver = SimpleNamespace(connect=lambda **_: Connection(server), Error=RefusalError, DB_TYPE_CLOB="clob")
    monkeypatch.setitem(sys.modules, "oracledb", driver)
    yield server
    server.database.close()


def test_a_load_is_read_back_kept_and_replaced_whole(oracle: Oracle) -> None:
    reports = [load(URL, name) for name in ("old", "old", "new")]
    assert [report.unchanged for report in reports] == [False, True, False]
    assert oracle.held()[1] == reports[2].digest
    assert oracle.names() == {
        f"{INSTANCE}_{name}" for name in ("transactions", "daily_balances", "answer_key", "dataset")
    }


@pytest.mark.parametrize(
    "refused", [r'^INSERT INTO "SPEC_EXAMPLE_DATASET" SELECT', "^CREATE INDEX", r"^INSERT.*VALUES"]
)
def test_a_refused_statement_leaves_the_old_rows_and_one_line(oracle: Oracle, refused: str) -> None:
    load(URL, "old")
    before = oracle.held(), oracle.names()
    oracle.refused = refused
    with pytest.raises(TargetError) as refusal:
        load(URL, "new")
    assert str(refusal.value) == "Oracle: ORA-00001: …"
    oracle.refused = ""
    assert (oracle.held(), oracle.names()) == before
    assert load(URL, "new").digest == oracle.held()[1]


def test_a_second_load_is_kept_out(oracle: Oracle) -> None:
    oracle.lock_answer = 1
    with pytest.raises(TargetError, match="another load of spec_example is running"):
        load(URL, "old")


def test_cleaning_takes_the_rows_or_the_tables_and_nothing_else(oracle: Oracle) -> None:
    oracle.database.execute("CREATE TABLE SPEC_EXAMPLE_OTHER (x INT)")
    load(URL, "old")
    target = parse_url(URL)
    assert clean_data(target) == (INSTANCE, True)
    assert oracle.held()[0] is None
    assert oracle.held()[1] == content_digest(TableDigest(table) for table in TABLES)
    assert len(clean_schema(target)[1]) == 4
    assert oracle.names() == {"spec_example_other"}


def test_the_command_line_loads_and_says_that_there_are_no_views(
    oracle: Oracle, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(apply_arguments(URL, "old")) == 0
    assert run(["data", "refresh", URL]) == 2
    assert "only tables and no filled views" in capfd.readouterr().err


def test_a_missing_driver_is_named_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "oracledb", None)
    assert run(apply_arguments(URL, "old")) == 3
    assert capfd.readouterr().err == f"seedbed: Oracle needs the package oracledb: {install_command('oracle')}\n"


def test_the_real_driver_says_in_one_line_that_nobody_answers(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert oracledb.__version__
    assert run(apply_arguments("oracle://me:s3cret@127.0.0.1:1/service", "old")) == 3
    said = capfd.readouterr().err
    assert said.startswith("seedbed: Oracle: ") and said.count("\n") == 1 and "s3cret" not in said
