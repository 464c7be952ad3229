"""Making one transfer: its hours and accounts are chosen, then the baseline's own functions fire it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from seedbed.baseline.firings import Batch
from seedbed.baseline.metadata import key_repeats
from seedbed.baseline.placement import closing_seconds, firing_seconds
from seedbed.planting.choice import AccountChoice
from seedbed.planting.posting_times import PostingTimes
from seedbed.planting.requests import TransferRequest
from seedbed.planting.reservations import NothingLeftError, Reservations
from seedbed.planting.single import Draws, batch_of, fire_single, together
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Status
from seedbed.program.build import Node
from seedbed.program.rails import RailPlan
from seedbed.scenario.asked import asked_amounts

__all__ = ["TransferMaker", "debit_of"]

Integers = npt.NDArray[np.int64]

# What a transfer draws beside its hours, of which a restated one has no use.
_PURPOSES = tuple(
    (purpose, ("",)) for purpose in ("transfer-high", "transfer-low", "transfer-salt", "salt", "closing-time")
)


@dataclass(frozen=True)
class _Place:
    """One firing of a node before it is made: its draws; per rail index what is asked, accounts and second.

    What is `asked` are cents, of a companion the draws of its amounts.
    """

    draws: Draws
    asked: Mapping[int, int]
    accounts: Mapping[int, tuple[int, ...]]
    seconds: Mapping[int, Integers]


class TransferMaker:
    """Makes the transfers that orders ask for, one by one, and books what they spend of caps."""

    def __init__(self, book: Reservations, hours: PostingTimes, blend: bool) -> None:
        self.book = book
        self.hours = hours
        self.blend = blend
        self.choice = AccountChoice(book, blend)

    def make(self, node: Node, order: TransferRequest, settled: frozenset[int]) -> PlantedTransfer:
        """One transfer with all legs of a node; on accounts that are `settled` only where it is asked for.

        Raises UnplantableError where it cannot be whole.
        """
        plant = order.plant
        asked = self._asked(node, order)
        unit = self.choice.unit(node, order)
        day = order.day
        if key_repeats(node):
            day = self.book.free_day(node, unit, day, movable=order.second is None)
        draws = Draws(self.book, plant)
        parent = None if order.parent is None else order.parent.last_second
        batch = batch_of(day, unit, parent, order.total)
        seconds = self._seconds(node, order, batch, draws)
        words = draws("transfer-high", ("",)), draws("transfer-low", ("",))
        salt = draws("transfer-salt", ("",)) if node.template is not None else 0
        transfer = PlantedTransfer(plant, node, day, unit, words, salt, order.parent, order.total)
        own, count = self._rounds(node, order)
        places = [
            self._placed(transfer, order, settled, draws, asked, seconds)
            if round_ == own
            else self._company(transfer, order, settled, batch, draws.again())
            for round_ in range(count)
        ]
        self._fire(transfer, order, batch if count == 1 else together(batch, count), places, own)
        return transfer

    def _seconds(self, node: Node, order: TransferRequest, batch: Batch, draws: Draws) -> dict[int, Integers]:
        """When each rail posts, by its index: as given, at a tick of a sweep, else as the baseline's do."""
        if order.second is not None:
            return {rail.index: np.array([order.second]) for rail in node.rails}
        day = int(batch.day[0])
        ticks = self.hours.ticks_on(node, day)
        if ticks:
            return {node.driver.index: np.array([ticks[self.book.below(order.plant, len(ticks))]])}
        bundle = order.bundle and order.status is Status.POSTED and not node.aggregates
        stage = self.book.stage([draws])
        if node.aggregates:
            batch = replace(batch, after=None)
        ends = self.hours.ends(node, day) if bundle and batch.after is None else None
        seconds = dict(firing_seconds(stage, node, batch, ends))
        if node.closing is not None:
            last = np.maximum.reduce(list(seconds.values()))
            seconds[node.closing.index] = closing_seconds(stage, node, batch, last, np.zeros(1, dtype=np.int64))
        return seconds

    def _rounds(self, node: Node, order: TransferRequest) -> tuple[int, int]:
        """Which firing of a busy template's transfer is the plant's own, and how many the transfer has."""
        busy = node.collects and node.primary and node.driver.daily >= 1 and order.second is None
        if not busy or any(rail.caps or not rail.two_leg for rail in node.rails):
            return 0, 1
        while True:
            words = np.array([self.book.word(order.plant)], dtype=np.uint64)
            count = int(node.driver.counts.counts(words)[0])
            if count:
                return self.book.below(order.plant, count), count

    def _placed(
        self,
        transfer: PlantedTransfer,
        order: TransferRequest,
        settled: frozenset[int],
        draws: Draws,
        asked: Mapping[int, int],
        seconds: Mapping[int, Integers],
    ) -> _Place:
        """One firing of every rail of a transfer's node, with the accounts of its legs."""
        draws("salt", ("",))
        lifted = self._lifted(transfer.node, order)
        accounts = {
            rail.index: self.choice.accounts(
                rail, transfer, order, asked[rail.index], int(seconds[rail.index][0]), lifted, settled
            )
            for rail in sorted(transfer.node.rails, key=lambda rail: rail.variable)
        }
        return _Place(draws, asked, accounts, seconds)

    def _company(
        self, transfer: PlantedTransfer, order: TransferRequest, settled: frozenset[int], batch: Batch, draws: Draws
    ) -> _Place:
        """An ordinary firing beside the planted one."""
        node, plant = transfer.node, order.plant
        company = replace(order, turn=self.book.below(plant, 2**16), fixed={}, prefer=(), within_caps=False)
        # No cap bounds what a companion moves: its amounts are no part of the choice of accounts.
        words = {rail.index: self.book.word(plant) for rail in node.rails}
        return self._placed(transfer, company, settled, draws, words, self._seconds(node, order, batch, draws))

    def _lifted(self, node: Node, order: TransferRequest) -> bool:
        """Whether an order moves what it asks for, whatever caps leave."""
        return order.exact or not order.within_caps or order.status is not Status.POSTED or node.aggregates

    def _fire(
        self, transfer: PlantedTransfer, order: TransferRequest, batch: Batch, places: Sequence[_Place], own: int
    ) -> None:
        """Fires every rail of the transfer's node at these places, of which the `own` one is the plant's.

        Raises NothingLeftError where a cap leaves nothing.
        """
        node, first = transfer.node, places[0]
        asked = {rail.index: self._amounts(rail, places, own) for rail in node.rails}
        accounts = {index: np.array([place.accounts[index] for place in places]).T for index in first.accounts}
        seconds = {index: np.concatenate([place.seconds[index] for place in places]) for index in first.seconds}
        stage = self.book.stage([place.draws for place in places], asked, self._lifted(node, order))
        fired = fire_single(stage, node, batch, accounts, seconds)
        if not all(len(firing) for firing in fired):
            raise NothingLeftError(f"a cap leaves nothing for {node.name}")
        for one in fired:
            columns = (one.cents.tolist(), one.second.tolist(), one.number.tolist(), one.salt.tolist())
            for place, (cents, second, number, salt) in enumerate(zip(*columns, strict=True)):
                legs = tuple(one.accounts[:, place].tolist())
                firing = PlantedFiring(transfer, one.rail, legs, cents, second, number, salt, order.status)
                firing.companion = place != own
                if order.flaw is not None and not firing.companion:
                    order.flaw.mark(firing)
                transfer.firings.append(firing)
        # Booked once all are made: a flaw can be refused, and then nothing was paid.
        for firing in transfer.firings if order.status is Status.POSTED else ():
            self.book.spend(firing.rail, firing.accounts[0], firing.second, debit_of(firing))
        transfer.firings.sort(key=lambda firing: firing.number)

    def _amounts(self, rail: RailPlan, places: Sequence[_Place], own: int) -> Integers:
        """What is asked of a rail at each place, in cents."""
        if len(places) == 1:
            return np.array([places[own].asked[rail.index]])
        words = np.array([0 if place is places[own] else place.asked[rail.index] for place in places], np.uint64)
        cents = rail.amounts.cents(words)
        cents[own] = places[own].asked[rail.index]
        return cents

    def restated(self, transfer: PlantedTransfer, cents: int, about: RailPlan, total: int | None) -> dict[int, int]:
        """What each rail of a planted transfer would have moved, by its index, had it been asked for these cents."""
        own = [firing for firing in transfer.firings if not firing.companion]
        parent = None if transfer.parent is None else transfer.parent.last_second
        draws = Draws(self.book, transfer.plant, dict.fromkeys(_PURPOSES, 0))
        fired = fire_single(
            self.book.stage([draws], asked_amounts(transfer.node, cents, about), lifted=True),
            transfer.node,
            batch_of(transfer.day, transfer.unit, parent, total),
            {firing.rail.index: np.array(firing.accounts)[:, None] for firing in own},
            {firing.rail.index: np.array([firing.second]) for firing in own},
        )
        return {one.rail.index: int(one.cents[0]) for one in fired if len(one)}

    def _drawn(self, rail: RailPlan, plant: str) -> int:
        """The next amount that the rail draws for a plant."""
        return int(rail.amounts.cents(np.array([self.book.word(plant)], dtype=np.uint64))[0])

    def _asked(self, node: Node, order: TransferRequest) -> dict[int, int]:
        """Cents per rail index; blended, the other rails of a template draw their own."""
        asked = asked_amounts(node, order.cents, order.about)
        if self.blend and order.parent is None:
            others = [rail for rail in node.rails if rail is not node.driver and not rail.variable]
            asked |= {rail.index: self._drawn(rail, order.plant) for rail in others}
        return asked


def debit_of(firing: PlantedFiring) -> int:
    """What a firing takes out of its first account, in cents."""
    return max(-firing.leg_cents(0), 0)
