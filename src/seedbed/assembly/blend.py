"""Blending: moves plants onto baseline accounts of block 0, with amounts as the rails draw them.

Limit breaches and fan-outs keep their amounts, because the amount makes the exception. An account is chosen only if
it can pay within its cap and without ending a later day below zero.
"""

from dataclasses import replace
from decimal import Decimal

import numpy as np

from seedbed import money
from seedbed.assembly.foundation import Foundation
from seedbed.draw.address import counters, draw
from seedbed.planting.reservations import Reservations
from seedbed.program.rails import RailPlan
from seedbed.scenario.plants import (
    PLANT_TYPES,
    DriftPlant,
    HardNegative,
    InboundBreachPlant,
    InvFanoutPlant,
    LedgerDriftPlant,
    LimitBreachPlant,
    OverdraftPlant,
    Plant,
    RailFiringPlant,
    ScenarioPlant,
    SupersessionPlant,
    TransferTemplatePlant,
    UnmatchedPostingPlant,
)
from seedbed.units import DAY_SECONDS, AccountIndex, Cents, DayOrdinal, Word

__all__ = ["blend_scenario"]


ATTEMPTS = 60
NOON_SECOND = DAY_SECONDS // 2
ORDINARY_CENTS = 100_00


def blend_scenario(foundation: Foundation, scenario: ScenarioPlant) -> ScenarioPlant:
    """The scenario on baseline accounts. A plant keeps its account if the account's template has none."""
    blender = _Blender(foundation)
    # Overdrafts choose first, because each needs its own account, on the day when that account is lowest.
    for kind in sorted(PLANT_TYPES, key=lambda kind: kind != "overdraft"):
        plants, left_out = [], {}
        for number, plant in enumerate(scenario.of(kind), start=1):
            if isinstance(plant, RailFiringPlant) and blender.swept(plant.rail):
                left_out[f"RailFiringPlant {plant.rail}"] = "blended, a sweep is only ever the baseline's own"
            else:
                plants.append(blender.plant(f"{kind}-{number}", plant))
        scenario = scenario.with_plants(kind, plants).with_omissions(left_out.items())
    negatives = [blender.negative(f"negative-{n}", one) for n, one in enumerate(scenario.hard_negatives, start=1)]
    return replace(scenario, blend=True, hard_negatives=tuple(negatives))


class _Blender:
    """Chooses accounts and amounts. It keeps track of the remaining balances and of the accounts in use."""

    def __init__(self, foundation: Foundation) -> None:
        self.foundation = foundation
        self.survey = foundation.survey
        self.reservations = Reservations(foundation.setup, foundation.survey, foundation.baseline)
        self.stored = foundation.balances.stored.copy()
        self.taken: set[AccountIndex] = set()
        self.drawn = 0

    def word(self, name: str) -> Word:
        """The next draw for one plant."""
        self.drawn += 1
        key = self.foundation.setup.program.keys.key(name, "blend")
        return int(draw(key, counters(0, 0, self.drawn % 65536))[0])

    def swept(self, rail: str) -> bool:
        """Whether a rail is a sweep or follows from one, so that its amount is the sum of many firings."""
        return self.survey.root_of(self.survey.rail_named[rail]).cadence is not None

    def plant(self, name: str, plant: Plant) -> Plant:
        """One plant, moved."""
        match plant:
            case OverdraftPlant():
                return self._overdraft(name, plant)
            case InvFanoutPlant():
                rail = self.survey.rail_named[plant.rail]
                recipient = self._payee(name, plant.recipient)
                pool = [
                    a
                    for a in self.survey.block_accounts.pool(rail.legs[0].roles).tolist()
                    if self.survey.ids[a] != recipient
                ]
                senders = tuple(self.survey.ids[a] for a in pool[: len(plant.senders)])
                return replace(plant, recipient=recipient, senders=senders) if len(senders) > 1 else plant
            case DriftPlant() | LedgerDriftPlant():
                # A parent account is declared, and stays.
                account_id = self._payee(name, plant.account_id)
                return replace(plant, account_id=account_id, delta_money=self._drawn(name, plant.rail))
            case UnmatchedPostingPlant():
                account_id = self._payee(name, plant.account_id)
                return replace(plant, account_id=account_id, amount=self._drawn(name, plant.rail))
            case LimitBreachPlant() | InboundBreachPlant():
                amount = plant.amount
                return replace(
                    plant, account_id=self._payer(name, plant.account_id, plant.rail, amount, plant.days_ago)[0]
                )
            case SupersessionPlant():
                original = self._drawn(name, plant.rail)
                account_id, corrected = self._payer(name, plant.account_id, plant.rail, None, plant.days_ago)
                corrected = corrected if corrected != original else corrected + money.CENT
                return replace(plant, account_id=account_id, original=original, corrected=corrected)
            case TransferTemplatePlant():
                node = self.survey.node_named(plant.template)
                assert node is not None, "picked from the bank"
                account_id, amount = self._payer(name, plant.src, node.driver.name, None, plant.days_ago)
                return replace(plant, src=account_id, amount=amount)
        account_id, amount = self._payer(name, plant.account_id, plant.rail, None, plant.days_ago)
        return replace(plant, account_id=account_id, amount=amount)

    def negative(self, name: str, negative: HardNegative) -> HardNegative:
        """One hard negative, moved."""
        if negative.kind == "overdraft":
            moved = self._overdraft(
                name, OverdraftPlant(negative.account_id, Decimal(0), negative.rail, negative.days_ago)
            )
            return replace(negative, account_id=moved.account_id, days_ago=moved.days_ago)
        amount = negative.amount if negative.kind in ("rail_firing", "inv_fanout") else None
        account_id, drawn = self._payer(name, negative.account_id, negative.rail, amount, negative.days_ago)
        return replace(negative, account_id=account_id, amount=drawn)

    # ---- accounts and amounts -----------------------------------------------------------------------------------

    def _candidates(self, account_id: str) -> list[AccountIndex]:
        """The free baseline accounts of the account's template. Empty for a declared account."""
        account = self.survey.index_of[account_id]
        account_class = self.survey.class_of(account)
        if not account_class.template:
            return []
        units = self.survey.block_accounts.units(account_class).tolist()
        return [unit for unit in units if unit not in self.taken]

    def _payee(self, name: str, account_id: str) -> str:
        candidates = self._candidates(account_id)
        return self.survey.ids[candidates[self.word(name) % len(candidates)]] if candidates else account_id

    def _drawn(self, name: str, rail_name: str, limit: Cents | None = None) -> Decimal:
        """The same as `_drawn_cents`, in dollars."""
        return money.to_decimal(self._drawn_cents(name, rail_name, limit))

    def _drawn_cents(self, name: str, rail_name: str, limit: Cents | None = None) -> Cents:
        """An amount as the rail draws it, for a chain child as the first rail of its chain does. At most `limit`."""
        rail = self.survey.root_of(self.survey.rail_named[rail_name])
        draws = np.array([self.word(name)], dtype=np.uint64)
        if limit is None:
            cents = int(rail.amounts.cents(draws)[0])
        else:
            cents = int(rail.amounts.cents_at_most(draws, np.array([max(limit, 1)], dtype=np.int64))[0])
        return cents

    def _payer(
        self, name: str, account_id: str, rail_name: str, amount: Decimal | None, days_ago: int
    ) -> tuple[str, Decimal]:
        """An account and an amount that it can pay on that day. Without `amount` the amount is drawn.

        If no account can pay, the plant's own account is returned.
        """
        rail = self.survey.rail_named[rail_name]
        candidates, day = self._candidates(account_id), self.survey.day(days_ago)
        best = (
            account_id,
            amount if amount is not None else self._drawn(name, rail_name, self._cap(rail, account_id)),
        )
        if day is None or not candidates:
            return best
        row = int(np.searchsorted(self.foundation.setup.window.days, day))
        cap = self._cap(rail, account_id)
        for attempt in range(ATTEMPTS):
            account = candidates[self.word(name) % len(candidates)]
            room = self._room(rail, account, day)
            # A plant comes after the firings of the day. If these left little of the cap, a small amount would give
            # the plant away.
            if (
                amount is None
                and room is not None
                and cap is not None
                and 2 * attempt < ATTEMPTS
                and 3 * room < 2 * cap
            ):
                continue
            moved = amount if amount is not None else self._drawn(name, rail_name, room)
            cents = money.from_decimal(moved)
            pays = rail.legs[0].sign <= 0 and self.survey.admits(rail.legs[0], account)
            if not pays:
                return self.survey.ids[account], moved
            enough = amount is not None or room is None or cents <= room
            if enough and int(self.stored[account, row:].min()) >= cents:
                self.stored[account, row:] -= cents
                return self.survey.ids[account], moved
        return best

    def _cap(self, rail: RailPlan, account_id: str) -> Cents | None:
        return self.survey.cap_on(rail, self.survey.index_of[account_id], -1, +1)

    def _room(self, rail: RailPlan, account: AccountIndex, day: DayOrdinal) -> Cents | None:
        """What the account's caps leave of that day; None without a cap."""
        return self.reservations.room(rail, account, day * DAY_SECONDS + NOON_SECOND)

    def _overdraft(self, name: str, plant: OverdraftPlant) -> OverdraftPlant:
        """Moves an overdraft to the lowest day of a free account, if a business day follows. The balance is drawn."""
        running = np.cumsum(self.foundation.baseline.nets, axis=1)
        candidates, rail = self._candidates(plant.account_id), self.survey.rail_named[plant.rail]
        start = self.word(name)
        days = self.foundation.setup.window.days
        for number in range(len(candidates)):
            account = candidates[(start + number) % len(candidates)]
            row = int(running[account].argmin())
            cents = money.from_decimal(plant.money) and -max(1, self._drawn_cents(name, plant.rail) // 3)
            # The smallest possible drain: the opening must keep every other day at zero or above.
            least = int(running[account][row]) - min(0, int(np.delete(running[account], row).min(initial=0))) - cents
            room = self._room(rail, account, int(days[row])) if days.size else 0
            cap = self._cap(rail, self.survey.ids[account])
            # Room for an ordinary amount of the rail.
            enough = 0 if cap is None else min(ORDINARY_CENTS, cap // 2)
            if row + 1 < days.size and (room is None or max(least, enough) < room):
                self.taken.add(account)
                ago = self.foundation.setup.window.last - int(days[row])
                left = money.to_decimal(cents)
                return replace(plant, account_id=self.survey.ids[account], money=left, days_ago=ago)
        return plant
