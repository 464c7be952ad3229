"""The DDL: what it creates on each engine, and what its constraints refuse."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from seedbed.bank.model import Bank
from seedbed.errors import InputError
from seedbed.write import schema_script, schema_statements
from seedbed.write.schema import drop_statements

DIALECTS = ("postgresql", "sqlite", "duckdb")
ERRORS = (duckdb.Error, sqlite3.Error, psycopg.Error)
TRANSACTION: dict[str, Any] = {
    "entry": 1,
    "id": "leg",
    "account_id": "a",
    "account_name": "A",
    "account_role": "Customer",
    "account_scope": "internal",
    "account_parent_role": None,
    "amount_money": "-1.00",
    "amount_direction": "Debit",
    "status": "Posted",
    "posting": "2030-01-01 10:00:00",
    "transfer_id": "t",
    "transfer_type": "ach",
    "transfer_completion": None,
    "transfer_parent_id": None,
    "rail_name": "Rail",
    "template_name": None,
    "bundle_id": None,
    "supersedes": None,
    "origin": "InternalInitiated",
    "metadata": '{"key":"value"}',
}
BALANCE: dict[str, Any] = {
    "entry": 1,
    "account_id": "a",
    "account_name": "A",
    "account_role": "Customer",
    "account_scope": "internal",
    "account_parent_role": None,
    "expected_eod_balance": None,
    "business_day_start": "2030-01-01 00:00:00",
    "business_day_end": "2030-01-02 00:00:00",
    "money": "0.00",
    "limits": None,
    "supersedes": None,
}
FITTING: list[dict[str, Any]] = [
    {},
    {"amount_money": "0.00", "amount_direction": "Credit"},
    {"metadata": None, "supersedes": "Inflight", "account_parent_role": ""},
]
REFUSED: list[dict[str, Any]] = [
    {"amount_money": "1.00"},
    {"amount_direction": "Credit"},
    {"amount_money": "0.00"},
    {"amount_direction": "debit"},
    {"status": "Done"},
    {"account_scope": "inner"},
    {"origin": "Elsewhere"},
    {"supersedes": "Whim"},
    {"metadata": "{"},
    {"metadata": ""},
    {"id": None},
    {"posting": "soon"},
    {"posting": "2030-02-30 10:00:00"},
    {"transfer_completion": "2030-01-01 25:00:00"},
]
# What sorts or compares wrongly as text; other engines read it as the time that it is.
REFUSED_BY_SQLITE = (
    "2030-01-01T10:00:00",
    "2030-01-01",
    "2030-01-01 10:00",
    "2030-01-01 10:00:00.5",
    "now",
    "2462502.5",
)

Execute = Callable[..., Any]
Connected = Callable[[str], Any]


@pytest.fixture
def connected(request: pytest.FixtureRequest) -> Connected:
    """A new, empty database of a dialect: a function that executes a script or a statement with parameters."""

    @contextmanager
    def connect(dialect: str) -> Iterator[Execute]:
        if dialect == "sqlite":
            connection: Any = sqlite3.connect(":memory:", isolation_level=None)
            yield lambda sql, *values: connection.execute(sql, values) if values else connection.executescript(sql)
            connection.close()
        elif dialect == "duckdb":
            with duckdb.connect() as connection:
                yield lambda sql, *values: connection.execute(sql, values or None)
        else:
            server: tuple[Path, str] = request.getfixturevalue("postgresql")
            with psycopg.connect(server[1], autocommit=True) as connection:
                yield lambda sql, *values: connection.execute(
                    sql.removeprefix("\\set ON_ERROR_STOP on\n").replace("?", "%s") if values else sql, values or None
                )
                for statement in drop_statements("demo", "postgresql"):
                    connection.execute(statement)

    return connect


def bank_named(instance: str) -> Bank:
    return Bank.model_construct(instance=instance, accounts=(), rails=())


def insert(execute: Execute, table: str, row: dict[str, Any]) -> None:
    columns = ", ".join(f'"{name}"' for name in row)
    execute(f"INSERT INTO demo_{table} ({columns}) VALUES ({', '.join('?' * len(row))})", *row.values())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_constraints_take_what_fits_and_refuse_the_rest(dialect: str, connected: Connected) -> None:
    with connected(dialect) as execute:
        for statement in schema_statements(bank_named("demo"), dialect):
            execute(statement)
        for entry, change in enumerate(FITTING):
            insert(execute, "transactions", TRANSACTION | change | {"entry": entry})
        insert(execute, "daily_balances", BALANCE)
        for change in REFUSED:
            with pytest.raises(ERRORS):
                insert(execute, "transactions", TRANSACTION | {"entry": 99} | change)
        for change in ({"limits": "no"}, {"account_scope": "?"}, {"money": None}, {"supersedes": ""}):
            with pytest.raises(ERRORS):
                insert(execute, "daily_balances", BALANCE | {"entry": 99} | change)
        for table, row in (("transactions", TRANSACTION), ("daily_balances", BALANCE)):
            with pytest.raises(ERRORS):  # the primary key
                insert(execute, table, row)


@pytest.mark.parametrize("moment", REFUSED_BY_SQLITE)
def test_sqlite_takes_moments_in_the_one_form_that_sorts(moment: str, connected: Connected) -> None:
    with connected("sqlite") as execute:
        for statement in schema_statements(bank_named("demo"), "sqlite"):
            execute(statement)
        with pytest.raises(sqlite3.Error):
            insert(execute, "transactions", TRANSACTION | {"posting": moment})
        with pytest.raises(sqlite3.Error):
            insert(execute, "daily_balances", BALANCE | {"business_day_end": moment})


@pytest.mark.parametrize(
    ("dialect", "query"),
    [
        ("postgresql", "SELECT count(*) FROM pg_indexes WHERE indexname LIKE ?"),
        ("sqlite", "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name LIKE ?"),
        ("duckdb", "SELECT count(*) FROM duckdb_indexes() WHERE index_name LIKE ?"),
    ],
)
def test_every_index_of_the_contract_is_there(dialect: str, query: str, connected: Connected) -> None:
    with connected(dialect) as execute:
        for statement in schema_statements(bank_named("demo"), dialect):
            execute(statement)
        counts = [execute(query, f"demo_{table}_ix_").fetchone() for table in ("transactions", "daily_balances")]
        assert counts == [(5,), (3,)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_schema_script_runs_twice_and_empties_the_tables(dialect: str, connected: Connected) -> None:
    script = schema_script(bank_named("demo"), dialect).replace("\\set ON_ERROR_STOP on\n", "")
    with connected(dialect) as execute:
        execute(script)
        insert(execute, "transactions", TRANSACTION)
        execute(script)
        assert execute("SELECT count(*) FROM demo_transactions WHERE 1 = ?", 1).fetchone() == (0,)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_hostile_instance_is_only_a_name(dialect: str) -> None:
    bank = bank_named('x"; drop schema public; --')
    statements = [*schema_statements(bank, dialect), *drop_statements(bank.instance, dialect)]
    assert all('"x""; drop schema public; --_' in statement for statement in statements)
    assert not any('"x"; drop' in statement for statement in statements)


@pytest.mark.parametrize("instance", ["", "a" * 50, "é" * 30])
def test_an_instance_too_long_for_a_prefix_is_refused(instance: str) -> None:
    with pytest.raises(InputError, match="empty or too long"):
        schema_statements(bank_named(instance), "postgresql")
