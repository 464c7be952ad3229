"""Findings on what a bank file leaves to a guess or says in vain."""

from collections.abc import Iterator

from seedbed.bank.classify import NOTHING
from seedbed.bank.flows import Flows
from seedbed.bank.kinds import INBOUND, OUTBOUND, type_words
from seedbed.bank.model import OneLegRail, Rail
from seedbed.bank.text import Path, quote

__all__ = ["keys_without_effect", "undecided_rails", "undecided_roles", "unused", "words_against_sides"]

Found = Iterator[tuple[Path, str]]

FREQUENCY_KEYS = ("day_of_month", "firings_typical_per_period")
VOLUME_KEYS = ("per", *FREQUENCY_KEYS)
AMOUNT_KEYS = ("amount", "amount_typical_range")
FIELDS = {"amount_typical_range": "amount_typical_range_cents"}


def undecided_roles(flows: Flows) -> Found:
    """A role on which rails post and whose kind nothing decides."""
    told: set[str | None] = {None}
    for path, element in flows.declared.holders():
        role = element.role
        if role in told or role not in flows.rails_on or flows.kinds.role_decided(element).by != NOTHING:
            continue
        told.add(role)
        yield (
            (*path, "role"),
            f"no word in {quote(role)} says its kind, so it is treated as other: its accounts open at 0.00 "
            "and no rail scales with them; add 'kind'",
        )


def undecided_rails(flows: Flows) -> Found:
    """A rail that fires by itself and whose kind nothing decides."""
    for index, rail in enumerate(flows.bank.rails):
        if flows.kinds.rail_decided(rail).by == NOTHING and _fires_by_itself(flows, rail):
            yield (
                ("rails", index, "transfer_type"),
                f"neither the sides nor a word in {quote(rail.transfer_type)} say the kind of this rail, so it is "
                "treated as other: one firing a business day for the whole bank; add 'kind'",
            )


def _fires_by_itself(flows: Flows, rail: Rail) -> bool:
    nodes = flows.nodes_of[rail.name]
    drives = any(node.driver is rail and not flows.parents.get(node.index) for node in nodes)
    return drives and not rail.aggregating and flows.rail_fires(rail)


def words_against_sides(flows: Flows) -> Found:
    """A rail whose type says one direction, and whose sides say the other."""
    for index, rail in enumerate(flows.bank.rails):
        if rail.kind is not None or rail.aggregating:
            continue
        words, sides = type_words(rail.transfer_type), flows.kinds.sides(rail)
        inbound, outbound = sorted(words & INBOUND), sorted(words & OUTBOUND)
        path = ("rails", index, "transfer_type")
        if inbound and not outbound and sides.source_customer and not sides.destination_customer:
            yield path, _against(inbound[0], "out of a customer's account")
        elif outbound and not inbound and sides.destination_customer and not sides.source_customer:
            yield path, _against(outbound[0], "into a customer's account")


def _against(word: str, way: str) -> str:
    return f"{quote(word)} speaks against the sides: this rail moves money {way}, and the sides decide"


def unused(flows: Flows) -> Found:
    """An account or template that no rail uses and that is nobody's parent."""
    for path, element in flows.declared.holders():
        role = element.role
        if role is None:
            yield path, "no rail can use an account without a role"
        elif role not in flows.rails_on and role not in flows.internal_under:
            yield (*path, "role"), f"no rail uses the role {quote(role)}, and no account is under it"


def keys_without_effect(flows: Flows) -> Found:
    """A key on volume, hours or amounts of a rail that does not fire by itself or takes its amount from others."""
    for index, rail in enumerate(flows.bank.rails):
        keys, why = _vain(flows, rail)
        for key in keys:
            if getattr(rail, FIELDS.get(key, key)):
                yield ("rails", index, key), f"{quote(key)} has no effect on this rail: {why}"
    key = "firings_typical_per_period"
    for index, template in enumerate(flows.bank.transfer_templates):
        node = next(node for node in flows.nodes_of[template.name] if node.template is template)
        if template.firings_typical_per_period is not None and flows.parents.get(node.index):
            path = ("transfer_templates", index, key)
            yield path, f"{quote(key)} has no effect on this template: it follows from a chain parent"


def _vain(flows: Flows, rail: Rail) -> tuple[tuple[str, ...], str]:
    """The keys that have no effect on a rail, and why."""
    nodes = flows.nodes_of[rail.name]
    if rail.aggregating:
        return (*VOLUME_KEYS, *AMOUNT_KEYS, "hours", "calendar"), "a sweep fires by its cadence"
    if isinstance(rail, OneLegRail) and rail.leg_direction == "Variable":
        return (*VOLUME_KEYS, *AMOUNT_KEYS), "a Variable leg closes the transfer of its template"
    if all(flows.parents.get(node.index) for node in nodes):
        links = [link for node in nodes for link in flows.parents[node.index]]
        own_hours = any(delay is not None and delay.days for delay in map(flows.links.delay_of, links))
        keys = (*VOLUME_KEYS, *AMOUNT_KEYS) if own_hours else (*VOLUME_KEYS, *AMOUNT_KEYS, "hours")
        return keys, "it follows from a chain parent, with its amount"
    if all(node.driver is not rail for node in nodes):
        return VOLUME_KEYS, f"{quote(nodes[0].driver.name)} says how often its template fires"
    figures = [node.template and node.template.firings_typical_per_period for node in nodes if node.driver is rail]
    if all(figures):
        return FREQUENCY_KEYS, f"{quote(nodes[0].name)} says itself how often it fires"
    return (), ""
