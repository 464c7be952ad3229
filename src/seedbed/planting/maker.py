"""Makes one planted transfer: chooses its times and accounts, then fires it with the functions of the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from seedbed.baseline.firings import Batch
from seedbed.baseline.metadata import key_repeats
from seedbed.baseline.placement import closing_seconds, firing_seconds
from seedbed.draw.samplers import poisson
from seedbed.planting.choice import AccountChoice
from seedbed.planting.posting_times import PostingTimes
from seedbed.planting.requests import TransferRequest
from seedbed.planting.reservations import NothingLeftError, Reservations
from seedbed.planting.single import Draws, batch_of, fire_single, gathered, together
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Status
from seedbed.program.nodes import Node
from seedbed.program.rails import RailPlan
from seedbed.scenario.asked import asked_amounts
from seedbed.units import AccountIndex, Cents, CentsArray, RailIndex, SecondOrdinals

__all__ = ["TransferMaker"]


# The draws of a transfer besides its posting times; a restated transfer needs no posting times.
_PURPOSES = tuple(
    (purpose, ("",)) for purpose in ("transfer-high", "transfer-low", "transfer-salt", "salt", "closing-time")
)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """One firing of a node before it is made: its draws and, per rail index, requested amounts, accounts, second.

    `asked` has cents, or for an ordinary firing beside the plant the draws of its amounts.
    """

    draws: Draws
    asked: Mapping[RailIndex, Cents]
    accounts: Mapping[RailIndex, tuple[AccountIndex, ...]]
    seconds: Mapping[RailIndex, SecondOrdinals]
    parent: PlantedTransfer | None = None


class TransferMaker:
    """Makes requested transfers one by one, and reserves their spending of caps."""

    def __init__(self, reservations: Reservations, posting_times: PostingTimes, blend: bool) -> None:
        self.reservations = reservations
        self.posting_times = posting_times
        self.blend = blend
        self.choice = AccountChoice(reservations, blend)

    def make(self, node: Node, request: TransferRequest, settled: frozenset[AccountIndex]) -> PlantedTransfer:
        """One transfer with all legs of a node. It uses `settled` accounts only if the request names them.

        Raises UnplantableError if the transfer cannot be complete.
        """
        plant = request.plant
        closers = self._closers(node, request)
        asked = self._asked(node, request, len(closers))
        unit = self.choice.unit(node, request)
        day = request.day
        if key_repeats(node):
            day = self.reservations.free_day(node, unit, day, movable=request.second is None)
        draws = Draws(self.reservations, plant)
        parents = [
            parent for parent in (request.parent, *(other for other, _ in request.others)) if parent is not None
        ]
        # A child of a later day than its parent's posts in its own hours.
        later = bool(parents) and _in_days(request) and parents[0].day != day
        after = None if later else max((parent.last_second for parent in parents), default=None)
        batch = replace(batch_of(day, unit, after, request.total), delay=request.delay)
        seconds = self._seconds(node, request, batch, draws)
        words = draws("transfer-high", ("",)), draws("transfer-low", ("",))
        salt = draws("transfer-salt", ("",)) if node.template is not None else 0
        transfer = PlantedTransfer(
            plant=plant,
            node=node,
            day=day,
            unit=unit,
            words=words,
            salt=salt,
            parent=request.parent,
            total=request.total,
            others=tuple(other for other, _ in request.others),
            closers=closers,
        )
        if request.others:
            self._gather(
                transfer, request, settled, batch, _Place(draws=draws, asked=asked, accounts={}, seconds=seconds)
            )
            return transfer
        own, count = self._rounds(node, request)
        places = [
            self._placed(transfer, request, settled, draws, asked, seconds)
            if round_ == own
            else self._company(transfer, request, settled, batch, draws.again())
            for round_ in range(count)
        ]
        self._fire(transfer, request, batch if count == 1 else together(batch, count), places, own)
        return transfer

    def _closers(self, node: Node, request: TransferRequest) -> tuple[RailPlan, ...]:
        """The Variable leg rails that fire: the lone one, and of each XOR group one, or those that are requested."""
        chosen = [] if node.lone_closer is None else [node.lone_closer]
        for place, able in enumerate(self.reservations.survey.members(node)):
            if place in request.members:
                chosen += request.members[place]
            else:
                chosen.append(able[self.reservations.below(request.plant, len(able))])
        return tuple(rail for rail in node.closers if rail in chosen)

    def _seconds(
        self, node: Node, request: TransferRequest, batch: Batch, draws: Draws
    ) -> dict[RailIndex, SecondOrdinals]:
        """The posting second of each rail, by its index: as given, at a sweep's tick, or by the baseline's rules."""
        if request.second is not None:
            return {rail.index: np.array([request.second]) for rail in node.rails}
        day = int(batch.day[0])
        ticks = self.posting_times.ticks_on(node, day)
        if ticks:
            return {node.driver.index: np.array([ticks[self.reservations.below(request.plant, len(ticks))]])}
        bundle = request.bundle and request.status is Status.POSTED and not node.aggregates
        context = self.reservations.context([draws])
        if node.aggregates:
            batch = replace(batch, after=None)
        ends = self.posting_times.ends(node, day) if bundle and batch.after is None else None
        seconds = dict(firing_seconds(context, node, batch, ends))
        if node.closes:
            last = np.maximum.reduce(list(seconds.values()))
            closing = closing_seconds(context, node, batch, last, np.zeros(1, dtype=np.int64))
            seconds |= {rail.index: closing for rail in node.closers}
        return seconds

    def _rounds(self, node: Node, request: TransferRequest) -> tuple[int, int]:
        """The place of the planted firing in the transfer of a busy template, and the number of its firings."""
        busy = node.collects and node.primary and node.unit_firings >= 1 and request.second is None
        if not busy or any(rail.caps or not rail.two_leg for rail in node.rails):
            return 0, 1
        while True:
            words = np.array([self.reservations.word(request.plant)], dtype=np.uint64)
            count = int(poisson(node.unit_firings).counts(words)[0])
            if count:
                return self.reservations.below(request.plant, count), count

    def _placed(
        self,
        transfer: PlantedTransfer,
        request: TransferRequest,
        settled: frozenset[AccountIndex],
        draws: Draws,
        asked: Mapping[RailIndex, Cents],
        seconds: Mapping[RailIndex, SecondOrdinals],
    ) -> _Place:
        """One firing of every rail of a transfer's node, with the accounts of its legs."""
        draws("salt", ("",))
        lifted = self._lifted(transfer.node, request)
        accounts = {
            rail.index: self.choice.accounts(
                rail, transfer, request, asked[rail.index], int(seconds[rail.index][0]), lifted, settled
            )
            for rail in transfer.rails
        }
        return _Place(draws=draws, asked=asked, accounts=accounts, seconds=seconds)

    def _gather(
        self,
        transfer: PlantedTransfer,
        request: TransferRequest,
        settled: frozenset[AccountIndex],
        batch: Batch,
        own: _Place,
    ) -> None:
        """Fires a fan-in child: after the last parent, a firing for each, with its accounts and amount.

        The planted one is that of the request's own parent. It is the first one, which has the net, if one-leg rails
        make one; else it has any place.
        """
        node = transfer.node
        planted = self._placed(transfer, request, settled, own.draws, own.asked, own.seconds)
        places, totals = [replace(planted, parent=request.parent)], [request.total]
        for parent, total in request.others:
            company = replace(
                request,
                cents=total,
                total=total,
                prefer=tuple(int(column[0]) for column in parent.fired.accounts()),
                fixed={},
                breaks=0,
                exact=self._lifted(node, request),
            )
            draws = own.draws.again()
            seconds = self._seconds(node, company, batch, draws)
            amounts = self._asked(node, company, len(transfer.closers))
            beside = self._placed(transfer, company, settled, draws, amounts, seconds)
            places.append(replace(beside, parent=parent))
            totals.append(None if request.total is None else total)
        place = 0
        if all(rail.two_leg for rail in node.rails):
            place = self.reservations.below(request.plant, len(places))
            places.insert(place, places.pop(0))
            totals.insert(place, totals.pop(0))
        self._fire(transfer, request, gathered(batch, totals), places, place)

    def _company(
        self,
        transfer: PlantedTransfer,
        request: TransferRequest,
        settled: frozenset[AccountIndex],
        batch: Batch,
        draws: Draws,
    ) -> _Place:
        """An ordinary firing beside the planted one."""
        node, plant = transfer.node, request.plant
        company = replace(request, turn=self.reservations.below(plant, 2**16), fixed={}, prefer=(), exact=True)
        # No cap limits the ordinary firings beside a plant, so their amounts do not affect the choice of accounts.
        words = {rail.index: self.reservations.word(plant) for rail in node.rails}
        return self._placed(transfer, company, settled, draws, words, self._seconds(node, request, batch, draws))

    def _lifted(self, node: Node, request: TransferRequest) -> bool:
        """Whether a request keeps its amount, whatever caps leave."""
        return request.exact or bool(request.breaks) or request.status is not Status.POSTED or node.aggregates

    def _fire(
        self, transfer: PlantedTransfer, request: TransferRequest, batch: Batch, places: Sequence[_Place], own: Cents
    ) -> None:
        """Fires every rail of the transfer's node at these places; the one at `own` is the planted firing.

        Raises NothingLeftError if a cap leaves nothing.
        """
        node, first = transfer.node, places[0]
        for number, one_place in enumerate(places):
            one_place.draws.place = number
        asked = {rail.index: self._amounts(rail, places, own, batch.fan_in) for rail in node.rails}
        accounts = {index: np.array([place.accounts[index] for place in places]).T for index in first.accounts}
        seconds = {index: np.concatenate([place.seconds[index] for place in places]) for index in first.seconds}
        for closing in (rail.index for rail in transfer.closers):
            # One leg closes the transfer, whatever the number of its firings.
            accounts[closing], seconds[closing] = accounts[closing][:, :1], seconds[closing][:1]
        context = self.reservations.context([place.draws for place in places], asked, self._lifted(node, request))
        fired = fire_single(context, node, batch, accounts, seconds)
        once = () if node.fixed is None else node.one_legs.given
        fewest = len(places) if batch.fan_in else 1
        if not all(len(one) >= (1 if one.rail.variable or one.rail in once else fewest) for one in fired):
            raise NothingLeftError(f"a cap leaves nothing for {node.name}")
        for one in fired:
            columns = (one.cents.tolist(), one.second.tolist(), one.number.tolist(), one.salt.tolist())
            for place, (cents, second, number, salt) in enumerate(zip(*columns, strict=True)):
                legs = tuple(one.accounts[:, place].tolist())
                firing = PlantedFiring(
                    transfer=transfer,
                    rail=one.rail,
                    accounts=legs,
                    cents=cents,
                    second=second,
                    number=number,
                    salt=salt,
                    status=request.status,
                )
                firing.companion = place != own
                firing.parent = places[place].parent
                if request.flaw is not None and not firing.companion:
                    request.flaw.mark(firing)
                transfer.firings.append(firing)
        # Nothing is reserved before all firings are made, because a flaw may still be rejected.
        for firing in transfer.firings if request.status is Status.POSTED else ():
            self.reservations.book(firing)
        transfer.firings.sort(key=lambda firing: firing.number)

    def _amounts(self, rail: RailPlan, places: Sequence[_Place], own: Cents, fan_in: bool) -> CentsArray:
        """The requested amounts of a rail at each place."""
        if len(places) == 1 or fan_in:
            return np.array([place.asked[rail.index] for place in places])
        words = np.array([0 if place is places[own] else place.asked[rail.index] for place in places], np.uint64)
        cents = rail.amounts.cents(words)
        cents[own] = places[own].asked[rail.index]
        return cents

    def restated(
        self, transfer: PlantedTransfer, cents: Cents, about: RailPlan, total: Cents | None
    ) -> dict[RailIndex, Cents]:
        """The amounts, by rail index, that a planted transfer would have moved if these cents had been requested."""
        own = [firing for firing in transfer.firings if not firing.companion]
        parent = max((parent.last_second for parent in transfer.parents), default=None)
        draws = Draws(self.reservations, transfer.plant, dict.fromkeys(_PURPOSES, 0))
        fired = fire_single(
            self.reservations.context(
                [draws], asked_amounts(transfer.node, cents, about, len(transfer.closers)), lifted=True
            ),
            transfer.node,
            batch_of(transfer.day, transfer.unit, parent, total),
            {firing.rail.index: np.array(firing.accounts)[:, None] for firing in own},
            {firing.rail.index: np.array([firing.second]) for firing in own},
        )
        found = {one.rail.index: int(one.cents[0]) for one in fired if len(one)}
        beside = sum(f.cents for f in transfer.firings if f.companion and not f.rail.two_leg)
        closing = [rail.index for rail in transfer.closers if rail.index in found]
        # They close the firings of the other parents, too.
        left = sum(found[index] for index in closing) - beside
        for place, index in enumerate(closing if beside else ()):
            found[index] = abs(left) // (len(closing) - place) * (-1 if left < 0 else 1)
            left -= found[index]
        return found

    def _drawn(self, rail: RailPlan, plant: str) -> Cents:
        """The next amount that the rail draws for a plant."""
        return int(rail.amounts.cents(np.array([self.reservations.word(plant)], dtype=np.uint64))[0])

    def _asked(self, node: Node, request: TransferRequest, closing_legs: int) -> dict[RailIndex, Cents]:
        """Cents per rail index; blended, the other rails of a template draw their own."""
        asked = asked_amounts(node, request.cents, request.about, closing_legs)
        if self.blend and request.parent is None:
            others = [rail for rail in node.rails if rail is not node.driver and not rail.variable]
            asked |= {rail.index: self._drawn(rail, request.plant) for rail in others}
        return asked


def _in_days(request: TransferRequest) -> bool:
    return request.delay is not None and request.delay.days
