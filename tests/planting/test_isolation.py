"""Plants change what they are meant to change, and nothing else: byte for byte against the baseline."""

from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from seedbed.bank.model import Bank
from seedbed.ledger.dataset import Ledger

from .conftest import NAMES, Planted

Baseline = Callable[[str], Ledger]


def _plain(table: pa.Table) -> pa.Table:
    columns = [c.cast(pa.string()) if pa.types.is_dictionary(c.type) else c for c in table.columns]
    return pa.table(columns, names=table.column_names)


@pytest.fixture(params=[(name, blend) for name in NAMES for blend in (False, True)], ids=str)
def both(request: Any, planted: Planted, baseline: Baseline) -> tuple[Bank, duckdb.DuckDBPyConnection]:
    """The planted ledger as `tx` and `balances`, the baseline as `tx0` and `balances0`."""
    name, blend = request.param
    bank, _, con = planted(name, blend=True) if blend else planted(name)
    alone = baseline(name)
    for table, data in (("tx0", alone.transactions), ("balances0", alone.daily_balances)):
        con.register("arriving", _plain(data))
        con.execute(f"create or replace table {table} as select * from arriving")
    return bank, con


def test_only_sweeps_and_drained_openings_differ(both: tuple[Bank, duckdb.DuckDBPyConnection]) -> None:
    bank, con = both
    sweeps = {rail.name for rail in bank.rails if rail.aggregating}
    changed = con.sql(
        "select distinct rail_name, account_id from (select * from tx0 except select * from tx)"
    ).fetchall()
    drained = {
        account
        for (account,) in con.sql(
            "select detail ->> 'account_id' from key where item = 'plant' and kind = 'overdraft'"
        ).fetchall()
    }
    assert {rail for rail, _ in changed} - sweeps <= {"OpeningBalance"}
    assert {account for rail, account in changed if rail == "OpeningBalance"} <= drained
    assert con.sql("select count(*) from tx0 where entry not in (select entry from tx)").fetchall() == [(0,)]


def test_a_sweep_differs_by_exactly_the_planted_legs(both: tuple[Bank, duckdb.DuckDBPyConnection]) -> None:
    bank, con = both
    two_leg = [rail.name for rail in bank.rails if hasattr(rail, "source_roles")]
    con.execute("create or replace temp table two_leg as select unnest(?) as name", [two_leg])
    rows = con.sql(
        """
        with moved as (
            select transfer_id, max(abs(tx.amount_money)) - max(abs(tx0.amount_money)) as more
            from tx join tx0 using (transfer_id, entry) where tx.amount_money <> tx0.amount_money group by 1),
        taken as (
            select bundle_id as transfer_id, sum(case when rail_name in (select name from two_leg)
                                                      then greatest(amount_money, 0) else abs(amount_money) end) as cents
            from cur where id in (select key from key where item = 'row' and place = 'transactions') group by 1)
        select more, cents from moved left join taken using (transfer_id)
        where transfer_id in (select transfer_id from tx where rail_name <> 'OpeningBalance')
        """
    ).fetchall()
    assert rows
    assert all(more == cents for more, cents in rows)


def test_balances_differ_by_exactly_the_planted_legs(both: tuple[Bank, duckdb.DuckDBPyConnection]) -> None:
    """On every leaf account but the drained ones, whose openings are the plants' own."""
    _, con = both
    wrong = con.sql(
        """
        with legs as (
            select account_id, posting, amount_money from posted
            where transfer_id not in (select transfer_id from tx0)
            union all
            select p.account_id, p.posting, p.amount_money - b.amount_money from posted p
            join (select distinct id, amount_money from tx0) b using (id)
            where p.amount_money <> b.amount_money and p.rail_name <> 'OpeningBalance'),
        deltas as (
            select split_part(key, '/', 1) as account_id, split_part(key, '/', 2)::date as day,
                   (select (detail ->> 'delta_money')::decimal(20, 2) from key d
                    where d.item = 'plant' and d.plant_id = key.plant_id) as money
            from key where item = 'row' and place = 'daily_balances')
        select b.account_id, b.business_day_start, b.money - a.money as moved,
               coalesce((select sum(l.amount_money) from legs l
                         where l.account_id = b.account_id and l.posting < b.business_day_end), 0)
               + coalesce((select sum(d.money) from deltas d where d.account_id = b.account_id
                           and d.day = b.business_day_start::date), 0) as planted
        from balances b join balances0 a using (account_id, business_day_start)
        where b.account_role not in (select account_parent_role from balances where account_parent_role is not null)
          and b.account_id not in (select detail ->> 'account_id' from key where item = 'plant' and kind = 'overdraft')
          and moved <> planted
        """
    ).fetchall()
    assert wrong == []


def test_no_plant_posts_on_a_closed_day(both: tuple[Bank, duckdb.DuckDBPyConnection]) -> None:
    _, con = both
    closed = con.sql(
        """
        select posting, rail_name from tx where posting::date not in (select distinct posting::date from tx0)
        """
    ).fetchall()
    assert closed == []
