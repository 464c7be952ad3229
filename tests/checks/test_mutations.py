"""Any one generated row changed: the check fails, and names it. Each mutation is one transaction, rolled back."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing

import duckdb
import pytest

from seedbed.checks import Report, check_database
from seedbed.databases.reader import Database, stored_bank
from seedbed.views import refresh_statements, view_statements
from seedbed.write.facts import STORED

from .conftest import Loaded

Row = dict[str, object]
Words = tuple[str, ...]
BANKS = {"spec_example": "20", "harbor_trust": "10"}
FEW, MANY = 3, 14


class Books:
    """A loaded bank in memory, without constraints, so that any row can be changed and put back."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str, path: str) -> None:
        self.connection, self.name = connection, name
        self.database = Database("duckdb", connection)
        connection.execute(f"ATTACH '{path}' AS loaded (READ_ONLY)")
        for table in STORED:
            connection.execute(f"CREATE TABLE {name}_{table.name} AS FROM loaded.{name}_{table.name}")
        connection.execute("DETACH loaded")
        self.bank = stored_bank(self.database, name)
        for statement in view_statements(self.bank, "duckdb"):
            connection.execute(statement)

    def some(self, draw: random.Random, table: str, condition: str = "true") -> Row:
        """A row at random."""
        key = _key(table)
        entries = self.database.rows(f"SELECT {key} FROM {self.name}_{table} WHERE {condition} ORDER BY {key}")
        (entry,) = draw.choice(entries)
        found = self.connection.execute(f"SELECT * FROM {self.name}_{table} WHERE {key} = {entry}")
        return dict(zip([column[0] for column in found.description], found.fetchall()[0], strict=True))

    def judged(self, statement: str) -> Report:
        """The check of the books after one statement, which is undone."""
        self.connection.execute("BEGIN")
        self.connection.execute(statement)
        for refresh in refresh_statements(self.bank, "duckdb"):
            self.connection.execute(refresh)
        report = check_database(self.database, self.name)
        self.connection.execute("ROLLBACK")
        return report


def _key(table: str) -> str:
    """The primary key of a table."""
    return "line" if table == "answer_key" else "entry"


def _names(row: Row) -> Words:
    """What a report may call a leg, a balance or a line of the answer key by."""
    if "line" in row:
        return (f"line {row['line']} ({row['plant_id']}",)
    if "transfer_id" in row:
        return (str(row["id"]), str(row["transfer_id"]))
    return (f"{row['account_id']}/{str(row['business_day_start'])[:10]}",)


def _changed(
    table: str, assignment: str, condition: str = "true"
) -> Callable[[Books, random.Random], tuple[str, Words]]:
    def mutate(books: Books, draw: random.Random) -> tuple[str, Words]:
        row = books.some(draw, table, condition)
        return f"UPDATE {books.name}_{table} SET {assignment} WHERE {_key(table)} = {row[_key(table)]}", _names(row)

    return mutate


def _drop(table: str) -> Callable[[Books, random.Random], tuple[str, Words]]:
    def mutate(books: Books, draw: random.Random) -> tuple[str, Words]:
        row = books.some(draw, table)
        return f"DELETE FROM {books.name}_{table} WHERE {_key(table)} = {row[_key(table)]}", _names(row)

    return mutate


def _drop_leg(books: Books, draw: random.Random) -> tuple[str, Words]:
    row = books.some(draw, "transactions")
    return f"DELETE FROM {books.name}_transactions WHERE id = '{row['id']}'", _names(row)


def _swap_account(books: Books, draw: random.Random) -> tuple[str, Words]:
    row = books.some(draw, "transactions")
    other = books.some(draw, "transactions", f"account_id <> '{row['account_id']}'")
    columns = ("account_id", "account_name", "account_role", "account_scope", "account_parent_role")
    source = f"(SELECT {{}} FROM {books.name}_transactions WHERE entry = {other['entry']})"
    changes = ", ".join(f"{column} = {source.format(column)}" for column in columns)
    return f"UPDATE {books.name}_transactions SET {changes} WHERE entry = {row['entry']}", _names(row)


MUTATIONS = {
    "drop a leg": _drop_leg,
    "drop a row": _drop("transactions"),
    "add a cent": _changed("transactions", "amount_money = amount_money + 0.01"),
    "move a day": _changed("transactions", "posting = posting + INTERVAL 1 DAY"),
    "swap an account": _swap_account,
    "unset a bundle": _changed("transactions", "bundle_id = NULL", "bundle_id IS NOT NULL"),
    "drop a balance": _drop("daily_balances"),
    "move a fraction of a second": _changed("transactions", "posting = posting + INTERVAL 1 MILLISECOND"),
    "drop a line of the answer key": _drop("answer_key"),
    "change a kind in the answer key": _changed("answer_key", "kind = kind || 'x'"),
    "add a cent to a balance": _changed("daily_balances", "money = money + 0.01"),
}


@pytest.fixture(params=BANKS)
def books(loaded: Loaded, request: pytest.FixtureRequest) -> Iterator[Books]:
    url = loaded(request.param, "duckdb", "--window-days", BANKS[request.param])
    with closing(duckdb.connect()) as connection:
        yield Books(connection, request.param, url.removeprefix("duckdb:///"))


def _offenders(report: Report, groups: set[str]) -> str:
    return "\n".join(o for result in report.misses if result.group in groups for o in result.offenders)


@pytest.mark.parametrize("per_kind", [FEW, pytest.param(MANY, marks=pytest.mark.matrix)])
def test_every_mutation_is_caught_and_named(books: Books, per_kind: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert not check_database(books.database, books.name).misses, "untouched, everything holds"
    draw = random.Random(1)
    tried, named, by_books, failures = Counter[str](), Counter[str](), Counter[str](), []
    for kind, mutate in MUTATIONS.items():
        for _ in range(per_kind):
            statement, names = mutate(books, draw)
            report = books.judged(statement)
            tried[kind] += 1
            if any(name in _offenders(report, {"dataset"}) for name in names):
                named[kind] += 1
            else:
                failures.append(statement)
            by_books[kind] += bool({result.group for result in report.misses} - {"dataset"})
    with capsys.disabled():
        print(f"\n{books.name}: {named.total()} of {tried.total()} mutations caught and named;", end=" ")
        print(f"{by_books.total()} by the books alone:", dict(by_books))
    assert not failures
