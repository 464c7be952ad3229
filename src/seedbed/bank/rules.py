"""The cross-checks of a bank, as a table: a stable id and a function that yields (path, message) per problem."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from seedbed.bank import behaviour, frequency, gathering, resolve, shape, unique
from seedbed.bank.declared import Declared
from seedbed.bank.model import Bank
from seedbed.bank.text import Path, Remark

__all__ = ["RULES", "Rule", "broken_rules"]

MAX_PER_RULE = 50


class Rule(NamedTuple):
    """One cross-check. `check` yields a path and a message for everything that breaks the rule."""

    id: str
    check: Callable[[Declared], Iterator[tuple[Path, str]]]


RULES: tuple[Rule, ...] = (
    Rule("account-id-twice", unique.account_ids),
    Rule("template-role-twice", unique.template_roles),
    Rule("rail-name-twice", unique.rail_names),
    Rule("template-name-twice", unique.template_names),
    Rule("limit-twice", unique.limits),
    Rule("item-twice", unique.list_items),
    Rule("leg-ambiguous", unique.leg_traces),
    Rule("names-collide", unique.colliding_names),
    Rule("name-reserved", unique.reserved_names),
    Rule("id-pattern-number", unique.id_pattern_number),
    Rule("account-ids-collide", unique.generated_ids),
    Rule("calendar-unknown", unique.calendar_known),
    Rule("role-undeclared", resolve.rail_roles_declared),
    Rule("parent-role-undeclared", resolve.parent_roles),
    Rule("leg-rail-undeclared", resolve.leg_rails),
    Rule("chain-end-undeclared", resolve.chain_ends),
    Rule("limit-role-undeclared", resolve.limit_roles),
    Rule("limit-type-undeclared", resolve.limit_types),
    Rule("limit-rail-undeclared", resolve.limit_rails),
    Rule("bundle-selector-undeclared", resolve.bundle_selectors),
    Rule("offset-role-undeclared", resolve.offset_roles),
    Rule("metadata-example-undeclared", resolve.metadata_examples),
    Rule("posted-requirement-undeclared", resolve.posted_requirements),
    Rule("transfer-key-undeclared", resolve.transfer_keys),
    Rule("baseline-role-undeclared", resolve.baseline_roles),
    Rule("baseline-rail-undeclared", resolve.baseline_rails),
    Rule("net-missing", shape.net_missing),
    Rule("net-on-leg-rail", shape.net_unexpected),
    Rule("origin-missing", shape.origin_missing),
    Rule("one-leg-loose", shape.loose_one_leg),
    Rule("variable-loose", shape.loose_variable),
    Rule("variable-twice", shape.variable_twice),
    Rule("leg-xor-alone", shape.leg_groups_alone),
    Rule("leg-xor-member", shape.leg_group_members),
    Rule("cadence-missing", shape.cadence_missing),
    Rule("cadence-unexpected", shape.cadence_unexpected),
    Rule("bundles-missing", shape.bundles_missing),
    Rule("bundles-unexpected", shape.bundles_unexpected),
    Rule("aggregating-chain-child", shape.aggregating_children),
    Rule("aggregating-leg-rail", shape.aggregating_leg_rails),
    Rule("unbundled-age-unbundled", shape.unbundled_age),
    Rule("xor-group-alone", shape.xor_alone),
    Rule("xor-group-parents", shape.xor_parents),
    Rule("fan-in-rail", gathering.rail_children),
    Rule("fan-in-count-alone", gathering.counts_alone),
    Rule("fan-in-grouped", gathering.grouped_fan_ins),
    Rule("fan-in-delay", gathering.delayed_fan_ins),
    Rule("fan-in-mixed", gathering.mixed_children),
    Rule("parent-role-cycle", shape.parent_cycles),
    Rule("limit-subject", shape.limit_subjects),
    Rule("role-kind", behaviour.kinds_of_roles),
    Rule("rail-kind", behaviour.kinds_of_rails),
    Rule("unit-role-undeclared", behaviour.units),
    Rule("amounts-twice", behaviour.amounts),
    Rule("joint-examples", behaviour.joint_examples),
    Rule("seed-amount-too-large", shape.seed_amounts),
    Rule("firings-descend", frequency.firings_descend),
    Rule("volume-twice", frequency.volume_twice),
    Rule("rail-calendar-unknown", frequency.rail_calendars),
)


def broken_rules(bank: Bank) -> Iterator[Remark]:
    """A remark for everything that breaks a rule. A rule has at most 50; the last then tells that there are more."""
    declared = Declared(bank)
    for rule in RULES:
        found = list(islice(rule.check(declared), MAX_PER_RULE + 1))
        for path, message in found[:MAX_PER_RULE]:
            yield Remark(path, rule.id, message)
        if len(found) > MAX_PER_RULE:
            yield Remark(found[-1][0], rule.id, "more places break this rule; they are not listed")
