"""Finds the collateral of plants: further exceptions that they cause.

Each rule here applies the definition of one view to the planted transfers. No rows are read back.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from seedbed.bank.leg_groups import group_label
from seedbed.bank.links import Decision, End
from seedbed.baseline.legs import completion_second
from seedbed.planting.causes import blamed
from seedbed.planting.emission import account_day, leg_id, transfer_id
from seedbed.planting.planter import Planter
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Status, Surfacing
from seedbed.scenario.kinds import KINDS
from seedbed.units import AccountIndex, CapIndex, Cents, DayOrdinal, NodeIndex, SecondOrdinal, Seconds

__all__ = ["collateral_of", "note_collateral"]

Transfers = Sequence[PlantedTransfer]


def note_collateral(planter: Planter) -> None:
    """Notes every view and key in which planted transfers surface, besides those that their kinds have noted."""
    planter.surfacings += list(collateral_of(planter))


def collateral_of(planter: Planter, plant: str | None = None) -> Iterator[Surfacing]:
    """Every view and key in which planted transfers, or those of one plant, surface besides those of their kinds."""
    noted = {(surfacing.view, surfacing.key) for surfacing in planter.surfacings}
    transfers = [transfer for transfer in planter.transfers if plant in (None, transfer.plant)]
    for transfer, view, key in (
        *_legs(planter, transfers),
        *_chains(planter, transfers),
        *_fan_ins(planter, transfers),
        *_nets(planter, transfers),
        *_leg_groups(transfers),
    ):
        kind = KINDS.get(transfer.plant.rpartition("-")[0])
        yield Surfacing(plant=transfer.plant, view=view, key=key, collateral=kind is None or view not in kind.views)
    for surfacing in _breaches(planter, transfers):
        if ("limit_breach", surfacing.key) not in noted:
            yield surfacing


def _firings(transfers: Transfers) -> Iterator[tuple[PlantedTransfer, PlantedFiring]]:
    return ((transfer, firing) for transfer in transfers for firing in transfer.firings)


def _legs(planter: Planter, transfers: Transfers) -> Iterator[tuple[PlantedTransfer, str, str]]:
    """Legs with an exception of their own.

    They wait for longer than their rail allows, post after their transfer's completion, stand on an account whose
    role their rail does not name, or lack a required metadata key.
    """
    as_of = planter.reservations.setup.window.as_of
    due: dict[tuple[NodeIndex, DayOrdinal], SecondOrdinal] = {}
    for transfer, firing in _firings(transfers):
        declared = planter.survey.declared(firing.rail)
        waited = as_of - firing.second
        views = []
        if firing.status is Status.PENDING:
            views += ["stuck_pending"] if _beyond(waited, declared.max_pending_age_seconds) else []
        elif firing.status is Status.POSTED:
            left = not firing.bundled and planter.survey.is_bundled(firing.rail, transfer.node)
            views += ["stuck_unbundled"] if left and _beyond(waited, declared.max_unbundled_age_seconds) else []
            if transfer.node.template is not None:
                place = transfer.node.index, transfer.day
                if place not in due:
                    due[place] = int(completion_second(transfer.node, np.array([transfer.day]))[0])
                views += ["late_posting"] if 0 < due[place] < firing.second else []
        for view in views:
            for leg in range(len(firing.accounts)):
                yield transfer, view, leg_id(firing, leg)
        for leg, account in enumerate(firing.accounts):
            if planter.survey.class_of(account).role not in firing.rail.roles:
                yield transfer, "unmatched_postings", leg_id(firing, leg)
            if firing.missing and firing.status is Status.POSTED:
                yield transfer, "posted_requirement_gaps", f"{leg_id(firing, leg)}/{firing.missing}"


def _nets(planter: Planter, transfers: Transfers) -> Iterator[tuple[PlantedTransfer, str, str]]:
    """Posted transfers off their declared net: it cannot hold, as a finding tells, or cents are missing."""
    for transfer in transfers:
        expected = planter.survey.declared_net(transfer.node)
        counted = [firing for firing in transfer.firings if firing.status is not Status.FAILED]
        net = sum(firing.leg_cents(leg) for firing in counted for leg in range(len(firing.accounts)))
        off = transfer.posted and expected is not None and net != expected
        lacks = any(firing.short for firing in counted) or len(transfer.closers) < transfer.node.closing_legs
        if off and (lacks or planter.survey.net_cannot_hold(transfer.node)):
            yield transfer, "transfer_net", f"{transfer_id(transfer)}/{transfer.node.name}"


def _leg_groups(transfers: Transfers) -> Iterator[tuple[PlantedTransfer, str, str]]:
    """Transfers in which not exactly one member of an XOR group of leg rails has fired. A Failed leg has not."""
    for transfer in (transfer for transfer in transfers if transfer.node.groups and transfer.posted):
        fired = [firing.rail for firing in transfer.firings if firing.status is not Status.FAILED]
        for members in transfer.node.groups:
            if sum(rail in fired for rail in members) != 1:
                label = group_label(rail.name for rail in members)
                yield transfer, "leg_xor_exceptions", f"{transfer_id(transfer)}/{label}"


def _beyond(waited: Seconds, age: Seconds | None) -> bool:
    return age is not None and waited > age


def _breaches(planter: Planter, transfers: Transfers) -> Iterator[Surfacing]:
    """Account-days above a cap, with the plants that cause them."""
    places: Mapping[tuple[CapIndex, AccountIndex, DayOrdinal], dict[str, Cents]] = defaultdict(dict)
    seconds: dict[tuple[CapIndex, AccountIndex, DayOrdinal], SecondOrdinal] = {}
    for transfer, firing in _firings(transfers):
        for caps in firing.rail.caps if firing.status is Status.POSTED else ():
            account, cents = firing.accounts[caps.leg], caps.sign * firing.leg_cents(caps.leg)
            if cents > 0:
                place = caps.index, account, planter.reservations.cap_day(account, firing.second)
                moved, seconds[place] = places[place], firing.second
                moved[transfer.plant] = moved.get(transfer.plant, 0) + cents
    for (index, account, day), moved in places.items():
        caps = planter.reservations.setup.program.caps[index]
        left = planter.reservations.headroom(caps, account, seconds[index, account, day])
        if left is None or left >= 0:
            continue
        limits = planter.survey.limits_on(caps, account)
        lowest = min(limit.cap for limit in limits)
        for limit in limits:
            beyond, key = lowest - left - limit.cap, f"{account_day(planter, account, day)}/{limit.key}"

            def shows(out: frozenset[str], moved: Mapping[str, Cents] = moved, beyond: Cents = beyond) -> bool:
                return sum(moved[plant] for plant in out) < beyond

            for plant, needed in blamed(moved, shows) if beyond > 0 else ():
                yield Surfacing(plant=plant, view="limit_breach", key=key, collateral=True, needed=needed)


def _chains(planter: Planter, transfers: Transfers) -> Iterator[tuple[PlantedTransfer, str, str]]:
    """Posted parents, of these transfers, without a Required child among all that should be there by now."""
    children: Mapping[int, list[PlantedTransfer]] = defaultdict(list)
    for transfer in planter.transfers if transfers else ():
        for parent in transfer.parents if transfer.firings[0].status is not Status.FAILED else ():
            children[id(parent)].append(transfer)
    decisions: Mapping[int, list[tuple[Decision, set[End], set[End]]]] = defaultdict(list)
    for decision in planter.reservations.setup.program.decisions if transfers else ():
        parents, members = ({link.ends[side] for link in decision.links} for side in (0, 1))
        for node in {end.node for end in parents} if decision.required else ():
            decisions[node].append((decision, parents, members))
    for transfer in transfers:
        if transfer.posted:
            below = {end for child in children[id(transfer)] for end in _ends(child)}
            for decision, parents, members in decisions[transfer.node.index]:
                if parents & _ends(transfer) and not below & members and _is_due(planter, transfer, decision):
                    yield transfer, "chain_exceptions", f"{transfer_id(transfer)}/{decision.label}"


def _is_due(planter: Planter, transfer: PlantedTransfer, decision: Decision) -> bool:
    """Whether a transfer is older than the longest delay of its child."""
    last = np.array([max(firing.second for firing in transfer.firings if firing.status is Status.POSTED)])
    return not decision.patience or bool(planter.reservations.setup.is_due(last, decision.patience)[0])


def _fan_ins(planter: Planter, transfers: Transfers) -> Iterator[tuple[PlantedTransfer, str, str]]:
    """Fan-in children with another number of parents than expected."""
    program = planter.reservations.setup.program
    for transfer in transfers:
        if not transfer.parents or transfer.firings[0].status is Status.FAILED:
            continue
        for link in (link for link in program.links_into(transfer.node) if link.fan_in):
            rail = None if link.parent_rail is None else program.nodes[link.parent].rails[link.parent_rail].name
            known = [p for p in transfer.parents if p.firings[0].status is not Status.FAILED]
            count = sum(End(link.parent, rail) in _ends(parent) for parent in known)
            right = count == link.expected_parents if link.expected_parents else count > 1
            if count and not right:
                yield transfer, "fan_in_exceptions", f"{transfer_id(transfer)}/{link.name}"


def _ends(transfer: PlantedTransfer) -> set[End]:
    """The chain ends of a transfer: those of its node and of its leg rails."""
    node = transfer.node.index
    fired = (firing for firing in transfer.firings if firing.status is not Status.FAILED)
    return {End(node, None), *(End(node, firing.rail.name) for firing in fired)}
