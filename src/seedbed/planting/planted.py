"""A scenario planted on a baseline: the driver over the table of kinds, and what settlement needs to know of it."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from seedbed.baseline.block import Work
from seedbed.baseline.settle import Balances
from seedbed.baseline.system import TickTotals
from seedbed.planting.drains import make_drains, planted_nets
from seedbed.planting.negatives import plant_negative
from seedbed.planting.outcome import note_collateral
from seedbed.planting.planter import Base, Planter, Unplantable
from seedbed.planting.transfers import PlantedTransfer, Surfacing
from seedbed.scenario.kinds import KINDS
from seedbed.scenario.plants import HardNegative, Omission, Plant, RailFiringPlant, ScenarioPlant
from seedbed.scenario.survey import Survey

__all__ = ["NEGATIVE", "Planted", "plant_scenario"]

Integers = npt.NDArray[np.int64]

NEGATIVE = "hard_negative"


@dataclass(frozen=True)
class Planted:
    """What has been planted on block 0.

    `nets` are the day nets of the planted legs and `deltas` what is added to stored balances, both of shape
    (accounts, days) in cents; `openings` gives some accounts' openings; `plants` has every plant that was made, by
    its id; `omitted` names the others; `touched_by` has the plants that move an account or one below it.
    """

    survey: Survey
    transfers: tuple[PlantedTransfer, ...]
    nets: Integers
    deltas: Integers
    openings: Mapping[int, int]
    surfacings: tuple[Surfacing, ...]
    plants: Mapping[str, Plant | HardNegative]
    delta_rows: tuple[tuple[str, int, int], ...]
    omitted: tuple[Omission, ...]
    touched_by: Mapping[int, frozenset[str]]

    def totals(self, base: TickTotals) -> TickTotals:
        """The ticks' totals with the planted legs in them; their last seconds are the baseline's."""
        cents, count = base.cents.copy(), base.count.copy()
        for transfer in self.transfers:
            for firing in transfer.firings:
                if firing.tick >= 0:
                    cents[firing.tick] += firing.cents
                    count[firing.tick] += 1
        return TickTotals(cents, count, base.latest.copy())

    def collateral(self, before: Balances, after: Balances) -> list[Surfacing]:
        """Account-days that only plants leave below zero, or off a declared balance that the baseline meets."""
        view, days = self.survey.view, self.survey.window.days
        expected = np.array([c.expected_cents or 0 for c in view.classes], dtype=np.int64)[view.class_index]
        declared = np.array([c.expected_cents is not None for c in view.classes], dtype=np.bool_)[view.class_index]
        breached = [declared[:, None] & (b.stored != expected[:, None]) for b in (after, before)]
        rules = {
            "overdraft": (after.stored < 0, before.stored < 0),
            "expected_eod_balance_breach": (breached[0], breached[1]),
        }
        shown = {(surfacing.view, surfacing.key) for surfacing in self.surfacings}
        found = []
        for name, (now, already) in rules.items():
            for account, row in np.argwhere(now & ~already & view.internal[:, None]).tolist():
                key = f"{self.survey.ids[account]}/{date.fromordinal(int(days[row])).isoformat()}"
                if (name, key) not in shown:
                    plants = sorted(self.touched_by.get(account, ()))
                    found += [Surfacing(plant, name, key, collateral=True) for plant in plants]
        return found


def plant_scenario(work: Work, survey: Survey, scenario: ScenarioPlant, base: Base) -> Planted:
    """Plants everything that can be planted; what cannot is named with its reason, and leaves no trace.

    Raises InputError for an account or a rail that the bank does not have.
    """
    planter = Planter(work, survey, base)
    plants: dict[str, Plant | HardNegative] = {}
    omitted: list[Omission] = []

    def attempt(plant_id: str, plant: Plant | HardNegative, emit: Callable[[], None]) -> None:
        try:
            emit()
        except Unplantable as reason:
            planter.withdraw(plant_id)
            omitted.append((plant_id, str(reason)))
        else:
            plants[plant_id] = plant

    for name, kind in KINDS.items():
        numbered = list(enumerate(scenario.of(name), start=1))
        # A sweep takes the firing of another rail, which has to be there.
        numbered.sort(key=lambda pair: isinstance(pair[1], RailFiringPlant) and _sweeps(survey, pair[1]))
        for number, plant in numbered:
            plant_id = f"{name}-{number:03d}"
            attempt(plant_id, plant, lambda kind=kind, i=plant_id, p=plant: kind.emit(planter, i, p))
    for number, negative in enumerate(scenario.hard_negatives, start=1):
        plant_id = f"{NEGATIVE}-{number:03d}"
        attempt(plant_id, negative, lambda i=plant_id, n=negative: plant_negative(planter, i, n))
    for plant_id, text in make_drains(planter, scenario.blend):
        planter.withdraw(plant_id)
        plants.pop(plant_id, None)
        omitted.append((plant_id, text))
    note_collateral(planter)
    return _result(planter, plants, omitted)


def _sweeps(survey: Survey, plant: RailFiringPlant) -> bool:
    rail = survey.rail_named.get(plant.rail)
    return rail is not None and rail.cadence is not None


def _result(planter: Planter, plants: Mapping[str, Plant | HardNegative], omitted: list[Omission]) -> Planted:
    survey, days = planter.survey, planter.work.window.days
    deltas = np.zeros((len(survey.view), days.size), dtype=np.int64)
    rows = []
    for plant_id, account, day, cents in planter.deltas:
        deltas[account, int(np.searchsorted(days, day))] += cents
        rows.append((plant_id, account, day))
    return Planted(
        survey=survey,
        transfers=tuple(planter.transfers),
        nets=planted_nets(planter),
        deltas=deltas,
        openings=dict(planter.openings),
        surfacings=tuple(planter.surfacings),
        plants=dict(sorted(plants.items())),
        delta_rows=tuple(rows),
        omitted=tuple(omitted),
        touched_by=_touched(planter),
    )


def _touched(planter: Planter) -> Mapping[int, frozenset[str]]:
    """Account → the plants that move it, or an account below it."""
    survey = planter.survey
    moved: dict[int, set[str]] = defaultdict(set)
    for transfer in planter.transfers:
        for firing in transfer.firings:
            for account in firing.accounts:
                moved[account].add(transfer.plant)
    for plant, account, _, _ in planter.deltas:
        moved[account].add(plant)
    by_role: dict[str, set[str]] = defaultdict(set)
    for account, plants in list(moved.items()):
        role = survey.class_of(account).parent_role
        above = set()
        while role and role not in above:
            above.add(role)
            by_role[role] |= plants
            role = next((c.parent_role for c in survey.view.classes if c.role == role and c.parent_role), None)
    for account in range(len(survey.view)):
        role = survey.class_of(account).role
        if role in by_role and survey.class_of(account).is_parent:
            moved[account] |= by_role[role]
    return {account: frozenset(plants) for account, plants in moved.items()}
