"""Why a rail behaves as it does: what decided its kind, volume, amounts and hours, and what is linked to it."""

from collections.abc import Iterator

from seedbed import money
from seedbed.bank.classify import NOTHING, Kinds
from seedbed.bank.declared import Declared
from seedbed.bank.flows import Flows
from seedbed.bank.leg_groups import group_of
from seedbed.bank.model import Bank, Rail
from seedbed.bank.text import one_of, quote, suggestion
from seedbed.errors import InputError, counted
from seedbed.program.outline import Outline, RailLine

__all__ = ["explained"]


def explained(bank: Bank, result: Outline, name: str) -> dict[str, tuple[str, ...]]:
    """The facts of one rail, by subject, each in one or several sentences; `result` is the outline of the bank.

    Raises InputError where the bank has no rail of this name.
    """
    declared = Declared(bank)
    if name not in declared.rails:
        raise InputError(f"explain: {quote(name)} is not a rail of this bank{suggestion(name, declared.rails)}")
    rail = declared.rails[name]
    line = next(line for line in result.rails if line.rail == name)
    templates = {template.role for template in bank.account_templates}
    flows = Flows(bank, {line.role: line.baseline for line in result.accounts if line.role in templates})
    facts = {
        "kind": _kind(bank, rail, line),
        "volume": _volume(rail, line, result),
        "amounts": _amounts(rail, line),
        "hours": _hours(rail, line),
        "legs": tuple(_legs(flows, rail)),
        "caps": tuple(_caps(flows, rail)),
        "chains": tuple(_chains(bank, flows, rail)),
        "sweeps": tuple(_sweeps(declared, flows, rail)),
    }
    return {subject: said for subject, said in facts.items() if said}


def _kind(bank: Bank, rail: Rail, line: RailLine) -> tuple[str, ...]:
    by = Kinds(bank).rail_decided(rail).by
    return (f"{line.kind}, because nothing says another" if by == NOTHING else f"{line.kind}, by {by}",)


def _volume(rail: Rail, line: RailLine, result: Outline) -> tuple[str, ...]:
    units = {"customer": "customer account", "merchant": "merchant account"}.get(line.scale, "account")
    per = "for the whole bank" if line.scale == "system" else f"for each of {counted(line.units, units)}"
    if rail.per is not None:
        per = f"for each of {line.units:,} accounts of {rail.per} (the key 'per')"
    expected = f"about {line.expected_legs:,.0f} legs in {counted(result.business_days, 'business day')}"
    if not line.fires.startswith("primary"):
        return f"{line.fires}: it does not fire by itself", expected
    return f"{line.daily:.3f} firings a business day {per}", expected


def _amounts(rail: Rail, line: RailLine) -> tuple[str, ...]:
    if line.median_cents is None or line.p99_cents is None:
        return ("they follow from other legs",)
    source = "the figures of its kind"
    if rail.amount:
        source = "the key 'amount': " + one_of([money.grouped(point.amount_cents) for point in rail.amount])
    elif rail.amount_typical_range_cents is not None:
        source = "the key 'amount_typical_range': " + " to ".join(map(money.grouped, rail.amount_typical_range_cents))
    return (
        f"half are at most {money.grouped(line.median_cents)}, 99% at most {money.grouped(line.p99_cents)}",
        f"from {source}; an override in 'baseline' counts first",
    )


def _hours(rail: Rail, line: RailLine) -> tuple[str, ...]:
    if line.band is None:
        return ("soon after its parent",)
    source = "the key 'hours'" if rail.hours is not None and not rail.aggregating else "its kind"
    return (f"{line.band} New York time, from {source}",)


def _legs(flows: Flows, rail: Rail) -> Iterator[str]:
    words = {-1: "Debit", +1: "Credit", 0: "Variable"}
    for leg in flows.legs[rail.name]:
        accounts = sum(flows.accounts.get(role, 0) for role in leg.roles)
        yield f"{words[leg.sign]} on {one_of(sorted(leg.roles))}: {counted(accounts, 'account')}"


def _caps(flows: Flows, rail: Rail) -> Iterator[str]:
    for limit in flows.declared.limits_on.get(rail.name, ()):
        yield f"{limit.direction} {money.grouped(limit.cap_cents)} per account under {limit.parent_role} and day"


def _chains(bank: Bank, flows: Flows, rail: Rail) -> Iterator[str]:
    nodes = flows.nodes_of[rail.name]
    for node in nodes:
        if node.template is not None:
            place = group_of(node.template, rail.name)
            chosen = "" if place is None else f"; of {one_of(list(node.groups[place]))} one fires in each transfer"
            yield f"leg rail of the template {node.template.name}{chosen}"
    names = {rail.name, *(node.name for node in nodes)}
    for chain in bank.chains:
        sort = "required" if chain.required else "optional"
        group = f", one of the group {quote(chain.xor_group)}" if chain.xor_group else ""
        if chain.child in names:
            yield f"follows {chain.parent} ({sort}{group})"
        if chain.parent in names:
            yield f"is followed by {chain.child} ({sort}{group})"


def _sweeps(declared: Declared, flows: Flows, rail: Rail) -> Iterator[str]:
    if rail.aggregating and rail.cadence is not None:
        yield f"sweeps {one_of(list(rail.bundles_activity))}, {rail.cadence.text}"
    for name in sorted({name for node in flows.nodes_of[rail.name] for name in flows.bundlers(rail, node)}):
        cadence = declared.rails[name].cadence
        yield f"is bundled by {name}, {cadence.text if cadence else ''}"
