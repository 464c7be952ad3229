"""The compiled rail: kind, legs, samplers, unit accounts and caps, each resolved once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

import numpy as np

from seedbed import money
from seedbed.bank.classify import Kinds
from seedbed.bank.declared import Declared
from seedbed.bank.grouping import grouped
from seedbed.bank.kinds import RailKind
from seedbed.bank.model import Bank, LimitSchedule, OneLegRail, Rail, RailOverride, TwoLegRail
from seedbed.bank.timing import Cadence
from seedbed.draw.samplers import Amounts, Poisson, log_uniform, lognormal, poisson, price_points
from seedbed.program.accounts import AccountClass, Universe
from seedbed.units import CapIndex, Cents, CentsArray, RailIndex

__all__ = ["RailCaps", "RailLeg", "RailLimit", "RailPlan", "build_rails"]


@dataclass(frozen=True)
class RailLeg:
    """One leg of a rail: `sign` -1 is a Debit, +1 a Credit, 0 closes its transfer (Variable)."""

    sign: int
    roles: frozenset[str]
    origin: str


class RailLimit(NamedTuple):
    """One daily cap on what a rail moves; `key` is how keys of breaches name it."""

    key: str
    cap: Cents


@dataclass(frozen=True, kw_only=True, eq=False)
class RailCaps:
    """The daily caps on what a rail debits (`sign` -1) or credits (+1).

    `leg` is the number of the leg that comes under them. `limits` maps the parent role of its account to the caps.
    """

    index: CapIndex
    rail: RailIndex
    sign: int
    leg: int
    limits: Mapping[str, tuple[RailLimit, ...]]

    @cached_property
    def lowest(self) -> Mapping[str, Cents]:
        """The lowest daily cap under each parent role."""
        return {parent: min(limit.cap for limit in limits) for parent, limits in self.limits.items()}

    def spent(self, cents: CentsArray) -> CentsArray:
        """What signed amounts of the leg spend of the caps: what they move in the direction of these."""
        return np.maximum(self.sign * cents, 0)


@dataclass(frozen=True, kw_only=True)
class RailPlan:
    """One rail.

    `legs` has the source leg before the destination leg. `daily` is the expected firings per unit account and
    business day; the units are the baseline accounts of `unit_classes`, or one unit without an account where that
    is empty. `caps` are those on its Debits and those on its Credits, if there are any, in this order.
    """

    index: RailIndex
    name: str
    transfer_type: str
    kind: RailKind
    legs: tuple[RailLeg, ...]
    amounts: Amounts
    daily: Decimal
    counts: Poisson
    unit_classes: tuple[AccountClass, ...]
    caps: tuple[RailCaps, ...]
    cadence: Cadence | None
    metadata_keys: tuple[str, ...]
    examples: Mapping[str, tuple[str, ...]]
    joint_examples: tuple[Mapping[str, str], ...]
    required: frozenset[str]

    @cached_property
    def two_leg(self) -> bool:
        """Whether a firing moves money between two accounts."""
        return len(self.legs) == 2

    @cached_property
    def variable(self) -> bool:
        """Whether the leg closes its transfer."""
        return self.legs[0].sign == 0

    @cached_property
    def joint_keys(self) -> frozenset[str]:
        """The metadata keys whose values are drawn together."""
        return frozenset(self.joint_examples[0] if self.joint_examples else ())

    def caps_on(self, sign: int) -> RailCaps | None:
        """The caps on what it debits (`sign` -1) or credits (+1)."""
        return next((caps for caps in self.caps if caps.sign == sign), None)

    @property
    def units(self) -> int:
        """The number of unit accounts (1 where the rail scales by the system)."""
        return sum(c.count for c in self.unit_classes) if self.unit_classes else 1

    @cached_property
    def roles(self) -> frozenset[str]:
        """Every role that a leg of this rail may post on."""
        return frozenset().union(*(leg.roles for leg in self.legs))


def _legs(rail: Rail) -> tuple[RailLeg, ...]:
    if isinstance(rail, TwoLegRail):
        source = rail.source_origin or rail.origin
        destination = rail.destination_origin or rail.origin
        assert source is not None and destination is not None, "checked at load"
        return (
            RailLeg(-1, frozenset(rail.source_roles), source),
            RailLeg(+1, frozenset(rail.destination_roles), destination),
        )
    assert isinstance(rail, OneLegRail) and rail.origin is not None, "checked at load"
    sign = {"Debit": -1, "Credit": +1, "Variable": 0}[rail.leg_direction]
    return (RailLeg(sign, frozenset(rail.leg_roles), rail.origin),)


def _amounts(rail: Rail, kind: RailKind, override: RailOverride | None) -> Amounts:
    """Where the amounts of a rail come from: the file's own figures, else those of its kind."""
    if override is not None and override.seed_amount is not None:
        return lognormal(money.to_decimal(override.seed_amount.median_cents).ln(), override.seed_amount.sigma)
    if rail.amount:
        return price_points([point.amount_cents for point in rail.amount], [point.weight for point in rail.amount])
    if rail.amount_typical_range_cents is not None:
        return log_uniform(*rail.amount_typical_range_cents)
    return lognormal(kind.mu, kind.sigma)


def _unit_classes(
    rail: Rail, kind: RailKind, legs: tuple[RailLeg, ...], universe: Universe
) -> tuple[AccountClass, ...]:
    """The templates whose accounts are this rail's units: that of `per`, else those of its kind.

    Of these the ones that the rail names, else all of the bank; none where they have no account.
    """
    if rail.per is not None:
        return tuple(c for c in universe.with_role(frozenset((rail.per,))) if c.template and c.count)
    if kind.scale == "system":
        return ()
    roles = frozenset().union(*(leg.roles for leg in legs))
    eligible = [
        c
        for c in universe.classes
        if c.template and c.internal and (c.customer if kind.scale == "customer" else c.merchant)
    ]
    named = tuple(c for c in eligible if c.role in roles)
    chosen = named or tuple(eligible)
    return chosen if sum(c.count for c in chosen) else ()


def _caps(index: RailIndex, legs: tuple[RailLeg, ...], limits: Sequence[LimitSchedule]) -> Iterator[RailCaps]:
    """The caps on a rail, for each direction in which one of its legs moves money."""
    for inbound, sign in enumerate((-1, +1)):
        found = [limit for limit in limits if limit.sign == sign]
        leg = next((number for number, leg in enumerate(legs) if leg.sign in (sign, 0)), None)
        if found and leg is not None:
            yield RailCaps(
                index=CapIndex(2 * index + inbound),
                rail=index,
                sign=sign,
                leg=leg,
                limits=grouped((limit.parent_role, RailLimit(limit.key, limit.cap_cents)) for limit in found),
            )


def build_rails(bank: Bank, universe: Universe) -> tuple[RailPlan, ...]:
    """Every rail of the bank, in the file's order."""
    limits, kinds = Declared(bank).limits_on, Kinds(bank)
    compiled = []
    for index, rail in enumerate(bank.rails):
        legs = _legs(rail)
        kind = kinds.of_rail(rail)
        override = bank.baseline.rails.get(rail.name)
        daily = kind.daily_firings
        if override and override.seed_volume_multiplier is not None:
            daily *= override.seed_volume_multiplier
        compiled.append(
            RailPlan(
                index=RailIndex(index),
                name=rail.name,
                transfer_type=rail.transfer_type,
                kind=kind,
                legs=legs,
                amounts=_amounts(rail, kind, override),
                daily=daily,
                counts=poisson(daily),
                unit_classes=_unit_classes(rail, kind, legs, universe),
                caps=tuple(_caps(RailIndex(index), legs, limits.get(rail.name, ()))),
                cadence=rail.cadence if rail.aggregating else None,
                metadata_keys=tuple(dict.fromkeys(rail.metadata_keys)),
                examples=rail.metadata_value_examples,
                joint_examples=rail.metadata_examples,
                required=frozenset(rail.posted_requirements),
            )
        )
    return tuple(compiled)
