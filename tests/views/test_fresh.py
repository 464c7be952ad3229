"""Views that do not say what the tables say, or are not as they are made, are found on every engine."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from seedbed.checks.filled import _RowSum, stale_views
from seedbed.databases.definitions import altered_views, relation_kinds, same_parsed_text
from seedbed.databases.drivers import MysqlConnection
from seedbed.databases.reader import Database
from seedbed.views import VIEWS, View, drop_view_statements, sort_of, view_statements
from seedbed.views.macros import macros_named
from seedbed.views.sql import Sql

from .engines import Engine, Engines
from .feed import Feed


def feed() -> Feed:
    """Rows in most views: a drift, a correction, a stuck leg, a chain, a movement."""
    feed = Feed()
    feed.opening("c1", "100.00")
    feed.move("a", "fed", "c1", "1.00", "3")
    feed.move("a", "fed", "c1", "2.00", "3")
    feed.move("p", "fed", "c2", "1.00", "3", status="Pending")
    feed.move("o", "c1", "fed", "5.00", "4", rail_name="Out")
    feed.move("r", "fed", "c1", "5.00", "5", rail_name="Return", transfer_parent_id="o")
    for day in range(3, 7):
        feed.balance("c1", day, "97.00")
        feed.balance("c2", day, "0.00")
        feed.balance("gl", day, "97.00")
    return feed


def database(engine: Engine) -> Database:
    connection = MysqlConnection(engine.connection) if engine.dialect == "mariadb" else engine.connection
    return Database(engine.dialect, connection)


def found(engine: Engine, feed: Feed) -> tuple[dict[str, str], list[str]]:
    """What is altered, and what is stale."""
    sql = Sql(feed.bank, macros_named(engine.dialect))
    altered = altered_views(database(engine), sql)
    return altered, stale_views(database(engine), sql, altered)


@pytest.fixture
def filled(engines: Engines) -> Iterator[tuple[Engines, Feed]]:
    """A feed in all engines; whatever a test makes of the views, they are as they should be again."""
    rows = feed()
    engines.load(rows)
    yield engines, rows
    for engine in engines.engines:
        engine.run(drop_view_statements(rows.bank.instance, engine.dialect, relation_kinds(database(engine))))
        engine.run(view_statements(rows.bank, engine.dialect))


def test_views_as_they_are_made_are_neither_altered_nor_stale(filled: tuple[Engines, Feed]) -> None:
    engines, rows = filled
    for engine in engines.engines:
        assert found(engine, rows) == ({}, []), engine.dialect


@pytest.mark.parametrize("view", ["current_transactions", "drift", "computed_ledger_balance", "money_trail"])
def test_a_view_that_is_dropped_or_another_one_is_found(filled: tuple[Engines, Feed], view: str) -> None:
    engines, rows = filled
    name = f"{rows.bank.instance}_{view}"
    for engine in engines.engines:
        cascade = " CASCADE" if engine.dialect == "postgresql" else ""
        kind = relation_kinds(database(engine))[name]
        engine.run([f'DROP {kind} "{name}"{cascade}'])
        assert found(engine, rows)[0][view] == "is missing", engine.dialect
        engine.run([f'CREATE {kind} "{name}" AS SELECT 1 AS x'])
        assert found(engine, rows)[0][view].startswith("has the columns x, not "), engine.dialect
        other = "VIEW" if kind == "TABLE" else "TABLE"
        engine.run([f'DROP {kind} "{name}"', f'CREATE {other} "{name}" AS SELECT 1 AS x'])
        assert found(engine, rows)[0][view] == f"is a {other.lower()}, not a {kind.lower()}", engine.dialect


@pytest.mark.parametrize("view", ["limit_breach", "daily_statement", "chain_exceptions"])
def test_a_definition_that_finds_nothing_is_found_where_there_is_one(filled: tuple[Engines, Feed], view: str) -> None:
    engines, rows = filled
    chosen = next(row for row in VIEWS if row.name == view)
    for engine in engines.engines:
        sql = Sql(rows.bank, macros_named(engine.dialect))
        name, kind = sql.name(chosen.name), sort_of(chosen, sql.macros)
        cascade = " CASCADE" if engine.dialect == "postgresql" else ""
        blind = f"CREATE {kind} {name} AS SELECT * FROM ({chosen.text(sql)}) q WHERE 1 = 0"
        had = engine.rows(f"{rows.bank.instance}_{chosen.name}")
        engine.run([f"DROP {kind} {name}{cascade}", blind])
        altered, stale = found(engine, rows)
        if kind == "TABLE":
            assert (chosen.name in stale) is bool(had), engine.dialect
        else:
            assert altered[chosen.name] == "has another definition", engine.dialect


@pytest.mark.parametrize("view", ["current_daily_balances", "todays_exceptions", "account_network", "overdraft"])
def test_one_row_more_or_less_in_a_table_is_found(filled: tuple[Engines, Feed], view: str) -> None:
    engines, rows = filled
    name = f"{rows.bank.instance}_{view}"
    for engine in engines.engines:
        if engine.dialect == "postgresql":
            continue  # nobody can write into a materialised view
        had = engine.rows(name)
        if had:
            engine.run([f'INSERT INTO "{name}" SELECT * FROM "{name}" LIMIT 1'])
        else:
            nothing = ", ".join("NULL" for _ in engine.execute(f'SELECT * FROM "{name}"').description)
            # What may not be null becomes an empty text or 0.
            ignoring = " IGNORE" if engine.dialect == "mariadb" else ""
            engine.run([f'INSERT{ignoring} INTO "{name}" SELECT {nothing}'])
        assert view in found(engine, rows)[1], engine.dialect
        engine.run([f'DELETE FROM "{name}"'])
        assert (view in found(engine, rows)[1]) is bool(had), engine.dialect


def test_rows_that_come_after_the_filling_are_found(filled: tuple[Engines, Feed]) -> None:
    engines, rows = filled
    for engine in engines.engines:
        engine.run([f"UPDATE {rows.bank.instance}_daily_balances SET money = money + 7 WHERE account_id = 'c1'"])
        assert found(engine, rows) == ({}, ["current_daily_balances"]), engine.dialect


def test_minus_one_where_minus_two_belongs_is_found(filled: tuple[Engines, Feed]) -> None:
    engines, rows = filled
    for engine in engines.engines:
        if engine.dialect == "postgresql":
            continue  # nobody can write into a materialised view
        instance = rows.bank.instance
        engine.run([f"UPDATE {instance}_daily_balances SET money = -2 WHERE account_id = 'c1'"])
        engine.run([f"UPDATE {instance}_current_daily_balances SET money = -2 WHERE account_id = 'c1'"])
        assert "current_daily_balances" not in found(engine, rows)[1], engine.dialect
        engine.run([f"UPDATE {instance}_current_daily_balances SET money = -1 WHERE account_id = 'c1'"])
        assert "current_daily_balances" in found(engine, rows)[1], engine.dialect


@pytest.mark.parametrize(("mine", "other"), [(-1, -2), (-1.0, -2.0), (None, "None"), ("1", 1), ("a", "b")])
def test_rows_of_these_two_cells_have_different_sums(mine: object, other: object) -> None:
    def summed(cell: object) -> str:
        row_sum = _RowSum()
        row_sum.step("x", cell)
        return row_sum.finalize()

    assert summed(mine) != summed(other)
    assert summed(mine) == summed(float(mine) if type(mine) is int else mine)


DEFINITION = "SELECT entry FROM {base} WHERE {condition}"
SAME = (
    ("(entry > 1 OR id = 'a') AND entry < 9", "((entry > 1) OR (id = 'a')) AND (entry < 9)"),
    ("entry > 1 AND (entry < 9 AND id = 'a')", "entry > 1 AND entry < 9 AND id = 'a'"),
)
OTHER = (
    ("(entry > 1 OR id = 'a') AND entry < 9", "entry > 1 OR id = 'a' AND entry < 9"),
    ("(entry - 1) * 2 > 0", "entry - 1 * 2 > 0"),
    ("id = '( a'", "id = '(a'"),
)


@pytest.mark.parametrize(
    ("wanted", "there", "same"), [*((*pair, True) for pair in SAME), *((*pair, False) for pair in OTHER)]
)
def test_duckdb_tells_definitions_apart_that_differ_in_brackets_only_where_these_matter(
    tmp_path: Path, wanted: str, there: str, same: bool
) -> None:
    rows = feed()
    base = f"{rows.bank.instance}_transactions"
    file, sql = tmp_path / "a.duckdb", Sql(rows.bank, macros_named("duckdb"))

    def chosen(_: Sql) -> str:
        return DEFINITION.format(base=base, condition=wanted)

    with duckdb.connect(str(file)) as connection:
        connection.execute(f"CREATE TABLE {base} (entry BIGINT, id VARCHAR)")
        name = sql.name(chosen.__name__)
        connection.execute(f"CREATE VIEW {name} AS {DEFINITION.format(base=base, condition=there)}")
    for _ in range(2):
        with duckdb.connect(str(file)) as connection:
            assert same_parsed_text(Database("duckdb", connection), sql, View(chosen)) is same
            connection.execute("CREATE OR REPLACE TABLE other AS SELECT 1 AS x")
