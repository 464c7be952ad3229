"""Account statements: one CSV file per internal account and business day, from opening to closing."""

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import date
from io import StringIO
from typing import Any

from seedbed import money
from seedbed.databases.reader import Database, stored_bank
from seedbed.errors import InputError, one_line
from seedbed.units import Cents
from seedbed.views.macros import macros_named
from seedbed.views.sql import Sql

__all__ = ["MARK", "OPTIONS", "READ_VIEWS", "statement_documents"]

MARK = "Seedbed export of account statements"
READ_VIEWS = ("current_transactions", "account_days", "daily_statement")
OPTIONS: Mapping[str, str] = {
    "account": "only this account, by its id",
    "role": "only the accounts of this role",
    "from": "only business days from this date on, YYYY-MM-DD",
    "to": "only business days up to this date, YYYY-MM-DD",
}
COLUMNS = ("line", "posting", "id", "transfer_id", "transfer_type", "rail_name", "amount", "balance")
ROW, LEG = 0, 1


def statement_documents(
    database: Database, instance: str, options: Mapping[str, str]
) -> Iterator[tuple[str, Iterator[str]]]:
    """The name and the lines of each statement, by account and day.

    A statement has a line for the opening balance, one per current Posted leg in the order of posting, one for the
    change of the accounts below where there are any, and one for the closing balance. A leg of a day without a stored
    balance is in the next statement. Raises `InputError` for an option that is no date, and where the dataset row
    does not say which bank this is.
    """
    first, last = (_date(options, key) for key in ("from", "to"))
    s = Sql(stored_bank(database, instance), macros_named(database.dialect))
    account_before, name, taken = None, "", set[str]()
    legs: list[tuple[Any, ...]] = []
    for account, moment, kind, role, *texts, cents, children, closing in database.stream(_query(s)):
        if kind == LEG:
            legs.append((moment, *texts, cents))
            continue
        if account != account_before:  # Every account is named, so that no option changes a name.
            account_before, name = account, _file_name(account, taken)
        day = texts[0]
        wanted = options.get("account", account) == account and options.get("role", role) == role
        if wanted and (first is None or day >= first) and (last is None or day <= last):
            yield f"{name}_{day}.csv", _lines(legs, int(cents), int(children), int(closing))
        legs = []


def _query(s: Sql) -> str:
    """Statements and legs in one order: each account's legs before the end of the business day that has them."""
    opening, children, closing, amount = (
        s.whole_cents(s.exact(column)) for column in ("opening", "children_change", "closing", "amount_money")
    )
    return f"""SELECT account_id, business_day_end AS moment, {ROW} AS kind, account_role,
  {s.day_text("business_day")} AS a, '' AS b, '' AS c, '' AS d,
  {opening} AS cents, {children} AS children, {closing} AS closing
FROM {s.name("daily_statement")}
UNION ALL
SELECT account_id, posting, {LEG}, account_role, id, transfer_id, transfer_type, rail_name, {amount}, 0, 0
FROM {s.name("current_transactions")} WHERE status = 'Posted' AND account_scope = 'internal'
ORDER BY 1, 2, 3, 5"""


def _lines(legs: list[tuple[Any, ...]], opening: Cents, children: Cents, closing: Cents) -> Iterator[str]:
    balance = opening
    yield _line(COLUMNS)
    yield _line(("opening", *[""] * 6, money.format(balance)))
    for moment, leg, transfer, kind, rail, cents in legs:
        balance += int(cents)
        yield _line(
            ("leg", _moment(moment), leg, transfer, kind, rail, money.format(int(cents)), money.format(balance))
        )
    if children:
        yield _line(("accounts below", *[""] * 5, money.format(children), money.format(balance + children)))
    yield _line(("closing", *[""] * 6, money.format(closing)))


def _moment(value: Any) -> str:
    return value[:19] if isinstance(value, str) else f"{value:%Y-%m-%d %H:%M:%S}"


def _line(cells: tuple[str, ...]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def _file_name(account: str, taken: set[str]) -> str:
    """An account's id as the beginning of a file name that is not yet taken in any letter case; takes it."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", account)[:100].strip(".-") or "account"
    unique, number = plain, 1
    while unique.lower() in taken:
        number += 1
        unique = f"{plain}-{number}"
    taken.add(unique.lower())
    return unique


def _date(options: Mapping[str, str], key: str) -> str | None:
    """An option that is a date, as it stands."""
    text = options.get(key)
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InputError(f"option {key}: {one_line(text)} is not a date in the form YYYY-MM-DD") from None
