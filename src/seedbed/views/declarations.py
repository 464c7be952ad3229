"""The declarations of a bank as rows that views inline: bundles, required metadata keys, chains."""

from collections.abc import Iterator
from typing import NamedTuple

from seedbed.bank.declared import Declared, rail_roles
from seedbed.bank.leg_groups import group_label
from seedbed.bank.links import End, Links, chain_name
from seedbed.bank.model import Account, AccountTemplate, Bank, OneLegRail, TwoLegRail

__all__ = [
    "CAP_COLUMNS",
    "ChainEnds",
    "FanInEnds",
    "bundle_matches",
    "cap_lines",
    "capped_legs",
    "chain_ends",
    "declared_chains",
    "declared_legs",
    "expected_rail_nets",
    "fan_in_ends",
    "leg_choices",
    "parent_roles",
    "rail_lines",
    "rails_that_only_follow",
    "required_keys",
    "unbundled_ages",
    "under_cap",
]

# A relation of the caps. `subject` is what is capped, as the key of an exception names it; `side` is that of the legs
# which come under the cap.
CAP_COLUMNS = (
    "parent_role text, transfer_type text, rail_name text, subject text, direction text, side text, cap cents"
)


def cap_lines(bank: Bank) -> Iterator[tuple[str, str, str, str, str, str, int]]:
    """Every limit as a row of `CAP_COLUMNS`: with rail '' for every rail of the type, and the cap in cents."""
    rails = Declared(bank).rails
    for limit in bank.limit_schedules:
        kind = rails[limit.rail].transfer_type if limit.rail is not None else limit.subject
        side = "Credit" if limit.sign > 0 else "Debit"
        yield limit.parent_role, kind, limit.rail or "", limit.key, limit.direction, side, limit.cap_cents


def capped_legs(bank: Bank, legs: str) -> str:
    """The condition that leaves the legs, a table alias, on whose side some cap is: the join is spared the others."""
    sides = sorted({"'Credit'" if limit.sign > 0 else "'Debit'" for limit in bank.limit_schedules})
    return f"{legs}.amount_direction IN ({', '.join(sides) or 'NULL'})"


def under_cap(caps: str, legs: str) -> str:
    """The condition that joins legs to the caps that they are under; both are table aliases."""
    return (
        f"{caps}.parent_role = {legs}.account_parent_role AND {caps}.transfer_type = {legs}.transfer_type "
        f"AND {caps}.rail_name IN ('', {legs}.rail_name) AND {caps}.side = {legs}.amount_direction"
    )


def parent_roles(bank: Bank) -> list[str]:
    """The roles that some internal account or template names as its parent."""
    elements: tuple[Account | AccountTemplate, ...] = (*bank.accounts, *bank.account_templates)
    return sorted({e.parent_role for e in elements if e.parent_role is not None and e.scope == "internal"})


def declared_legs(bank: Bank) -> Iterator[tuple[str, str, str]]:
    """Every (rail, transfer type, role) on which a leg may be posted."""
    for rail in bank.rails:
        for _, role in rail_roles(rail):
            yield rail.name, rail.transfer_type, role


def rail_lines(bank: Bank) -> Iterator[tuple[str, str, int]]:
    """Every rail with its transfer type and the legs of one firing."""
    for rail in bank.rails:
        yield rail.name, rail.transfer_type, 1 if isinstance(rail, OneLegRail) else 2


def expected_rail_nets(bank: Bank) -> Iterator[tuple[str, int]]:
    """Standalone two-leg rails and what each of their transfers nets to, in cents."""
    leg_rails = {name for template in bank.transfer_templates for name in template.leg_rails}
    for rail in bank.rails:
        if isinstance(rail, TwoLegRail) and rail.name not in leg_rails and rail.expected_net_cents is not None:
            yield rail.name, rail.expected_net_cents


def unbundled_ages(bank: Bank) -> Iterator[tuple[str, str, int]]:
    """(rail, template, seconds) of legs that something bundles and that may wait so long; '' is any template."""
    declared = Declared(bank)
    for rail in declared.rails.values():
        seconds = rail.max_unbundled_age_seconds
        if seconds is None:
            continue
        if declared.bundlers(rail, None):
            yield rail.name, "", seconds
            continue
        for template in declared.templates_of.get(rail.name, ()):
            if declared.bundlers(rail, template):
                yield rail.name, template.name, seconds


def bundle_matches(bank: Bank) -> Iterator[tuple[str, str, str, str]]:
    """(aggregating rail, selector, rail, template) for all legs that a selector means; '' is any template.

    A selector that means no leg at all comes once, with rail ''.
    """
    declared = Declared(bank)
    for aggregator in declared.rails.values():
        for selector in aggregator.bundles_activity if aggregator.aggregating else ():
            found = False
            for rail in declared.rails.values():
                if rail.name == aggregator.name:
                    continue
                for template in ("", *(t.name for t in declared.templates_of.get(rail.name, ()))):
                    if selector in _spellings(declared, rail.name, rail.transfer_type, template):
                        found = True
                        yield aggregator.name, selector, rail.name, template
                        if not template:
                            break
            if not found:
                yield aggregator.name, selector, "", ""


def _spellings(declared: Declared, rail: str, transfer_type: str, template: str) -> set[str]:
    if not template:
        return {rail, transfer_type}
    return {template, declared.templates[template].transfer_type, f"{template}.{rail}"}


def required_keys(bank: Bank) -> Iterator[tuple[str, str, str]]:
    """(rail, template, metadata key) that a Posted leg must have; '' is any template.

    The transfer key of a template counts for its leg rails: whatever the leg says where a rail is in one template
    only, else where the leg names that template.
    """
    declared = Declared(bank)
    for rail in declared.rails.values():
        always = dict.fromkeys(rail.posted_requirements)
        templates = declared.templates_of.get(rail.name, ())
        if len(templates) == 1:
            always |= dict.fromkeys(templates[0].transfer_key)
            templates = ()
        for key in always:
            yield rail.name, "", key
        for template in templates:
            for key in dict.fromkeys(template.transfer_key):
                if key not in always:
                    yield rail.name, template.name, key


def leg_choices(bank: Bank) -> Iterator[tuple[str, str, int, str]]:
    """(template, group, place, rail) for each member of the XOR groups of leg rails, with the group's label."""
    for template in bank.transfer_templates:
        for members in template.leg_rail_xor_groups:
            for place, rail in enumerate(members, start=1):
                yield template.name, group_label(members), place, rail


class ChainEnds(NamedTuple):
    """A chain between what fires and what follows, as legs tell them: by a rail, a template or both; '' is any.

    `child_of` names what fires: children of different names can be legs of one template.
    """

    decision: int
    label: str
    parent_name: str
    parent_rail: str
    parent_template: str
    child_name: str
    child_rail: str
    child_template: str
    child_of: str
    in_group: int
    required: int


def chain_ends(bank: Bank) -> list[ChainEnds]:
    """Every declared chain that can be completed, once for each template in which its parent fires.

    A decision is about one chain without a group, or about all chains of one parent and XOR group. It is required if
    one of its chains is.
    """
    links = Links(bank)
    found = []
    for number, decision in enumerate(links.decisions):
        for link in decision.links:
            chain = bank.chains[link.chain]
            parent, child = (_told(links, end) for end in link.ends)
            flags = int(decision.grouped), int(decision.required)
            names = links.nodes[link.child].name
            found.append(ChainEnds(number, decision.label, chain.parent, *parent, chain.child, *child, names, *flags))
    return list(dict.fromkeys(found))


class FanInEnds(NamedTuple):
    """A fan-in chain, as legs tell its parent: by a rail, a template or both; '' is any. The child is a template.

    `expected` is the number of parents that share a child; 0 if any number from two on does.
    """

    label: str
    parent_name: str
    parent_rail: str
    parent_template: str
    child_template: str
    expected: int


def fan_in_ends(bank: Bank) -> list[FanInEnds]:
    """Every fan-in chain that can be fulfilled, once for each template in which its parent fires."""
    links = Links(bank)
    found = []
    for decision in links.decisions:
        for link in decision.links:
            chain = bank.chains[link.chain]
            if chain.fan_in:
                rail, template = _told(links, link.ends[0])
                expected = chain.expected_parent_count or 0
                found.append(FanInEnds(decision.label, chain.parent, rail, template, chain.child, expected))
    return list(dict.fromkeys(found))


def _told(links: Links, end: End) -> tuple[str, str]:
    """The rail and the template of the legs whose transfer is this end of a chain.

    The template of a leg rail is given only if the rail is a leg of several templates.
    """
    node = links.nodes[end.node]
    if end.rail is None:
        return (node.name, "") if node.template is None else ("", node.name)
    return end.rail, node.name if len(links.nodes_of[end.rail]) > 1 else ""


class DeclaredChain(NamedTuple):
    """A declared chain that can be completed, and the decision to which it belongs."""

    decision: int
    label: str
    parent: str
    child: str
    in_group: int
    required: int

    @property
    def name(self) -> str:
        """The chain's name in findings."""
        return chain_name(self.parent, self.child)


def declared_chains(bank: Bank) -> list[DeclaredChain]:
    """Every declared chain that can be completed, once."""
    chains = (
        DeclaredChain(ends.decision, ends.label, ends.parent_name, ends.child_name, ends.in_group, ends.required)
        for ends in chain_ends(bank)
    )
    return list(dict.fromkeys(chains))


def rails_that_only_follow(bank: Bank) -> list[str]:
    """The rails whose every way to fire is as a chain child: on their own, or in each of their templates."""
    links = Links(bank)
    return [name for name, rail in links.declared.rails.items() if not rail.aggregating and links.follows(name)]
