"""Rules on shape: which keys need or exclude each other in rails, templates, chains and account hierarchies."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from seedbed import money
from seedbed.bank.declared import Declared
from seedbed.bank.graph import circles
from seedbed.bank.leg_groups import is_variable, lone_variables
from seedbed.bank.model import OneLegRail, Rail, TwoLegRail
from seedbed.bank.text import Path, path_text, quote, suggestion
from seedbed.errors import counted

__all__ = [
    "aggregating_children",
    "aggregating_leg_rails",
    "bundles_missing",
    "bundles_unexpected",
    "cadence_missing",
    "cadence_unexpected",
    "leg_group_members",
    "leg_groups_alone",
    "limit_subjects",
    "loose_one_leg",
    "loose_variable",
    "net_missing",
    "net_unexpected",
    "origin_missing",
    "parent_cycles",
    "seed_amounts",
    "unbundled_age",
    "variable_twice",
    "xor_alone",
    "xor_parents",
]

Found = Iterator[tuple[Path, str]]


def _where(declared: Declared, wanted: Callable[[Rail], bool], key: str, message: str) -> Found:
    """The message at this key of every rail for which `wanted` holds."""
    for index, rail in enumerate(declared.bank.rails):
        if wanted(rail):
            yield ("rails", index, key), message


def net_missing(declared: Declared) -> Found:
    """A two-leg rail that is not a leg of a template has an expected net."""

    def wanted(rail: Rail) -> bool:
        loose = rail.name not in declared.templates_of
        return isinstance(rail, TwoLegRail) and rail.expected_net_cents is None and loose

    message = "a two-leg rail that is not a leg of a template needs expected_net"
    return _where(declared, wanted, "expected_net", message)


def net_unexpected(declared: Declared) -> Found:
    """A template's leg rail has no expected net; the template has it."""

    def wanted(rail: Rail) -> bool:
        leg = rail.name in declared.templates_of
        return isinstance(rail, TwoLegRail) and rail.expected_net_cents is not None and leg

    return _where(declared, wanted, "expected_net", "a leg of a template has no expected_net of its own")


def origin_missing(declared: Declared) -> Found:
    """Every leg has an origin: its own or the rail's."""
    for index, rail in enumerate(declared.bank.rails):
        if rail.origin is not None:
            continue
        sides: dict[str, str | None] = {"origin": None}
        if isinstance(rail, TwoLegRail):
            sides = {"source_origin": rail.source_origin, "destination_origin": rail.destination_origin}
        missing = [key for key, origin in sides.items() if origin is None]
        if len(missing) == 2 or missing == ["origin"]:
            yield ("rails", index, "origin"), "no leg has an origin; add the key 'origin' to the rail"
        elif missing:
            leg = missing[0].removesuffix("_origin")
            yield (
                ("rails", index, "origin"),
                f"the {leg} leg has no origin; add 'origin' or '{missing[0]}'",
            )


def loose_one_leg(declared: Declared) -> Found:
    """A one-leg rail is a leg of a template or bundled by a sweep, which give its money a source or destination."""

    def wanted(rail: Rail) -> bool:
        if not isinstance(rail, OneLegRail) or rail.aggregating:
            return False
        return rail.name not in declared.templates_of and not declared.is_bundled(rail)

    message = "a one-leg rail must be a leg of a template or be bundled by an aggregating rail"
    return _where(declared, wanted, "name", message)


def loose_variable(declared: Declared) -> Found:
    """A Variable leg closes the transfer of a template."""

    def wanted(rail: Rail) -> bool:
        return is_variable(rail) and rail.name not in declared.templates_of

    return _where(declared, wanted, "leg_direction", "a Variable leg must be a leg of a template")


def variable_twice(declared: Declared) -> Found:
    """A template has at most one Variable leg beside its XOR groups."""
    for index, template in enumerate(declared.bank.transfer_templates):
        rails = [declared.rails[name] for name in dict.fromkeys(template.leg_rails) if name in declared.rails]
        closing = [rail.name for rail in lone_variables(template, rails)]
        for name in closing[1:]:
            path = ("transfer_templates", index, "leg_rails", name)
            first = f"{quote(closing[0])} is already this template's Variable leg"
            yield path, f"{first}; {quote(name)} is a second one outside leg_rail_xor_groups"


def leg_groups_alone(declared: Declared) -> Found:
    """A group of leg rails has at least two members."""
    for index, template in enumerate(declared.bank.transfer_templates):
        for number, members in enumerate(template.leg_rail_xor_groups):
            size = len(set(members))
            if size < 2:
                path = ("transfer_templates", index, "leg_rail_xor_groups", number)
                yield path, f"a group of {counted(size, 'leg rail')} leaves no choice; it needs two or more"


def leg_group_members(declared: Declared) -> Found:
    """A member of a group is a Variable leg of the template, and of no other group."""
    for index, template in enumerate(declared.bank.transfer_templates):
        seen: dict[str, int] = {}
        for number, members in enumerate(template.leg_rail_xor_groups):
            for position, name in enumerate(members):
                path = ("transfer_templates", index, "leg_rail_xor_groups", number, position)
                other = seen.setdefault(name, number)
                if other != number:
                    yield path, f"{quote(name)} is already in group {other + 1}; exactly one of each group fires"
                elif name not in template.leg_rails:
                    hint = suggestion(name, template.leg_rails)
                    yield path, f"{quote(name)} is not among this template's leg_rails{hint}"
                elif name in declared.rails and not is_variable(declared.rails[name]):
                    yield path, f"{quote(name)} is no one-leg rail of direction Variable; a group has only such rails"


def cadence_missing(declared: Declared) -> Found:
    """An aggregating rail has a cadence."""
    message = "an aggregating rail needs a cadence"
    return _where(declared, lambda rail: rail.aggregating and rail.cadence is None, "cadence", message)


def bundles_missing(declared: Declared) -> Found:
    """An aggregating rail has bundle selectors."""
    message = "an aggregating rail needs at least one selector in bundles_activity"
    return _where(declared, lambda rail: rail.aggregating and not rail.bundles_activity, "bundles_activity", message)


def cadence_unexpected(declared: Declared) -> Found:
    """Only an aggregating rail ticks."""
    message = "only an aggregating rail has a cadence; remove it, or add 'aggregating: true'"
    return _where(declared, lambda rail: not rail.aggregating and rail.cadence is not None, "cadence", message)


def bundles_unexpected(declared: Declared) -> Found:
    """Only an aggregating rail bundles."""
    message = "only an aggregating rail bundles legs; remove bundles_activity, or add 'aggregating: true'"

    def wanted(rail: Rail) -> bool:
        return not rail.aggregating and bool(rail.bundles_activity)

    return _where(declared, wanted, "bundles_activity", message)


def aggregating_children(declared: Declared) -> Found:
    """An aggregating rail fires by its cadence, so it is never a chain child."""
    for index, chain in enumerate(declared.bank.chains):
        rail = declared.rails.get(chain.child)
        if rail is not None and rail.aggregating:
            yield ("chains", index, "child"), f"the aggregating rail {quote(chain.child)} cannot be a chain's child"


def aggregating_leg_rails(declared: Declared) -> Found:
    """An aggregating rail is never a leg of a template."""
    for index, template in enumerate(declared.bank.transfer_templates):
        for position, name in enumerate(template.leg_rails):
            rail = declared.rails.get(name)
            if rail is not None and rail.aggregating:
                path = ("transfer_templates", index, "leg_rails", position)
                yield path, f"the aggregating rail {quote(name)} cannot be a leg of a template"


def unbundled_age(declared: Declared) -> Found:
    """Only a rail that a sweep bundles has a maximum unbundled age."""

    def wanted(rail: Rail) -> bool:
        return rail.max_unbundled_age_seconds is not None and not declared.is_bundled(rail)

    return _where(declared, wanted, "max_unbundled_age", "no aggregating rail bundles this rail")


def _groups(declared: Declared) -> Mapping[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for index, chain in enumerate(declared.bank.chains):
        if chain.xor_group is not None:
            groups[chain.xor_group].append(index)
    return groups


def xor_alone(declared: Declared) -> Found:
    """An XOR group has at least two members."""
    for group, members in _groups(declared).items():
        if len(members) == 1:
            path = ("chains", members[0], "xor_group")
            yield path, f"the group {quote(group)} has only this member; an XOR group needs at least two"


def xor_parents(declared: Declared) -> Found:
    """All members of an XOR group have the same parent."""
    chains = declared.bank.chains
    for group, members in _groups(declared).items():
        for index in members[1:]:
            if chains[index].parent != chains[members[0]].parent:
                other = f"{quote(chains[members[0]].parent)} in {path_text(('chains', members[0]))}"
                yield (
                    ("chains", index, "xor_group"),
                    f"the group {quote(group)} already belongs to the parent {other}",
                )


def limit_subjects(declared: Declared) -> Found:
    """A limit caps one rail or one transfer type."""
    for index, limit in enumerate(declared.bank.limit_schedules):
        if limit.rail is None and limit.transfer_type is None:
            yield (
                ("limit_schedules", index),
                "a limit needs 'rail' (newer spelling) or 'transfer_type' (older spelling)",
            )
        elif limit.rail is not None and limit.transfer_type is not None:
            message = "'transfer_type' is the older spelling and 'rail' the newer one; keep one of them"
            yield ("limit_schedules", index, "rail"), message


def seed_amounts(declared: Declared) -> Found:
    """An amount four sigmas above the median does not exceed the largest amount of the generator."""
    for name, override in declared.bank.baseline.rails.items():
        amount = override.seed_amount
        if amount is not None and amount.median_cents * (4 * amount.sigma).exp() > money.MAX_AMOUNT_CENTS:
            most = money.format(int(Decimal(money.MAX_AMOUNT_CENTS) / (4 * amount.sigma).exp()))
            message = f"with this sigma the median is at most {most}, because amounts must stay below {_LARGEST}"
            yield ("baseline", "rails", name, "seed_amount"), message


_LARGEST = money.format(money.MAX_AMOUNT_CENTS)


def parent_cycles(declared: Declared) -> Found:
    """No account is its own parent, directly or through others."""
    bank = declared.bank
    places: dict[str, Path] = {}
    edges: dict[str, list[str]] = defaultdict(list)
    links = [(("accounts", i, "parent_role"), a.role, a.parent_role) for i, a in enumerate(bank.accounts)]
    links += [
        (("account_templates", i, "parent_role"), t.role, t.parent_role) for i, t in enumerate(bank.account_templates)
    ]
    for path, role, parent in links:
        if role is not None and parent is not None:
            places.setdefault(role, path)
            edges[role].append(parent)
    for cycle in circles(edges):
        yield places[cycle[0]], f"the parent roles form a circle: {_circle(cycle)}"


def _circle(cycle: list[str]) -> str:
    shown = [quote(name) for name in (*cycle, cycle[0])]
    return " → ".join(shown if len(shown) <= 8 else [*shown[:6], "…", shown[-1]])
