"""The column contract that every feed must keep: cells, facts of accounts, business days, moments, links.

Nothing here needs an answer key or the facts of a dataset. Tables that Seedbed created reject many of these errors on
insert. A feed may be in other tables or in an older file.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from seedbed import money
from seedbed.bank.model import Account, AccountTemplate
from seedbed.checks.result import SHOWN_OFFENDERS, Result, judged
from seedbed.checks.subject import Subject
from seedbed.errors import one_line
from seedbed.ledger.columns import DAILY_BALANCES, TABLES, TRANSACTIONS, Table
from seedbed.units import DAY_SECONDS
from seedbed.write.dialects import DIALECTS, contract_rules

__all__ = ["CONTRACT", "ROWS_THERE", "nothing_is_in_the_future", "there_are_rows"]

GROUP = "contract"
ROWS_THERE = "tables have rows"
# The facts of an account that every one of its rows repeats.
ACCOUNT_FACTS = ("account_name", "account_role", "account_scope", "account_parent_role")
NO_ROLE = "Unassigned"


def there_are_rows(subject: Subject) -> Result:
    """The tables have rows. All other assertions hold for empty tables, so an empty feed would pass."""
    if subject.has_rows:
        return judged(GROUP, ROWS_THERE, "some", "some", ())
    names = " and ".join(f"{subject.instance}_{table.name}" for table in TABLES)
    remedy = f"fill {names}, then run `seedbed data refresh {subject.shown_url}`"
    return replace(judged(GROUP, ROWS_THERE, "some", "none", (), 1), remedy=remedy)


def cells_are_lawful(subject: Subject) -> Result:
    """Every cell keeps the column contract: enumerations, signs, whole cents, moments, no forbidden nulls."""
    dialect, offenders, wrong = DIALECTS[subject.database.dialect], [], 0
    for table in TABLES:
        rules = contract_rules(table, dialect)
        counts = ", ".join(f"SUM(CASE WHEN {rule} THEN 0 ELSE 1 END)" for _, rule in rules)
        [found] = subject.rows(f"SELECT {counts} FROM {subject.name(table.name)}")
        for (words, rule), count in zip(rules, found, strict=True):
            if count:
                wrong += int(count)
                offenders += [f"{row}: {words}" for row in _rows_against(subject, table, rule)]
    return judged(GROUP, "cells that break the column contract", 0, wrong, offenders, wrong)


def _rows_against(subject: Subject, table: Table, rule: str) -> Iterator[str]:
    """The first few rows that break a rule."""
    name = subject.sql.joined("account_id", "'/'", subject.sql.day_text("business_day_start"))
    query = f"""SELECT MIN(entry), {"id" if table is TRANSACTIONS else name} AS name FROM {subject.name(table.name)}
WHERE CASE WHEN {rule} THEN 0 ELSE 1 END = 1 GROUP BY 2 ORDER BY 1, 2 LIMIT {SHOWN_OFFENDERS}"""
    for _, row in subject.rows(query):
        yield f"{'leg' if table is TRANSACTIONS else 'balance'} {row}"


def entries_are_unique(subject: Subject) -> Result:
    """No two rows of a table have the same entry."""
    offenders = [
        f"{table.name}: entry {entry} {count} times"
        for table in TABLES
        for entry, count in subject.rows(
            f"SELECT entry, COUNT(*) FROM {subject.name(table.name)} GROUP BY entry HAVING COUNT(*) > 1 ORDER BY 1"
        )
    ]
    return judged(GROUP, "duplicate entries", 0, len(offenders), offenders)


def accounts_are_the_banks(subject: Subject) -> Result:
    """All rows of an account agree on its name, role, scope and parent, and the bank declares such an account."""
    columns = ", ".join(("account_id", *ACCOUNT_FACTS))
    found: dict[str, list[tuple[str | None, ...]]] = {}
    for account, *facts in subject.rows(
        f"""SELECT {columns} FROM {subject.name("current_transactions")}
UNION SELECT {columns} FROM {subject.name("current_daily_balances")} ORDER BY 1, 2, 3, 4, 5"""
    ):
        found.setdefault(account, []).append(tuple(facts))
    declared = {account.id: _kind(account) for account in subject.bank.accounts}
    kinds = {_kind(template) for template in subject.bank.account_templates}
    offenders = []
    for account, rows in found.items():
        offenders += [
            f"account {account}: {name} is {' and '.join(map(str, dict.fromkeys(values)))}"
            for name, values in zip(ACCOUNT_FACTS, zip(*rows, strict=True), strict=True)
            if len(set(values)) > 1
        ]
        if len(rows) == 1 and rows[0][1:] not in ({declared[account]} if account in declared else kinds):
            told = f"account {account} is {_kind_in_words(rows[0][1:])}"
            if account in declared:
                offenders.append(f"{told}, the bank declares it as {_kind_in_words(declared[account])}")
            else:
                offenders.append(f"{told}, but the bank declares no account with this id and no template for it")
    return judged(GROUP, "accounts that differ from the bank file", 0, len(offenders), offenders)


def _kind(element: Account | AccountTemplate) -> tuple[str | None, ...]:
    return (element.role or NO_ROLE, element.scope, element.parent_role)


def _kind_in_words(kind: tuple[str | None, ...]) -> str:
    role, scope, parent = kind
    return f"{scope} {role} under {parent}" if parent else f"{scope} {role} without a parent role"


def days_are_the_roles(subject: Subject) -> Result:
    """The business day of a balance begins at the hour of its role and ends 24 hours later."""
    s, name = subject.sql, subject.name("current_daily_balances")
    begin = s.seconds_between(s.midnight("business_day_start"), "business_day_start")
    length = s.seconds_between("business_day_start", "business_day_end")
    key = s.joined("account_id", "'/'", s.day_text("business_day_start"))
    offsets = {role: hours % 24 * 3600 for role, hours in subject.bank.role_business_day_offsets.items()}
    total, offenders = 0, []
    query = f"""SELECT account_role, {begin} AS begins, {length} AS lasts, COUNT(*), MIN({key}) FROM {name}
GROUP BY account_role, {begin}, {length} ORDER BY 1, 2, 3"""
    for role, begins, lasts, count, first in subject.rows(query):
        wanted = offsets.get(role, 0)
        if (begins, lasts) != (wanted, DAY_SECONDS):
            total += count
            offenders.append(
                f"{first}: the day of {role} begins at {_clock(wanted)} and lasts 24 h, this one at"
                f" {_clock(begins)} and {_hours(lasts)} ({count} of them)"
            )
    return judged(GROUP, "balances with other business-day hours", 0, total, offenders)


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}" + (f":{seconds % 60:02d}" if seconds % 60 else "")


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:g} h"


def limits_are_the_caps(subject: Subject) -> Result:
    """A balance whose role is the parent of limits holds their caps in dollars; others hold none.

    They are by rail or type, with `/Inbound` after it if the cap is on Credits. A balance row is for one account and
    day, so it shows the caps of that day.
    """
    s, caps = subject.sql, dict[str, dict[str, Decimal]]()
    for limit in subject.bank.limit_schedules:
        caps.setdefault(limit.parent_role, {})[limit.key] = money.to_decimal(limit.cap_cents)
    key = s.joined("account_id", "'/'", s.day_text("business_day_start"))
    query = f"""SELECT {key} AS name, account_role, limits FROM {subject.name("current_daily_balances")}
WHERE limits IS NOT NULL OR account_role IN ({s.names(caps)}) ORDER BY 1"""
    offenders = [
        f"{day}: limits is {one_line(cell or 'null')}, the caps under {role} are {_caps_in_words(caps.get(role, {}))}"
        for day, role, cell in subject.rows(query)
        if _caps_in(cell) != caps.get(role, {})
    ]
    return judged(GROUP, "limits that differ from the caps", 0, len(offenders), offenders)


def _caps_in(cell: str | None) -> object:
    """The caps in a cell; a cell that is not a JSON object never equals any caps."""
    try:
        return json.loads(cell or "{}", parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError):
        return None


def _caps_in_words(caps: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{kind} {cap}" for kind, cap in caps.items()) or "none"


def parents_are_there(subject: Subject) -> Result:
    """A transfer that a leg names as its parent is another transfer of the ledger."""
    legs = subject.name("current_transactions")
    query = f"""SELECT t.transfer_id, MIN(t.transfer_parent_id), MIN(t.id) FROM {legs} t
WHERE t.transfer_parent_id IS NOT NULL AND t.transfer_parent_id <> '' AND NOT EXISTS (
  SELECT 1 FROM {legs} p WHERE p.transfer_id = t.transfer_parent_id AND p.transfer_id <> t.transfer_id)
GROUP BY t.transfer_id ORDER BY 1"""
    offenders = [f"transfer {own}: parent {parent}, first leg {leg}" for own, parent, leg in subject.rows(query)]
    return judged(GROUP, "missing parent transfers", 0, len(offenders), offenders)


def nothing_is_in_the_future(subject: Subject) -> Result:
    """No leg posts, and no business day begins, at or after the as-of."""
    s = subject.sql
    as_of, offenders, total = s.literal(str(subject.as_of)), list[str](), 0
    key = s.joined("account_id", "'/'", s.day_text("business_day_start"))
    for table, at, name in ((TRANSACTIONS, "posting", "id"), (DAILY_BALANCES, "business_day_start", key)):
        rows = f"FROM {subject.name(f'current_{table.name}')} WHERE {at} >= {as_of}"
        [(count,)] = subject.rows(f"SELECT COUNT(*) {rows}")
        if count:
            total += count
            first = subject.rows(
                f"SELECT {name} AS name, {at} AS moment {rows} ORDER BY 2, 1 LIMIT {SHOWN_OFFENDERS}"
            )
            offenders += [f"{row} at {moment}, as of {subject.as_of}" for row, moment in first]
    return judged(GROUP, "rows later than the as-of", 0, total, offenders, total)


CONTRACT: Mapping[str, Callable[[Subject], Result]] = {
    "cells that break the column contract": cells_are_lawful,
    "duplicate entries": entries_are_unique,
    "accounts that differ from the bank file": accounts_are_the_banks,
    "balances with other business-day hours": days_are_the_roles,
    "limits that differ from the caps": limits_are_the_caps,
    "missing parent transfers": parents_are_there,
}
