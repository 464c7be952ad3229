"""The table of plant kinds: who picks, where it surfaces, and the words that users read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seedbed.program.rails import RailPlan
from seedbed.scenario import picks, view_picks
from seedbed.scenario.modes import Group
from seedbed.scenario.plants import PLANT_TYPES
from seedbed.scenario.survey import Survey

__all__ = ["KINDS", "PlantKind"]

# What an overdraft's drain takes, in cents: from the usual low opening, and from an opening of nothing.
DRAINS = (3_500_00, 1_500_01)


def _by_name(survey: Survey, rail: RailPlan) -> tuple[object, ...]:
    return (rail.name,)


def _customers_first(survey: Survey, rail: RailPlan) -> tuple[object, ...]:
    """Rails that land on a customer's account before others."""
    lands = any(leg.sign > 0 and survey.admits(leg, a) for leg in rail.legs for a in survey.customers[:1])
    return (not lands, rail.name)


def _capped_customers_first(survey: Survey, rail: RailPlan) -> tuple[object, ...]:
    return (not any(survey.cap_on(rail, account) is not None for account in survey.customers[:1]), rail.name)


def _freest_first(survey: Survey, rail: RailPlan) -> tuple[object, ...]:
    """Rails that can drain an account: no template, no chains, not into a sweep with chains, no cap; then by name.

    Of capped rails, those whose cap leaves room for the drain come first.
    """
    node = survey.node_of(rail)
    chained = bool(survey.program.links_into(node) or survey.program.links_from(node))
    swept_on = any(survey.program.links_from(sweep) for sweep in survey.bundlers(rail))
    cap = next((cap for a in survey.customers[:1] if (cap := survey.cap_on(rail, a)) is not None), None)
    tightness = 0 if cap is None else 1 + sum(cap < wanted for wanted in DRAINS)
    return (node.template is not None, chained, tightness, swept_on, rail.name)


@dataclass(frozen=True)
class PlantKind:
    """One kind of plant.

    `pick` gives the plant of one rail, or the reason why there is none; the first of the rails, sorted by `order`,
    is the default scenario's. `views` are where it surfaces, `sheet` and `words` what users read.
    `exception` tells whether it is one; the others show activity. `replicates`: whether densifying repeats it.
    `place` is that of its look-alike's account among a role's plant accounts, from the last one on, which is 1.
    """

    name: str
    group: Group
    sheet: str
    words: str
    views: tuple[str, ...]
    difficulty: str
    place: int
    pick: Callable[[Survey, RailPlan, bool], Any]
    order: Callable[[Survey, RailPlan], tuple[object, ...]] = _by_name
    exception: bool = True
    replicates: bool = True

    @property
    def label(self) -> str:
        """The name of its dataclass, which reports and omissions use."""
        return PLANT_TYPES[self.name].__name__


KINDS: dict[str, PlantKind] = {
    kind.name: kind
    for kind in (
        PlantKind(
            "drift",
            "l1",
            "L1 Drift",
            "the stored balance of the day is not the sum of the postings",
            ("drift",),
            "medium",
            1,
            picks.drift,
        ),
        PlantKind(
            "overdraft",
            "l1",
            "L1 Overdraft",
            "the day ends below zero",
            ("overdraft",),
            "easy",
            2,
            picks.overdraft,
            _freest_first,
        ),
        PlantKind(
            "limit_breach",
            "l1",
            "L1 Limit Breach",
            "more was paid out in a day than the cap on the type allows",
            ("limit_breach",),
            "medium",
            3,
            picks.limit_breach,
            _capped_customers_first,
        ),
        PlantKind(
            "stuck_pending",
            "l1",
            "L1 Pending Aging",
            "legs are Pending for longer than their rail's max_pending_age",
            ("stuck_pending",),
            "easy",
            4,
            picks.stuck_pending,
        ),
        PlantKind(
            "stuck_unbundled",
            "l1",
            "L1 Unbundled Aging",
            "Posted legs wait for their sweep for longer than their rail's max_unbundled_age",
            ("stuck_unbundled",),
            "medium",
            5,
            picks.stuck_unbundled,
        ),
        PlantKind(
            "supersession",
            "l1",
            "L1 Supersession Audit",
            "a booked amount was corrected later",
            ("supersession_audit",),
            "medium",
            6,
            picks.supersession,
            _customers_first,
        ),
        PlantKind(
            "inv_fanout",
            "l1",
            "Investigation Recipient Fanout",
            "many senders pay one recipient on the same day, far above what such pairs usually move",
            ("volume_anomalies", "recipient_fanout"),
            "hard",
            7,
            picks.inv_fanout,
            replicates=False,
        ),
        PlantKind(
            "transfer_template",
            "broad",
            "L2 Flow Tracing, Transfer Templates",
            "whole transfers of a template: with all chain children, with none, with the first only",
            ("chain_exceptions",),
            "medium",
            8,
            picks.transfer_template,
            exception=False,
            replicates=False,
        ),
        PlantKind(
            "rail_firing",
            "broad",
            "L2 Flow Tracing, Rails and Chains",
            "ordinary firings on top of the baseline's, so that every rail that can fire shows some",
            (),
            "none",
            9,
            picks.rail_firing,
            exception=False,
        ),
        PlantKind(
            "ledger_drift",
            "rest",
            "L1 Drift",
            "the stored balance of a parent account is not its children's and its own postings",
            ("ledger_drift",),
            "medium",
            3,
            view_picks.ledger_drift,
            _customers_first,
        ),
        PlantKind(
            "transfer_net",
            "rest",
            "L2 Exceptions",
            "a leg is short of some cents, so that its transfer does not net",
            ("transfer_net",),
            "medium",
            4,
            view_picks.transfer_net,
            _customers_first,
        ),
        PlantKind(
            "late_posting",
            "rest",
            "L2 Exceptions",
            "legs post after the completion of their transfer",
            ("late_posting",),
            "medium",
            5,
            view_picks.late_posting,
        ),
        PlantKind(
            "unmatched_posting",
            "rest",
            "L2 Exceptions",
            "a leg stands on an account whose role its rail does not name",
            ("unmatched_postings",),
            "hard",
            6,
            view_picks.unmatched_posting,
            _customers_first,
        ),
        PlantKind(
            "requirement_gap",
            "rest",
            "L2 Exceptions",
            "Posted legs lack a metadata key that they must carry",
            ("posted_requirement_gaps",),
            "easy",
            7,
            view_picks.requirement_gap,
            _customers_first,
        ),
    )
}
assert KINDS.keys() == PLANT_TYPES.keys()
