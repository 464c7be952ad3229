"""What the yardstick reads off a bank: its open days, its accounts, and each rail's kind, units and sweep."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from seedbed.bank.classify import Kinds
from seedbed.bank.grammar import render_account_pattern
from seedbed.bank.kinds import RailKind
from seedbed.bank.model import Bank, Chain, OneLegRail, Rail
from seedbed.bank.patterns import account_patterns, default_account_counts

__all__ = ["ACCOUNT", "DAY", "BankFacts", "Row", "business_days"]

Row = dict[str, Any]

ACCOUNT = ["account_id", "account_name", "account_role", "account_scope", "account_parent_role"]
PLANT_ACCOUNTS = 10
DAY = timedelta(days=1)


def holidays(year: int) -> set[date]:
    """The Federal Reserve's bank holidays."""

    def nth(month: int, weekday: int, number: int) -> date:
        first = date(year, month, 1)
        return first + DAY * ((weekday - first.weekday()) % 7 + 7 * (number - 1))

    fixed = [date(year, *day) for day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))]
    memorial = max(day for day in (date(year, 5, 31) - DAY * n for n in range(7)) if day.weekday() == 0)
    moving = [nth(1, 0, 3), nth(2, 0, 3), memorial, nth(9, 0, 1), nth(10, 0, 2), nth(11, 3, 4)]
    return {day + DAY if day.weekday() == 6 else day for day in fixed} | set(moving)


def business_days(anchor: date, window_days: int) -> list[date]:
    """The open days of the window that ends on the anchor."""
    days = [anchor - DAY * n for n in reversed(range(window_days))]
    closed = holidays(days[0].year) | holidays(anchor.year)
    return [day for day in days if day.weekday() < 5 and day not in closed]


class BankFacts:
    """A bank, looked up."""

    def __init__(self, bank: Bank, counts: Mapping[str, int] | None = None) -> None:
        self.bank = bank
        self.classified = Kinds(bank)
        self.counts = {**default_account_counts(bank), **(counts or {})}
        self.rails: dict[str, Rail] = {rail.name: rail for rail in bank.rails}
        self.templates = {template.name: template for template in bank.transfer_templates}
        self.template_of = {name: t for t in bank.transfer_templates for name in t.leg_rails}
        self.caps = {(limit.parent_role, limit.transfer_type): limit.cap_cents for limit in bank.limit_schedules}
        self.accounts = list(self.all_accounts())
        self.pools: defaultdict[str, list[Row]] = defaultdict(list)
        for account in self.accounts:
            if not account["plant"]:
                self.pools[account["columns"]["account_role"]].append(account)
        self.kinds = {rail.name: self.kind(rail) for rail in bank.rails}
        self.rates = {name: float(kind.daily_firings) for name, kind in self.kinds.items()}
        self.amounts = {name: (float(kind.mu), float(kind.sigma)) for name, kind in self.kinds.items()}
        self.units = {rail.name: self.units_of(rail) for rail in bank.rails}
        self.bundlers = {rail.name: self.bundler(rail) for rail in bank.rails}
        self.chained = {chain.child for chain in bank.chains}
        groups: dict[tuple[str, str], list[Chain]] = {}
        for chain in bank.chains:
            groups.setdefault((chain.parent, chain.xor_group or f">{chain.child}"), []).append(chain)
        self.children: defaultdict[str, list[list[Chain]]] = defaultdict(list)
        for (parent, _), group in groups.items():
            self.children[parent].append(group)

    def legs_of(self, name: str) -> list[Rail]:
        """The rails of a template, or the one rail of this name."""
        return (
            [self.rails[leg] for leg in self.templates[name].leg_rails]
            if name in self.templates
            else [self.rails[name]]
        )

    def all_accounts(self) -> Iterator[Row]:
        """Every account: declared ones, then ten plant accounts and the baseline accounts of each template."""
        parents = {a.parent_role for a in self.bank.accounts} | {t.parent_role for t in self.bank.account_templates}
        patterns, counts = account_patterns(self.bank), self.counts

        def account(source: Any, account_id: str, name: str, plant: bool) -> Row:
            columns = dict(
                zip(ACCOUNT, (account_id, name, source.role, source.scope, source.parent_role), strict=True)
            )
            kind = self.classified.of_role(source)
            is_parent = source.role in parents
            expected = source.expected_eod_balance_cents
            return {"columns": columns, "kind": kind, "plant": plant, "is_parent": is_parent, "expected": expected}

        for declared in self.bank.accounts:
            yield account(declared, declared.id, declared.name or declared.id, plant=False)
        for template in self.bank.account_templates:
            numbers = list(range(1, PLANT_ACCOUNTS + counts[template.role] + 1))
            ids, names = (render_account_pattern(p, template.role, numbers) for p in patterns[template.role])
            for number, account_id, name in zip(numbers, ids, names, strict=True):
                yield account(template, account_id, name, plant=number <= PLANT_ACCOUNTS)

    def kind(self, rail: Rail) -> RailKind:
        """The rail's kind, by the table that Seedbed uses."""
        return self.classified.of_rail(rail)

    @staticmethod
    def is_unit(account: Row, kind: str) -> bool:
        """Whether this is a customer's (or merchant's) own account."""
        return account["kind"].name == kind and not account["is_parent"]

    def units_of(self, rail: Rail) -> list[Row | None]:
        """The accounts that the rail's volume scales by; one empty unit where it scales by the system."""
        kind = self.kinds[rail.name]
        if kind.scale == "system":
            return [None]
        wanted = "customer_dda" if kind.scale == "customer" else "merchant_dda"
        units = [a for a in self.accounts if not a["plant"] and self.is_unit(a, wanted)]
        named = [a for a in units if a["columns"]["account_role"] in self.roles(rail)]
        return [*(named or units)] or [None]

    @staticmethod
    def roles(rail: Rail) -> set[str]:
        """Every role on a rail."""
        return {*rail.leg_roles} if isinstance(rail, OneLegRail) else {*rail.source_roles, *rail.destination_roles}

    def bundler(self, rail: Rail) -> str | None:
        """The sweep that takes this rail's legs."""
        template = self.template_of.get(rail.name)
        names = {rail.name, rail.transfer_type}
        if template:
            names |= {template.name, template.transfer_type, f"{template.name}.{rail.name}"}
        return next((r.name for r in self.bank.rails if r.aggregating and names & {*r.bundles_activity}), None)
