"""The planter: makes whole transfers on chosen accounts and days, with their chains and their sweeps."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np

from seedbed.baseline.metadata import key_repeats
from seedbed.baseline.stage import CHILD_DELAY, CHILD_SPREAD
from seedbed.plan.calendar import DAY_SECONDS
from seedbed.plan.program import ChainLink, Node
from seedbed.plan.rails import RailPlan
from seedbed.planting.book import Book, NothingLeftError, UnplantableError
from seedbed.planting.hours import Hours
from seedbed.planting.orders import Drain, Order
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Status, Surfacing
from seedbed.scenario.survey import split_amounts

__all__ = ["Planter"]


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
        parent = self._parent_of(node, order)
        total = parent.credits if parent is not None and posted and not order.apart else None
        transfer = self.transfer(node, replace(order, parent=parent, total=total))
        if children and posted:
            self._required_children(transfer, order.prefer)
        return transfer

    def _parent_of(self, node: Node, order: Order) -> PlantedTransfer | None:
        """The planted parent of a chain child, its own parents first; None for what fires by itself."""
        if node.primary or not self.book.work.program.links_into(node):
            return None
        link = self.survey.parent_link(node)
        if link is None:
            raise UnplantableError("no chain parent of it can fire")
        above = self.book.work.program.nodes[link.parent]
        plain = Order(order.plant, order.day, order.cents, order.prefer, turn=order.turn)
        if order.apart:
            unit = self.survey.unit_account(above.driver, order.turn)
            plain = replace(plain, prefer=(), turn=order.turn + (unit in order.fixed.values()))
        grandparent = self._parent_of(above, plain)
        total = None if grandparent is None else grandparent.credits
        parent = self.transfer(above, replace(plain, parent=grandparent, total=total))
        if above.aggregates:
            self._fill(parent, plain)
        self._required_children(parent, order.prefer, skip=link)
        return parent

    def _required_children(
        self, parent: PlantedTransfer, prefer: Sequence[int], skip: ChainLink | None = None
    ) -> None:
        """The Required chain children of a transfer, and theirs; not that of `skip`, which has one already."""
        for link in self.survey.required_links(parent.node):
            member = self.survey.member_of(link)
            if link is not skip and member is not None:
                self.child(parent, self.book.work.program.nodes[member], prefer)

    def child(self, parent: PlantedTransfer, node: Node, prefer: Sequence[int]) -> None:
        """A chain child of a transfer, with its own Required children; none where a cap leaves nothing for it."""
        known = [account for firing in parent.firings for account in reversed(firing.accounts)]
        accounts = (*prefer, *known)
        amount = parent.credits
        try:
            child = self.transfer(
                node, Order(parent.plant, parent.day, amount, accounts, parent=parent, total=amount)
            )
        except NothingLeftError:
            return
        self._required_children(child, accounts)

    # ---- single transfers ---------------------------------------------------------------------------------------

    def transfer(self, node: Node, order: Order) -> PlantedTransfer:
        """One transfer with all legs of a node. Raises UnplantableError where it cannot be whole."""
        plant, below = order.plant, partial(self.book.below, order.plant)
        amounts = self._amounts(node, order)
        unit = self._unit(node, order)
        day = order.day
        if key_repeats(node):
            day = self.book.free_day(node, unit, day, movable=order.second is None)
        bundle = order.bundle and order.status is Status.POSTED
        if order.second is not None:
            seconds = self.hours.fixed(node.rails, order.second)
        elif node.aggregates:
            seconds = self.hours.sweep(node, day, below)
        elif order.parent is not None:
            seconds = self.hours.child(node, day, order.parent.last_second, below)
        else:
            seconds = self.hours.primary(node, day, below, bundle)
        due = seconds
        if order.flaw is not None:
            seconds = order.flaw.moved(due)
        amounts = self._within_caps(node, order, unit, amounts, seconds)
        words = (self.book.word(plant), self.book.word(plant))
        salt = self.book.word(plant) if node.template is not None else 0
        transfer = PlantedTransfer(plant, node, day, unit, words, salt, order.parent)
        own, count = self._rounds(node, order)
        for round_ in range(count):
            if round_ == own:
                self._fire(transfer, order, amounts, seconds)
            else:
                turn = self.book.below(plant, 2**16)
                drawn = {rail.index: self._drawn(rail, plant) for rail in node.rails}
                self._fire(
                    transfer,
                    replace(order, turn=turn, fixed={}, prefer=(), flaw=None),
                    drawn,
                    self.hours.primary(node, day, below, bundle),
                    companion=True,
                )
        for firing in transfer.firings if order.flaw is not None else ():
            firing.late = 0 if firing.companion else firing.second - due[firing.rail.index]
        self.transfers.append(transfer)
        for firing in transfer.firings if bundle else ():
            self.assign_tick(firing)
        return transfer

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

    def _fire(
        self,
        transfer: PlantedTransfer,
        order: Order,
        amounts: Mapping[int, int],
        seconds: Mapping[int, int],
        companion: bool = False,
    ) -> None:
        """Adds one firing of every rail of the transfer's node."""
        salt = self.book.word(order.plant)
        for rail in sorted(transfer.node.rails, key=lambda rail: rail.variable):
            cents, second = amounts[rail.index], seconds[rail.index]
            accounts = self._accounts(rail, transfer.node, order, transfer.unit, abs(cents), second)
            number = sum(len(firing.accounts) for firing in transfer.firings)
            firing = PlantedFiring(transfer, rail, accounts, cents, second, number, salt, order.status)
            firing.companion = companion
            if order.flaw is not None:
                order.flaw.mark(firing)
            transfer.firings.append(firing)
            if order.status is Status.POSTED:
                self.book.spend(rail, firing.accounts[0], second, _debit(firing))

    def _drawn(self, rail: RailPlan, plant: str) -> int:
        """An amount as the rail draws it."""
        return int(rail.amounts.cents(np.array([self.book.word(plant)], dtype=np.uint64))[0])

    def _amounts(self, node: Node, order: Order) -> dict[int, int]:
        """Cents per rail index; blended, the other rails of a template draw their own."""

        def drawn(rail: RailPlan) -> int:
            return order.cents if rail is node.driver else self._drawn(rail, order.plant)

        own = drawn if self.blend and order.parent is None else None
        amounts = split_amounts(node, order.cents, order.total, own) or split_amounts(node, order.cents)
        if amounts is None:
            raise UnplantableError(f"the legs of {node.name} cannot net to its expected_net")
        return amounts

    def _within_caps(
        self, node: Node, order: Order, unit: int, amounts: dict[int, int], seconds: Mapping[int, int]
    ) -> dict[int, int]:
        """The amounts, or lower ones where a cap leaves less. Raises NothingLeftError where it leaves nothing."""
        if order.exact or not order.within_caps or order.status is not Status.POSTED or node.aggregates:
            return amounts
        share = Fraction(1)
        for rail in node.rails:
            cents = amounts[rail.index]
            if rail.caps and rail.legs[0].sign <= 0 and (rail.two_leg or cents < 0):
                wanted = (unit, *order.prefer) if order.fixed.get(0) is None else (order.fixed[0],)
                room = self.book.room(rail, wanted, abs(cents), seconds[rail.index])
                share = share if room is None else min(share, Fraction(room, abs(cents)))
        if share == 1:
            return amounts
        total = None if order.total is None else int(order.total * share)
        lower = None if total == 0 else split_amounts(node, int(order.cents * share), total)
        if lower is None:
            raise NothingLeftError(f"a cap leaves nothing for {node.name}")
        return lower

    def _unit(self, node: Node, order: Order) -> int:
        """The account that the transfer is about: the first preferred one that it touches, else one of its own."""
        for account in order.prefer:
            if any(self.survey.touches(rail, account) for rail in node.rails):
                return account
        chosen = self.survey.unit_account(node.driver, order.turn)
        return -1 if chosen is None else chosen

    def _accounts(
        self, rail: RailPlan, node: Node, order: Order, unit: int, cents: int, second: int
    ) -> tuple[int, ...]:
        """The accounts of a rail's legs: fixed, else the unit, preferred ones, the pool in turn; never one twice."""
        fixed = order.fixed if rail is node.driver else {}
        chosen: list[int] = []
        for number, leg in enumerate(rail.legs):
            others = {*chosen, *(account for place, account in fixed.items() if place != number)}
            if self.blend:
                pool = tuple(self.survey.view.pool(leg.roles).tolist()) or self.survey.pool(leg.roles)
                start = self.book.below(order.plant, len(pool))
            else:
                pool = self.survey.pool(leg.roles)
                own = self.survey.plants_in(leg.roles)
                start = order.turn % max(own or len(pool), 1)
            wanted = (fixed[number],) if number in fixed else (unit, *order.prefer)
            known = [account for account in wanted if account >= 0 and self.survey.admits(leg, account)]
            settled = self.settled - set(known)
            accounts = [a for a in (*known, *pool[start:], *pool[:start]) if a not in others and a not in settled]
            if not accounts:
                raise UnplantableError(f"{rail.name} has no account left for one of its legs")
            capped = leg.sign <= 0 and rail.caps and order.within_caps
            chosen.append(self.book.payer(rail, accounts, second, cents) if capped else accounts[0])
        return tuple(chosen)

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
        if later:
            own.second = later[0]
        elif own.second <= firing.second:
            delay = CHILD_DELAY + self.book.below(sweep.plant, CHILD_SPREAD)
            own.second = min(firing.second + delay, (firing.second // DAY_SECONDS + 1) * DAY_SECONDS - 1)
        self.book.spend(own.rail, own.accounts[0], own.second, _debit(own))

    def swept_at(self, firing: PlantedFiring) -> int | None:
        """When the sweep that takes a firing posts; None where none does."""
        if firing.sweep is not None:
            return firing.sweep.firings[0].second
        return self.hours.tick_second(firing.tick) if firing.tick >= 0 else None


def _debit(firing: PlantedFiring) -> int:
    """What a firing takes out of its first account, in cents."""
    return max(-firing.leg_cents(0), 0)
