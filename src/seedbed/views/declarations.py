"""What a bank declares, as rows that the views inline: who bundles what, what must be there, what follows what."""

from collections.abc import Iterator

from seedbed.bank.declared import Declared, rail_roles
from seedbed.bank.model import Account, AccountTemplate, Bank, OneLegRail, TwoLegRail

__all__ = [
    "bundle_matches",
    "chain_entries",
    "declared_legs",
    "expected_rail_nets",
    "parent_roles",
    "rail_lines",
    "rails_that_only_follow",
    "required_keys",
    "unbundled_ages",
]


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


def chain_entries(bank: Bank) -> list[tuple[int, str, str, str, int, int]]:
    """(decision, label, parent, child, is a group, is required) of every chain declaration.

    A decision is an entry without a group, or all entries of one parent and XOR group; it is required if one of its
    entries is.
    """
    decisions: dict[tuple[str, str], int] = {}
    required: set[int] = set()
    found: dict[tuple[int, str, str, str], int] = {}
    for chain in bank.chains:
        grouped = chain.xor_group is not None
        label = f"{chain.parent}^{chain.xor_group}" if grouped else f"{chain.parent}>{chain.child}"
        number = decisions.setdefault((chain.parent, label), len(decisions))
        if chain.required:
            required.add(number)
        found[number, label, chain.parent, chain.child] = int(grouped)
    return [(*entry, grouped, int(entry[0] in required)) for entry, grouped in found.items()]


def rails_that_only_follow(bank: Bank) -> list[str]:
    """The rails whose every way to fire is as a chain child: on their own, or in each of their templates.

    A chain child that is a leg rail means its template. A chain within one template makes nothing fire.
    """
    declared = Declared(bank)

    def nodes(name: str) -> set[str]:
        return {t.name for t in declared.templates_of.get(name, ())} or {name}

    followers = {node for chain in bank.chains for node in nodes(chain.child) if not nodes(chain.parent) & {node}}
    return [rail.name for rail in declared.rails.values() if not rail.aggregating and nodes(rail.name) <= followers]
