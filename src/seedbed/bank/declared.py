"""The declarations of a bank, by name. Rules and findings use them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property

from seedbed.bank.grouping import grouped
from seedbed.bank.model import (
    Account,
    AccountTemplate,
    Bank,
    LimitSchedule,
    OneLegRail,
    Rail,
    TransferTemplate,
    TwoLegRail,
)
from seedbed.bank.text import Path

__all__ = ["Declared", "rail_roles"]


def rail_roles(rail: Rail) -> Iterator[tuple[str, str]]:
    """Every (YAML key, role) of a rail's legs, the source before the destination."""
    if isinstance(rail, TwoLegRail):
        yield from (("source_role", role) for role in rail.source_roles)
        yield from (("destination_role", role) for role in rail.destination_roles)
    elif isinstance(rail, OneLegRail):
        yield from (("leg_role", role) for role in rail.leg_roles)


def selector_texts(rail: str, transfer_type: str, template: TransferTemplate | None) -> frozenset[str]:
    """Every bundle selector that selects the legs of a rail, on its own or within a template."""
    own = frozenset((rail, transfer_type))
    return own if template is None else own | {template.name, template.transfer_type, f"{template.name}.{rail}"}


class Declared:
    """A bank and its names. If several elements share a name, the first counts; a rule reports the others."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.rails: Mapping[str, Rail] = {rail.name: rail for rail in reversed(bank.rails)}
        self.templates: Mapping[str, TransferTemplate] = {t.name: t for t in reversed(bank.transfer_templates)}
        self.single_roles = dict.fromkeys(a.role for a in bank.accounts if a.role is not None)
        self.template_roles = dict.fromkeys(t.role for t in bank.account_templates)
        self.roles = self.single_roles | self.template_roles
        self.rail_types = dict.fromkeys(rail.transfer_type for rail in bank.rails)
        self.types = self.rail_types | dict.fromkeys(t.transfer_type for t in bank.transfer_templates)
        self.ends = dict.fromkeys([*self.rails, *self.templates])

    def holders(self) -> Iterator[tuple[Path, Account | AccountTemplate]]:
        """The declared accounts and templates with their paths, in the file's order."""
        yield from ((("accounts", index), account) for index, account in enumerate(self.bank.accounts))
        yield from ((("account_templates", i), template) for i, template in enumerate(self.bank.account_templates))

    @cached_property
    def templates_of(self) -> Mapping[str, tuple[TransferTemplate, ...]]:
        """The templates that hold a rail, by the rail's name. Only leg rails have an item."""
        found: dict[str, list[TransferTemplate]] = defaultdict(list)
        for template in self.templates.values():
            for name in dict.fromkeys(template.leg_rails):
                found[name].append(template)
        return {name: tuple(templates) for name, templates in found.items()}

    @cached_property
    def selectors(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the aggregating rails that have a selector, by the selector's text, in order of name."""
        found: dict[str, set[str]] = defaultdict(set)
        for rail in self.rails.values():
            if rail.aggregating:
                for selector in rail.bundles_activity:
                    found[selector].add(rail.name)
        return {selector: tuple(sorted(names)) for selector, names in found.items()}

    @cached_property
    def selectable(self) -> Mapping[str, None]:
        """Every text that a bundle selector may be."""
        legs = (f"{t.name}.{name}" for t in self.templates.values() for name in t.leg_rails if name in self.rails)
        return dict.fromkeys([*self.ends, *self.types, *legs])

    def bundlers(self, rail: Rail, template: TransferTemplate | None) -> tuple[str, ...]:
        """The aggregating rails that bundle a rail's legs, on its own or within a template, in order of name."""
        texts = selector_texts(rail.name, rail.transfer_type, template)
        names = {name for text in texts for name in self.selectors.get(text, ())}
        return tuple(sorted(names - {rail.name}))

    @cached_property
    def _rails_of_type(self) -> Mapping[str, tuple[Rail, ...]]:
        return grouped((rail.transfer_type, rail) for rail in self.bank.rails)

    def capped_rails(self, limit: LimitSchedule) -> tuple[Rail, ...]:
        """The rails that a limit caps, in the file's order."""
        if limit.rail is not None:
            return (self.rails[limit.rail],) if limit.rail in self.rails else ()
        return self._rails_of_type.get(limit.subject, ())

    @cached_property
    def limits_on(self) -> Mapping[str, tuple[LimitSchedule, ...]]:
        """The limits on each rail, by its name, in the file's order; rails without any are absent."""
        return grouped((rail.name, limit) for limit in self.bank.limit_schedules for rail in self.capped_rails(limit))

    def is_bundled(self, rail: Rail) -> bool:
        """Whether some aggregating rail bundles this rail anywhere."""
        return any(self.bundlers(rail, template) for template in self.templates_of.get(rail.name, (None,)))
