"""What a database URL names, and that no part of a password is ever repeated."""

import re

import pytest

from seedbed.errors import InputError
from seedbed.write import parse_url
from seedbed.write.urls import DatabaseUrl, parse_database_url


@pytest.fixture(autouse=True)
def _no_passwords_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SEEDBED_DB_PASSWORD", "PGPASSWORD", "MYSQL_PWD"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("duckdb:///bank.duckdb", "bank.duckdb"),
        ("duckdb:////data/bank.duckdb", "/data/bank.duckdb"),
        ("DuckDB:///a b?c#d%20e", "a b?c#d%20e"),
        ("duckdb:///../../x", "../../x"),
        ("sqlite:///bank.db", "bank.db"),
    ],
)
def test_the_url_of_a_file_names_a_path(url: str, path: str) -> None:
    target = parse_url(url)
    assert (target.format, target.path) == (f"{url.split(':', 1)[0].lower()}-file", path)


@pytest.mark.parametrize(
    ("path", "engine"),
    [
        ("bank.duckdb", "duckdb"),
        ("/data/a b.SQLITE", "sqlite"),
        ("../x.sqlite3", "sqlite"),
        ("C:\\bank.duckdb", "duckdb"),
    ],
)
def test_a_path_with_the_ending_of_an_engine_needs_no_scheme(path: str, engine: str) -> None:
    assert parse_database_url(path) == DatabaseUrl(engine=engine, path=path)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me:pw@host:5433/db", ("postgresql", "me", "pw", "host", 5433, "db")),
        ("postgres://host/db", ("postgresql", "", None, "host", None, "db")),
        ("postgresql+psycopg://me@[::1]:1/db", ("postgresql", "me", None, "::1", 1, "db")),
        ("mysql://me:s3@cret@host/db", ("mysql", "me", "s3@cret", "host", None, "db")),
        ("mariadb+pymysql://me:s3c%zzret@host/db", ("mysql", "me", "s3c%zzret", "host", None, "db")),
        ("mysql://m%40e:a%2Fb:c/d@host/db", ("mysql", "m@e", "a/b:c/d", "host", None, "db")),
        ("oracle://me@host:1521/service", ("oracle", "me", None, "host", 1521, "service")),
    ],
)
def test_the_url_of_a_server_names_who_and_where(url: str, expected: tuple[object, ...]) -> None:
    a = parse_database_url(url)
    assert (a.engine, a.user, a.password, a.host, a.port, a.database) == expected


def test_the_password_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYSQL_PWD", "client")
    assert parse_database_url("mysql://me@host/db").password == "client"
    monkeypatch.setenv("SEEDBED_DB_PASSWORD", "ours")
    assert parse_database_url("mysql://me@host/db").password == "ours"
    assert parse_database_url("mysql://me:given@host/db").password == "given"


@pytest.mark.parametrize("password", ["s3c%zzret", "s3@cret", "s3%63ret", "s3'cret\\"])
def test_no_spelling_of_the_password_is_shown(password: str) -> None:
    database_url = parse_database_url(f"postgresql://me:{password}@host/db?password_file=s3")
    hidden = [
        database_url.shown,
        repr(database_url),
        database_url.scrubbed(f"it was {password} {database_url.password!r}"),
    ]
    assert not any("cret" in text or "3" in text for text in hidden), hidden
    assert database_url.shown == "postgresql://me@host/db"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3cret://x", "not a database URL"),
        ("postgresql:me:s3cret@host", "not a database URL"),
        ("bank.db", "not a database URL"),
        ("", "not a database URL"),
        ("duckdb://", "has a file and no host"),
        ("duckdb:///", "has a file and no host"),
        ("sqlite://s3cret@host/x", "has a file and no host"),
        ("mysql://me:s3?cret@host/db", "write the URL as mysql://USER:PASSWORD@HOST:PORT/DATABASE"),
        ("mysql://me:s3cret@host:99999/db", "write the URL as"),
        ("postgresql://me:s3cret@host/db?s3cret", "write the URL as"),
    ],
)
def test_another_url_is_refused_without_repeating_it(url: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as refusal:
        parse_url(url)
    assert not re.search("s3|cret", str(refusal.value))
