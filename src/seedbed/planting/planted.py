"""A scenario planted on a baseline: the driver over the table of kinds, and what settlement needs to know of it."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from seedbed.baseline.block import Work
from seedbed.baseline.settle import Balances
from seedbed.baseline.system import Sweeps, TickTotals
from seedbed.errors import InputError
from seedbed.plan.calendar import DAY_SECONDS
from seedbed.planting.base import Base
from seedbed.planting.book import Book, UnplantableError
from seedbed.planting.drains import make_drains, planted_nets
from seedbed.planting.negatives import plant_negative
from seedbed.planting.outcome import collateral_of, note_collateral
from seedbed.planting.planter import Planter
from seedbed.planting.transfers import PlantedTransfer, Status, Surfacing
from seedbed.scenario.kinds import KINDS
from seedbed.scenario.plants import HardNegative, Omission, Plant, RailFiringPlant, ScenarioPlant, account_of
from seedbed.scenario.survey import Survey

__all__ = ["NEGATIVE", "Planted", "Refusals", "plant_scenario", "rail_of"]

Integers = npt.NDArray[np.int64]

NEGATIVE = "hard_negative"

# (Plant, rail) → why it is not to be planted there.
Refusals: TypeAlias = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Planted:
    """What has been planted on block 0.

    `nets` are the day nets of the planted legs and `deltas` what is added to stored balances, both of shape
    (accounts, days) in cents; `openings` gives some accounts' openings; `plants` has every plant that was made, by
    its id; `delta_rows` are (plant, account, row, cents); `omitted` names the others.
    """

    survey: Survey
    transfers: tuple[PlantedTransfer, ...]
    nets: Integers
    deltas: Integers
    openings: Mapping[int, int]
    surfacings: tuple[Surfacing, ...]
    plants: Mapping[str, Plant | HardNegative]
    delta_rows: tuple[tuple[str, int, int, int], ...]
    omitted: tuple[Omission, ...]

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
        effects = self._effects(sweeps)
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
                    plants = _moving(effects.get(account, {}), row)
                    found += [Surfacing(plant, name, key, collateral=True) for plant in plants]
        return found

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

    def _effects(self, sweeps: Sweeps) -> Mapping[int, Mapping[str, Integers]]:
        """Account → plant → what it adds to the account's stored balances, shape (days,).

        By its own legs and deltas, by the sweeps that take them and what follows from these, and on parent accounts.
        """
        effects = _Effects(self.survey)
        carried: dict[int, dict[str, int]] = defaultdict(dict)
        for transfer in self.transfers:
            for own in transfer.firings:
                for leg, account in enumerate(own.accounts if own.status is Status.POSTED else ()):
                    effects.add(account, transfer.plant, own.second, own.leg_cents(leg))
                if own.tick >= 0:
                    word = int(sweeps.words[0][own.tick])
                    carried[word][transfer.plant] = carried[word].get(transfer.plant, 0) + abs(own.cents)
        for fired, posted, tick in sweeps.block.firings():
            words, parents = fired.transfers.words[0].tolist(), fired.transfers.parent[0].tolist()
            for place, number in enumerate(posted.transfer.tolist()):
                shares = carried.get(words[number]) or carried.get(parents[number])
                if not shares:
                    continue
                carried[words[number]] = shares
                if tick[place] >= 0:
                    above = carried[int(sweeps.words[0][tick[place]])]
                    above.update({plant: above.get(plant, 0) + cents for plant, cents in shares.items()})
                for leg, plan in enumerate(posted.rail.legs):
                    account, second = int(posted.accounts[leg, place]), int(posted.second[place])
                    for plant, cents in shares.items():
                        effects.add(account, plant, second, plan.sign * cents)
        for plant, account, row, cents in self.delta_rows:
            effects.off(account, plant, row, cents)
        return effects.with_parents()


class _Effects:
    """Adds up what plants do to stored balances, account by account."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.days = survey.window.days
        self.by_account: dict[int, dict[str, Integers]] = defaultdict(dict)

    def _of(self, account: int, plant: str) -> Integers:
        return self.by_account[account].setdefault(plant, np.zeros(self.days.size, dtype=np.int64))

    def add(self, account: int, plant: str, second: int, cents: int) -> None:
        """A posting: it moves the balances of its business day and of all later ones."""
        day = (second - int(self.survey.view.offset_seconds[account])) // DAY_SECONDS
        self._of(account, plant)[int(np.searchsorted(self.days, day)) :] += cents

    def off(self, account: int, plant: str, row: int, cents: int) -> None:
        """A delta: it moves the balance of one day."""
        self._of(account, plant)[row] += cents

    def with_parents(self) -> Mapping[int, Mapping[str, Integers]]:
        """The same, with every account's effects also on the accounts above it."""
        view = self.survey.view
        parents = {c.role: c.parent_role for c in view.classes if c.parent_role}
        holders: dict[str, list[int]] = defaultdict(list)
        for account in range(len(view)):
            holders[self.survey.class_of(account).role].append(account)
        for account, plants in list(self.by_account.items()):
            role, seen = self.survey.class_of(account).parent_role, set[str]()
            while role and role not in seen:
                seen.add(role)
                for above in holders[role]:
                    for plant, effect in plants.items():
                        self.by_account[above][plant] = self._of(above, plant) + effect
                role = parents.get(role)
        return self.by_account


def _moving(effects: Mapping[str, Integers], row: int) -> list[str]:
    """The plants to which an account's balance of a day is due: those that move it, else all that ever did."""
    moving = sorted(plant for plant, effect in effects.items() if effect[row])
    return moving or sorted(effects)


def plant_scenario(
    work: Work, survey: Survey, scenario: ScenarioPlant, base: Base, skip: Refusals | None = None
) -> Planted:
    """Plants everything that can be planted; what cannot is named with its reason, and leaves no trace.

    `skip` maps plants, each with a rail on which it is not to be planted, to the reasons. Raises InputError for an
    account or a rail that the bank does not have, and for a transfer type that is not the rail's.
    """
    planter = Planter(Book(work, survey, base), scenario.blend)
    plants: dict[str, Plant | HardNegative] = {}
    omitted: list[Omission] = []

    def attempt(plant_id: str, plant: Plant | HardNegative, emit: Callable[[], None], last: bool = True) -> bool:
        try:
            if skip and (plant_id, rail_of(plant)) in skip:
                raise UnplantableError(skip[plant_id, rail_of(plant)])
            emit()
        except UnplantableError as reason:
            planter.withdraw(plant_id)
            if last:
                omitted.append((_label(plant_id, plant), str(reason)))
            return False
        plants[plant_id] = plant
        return True

    for name, kind in KINDS.items():
        numbered = list(enumerate(scenario.of(name), start=1))
        # A sweep takes the firing of another rail, which has to be there.
        numbered.sort(key=lambda pair: isinstance(pair[1], RailFiringPlant) and _sweeps(survey, pair[1]))
        for number, plant in numbered:
            plant_id = f"{name}-{number:03d}"
            _check_type(survey, plant)
            attempt(plant_id, plant, partial(kind.emit, planter, plant_id, plant))
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
    """Notes where everything surfaces, and withdraws the hard negatives that do; gives these."""
    omitted: list[Omission] = []
    own = list(planter.surfacings)
    note_collateral(planter)
    for plant_id, view in {s.plant: s.view for s in planter.surfacings if s.plant.startswith(NEGATIVE)}.items():
        # What surfaces is no negative.
        planter.withdraw(plant_id)
        omitted.append((_label(plant_id, plants.pop(plant_id)), f"it would surface in {view}"))
        planter.surfacings = [surfacing for surfacing in own if surfacing.plant in plants]
        note_collateral(planter)
    return omitted


def rail_of(plant: Plant | HardNegative) -> str:
    """The rail of a plant; of a template's none."""
    return str(getattr(plant, "rail", ""))


def _label(plant_id: str, plant: Plant | HardNegative) -> str:
    """How an omission names a plant: a hard negative's id alone would not say of which kind it is."""
    return f"{plant_id} ({plant.kind})" if isinstance(plant, HardNegative) else plant_id


def _lawfully(planter: Planter, plant_id: str, negative: HardNegative) -> None:
    """Plants one hard negative. Raises UnplantableError where it surfaces, as far as that can be seen by now."""
    plant_negative(planter, plant_id, negative)
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
    survey, days = planter.survey, planter.book.work.window.days
    deltas = np.zeros((len(survey.view), days.size), dtype=np.int64)
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
        surfacings=tuple(planter.surfacings),
        plants=dict(sorted(plants.items())),
        delta_rows=tuple(rows),
        omitted=tuple(omitted),
    )
