"""What each role is expected to receive and to pay, so that a balance that can only grow is seen before loading."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from seedbed.program.nodes import EVERY, Node, Program
from seedbed.program.rails import RailPlan
from seedbed.units import Cents, NodeIndex, RailIndex

__all__ = ["RoleFlow", "most_under_caps", "role_flows"]

MONTH_DAYS = Decimal(21)


@dataclass(frozen=True, kw_only=True)
class RoleFlow:
    """The cents that all accounts of one role are expected to receive and to pay in 21 business days."""

    role: str
    received: Cents
    paid: Cents

    @property
    def net(self) -> Cents:
        """What is received beyond what is paid."""
        return self.received - self.paid


def role_flows(
    program: Program, firings: Mapping[tuple[RailIndex, NodeIndex], Decimal], days: int
) -> tuple[RoleFlow, ...]:
    """The expected flows of every internal role on which rails post, in the order of the accounts.

    `firings` are the expected firings in `days` business days per rail and node. Caps bound what an account moves.
    """
    totals = _totals(program, firings, days)
    received: dict[str, Decimal] = defaultdict(Decimal)
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for (rail_index, _), cents in totals.items():
        rail = program.rails[rail_index]
        for leg in rail.legs:
            credit = leg.sign > 0 or (leg.sign == 0 and cents > 0)
            for role, share in _shares(program, rail, leg.roles).items():
                (received if credit else paid)[role] += abs(cents) * share
    factor = MONTH_DAYS / days if days else Decimal(0)
    roles = dict.fromkeys(c.role for c in program.universe.classes if c.internal)
    return tuple(
        RoleFlow(role=role, received=round(received[role] * factor), paid=round(paid[role] * factor))
        for role in roles
        if role in received or role in paid
    )


def _shares(program: Program, rail: RailPlan, roles: frozenset[str]) -> dict[str, Decimal]:
    """How much of a leg each of its roles takes: that of the unit accounts all, else each by its accounts."""
    units = {c.role for c in rail.unit_classes} & roles
    counts = {c.role: 0 for c in program.universe.with_role(frozenset(units) or roles)}
    for c in program.universe.with_role(frozenset(units) or roles):
        counts[c.role] += c.count
    whole = sum(counts.values())
    return {role: Decimal(count) / whole for role, count in counts.items()} if whole else {}


def _totals(
    program: Program, firings: Mapping[tuple[RailIndex, NodeIndex], Decimal], days: int
) -> dict[tuple[RailIndex, NodeIndex], Decimal]:
    """The expected cents per rail and node: signed for a one-leg rail, the gross of a two-leg rail."""
    totals: dict[tuple[RailIndex, NodeIndex], Decimal] = {}
    passed_on: dict[NodeIndex, Decimal] = {}
    for index in program.order:
        node = program.nodes[index]
        if node.aggregates:
            bundled = [ends for ends, bundlers in program.bundlers.items() if index in bundlers]
            gross = sum((abs(totals.get(ends, Decimal(0))) for ends in bundled), Decimal(0))
            sign = node.driver.legs[0].sign if not node.driver.two_leg else 1
            totals[node.driver.index, index] = gross * sign
        else:
            totals |= _of_node(program, node, firings, passed_on, days)
        credits = [max(totals.get((rail.index, index), Decimal(0)), Decimal(0)) for rail in node.rails]
        passed_on[index] = sum(credits, Decimal(0))
    return totals


def _of_node(
    program: Program,
    node: Node,
    firings: Mapping[tuple[RailIndex, NodeIndex], Decimal],
    passed_on: Mapping[NodeIndex, Decimal],
    days: int,
) -> dict[tuple[RailIndex, NodeIndex], Decimal]:
    """The cents of a node that is no sweep: given legs from their amounts or the parent, others close to the net."""
    found = {}
    given = [rail for rail in node.rails if rail not in node.derived]
    links = program.links_into(node)
    taken = sum(
        (
            passed_on.get(link.parent, Decimal(0)) * link.probability(place)
            for link in links
            for place, child in enumerate(link.members)
            if child == node.index
        ),
        Decimal(0),
    )
    for rail in given:
        count = firings.get((rail.index, node.index), Decimal(0))
        gross = taken if links and count else count * rail.amounts.mean
        capped = most_under_caps(program, rail, days)
        gross = gross if capped is None else min(gross, capped)
        found[rail.index, node.index] = gross * (rail.legs[0].sign if not rail.two_leg else 1)
    derived = [rail for rail in node.derived if firings.get((rail.index, node.index))]
    open_net = -sum((cents for (rail, _), cents in found.items() if not program.rails[rail].two_leg), Decimal(0))
    for rail in derived:
        share = node.member_shares.get(rail.index, EVERY) / node.closing_legs if node.closes else EVERY / len(derived)
        found[rail.index, node.index] = open_net * share
    return found


def most_under_caps(program: Program, rail: RailPlan, days: int) -> Decimal | None:
    """The cents that caps let all accounts move by a rail; None where on neither side all accounts have a cap."""
    found = []
    for caps in rail.caps:
        posted_on = [c for c in program.universe.with_role(rail.legs[caps.leg].roles) if c.count]
        lowest = [caps.lowest.get(c.parent_role or "") for c in posted_on]
        if None not in lowest:
            found.append(sum(c.count * (cap or 0) for c, cap in zip(posted_on, lowest, strict=True)))
    return Decimal(days * min(found)) if found else None
