"""A ledger as Beancount text: balanced transactions, and a balance directive for every internal account-day.

Beancount adds up the same postings with its own code. It reports exactly the account-days whose stored balance
differs from the postings. The language: https://beancount.github.io/docs/beancount_language_syntax.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from seedbed import money
from seedbed.databases.reader import Database, stored_bank
from seedbed.units import Cents
from seedbed.views.macros import macros_named
from seedbed.views.sql import OPENING_RAIL, Sql

__all__ = ["MARK", "READ_VIEWS", "beancount_lines"]

MARK = "; Seedbed export for Beancount"
READ_VIEWS = ("current_transactions", "current_daily_balances", "account_days")
OPENINGS, CLEARING = "Equity:Opening-Balances", "Equity:Clearing"
ROOTS = {"internal": "Assets", "external": "Equity:Outside"}


def beancount_lines(database: Database, instance: str) -> Iterator[str]:
    """The text of an instance, line by line.

    A transaction has the current Posted legs of one transfer on one business day. Its date is the business day, which
    is the posting's date minus the role's offset. Beancount checks a balance at the start of its date. So the balance
    of a business day stands on the next date, where it includes exactly the postings until the business day's end.

    The legs of a one-leg firing, or of a transfer over several days, do not sum to zero. The rest goes to
    `Equity:Clearing`. Opening balances come from `Equity:Opening-Balances`. Balance directives have no tolerance.
    Parents have no balance directives, because their stored balance includes their children. Raises `InputError` if
    the dataset row does not name the bank.
    """
    s = Sql(stored_bank(database, instance), macros_named(database.dialect))
    legs = s.name("current_transactions")
    names = _account_names(
        database.rows(
            f"""SELECT account_id, MAX(account_scope), MAX(account_role), MAX(account_name) FROM (
  SELECT account_id, account_scope, account_role, account_name FROM {legs}
  UNION ALL
  SELECT account_id, account_scope, account_role, account_name FROM {s.name("current_daily_balances")}) a
GROUP BY account_id ORDER BY account_id"""
        )
    )
    day, balance_day = s.day_text(s.business_day("t.posting", "t.account_role")), s.day_text("business_day_start")
    # An account may have a balance before its first posting, or without a posting. It must be open by then.
    starts = f"""SELECT {day} AS day FROM {legs} t
  UNION ALL SELECT {balance_day} FROM {s.name("current_daily_balances")}"""
    [(first,)] = database.rows(f"SELECT MIN(day) FROM ({starts}) d")
    yield f"{MARK}: instance {instance}\n"
    yield f'option "title" {_text(instance)}\noption "operating_currency" {_text(money.CURRENCY)}\n'
    if first is None:
        return
    for account, facts in ((OPENINGS, {}), (CLEARING, {}), *names.values()):
        yield f"{first} open {account} {money.CURRENCY}\n"
        yield from (f"  {key}: {_text(value)}\n" for key, value in facts.items())
    amount = s.whole_cents(s.exact("t.amount_money"))
    found = database.stream(
        f"""SELECT {day}, t.transfer_id, t.rail_name, t.template_name, t.account_id, {amount}
FROM {legs} t WHERE t.status = 'Posted' ORDER BY 1, 2, t.id"""
    )
    accounts = {account: name for account, (name, _) in names.items()}
    for (business_day, transfer), rows in groupby(found, key=lambda row: row[:2]):
        yield from _transaction(business_day, transfer, list(rows), accounts)
    balances = database.stream(
        f"""SELECT {balance_day}, account_id, {s.whole_cents(s.exact("stored"))}
FROM {s.name("account_days")} WHERE account_scope = 'internal' AND has_children = 0 ORDER BY 1, 2"""
    )
    for business_day, account, cents in balances:
        after = date.fromisoformat(business_day) + timedelta(days=1)
        yield f"{after} balance {accounts[account]} {money.format(cents)} ~ {money.format(0)} {money.CURRENCY}\n"


def _transaction(day: str, transfer: str, legs: list[tuple[Any, ...]], accounts: Mapping[str, str]) -> Iterator[str]:
    _, _, rail, template, _, _ = legs[0]
    rest = -sum(leg[-1] for leg in legs)
    yield f"{day} * {_text(template or rail)} {_text(transfer)}\n"
    for *_, account, cents in legs:
        yield f"  {accounts[account]} {_amount(cents)}\n"
    if rest:
        yield f"  {OPENINGS if rail == OPENING_RAIL else CLEARING} {_amount(rest)}\n"


def _account_names(rows: Iterable[tuple[Any, ...]]) -> dict[str, tuple[str, dict[str, str]]]:
    """The Beancount name of each account and its metadata, by account id. No two names differ in case alone."""
    names: dict[str, tuple[str, dict[str, str]]] = {}
    taken: set[str] = set()
    for account, scope, role, name in rows:
        plain = f"{ROOTS[scope]}:{_component(role)}:{_component(account)}"
        unique, number = plain, 1
        while unique.lower() in taken:
            number += 1
            unique = f"{plain}-{number}"
        taken.add(unique.lower())
        names[account] = (unique, {"id": account, "name": name, "role": role})
    return names


def _component(text: str) -> str:
    """One component of a Beancount name: a capital letter or digit, then letters, digits and hyphens, all ASCII."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-") or "X"
    return plain[0].upper() + plain[1:]


def _amount(cents: Cents) -> str:
    return f"{money.format(cents)} {money.CURRENCY}"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
