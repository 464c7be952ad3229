"""The table of plant kinds: the picker, the views in which the kind surfaces, and the texts for users."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from seedbed.bank.model import Bank
from seedbed.program.rails import RailPlan
from seedbed.scenario import picks, view_picks
from seedbed.scenario.modes import Group
from seedbed.scenario.plants import PLANT_TYPES
from seedbed.scenario.survey import Survey

__all__ = ["KINDS", "PlantKind"]

# The amount of an overdraft's drain in cents, from the usual low opening and from an opening of zero.
DRAINS = (3_500_00, 1_500_01)


def _every_bank(bank: Bank) -> bool:
    return True


def _caps_inbound(bank: Bank) -> bool:
    """Whether a bank has an inbound cap."""
    return any(limit.direction == "Inbound" for limit in bank.limit_schedules)


def _by_name(survey: Survey, rail: RailPlan) -> tuple[object, ...]:
    return (rail.name,)


def _customers_first(survey: Survey, rail: RailPlan) -> tuple[object, ...]:
    """Rails that land on a customer's account before others."""
    lands = any(leg.sign > 0 and survey.admits(leg, a) for leg in rail.legs for a in survey.customers[:1])
    return (not lands, rail.name)


def _capped_customers_first(sign: int, survey: Survey, rail: RailPlan) -> tuple[object, ...]:
    """Rails on which a cap bounds what is debited from (`sign` -1) or credited to (+1) a customer before others."""
    return (not any(survey.cap_on(rail, account, sign) is not None for account in survey.customers[:1]), rail.name)


def _freest_first(survey: Survey, rail: RailPlan) -> tuple[object, ...]:
    """Rails that can drain an account: no template, no chains, not into a sweep with chains, no cap; then by name.

    Of capped rails, those whose cap leaves room for the drain come first.
    """
    node = survey.node_of(rail)
    chained = bool(survey.program.links_into(node) or survey.program.links_from(node))
    swept_on = any(survey.program.links_from(sweep) for sweep in survey.bundlers(rail))
    cap = next((cap for a in survey.customers[:1] if (cap := survey.cap_on(rail, a, -1)) is not None), None)
    tightness = 0 if cap is None else 1 + sum(cap < wanted for wanted in DRAINS)
    return (node.template is not None, chained, tightness, swept_on, rail.name)


@dataclass(frozen=True, kw_only=True)
class PlantKind:
    """One kind of plant.

    `pick` returns the plant for one rail, or the reason why there is none. The default scenario takes the first rail
    by `order`. `views` are the views in which the kind surfaces; users read `sheet` and `description`. `exception` is
    false for kinds that only show activity. `concerns`: whether a bank declares anything that the kind is about;
    otherwise nobody misses the kind, and no omission names it. `replicates`: densifying repeats the kind. `place`
    counts the plant accounts of a role from the last one, which is 1; it gives the account of the look-alike.
    """

    name: str
    group: Group
    sheet: str
    description: str
    views: tuple[str, ...]
    difficulty: str
    place: int
    pick: Callable[[Survey, RailPlan, bool], Any]
    order: Callable[[Survey, RailPlan], tuple[object, ...]] = _by_name
    exception: bool = True
    concerns: Callable[[Bank], bool] = _every_bank
    replicates: bool = True

    @property
    def label(self) -> str:
        """The name of its dataclass, which reports and omissions use."""
        return PLANT_TYPES[self.name].__name__


KINDS: dict[str, PlantKind] = {
    kind.name: kind
    for kind in (
        PlantKind(
            name="drift",
            group="l1",
            sheet="L1 Drift",
            description="the stored balance of the day is not the sum of the postings",
            views=("drift",),
            difficulty="medium",
            place=1,
            pick=picks.drift,
        ),
        PlantKind(
            name="overdraft",
            group="l1",
            sheet="L1 Overdraft",
            description="the day ends below zero",
            views=("overdraft",),
            difficulty="easy",
            place=2,
            pick=picks.overdraft,
            order=_freest_first,
        ),
        PlantKind(
            name="limit_breach",
            group="l1",
            sheet="L1 Limit Breach",
            description="more was paid out in a day than the cap on the type allows",
            views=("limit_breach",),
            difficulty="medium",
            place=3,
            pick=picks.limit_breach,
            order=partial(_capped_customers_first, -1),
        ),
        PlantKind(
            name="inbound_breach",
            group="l1",
            sheet="L1 Limit Breach",
            description="more was taken in on a day than the inbound cap on the rail or type allows",
            views=("limit_breach",),
            difficulty="medium",
            place=8,
            pick=picks.inbound_breach,
            order=partial(_capped_customers_first, +1),
            concerns=_caps_inbound,
        ),
        PlantKind(
            name="stuck_pending",
            group="l1",
            sheet="L1 Pending Aging",
            description="legs are Pending for longer than their rail's max_pending_age",
            views=("stuck_pending",),
            difficulty="easy",
            place=4,
            pick=picks.stuck_pending,
        ),
        PlantKind(
            name="stuck_unbundled",
            group="l1",
            sheet="L1 Unbundled Aging",
            description="Posted legs wait for their sweep for longer than their rail's max_unbundled_age",
            views=("stuck_unbundled",),
            difficulty="medium",
            place=5,
            pick=picks.stuck_unbundled,
        ),
        PlantKind(
            name="supersession",
            group="l1",
            sheet="L1 Supersession Audit",
            description="a booked amount was corrected later",
            views=("supersession_audit",),
            difficulty="medium",
            place=6,
            pick=picks.supersession,
            order=_customers_first,
        ),
        PlantKind(
            name="inv_fanout",
            group="l1",
            sheet="Investigation Recipient Fanout",
            description="many senders pay one recipient on the same day, far above what such pairs usually move",
            views=("volume_anomalies", "recipient_fanout"),
            difficulty="hard",
            place=7,
            pick=picks.inv_fanout,
            replicates=False,
        ),
        PlantKind(
            name="transfer_template",
            group="broad",
            sheet="L2 Flow Tracing, Transfer Templates",
            description="whole transfers of a template: with all chain children, with none, with the first only",
            views=("chain_exceptions",),
            difficulty="medium",
            place=8,
            pick=picks.transfer_template,
            exception=False,
            replicates=False,
        ),
        PlantKind(
            name="rail_firing",
            group="broad",
            sheet="L2 Flow Tracing, Rails and Chains",
            description="ordinary firings on top of the baseline's, so that every rail that can fire shows some",
            views=(),
            difficulty="none",
            place=9,
            pick=picks.rail_firing,
            exception=False,
        ),
        PlantKind(
            name="ledger_drift",
            group="rest",
            sheet="L1 Drift",
            description="the stored balance of a parent account is not its children's and its own postings",
            views=("ledger_drift",),
            difficulty="medium",
            place=3,
            pick=view_picks.ledger_drift,
            order=_customers_first,
        ),
        PlantKind(
            name="transfer_net",
            group="rest",
            sheet="L2 Exceptions",
            description="a leg is short of some cents, so that its transfer does not net",
            views=("transfer_net",),
            difficulty="medium",
            place=4,
            pick=view_picks.transfer_net,
            order=_customers_first,
        ),
        PlantKind(
            name="late_posting",
            group="rest",
            sheet="L2 Exceptions",
            description="legs post after the completion of their transfer",
            views=("late_posting",),
            difficulty="medium",
            place=5,
            pick=view_picks.late_posting,
        ),
        PlantKind(
            name="unmatched_posting",
            group="rest",
            sheet="L2 Exceptions",
            description="a leg stands on an account whose role its rail does not name",
            views=("unmatched_postings",),
            difficulty="hard",
            place=6,
            pick=view_picks.unmatched_posting,
            order=_customers_first,
        ),
        PlantKind(
            name="requirement_gap",
            group="rest",
            sheet="L2 Exceptions",
            description="Posted legs lack a metadata key that they must carry",
            views=("posted_requirement_gaps",),
            difficulty="easy",
            place=7,
            pick=view_picks.requirement_gap,
            order=_customers_first,
        ),
        PlantKind(
            name="fan_in_short",
            group="rest",
            sheet="L2 Exceptions",
            description="fewer parents than expected share a transfer of a fan-in chain",
            views=("fan_in_exceptions",),
            difficulty="medium",
            place=8,
            pick=view_picks.fan_in_short,
        ),
        PlantKind(
            name="fan_in_extra",
            group="rest",
            sheet="L2 Exceptions",
            description="more parents than expected share a transfer of a fan-in chain",
            views=("fan_in_exceptions",),
            difficulty="medium",
            place=9,
            pick=view_picks.fan_in_extra,
        ),
        PlantKind(
            name="leg_xor_missed",
            group="rest",
            sheet="L2 Exceptions",
            description="of the leg rails that exclude each other none fired in a transfer",
            views=("leg_xor_exceptions",),
            difficulty="medium",
            place=8,
            pick=view_picks.leg_xor_missed,
            order=_customers_first,
        ),
        PlantKind(
            name="leg_xor_overlap",
            group="rest",
            sheet="L2 Exceptions",
            description="of the leg rails that exclude each other two fired in a transfer, which nets all the same",
            views=("leg_xor_exceptions",),
            difficulty="hard",
            place=9,
            pick=view_picks.leg_xor_overlap,
            order=_customers_first,
        ),
    )
}
assert KINDS.keys() == PLANT_TYPES.keys()
