"""Finds the collateral of plants: further exceptions that they cause.

Each rule here applies the definition of one view to the planted transfers. No rows are read back.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from seedbed.bank.links import End
from seedbed.baseline.legs import completion_second
from seedbed.planting.causes import blamed
from seedbed.planting.emission import account_day, leg_id, transfer_id
from seedbed.planting.planter import Planter
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Status, Surfacing
from seedbed.scenario.kinds import KINDS
from seedbed.units import AccountIndex, Cents, DayOrdinal, NodeIndex, RailIndex, SecondOrdinal, Seconds

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
        *_nets(planter, transfers),
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
        net = sum(f.leg_cents(leg) for f in transfer.firings for leg in range(len(f.accounts)))
        off = transfer.posted and expected is not None and net != expected
        short = any(firing.short for firing in transfer.firings)
        if off and (short or planter.survey.net_cannot_hold(transfer.node)):
            yield transfer, "transfer_net", f"{transfer_id(transfer)}/{transfer.node.name}"


def _beyond(waited: Seconds, age: Seconds | None) -> bool:
    return age is not None and waited > age


def _breaches(planter: Planter, transfers: Transfers) -> Iterator[Surfacing]:
    """Account-days above a cap, with the plants that cause them."""
    payers: Mapping[tuple[RailIndex, AccountIndex, DayOrdinal], dict[str, Cents]] = defaultdict(dict)
    seconds: dict[tuple[RailIndex, AccountIndex, DayOrdinal], SecondOrdinal] = {}
    for transfer, firing in _firings(transfers):
        if firing.rail.caps and firing.status is Status.POSTED and firing.leg_cents(0) < 0:
            account = firing.accounts[0]
            place = firing.rail.index, account, planter.reservations.cap_day(account, firing.second)
            paid, seconds[place] = payers[place], firing.second
            paid[transfer.plant] = paid.get(transfer.plant, 0) - firing.leg_cents(0)
    for (index, account, day), paid in payers.items():
        rail = planter.reservations.setup.program.rails[index]
        left = planter.reservations.headroom(rail, account, seconds[index, account, day])
        if left is None or left >= 0:
            continue
        beyond, key = -left, f"{account_day(planter, account, day)}/{rail.transfer_type}"

        def shows(out: frozenset[str], paid: Mapping[str, Cents] = paid, beyond: Cents = beyond) -> bool:
            return sum(paid[plant] for plant in out) < beyond

        for plant, needed in blamed(paid, shows):
            yield Surfacing(plant=plant, view="limit_breach", key=key, collateral=True, needed=needed)


def _chains(planter: Planter, transfers: Transfers) -> Iterator[tuple[PlantedTransfer, str, str]]:
    """The Posted parents among these transfers that have no Required child among all transfers."""
    children: Mapping[int, list[PlantedTransfer]] = defaultdict(list)
    for transfer in planter.transfers if transfers else ():
        if transfer.parent is not None and transfer.firings[0].status is not Status.FAILED:
            children[id(transfer.parent)].append(transfer)
    decisions: Mapping[int, list[tuple[str, set[End], set[End]]]] = defaultdict(list)
    for decision in planter.reservations.setup.program.decisions if transfers else ():
        parents, members = ({link.ends[side] for link in decision.links} for side in (0, 1))
        for node in {end.node for end in parents} if decision.required else ():
            decisions[node].append((decision.label, parents, members))
    for transfer in transfers:
        if transfer.posted:
            below = {end for child in children[id(transfer)] for end in _ends(child)}
            for label, parents, members in decisions[transfer.node.index]:
                if parents & _ends(transfer) and not below & members:
                    yield transfer, "chain_exceptions", f"{transfer_id(transfer)}/{label}"


def _ends(transfer: PlantedTransfer) -> set[End]:
    """The chain ends of a transfer: those of its node and of its leg rails."""
    node = transfer.node.index
    return {End(node, None), *(End(node, firing.rail.name) for firing in transfer.firings)}
