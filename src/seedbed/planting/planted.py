"""Plants a scenario on a baseline, kind by kind, and collects the input of settlement."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from seedbed.baseline.block import Setup
from seedbed.baseline.settle import Balances
from seedbed.baseline.sweeps import TickTotals
from seedbed.errors import InputError
from seedbed.planting import emission, view_plants
from seedbed.planting.causes import NEGATIVE
from seedbed.planting.drains import make_drains, planted_nets
from seedbed.planting.gathering import gather
from seedbed.planting.negatives import plant_negative
from seedbed.planting.outcome import collateral_of, note_collateral
from seedbed.planting.planter import Planter
from seedbed.planting.reservations import Reservations, UnplantableError
from seedbed.planting.settled_baseline import SettledBaseline
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Status, Surfacing
from seedbed.scenario.kinds import KINDS
from seedbed.scenario.plants import HardNegative, Omission, Plant, RailFiringPlant, ScenarioPlant, account_of
from seedbed.scenario.survey import Survey
from seedbed.units import AccountIndex, Cents, CentsArray, DayRow

__all__ = ["ANY_RAIL", "EMISSIONS", "NEGATIVE", "Planted", "Refusals", "plant_scenario", "rail_of"]


ANY_RAIL = "*"

# The emission of each kind.
EMISSIONS: Mapping[str, Callable[[Planter, str, Any], None]] = {
    "drift": emission.drift,
    "overdraft": emission.overdraft,
    "limit_breach": emission.limit_breach,
    "inbound_breach": emission.inbound_breach,
    "stuck_pending": emission.stuck_pending,
    "stuck_unbundled": emission.stuck_unbundled,
    "supersession": emission.supersession,
    "inv_fanout": emission.inv_fanout,
    "transfer_template": emission.transfer_template,
    "rail_firing": emission.rail_firing,
    "ledger_drift": view_plants.ledger_drift,
    "transfer_net": view_plants.transfer_net,
    "late_posting": view_plants.late_posting,
    "unmatched_posting": view_plants.unmatched_posting,
    "requirement_gap": view_plants.requirement_gap,
    "fan_in_short": view_plants.fan_in,
    "fan_in_extra": view_plants.fan_in,
    "leg_xor_missed": view_plants.leg_xor_missed,
    "leg_xor_overlap": view_plants.leg_xor_overlap,
}

# (Plant, rail) → the reason why it must not be planted on that rail. `ANY_RAIL` stands for every rail.
Refusals: TypeAlias = Mapping[tuple[str, str], str]


@dataclass(frozen=True, kw_only=True)
class Planted:
    """The result of planting on block 0.

    `nets` are the day nets of the planted legs, `deltas` the cents added to stored balances; both have the shape
    (accounts, days). `openings` has given openings of accounts, `opened_for` the plants that need them. `plants` has
    every plant that was made, by its id; `omitted` has the others. `delta_rows` are (plant, account, row, cents).
    """

    survey: Survey
    transfers: tuple[PlantedTransfer, ...]
    nets: CentsArray
    deltas: CentsArray
    openings: Mapping[AccountIndex, Cents]
    opened_for: Mapping[AccountIndex, frozenset[str]]
    surfacings: tuple[Surfacing, ...]
    plants: Mapping[str, Plant | HardNegative]
    delta_rows: tuple[tuple[str, AccountIndex, DayRow, Cents], ...]
    omitted: tuple[Omission, ...]

    def totals(self, baseline: TickTotals, out: frozenset[str] = frozenset()) -> TickTotals:
        """The ticks' totals with the planted legs, except those of the plants `out`. Latest times do not change."""
        cents, count = baseline.cents.copy(), baseline.count.copy()
        for transfer in self.transfers:
            for firing in transfer.firings if transfer.plant not in out else ():
                if firing.tick >= 0:
                    cents[firing.tick] += firing.cents
                    count[firing.tick] += 1
        return TickTotals(cents, count, baseline.latest.copy())

    def posted(self, out: frozenset[str] = frozenset()) -> Iterator[PlantedFiring]:
        """The Posted firings, except those of the plants `out`."""
        for transfer in self.transfers:
            if transfer.plant not in out:
                yield from (firing for firing in transfer.firings if firing.status is Status.POSTED)

    def healed(self, after: Balances) -> list[str]:
        """The plants of overdrafts that these balances do not show."""
        index, days = self.survey.index_of, self.survey.window.days
        healed = []
        for surfacing in self.surfacings:
            if surfacing.view == "overdraft":
                account, _, day = surfacing.key.rpartition("/")
                row = int(np.searchsorted(days, date.fromisoformat(day).toordinal()))
                if after.stored[index[account], row] >= 0:
                    healed.append(surfacing.plant)
        return healed


def plant_scenario(
    setup: Setup,
    survey: Survey,
    scenario: ScenarioPlant,
    baseline: SettledBaseline,
    skip: Refusals | None = None,
) -> Planted:
    """Plants everything that can be planted. Other plants are listed as omitted with the reason, and leave no trace.

    `skip` maps (plant, rail) to the reason why the plant must not be planted on that rail. Raises InputError for an
    account or a rail that the bank does not have, and for a transfer type that differs from that of the rail.
    """
    planter = Planter(Reservations(setup, survey, baseline), scenario.blend)
    plants: dict[str, Plant | HardNegative] = {}
    omitted: list[Omission] = []

    def attempt(plant_id: str, plant: Plant | HardNegative, emit: Callable[[], None], last: bool = True) -> bool:
        try:
            for rail in (ANY_RAIL, rail_of(plant)):
                if skip and (plant_id, rail) in skip:
                    raise UnplantableError(skip[plant_id, rail])
            emit()
            gather(planter, plant_id)
        except UnplantableError as reason:
            planter.withdraw(plant_id)
            if last:
                omitted.append((_label(plant_id, plant), str(reason)))
            return False
        plants[plant_id] = plant
        return True

    for name in KINDS:
        numbered = list(enumerate(scenario.of(name), start=1))
        # A sweep takes the firing of another rail, which must be planted before.
        numbered.sort(key=lambda pair: isinstance(pair[1], RailFiringPlant) and _sweeps(survey, pair[1]))
        for number, plant in numbered:
            plant_id = f"{name}-{number:03d}"
            _check_type(survey, plant)
            attempt(plant_id, plant, partial(EMISSIONS[name], planter, plant_id, plant))
    for number, negative in enumerate(scenario.hard_negatives, start=1):
        plant_id = f"{NEGATIVE}-{number:03d}"
        for other in (*_other_rails(survey, negative), None):
            tried = negative if other is None else other
            if attempt(plant_id, tried, partial(_lawfully, planter, plant_id, tried), last=other is None):
                break
    for plant_id, text in make_drains(planter):
        planter.withdraw(plant_id)
        omitted.append((_label(plant_id, plants.pop(plant_id)), text))
    omitted += _without_surfacing_negatives(planter, plants)
    return _result(planter, plants, omitted)


def _without_surfacing_negatives(planter: Planter, plants: dict[str, Plant | HardNegative]) -> list[Omission]:
    """Notes where all plants surface, withdraws the hard negatives that surface, and returns those."""
    omitted: list[Omission] = []
    own = list(planter.surfacings)
    note_collateral(planter)
    for plant_id, view in {s.plant: s.view for s in planter.surfacings if s.plant.startswith(NEGATIVE)}.items():
        # A look-alike that surfaces is not a hard negative.
        planter.withdraw(plant_id)
        omitted.append((_label(plant_id, plants.pop(plant_id)), f"it would surface in {view}"))
        planter.surfacings = [surfacing for surfacing in own if surfacing.plant in plants]
        note_collateral(planter)
    return omitted


def rail_of(plant: Plant | HardNegative) -> str:
    """The rail of a plant. Empty for a plant of a template."""
    return str(getattr(plant, "rail", ""))


def _label(plant_id: str, plant: Plant | HardNegative) -> str:
    """The name of a plant in an omission. For a hard negative it includes the kind."""
    return f"{plant_id} ({plant.kind})" if isinstance(plant, HardNegative) else plant_id


def _lawfully(planter: Planter, plant_id: str, negative: HardNegative) -> None:
    """Plants one hard negative. Raises UnplantableError if it is already known to surface."""
    plant_negative(planter, plant_id, negative)
    gather(planter, plant_id)
    surfacing = next(collateral_of(planter, plant_id), None)
    if surfacing is not None:
        raise UnplantableError(f"it would surface in {surfacing.view}")


def _check_type(survey: Survey, plant: Plant) -> None:
    rail = survey.rail_named.get(getattr(plant, "rail", ""))
    given = getattr(plant, "transfer_type", None)
    if rail is not None and given is not None and given != rail.transfer_type:
        raise InputError(f"scenario: the transfer_type of {rail.name} is '{rail.transfer_type}', not '{given[:80]}'")


def _other_rails(survey: Survey, negative: HardNegative) -> Iterator[HardNegative]:
    """The negative itself, then on the other rails of the bank that admit its kind, on accounts that they touch."""
    yield negative
    if negative.account_id not in survey.index_of:
        return
    given = survey.class_of(survey.index_of[negative.account_id])
    for rail in survey.rails:
        found = KINDS[negative.kind].pick(survey, rail, True)
        if rail.name == negative.rail or isinstance(found, str):
            continue
        place = survey.index_of[account_of(found)]
        account_class = survey.class_of(place)
        last = survey.plant_accounts(account_class)[-1:] or (place,)
        account_id = negative.account_id if account_class is given else survey.ids[last[0]]
        yield replace(negative, rail=rail.name, account_id=account_id)


def _sweeps(survey: Survey, plant: RailFiringPlant) -> bool:
    rail = survey.rail_named.get(plant.rail)
    return rail is not None and rail.cadence is not None


def _result(planter: Planter, plants: Mapping[str, Plant | HardNegative], omitted: list[Omission]) -> Planted:
    survey, days = planter.survey, planter.reservations.setup.window.days
    deltas = np.zeros((len(survey.block_accounts), days.size), dtype=np.int64)
    rows = []
    for plant_id, account, day, cents in planter.deltas:
        row = int(np.searchsorted(days, day))
        deltas[account, row] += cents
        rows.append((plant_id, account, row, cents))
    return Planted(
        survey=survey,
        transfers=tuple(planter.transfers),
        nets=planted_nets(planter),
        deltas=deltas,
        openings=dict(planter.openings),
        opened_for={account: frozenset(plants) for account, plants in planter.opened_for.items()},
        surfacings=tuple(planter.surfacings),
        plants=dict(sorted(plants.items())),
        delta_rows=tuple(rows),
        omitted=tuple(omitted),
    )
