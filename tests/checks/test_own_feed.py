"""A feed of one's own: `check` holds on a healthy one, and names what is wrong with it, without an answer key."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from seedbed.cli.main import run

from .own_feed import ANCHOR, INSTANCE, OPENERS, change, feed_bank, make_feed

TX, BAL = f"{INSTANCE}_transactions", f"{INSTANCE}_daily_balances"
OUT = f"(SELECT MIN(transfer_id) FROM {TX} WHERE rail_name = 'Out')"
IN_OF_DAY_5 = (
    f"(SELECT MIN(transfer_id) FROM {TX} WHERE rail_name = 'In' AND CAST(posting AS VARCHAR) LIKE '2029-12-05%')"
)
CUSTOMER = f"(SELECT MIN(account_id) FROM {BAL} WHERE account_role = 'CustomerDDA')"
CUSTOMER_DAY = f"account_id = {CUSTOMER} AND CAST(business_day_start AS VARCHAR) LIKE '2029-12-05%'"
LAST_DAY = f"(SELECT MAX(business_day_start) FROM {BAL} WHERE account_role = 'CustomerDDA')"
CONTROL_DAY = "account_id = 'gl-1' AND CAST(business_day_start AS VARCHAR) LIKE '2029-12-05%'"
ONE_LEG = f"entry = (SELECT MIN(entry) FROM {TX} WHERE rail_name = 'Out' AND amount_money < 0)"
ONE_CREDIT = f"entry = (SELECT MIN(entry) FROM {TX} WHERE rail_name = 'Out' AND amount_money > 0)"
OTHERS = ", ".join(
    (
        "account_id, account_name, account_role, account_scope, account_parent_role, amount_direction, status",
        "posting, transfer_id, transfer_type, transfer_completion, transfer_parent_id, rail_name, template_name",
        "bundle_id, origin, metadata",
    )
)
BALANCE = "account_id, account_name, account_role, account_scope, account_parent_role, expected_eod_balance, limits"
NEW_ENTRY = f"(SELECT MAX(entry) + 1 FROM {TX})"


def again(changes: str, of: str, reason: str = "NULL", key: str = "id") -> str:
    """A later row like another one."""
    return (
        f"INSERT INTO {TX} ({OTHERS}, entry, id, amount_money, supersedes)"
        f" SELECT {OTHERS}, {NEW_ENTRY}, {key}, {changes}, {reason} FROM {TX} WHERE {of}"
    )


def another_balance(start: str, end: str, of: str = CUSTOMER_DAY) -> str:
    """A further balance row like another one, of another day."""
    return (
        f"INSERT INTO {BAL} ({BALANCE}, entry, business_day_start, business_day_end, money)"
        f" SELECT {BALANCE}, entry + 1, '{start}', '{end}', money FROM {BAL} WHERE {of}"
    )


def free(table: str) -> list[str]:
    """The same rows in a table without constraints, as a feed's own ETL or an older file may have them."""
    return [
        f"CREATE TABLE kept AS SELECT * FROM {table}",
        f"DROP TABLE {table}",
        f"ALTER TABLE kept RENAME TO {table}",
    ]


# What is done to the feed, and what the report says of it.
FAULTS: dict[str, tuple[list[str], str]] = {
    "a leg is missing": ([f"DELETE FROM {TX} WHERE {ONE_LEG}"], "of Out: 1 leg, net "),
    "both legs post on a Saturday": (
        [f"UPDATE {TX} SET posting = '2029-12-08 12:00:00' WHERE transfer_id = {IN_OF_DAY_5}"],
        "2029-12-08: 2 legs",
    ),
    "a leg is there twice": ([again("amount_money", ONE_LEG, key="id || 'x'")], "3 legs, net "),
    "a bundle that nobody is": (
        [f"UPDATE {TX} SET bundle_id = 'nobody' WHERE entry = (SELECT MAX(entry) FROM {TX} WHERE bundle_id <> '')"],
        "sweep nobody: bundles",
    ),
    "two bundles of one firing": (
        [f"UPDATE {TX} SET bundle_id = 'nobody' WHERE entry = (SELECT MAX(entry) FROM {TX} WHERE bundle_id <> '')"],
        "its two legs differ: bundles ",
    ),
    "two statuses of one firing": (
        [f"UPDATE {TX} SET status = 'Pending' WHERE {ONE_LEG}"],
        "its two legs differ: statuses Pending and Posted, first ",
    ),
    "a bundle on a rail that nothing sweeps": (
        [f"UPDATE {TX} SET bundle_id = 'nobody' WHERE transfer_id = {OUT}"],
        "sweep nobody: bundles",
    ),
    "a swept leg without its bundle": (
        [f"UPDATE {TX} SET bundle_id = NULL WHERE entry = (SELECT MAX(entry) FROM {TX} WHERE bundle_id <> '')"],
        "posted",
    ),
    "an amount is rewritten in silence": (
        [again("amount_money - 1", f"transfer_id = {OUT} AND amount_money < 0")],
        "exceptions, supersession_audit: expected 0, found 1",
    ),
    "an amount is rewritten as if it settled": (
        [again("amount_money - 1", f"transfer_id = {OUT} AND amount_money < 0", "'Inflight'")],
        "exceptions, supersession_audit: expected 0, found 1",
    ),
    "legs are Pending for weeks": (
        [f"UPDATE {TX} SET status = 'Pending' WHERE transfer_id = {IN_OF_DAY_5}"],
        "exceptions, stuck_pending: expected 0, found 2",
    ),
    "a balance is another": ([f"UPDATE {BAL} SET money = money + 7 WHERE {CUSTOMER_DAY}"], "exceptions, drift"),
    "a balance is missing": ([f"DELETE FROM {BAL} WHERE {CUSTOMER_DAY}"], "/2029-12-05: no balance"),
    "only the parent has a balance": (
        [
            f"DELETE FROM {BAL} WHERE account_role = 'CustomerDDA'"
            " AND CAST(business_day_start AS VARCHAR) LIKE '2029-12-05%'"
        ],
        "/2029-12-05: no balance",
    ),
    "an account without any balance": (
        [f"DELETE FROM {BAL} WHERE account_id = 'gl-2'"],
        "gl-2/2029-12-03: no balance",
    ),
    "a balance of a closed day": (
        [another_balance("2029-12-08 00:00:00", "2029-12-09 00:00:00")],
        "/2029-12-08: not a business day",
    ),
    "two balances of one day": (
        [another_balance("2029-12-05 01:00:00", "2029-12-06 01:00:00")],
        "/2029-12-05: 2 balances",
    ),
    "a day that ends an hour late": (
        [f"UPDATE {BAL} SET business_day_end = '2029-12-06 01:00:00' WHERE {CUSTOMER_DAY}"],
        "this one at 00:00 and 25 h (1 of them)",
    ),
    "a day that begins at another role's hour": (
        [
            f"UPDATE {BAL} SET business_day_start = '2029-12-05 00:00:00', business_day_end = '2029-12-06 00:00:00'"
            " WHERE account_id = 'gl-3' AND CAST(business_day_start AS VARCHAR) LIKE '2029-12-05%'"
        ],
        "the day of FeeIncome begins at 03:00 and lasts 24 h",
    ),
    "a posting in the future": (
        [f"UPDATE {TX} SET posting = '2030-01-02 12:00:00' WHERE transfer_id = {IN_OF_DAY_5}"],
        "at 2030-01-02 12:00:00, as of 2030-01-02 00:00:00",
    ),
    "a balance of the future": (
        [another_balance("2030-01-02 00:00:00", "2030-01-03 00:00:00")],
        "/2030-01-02 at 2030-01-02 00:00:00, as of",
    ),
    "a role that nobody declared": (
        [f"UPDATE {TX} SET account_id = 'stranger', account_role = 'Stranger' WHERE {ONE_LEG}"],
        "account stranger is internal Stranger under Ctl, but the bank declares no account with",
    ),
    "an account of a declared role that the bank has once": (
        [f"UPDATE {BAL} SET account_id = 'gl-9' WHERE account_id = 'gl-2'"],
        "account gl-9 is internal FeeClearing without a parent role, but the bank declares no account with",
    ),
    "an external account called internal": (
        [f"UPDATE {TX} SET account_scope = 'internal' WHERE account_id = 'ext-1'"],
        "account ext-1 is internal Other without a parent role, the bank declares it as external Other",
    ),
    "two names of one account": (
        [f"UPDATE {TX} SET account_name = 'Mallory' WHERE {ONE_LEG}"],
        "account_name is",
    ),
    "two roles of one account": (
        [f"UPDATE {BAL} SET account_role = 'FeeIncome' WHERE {CUSTOMER_DAY}"],
        "account_role is",
    ),
    "two parents of one account": (
        [f"UPDATE {BAL} SET account_parent_role = NULL WHERE {CUSTOMER_DAY}"],
        "account_parent_role is",
    ),
    "a rail that nobody declared": (
        [f"UPDATE {TX} SET rail_name = 'Unheard' WHERE transfer_id = {OUT}"],
        "exceptions, unmatched_postings: expected 0, found 2",
    ),
    "a parent transfer that is not there": (
        [f"UPDATE {TX} SET transfer_parent_id = 'nobody' WHERE transfer_id = {OUT}"],
        ": parent nobody, first leg",
    ),
    "a cap that is broken": (
        [f"UPDATE {TX} SET amount_money = amount_money * 1000 WHERE transfer_id = {OUT}"],
        "exceptions, limit_breach: expected 0, found 1",
    ),
    "another balance than the expected one": (
        [f"UPDATE {BAL} SET expected_eod_balance = money + 1 WHERE {CUSTOMER_DAY}"],
        "exceptions, expected_eod_balance_breach: expected 0, found 1",
    ),
    "a cap that is not the bank's": (
        [f"UPDATE {BAL} SET limits = '{{\"wire_outbound\": 4999.99}}' WHERE {CONTROL_DAY}"],
        'gl-1/2029-12-05: limits is {"wire_outbound": 4999.99}, the caps under Ctl are wire_outbound 5000.00',
    ),
    "a cap of another type": (
        [f'UPDATE {BAL} SET limits = \'{{"ach_inbound": 5000, "wire_outbound": 5000}}\' WHERE {CONTROL_DAY}'],
        "limits that differ from the caps: expected 0, found 1",
    ),
    "no cap where there is one": (
        [f"UPDATE {BAL} SET limits = NULL WHERE {CONTROL_DAY}"],
        "gl-1/2029-12-05: limits is null, the caps under Ctl are wire_outbound 5000.00",
    ),
    "a cap where there is none": (
        [f"UPDATE {BAL} SET limits = '{{\"wire_outbound\": 5000.00}}' WHERE {CUSTOMER_DAY}"],
        "the caps under CustomerDDA are none",
    ),
    # In tables that refuse nothing.
    "a debit called a credit": (
        [*free(TX), f"UPDATE {TX} SET amount_direction = 'Credit' WHERE {ONE_LEG}"],
        "amount_direction disagrees with the sign",
    ),
    "a status that is none": (
        [*free(TX), f"UPDATE {TX} SET status = 'Done' WHERE transfer_id = {OUT}"],
        "status is not one of Pending, Posted, Failed",
    ),
    "nothing where something must be": (
        [*free(TX), f"UPDATE {TX} SET rail_name = NULL WHERE transfer_id = {OUT}"],
        "rail_name is null",
    ),
    "one entry of two rows": (
        [*free(TX), f"UPDATE {TX} SET entry = (SELECT MAX(entry) FROM {TX}) WHERE {ONE_LEG}"],
        "transactions: entry ",
    ),
    "parts of a cent in legs": (
        [
            *free(TX),
            f"ALTER TABLE {TX} ADD COLUMN fine DECIMAL(20, 4)",
            f"UPDATE {TX} SET fine = amount_money",
            f"UPDATE {TX} SET fine = fine - 0.004 WHERE {ONE_LEG}",
            f"ALTER TABLE {TX} DROP COLUMN amount_money",
            f"ALTER TABLE {TX} RENAME COLUMN fine TO amount_money",
        ],
        "amount_money is not in whole cents",
    ),
    "parts of a cent in balances": (
        [
            *free(BAL),
            f"ALTER TABLE {BAL} ADD COLUMN fine DECIMAL(20, 4)",
            f"UPDATE {BAL} SET fine = money + 0.004",
            f"ALTER TABLE {BAL} DROP COLUMN money",
            f"ALTER TABLE {BAL} RENAME COLUMN fine TO money",
        ],
        "money is not in whole cents",
    ),
}


@pytest.fixture(scope="session", params=["sqlite", "duckdb"])
def healthy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_feed(request.param, tmp_path_factory.mktemp("feed"))


@pytest.fixture
def feed(healthy: Path, tmp_path: Path) -> Path:
    shutil.copy(healthy, tmp_path / healthy.name)
    return tmp_path / healthy.name


def url(path: Path) -> str:
    return f"{path.suffix[1:]}:///{path}"


def checked(path: Path, capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code of `check`, and all that it says."""
    code = run(["check", url(path)])
    said = capfd.readouterr()
    assert said.err == ""
    return code, said.out


def test_a_healthy_feed_holds_and_the_last_line_counts_what_was_not_asked(
    feed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, said = checked(feed, capfd)
    assert code == 0, said
    assert "everything holds" not in said
    assert " hold, 11 not asked: coverage 4, health 1, answer key 3, dataset 3; " in said.splitlines()[-1]
    assert run(["check", url(feed), "--json"]) == 0
    answer: dict[str, Any] = json.loads(capfd.readouterr().out)
    verdicts = [result["verdict"] for result in answer["results"]]
    assert answer["not_asked"] == verdicts.count("not asked") == 11
    assert all(result["reason"] for result in answer["results"] if result["verdict"] == "not asked")


@pytest.mark.parametrize("cell", ['{"wire_outbound": 5000}', '{"wire_outbound":5000.0}', '{"wire_outbound": 5e3}'])
def test_a_cap_may_be_spelt_in_any_way_that_is_the_number(
    feed: Path, cell: str, capfd: pytest.CaptureFixture[str]
) -> None:
    change(feed, [f"UPDATE {BAL} SET limits = '{cell}' WHERE account_id = 'gl-1'"])
    assert run(["data", "refresh", url(feed), "--quiet"]) == 0
    assert checked(feed, capfd)[0] == 0


def test_a_feed_may_book_the_legs_of_a_transfer_one_after_the_other(
    feed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    later = {
        ".duckdb": "posting + INTERVAL 3 SECOND",
        ".sqlite": "strftime('%Y-%m-%d %H:%M:%S', posting, '+3 seconds')",
    }
    legs = "rail_name = 'In' AND amount_direction = 'Credit'"
    change(feed, [f"UPDATE {TX} SET posting = {later[feed.suffix]} WHERE {legs}"])
    assert run(["data", "refresh", url(feed), "--quiet"]) == 0
    code, said = checked(feed, capfd)
    assert code == 0, said


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_of_empty_tables_nothing_is_said_to_hold(
    tmp_path: Path, engine: str, capfd: pytest.CaptureFixture[str]
) -> None:
    bank, feed = tmp_path / "tb.yaml", tmp_path / f"feed.{engine}"
    bank.write_text(json.dumps(feed_bank()), encoding="utf-8")
    assert run(["schema", "apply", str(bank), "--as-of", ANCHOR, "--to", url(feed), "--quiet"]) == 0
    code, said = checked(feed, capfd)
    assert code == 1
    assert "contract, tables have rows: expected some, found none" in said
    assert f"fill {TX} and {BAL}, then run `seedbed data refresh {url(feed)}`" in said
    assert " not asked: " in said.splitlines()[-1]
    run(["check", url(feed), "--json"])
    held = [one["group"] for one in json.loads(capfd.readouterr().out)["results"] if one["verdict"] == "ok"]
    assert set(held) == {"views"}
    # One balance is something to look at.
    change(
        feed,
        [
            f"INSERT INTO {BAL} VALUES (1, 'gl-3', 'FeeIncome', 'FeeIncome', 'internal', NULL, NULL,"
            " '2029-12-05 03:00:00', '2029-12-06 03:00:00', 0, NULL, NULL)"
        ],
    )
    assert run(["data", "refresh", url(feed), "--quiet"]) == 0
    assert checked(feed, capfd)[0] == 0


def test_a_filled_feed_stays_unless_told_otherwise(feed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    bank = feed.parent / "tb.yaml"
    bank.write_text(json.dumps(feed_bank()), encoding="utf-8")
    schema = ["schema", "apply", str(bank), "--to", url(feed)]
    data = ["data", "apply", str(bank), "--anchor", ANCHOR, "--window-days", "2", "--to", url(feed), "--quiet"]
    for command in (schema, data):
        assert run(command) == 3
        said = capfd.readouterr()
        assert said.out == "" and said.err.count("\n") == 1
        assert (
            "rows of tb_daily_balances" not in said.err and " rows of daily_balances that no load made; " in said.err
        )
        assert f"`seedbed data refresh {url(feed)} --as-of DATE` keeps them" in said.err
        assert checked(feed, capfd)[0] == 0
    for command in (schema, data):
        assert run([*command, "--overwrite"]) == 0
        capfd.readouterr()
    # What a load made may go without a word.
    assert run([*schema, "--quiet"]) == 0


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_feed_is_named(feed: Path, fault: str, capfd: pytest.CaptureFixture[str]) -> None:
    statements, words = FAULTS[fault]
    change(feed, statements)
    assert run(["data", "refresh", url(feed), "--quiet"]) == 0
    code, said = checked(feed, capfd)
    assert code == 1
    assert words in said


@pytest.mark.parametrize(
    ("name", "statements"),
    [
        (
            "balances: one per account and business day",
            [
                f"DELETE FROM {BAL} WHERE {CUSTOMER_DAY}",
                another_balance("2029-12-08 00:00:00", "2029-12-09 00:00:00", CUSTOMER_DAY.replace("-05%", "-06%")),
            ],
        ),
        (
            "openings + flows = closings",
            [
                f"UPDATE {BAL} SET money = money + {off} WHERE account_id = {of} AND business_day_start = {LAST_DAY}"
                for off, of in ((7, CUSTOMER), (-7, CUSTOMER.replace("MIN", "MAX")))
            ],
        ),
    ],
)
def test_sums_that_are_equal_beside_a_miss_say_how_much_is_wrong(
    feed: Path, name: str, statements: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    run(["check", url(feed), "--json"])
    [before] = [one for one in json.loads(capfd.readouterr().out)["results"] if one["name"] == name]
    change(feed, statements)
    assert run(["data", "refresh", url(feed), "--quiet"]) == 0
    run(["check", url(feed), "--json"])
    [after] = [one for one in json.loads(capfd.readouterr().out)["results"] if one["name"] == name]
    assert (before["verdict"], after["verdict"], after["wrong"]) == ("ok", "miss", 2)
    assert (after["expected"], after["found"]) == (before["expected"], f"{before['found']}, 2 wrong")


def test_business_days_that_are_others_are_counted_by_kind_as_they_are_shown(
    feed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    change(feed, [f"UPDATE {BAL} SET business_day_end = '2031-01-01 00:00:00' WHERE account_id = 'gl-3'"])
    assert run(["data", "refresh", url(feed), "--quiet"]) == 0
    run(["check", url(feed), "--json"])
    [result] = [
        one
        for one in json.loads(capfd.readouterr().out)["results"]
        if one["name"] == "balances with other business-day hours"
    ]
    with closing(OPENERS[feed.suffix[1:]](str(feed))) as connection:
        [(days,)] = connection.execute(f"SELECT COUNT(*) FROM {BAL} WHERE account_id = 'gl-3'").fetchall()
    # Each lasts for another number of hours, so each is of its own kind.
    assert (int(result["found"]), result["wrong"], len(result["offenders"])) == (days, days, 5)
    change(feed, [f"UPDATE {BAL} SET business_day_end = business_day_start WHERE account_id = 'gl-3'"])
    assert run(["data", "refresh", url(feed), "--quiet"]) == 0
    run(["check", url(feed), "--json"])
    answer = json.loads(capfd.readouterr().out)["results"]
    [result] = [one for one in answer if one["name"] == "balances with other business-day hours"]
    assert (int(result["found"]), result["wrong"], len(result["offenders"])) == (days, 1, 1)


def test_rows_that_changed_since_the_views_were_filled_are_said(
    feed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    change(feed, [f"UPDATE {BAL} SET money = money + 7 WHERE {CUSTOMER_DAY}"])
    code, said = checked(feed, capfd)
    assert code == 1
    assert "tb_current_daily_balances stores other rows than its definition returns" in said
    assert f"run `seedbed data refresh {url(feed)}`" in said


def test_without_an_as_of_the_check_says_what_to_run(
    tmp_path: Path, healthy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    feed = make_feed(healthy.suffix[1:], tmp_path, as_of=None)
    code, said = checked(feed, capfd)
    assert code == 1
    assert f"run `seedbed data refresh {url(feed)} --as-of DATE`, or `--as-of now`" in said
    assert run(["data", "refresh", url(feed), "--as-of", ANCHOR]) == 0
    assert "as of   2030-01-02 00:00:00" in capfd.readouterr().out
    assert checked(feed, capfd)[0] == 0


def test_without_a_dataset_row_bank_and_moment_come_with_a_refresh(
    feed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    change(feed, [f"DELETE FROM {INSTANCE}_dataset"])
    code, said = checked(feed, capfd)
    assert code == 1
    assert f"seedbed data refresh {url(feed)} --bank BANK --as-of DATE" in said
    bank = feed.parent / "tb.yaml"
    bank.write_text(json.dumps(feed_bank()), encoding="utf-8")
    assert run(["data", "refresh", url(feed), "--bank", str(bank), "--as-of", ANCHOR, "--quiet"]) == 0
    assert checked(feed, capfd)[0] == 0


def test_legs_are_stuck_once_the_as_of_moves_on(feed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    transfer = f"(SELECT MAX(transfer_id) FROM {TX} WHERE rail_name = 'In' AND posting > '2029-12-31 00:00:00')"
    change(feed, [f"UPDATE {TX} SET status = 'Pending' WHERE transfer_id = {transfer}"])
    for day, stuck in (("2029-12-31", False), ("2030-01-04", True)):
        assert run(["data", "refresh", url(feed), "--as-of", day, "--quiet"]) == 0
        assert ("exceptions, stuck_pending: expected 0, found 2" in checked(feed, capfd)[1]) is stuck


def test_a_refresh_without_as_of_keeps_the_one_that_is_there(feed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "refresh", url(feed), "--as-of", "2030-01-04", "--quiet"]) == 0
    assert run(["data", "refresh", url(feed), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["as_of"] == "2030-01-05 00:00:00"


@pytest.mark.parametrize("value", ["soon", "2030-02-30", "9999-12-31", "2030-01-01 10:00", ""])
def test_an_as_of_that_is_no_day_is_one_line(feed: Path, value: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "refresh", url(feed), "--as-of", value]) == 2
    error = capfd.readouterr().err
    assert error.startswith("seedbed: as-of: ") and error.count("\n") == 1


@pytest.mark.parametrize("column", ["amount_money", "money", "expected_eod_balance"])
def test_sqlite_refuses_parts_of_a_cent_and_takes_sums_of_amounts(tmp_path: Path, column: str) -> None:
    path, table = make_feed("sqlite", tmp_path), TX if column == "amount_money" else BAL
    change(path, [f"UPDATE {table} SET {column} = COALESCE({column}, 0) * 1.0 + 1000000.10 - 1000000.10"])
    for value in ("0.004", "12.345", "'12.3x'", "1e-4", "9e999", "-9e999", "1e20"):
        with pytest.raises(sqlite3.IntegrityError):
            change(path, [f"UPDATE {table} SET {column} = {value}"])
