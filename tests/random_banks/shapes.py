"""The shapes that a bank can have, as a table: a name and a question to a loaded bank.

Random banks have to reach every one of them, which a test counts.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from seedbed.bank.declared import Declared
from seedbed.bank.graph import circles, reachable
from seedbed.bank.model import Bank, LimitSchedule, OneLegRail, Rail, TransferTemplate, TwoLegRail
from seedbed.bank.timing import LAST_DAY

__all__ = ["SHAPES", "shapes_of"]


class Look:
    """A bank with what several questions need."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.declared = Declared(bank)
        self.holders = (*bank.accounts, *bank.account_templates)
        self.templates = bank.transfer_templates
        self.sweeps = [rail for rail in bank.rails if rail.aggregating]
        self.two_leg = [rail for rail in bank.rails if isinstance(rail, TwoLegRail)]
        self.one_leg = [rail for rail in bank.rails if isinstance(rail, OneLegRail)]
        self.accounts: Counter[str | None] = Counter(account.role for account in bank.accounts)
        self.children: Mapping[str | None, list[Any]] = defaultdict(list)
        for holder in self.holders:
            self.children[holder.parent_role].append(holder)

    def members(self, template: TransferTemplate) -> list[Rail]:
        """The leg rails of a template."""
        return [self.declared.rails[name] for name in template.leg_rails]

    def chosen(self, template: TransferTemplate) -> set[str]:
        """The leg rails of a template that are in an XOR group."""
        return {name for members in template.leg_rail_xor_groups for name in members}

    def bundled_by(self, rail: Rail) -> set[str]:
        """The sweeps that bundle a rail anywhere."""
        found: set[str] = set()
        for template in self.declared.templates_of.get(rail.name, (None,)):
            found |= {*self.declared.bundlers(rail, template)}
        return found

    def ends(self, template: TransferTemplate, side: str) -> set[str]:
        """The names by which chains have a template, or a leg of it, on this side."""
        names = {template.name, *template.leg_rails}
        return {getattr(chain, side) for chain in self.bank.chains} & names


def _variable(rail: Rail) -> bool:
    return isinstance(rail, OneLegRail) and rail.leg_direction == "Variable"


def _roles(rail: Rail) -> list[tuple[str, ...]]:
    return [rail.leg_roles] if isinstance(rail, OneLegRail) else [rail.source_roles, rail.destination_roles]


def _sweep_edges(look: Look) -> dict[str, set[str]]:
    """From each sweep to those that bundle it."""
    return {sweep.name: look.bundled_by(sweep) for sweep in look.sweeps}


def _chain_edges(look: Look) -> dict[str, list[str]]:
    edges: dict[str, list[str]] = defaultdict(list)
    for chain in look.bank.chains:
        edges[chain.parent].append(chain.child)
    return edges


def _swept_sweep(look: Look, *, later: bool) -> bool:
    """Whether a sweep's bundler stands after it in the file, or before it."""
    order = {rail.name: position for position, rail in enumerate(look.bank.rails)}
    pairs = ((order[sweep], order[above]) for sweep, others in _sweep_edges(look).items() for above in others)
    return any((first < second) == later for first, second in pairs)


def _sweep_bundles_its_child(look: Look) -> bool:
    """Whether a sweep is the chain parent of something that it bundles."""
    for chain in look.bank.chains:
        for rail in look.bank.rails:
            homes = {rail.name, *(t.name for t in look.declared.templates_of.get(rail.name, ()))}
            if chain.child in homes and chain.parent in look.bundled_by(rail):
                return True
    return False


def _limits(look: Look, rail: Rail, direction: str) -> list[LimitSchedule]:
    """The limits in one direction that a rail comes under by its name or type."""
    return [limit for limit in look.declared.limits_on.get(rail.name, ()) if limit.direction == direction]


def _cap_counts(bank: Bank) -> Iterable[int]:
    return (limit.cap_cents for limit in bank.limit_schedules)


def _depth(look: Look) -> int:
    """How many levels of accounts stand above an account, at the most."""
    above = {holder.role: holder.parent_role for holder in look.holders if holder.role and holder.parent_role}
    deepest = 0
    for role in above:
        depth, here, seen = 0, role, set()
        while here in above and here not in seen:
            seen.add(here)
            depth, here = depth + 1, above[here]
        deepest = max(deepest, depth)
    return deepest


Question = Callable[[Look], bool]

ACCOUNTS: Mapping[str, Question] = {
    "role without a template and with one account": lambda k: 1 in k.accounts.values(),
    "role with several accounts": lambda k: any(n > 1 for role, n in k.accounts.items() if role),
    "account without a role": lambda k: None in k.accounts,
    "role of an account and of a template": lambda k: any(k.accounts[t.role] for t in k.bank.account_templates),
    "parents of parents": lambda k: _depth(k) > 1,
    "account with a parent that shares its role with another": lambda k: any(
        k.accounts[role] > 1 for role in k.children if role
    ),
    "declared balance on a parent": lambda k: any(
        a.expected_eod_balance_cents is not None and k.children.get(a.role) for a in k.bank.accounts if a.role
    ),
    "declared balance on a child": lambda k: any(
        h.expected_eod_balance_cents is not None and h.parent_role is not None for h in k.holders
    ),
    "negative declared balance": lambda k: any((h.expected_eod_balance_cents or 0) < 0 for h in k.holders),
    "external account under a parent": lambda k: any(h.scope == "external" and h.parent_role for h in k.holders),
    "external parent": lambda k: any(a.scope == "external" and k.children.get(a.role) for a in k.bank.accounts),
    "external template": lambda k: any(t.scope == "external" for t in k.bank.account_templates),
    "template without accounts": lambda k: 0 in k.bank.baseline.accounts.values(),
    "template of several blocks": lambda k: any(count > 256 for count in k.bank.baseline.accounts.values()),
    "parent role with no account below it that a rail uses": lambda k: any(
        not k.declared.roles.keys() & {h.role for h in k.children[role]} or not _used(k, role) for role in k.children
    ),
    "one name for all of a template": lambda k: any(
        t.instance_name_template and "{n}" not in t.instance_name_template for t in k.bank.account_templates
    ),
}


def _used(look: Look, parent: str | None) -> bool:
    below = {holder.role for holder in look.children[parent]}
    return any(below & {*roles} for rail in look.bank.rails for roles in _roles(rail))


RAILS: Mapping[str, Question] = {
    "no rail": lambda k: not k.bank.rails,
    "hundreds of rails": lambda k: len(k.bank.rails) >= 400,
    "one role on both sides, with one account": lambda k: any(
        r.source_roles == r.destination_roles and len(r.source_roles) == 1 and k.accounts[r.source_roles[0]] == 1
        for r in k.two_leg
    ),
    "roles shared by both sides": lambda k: any({*r.source_roles} & {*r.destination_roles} for r in k.two_leg),
    "choice of roles": lambda k: any(len(roles) > 1 for rail in k.bank.rails for roles in _roles(rail)),
    "transfer type of several rails": lambda k: len(k.declared.rail_types) < len(k.bank.rails),
    "net above zero on a rail": lambda k: any((r.expected_net_cents or 0) > 0 for r in k.two_leg),
    "net below zero on a rail": lambda k: any((r.expected_net_cents or 0) < 0 for r in k.two_leg),
    "posted requirement": lambda k: any(rail.posted_requirements for rail in k.bank.rails),
    "examples of a required key": lambda k: any(
        {*rail.posted_requirements} & rail.metadata_value_examples.keys() for rail in k.bank.rails
    ),
    "empty list of examples": lambda k: any(() in rail.metadata_value_examples.values() for rail in k.bank.rails),
    "maximum age of a second": lambda k: any(rail.max_pending_age_seconds == 1 for rail in k.bank.rails),
    "maximum age of ten years": lambda k: any(
        (r.max_pending_age_seconds or 0) > 3_000 * 86_400 for r in k.bank.rails
    ),
    "origins of both legs": lambda k: any(
        r.source_origin and r.destination_origin and not r.origin for r in k.two_leg
    ),
    "one-leg rail on its own": lambda k: any(
        r.name not in k.declared.templates_of and not r.aggregating for r in k.one_leg
    ),
    "volume of zero": lambda k: any(o.seed_volume_multiplier == 0 for o in k.bank.baseline.rails.values()),
    "amounts of a cent": lambda k: any(
        o.seed_amount and o.seed_amount.median_cents == 1 for o in k.bank.baseline.rails.values()
    ),
    "odd name of a rail": lambda k: any(not rail.name.isalnum() for rail in k.bank.rails),
    "odd name of a role": lambda k: any(not str(role).isalnum() for role in k.declared.roles),
    "odd account id": lambda k: any("'" in a.id or '"' in a.id for a in k.bank.accounts),
}

TEMPLATES: Mapping[str, Question] = {
    "template of Variable legs only": lambda k: any(all(map(_variable, k.members(t))) for t in k.templates),
    "template with a Variable leg and others": lambda k: any(
        {True, False} == {*map(_variable, k.members(t))} for t in k.templates
    ),
    "rail in several templates": lambda k: any(len(held) > 1 for held in k.declared.templates_of.values()),
    "Variable rail in several templates": lambda k: any(
        len(k.declared.templates_of.get(r.name, ())) > 1 for r in k.one_leg if _variable(r)
    ),
    "template of Debits only": lambda k: any(
        all(isinstance(r, OneLegRail) and r.leg_direction == "Debit" for r in k.members(t)) for t in k.templates
    ),
    "template of one-leg and two-leg rails": lambda k: any(
        len({isinstance(r, OneLegRail) for r in k.members(t)}) == 2 for t in k.templates
    ),
    "net above zero on a template": lambda k: any(t.expected_net_cents > 0 for t in k.templates),
    "net below zero on a template": lambda k: any(t.expected_net_cents < 0 for t in k.templates),
    "empty transfer key": lambda k: any(not t.transfer_key for t in k.templates),
    "template of a rail's type": lambda k: any(t.transfer_type in k.declared.rail_types for t in k.templates),
    **{
        f"completion {family}": lambda k, family=family: any(t.completion.family == family for t in k.templates)
        for family in ("business_day_end", "month_end", "metadata")
    },
    "completion days later": lambda k: any(t.completion.days for t in k.templates),
    "capped Variable leg": lambda k: any(_variable(r) and _limits(k, r, "Outbound") for r in k.one_leg),
    "Variable leg under an inbound cap": lambda k: any(_variable(r) and _limits(k, r, "Inbound") for r in k.one_leg),
    "Credit of a template under an inbound cap": lambda k: any(
        r.leg_direction == "Credit" and r.name in k.declared.templates_of and _limits(k, r, "Inbound")
        for r in k.one_leg
    ),
}

SWEEPS: Mapping[str, Question] = {
    **{
        f"cadence {family}": lambda k, family=family: any(s.cadence and s.cadence.family == family for s in k.sweeps)
        for family in ("intraday", "daily-eod", "daily-bod", "weekly", "monthly-eom", "monthly-bom", "monthly")
    },
    "one-leg sweep": lambda k: any(isinstance(s, OneLegRail) for s in k.sweeps),
    "sweep of a sweep, declared before it": lambda k: _swept_sweep(k, later=False),
    "sweep of a sweep, declared after it": lambda k: _swept_sweep(k, later=True),
    "sweep of a sweep of a sweep": lambda k: any(
        any(edges.get(above) for above in others) for edges in [_sweep_edges(k)] for others in edges.values()
    ),
    "sweeps in a circle": lambda k: next(circles(_sweep_edges(k)), None) is not None,
    "sweep that selects itself": lambda k: any({s.name, s.transfer_type} & {*s.bundles_activity} for s in k.sweeps),
    "several sweeps of one rail": lambda k: any(len(k.bundled_by(rail)) > 1 for rail in k.bank.rails),
    "sweep that is a chain's parent": lambda k: any(
        chain.parent in {s.name for s in k.sweeps} for chain in k.bank.chains
    ),
    "sweep of what it is the chain parent of": _sweep_bundles_its_child,
    "sweep of a chain's child": lambda k: any(
        k.bundled_by(k.declared.rails[chain.child]) for chain in k.bank.chains if chain.child in k.declared.rails
    ),
    "sweep by transfer type": lambda k: any({*s.bundles_activity} & k.declared.rail_types.keys() for s in k.sweeps),
    "sweep of a template": lambda k: any({*s.bundles_activity} & {t.name for t in k.templates} for s in k.sweeps),
    "sweep of a leg of a template": lambda k: any(
        {*s.bundles_activity} & {f"{t.name}.{leg}" for t in k.templates for leg in t.leg_rails} for s in k.sweeps
    ),
    "capped sweep": lambda k: any(_limits(k, s, "Outbound") for s in k.sweeps),
    "sweep under an inbound cap": lambda k: any(_limits(k, s, "Inbound") for s in k.sweeps),
    "maximum age unbundled": lambda k: any(rail.max_unbundled_age_seconds for rail in k.bank.rails),
}

CHAINS: Mapping[str, Question] = {
    "Required chain": lambda k: any(c.required and not c.xor_group for c in k.bank.chains),
    "Optional chain": lambda k: any(not c.required and not c.xor_group for c in k.bank.chains),
    "Required XOR group": lambda k: any(c.required and c.xor_group for c in k.bank.chains),
    "Optional XOR group": lambda k: any(
        group and not any(c.required for c in k.bank.chains if c.xor_group == group)
        for group in {c.xor_group for c in k.bank.chains}
    ),
    "XOR group with Required and Optional members": lambda k: any(
        len({c.required for c in k.bank.chains if c.xor_group == group}) == 2
        for group in {c.xor_group for c in k.bank.chains} - {None}
    ),
    "several chain ends into one template": lambda k: any(len(k.ends(t, "child")) > 1 for t in k.templates),
    "several chain ends out of one template": lambda k: any(len(k.ends(t, "parent")) > 1 for t in k.templates),
    "chain among legs of one template": lambda k: any(
        c.parent != c.child and {c.parent, c.child} <= {*t.leg_rails} for c in k.bank.chains for t in k.templates
    ),
    "chain from a leg to its own template": lambda k: any(
        c.child == t.name and c.parent in t.leg_rails for c in k.bank.chains for t in k.templates
    ),
    "chain from a template to its own leg": lambda k: any(
        c.parent == t.name and c.child in t.leg_rails for c in k.bank.chains for t in k.templates
    ),
    "chain into a leg of several templates": lambda k: any(
        len(k.declared.templates_of.get(c.child, ())) > 1 for c in k.bank.chains
    ),
    "chain with a Variable leg as its child": lambda k: any(
        _variable(k.declared.rails[c.child]) for c in k.bank.chains if c.child in k.declared.rails
    ),
    "child of several parents": lambda k: any(
        n > 1 for n in Counter(child for _, child in {(c.parent, c.child) for c in k.bank.chains}).values()
    ),
    "chain of chains": lambda k: bool({c.parent for c in k.bank.chains} & {c.child for c in k.bank.chains}),
    "chain to itself": lambda k: any(c.parent == c.child for c in k.bank.chains),
    "chains in a circle": lambda k: any(
        c.parent != c.child and c.parent in reachable(_chain_edges(k), [c.child]) for c in k.bank.chains
    ),
    "chain twice": lambda k: len({(c.parent, c.child) for c in k.bank.chains}) < len(k.bank.chains),
}

FAN_INS: Mapping[str, Question] = {
    "Required fan-in chain": lambda k: any(c.fan_in and c.required for c in k.bank.chains),
    "Optional fan-in chain": lambda k: any(c.fan_in and not c.required for c in k.bank.chains),
    "fan-in chain with a number of parents": lambda k: any(c.expected_parent_count for c in k.bank.chains),
    "fan-in chain with the parents of a day": lambda k: any(
        c.fan_in and not c.expected_parent_count for c in k.bank.chains
    ),
    "fan-in chain that waits for more parents than come": lambda k: any(
        c.expected_parent_count == 10_000 for c in k.bank.chains
    ),
    "fan-in chain with a sweep as its parent": lambda k: any(
        c.fan_in and c.parent in {s.name for s in k.sweeps} for c in k.bank.chains
    ),
    "fan-in chain with a leg as its parent": lambda k: any(
        c.fan_in and c.parent in k.declared.templates_of for c in k.bank.chains
    ),
    "fan-in child with a Variable leg": lambda k: any(
        any(map(_variable, k.members(k.declared.templates[c.child]))) for c in k.bank.chains if c.fan_in
    ),
    "fan-in child of one-leg rails with a net": lambda k: any(
        k.declared.templates[c.child].expected_net_cents
        and any(isinstance(r, OneLegRail) for r in k.members(k.declared.templates[c.child]))
        for c in k.bank.chains
        if c.fan_in
    ),
    "fan-in child that is a parent": lambda k: any(
        c.fan_in and k.ends(k.declared.templates[c.child], "parent") for c in k.bank.chains
    ),
    "fan-in child of several parents": lambda k: any(
        n > 1 for n in Counter(c.child for c in k.bank.chains if c.fan_in).values()
    ),
    "fan-in child of a fan-in child": lambda k: bool(
        {c.parent for c in k.bank.chains if c.fan_in} & {c.child for c in k.bank.chains if c.fan_in}
    ),
    "parent of several fan-in children": lambda k: any(
        n > 1 for n in Counter(c.parent for c in k.bank.chains if c.fan_in).values()
    ),
}

OTHERS: Mapping[str, Question] = {
    "cap of a cent": lambda k: 1 in _cap_counts(k.bank),
    "cap that nothing reaches": lambda k: any(cents > 10**14 for cents in _cap_counts(k.bank)),
    "cap under a role without children": lambda k: any(
        not k.children.get(limit.parent_role) for limit in k.bank.limit_schedules
    ),
    "cap on a template's type": lambda k: any(
        limit.rail is None and limit.subject not in k.declared.rail_types for limit in k.bank.limit_schedules
    ),
    "several caps on one type": lambda k: any(
        n > 1 for n in Counter(limit.transfer_type for limit in k.bank.limit_schedules if not limit.rail).values()
    ),
    "inbound cap": lambda k: any(limit.direction == "Inbound" for limit in k.bank.limit_schedules),
    "both caps on one type or rail": lambda k: any(
        n > 1 for n in Counter((x.parent_role, x.subject) for x in k.bank.limit_schedules).values()
    ),
    "rail under a cap out and a cap in": lambda k: any(
        len({limit.direction for limit in limits}) > 1 for limits in k.declared.limits_on.values()
    ),
    "rail under its own cap and its type's": lambda k: any(
        len({limit.rail for limit in limits if limit.direction == way}) > 1
        for limits in k.declared.limits_on.values()
        for way in ("Outbound", "Inbound")
    ),
    "chain's child under an inbound cap": lambda k: any(
        _limits(k, k.declared.rails[c.child], "Inbound") for c in k.bank.chains if c.child in k.declared.rails
    ),
    "business day a day early": lambda k: -23 in k.bank.role_business_day_offsets.values(),
    "business day a day late": lambda k: 23 in k.bank.role_business_day_offsets.values(),
    "no bank holidays": lambda k: k.bank.calendar == "none",
    "holidays of a country": lambda k: k.bank.calendar.startswith("holidays:"),
}

NEWER: Mapping[str, Question] = {
    "kind of a role": lambda k: any(holder.kind for holder in k.holders),
    "kind of a rail": lambda k: any(rail.kind for rail in k.bank.rails),
    "units by a key": lambda k: any(rail.per for rail in k.bank.rails),
    "hours of a rail": lambda k: any(rail.hours for rail in k.bank.rails),
    "hours around the clock": lambda k: any(rail.hours and rail.hours.text == "00:00-24:00" for rail in k.bank.rails),
    "fixed amount": lambda k: any(len(rail.amount) == 1 for rail in k.bank.rails),
    "price points": lambda k: any(len(rail.amount) > 1 for rail in k.bank.rails),
    "range of amounts": lambda k: any(rail.amount_typical_range_cents for rail in k.bank.rails),
    "range of one cent": lambda k: any(rail.amount_typical_range_cents == (1, 1) for rail in k.bank.rails),
    "metadata values drawn as a whole": lambda k: any(rail.metadata_examples for rail in k.bank.rails),
    "cap on one of several rails of a type": lambda k: any(limit.rail for limit in k.bank.limit_schedules),
    **{
        f"firings a {period}": lambda k, period=period: any(
            one.firings_typical_per_period and one.firings_typical_per_period.period == period
            for one in (*k.bank.rails, *k.templates)
        )
        for period in ("business_day", "pay_period", "week", "month")
    },
    "firings of a template": lambda k: any(t.firings_typical_per_period for t in k.templates),
    "no firings by a count": lambda k: any(
        rail.firings_typical_per_period and rail.firings_typical_per_period.range == (0, 0) for rail in k.bank.rails
    ),
    "firings of a chain's child": lambda k: any(
        k.declared.rails[c.child].firings_typical_per_period for c in k.bank.chains if c.child in k.declared.rails
    ),
    "day of the month": lambda k: any(rail.day_of_month for rail in k.bank.rails),
    "last day of the month": lambda k: any(rail.day_of_month == LAST_DAY for rail in k.bank.rails),
    "rail that fires always": lambda k: any(rail.calendar == "always" for rail in k.bank.rails),
    "capped rail that fires always": lambda k: any(
        rail.calendar == "always" and rail.name in k.declared.limits_on for rail in k.bank.rails
    ),
    "swept rail that fires always": lambda k: any(
        rail.calendar == "always" and k.bundled_by(rail) for rail in k.bank.rails
    ),
    "template that fires always": lambda k: any(
        all(rail.calendar == "always" or _variable(rail) for rail in k.members(t)) for t in k.templates
    ),
    "child of a parent that fires always": lambda k: any(
        k.declared.rails[c.parent].calendar == "always" for c in k.bank.chains if c.parent in k.declared.rails
    ),
    "delay in business days": lambda k: any(c.delay and c.delay.days for c in k.bank.chains),
    "delay in hours": lambda k: any(c.delay and not c.delay.days for c in k.bank.chains),
    "delay from none": lambda k: any(c.delay and c.delay.days and not c.delay.least for c in k.bank.chains),
    "delay in an XOR group": lambda k: any(c.delay and c.xor_group for c in k.bank.chains),
    "type that is the rail's own name": lambda k: any(rail.transfer_type == rail.name for rail in k.bank.rails),
}

LEG_GROUPS: Mapping[str, Question] = {
    "group of leg rails": lambda k: any(t.leg_rail_xor_groups for t in k.templates),
    "several groups of leg rails": lambda k: any(len(t.leg_rail_xor_groups) > 1 for t in k.templates),
    "group of leg rails beside a Variable leg": lambda k: any(
        t.leg_rail_xor_groups and any(_variable(r) and r.name not in k.chosen(t) for r in k.members(t))
        for t in k.templates
    ),
    "group of leg rails under a cap": lambda k: any(
        k.declared.rails[name].transfer_type in {x.transfer_type for x in k.bank.limit_schedules}
        for t in k.templates
        for name in k.chosen(t)
    ),
    "leg rails of a group that different sweeps bundle": lambda k: any(
        len({frozenset(k.bundled_by(k.declared.rails[name])) for name in members}) > 1
        for t in k.templates
        for members in t.leg_rail_xor_groups
    ),
    "chain from a leg rail of a group": lambda k: any(k.chosen(t) & k.ends(t, "parent") for t in k.templates),
    "chain into a leg rail of a group": lambda k: any(k.chosen(t) & k.ends(t, "child") for t in k.templates),
    "chains into several leg rails of a group": lambda k: any(
        len({*members} & k.ends(t, "child")) > 1 for t in k.templates for members in t.leg_rail_xor_groups
    ),
    "leg rail of groups of several templates": lambda k: any(
        n > 1 for n in Counter(name for t in k.templates for name in k.chosen(t)).values()
    ),
}

SHAPES: Mapping[str, Question] = (
    ACCOUNTS | RAILS | TEMPLATES | SWEEPS | CHAINS | FAN_INS | OTHERS | NEWER | LEG_GROUPS
)


def shapes_of(bank: Bank) -> frozenset[str]:
    """The shapes that a valid bank has."""
    look = Look(bank)
    return frozenset(name for name, has in SHAPES.items() if has(look))
