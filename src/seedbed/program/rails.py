"""The compiled rail: kind, legs, samplers, unit accounts and caps, each resolved once."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from seedbed import money
from seedbed.bank.grammar import Cadence
from seedbed.bank.kinds import RailKind, rail_kind
from seedbed.bank.model import Bank, OneLegRail, Rail, TwoLegRail
from seedbed.draw.samplers import Lognormal, Poisson, lognormal, poisson
from seedbed.program.accounts import AccountClass, Universe
from seedbed.units import Cents, RailIndex

__all__ = ["RailLeg", "RailPlan", "build_rails"]


@dataclass(frozen=True)
class RailLeg:
    """One leg of a rail: `sign` -1 is a Debit, +1 a Credit, 0 closes its transfer (Variable)."""

    sign: int
    roles: frozenset[str]
    origin: str


@dataclass(frozen=True, kw_only=True)
class RailPlan:
    """One rail.

    `legs` has the source leg before the destination leg. `daily` is the expected firings per unit account and
    business day. The units are the baseline accounts of `unit_classes`, or one unit without an account if that is
    empty. `caps` maps the parent role of a debited account to its daily cap.
    """

    index: RailIndex
    name: str
    transfer_type: str
    kind: RailKind
    legs: tuple[RailLeg, ...]
    amounts: Lognormal
    daily: Decimal
    counts: Poisson
    unit_classes: tuple[AccountClass, ...]
    caps: Mapping[str, Cents]
    cadence: Cadence | None
    metadata_keys: tuple[str, ...]
    examples: Mapping[str, tuple[str, ...]]
    required: frozenset[str]

    @cached_property
    def two_leg(self) -> bool:
        """Whether a firing moves money between two accounts."""
        return len(self.legs) == 2

    @cached_property
    def variable(self) -> bool:
        """Whether the leg closes its transfer."""
        return self.legs[0].sign == 0

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


def _kind(rail: Rail, legs: tuple[RailLeg, ...], universe: Universe) -> RailKind:
    def customer(signs: tuple[int, ...]) -> bool:
        roles = frozenset().union(*(leg.roles for leg in legs if leg.sign in signs))
        return any(c.customer for c in universe.with_role(roles))

    family = rail.cadence.family if rail.aggregating and rail.cadence else None
    return rail_kind(rail.transfer_type, family, customer((-1,)), customer((+1,)))


def _unit_classes(kind: RailKind, legs: tuple[RailLeg, ...], universe: Universe) -> tuple[AccountClass, ...]:
    """The templates whose accounts are this rail's units: those that it names, else the bank's, else none."""
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


def build_rails(bank: Bank, universe: Universe) -> tuple[RailPlan, ...]:
    """Every rail of the bank, in the file's order."""
    caps: dict[str, dict[str, Cents]] = {}
    for limit in bank.limit_schedules:
        caps.setdefault(limit.transfer_type, {})[limit.parent_role] = limit.cap_cents
    compiled = []
    for index, rail in enumerate(bank.rails):
        legs = _legs(rail)
        kind = _kind(rail, legs, universe)
        override = bank.baseline.rails.get(rail.name)
        mu, sigma, daily = kind.mu, kind.sigma, kind.daily_firings
        if override and override.seed_amount:
            mu = money.to_decimal(override.seed_amount.median_cents).ln()
            sigma = override.seed_amount.sigma
        if override and override.seed_volume_multiplier is not None:
            daily *= override.seed_volume_multiplier
        compiled.append(
            RailPlan(
                index=RailIndex(index),
                name=rail.name,
                transfer_type=rail.transfer_type,
                kind=kind,
                legs=legs,
                amounts=lognormal(mu, sigma),
                daily=daily,
                counts=poisson(daily),
                unit_classes=_unit_classes(kind, legs, universe),
                caps=caps.get(rail.transfer_type, {}),
                cadence=rail.cadence if rail.aggregating else None,
                metadata_keys=tuple(dict.fromkeys(rail.metadata_keys)),
                examples=rail.metadata_value_examples,
                required=frozenset(rail.posted_requirements),
            )
        )
    return tuple(compiled)
