"""Conditions on the daily balances: rows where they belong, and stored amounts that follow from the postings."""

import json
from decimal import Decimal

from .facts import Facts

__all__ = ["BALANCE_CONDITIONS"]


def no_balances_of_external_accounts(facts: Facts) -> list[str]:
    return facts.offenders(
        """
        select b.account_id, b.business_day_start from balances b left join accounts a on a.id = b.account_id
        where b.account_scope <> 'internal' or a.scope is distinct from 'internal'
        """
    )


def one_row_per_internal_account_and_business_day(facts: Facts) -> list[str]:
    """The business day starts at the date's midnight plus the role's offset and lasts 24 hours."""
    return facts.offenders(
        """
        with wanted as (
            select a.id as account_id, d.day + to_hours(a.offset_hours) as starts
            from accounts a, days d where a.scope = 'internal'),
        present as (
            select account_id, business_day_start as starts, count(*) as copies,
                   bool_and(business_day_end = business_day_start + to_hours(24)) as whole
            from balances group by all)
        select account_id, starts, copies from wanted full join present using (account_id, starts)
        where copies is distinct from 1 or not whole
           or not exists (select 1 from wanted w
                          where w.account_id = present.account_id and w.starts = present.starts)
        """
    )


def template_accounts_are_ten_plants_and_the_counted_ones(facts: Facts) -> list[str]:
    """A declared account whose id lies in the pool of plants stands in for one of them."""
    if not facts.rows("select 1 from days limit 1"):
        return []
    declared = {account.id for account in facts.bank.accounts}
    standing_in = sum(plant for name, plant in facts.rows("select id, plant from accounts") if name in declared)
    have: dict[str, int] = {}
    for role, name in facts.rows("select distinct account_role, account_id from balances"):
        have[role] = have.get(role, 0) + (name not in declared)
    wanted = {t.role: 10 + facts.counts[t.role] for t in facts.bank.account_templates if t.scope == "internal"}
    return [
        f"role={role}, accounts={have.get(role, 0)}, wanted={count}"
        for role, count in wanted.items()
        if not count - standing_in <= have.get(role, 0) <= count
    ]


def no_drift(facts: Facts) -> list[str]:
    """Stored = sum of current Posted legs that post before the day's end, for accounts without children."""
    return facts.offenders(
        """
        select account_id, day, money, own from computed c
        where not is_parent and money <> own
        """
    )


def no_ledger_drift(facts: Facts) -> list[str]:
    """A parent's stored balance = its own postings + its children's stored balances of the same business day."""
    return facts.offenders(
        """
        with children as (
            select account_parent_role as role, day, sum(money) as total from stored
            where account_parent_role is not null group by all)
        select c.account_id, c.day, c.money, c.own, k.total from computed c
        left join children k on k.role = c.account_role and k.day = c.day
        where c.is_parent and c.money is distinct from c.own + k.total
        """
    )


def no_overdraft(facts: Facts) -> list[str]:
    return facts.offenders("select account_id, business_day_start, money from balances where money < 0")


def expected_balances_hold(facts: Facts) -> list[str]:
    """Declared end-of-day balances are met, except on accounts (or roles) that a structural finding names."""
    broken = facts.rows(
        """
        select b.account_id, b.account_role, count(*), min(b.money), any_value(a.expected)
        from balances b join accounts a on a.id = b.account_id
        where a.expected is not null and b.money <> a.expected group by all order by all
        """
    )
    return [
        f"account_id={account_id}, days={days}, for example {money}, expected={expected}"
        for account_id, role, days, money, expected in broken
        if not facts.found("finding-expected-balance-cannot-hold", account_id, role)
    ][:4]


def expected_balances_are_stated(facts: Facts) -> list[str]:
    return facts.offenders(
        """
        select b.account_id, b.expected_eod_balance, a.expected from balances b
        join accounts a on a.id = b.account_id where b.expected_eod_balance is distinct from a.expected
        """
    )


def limits_are_stated_on_parents(facts: Facts) -> list[str]:
    """The caps, as a JSON object from keys to amounts, stand on the rows of the parent's role and nowhere else."""
    stated = facts.rows("select distinct account_role, limits from balances where limits is not null")
    present = {
        (role, of, Decimal(str(cap)))
        for role, limits in stated
        for of, cap in json.loads(limits, parse_float=Decimal).items()
    }
    roles = {role for (role,) in facts.rows("select distinct account_role from balances")}
    wanted = {line for line in facts.rows("select parent_role, subject, cap from limits") if line[0] in roles}
    return sorted(f"parent_role={role}, subject={of}, cap={cap}" for role, of, cap in wanted ^ present)


def balances_are_never_superseded(facts: Facts) -> list[str]:
    return facts.offenders("select account_id, supersedes from balances where supersedes is not null")


def balance_entries_rise_with_the_days(facts: Facts) -> list[str]:
    return facts.offenders(
        """
        select entry, account_id, business_day_end from balances
        qualify count(*) over (partition by entry) > 1
             or business_day_end < lag(business_day_end) over (order by entry)
        """
    )


BALANCE_CONDITIONS = (
    no_balances_of_external_accounts,
    one_row_per_internal_account_and_business_day,
    template_accounts_are_ten_plants_and_the_counted_ones,
    no_drift,
    no_ledger_drift,
    no_overdraft,
    expected_balances_hold,
    expected_balances_are_stated,
    limits_are_stated_on_parents,
    balances_are_never_superseded,
    balance_entries_rise_with_the_days,
)
