"""A schema in the URL of PostgreSQL: made if missing, safely quoted, and the only place that any command looks at."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

import seedbed
from seedbed.cli.main import run
from seedbed.databases.drivers import server_connection
from seedbed.errors import InputError, TargetError
from seedbed.write.urls import parse_database_url

from .servers import Server

BANK = "spec_example"
ARGUMENTS = ["--anchor", "2030-01-01", "--window-days", "6", "--quiet"]
# Names that are only safe when they are quoted.
SCHEMAS = ["ledgers", "My Bank's", 'a"; DROP SCHEMA public CASCADE; --', "Zürich%"]


def with_schema(url: str, schema: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}schema={quote(schema)}"


@pytest.fixture
def server(postgres: Server) -> Iterator[str]:
    yield postgres.url
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        for name in (*SCHEMAS, "empty"):
            connection.execute(
                psycopg.sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(psycopg.sql.Identifier(name))
            )


def tables_by_schema(url: str) -> dict[str, set[str]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT nspname, relname FROM pg_namespace LEFT JOIN pg_class ON relnamespace = pg_namespace.oid"
            " AND relkind = 'r' WHERE nspname !~ '^(pg_|information_schema)'"
        ).fetchall()
    found: dict[str, set[str]] = {}
    for schema, table in rows:
        found.setdefault(schema, set()).update({table} - {None})
    return found


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_load_makes_the_schema_and_every_command_finds_it_there(
    server: str, schema: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before, url = tables_by_schema(server), with_schema(server, schema)
    assert run(["data", "apply", BANK, *ARGUMENTS, "--to", url]) == 0
    after = tables_by_schema(server)
    assert f"{BANK}_transactions" in after.pop(schema)
    assert after == before
    assert run(["data", "apply", BANK, *ARGUMENTS, "--to", url]) == 0
    assert run(["data", "refresh", url, "--quiet"]) == 0
    assert run(["check", url, "--quiet"]) == 0
    assert run(["export", url, "--format", "beancount", "-o", str(tmp_path / "books.beancount"), "--quiet"]) == 0
    assert run(["report", url, "-o", str(tmp_path / "report.html"), "--quiet"]) == 0
    assert run(["data", "clean", url, "--quiet"]) == 0
    assert run(["schema", "clean", url, "--quiet"]) == 0
    assert tables_by_schema(server)[schema] == set()
    assert capfd.readouterr().err == ""


def test_python_takes_the_same_url(server: str) -> None:
    url = with_schema(server, "ledgers")
    ledger = seedbed.generate(BANK, anchor=date(2030, 1, 1), window_days=6)
    seedbed.load(ledger, url)
    assert not seedbed.check(url).misses


def test_an_empty_schema_is_made_for_empty_tables(server: str) -> None:
    assert run(["schema", "apply", BANK, "--to", with_schema(server, "empty"), "--quiet"]) == 0
    assert f"{BANK}_transactions" in tables_by_schema(server)["empty"]


def test_what_is_in_another_schema_is_not_seen(server: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "apply", BANK, *ARGUMENTS, "--to", with_schema(server, "ledgers")]) == 0
    assert run(["check", with_schema(server, "empty")]) == 2
    assert "the database has no instance" in capfd.readouterr().err
    assert "empty" not in tables_by_schema(server)


def test_a_load_that_fails_leaves_no_schema(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise TargetError("no")

    monkeypatch.setattr("seedbed.databases.loading.verify_rows", fail)
    ledger = seedbed.generate(BANK, anchor=date(2030, 1, 1), window_days=6)
    with pytest.raises(TargetError, match="no"):
        seedbed.load(ledger, with_schema(server, "ledgers"))
    assert "ledgers" not in tables_by_schema(server)


def test_a_user_without_the_right_to_create_schemas_uses_one_that_is_there(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE ROLE teller LOGIN")
        connection.execute("CREATE SCHEMA ledgers AUTHORIZATION teller")
    try:
        url = with_schema(server.replace("postgres@", "teller@"), "ledgers")
        assert run(["data", "apply", BANK, *ARGUMENTS, "--to", url]) == 0
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("DROP OWNED BY teller CASCADE")
            connection.execute("DROP ROLE teller")


def test_the_schema_is_shown_and_the_other_options_are_not() -> None:
    database_url = parse_database_url("postgresql://me:secret@host/db?sslmode=require&schema=My%20Bank")
    assert database_url.schema == "My Bank"
    assert database_url.shown == "postgresql://me@host/db?schema=My%20Bank"
    assert dict(database_url.options) == {"sslmode": "require"}


@pytest.mark.parametrize("schema", ["", "x" * 64, "a%00b", "a%0Ab"])
def test_what_can_be_no_schema_is_refused(schema: str) -> None:
    with pytest.raises(InputError, match=r"^schema: "):
        parse_database_url(f"postgresql://me@host/db?schema={schema}")


def test_mysql_has_databases_for_schemas() -> None:
    pytest.importorskip("pymysql")
    with pytest.raises(InputError, match="a mysql URL takes only the options"):
        server_connection(parse_database_url("mysql://me@host/db?schema=x"))
