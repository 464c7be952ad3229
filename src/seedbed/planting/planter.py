"""The planter: makes complete transfers on chosen accounts and days, with their chains and sweeps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from seedbed.bank.patterns import PLANT_ACCOUNTS
from seedbed.bank.timing import Delay
from seedbed.baseline.chains import passed_on
from seedbed.baseline.metadata import key_repeats
from seedbed.baseline.sweeps import tick_seconds
from seedbed.planting.maker import TransferMaker
from seedbed.planting.posting_times import PostingTimes
from seedbed.planting.requests import Drain, TransferRequest
from seedbed.planting.reservations import NothingLeftError, Reservations, UnplantableError
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Status, Surfacing
from seedbed.program.nodes import ChainLink, Node
from seedbed.program.rails import RailPlan
from seedbed.units import DAY_SECONDS, AccountIndex, Cents, DayOrdinal, NodeIndex, SecondOrdinal, TickIndex

__all__ = ["Planter", "Waiting"]


# The amounts of the other parents of a fan-in child, in percent of the first one's: 60, 71, … 126.
SIBLING_PERCENT, SIBLING_STEP, SIBLING_STEPS = 60, 11, 7
# How many calendar days earlier such a parent is sought, if caps leave nothing.
DAYS_TO_TRY = 14
# The most transfers of a plant with fan-in chains: what a family may have, for each of the firings of a fan-out.
MOST_GATHERED = 200


@dataclass(frozen=True, eq=False)
class Waiting:
    """A planted parent of a fan-in chain without its child, and the accounts that the child should use."""

    parent: PlantedTransfer
    link: ChainLink
    member: NodeIndex
    prefer: tuple[AccountIndex, ...]


class Planter:
    """Plants transfers one after another, and collects the surfacings of each plant.

    `deltas` are (plant, account, day, cents) to be added to stored balances. `openings` are the given openings of
    accounts, and `opened_for` the plants that need them. `drains` are the overdrafts that are still to be made.
    `firings` has the firings of single rails by (rail, number). On accounts in `settled` nothing more may be planted,
    unless a request names them. `waiting` are the parents whose fan-in child is still to be made.
    """

    def __init__(self, reservations: Reservations, blend: bool = False) -> None:
        self.reservations = reservations
        self.survey = reservations.survey
        self.posting_times = PostingTimes(reservations.setup, reservations.baseline)
        self.maker = TransferMaker(reservations, self.posting_times, blend)
        self.transfers: list[PlantedTransfer] = []
        self._sizes: Counter[str] = Counter()
        self.deltas: list[tuple[str, AccountIndex, DayOrdinal, Cents]] = []
        self.openings: dict[AccountIndex, Cents] = {}
        self.opened_for: dict[AccountIndex, set[str]] = {}
        self.drains: list[Drain] = []
        self.settled: frozenset[AccountIndex] = frozenset()
        self.firings: dict[tuple[str, int], PlantedFiring] = {}
        self.surfacings: list[Surfacing] = []
        self.waiting: list[Waiting] = []

    def show(self, plant: str, view: str, key: str, collateral: bool = False) -> None:
        """Notes where a plant must surface."""
        self.surfacings.append(Surfacing(plant=plant, view=view, key=key, collateral=collateral))

    def withdraw(self, plant: str) -> None:
        """Removes everything that has been planted for a plant."""
        for transfer in self.transfers:
            if transfer.plant == plant:
                self._give_back(transfer)
        self.transfers = [transfer for transfer in self.transfers if transfer.plant != plant]
        del self._sizes[plant]
        self.waiting = [one for one in self.waiting if one.parent.plant != plant]
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
        """Removes the transfers from this index on, in the order in which they were planted."""
        for transfer in self.transfers[start:]:
            self._give_back(transfer)
            self.waiting = [one for one in self.waiting if one.parent is not transfer]
            self._sizes[transfer.plant] -= 1
        del self.transfers[start:]

    def _give_back(self, transfer: PlantedTransfer) -> None:
        """Releases a transfer's reservations of caps, and its day if the account can have one transfer a day."""
        for firing in transfer.firings:
            if firing.tick >= 0:
                self._load(firing.tick, -abs(firing.cents))
            if firing.status is Status.POSTED:
                self.reservations.book(firing, -1)
        if key_repeats(transfer.node):
            self.reservations.vacate(transfer.node, transfer.unit, transfer.day)

    # ---- families -----------------------------------------------------------------------------------------------

    def family(
        self, rail: RailPlan, request: TransferRequest, children: bool = True, node: Node | None = None
    ) -> PlantedTransfer:
        """A transfer of this rail with its chain parent, if it is a child, and with every Required child.

        It is a transfer of `node`, else of the first template with this leg rail, or of the rail alone. A transfer
        that is not Posted has a Posted parent and no children. Raises UnplantableError if it cannot be complete.
        """
        node = node or self.survey.node_of(rail)
        posted = request.status is Status.POSTED
        request = replace(request, about=rail, members=self._members(node, rail, request.members))
        request = self._below(node, request, rail)
        if request.apart or not posted:
            request = replace(request, total=None)
        transfer = self.transfer(node, request)
        if children and posted:
            self.required_children(transfer, request.prefer)
        return transfer

    def _members(
        self, node: Node, rail: RailPlan | None, members: Mapping[int, tuple[RailPlan, ...]]
    ) -> Mapping[int, tuple[RailPlan, ...]]:
        """The requested members of a node's XOR groups, with a rail that fires and the one that a chain asks for."""
        link = None if node.primary else self.survey.parent_link(node, rail)
        place = None if link is None else self.survey.asking_place(link, node, rail)
        asked = None if link is None or place is None else link.asked[place]
        rails = (None if asked is None else self.reservations.setup.program.rails[asked], rail)
        return {**_with_member(node, rails[0], {}), **_with_member(node, rails[1], {}), **members}

    def _below(self, node: Node, request: TransferRequest, rail: RailPlan | None) -> TransferRequest:
        """The request for a chain child in which a rail fires, with its planted parents and what each passes on.

        Theirs are planted first. A fan-in child has several. If the chain has a delay, the parent posts so much
        earlier. The request for a node that fires by itself stays as it is.
        """
        program = self.reservations.setup.program
        if node.primary or not program.links_into(node):
            return request
        link = self.survey.parent_link(node, rail)
        place = None if link is None else self.survey.asking_place(link, node, rail)
        if link is None or place is None:
            raise UnplantableError("no chain parent of it can fire")
        above, leg, delay = program.nodes[link.parent], self.survey.parent_rail(link), link.delays[place]
        days = self._days_before(request, delay)
        plain = TransferRequest(
            plant=request.plant,
            day=self._earlier(request.day, days),
            cents=request.cents,
            prefer=request.prefer,
            turn=request.turn,
            members=self._members(above, leg, {}),
        )
        if request.apart:
            unit = self.survey.unit_account(above.driver, request.turn)
            plain = replace(plain, prefer=(), turn=request.turn + (unit in request.fixed.values()))
        count = (request.parents or link.least_parents) if link.fan_in else 1
        parents = [self._parent(above, plain, request.prefer, link)]
        while len(parents) < count:
            parents.append(self.sibling(parents[0], link))
        (parent, total), *others = shares = [(one, self.passed_on(one, link)) for one in parents]
        # A parent may have come to lie on an earlier day; its child follows on the same, or so much later.
        day = _last_day(shares)
        if days:
            later = int(self.reservations.setup.window.later(np.array([parent.day]), days)[0])
            day = later if request.second is None else request.day
        if day < 0:
            raise UnplantableError("its day would lie beyond the window")
        return replace(request, day=day, parent=parent, delay=delay, total=total, others=tuple(others))

    def _days_before(self, request: TransferRequest, delay: Delay | None) -> int:
        """The business days between a requested chain child and its parent: drawn, or as few as there may be.

        Raises UnplantableError where the parent would lie before the window.
        """
        if delay is None or not delay.days:
            return 0
        days = delay.least + self.reservations.below(request.plant, delay.most - delay.least + 1)
        place = int(np.searchsorted(self.reservations.setup.window.days, request.day))
        if place < delay.least:
            raise UnplantableError("its chain parent would lie before the window")
        return min(days, place)

    def _earlier(self, day: DayOrdinal, business_days: int) -> DayOrdinal:
        days = self.reservations.setup.window.days
        return int(days[np.searchsorted(days, day) - business_days]) if business_days else day

    def _parent(
        self, node: Node, request: TransferRequest, prefer: Sequence[AccountIndex], skip: ChainLink
    ) -> PlantedTransfer:
        """A transfer of a node with its own parents and Required children; that of `skip` is made by the caller.

        The children use the accounts `prefer` if they can.
        """
        request = replace(request, bundle=request.bundle and not node.aggregates)
        request = self._below(node, request, self.survey.parent_rail(skip))
        # What a sweep takes decides its amount and when it posts, and with these what takes the sweep.
        transfer = self.transfer(node, request)
        if node.aggregates:
            plain = replace(request, bundle=True, others=(), parent=None, total=None)
            self._fill(transfer, plain)
            self.assign_tick(transfer.firings[0])
        self.required_children(transfer, prefer, skip=skip)
        return transfer

    def sibling(self, like: PlantedTransfer, skip: ChainLink) -> PlantedTransfer:
        """Another parent that shares the fan-in child of a link with this one: on its account, if it can on its day.

        If caps leave nothing there, it comes from an earlier day. Raises UnplantableError if there are too many.
        """
        driver, node = like.own(like.node.driver), like.node
        unit = () if like.unit < 0 or like.unit in self.settled else (like.unit,)
        turn = 0
        while not unit and turn < PLANT_ACCOUNTS and self.survey.unit_account(node.driver, turn) in self.settled:
            turn += 1
        share = SIBLING_PERCENT + SIBLING_STEP * (len(self.transfers) % SIBLING_STEPS)
        request = TransferRequest(
            plant=like.plant,
            day=like.day,
            cents=node.driver.amounts.nearest(max(abs(driver.cents) * share // 100, 1)),
            prefer=unit,
            turn=turn,
            members=self._members(node, self.survey.parent_rail(skip), {}),
        )
        if self._sizes[like.plant] > MOST_GATHERED:
            raise UnplantableError(f"its fan-in chains need more than {MOST_GATHERED} transfers")
        start, day = len(self.transfers), like.day
        while True:
            try:
                return self._parent(node, replace(request, day=day), unit, skip)
            except NothingLeftError:
                self.undo(start)
                earlier = self.survey.day_before(day)
                if earlier is None or earlier < like.day - DAYS_TO_TRY:
                    raise
                day = earlier

    def required_children(
        self, parent: PlantedTransfer, prefer: Sequence[AccountIndex], skip: ChainLink | None = None
    ) -> None:
        """Plants the Required chain children of a transfer, and theirs. The link `skip` already has its child."""
        for link in self.survey.required_links(parent.node):
            place = self.survey.place_of(link)
            if link is not skip and place is not None:
                self.child(parent, link, place, prefer)

    def child(self, parent: PlantedTransfer, link: ChainLink, place: int, prefer: Sequence[AccountIndex]) -> None:
        """A chain child of a transfer: of the member at this place of a link, with its own Required children.

        There is none if the parent passes nothing on, if a cap leaves nothing for it, or if its day lies beyond the
        window. A fan-in child is made when its parents are known (`gathering.py`).
        """
        amount, known = self.passed_on(parent, link), [int(column[0]) for column in parent.fired.accounts()]
        accounts = (*prefer, *known)
        if amount <= 0 and link.parent_rail is not None:
            return
        program, asked = self.reservations.setup.program, link.asked[place]
        node = program.nodes[link.members[place]]
        if link.fan_in:
            self.waiting.append(Waiting(parent, link, link.members[place], tuple(prefer)))
            return
        delay = link.delays[place]
        day = self._child_day(parent, delay)
        if day < 0:
            return
        request = TransferRequest(
            plant=parent.plant,
            day=day,
            cents=amount,
            prefer=accounts,
            parent=parent,
            delay=delay,
            total=amount,
            members=_with_member(node, None if asked is None else program.rails[asked], {}),
        )
        try:
            child = self.transfer(node, request)
        except NothingLeftError:
            return
        self.required_children(child, accounts)

    def passed_on(self, parent: PlantedTransfer, link: ChainLink) -> Cents:
        """The amount that a chain child takes over from its parent."""
        return int(passed_on(parent.fired, link.parent_rail)[0])

    def _child_day(self, parent: PlantedTransfer, delay: Delay | None) -> DayOrdinal:
        """The day of a chain child of a transfer; -1 where it lies beyond the window."""
        if delay is None or not delay.days:
            return parent.day
        days = delay.least + self.reservations.below(parent.plant, delay.most - delay.least + 1)
        return int(self.reservations.setup.window.later(np.array([parent.day]), days)[0])

    # ---- single transfers ---------------------------------------------------------------------------------------

    def transfer(self, node: Node, request: TransferRequest) -> PlantedTransfer:
        """One transfer of a node, with its sweeps. Raises UnplantableError if it cannot be complete."""
        transfer = self.maker.make(node, request, self.settled)
        self.transfers.append(transfer)
        self._sizes[transfer.plant] += 1
        for firing in transfer.firings if request.bundle and request.status is Status.POSTED else ():
            self.assign_tick(firing)
        return transfer

    # ---- sweeps -------------------------------------------------------------------------------------------------

    def assign_tick(self, firing: PlantedFiring) -> None:
        """Gives a firing to the first tick that posts after it and can carry it, if the window has one.

        If that tick bundles nothing in the baseline and the sweep has chain children, the firing gets its own planted
        sweep. So the chains of the baseline decide as they would without it.
        """
        node = firing.transfer.node
        if firing.bundled or not self.posting_times.bundled(firing.rail, node):
            return
        tick = self.posting_times.tick_at(firing.rail, node, firing.second, firing.transfer.swept)
        if tick < 0:
            return
        sweep = self.posting_times.sweep_of(tick)
        end = self.reservations.setup.ticks.of(sweep).stop
        while tick < end and not self._carries(tick, firing):
            tick += 1
        if tick >= end or self.survey.refusals[sweep.index] is not None:
            return
        if not self.posting_times.empty(tick) or not self.reservations.setup.program.links_from(sweep):
            firing.tick = tick
            self._load(tick, abs(firing.cents))
            return
        second = self.posting_times.tick_second(tick)
        request = TransferRequest(
            plant=firing.transfer.plant,
            day=second // DAY_SECONDS,
            cents=abs(firing.cents),
            bundle=False,
            second=second,
        )
        self._finish(self.transfer(sweep, request), firing)

    def _carries(self, tick: TickIndex, firing: PlantedFiring) -> bool:
        """Whether a tick posts after a firing, and has room for it under the caps of its accounts."""
        if self.posting_times.tick_second(tick) <= firing.second:
            return False
        room = self.posting_times.room(tick)
        if room is None:
            return True
        planned = sum(abs(f.cents) for t in self.transfers for f in t.firings if f.tick == tick)
        # Planted sweeps spend the same caps.
        rail, accounts, second = self._posting_of(tick)
        left = [self.reservations.left(rail, leg, (account,), second)[0] for leg, account in enumerate(accounts)]
        return abs(firing.cents) <= min(room - planned, *left)

    def _posting_of(self, tick: TickIndex) -> tuple[RailPlan, tuple[AccountIndex, ...], SecondOrdinal]:
        """The rail of a tick, the accounts on which it posts and when."""
        times = self.posting_times
        return times.sweep_of(tick).driver, times.accounts_of(tick), times.tick_second(tick)

    def _load(self, tick: TickIndex, cents: Cents) -> None:
        """Books what a tick moves for a planted firing; a negative amount takes it back."""
        if self.posting_times.room(tick) is not None:
            rail, accounts, second = self._posting_of(tick)
            for caps in rail.caps:
                self.reservations.spend(caps, accounts[caps.leg], second, cents)

    def sweep(self, rail: RailPlan, request: TransferRequest, bundled: PlantedFiring | None) -> None:
        """A planted firing of an aggregating rail. It bundles `bundled`, by default a firing that is made for it."""
        transfer = self.transfer(self.survey.node_of(rail), replace(request, bundle=False, prefer=()))
        if bundled is not None and _begins_a_day(rail) and bundled.second >= transfer.firings[0].second:
            bundled = None
        if bundled is None:
            self._fill(transfer, replace(request, bundle=True))
        self._finish(transfer, bundled, request.bundle)

    def _fill(self, sweep: PlantedTransfer, request: TransferRequest) -> None:
        """Plants a firing of the first rail that a sweep bundles, and lets the sweep take it.

        A sweep of sweeps gets a sweep that is filled in turn. A sweep at a day's beginning takes what is from the
        business day before.
        """
        rails = self.survey.to_fill(sweep.node.driver)
        if not rails:
            raise UnplantableError("nothing that it bundles can be planted")
        rail, day = rails[0], self.survey.day_before(sweep.day) if _begins_a_day(sweep.node.driver) else sweep.day
        if day is None:
            raise UnplantableError("it takes what is from the day before, which the window does not have")
        if rail.cadence is not None:
            plain = TransferRequest(
                plant=request.plant, day=day, cents=request.cents, turn=request.turn, bundle=False
            )
            below = self.transfer(self.survey.node_of(rail), plain)
            self._fill(below, request)
            self.required_children(below, ())
            self._take(sweep, below.firings[0])
            return
        made = self.family(rail, replace(request, day=day, bundle=False, fixed={}, parent=None, total=None))
        self._take(sweep, made.own(rail))
        for firing in made.firings:
            self.assign_tick(firing)

    def _finish(self, sweep: PlantedTransfer, firing: PlantedFiring | None, bundle: bool = True) -> None:
        """Lets a planted sweep take a firing, then plants the sweep's own sweep and its children."""
        if firing is not None:
            self._take(sweep, firing)
        if bundle:
            self.assign_tick(sweep.firings[0])
        self.required_children(sweep, ())

    def _take(self, sweep: PlantedTransfer, firing: PlantedFiring) -> None:
        """Lets a planted sweep take a firing: the sweep posts after it, with its amount."""
        if firing.tick >= 0:
            self._load(firing.tick, -abs(firing.cents))
        firing.sweep, firing.tick = sweep, -1
        own = sweep.firings[0]
        self.reservations.book(own, -1)
        own.cents = abs(firing.cents) * (1 if own.rail.two_leg else own.rail.legs[0].sign)
        sweep.day = max(sweep.day, firing.transfer.day)
        later = [second for second in self.posting_times.ticks_on(sweep.node, sweep.day) if second > firing.second]
        own.second = later[0] if later else own.second
        if own.second <= firing.second:
            due, day, latest = np.array([[own.second], [sweep.day], [firing.second]])
            own.second = int(
                tick_seconds(due, day, latest, np.array([self.reservations.word(sweep.plant)], np.uint64))[0]
            )
        self.reservations.book(own)
        left = (self.reservations.headroom(caps, own.accounts[caps.leg], own.second) for caps in own.rail.caps)
        if any(room is not None and room < 0 for room in left):
            raise UnplantableError(f"a cap leaves too little for what {own.rail.name} would bundle")

    def swept_at(self, firing: PlantedFiring) -> SecondOrdinal | None:
        """The second at which the sweep that takes a firing posts. None if no sweep takes it."""
        if firing.sweep is not None:
            return firing.sweep.firings[0].second
        return self.posting_times.tick_second(firing.tick) if firing.tick >= 0 else None


def _with_member(
    node: Node, rail: RailPlan | None, members: Mapping[int, tuple[RailPlan, ...]]
) -> Mapping[int, tuple[RailPlan, ...]]:
    """The requested members of a node's XOR groups, with a rail for its group if none is requested of that."""
    group = None if rail is None else node.group_of(rail)
    return members if rail is None or group is None else {group: (rail,), **members}


def _begins_a_day(rail: RailPlan) -> bool:
    """Whether a rail is a sweep that posts before the day's first postings."""
    return rail.cadence is not None and rail.cadence.family == "daily-bod"


def _last_day(parents: Sequence[tuple[PlantedTransfer, Cents]]) -> DayOrdinal:
    """The day of the last of several parents."""
    return max(parent.day for parent, _ in parents)
