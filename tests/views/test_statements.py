"""What the statements create and drop, and what every view is made of."""

import re
from typing import Any

import pytest

from seedbed.errors import InputError
from seedbed.views import EXCEPTION_VIEWS, VIEWS, drop_view_statements, refresh_statements, view_statements
from seedbed.write.schema import drop_statements

from .bank import views_bank
from .engines import Engine, Engines
from .feed import Feed

DIALECTS = ("duckdb", "sqlite", "postgresql", "mariadb")
LONGEST = "i" * 30


def test_the_exception_views_are_those_of_the_design() -> None:
    assert set(EXCEPTION_VIEWS) == {
        "drift", "ledger_drift", "overdraft", "expected_eod_balance_breach", "limit_breach", "stuck_pending",
        "stuck_unbundled", "supersession_audit", "transfer_net", "late_posting", "chain_exceptions",
        "fan_in_exceptions", "unmatched_postings", "posted_requirement_gaps",
        "leg_xor_exceptions",
    }  # fmt: skip


def test_every_exception_view_begins_with_its_key(engines: Engines) -> None:
    feed = Feed()
    engines.load(feed)
    for engine in engines.engines:
        for name in EXCEPTION_VIEWS:
            result = engine.execute(f"SELECT * FROM tiny_{name}")
            assert result.description[0][0] == "view_key", name


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_identifier_is_cut(dialect: str) -> None:
    bank = views_bank(instance=LONGEST)
    statements = [*view_statements(bank, dialect), *drop_view_statements(LONGEST, dialect)]
    names = {name for text in statements for name in re.findall(rf'["`]({LONGEST}[^"`]*)["`]', text)}
    assert len(names) >= len(VIEWS)
    assert max(len(name.encode()) for name in names) <= 63


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_view_reads_a_clock(dialect: str) -> None:
    text = "\n".join([*view_statements(views_bank(), dialect), *refresh_statements(views_bank(), dialect)])
    assert not re.search(r"\b(now|today|current_(date|time|timestamp)|localtime\w*|getdate|sysdate)\b", text, re.I)
    assert re.search(r'MAX\(as_of\) FROM ["`]tiny_dataset["`]', text)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_nothing_is_dropped_by_pattern_or_by_cascade(dialect: str) -> None:
    drops = drop_view_statements("tiny", dialect)
    kinds = "(VIEW|TABLE|MATERIALIZED VIEW)"
    assert all(re.fullmatch(rf'DROP {kinds} IF EXISTS ["`]tiny_\w+["`]', statement) for statement in drops)
    assert len(drops) == len(VIEWS)


def objects(engine: Engine) -> set[str]:
    queries = {
        "duckdb": "SELECT table_name FROM duckdb_tables()"
        " UNION SELECT view_name FROM duckdb_views() WHERE NOT internal",
        "sqlite": "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'",
        "postgresql": "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE n.nspname = 'public'",
        "mariadb": "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
    }
    return {name for (name,) in engine.execute(queries[engine.dialect]).fetchall()}


def test_only_the_instances_own_objects_are_dropped(engines: Engines) -> None:
    feed, other = Feed(), Feed(bank=views_bank(instance="tiny2"))
    for engine in engines.engines:
        engine.run(drop_statements("tiny", engine.dialect))
        before = objects(engine)
        engine.execute("CREATE TABLE tiny_drift_notes (note int)")
        engine.execute("CREATE VIEW tinyxdrift AS SELECT 1 AS one")
    engines.load(other)
    kept = [objects(engine) for engine in engines.engines]
    engines.load(feed)
    engines.recreate(feed)
    for engine, names in zip(engines.engines, kept, strict=True):
        assert len(objects(engine) - names) > len(VIEWS)
        for _ in range(2):
            engine.run(drop_statements("tiny", engine.dialect))
        assert objects(engine) == names
        engine.run([*drop_statements("tiny2", engine.dialect), "DROP TABLE tiny_drift_notes", "DROP VIEW tinyxdrift"])
        assert objects(engine) == before or engine is not engines.engines[-1]


def test_created_on_rows_or_refreshed_after_them_is_the_same(engines: Engines) -> None:
    feed = Feed()
    feed.move("o", "c1", "fed", "5.00", "5", rail_name="Out")
    feed.leg("p1", "c1", "1.00", "1", status="Pending")
    feed.balance("c1", 5, "-4.00")
    engines.load(feed)
    refreshed = engines.everything("tiny")
    assert sum(map(bool, refreshed.values())) > 8
    engines.recreate(feed)
    assert engines.everything("tiny") == refreshed


def test_what_is_not_refreshed_is_as_it_was(engines: Engines) -> None:
    feed = Feed()
    engines.load(feed)
    feed.balance("c1", 5, "-4.00")
    row: dict[str, Any] = feed.daily_balances[0]
    for engine in engines.engines:
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        engine.execute(f"INSERT INTO tiny_daily_balances ({columns}) VALUES ({marks})", *row.values())
    assert engines.agreed("tiny_overdraft") == []
    for engine in engines.engines:
        engine.run(refresh_statements(feed.bank, engine.dialect))
    assert [row["view_key"] for row in engines.agreed("tiny_overdraft")] == ["c1/2030-01-05"]


def test_an_unknown_dialect_is_refused() -> None:
    for make in (lambda: view_statements(views_bank(), "oracle8"), lambda: drop_view_statements("tiny", "oracle8")):
        with pytest.raises(InputError, match="unknown dialect 'oracle8'; known are postgresql, sqlite, duckdb"):
            make()
