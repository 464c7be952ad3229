"""The credit union in the newer spelling: what its file says of itself holds in its rows."""

from datetime import date
from importlib import resources

import duckdb
import pytest

import seedbed
from seedbed.bank.load import validate_instance

FILE = str(resources.files("seedbed") / "banks" / "river_union.yaml")
ANCHOR = date(2030, 1, 1)


@pytest.fixture(scope="module")
def rows() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.register("legs", seedbed.generate("river_union", anchor=ANCHOR).transactions)
    return connection


def found(rows: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return rows.execute(query).fetchall()


def test_it_is_sound() -> None:
    validation = validate_instance(FILE)
    assert validation.problems == ()
    assert validation.findings == ()


def test_each_member_pays_one_fee_a_month_on_its_last_business_day(rows: duckdb.DuckDBPyConnection) -> None:
    fees = found(
        rows,
        "SELECT posting::date::text, COUNT(*), COUNT(DISTINCT account_id), "
        "LIST(DISTINCT amount_money::text ORDER BY 1) FROM legs "
        "WHERE rail_name = 'MonthlyFee' AND amount_direction = 'Debit' GROUP BY 1 ORDER BY 1",
    )
    prices = ["-4.00", "-9.50"]
    assert fees == [(day, 60, 60, prices) for day in ("2029-10-31", "2029-11-30", "2029-12-31")]


def test_instant_payments_move_on_every_day_and_nothing_else_does(rows: duckdb.DuckDBPyConnection) -> None:
    [(days,)] = found(rows, "SELECT COUNT(DISTINCT posting::date) FROM legs WHERE rail_name LIKE 'Instant%'")
    assert days == 90
    weekend = found(rows, "SELECT DISTINCT rail_name FROM legs WHERE ISODOW(posting) > 5 ORDER BY 1")
    assert weekend == [("InstantReceived",), ("InstantSent",)]


def test_what_was_sent_is_settled_before_a_day_begins(rows: duckdb.DuckDBPyConnection) -> None:
    assert found(rows, "SELECT DISTINCT posting::time::text FROM legs WHERE rail_name = 'InstantSettlement'") == [
        ("00:00:00",)
    ]


def test_a_shop_is_paid_once_for_five_days(rows: duckdb.DuckDBPyConnection) -> None:
    paid = found(
        rows,
        "SELECT DISTINCT parents, accounts FROM (SELECT COUNT(DISTINCT transfer_parent_id) AS parents, "
        "COUNT(DISTINCT account_id) FILTER (account_role = 'PartnerShop') AS accounts "
        "FROM legs WHERE rail_name = 'ShopPayout' GROUP BY transfer_id)",
    )
    assert paid == [(5, 1)]


def test_a_loan_is_paid_out_in_one_of_three_ways(rows: duckdb.DuckDBPyConnection) -> None:
    ways = found(
        rows,
        "SELECT way, COUNT(*) FROM (SELECT LIST(DISTINCT rail_name) FILTER (rail_name <> 'LoanPrincipal') AS way "
        "FROM legs WHERE template_name = 'LoanPayout' GROUP BY transfer_id) GROUP BY 1 ORDER BY 1",
    )
    assert [way for way, _ in ways] == [["LoanByCheck"], ["LoanByWire"], ["LoanToShare"]]


def test_a_debit_comes_back_after_one_or_two_business_days(rows: duckdb.DuckDBPyConnection) -> None:
    later = found(
        rows,
        "WITH days AS (SELECT day, ROW_NUMBER() OVER (ORDER BY day) AS number FROM (SELECT DISTINCT "
        "posting::date AS day FROM legs WHERE rail_name = 'DirectDebit')), "
        "parents AS (SELECT transfer_id, MIN(posting)::date AS day FROM legs WHERE rail_name = 'DirectDebit' "
        "GROUP BY 1), "
        "children AS (SELECT transfer_parent_id, MIN(posting)::date AS day FROM legs WHERE rail_name = 'DebitReturn' "
        "GROUP BY 1) "
        "SELECT DISTINCT c.number - p.number FROM children JOIN parents ON transfer_parent_id = transfer_id "
        "JOIN days AS p ON p.day = parents.day JOIN days AS c ON c.day = children.day ORDER BY 1",
    )
    assert later == [(1,), (2,)]


def test_values_that_belong_together_are_drawn_together(rows: duckdb.DuckDBPyConnection) -> None:
    pairs = found(
        rows,
        "SELECT COUNT(DISTINCT (metadata->>'mcc', metadata->>'merchant_name')), COUNT(DISTINCT metadata->>'mcc') "
        "FROM legs WHERE rail_name = 'DebitCardPurchase'",
    )
    assert pairs == [(4, 4)]
