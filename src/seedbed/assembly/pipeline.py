"""The pipeline from a bank to the scenario that `data apply` plants, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from seedbed.assembly.blend import blend_scenario
from seedbed.assembly.calibration import LEAST, pair_statistics, raised_scores
from seedbed.assembly.foundation import Foundation
from seedbed.ledger.dataset import Dataset
from seedbed.scenario.overlays import (
    add_broken_rail_plants,
    add_hard_negatives,
    boost_inv_fanout_plants,
    check_kinds,
    coverage_scenario,
    default_scenario,
    densify_scenario,
    thinned_firings,
    with_counts,
    with_kinds,
)
from seedbed.scenario.plants import ScenarioPlant

__all__ = ["ScenarioChoices", "calibrated_boost", "full_scenario", "planted_foundation", "planted_on"]

FEWEST_SENDERS = 2
# The most doublings of a fan-out's amount.
RAISES = 12


@dataclass(frozen=True, kw_only=True)
class ScenarioChoices:
    """The choices that make a scenario (seed document, "Plant overlays"). The defaults give the full pipeline.

    `counts` maps kinds to numbers of plants, after densifying. `coverage` plants every kind on every rail that admits
    it. `blend` moves the plants onto baseline accounts, with amounts drawn as the rails draw them.

    Raises InputError for a count of an unknown kind.
    """

    mode: str = "l1_plus_broad"
    factor: int = 5
    broken_count: int = 15
    amount_multiplier: int = 5
    hard_negatives: bool = True
    counts: Mapping[str, int] | None = None
    coverage: bool = False
    blend: bool = False

    def __post_init__(self) -> None:
        """Rejects unknown kinds before anything is made."""
        check_kinds(self.counts or ())


def full_scenario(foundation: Foundation, choices: ScenarioChoices) -> ScenarioPlant:
    """The scenario of a bank under these choices. Raises InputError for an unknown mode or kind."""
    survey = foundation.survey
    if choices.coverage:
        scenario = coverage_scenario(survey, choices.mode)
    else:
        scenario = densify_scenario(default_scenario(survey, choices.mode), choices.factor)
    if choices.counts:
        wanted = (kind for kind, count in choices.counts.items() if count)
        scenario = with_counts(with_kinds(scenario, survey, wanted), choices.counts)
    scenario = thinned_firings(scenario, survey)
    if scenario.stuck_pending_plants and "stuck_pending" not in (choices.counts or {}):
        scenario = add_broken_rail_plants(scenario, survey, choices.broken_count)
    scenario = calibrated_boost(foundation, scenario, choices.amount_multiplier)
    if choices.hard_negatives:
        scenario = add_hard_negatives(scenario, survey)
    if choices.blend:
        scenario = blend_scenario(foundation, scenario)
    return _standing_out(foundation, scenario)


def _standing_out(foundation: Foundation, scenario: ScenarioPlant) -> ScenarioPlant:
    """The scenario with fan-outs raised until they stand out beside all other plants. If they cannot, it has none."""
    left, more = RAISES, _raises_needed(foundation, scenario, RAISES)
    while more:
        factor = 2**more
        plants = [replace(p, amount_per_transfer=p.amount_per_transfer * factor) for p in scenario.inv_fanout_plants]
        scenario = scenario.with_plants("inv_fanout", plants)
        left -= more
        more = _raises_needed(foundation, scenario, left)
    if more == 0:
        return scenario
    reason = "the baseline has too few pairs of accounts for a z-score of 3"
    return scenario.with_plants("inv_fanout", ()).with_omissions([("InvFanoutPlant", reason)])


def _raises_needed(foundation: Foundation, scenario: ScenarioPlant, most: int) -> int | None:
    """The fewest doublings, of at most `most`, that should make all fan-outs stand out. None if none is enough."""
    scores = raised_scores(foundation, foundation.plant(scenario))
    return next((number for number in range(most + 1) if scores(number) >= LEAST), None)


def planted_foundation(
    dataset: Dataset, choices: ScenarioChoices, scenario: ScenarioPlant | None = None
) -> Foundation:
    """The foundation of a dataset with a scenario, by default the full pipeline's."""
    return planted_on(Foundation(dataset), choices, scenario)


def planted_on(foundation: Foundation, choices: ScenarioChoices, scenario: ScenarioPlant | None = None) -> Foundation:
    """The same foundation with a scenario, by default the full pipeline's."""
    if scenario is None:
        scenario = full_scenario(foundation, choices)
    foundation.dataset = replace(foundation.dataset, scenario=scenario)
    return foundation


def calibrated_boost(foundation: Foundation, scenario: ScenarioPlant, amount_multiplier: int = 5) -> ScenarioPlant:
    """The boost, calibrated on the measured baseline. A small baseline gives fan-outs with fewer senders, or none."""
    if not scenario.inv_fanout_plants:
        return scenario
    measured = pair_statistics(foundation)
    most = measured.most_senders()
    label = "InvFanoutPlant"
    if most < FEWEST_SENDERS:
        reason = f"the baseline has {measured.rows} days of paying pairs, too few for a z-score of 3"
        return scenario.with_plants("inv_fanout", ()).with_omissions([(label, reason)])
    plants = [replace(plant, senders=plant.senders[:most]) for plant in scenario.inv_fanout_plants]
    return boost_inv_fanout_plants(scenario.with_plants("inv_fanout", plants), amount_multiplier, measured.needed)
