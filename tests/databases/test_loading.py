"""The load protocol on every engine: what is replaced, what is kept, what is refused, what is cleaned."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import seedbed
from seedbed.bank.bundled import bank_path
from seedbed.checks.filled import views_behind
from seedbed.cli.main import run
from seedbed.databases import mysql, session, sqlite
from seedbed.databases.definitions import relation_kinds, relation_names
from seedbed.databases.loading import _session, apply_schema, clean_data, clean_schema, refresh_views
from seedbed.databases.reader import open_database, stored_bank, stored_facts
from seedbed.errors import InputError, TargetError
from seedbed.extras import install_command
from seedbed.ledger.columns import TABLES, TRANSACTIONS
from seedbed.ledger.dataset import Dataset, Part
from seedbed.ledger.digest import dataset_digest
from seedbed.write import parse_url, write
from seedbed.write.facts import DATASET, moment_of

from .bank import INSTANCE, ledger, load, state, stray
from .servers import Server

ENGINES = ("duckdb", "sqlite", "postgresql", "mysql")


@pytest.fixture
def url(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> Any:
    """An empty database of the engine."""
    if engine in ("duckdb", "sqlite"):
        return f"{engine}:///{tmp_path}/bank.{engine}"
    server: Server = request.getfixturevalue({"postgresql": "postgres", "mysql": "mariadb"}[engine])
    for instance in (INSTANCE, "demo", "tiny", "tiny_ledger", "tinier"):
        if _names(server.url, f"{instance}_"):
            clean_schema(parse_url(server.url), instance)
    return server.url


def _names(url: str, prefix: str = "") -> set[str]:
    with open_database(url) as database:
        return {name for name in relation_names(database) if name.startswith(prefix)}


def bank(instance: str) -> Any:
    return seedbed.load_instance(bank_path(INSTANCE)).model_copy(update={"instance": instance})


everywhere = pytest.mark.parametrize("engine", ENGINES)


@everywhere
def test_another_load_replaces_the_old_whole_and_the_same_changes_nothing(url: str) -> None:
    reports = [load(url, name) for name in ("old", "old", "new", "new")]
    assert [report.unchanged for report in reports] == [False, True, False, True]
    assert reports[3].digest == dataset_digest(ledger("new").parts)
    found = state(url)
    assert found is not None and found.digest == reports[3].digest
    assert load(url, "old").unchanged is False
    found = state(url)
    assert found is not None and found.digest == reports[0].digest
    assert stray(url) == []


@everywhere
def test_hostile_names_come_back_as_they_went_in(
    url: str, engine: str, parts: tuple[Part, ...], dataset: Dataset
) -> None:
    report = write(parts, dataset, parse_url(url))
    assert report.digest == dataset_digest(parts)
    with open_database(url) as database:
        rows = [row for batch in database.batches("demo", TRANSACTIONS) for row in batch.to_pylist()]
    expected = [row for part in parts for row in part["transactions"].to_pylist()]
    assert {row["id"] for row in rows} == {row["id"] for row in expected}
    clean_schema(parse_url(url), "demo")


@everywhere
def test_rows_that_were_changed_by_hand_are_not_taken_for_the_load(url: str, engine: str) -> None:
    load(url, "old")
    before = state(url)
    target = parse_url(url)
    with _writing(url) as execute:
        execute(f"UPDATE {INSTANCE}_daily_balances SET money = money + 1 WHERE entry = {_some_entry(url)}")
    assert load(url, "old").unchanged is False
    assert state(url) == before
    assert refresh_views(target)[0] == INSTANCE
    assert state(url) == before
    assert stray(url) == []


# SQLite's tables refuse them.
@pytest.mark.parametrize("engine", [engine for engine in ENGINES if engine != "sqlite"])
def test_amounts_that_no_load_stores_are_told_and_replaced(
    url: str, engine: str, capfd: pytest.CaptureFixture[str]
) -> None:
    load(url, "old")
    before = state(url)
    with _writing(url) as execute:
        execute(f"UPDATE {INSTANCE}_daily_balances SET money = 99999999999999999.99 WHERE entry = {_some_entry(url)}")
    assert run(["check", url]) == 1
    assert "money is " in capfd.readouterr().out
    assert load(url, "old").unchanged is False
    assert state(url) == before


def _some_entry(url: str) -> int:
    with open_database(url) as database:
        return int(database.rows(f"SELECT MIN(entry) FROM {INSTANCE}_daily_balances")[0][0])


@contextmanager
def _writing(url: str) -> Iterator[Callable[[str], None]]:
    """Runs statements as somebody who changes rows by hand would."""
    address = parse_url(url).database_url
    assert address is not None
    with _session(address) as connection:
        yield connection.run
        if hasattr(connection, "committed"):
            connection.committed = True


@everywhere
def test_the_views_follow_changed_rows_once_refreshed(url: str, engine: str) -> None:
    load(url, "old")

    def drifts() -> int:
        with open_database(url) as database:
            return int(database.rows(f"SELECT COUNT(*) FROM {INSTANCE}_drift")[0][0])

    before = drifts()
    with _writing(url) as execute:
        execute(
            f"UPDATE {INSTANCE}_daily_balances SET money = money + 1 WHERE account_role <> 'ExternalCounterparty'"
        )
    assert drifts() == before
    refresh_views(parse_url(url), INSTANCE)
    assert drifts() > before
    assert stray(url) == []


@everywhere
@pytest.mark.parametrize("has_row", [True, False])
def test_a_feed_gets_its_bank_and_its_moment_by_a_refresh(url: str, engine: str, has_row: bool) -> None:
    target, moment = parse_url(url), datetime.fromisoformat("2030-01-02")
    load(url, "old")
    clean_data(target, INSTANCE)
    with _writing(url) as execute:
        execute(f"UPDATE {INSTANCE}_dataset SET bank = '{{}}'" if has_row else f"DELETE FROM {INSTANCE}_dataset")
    own = ledger("old").dataset.bank
    assert refresh_views(target, bank=own, as_of=moment) == (INSTANCE, moment)
    assert refresh_views(target, INSTANCE) == (INSTANCE, moment)
    with open_database(url) as database:
        assert stored_bank(database, INSTANCE) == own
        assert moment_of(stored_facts(database, INSTANCE) or {}) == moment
        assert not views_behind(database, own)
    assert stray(url) == []


@everywhere
def test_a_view_that_is_gone_or_another_is_made_again_by_a_refresh(url: str, engine: str) -> None:
    target = parse_url(url)
    load(url, "old")
    name = f"{INSTANCE}_account_network"
    with open_database(url) as database:
        own, kind = stored_bank(database, INSTANCE), relation_kinds(database)[name]
    for make in (f"CREATE VIEW {name} AS SELECT 1 AS x", f"CREATE TABLE {name} AS SELECT 1 AS x", ""):
        with _writing(url) as execute:
            execute(f"DROP {kind} {name}")
            if make:
                execute(make)
        with open_database(url) as database:
            assert views_behind(database, own) == ["account_network"]
        refresh_views(target)
        with open_database(url) as database:
            assert not views_behind(database, own)
    assert stray(url) == []


@everywhere
def test_cleaning_leaves_empty_tables_or_nothing_and_the_neighbour_alone(url: str, engine: str) -> None:
    target = parse_url(url)
    load(url, "old")
    before = state(url)
    others = _names(url) - _names(url, f"{INSTANCE}_")
    apply_schema(bank("tiny"), target)
    apply_schema(bank("tinier"), target)
    assert clean_data(target, INSTANCE) == (INSTANCE, True)
    assert clean_data(target, INSTANCE) == (INSTANCE, False)
    with open_database(url) as database:
        for name in (f"{INSTANCE}_transactions", f"{INSTANCE}_answer_key", f"{INSTANCE}_daily_statement"):
            assert database.rows(f"SELECT COUNT(*) FROM {name}") == [(0,)]
        facts = stored_facts(database, INSTANCE) or {}
        assert {name for name, value in facts.items() if value is not None} == {"instance", "bank"}
    assert load(url, "old").unchanged is False
    assert clean_schema(target, "tiny")[0] == "tiny"
    assert state(url) == before
    instance, removed = clean_schema(target, INSTANCE)
    assert instance == INSTANCE and f"{INSTANCE}_drift" in removed
    assert {name for name in _names(url) if not name.startswith("tinier_")} == others
    with pytest.raises(InputError, match=f"no instance {INSTANCE}; it has tinier"):
        clean_schema(target, INSTANCE)
    clean_schema(target)
    assert _names(url) == others
    with pytest.raises(InputError, match=r"^the database has no instance$"):
        clean_schema(target)
    assert stray(url) == []


@everywhere
def test_instances_whose_names_would_meet_are_refused(url: str, engine: str) -> None:
    target = parse_url(url)
    apply_schema(bank("tiny"), target)
    before = _names(url)
    with pytest.raises(
        TargetError, match="tiny_ledger and tiny, which is in the database, would both have tiny_ledger_"
    ):
        apply_schema(bank("tiny_ledger"), target)
    assert _names(url) == before


@everywhere
@pytest.mark.parametrize("name", ["transactions", "DRIFT"])
def test_a_table_that_no_load_made_is_never_replaced(url: str, engine: str, name: str) -> None:
    target, taken = parse_url(url), f"{INSTANCE}_{name}"
    if engine == "duckdb":
        apply_schema(bank("tiny"), target)
    with _writing(url) as execute:
        execute(f"CREATE TABLE {taken} (a INT)")
        execute(f"INSERT INTO {taken} VALUES (7)")
    try:
        for change in (lambda: load(url, "old"), lambda: apply_schema(bank(INSTANCE), target)):
            with pytest.raises(TargetError, match=f"table or view {taken.lower()} that no load of"):
                change()
        with pytest.raises(InputError):
            clean_schema(target, INSTANCE)
        with open_database(url) as database:
            assert database.rows(f"SELECT a FROM {taken}") == [(7,)]
    finally:
        with _writing(url) as execute:
            execute(f"DROP TABLE {taken}")


def _add_balance(url: str) -> None:
    with _writing(url) as execute:
        execute(
            f"INSERT INTO {INSTANCE}_daily_balances VALUES (1, 'a', 'A', 'CustomerSubledger', 'internal',"
            " 'CustomerLedger', NULL, '2030-01-02 00:00:00', '2030-01-03 00:00:00', 3.50, NULL, NULL)"
        )


def _leave(url: str) -> None:
    pass


def _remove_facts(url: str) -> None:
    with _writing(url) as execute:
        execute(f"DELETE FROM {INSTANCE}_dataset")


# How a database comes to hold rows that no load made, and what is said of them.
OTHERS_ROWS: dict[str, tuple[Callable[[str], Any], Callable[[str], Any], str]] = {
    "a feed": (
        lambda url: apply_schema(bank(INSTANCE), parse_url(url)),
        _leave,
        "0 rows of transactions and 1 row of daily_balances that no load made",
    ),
    "a feed that says nothing of itself": (
        lambda url: apply_schema(bank(INSTANCE), parse_url(url)),
        _remove_facts,
        "that no load made",
    ),
    "a load with a row more": (lambda url: load(url, "old"), _leave, "that are not the .* of its load"),
}


@everywhere
@pytest.mark.parametrize("case", OTHERS_ROWS)
def test_rows_that_no_load_made_stay_unless_told_otherwise(url: str, engine: str, case: str) -> None:
    make, change, words = OTHERS_ROWS[case]
    target = parse_url(url)
    assert target.database_url is not None
    make(url)
    _add_balance(url)
    change(url)
    before, names = _contents(url), _names(url)
    ways: tuple[Callable[[Any], Any], ...] = (
        lambda target: apply_schema(bank(INSTANCE), target),
        lambda target: write(ledger("old").parts, ledger("old").dataset, target),
    )
    for replaced in ways:
        with pytest.raises(TargetError, match=words) as refused:
            replaced(target)
        remedy = f"`seedbed data refresh {target.database_url.shown} --as-of DATE` keeps them"
        assert remedy in str(refused.value) and "--overwrite replaces them" in str(refused.value)
        assert (_contents(url), _names(url)) == (before, names)
    for replaced in ways:
        replaced(replace(target, overwrite=True))
        assert _contents(url) != before
    assert stray(url) == []


def _contents(url: str) -> list[Any]:
    """The rows of both tables and the facts."""
    with open_database(url) as database:
        tables = (table.name for table in (*TABLES, DATASET))
        return [sorted(database.rows(f"SELECT * FROM {INSTANCE}_{name}"), key=repr) for name in tables]


@everywhere
def test_parts_that_fail_midway_leave_the_old_rows(url: str, engine: str) -> None:
    load(url, "old")
    before = state(url)
    rows = ledger("new")

    def failing() -> Any:
        yield rows.parts[0]
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        write(failing(), rows.dataset, parse_url(url))
    assert state(url) == before
    assert stray(url) == []


@everywhere
def test_rows_that_break_a_constraint_are_refused_in_one_line(url: str, engine: str) -> None:
    load(url, "old")
    before = state(url)
    rows = ledger("new")
    position = rows.transactions.column_names.index("status")
    wrong = rows.transactions.set_column(position, "status", [["Done"] * rows.transactions.num_rows])
    with pytest.raises(TargetError) as refusal:
        write(
            (Part({"transactions": wrong, "daily_balances": rows.daily_balances, "answer_key": rows.answer_key}),),
            rows.dataset,
            parse_url(url),
        )
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 400
    assert state(url) == before
    assert stray(url) == []


@everywhere
def test_drift_that_nobody_planted_is_refused(url: str, engine: str) -> None:
    rows = ledger("new")
    key = rows.answer_key
    silent = key.filter([place != "drift" for place in key["place"].to_pylist()])
    with pytest.raises(TargetError, match=r"the view drift has \d+ rows, not the 0 that were planted"):
        write(
            (Part({"transactions": rows.transactions, "daily_balances": rows.daily_balances, "answer_key": silent}),),
            rows.dataset,
            replace(parse_url(url), explained=True),
        )
    assert state(url) is None
    assert stray(url) == []


@pytest.mark.parametrize("engine", ["postgresql", "mysql", "sqlite"])
def test_a_load_waits_for_another_and_gives_up_in_one_line(
    url: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(url, "old")
    address = parse_url(url).database_url
    assert address is not None
    with _session(address) as other, monkeypatch.context() as patch:
        other.lock(INSTANCE)
        for module in (session, mysql, sqlite):
            patch.setattr(module, "LOCK_SECONDS", 1)
        with pytest.raises(TargetError, match="another load of spec_example"):
            load(url, "new")
    assert load(url, "new").unchanged is False


@pytest.mark.parametrize(
    ("engine", "extra", "driver"), [("postgresql", "postgresql", "psycopg"), ("mysql", "mysql", "pymysql")]
)
def test_a_missing_driver_is_named_with_what_installs_it(
    engine: str, extra: str, driver: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    assert run(["data", "apply", INSTANCE, "--to", f"{engine}://me:s3cret@host/db", "--window-days", "1"]) == 3
    said = capfd.readouterr().err
    assert said.endswith(f"needs the package {driver}: {install_command(extra)}\n") and said.count("\n") == 1


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
@pytest.mark.parametrize("password", ["s3c%zzret", "s3@cret"])
def test_a_refused_login_repeats_no_password(
    url: str, engine: str, password: str, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = url.replace("postgres@/", f"nobody:{password}@/nowhere-").replace("root@", f"nobody:{password}@")
    for command in (["data", "apply", INSTANCE, "--window-days", "1", "--to"], ["check"], ["data", "clean"]):
        assert run([*command, wrong]) == 3
    said = capfd.readouterr()
    assert said.err.count("\n") == 3
    assert not any(piece in said.err + said.out for piece in ("s3", "cret", "zz"))


@everywhere
def test_the_command_line_says_what_it_did(
    url: str, engine: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    apply = ["data", "apply", INSTANCE, "--anchor", "2030-01-01", "--window-days", "5", "--to", url]
    assert run(apply) == 0
    assert capfd.readouterr().out.startswith(f"wrote   {engine}://")
    assert run(apply) == 0
    assert "it already holds this load, so nothing was changed" in capfd.readouterr().out
    assert run(["check", url]) == 0
    assert run(["data", "clean", url]) == 0
    assert run(["schema", "clean", url]) == 0
    assert "removed the rows of spec_example\nremoved 36 tables and views of spec_example" in capfd.readouterr().out
    assert run(["schema", "apply", INSTANCE, "--to", url]) == 0


def test_postgresql_is_read_the_same_whatever_it_is_set_to(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with _writing(postgres.url) as execute:
        execute("ALTER ROLE postgres SET DateStyle = 'German'")
        execute("ALTER ROLE postgres SET standard_conforming_strings = off")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    try:
        load(postgres.url, "old")
        assert load(postgres.url, "old").unchanged is True
        assert state(postgres.url) is not None
    finally:
        with _writing(postgres.url) as execute:
            execute("ALTER ROLE postgres RESET ALL")
        clean_schema(parse_url(postgres.url), INSTANCE)


def test_a_schema_without_the_right_to_create_is_told_with_its_remedy(
    postgres: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    if _names(postgres.url, f"{INSTANCE}_"):
        clean_schema(parse_url(postgres.url), INSTANCE)
    with _writing(postgres.url) as execute:
        execute("CREATE ROLE clerk LOGIN")
        execute("CREATE SCHEMA clerks AUTHORIZATION clerk")
    clerk = postgres.url.replace("postgres@", "clerk@")
    apply = ["data", "apply", INSTANCE, "--anchor", "2030-01-01", "--window-days", "1", "--quiet", "--to"]
    try:
        assert run([*apply, clerk]) == 3
        said = capfd.readouterr().err
        assert said.startswith("seedbed: PostgreSQL: permission denied for schema public; GRANT CREATE ON SCHEMA")
        assert "?schema=NAME" in said and said.count("\n") == 1
        assert run([*apply, f"{clerk}&options=-csearch_path%3Dnowhere"]) == 3
        assert "make the schema that the search_path names" in capfd.readouterr().err
        assert run([*apply, f"{clerk}&options=-csearch_path%3Dclerks"]) == 0
    finally:
        with _writing(postgres.url) as execute:
            execute("DROP OWNED BY clerk CASCADE")
            execute("DROP ROLE clerk")
