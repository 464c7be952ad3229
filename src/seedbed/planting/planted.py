"""A scenario planted on a baseline: the driver over the table of kinds, and what settlement needs to know of it."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np
import numpy.typing as npt

from seedbed.baseline.block import Work
from seedbed.baseline.settle import Balances
from seedbed.baseline.system import Sweeps, TickTotals
from seedbed.planting.base import Base
from seedbed.planting.book import Book, UnplantableError
from seedbed.planting.drains import make_drains, planted_nets
from seedbed.planting.negatives import plant_negative
from seedbed.planting.outcome import note_collateral
from seedbed.planting.planter import Planter
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
    its id; `omitted` names the others; `legs_of` has the plants with a leg on an account.
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
    legs_of: Mapping[int, frozenset[str]]

    def totals(self, base: TickTotals) -> TickTotals:
        """The ticks' totals with the planted legs in them; their last seconds are the baseline's."""
        cents, count = base.cents.copy(), base.count.copy()
        for transfer in self.transfers:
            for firing in transfer.firings:
                if firing.tick >= 0:
                    cents[firing.tick] += firing.cents
                    count[firing.tick] += 1
        return TickTotals(cents, count, base.latest.copy())

    def collateral(self, before: Balances, after: Balances, sweeps: Sweeps) -> list[Surfacing]:
        """Account-days that only plants leave below zero, or off a declared balance that the baseline meets.

        `sweeps` is what the ticks post with the plants in them.
        """
        movers = self._movers(sweeps)
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
                    plants = sorted(movers.get(account, ()))
                    found += [Surfacing(plant, name, key, collateral=True) for plant in plants]
        return found

    def _movers(self, sweeps: Sweeps) -> Mapping[int, set[str]]:
        """Account → the plants that move it or one below it, by their own legs or by the sweeps that take them."""
        movers: dict[int, set[str]] = defaultdict(set)
        for account, own_plants in self.legs_of.items():
            movers[account] |= own_plants
        carried: dict[int, set[str]] = defaultdict(set)
        for transfer in self.transfers:
            for firing in transfer.firings:
                if firing.tick >= 0:
                    carried[int(sweeps.words[0][firing.tick])].add(transfer.plant)
        for fired, posted, tick in sweeps.block.firings():
            own, parent = fired.transfers.words[0], fired.transfers.parent[0]
            for place, transfer_place in enumerate(posted.transfer.tolist()):
                above = carried.get(int(parent[transfer_place]), set())
                plants = above | carried.get(int(own[transfer_place]), set())
                if plants:
                    carried[int(own[transfer_place])] |= plants
                    if tick[place] >= 0:
                        carried[int(sweeps.words[0][tick[place]])] |= plants
                    for account in posted.accounts[:, place].tolist():
                        movers[account] |= plants
        return _with_parents(self.survey, movers)


def plant_scenario(work: Work, survey: Survey, scenario: ScenarioPlant, base: Base) -> Planted:
    """Plants everything that can be planted; what cannot is named with its reason, and leaves no trace.

    Raises InputError for an account or a rail that the bank does not have.
    """
    planter = Planter(Book(work, survey, base), scenario.blend)
    plants: dict[str, Plant | HardNegative] = {}
    omitted: list[Omission] = []

    def attempt(plant_id: str, plant: Plant | HardNegative, emit: Callable[[], None]) -> None:
        try:
            emit()
        except UnplantableError as reason:
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
            attempt(plant_id, plant, partial(kind.emit, planter, plant_id, plant))
    for number, negative in enumerate(scenario.hard_negatives, start=1):
        plant_id = f"{NEGATIVE}-{number:03d}"
        attempt(plant_id, negative, partial(plant_negative, planter, plant_id, negative))
    for plant_id, text in make_drains(planter):
        planter.withdraw(plant_id)
        plants.pop(plant_id, None)
        omitted.append((plant_id, text))
    note_collateral(planter)
    return _result(planter, plants, omitted)


def _sweeps(survey: Survey, plant: RailFiringPlant) -> bool:
    rail = survey.rail_named.get(plant.rail)
    return rail is not None and rail.cadence is not None


def _result(planter: Planter, plants: Mapping[str, Plant | HardNegative], omitted: list[Omission]) -> Planted:
    survey, days = planter.survey, planter.book.work.window.days
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
        legs_of=_legs_of(planter),
    )


def _legs_of(planter: Planter) -> Mapping[int, frozenset[str]]:
    """Account → the plants with a leg or a delta on it."""
    moved: dict[int, set[str]] = defaultdict(set)
    for transfer in planter.transfers:
        for firing in transfer.firings:
            for account in firing.accounts:
                moved[account].add(transfer.plant)
    for plant, account, _, _ in planter.deltas:
        moved[account].add(plant)
    return {account: frozenset(plants) for account, plants in moved.items()}


def _with_parents(survey: Survey, moved: dict[int, set[str]]) -> Mapping[int, set[str]]:
    """The same, with the plants of all accounts below an account added to it."""
    by_role: dict[str, set[str]] = defaultdict(set)
    parents = {c.role: c.parent_role for c in survey.view.classes if c.parent_role}
    for account, plants in moved.items():
        role = survey.class_of(account).parent_role
        above: set[str] = set()
        while role and role not in above:
            above.add(role)
            by_role[role] |= plants
            role = parents.get(role)
    for account in range(len(survey.view)):
        if survey.class_of(account).role in by_role:
            moved[account] |= by_role[survey.class_of(account).role]
    return moved
