"""The planter: makes whole transfers on chosen accounts and days, with their chains and their sweeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from seedbed.baseline.chains import passed_on
from seedbed.baseline.metadata import key_repeats
from seedbed.baseline.stage import closing_seconds, firing_seconds
from seedbed.baseline.system import tick_seconds
from seedbed.plan.calendar import DAY_SECONDS
from seedbed.plan.program import ChainLink, Node
from seedbed.plan.rails import RailPlan
from seedbed.planting.book import Book, NothingLeftError, UnplantableError
from seedbed.planting.choice import AccountChoice
from seedbed.planting.hours import Hours
from seedbed.planting.orders import Drain, Order
from seedbed.planting.single import Draws, batch_of, fire_single
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Status, Surfacing
from seedbed.scenario.survey import asked_amounts

__all__ = ["Planter"]

Integers = npt.NDArray[np.int64]

# What a transfer draws beside its hours, of which a restated one has no use.
_PURPOSES = tuple(
    (purpose, ("",)) for purpose in ("transfer-high", "transfer-low", "transfer-salt", "salt", "closing-time")
)


@dataclass(frozen=True)
class _Place:
    """One firing of a node before it is made: its draws; per rail index what is asked, accounts and second."""

    draws: Draws
    asked: Mapping[int, int]
    accounts: Mapping[int, tuple[int, ...]]
    seconds: Mapping[int, int]


class Planter:
    """Plants transfers one after another, and remembers what each plant needs to show.

    `deltas` are (plant, account, day, cents) to be added to stored balances, `openings` the accounts whose opening
    is given in cents and `opened_for` the plants it is given for, `drains` the overdrafts still to be made, `firings`
    those of single rails by (rail, number). `settled` are accounts on which nothing more may be planted, unless it
    asks for them.
    """

    def __init__(self, book: Book, blend: bool = False) -> None:
        self.book = book
        self.survey = book.survey
        self.hours = Hours(book.work, book.base)
        self.blend = blend
        self.transfers: list[PlantedTransfer] = []
        self.deltas: list[tuple[str, int, int, int]] = []
        self.openings: dict[int, int] = {}
        self.opened_for: dict[int, set[str]] = {}
        self.drains: list[Drain] = []
        self.settled: frozenset[int] = frozenset()
        self.firings: dict[tuple[str, int], PlantedFiring] = {}
        self.surfacings: list[Surfacing] = []
        self.choice = AccountChoice(book, blend)

    def show(self, plant: str, view: str, key: str, collateral: bool = False) -> None:
        """Notes where a plant must surface."""
        self.surfacings.append(Surfacing(plant, view, key, collateral))

    def withdraw(self, plant: str) -> None:
        """Takes back everything that has been planted for a plant."""
        for transfer in self.transfers:
            if transfer.plant == plant:
                self._give_back(transfer)
        self.transfers = [transfer for transfer in self.transfers if transfer.plant != plant]
        self.deltas = [delta for delta in self.deltas if delta[0] != plant]
        self.drains = [drain for drain in self.drains if drain.plant != plant]
        self.surfacings = [surfacing for surfacing in self.surfacings if surfacing.plant != plant]
        for account in [account for account, plants in self.opened_for.items() if plants == {plant}]:
            del self.openings[account], self.opened_for[account]
        for plants in self.opened_for.values():
            plants.discard(plant)
        self.firings = {place: f for place, f in self.firings.items() if f.transfer.plant != plant}
        for firing in (firing for transfer in self.transfers for firing in transfer.firings):
            if firing.sweep is not None and firing.sweep.plant == plant:
                firing.sweep = None
                self.assign_tick(firing)

    def undo(self, start: int) -> None:
        """Takes back the transfers from the one of this place on, in the order in which they were planted."""
        for transfer in self.transfers[start:]:
            self._give_back(transfer)
        del self.transfers[start:]

    def _give_back(self, transfer: PlantedTransfer) -> None:
        """Gives back what a transfer has taken of caps, and its day where the account can have one transfer a day."""
        for firing in transfer.firings:
            if firing.status is Status.POSTED:
                self.book.spend(firing.rail, firing.accounts[0], firing.second, -_debit(firing))
        if key_repeats(transfer.node):
            self.book.vacate(transfer.node, transfer.unit, transfer.day)

    # ---- families -----------------------------------------------------------------------------------------------

    def family(
        self, rail: RailPlan, order: Order, children: bool = True, node: Node | None = None
    ) -> PlantedTransfer:
        """A transfer with this rail, with its chain parent where it is a child, and with every Required child.

        It is one of `node`, else of the first template that holds the rail, or of the rail alone. A transfer that is
        not Posted has a Posted parent and no children. Raises UnplantableError where it cannot be whole.
        """
        node = node or self.survey.node_of(rail)
        posted = order.status is Status.POSTED
        parent, total = self._parent_of(node, order)
        total = total if posted and not order.apart else None
        transfer = self.transfer(node, replace(order, about=rail, parent=parent, total=total))
        if children and posted:
            self._required_children(transfer, order.prefer)
        return transfer

    def _parent_of(self, node: Node, order: Order) -> tuple[PlantedTransfer | None, int | None]:
        """The planted parent of a chain child, its own parents first, and the amount that it passes on.

        None for what fires by itself.
        """
        if node.primary or not self.book.work.program.links_into(node):
            return None, None
        link = self.survey.parent_link(node)
        if link is None:
            raise UnplantableError("no chain parent of it can fire")
        above = self.book.work.program.nodes[link.parent]
        plain = Order(order.plant, order.day, order.cents, order.prefer, turn=order.turn)
        if order.apart:
            unit = self.survey.unit_account(above.driver, order.turn)
            plain = replace(plain, prefer=(), turn=order.turn + (unit in order.fixed.values()))
        grandparent, total = self._parent_of(above, plain)
        # What a sweep takes decides its amount and when it posts, and with these what takes the sweep.
        parent = self.transfer(above, replace(plain, parent=grandparent, total=total, bundle=not above.aggregates))
        if above.aggregates:
            self._fill(parent, plain)
            self.assign_tick(parent.firings[0])
        self._required_children(parent, order.prefer, skip=link)
        return parent, _passed_on(parent, link)

    def _required_children(
        self, parent: PlantedTransfer, prefer: Sequence[int], skip: ChainLink | None = None
    ) -> None:
        """The Required chain children of a transfer, and theirs; not that of `skip`, which has one already."""
        for link in self.survey.required_links(parent.node):
            member = self.survey.member_of(link)
            if link is not skip and member is not None:
                self.child(parent, link, member, prefer)

    def child(self, parent: PlantedTransfer, link: ChainLink, member: int, prefer: Sequence[int]) -> None:
        """A chain child of a transfer: the node of a member of one of its links, with its own Required children.

        None where the parent passes nothing on, or a cap leaves nothing for it.
        """
        amount, known = _passed_on(parent, link), [int(column[0]) for column in parent.fired.accounts()]
        accounts = (*prefer, *known)
        if amount <= 0 and link.parent_rail is not None:
            return
        order = Order(parent.plant, parent.day, amount, accounts, parent=parent, total=amount)
        try:
            child = self.transfer(self.book.work.program.nodes[member], order)
        except NothingLeftError:
            return
        self._required_children(child, accounts)

    # ---- single transfers ---------------------------------------------------------------------------------------

    def transfer(self, node: Node, order: Order) -> PlantedTransfer:
        """One transfer with all legs of a node. Raises UnplantableError where it cannot be whole."""
        plant = order.plant
        asked = self._asked(node, order)
        unit = self.choice.unit(node, order)
        day = order.day
        if key_repeats(node):
            day = self.book.free_day(node, unit, day, movable=order.second is None)
        draws = Draws(self.book, plant)
        seconds = self._seconds(node, order, day, draws)
        words = draws("transfer-high", ("",)), draws("transfer-low", ("",))
        salt = draws("transfer-salt", ("",)) if node.template is not None else 0
        transfer = PlantedTransfer(plant, node, day, unit, words, salt, order.parent, order.total)
        own, count = self._rounds(node, order)
        places = [
            self._placed(transfer, order, draws, asked, seconds)
            if round_ == own
            else self._company(transfer, order, draws.again())
            for round_ in range(count)
        ]
        self._fire(transfer, order, places, own)
        self.transfers.append(transfer)
        for firing in transfer.firings if order.bundle and order.status is Status.POSTED else ():
            self.assign_tick(firing)
        return transfer

    def _seconds(self, node: Node, order: Order, day: int, draws: Draws) -> dict[int, Integers]:
        """When each rail posts, by its index: as given, at a tick of a sweep, else as the baseline's do."""
        if order.second is not None:
            return {rail.index: np.array([order.second]) for rail in node.rails}
        ticks = self.hours.ticks_on(node, day)
        if ticks:
            return {node.driver.index: np.array([ticks[self.book.below(order.plant, len(ticks))]])}
        bundle = order.bundle and order.status is Status.POSTED and not node.aggregates
        parent = None if order.parent is None or node.aggregates else order.parent.last_second
        stage, batch = self.book.stage([draws]), batch_of(day, -1, parent, None)
        ends = self.hours.ends(node, day) if bundle and parent is None else None
        seconds = dict(firing_seconds(stage, node, batch, ends))
        if node.closing is not None:
            last = np.maximum.reduce(list(seconds.values()))
            seconds[node.closing.index] = closing_seconds(stage, node, batch, last, np.zeros(1, dtype=np.int64))
        return seconds

    def _rounds(self, node: Node, order: Order) -> tuple[int, int]:
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
        order: Order,
        draws: Draws,
        asked: Mapping[int, int],
        seconds: Mapping[int, Integers],
    ) -> "_Place":
        """One firing of every rail of a transfer's node, with the accounts of its legs."""
        draws("salt", ("",))
        lifted = self._lifted(transfer.node, order)
        accounts = {
            rail.index: self.choice.accounts(
                rail, transfer, order, asked[rail.index], int(seconds[rail.index][0]), lifted, self.settled
            )
            for rail in sorted(transfer.node.rails, key=lambda rail: rail.variable)
        }
        return _Place(draws, asked, accounts, {index: int(second[0]) for index, second in seconds.items()})

    def _company(self, transfer: PlantedTransfer, order: Order, draws: Draws) -> "_Place":
        """An ordinary firing beside the planted one."""
        node, plant = transfer.node, order.plant
        company = replace(order, turn=self.book.below(plant, 2**16), fixed={}, prefer=(), within_caps=False)
        drawn = {rail.index: self._drawn(rail, plant) for rail in node.rails}
        return self._placed(transfer, company, draws, drawn, self._seconds(node, order, transfer.day, draws))

    def _lifted(self, node: Node, order: Order) -> bool:
        """Whether an order moves what it asks for, whatever caps leave."""
        return order.exact or not order.within_caps or order.status is not Status.POSTED or node.aggregates

    def _fire(self, transfer: PlantedTransfer, order: Order, places: Sequence["_Place"], own: int) -> None:
        """Fires every rail of the transfer's node at these places, of which the `own` one is the plant's.

        Raises NothingLeftError where a cap leaves nothing.
        """
        node, first = transfer.node, places[0]
        parent = None if order.parent is None else order.parent.last_second
        batch = batch_of(transfer.day, transfer.unit, parent, order.total, len(places))
        asked = {index: np.array([place.asked[index] for place in places]) for index in first.asked}
        accounts = {index: np.array([place.accounts[index] for place in places]).T for index in first.accounts}
        seconds = {index: np.array([place.seconds[index] for place in places]) for index in first.seconds}
        stage = self.book.stage([place.draws for place in places], asked, self._lifted(node, order))
        fired = fire_single(stage, node, batch, accounts, seconds)
        if not all(len(firing) for firing in fired.firings):
            raise NothingLeftError(f"a cap leaves nothing for {node.name}")
        for one in fired.firings:
            columns = (one.cents.tolist(), one.second.tolist(), one.number.tolist(), one.salt.tolist())
            for place, (cents, second, number, salt) in enumerate(zip(*columns, strict=True)):
                legs = tuple(one.accounts[:, place].tolist())
                firing = PlantedFiring(transfer, one.rail, legs, cents, second, number, salt, order.status)
                firing.companion = place != own
                if order.flaw is not None and not firing.companion:
                    order.flaw.mark(firing)
                transfer.firings.append(firing)
                if order.status is Status.POSTED:
                    self.book.spend(one.rail, firing.accounts[0], firing.second, _debit(firing))
        transfer.firings.sort(key=lambda firing: firing.number)

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
        return {one.rail.index: int(one.cents[0]) for one in fired.firings if len(one)}

    def _drawn(self, rail: RailPlan, plant: str) -> int:
        """An amount as the rail draws it."""
        return int(rail.amounts.cents(np.array([self.book.word(plant)], dtype=np.uint64))[0])

    def _asked(self, node: Node, order: Order) -> dict[int, int]:
        """Cents per rail index; blended, the other rails of a template draw their own."""
        asked = asked_amounts(node, order.cents, order.about)
        if self.blend and order.parent is None:
            others = [rail for rail in node.rails if rail is not node.driver and not rail.variable]
            asked |= {rail.index: self._drawn(rail, order.plant) for rail in others}
        return asked

    # ---- sweeps -------------------------------------------------------------------------------------------------

    def assign_tick(self, firing: PlantedFiring) -> None:
        """Gives a firing to the first tick that posts after it and can carry it; none may be left in the window.

        Where that tick has nothing to bundle in the baseline and the sweep has chain children, the firing gets a
        planted sweep of its own, so that the baseline's chains decide as they would without it.
        """
        node = firing.transfer.node
        if firing.bundled or not self.hours.bundled(firing.rail, node):
            return
        tick = self.hours.tick_at(firing.rail, node, firing.second, firing.transfer.swept)
        if tick < 0:
            return
        sweep = self.hours.sweep_of(tick)
        end = self.book.work.ticks.of(sweep).stop
        while tick < end and not self._carries(tick, firing):
            tick += 1
        if tick >= end or self.survey.refusals[sweep.index] is not None:
            return
        if not self.hours.empty(tick) or not self.book.work.program.links_from(sweep):
            firing.tick = tick
            return
        second = self.hours.tick_second(tick)
        order = Order(firing.transfer.plant, second // DAY_SECONDS, abs(firing.cents), bundle=False, second=second)
        self._finish(self.transfer(sweep, order), firing)

    def _carries(self, tick: int, firing: PlantedFiring) -> bool:
        """Whether a tick posts after a firing, and has room for it under the cap of the account that it debits."""
        if self.hours.tick_second(tick) <= firing.second:
            return False
        room = self.hours.room(tick)
        if room is None:
            return True
        planned = sum(abs(f.cents) for t in self.transfers for f in t.firings if f.tick == tick)
        return abs(firing.cents) <= room - planned

    def sweep(self, rail: RailPlan, order: Order, bundled: PlantedFiring | None) -> None:
        """A planted firing of an aggregating rail: it bundles `bundled`, or else a firing that is made for it."""
        transfer = self.transfer(self.survey.node_of(rail), replace(order, bundle=False, prefer=()))
        if bundled is None:
            self._fill(transfer, replace(order, bundle=True))
        self._finish(transfer, bundled, order.bundle)

    def _fill(self, sweep: PlantedTransfer, order: Order) -> None:
        """Plants a firing of the first rail that a sweep bundles, and lets the sweep take it.

        A sweep of sweeps gets a sweep that is filled in turn.
        """
        rails = self.survey.to_fill(sweep.node.driver)
        if not rails:
            raise UnplantableError("nothing that it bundles can be planted")
        rail = rails[0]
        if rail.cadence is not None:
            plain = Order(order.plant, sweep.day, order.cents, turn=order.turn, bundle=False)
            below = self.transfer(self.survey.node_of(rail), plain)
            self._fill(below, order)
            self._required_children(below, ())
            self._take(sweep, below.firings[0])
            return
        made = self.family(rail, replace(order, day=sweep.day, bundle=False, fixed={}, parent=None, total=None))
        self._take(sweep, made.own(rail))
        for firing in made.firings:
            self.assign_tick(firing)

    def _finish(self, sweep: PlantedTransfer, firing: PlantedFiring | None, bundle: bool = True) -> None:
        """Lets a planted sweep take a firing, and gives it what follows from it: its own sweep, its children."""
        if firing is not None:
            self._take(sweep, firing)
        if bundle:
            self.assign_tick(sweep.firings[0])
        self._required_children(sweep, ())

    def _take(self, sweep: PlantedTransfer, firing: PlantedFiring) -> None:
        """A planted sweep takes a firing: it posts after it, with its amount."""
        firing.sweep, firing.tick = sweep, -1
        own = sweep.firings[0]
        self.book.spend(own.rail, own.accounts[0], own.second, -_debit(own))
        own.cents = abs(firing.cents) * (1 if own.rail.two_leg else own.rail.legs[0].sign)
        sweep.day = max(sweep.day, firing.transfer.day)
        later = [second for second in self.hours.ticks_on(sweep.node, sweep.day) if second > firing.second]
        own.second = later[0] if later else own.second
        if own.second <= firing.second:
            due, day, latest = np.array([[own.second], [sweep.day], [firing.second]])
            own.second = int(tick_seconds(due, day, latest, np.array([self.book.word(sweep.plant)], np.uint64))[0])
        self.book.spend(own.rail, own.accounts[0], own.second, _debit(own))

    def swept_at(self, firing: PlantedFiring) -> int | None:
        """When the sweep that takes a firing posts; None where none does."""
        if firing.sweep is not None:
            return firing.sweep.firings[0].second
        return self.hours.tick_second(firing.tick) if firing.tick >= 0 else None


def _passed_on(parent: PlantedTransfer, link: ChainLink) -> int:
    """The amount that a chain child takes over from its parent, in cents."""
    return int(passed_on(parent.fired, link.parent_rail)[0])


def _debit(firing: PlantedFiring) -> int:
    """What a firing takes out of its first account, in cents."""
    return max(-firing.leg_cents(0), 0)
