"""Which kind each role and rail of a bank is, and what decided it: a key of the file, the sides, or a word."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from seedbed.bank.declared import rail_roles
from seedbed.bank.kinds import (
    AGGREGATING_KINDS,
    RAIL_KINDS,
    ROLE_KINDS,
    RailKind,
    RoleKind,
    Sides,
    rail_rule,
    role_rule,
)
from seedbed.bank.model import Account, AccountTemplate, Bank, OneLegRail, Rail

__all__ = ["Decided", "Kinds"]

KEY = "the key 'kind'"
NOTHING = "nothing"
# What fires always leaves a minute of the day to what follows from it.
LATEST_SECOND = 86_400 - 60


class Decided(NamedTuple):
    """The name of a kind, and what decided it, in words."""

    kind: str
    by: str


class Kinds:
    """The kinds of a bank's roles and rails."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self._elements: tuple[Account | AccountTemplate, ...] = (*bank.accounts, *bank.account_templates)

    # ---- roles --------------------------------------------------------------------------------------------------

    @cached_property
    def _given(self) -> Mapping[str, str]:
        """The kind that the file gives to a role; of several the first."""
        pairs = [(e.role, e.kind) for e in self._elements if e.role is not None and e.kind is not None]
        return dict(reversed(pairs))

    def role_decided(self, element: Account | AccountTemplate) -> Decided:
        """The kind of an account or template, and what decided it."""
        if element.scope == "external":
            return Decided("external", "its scope")
        given = element.kind or self._given.get(element.role or "")
        if given is not None:
            return Decided(given, KEY)
        kind, part = role_rule(element.role or "") or ("other", "")
        return Decided(kind, f"'{part}' in its name" if part else NOTHING)

    def of_role(self, element: Account | AccountTemplate) -> RoleKind:
        """The kind of an account or template."""
        return ROLE_KINDS[self.role_decided(element).kind]

    @cached_property
    def customer_roles(self) -> frozenset[str]:
        """The roles of customers' own accounts, not those of control accounts over customers."""
        return self._own_accounts("customer_dda")

    @cached_property
    def merchant_roles(self) -> frozenset[str]:
        """The roles of merchants' own accounts."""
        return self._own_accounts("merchant_dda")

    @cached_property
    def parent_roles(self) -> frozenset[str]:
        """The roles that an internal account or template names as its parent."""
        return frozenset(e.parent_role for e in self._elements if e.scope == "internal" and e.parent_role is not None)

    def _own_accounts(self, kind: str) -> frozenset[str]:
        roles = (element.role for element in self._elements if self.role_decided(element).kind == kind)
        return frozenset(role for role in roles if role and role not in self.parent_roles)

    # ---- rails --------------------------------------------------------------------------------------------------

    def sides(self, rail: Rail) -> Sides:
        """Whose accounts a rail can debit and credit; the account of a Variable leg is on neither side."""
        source, destination, every = set(), set(), set()
        for key, role in rail_roles(rail):
            every.add(role)
            direction = rail.leg_direction if isinstance(rail, OneLegRail) else ""
            if key == "source_role" or direction == "Debit":
                source.add(role)
            elif key == "destination_role" or direction == "Credit":
                destination.add(role)
        return Sides(
            source_customer=bool(source & self.customer_roles),
            destination_customer=bool(destination & self.customer_roles),
            merchant=bool(every & self.merchant_roles),
        )

    def rail_decided(self, rail: Rail) -> Decided:
        """The kind of a rail, and what decided it."""
        if rail.kind is not None:
            return Decided(rail.kind, KEY)
        if rail.aggregating and rail.cadence is not None:
            return Decided(AGGREGATING_KINDS[rail.cadence.family], "its cadence")
        rule = rail_rule(rail.transfer_type, self.sides(rail))
        return Decided(rule.kind, rule.reason(rail.transfer_type))

    def of_rail(self, rail: Rail) -> RailKind:
        """The kind of a rail with its own hours; a sweep at a day's beginning posts at midnight."""
        kind = RAIL_KINDS[self.rail_decided(rail).kind]
        if rail.aggregating and rail.cadence is not None and rail.cadence.family == "daily-bod":
            return replace(kind, band_start=0, band_end=1)
        if rail.aggregating:
            return kind
        if rail.hours is None:
            return kind if rail.calendar != "always" else replace(kind, band_start=0, band_end=LATEST_SECOND)
        return replace(kind, band_start=rail.hours.start, band_end=rail.hours.end)
