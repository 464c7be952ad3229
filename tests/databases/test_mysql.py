"""MariaDB and MySQL: servers that take no LOAD DATA LOCAL, and what is left of loads that are ended anywhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from seedbed.cli.main import run
from seedbed.cli.signals import Terminated
from seedbed.databases import mysql
from seedbed.databases.drivers import mysql_connection
from seedbed.databases.loading import clean_schema
from seedbed.databases.reader import instances, open_database
from seedbed.errors import InputError
from seedbed.write import parse_url

from .bank import INSTANCE, apply_arguments, load, state, stray
from .servers import Server

pymysql = pytest.importorskip("pymysql")

POINTS = 16


@pytest.fixture
def url(mariadb: Server) -> Iterator[str]:
    """A database without the instance, before and after."""
    clear(mariadb.url)
    yield mariadb.url
    clear(mariadb.url)


def clear(url: str) -> None:
    with suppress(InputError):
        clean_schema(parse_url(url), INSTANCE)


def ask(url: str, statement: str) -> None:
    address = parse_url(url).database_url
    assert address is not None
    with mysql_connection(address) as connection:
        connection.execute(statement)


@contextmanager
def ended(monkeypatch: pytest.MonkeyPatch, call: int) -> Iterator[list[int]]:
    """The request to end comes at that piece of an answer: before it is read, or once it is. Gives the count."""
    count = [0]
    read: Callable[..., Any] = pymysql.connections.Connection._read_bytes

    def reading(connection: Any, size: int) -> Any:
        count[0] += 1
        if count[0] == call and call % 2:
            raise Terminated
        piece = read(connection, size)
        if count[0] == call:
            raise Terminated
        return piece

    with monkeypatch.context() as patch:
        patch.setattr(pymysql.connections.Connection, "_read_bytes", reading)
        yield count


def test_a_server_without_local_infile_gets_the_same_rows(url: str) -> None:
    usual = load(url, "new")
    clear(url)
    ask(url, "SET GLOBAL local_infile = 0")
    try:
        assert load(url, "new").digest == usual.digest
        assert load(url, "new").unchanged is True
        assert load(url, "old").unchanged is False
    finally:
        ask(url, "SET GLOBAL local_infile = 1")
    assert stray(url) == []


def test_a_system_without_named_pipes_gets_the_same_rows(
    url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = load(url, "old")
    clear(url)
    monkeypatch.setattr(mysql, "PIPES", tmp_path / "none")
    assert load(url, "old").digest == usual.digest


def test_a_load_that_is_ended_anywhere_leaves_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with ended(monkeypatch, 0) as count:
        assert run(apply_arguments(url, "new")) == 0
    new, total = state(url), count[0]
    load(url, "old")
    old = state(url)
    for point in range(POINTS):
        call = 1 + total * point // POINTS
        call += (call + point) % 2
        with ended(monkeypatch, call):
            assert run(apply_arguments(url, "new")) == 143
        assert capfd.readouterr().err == "seedbed: terminated; nothing was left half-written\n"
        assert (call, stray(url)) == (call, [])
        assert state(url) in (old, new)
        load(url, "old")


def test_what_a_killed_load_left_is_no_instance_and_goes_with_the_next_or_a_clean(url: str) -> None:
    load(url, "old")
    tables = ("transactions", "daily_balances", "answer_key", "dataset")

    def leave() -> None:
        for table in tables:
            ask(url, f"CREATE TABLE `{INSTANCE}$_{table}` LIKE `{INSTANCE}_{table}`")
        with open_database(url) as database:
            assert instances(database) == [INSTANCE]
        assert len(stray(url)) == len(tables)

    leave()
    assert run(["check", url, "--quiet"]) == 0
    load(url, "new")
    assert stray(url) == []
    leave()
    assert run(["schema", "clean", url]) == 0
    assert (state(url), stray(url)) == (None, [])


def test_what_a_killed_first_load_left_goes_with_a_clean_of_its_name(url: str) -> None:
    ask(url, f"CREATE TABLE `{INSTANCE}$_dataset` (a INT)")
    assert run(["schema", "clean", url]) == 2
    assert clean_schema(parse_url(url), INSTANCE) == (INSTANCE, [f"{INSTANCE}$_dataset"])
    assert stray(url) == []
