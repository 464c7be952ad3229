"""The planter: makes complete transfers on chosen accounts and days, with their chains and sweeps."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seedbed.baseline.chains import passed_on
from seedbed.baseline.metadata import key_repeats
from seedbed.baseline.sweeps import tick_seconds
from seedbed.planting.maker import TransferMaker, debit_of
from seedbed.planting.posting_times import PostingTimes
from seedbed.planting.requests import Drain, TransferRequest
from seedbed.planting.reservations import NothingLeftError, Reservations, UnplantableError
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Status, Surfacing
from seedbed.program.build import ChainLink, Node
from seedbed.program.rails import RailPlan
from seedbed.units import DAY_SECONDS, AccountIndex, Cents, DayOrdinal, NodeIndex, SecondOrdinal, TickIndex

__all__ = ["Planter"]


class Planter:
    """Plants transfers one after another, and collects the surfacings of each plant.

    `deltas` are (plant, account, day, cents) to be added to stored balances. `openings` are the given openings of
    accounts, and `opened_for` the plants that need them. `drains` are the overdrafts that are still to be made.
    `firings` has the firings of single rails by (rail, number). On accounts in `settled` nothing more may be planted,
    unless a request names them.
    """

    def __init__(self, reservations: Reservations, blend: bool = False) -> None:
        self.reservations = reservations
        self.survey = reservations.survey
        self.posting_times = PostingTimes(reservations.setup, reservations.baseline)
        self.maker = TransferMaker(reservations, self.posting_times, blend)
        self.transfers: list[PlantedTransfer] = []
        self.deltas: list[tuple[str, AccountIndex, DayOrdinal, Cents]] = []
        self.openings: dict[AccountIndex, Cents] = {}
        self.opened_for: dict[AccountIndex, set[str]] = {}
        self.drains: list[Drain] = []
        self.settled: frozenset[AccountIndex] = frozenset()
        self.firings: dict[tuple[str, int], PlantedFiring] = {}
        self.surfacings: list[Surfacing] = []

    def show(self, plant: str, view: str, key: str, collateral: bool = False) -> None:
        """Notes where a plant must surface."""
        self.surfacings.append(Surfacing(plant=plant, view=view, key=key, collateral=collateral))

    def withdraw(self, plant: str) -> None:
        """Removes everything that has been planted for a plant."""
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
        """Removes the transfers from this index on, in the order in which they were planted."""
        for transfer in self.transfers[start:]:
            self._give_back(transfer)
        del self.transfers[start:]

    def _give_back(self, transfer: PlantedTransfer) -> None:
        """Releases a transfer's reservations of caps, and its day if the account can have one transfer a day."""
        for firing in transfer.firings:
            if firing.tick >= 0:
                self._load(firing.tick, -abs(firing.cents))
            if firing.status is Status.POSTED:
                self.reservations.spend(firing.rail, firing.accounts[0], firing.second, -debit_of(firing))
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
        parent, total = self._parent_of(node, request)
        total = total if posted and not request.apart else None
        transfer = self.transfer(node, replace(request, about=rail, parent=parent, total=total))
        if children and posted:
            self._required_children(transfer, request.prefer)
        return transfer

    def _parent_of(self, node: Node, request: TransferRequest) -> tuple[PlantedTransfer | None, AccountIndex | None]:
        """The planted parent of a chain child, and the amount that it passes on. Its own parents are planted first.

        Returns None for a node that fires by itself.
        """
        if node.primary or not self.reservations.setup.program.links_into(node):
            return None, None
        link = self.survey.parent_link(node)
        if link is None:
            raise UnplantableError("none of its chain parents can fire")
        above = self.reservations.setup.program.nodes[link.parent]
        plain = TransferRequest(
            plant=request.plant, day=request.day, cents=request.cents, prefer=request.prefer, turn=request.turn
        )
        if request.apart:
            unit = self.survey.unit_account(above.driver, request.turn)
            plain = replace(plain, prefer=(), turn=request.turn + (unit in request.fixed.values()))
        grandparent, total = self._parent_of(above, plain)
        # The firing that a sweep takes decides the sweep's amount and time, and so which sweep takes the sweep.
        parent = self.transfer(above, replace(plain, parent=grandparent, total=total, bundle=not above.aggregates))
        if above.aggregates:
            self._fill(parent, plain)
            self.assign_tick(parent.firings[0])
        self._required_children(parent, request.prefer, skip=link)
        return parent, _passed_on(parent, link)

    def _required_children(
        self, parent: PlantedTransfer, prefer: Sequence[AccountIndex], skip: ChainLink | None = None
    ) -> None:
        """Plants the Required chain children of a transfer, and theirs. The link `skip` already has its child."""
        for link in self.survey.required_links(parent.node):
            member = self.survey.member_of(link)
            if link is not skip and member is not None:
                self.child(parent, link, member, prefer)

    def child(
        self, parent: PlantedTransfer, link: ChainLink, member: NodeIndex, prefer: Sequence[AccountIndex]
    ) -> None:
        """A chain child of a transfer: the node of a member of one of its links, with its own Required children.

        Returns None if the parent passes nothing on, or a cap leaves nothing for the child.
        """
        amount, known = _passed_on(parent, link), [int(column[0]) for column in parent.fired.accounts()]
        accounts = (*prefer, *known)
        if amount <= 0 and link.parent_rail is not None:
            return
        request = TransferRequest(
            plant=parent.plant, day=parent.day, cents=amount, prefer=accounts, parent=parent, total=amount
        )
        try:
            child = self.transfer(self.reservations.setup.program.nodes[member], request)
        except NothingLeftError:
            return
        self._required_children(child, accounts)

    # ---- single transfers ---------------------------------------------------------------------------------------

    def transfer(self, node: Node, request: TransferRequest) -> PlantedTransfer:
        """One transfer of a node, with its sweeps. Raises UnplantableError if it cannot be complete."""
        transfer = self.maker.make(node, request, self.settled)
        self.transfers.append(transfer)
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
        """Whether a tick posts after a firing, and has room for it under the cap of the account that it debits."""
        if self.posting_times.tick_second(tick) <= firing.second:
            return False
        room = self.posting_times.room(tick)
        if room is None:
            return True
        planned = sum(abs(f.cents) for t in self.transfers for f in t.firings if f.tick == tick)
        # Planted sweeps pay out of the same cap.
        left = self.reservations.left(*self._payer_of(tick))[0]
        return abs(firing.cents) <= min(room - planned, left)

    def _payer_of(self, tick: TickIndex) -> tuple[RailPlan, tuple[AccountIndex], SecondOrdinal]:
        """The rail of a tick, the account that it debits, and the second."""
        times = self.posting_times
        return times.sweep_of(tick).driver, (times.debited(tick),), times.tick_second(tick)

    def _load(self, tick: TickIndex, cents: Cents) -> None:
        """Books a tick's payment for a planted firing. A negative amount cancels it."""
        if self.posting_times.room(tick) is not None:
            rail, (account,), second = self._payer_of(tick)
            self.reservations.spend(rail, account, second, cents)

    def sweep(self, rail: RailPlan, request: TransferRequest, bundled: PlantedFiring | None) -> None:
        """A planted firing of an aggregating rail. It bundles `bundled`, by default a firing that is made for it."""
        transfer = self.transfer(self.survey.node_of(rail), replace(request, bundle=False, prefer=()))
        if bundled is None:
            self._fill(transfer, replace(request, bundle=True))
        self._finish(transfer, bundled, request.bundle)

    def _fill(self, sweep: PlantedTransfer, request: TransferRequest) -> None:
        """Plants a firing of the first rail that a sweep bundles, and lets the sweep take it.

        A sweep of sweeps gets a sweep that is filled in turn.
        """
        rails = self.survey.to_fill(sweep.node.driver)
        if not rails:
            raise UnplantableError("nothing that it bundles can be planted")
        rail = rails[0]
        if rail.cadence is not None:
            plain = TransferRequest(
                plant=request.plant, day=sweep.day, cents=request.cents, turn=request.turn, bundle=False
            )
            below = self.transfer(self.survey.node_of(rail), plain)
            self._fill(below, request)
            self._required_children(below, ())
            self._take(sweep, below.firings[0])
            return
        made = self.family(rail, replace(request, day=sweep.day, bundle=False, fixed={}, parent=None, total=None))
        self._take(sweep, made.own(rail))
        for firing in made.firings:
            self.assign_tick(firing)

    def _finish(self, sweep: PlantedTransfer, firing: PlantedFiring | None, bundle: bool = True) -> None:
        """Lets a planted sweep take a firing, then plants the sweep's own sweep and its children."""
        if firing is not None:
            self._take(sweep, firing)
        if bundle:
            self.assign_tick(sweep.firings[0])
        self._required_children(sweep, ())

    def _take(self, sweep: PlantedTransfer, firing: PlantedFiring) -> None:
        """Lets a planted sweep take a firing: the sweep posts after it, with its amount."""
        if firing.tick >= 0:
            self._load(firing.tick, -abs(firing.cents))
        firing.sweep, firing.tick = sweep, -1
        own = sweep.firings[0]
        self.reservations.spend(own.rail, own.accounts[0], own.second, -debit_of(own))
        own.cents = abs(firing.cents) * (1 if own.rail.two_leg else own.rail.legs[0].sign)
        sweep.day = max(sweep.day, firing.transfer.day)
        later = [second for second in self.posting_times.ticks_on(sweep.node, sweep.day) if second > firing.second]
        own.second = later[0] if later else own.second
        if own.second <= firing.second:
            due, day, latest = np.array([[own.second], [sweep.day], [firing.second]])
            own.second = int(
                tick_seconds(due, day, latest, np.array([self.reservations.word(sweep.plant)], np.uint64))[0]
            )
        self.reservations.spend(own.rail, own.accounts[0], own.second, debit_of(own))
        if (self.reservations.headroom(own.rail, own.accounts[0], own.second) or 0) < 0:
            raise UnplantableError(f"a cap leaves too little for what {own.rail.name} would bundle")

    def swept_at(self, firing: PlantedFiring) -> SecondOrdinal | None:
        """The second at which the sweep that takes a firing posts. None if no sweep takes it."""
        if firing.sweep is not None:
            return firing.sweep.firings[0].second
        return self.posting_times.tick_second(firing.tick) if firing.tick >= 0 else None


def _passed_on(parent: PlantedTransfer, link: ChainLink) -> Cents:
    """The amount that a chain child gets from its parent."""
    return int(passed_on(parent.fired, link.parent_rail)[0])
