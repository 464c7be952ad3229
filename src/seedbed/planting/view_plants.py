"""The emissions of the kinds for the exception views that the kinds of the seed document leave empty.

Except for balances, `outcome.py` finds where they surface, as for all kinds.
"""

from seedbed import money
from seedbed.planting.emission import account_day, positive
from seedbed.planting.planter import Planter
from seedbed.planting.requests import Flaw, TransferRequest
from seedbed.planting.reservations import UnplantableError
from seedbed.scenario.plants import (
    FanInExtraPlant,
    FanInShortPlant,
    LatePostingPlant,
    LedgerDriftPlant,
    LegXorMissedPlant,
    LegXorOverlapPlant,
    RequirementGapPlant,
    TransferNetPlant,
    UnmatchedPostingPlant,
)
from seedbed.scenario.view_picks import A_SWEEP, PLACE, fan_in_link, late_day, requirements
from seedbed.units import DAY_SECONDS

__all__ = [
    "fan_in",
    "late_posting",
    "ledger_drift",
    "leg_xor_missed",
    "leg_xor_overlap",
    "requirement_gap",
    "transfer_net",
    "unmatched_posting",
]

IN_NO_GROUP = "the rail is in no XOR group of leg rails"


def ledger_drift(planter: Planter, plant_id: str, plant: LedgerDriftPlant) -> None:
    """One stored balance of a parent is wrong by exactly the delta. The balances of its children do not change."""
    account = planter.reservations.account(plant.account_id)
    planter.reservations.rail(plant.rail)
    account_class = planter.survey.class_of(account)
    if not account_class.internal or not account_class.is_parent:
        raise UnplantableError("ledger drift is a matter of internal accounts with children")
    if not plant.delta_money:
        raise UnplantableError("its delta is 0.00")
    day = planter.reservations.claim(planter.reservations.day(plant.days_ago), "balance", plant.account_id)
    planter.deltas.append((plant_id, account, day, money.from_decimal(plant.delta_money)))
    planter.show(plant_id, "ledger_drift", account_day(planter, account, day))


def transfer_net(planter: Planter, plant_id: str, plant: TransferNetPlant) -> None:
    """A whole transfer, except that the Debit of this rail, or its one leg, lacks some cents."""
    account, rail = planter.reservations.account(plant.account_id), planter.reservations.rail(plant.rail)
    node = planter.survey.node_of(rail)
    if rail.cadence is not None:
        raise UnplantableError(A_SWEEP)
    if planter.survey.declared_net(node) is None or planter.survey.net_cannot_hold(node):
        raise UnplantableError("its transfers never have the declared net")
    flaw = Flaw(rail=rail, short=positive(plant.short))
    day = planter.reservations.day(plant.days_ago)
    planter.family(
        rail, TransferRequest(plant=plant_id, day=day, cents=positive(plant.amount), prefer=(account,), flaw=flaw)
    )


def late_posting(planter: Planter, plant_id: str, plant: LatePostingPlant) -> None:
    """A whole transfer. The legs of this rail post on the first business day after its completion."""
    account, rail = planter.reservations.account(plant.account_id), planter.reservations.rail(plant.rail)
    node, day = planter.survey.node_of(rail), planter.reservations.day(plant.days_ago)
    if node.template is None:
        raise UnplantableError("only a template's transfers have a completion")
    late = late_day(planter.survey, node, day)
    if late is None:
        raise UnplantableError("the window has no business day after the transfer's completion")
    start, end = planter.posting_times.band(rail, node, late, bundle=True)
    second = max(start, late * DAY_SECONDS + 1) + planter.reservations.below(plant_id, end - start)
    flaw = Flaw(rail=rail, second=second)
    planter.family(
        rail, TransferRequest(plant=plant_id, day=day, cents=positive(plant.amount), prefer=(account,), flaw=flaw)
    )


def unmatched_posting(planter: Planter, plant_id: str, plant: UnmatchedPostingPlant) -> None:
    """A whole transfer. Its last leg stands on an account whose role the rail does not name."""
    account, rail = planter.reservations.account(plant.account_id), planter.reservations.rail(plant.rail)
    if rail.cadence is not None:
        raise UnplantableError(A_SWEEP)
    if planter.survey.class_of(account).role in rail.roles:
        raise UnplantableError(f"{rail.name} names the role of {plant.account_id}")
    unit, day = planter.survey.unit_account(rail, PLACE), planter.reservations.day(plant.days_ago)
    prefer = () if unit is None else (unit,)
    flaw = Flaw(rail=rail, misplaced=account)
    planter.family(
        rail, TransferRequest(plant=plant_id, day=day, cents=positive(plant.amount), prefer=prefer, flaw=flaw)
    )


def requirement_gap(planter: Planter, plant_id: str, plant: RequirementGapPlant) -> None:
    """A whole transfer. The legs of this rail lack a metadata key."""
    account, rail = planter.reservations.account(plant.account_id), planter.reservations.rail(plant.rail)
    if rail.cadence is not None:
        raise UnplantableError(A_SWEEP)
    if plant.missing_key not in requirements(planter.survey, rail):
        raise UnplantableError(f"'{plant.missing_key[:80]}' is not required of {rail.name}")
    flaw, day = Flaw(rail=rail, missing=plant.missing_key), planter.reservations.day(plant.days_ago)
    planter.family(
        rail, TransferRequest(plant=plant_id, day=day, cents=positive(plant.amount), prefer=(account,), flaw=flaw)
    )


def fan_in(planter: Planter, plant_id: str, plant: FanInShortPlant | FanInExtraPlant) -> None:
    """A whole fan-in child, but for the number of its parents; each has its own legs in it."""
    account, rail = planter.reservations.account(plant.account_id), planter.reservations.rail(plant.rail)
    link = fan_in_link(planter.survey, rail)
    if isinstance(link, str):
        raise UnplantableError(link)
    if isinstance(plant, FanInShortPlant):
        wrong = 0 < plant.parents < link.least_parents
    else:
        wrong = link.expected_parents is not None and plant.parents > link.expected_parents
    if not wrong:
        raise UnplantableError(f"{plant.parents} parents are no exception of this kind")
    day = planter.reservations.day(plant.days_ago)
    planter.family(
        rail,
        TransferRequest(
            plant=plant_id, day=day, cents=positive(plant.amount), prefer=(account,), parents=plant.parents
        ),
    )


def leg_xor_missed(planter: Planter, plant_id: str, plant: LegXorMissedPlant) -> None:
    """A transfer of the template without a leg of this rail's XOR group; the other Variable legs close it, if any."""
    account, rail = planter.reservations.account(plant.account_id), planter.reservations.rail(plant.rail)
    node = planter.survey.node_of(rail)
    group = node.group_of(rail)
    if group is None:
        raise UnplantableError(IN_NO_GROUP)
    request = TransferRequest(
        plant=plant_id,
        day=planter.reservations.day(plant.days_ago),
        cents=positive(plant.amount),
        prefer=(account,),
        members={group: ()},
    )
    planter.family(node.driver, request, node=node)


def leg_xor_overlap(planter: Planter, plant_id: str, plant: LegXorOverlapPlant) -> None:
    """A transfer of the template that this rail and another one of its XOR group close together."""
    account, rail = planter.reservations.account(plant.account_id), planter.reservations.rail(plant.rail)
    node = planter.survey.node_of(rail)
    group = node.group_of(rail)
    if group is None:
        raise UnplantableError(IN_NO_GROUP)
    other = next((member for member in planter.survey.members(node)[group] if member is not rail), None)
    if other is None:
        raise UnplantableError(f"no other leg rail of its group can fire beside {rail.name}")
    request = TransferRequest(
        plant=plant_id,
        day=planter.reservations.day(plant.days_ago),
        cents=positive(plant.amount),
        prefer=(account,),
        members={group: (rail, other)},
    )
    planter.family(rail, request)
