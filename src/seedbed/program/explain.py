"""Why a rail behaves as it does: what decided its kind, volume, amounts and hours, and what is linked to it."""

from collections.abc import Iterator

from seedbed import money
from seedbed.bank.classify import NOTHING, Kinds
from seedbed.bank.declared import Declared
from seedbed.bank.flows import Flows
from seedbed.bank.leg_groups import group_of, is_variable
from seedbed.bank.model import Bank, Rail
from seedbed.bank.text import one_of, quote, suggestion
from seedbed.errors import InputError, counted
from seedbed.program.outline import Outline, RailLine, hours_text

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
        "volume": _volume(bank, flows, rail, line, result),
        "amounts": _amounts(bank, rail, line),
        "hours": _hours(bank, flows, rail, line),
        "legs": tuple(_legs(flows, rail)),
        "caps": tuple(_caps(flows, rail)),
        "chains": tuple(_chains(bank, flows, rail)),
        "sweeps": tuple(_sweeps(declared, flows, rail)),
    }
    return {subject: said for subject, said in facts.items() if said}


def _kind(bank: Bank, rail: Rail, line: RailLine) -> tuple[str, ...]:
    by = Kinds(bank).rail_decided(rail).by
    return (f"{line.kind}, because nothing says another" if by == NOTHING else f"{line.kind}, by {by}",)


def _volume(bank: Bank, flows: Flows, rail: Rail, line: RailLine, result: Outline) -> tuple[str, ...]:
    units = {"customer": "customer account", "merchant": "merchant account"}.get(line.scale, "account")
    per = "for the whole bank" if line.scale == "system" else f"for each of {counted(line.units, units)}"
    if rail.per is not None:
        per = f"for each of {line.units:,} accounts of {rail.per} (the key 'per')"
    expected = f"about {line.expected_legs:,.0f} legs in {counted(result.business_days, 'business day')}"
    if not line.fires.startswith("primary"):
        return f"{line.fires}: it does not fire by itself", expected
    daily = f"{line.daily:.3f} firings a business day {per}"
    if line.counts is not None:
        monthly = line.counts.endswith("of the month")
        often = f"{line.counts} in the whole bank"
        often = f"one firing a month for each account, on {line.counts}" if monthly else often
        return f"{often} ({_counted_by(flows, rail)})", f"on average {daily}", expected
    override = bank.baseline.rails.get(rail.name)
    if override is not None and override.seed_volume_multiplier is not None:
        daily += f", which is {override.seed_volume_multiplier} times that of its kind ('seed_volume_multiplier')"
    return daily, expected


def _counted_by(flows: Flows, rail: Rail) -> str:
    """The key that says how often a rail fires: that of its template, its own, or that of another leg rail."""
    templates = [node.template for node in flows.nodes_of[rail.name] if node.template is not None]
    for template in templates:
        if template.firings_typical_per_period is not None:
            return f"the key 'firings_typical_per_period' of the template {template.name}"
    if is_variable(rail):
        return f"with the other legs of the template {templates[0].name}"
    for key in ("day_of_month", "firings_typical_per_period"):
        if getattr(rail, key) is not None:
            return f"the key {quote(key)}"
    return f"with the first leg of the template {templates[0].name}"


def _amounts(bank: Bank, rail: Rail, line: RailLine) -> tuple[str, ...]:
    if line.median_cents is None or line.p99_cents is None:
        return ("the sum of what it bundles" if rail.aggregating else "they follow from other legs",)
    override = bank.baseline.rails.get(rail.name)
    source = "the figures of its kind"
    if len(rail.amount) == 1:
        source = f"the key 'amount': {money.grouped(rail.amount[0].amount_cents)}"
    elif rail.amount:
        points = (f"{money.grouped(point.amount_cents)} (weight {point.weight})" for point in rail.amount)
        source = f"the key 'amount': {', '.join(points)}"
    elif rail.amount_typical_range_cents is not None:
        source = "the key 'amount_typical_range': " + " to ".join(map(money.grouped, rail.amount_typical_range_cents))
    elif override is not None and override.seed_amount is not None:
        source = "the key 'seed_amount' under 'baseline'"
    fixed = len({point.amount_cents for point in rail.amount}) == 1
    spread = f"half are at most {money.grouped(line.median_cents)}, 99% at most {money.grouped(line.p99_cents)}"
    return (
        f"always {money.grouped(line.median_cents)}" if fixed else spread,
        f"from {source}{'; a cap comes first' if line.caps else ''}",
    )


def _hours(bank: Bank, flows: Flows, rail: Rail, line: RailLine) -> tuple[str, ...]:
    if line.band is None:
        return tuple(dict.fromkeys(_waits(bank, flows, rail)))
    always = rail.calendar == "always" and not rail.aggregating
    source = "its cadence" if rail.aggregating else "its kind"
    if not rail.aggregating and (rail.hours is not None or always):
        source = f"the key {quote('calendar' if rail.hours is None else 'hours')}"
    days = ("on every day of the year, from the key 'calendar'",) if always else ()
    return (f"{line.band} New York time, from {source}", *days)


def _waits(bank: Bank, flows: Flows, rail: Rail) -> Iterator[str]:
    """When a rail that follows from chain parents does so."""
    names = {rail.name, *(node.name for node in flows.nodes_of[rail.name])}
    kind = Kinds(bank).of_rail(rail)
    for chain in (chain for chain in bank.chains if chain.child in names):
        after, delay = f"the last of the parents, {chain.parent}" if chain.fan_in else chain.parent, chain.delay
        if delay is None:
            yield f"1 to 15 minutes after {after}"
        elif delay.days:
            days = f"{delay.least}" if delay.least == delay.most else f"{delay.least} to {delay.most}"
            yield (
                f"{days} business day{'' if days == '1' else 's'} after {after} (the key 'delay'), "
                f"{hours_text(kind.band_start, kind.band_end)} New York time"
            )
        else:
            yield f"{' to '.join(delay.bounds)} after {after} (the key 'delay')"


def _legs(flows: Flows, rail: Rail) -> Iterator[str]:
    words = {-1: "Debit", +1: "Credit", 0: "Variable"}
    for leg in flows.legs[rail.name]:
        accounts = sum(flows.accounts.get(role, 0) for role in leg.roles)
        yield f"{words[leg.sign]} on {one_of(sorted(leg.roles))}: {counted(accounts, 'account')}"


def _caps(flows: Flows, rail: Rail) -> Iterator[str]:
    for limit in flows.declared.limits_on.get(rail.name, ()):
        if flows.capped_roles(rail, limit):
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
        if chain.fan_in:
            number = chain.expected_parent_count
            group = f", fan-in: {'those of a day' if number is None else f'{number} parents'} share a child"
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
