"""The planter: makes whole transfers on chosen accounts and days, and keeps the book of what has been planted.

It knows the baseline only by what is settled already: the ticks with what they bundle, the caps with what is spent.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from seedbed.baseline.block import Block, Work
from seedbed.baseline.stage import CHILD_DELAY, CHILD_SPREAD, CLOSING_SPREAD
from seedbed.baseline.system import Sweeps, TickTotals
from seedbed.draw.address import counters, draw
from seedbed.errors import InputError
from seedbed.plan.calendar import DAY_SECONDS
from seedbed.plan.program import ChainLink, Node
from seedbed.plan.rails import RailLeg, RailPlan
from seedbed.plan.window import Window
from seedbed.planting.transfers import PlantedFiring, PlantedTransfer, Status, Surfacing
from seedbed.scenario.survey import Survey, split_amounts

__all__ = ["Base", "Drain", "Planter", "Spent", "Unplantable"]

Integers = npt.NDArray[np.int64]


class Unplantable(Exception):
    """A plant that cannot be made; the message is the reason."""


class Spent:
    """What the baseline pays out under caps, per rail, account of block 0 and cap day."""

    def __init__(self, window: Window, blocks: Mapping[int, Integers], sweeps: Block) -> None:
        self._first = window.first - 1
        self._span = window.last - window.first + 3
        self._blocks = blocks
        self._sweeps: dict[tuple[int, int, int], int] = defaultdict(int)
        offsets = sweeps.view.offset_seconds
        for _, firing, _ in sweeps.firings():
            if firing.rail.caps and len(firing):
                account = firing.accounts[0]
                days = (firing.second - offsets[account]) // DAY_SECONDS
                paid = np.maximum(-firing.leg_cents(0), 0)
                for key in zip(account.tolist(), days.tolist(), paid.tolist(), strict=True):
                    self._sweeps[firing.rail.index, key[0], key[1]] += key[2]

    def cents(self, rail: RailPlan, account: int, day: int) -> int:
        """The flow of one account by one rail on a cap day."""
        by_blocks = self._blocks.get(rail.index)
        slot = account * self._span + day - self._first
        known = int(by_blocks[slot]) if by_blocks is not None and 0 <= day - self._first < self._span else 0
        return known + self._sweeps.get((rail.index, account, day), 0)


@dataclass(frozen=True)
class Base:
    """The baseline that is planted on, as far as block 0 sees it.

    `totals` and `sweeps` are the ticks' without any plant; `nets` and `stored` the day nets and stored balances of
    block 0's accounts, shape (accounts, days), in cents; `spent` the flow under caps.
    """

    totals: TickTotals
    sweeps: Sweeps
    nets: Integers
    stored: Integers
    spent: Spent
    blocks: int


@dataclass(frozen=True)
class Drain:
    """An overdraft to be made once all else is planted: `money` is the stored balance in cents that it leaves."""

    plant: str
    account: int
    day: int
    rail: RailPlan
    money: int


@dataclass
class Planter:
    """Plants transfers one after another, and remembers what each plant needs to show.

    `deltas` are (plant, account, day, cents) to be added to stored balances, `openings` the accounts whose opening
    is given in cents, `firings` the planted firings of single rails by (rail, number).
    """

    work: Work
    survey: Survey
    base: Base
    transfers: list[PlantedTransfer] = field(default_factory=list)
    deltas: list[tuple[str, int, int, int]] = field(default_factory=list)
    openings: dict[int, int] = field(default_factory=dict)
    surfacings: list[Surfacing] = field(default_factory=list)
    drains: list[Drain] = field(default_factory=list)
    firings: dict[tuple[str, int], PlantedFiring] = field(default_factory=dict)
    _flows: dict[tuple[int, int, int], int] = field(default_factory=lambda: defaultdict(int))
    _occupied: set[tuple[int, int, int]] = field(default_factory=set)
    _claimed: set[tuple[str, ...]] = field(default_factory=set)
    _drawn: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    # ---- draws, days, accounts ----------------------------------------------------------------------------------

    def word(self, plant: str) -> int:
        """The next 64-bit draw of a plant."""
        key = self.work.program.keys.key(plant, "plant")
        self._drawn[plant] += 1
        return int(draw(key, counters(0, 0, self._drawn[plant]))[0])

    def below(self, plant: str, bound: int) -> int:
        """The next draw of a plant below a bound of at least 1."""
        return (self.word(plant) >> 32) * max(bound, 1) >> 32

    def day(self, days_ago: int) -> int:
        """The business day of a plant. Raises Unplantable where it lies before the window."""
        day = self.survey.day(days_ago)
        if day is None:
            raise Unplantable(f"{days_ago} days before the anchor there is no business day in the window")
        return day

    def claim(self, day: int, *key: str) -> int:
        """The first business day up to `day` on which nothing claimed this key yet; it is claimed from now on."""
        found: int | None = day
        while found is not None:
            if (*key, str(found)) not in self._claimed:
                self._claimed.add((*key, str(found)))
                return found
            found = self.survey.day_before(found)
        raise Unplantable("every earlier business day of the window has one already")

    def account(self, account_id: str) -> int:
        """The local account of an id. Raises InputError where block 0 has no such account."""
        if account_id not in self.survey.index_of:
            raise InputError(f"scenario: no account '{account_id[:80]}' that a plant can use")
        return self.survey.index_of[account_id]

    def rail(self, name: str) -> RailPlan:
        """The rail of a name. Raises InputError where the bank has none, Unplantable where it cannot fire."""
        if name not in self.survey.rail_named:
            raise InputError(f"scenario: the bank has no rail '{name[:80]}'")
        rail = self.survey.rail_named[name]
        refusal = self.survey.refusal(rail)
        if refusal is not None:
            raise Unplantable(refusal)
        return rail

    # ---- caps ---------------------------------------------------------------------------------------------------

    def cap_day(self, account: int, second: int) -> int:
        """The business day to which a posting on an account counts for caps."""
        return (second - int(self.survey.view.offset_seconds[account])) // DAY_SECONDS

    def flow(self, rail: RailPlan, account: int, day: int) -> int:
        """What the account pays out by the rail on a cap day, baseline and plants, in cents."""
        return self.base.spent.cents(rail, account, day) + self._flows.get((rail.index, account, day), 0)

    def headroom(self, rail: RailPlan, account: int, second: int) -> int | None:
        """What a cap leaves of an account's day, None without a cap."""
        cap = self.survey.cap_on(rail, account)
        return None if cap is None else cap - self.flow(rail, account, self.cap_day(account, second))

    def spend(self, firing: PlantedFiring, cents: int) -> None:
        """Books what a firing pays out under a cap."""
        account = firing.accounts[0]
        if self.survey.cap_on(firing.rail, account) is not None:
            self._flows[firing.rail.index, account, self.cap_day(account, firing.second)] += cents

    def _choose(
        self,
        rail: RailPlan,
        leg: RailLeg,
        cents: int,
        second: int,
        prefer: Sequence[int],
        others: set[int],
        within_caps: bool,
        turn: int,
    ) -> int:
        """The account of a leg: the first preferred one, else the pool's next in turn, within the caps if possible."""
        pool = self.survey.pool(leg.roles)
        start = turn % max(len(pool), 1)
        order = [*(a for a in prefer if self.survey.admits(leg, a)), *pool[start:], *pool[:start]]
        order = [account for account in order if account not in others]
        if not order:
            raise Unplantable(f"{rail.name} has no account left for one of its legs")
        if leg.sign > 0 or not rail.caps or not within_caps:
            return order[0]
        for account in order:
            room = self.headroom(rail, account, second)
            if room is None or room >= cents:
                return account
        return order[0]

    # ---- whole transfers ----------------------------------------------------------------------------------------

    def family(
        self,
        plant: str,
        rail: RailPlan,
        day: int,
        cents: int,
        prefer: Sequence[int],
        *,
        children: bool = True,
        status: Status = Status.POSTED,
        within_caps: bool = True,
        bundle: bool = True,
        turn: int = 0,
        fixed: Mapping[int, int] | None = None,
        second: int | None = None,
    ) -> PlantedTransfer:
        """A transfer with this rail, with its chain parent where it is a child, and with every Required child.

        A transfer that is not Posted has a Posted parent and no children. `fixed` gives legs of the rail (by number)
        their account; the others take one of `prefer` where they can.
        """
        node = self.survey.node_of(rail)
        parent, after = self._parent_of(plant, node, day, cents, prefer, turn)
        transfer = self.transfer(
            plant,
            node,
            day,
            cents,
            prefer,
            parent=parent,
            after=after,
            status=status,
            within_caps=within_caps,
            bundle=bundle,
            turn=turn,
            fixed=fixed,
            second=second,
            total=parent.credits if parent is not None and status is Status.POSTED else None,
        )
        if children and status is Status.POSTED:
            self.required_children(transfer, prefer, skip=None)
        return transfer

    def _parent_of(
        self, plant: str, node: Node, day: int, cents: int, prefer: Sequence[int], turn: int
    ) -> tuple[PlantedTransfer | None, int]:
        """The planted parent of a chain child, its own parents first; (None, 0) for what fires by itself."""
        links = self.survey.links_into(node)
        if node.primary or not links:
            return None, 0
        link = next((k for k in links if self._can_fire(self.work.program.nodes[k.parent])), None)
        if link is None:
            raise Unplantable("no chain parent of it can fire")
        above = self.work.program.nodes[link.parent]
        grandparent, after = self._parent_of(plant, above, day, cents, prefer, turn)
        total = None if grandparent is None else grandparent.credits
        parent = self.transfer(
            plant, above, day, cents, prefer, parent=grandparent, after=after, total=total, turn=turn
        )
        if above.aggregates:
            self._fill_sweep(parent, prefer, turn)
        self.required_children(parent, prefer, skip=link)
        return parent, parent.last_second

    def show(self, plant: str, view: str, key: str, collateral: bool = False) -> None:
        """Notes where a plant must surface."""
        self.surfacings.append(Surfacing(plant, view, key, collateral))

    def withdraw(self, plant: str) -> None:
        """Takes back everything that has been planted for a plant."""
        for transfer in self.transfers:
            if transfer.plant == plant:
                for firing in transfer.firings:
                    if firing.status is Status.POSTED:
                        self.spend(firing, -max(-firing.leg_cents(0), 0))
        self.transfers = [transfer for transfer in self.transfers if transfer.plant != plant]
        self.deltas = [delta for delta in self.deltas if delta[0] != plant]
        self.drains = [drain for drain in self.drains if drain.plant != plant]
        self.surfacings = [surfacing for surfacing in self.surfacings if surfacing.plant != plant]
        self.firings = {place: f for place, f in self.firings.items() if f.transfer.plant != plant}
        for transfer in self.transfers:
            for firing in transfer.firings:
                if firing.sweep is not None and firing.sweep.plant == plant:
                    firing.sweep = None
                    self.assign_tick(firing)

    def swept_at(self, firing: PlantedFiring) -> int | None:
        """When the sweep that takes a firing posts; None where none does."""
        if firing.sweep is not None:
            return firing.sweep.firings[0].second
        return self.tick_second(firing.tick) if firing.tick >= 0 else None

    def _can_fire(self, node: Node) -> bool:
        return self.survey.refusal(node.rails[0]) is None

    def required_children(self, parent: PlantedTransfer, prefer: Sequence[int], skip: ChainLink | None) -> None:
        """The Required chain children of a transfer, and theirs; not that of `skip`, which has one already."""
        for link in self.survey.required_links(parent.node):
            member = self.survey.member_of(link)
            if link is not skip and member is not None:
                self.child(parent, self.work.program.nodes[member], prefer)

    def child(self, parent: PlantedTransfer, node: Node, prefer: Sequence[int]) -> PlantedTransfer:
        """A chain child of a transfer, with its own Required children."""
        known = [account for firing in parent.firings for account in reversed(firing.accounts)]
        accounts = [*prefer, *known]
        child = self.transfer(
            parent.plant,
            node,
            parent.day,
            parent.credits,
            accounts,
            parent=parent,
            after=parent.last_second,
            total=parent.credits,
        )
        self.required_children(child, accounts, skip=None)
        return child

    def transfer(
        self,
        plant: str,
        node: Node,
        day: int,
        cents: int,
        prefer: Sequence[int],
        *,
        parent: PlantedTransfer | None = None,
        after: int = 0,
        total: int | None = None,
        status: Status = Status.POSTED,
        within_caps: bool = True,
        bundle: bool = True,
        turn: int = 0,
        fixed: Mapping[int, int] | None = None,
        second: int | None = None,
    ) -> PlantedTransfer:
        """One transfer with all legs of a node; `after` is the second that a chain child follows, `second` its own.

        Raises Unplantable where no amounts or accounts make it whole.
        """
        amounts = split_amounts(node, cents, total) or split_amounts(node, cents)
        if amounts is None:
            raise Unplantable(f"the legs of {node.name} cannot net to its expected_net")
        unit = self._unit(node, prefer, turn)
        if node.collects and node.primary:
            day = self._free_day(node, unit, day)
        result = PlantedTransfer(plant, node, day, unit, (self.word(plant), self.word(plant)), 0, parent)
        result.salt = self.word(plant) if node.template is not None else 0
        salt, number = self.word(plant), 0
        order = sorted(node.rails, key=lambda rail: rail.variable)
        if second is None:
            seconds = self._seconds(result, order, after, bundle and status is Status.POSTED)
        else:
            seconds = dict.fromkeys((rail.index for rail in order), second)
        for rail in order:
            accounts: list[int] = []
            given = fixed if fixed and rail is node.driver else {}
            for place, leg in enumerate(rail.legs):
                moved = abs(amounts[rail.index])
                others = {*accounts, *(account for number, account in given.items() if number != place)}
                preferred = [given[place]] if place in given else [a for a in (unit, *prefer) if a >= 0]
                accounts.append(
                    self._choose(rail, leg, moved, seconds[rail.index], preferred, others, within_caps, turn)
                )
            firing = PlantedFiring(
                result, rail, tuple(accounts), amounts[rail.index], seconds[rail.index], number, salt, status
            )
            number += len(rail.legs)
            result.firings.append(firing)
            if status is Status.POSTED:
                self.spend(firing, max(-firing.leg_cents(0), 0))
        self.transfers.append(result)
        if bundle and status is Status.POSTED:
            for firing in result.firings:
                self.assign_tick(firing)
        return result

    def _unit(self, node: Node, prefer: Sequence[int], turn: int) -> int:
        """The account that the transfer is about: the first preferred one that it touches, else one of its own."""
        for account in prefer:
            if any(self.survey.touches(rail, account) for rail in node.rails):
                return account
        chosen = self.survey.unit_account(node.driver, turn)
        return -1 if chosen is None else chosen

    def _free_day(self, node: Node, unit: int, day: int) -> int:
        """The last business day up to `day` on which the account has no transfer of a collecting template yet."""
        found: int | None = day
        while found is not None:
            if (node.index, unit, found) not in self._occupied:
                self._occupied.add((node.index, unit, found))
                return found
            found = self.survey.day_before(found)
        raise Unplantable(f"the account has a transfer of {node.name} on every earlier business day")

    def occupy(self, node: Node, unit: int, day: int) -> None:
        """Marks a day on which an account has a transfer of a collecting template."""
        self._occupied.add((node.index, unit, day))

    # ---- hours --------------------------------------------------------------------------------------------------

    def _seconds(
        self, transfer: PlantedTransfer, rails: Sequence[RailPlan], after: int, bundle: bool
    ) -> dict[int, int]:
        """When the legs post: as the baseline's do, and in time for the tick that is to take them."""
        plant, node = transfer.plant, transfer.node
        midnight = transfer.day * DAY_SECONDS
        last_moment = midnight + DAY_SECONDS - 1
        open_rails = [rail for rail in rails if not rail.variable]
        seconds: dict[int, int] = {}
        if after:
            room = last_moment - after
            delay = min(CHILD_DELAY + self.below(plant, CHILD_SPREAD), room // 2)
            shared = after + max(delay, min(room, 1))
            seconds = dict.fromkeys((rail.index for rail in open_rails), shared)
        else:
            together = len(rails) > 1 and any(not rail.two_leg for rail in rails)
            start = max(rail.kind.band_start for rail in rails)
            end = min(rail.kind.band_end for rail in rails) - (CLOSING_SPREAD + 1 if node.closing else 0)
            if together and end > start:
                limit = min(self._in_time(node, rail, midnight + start, midnight + end, bundle) for rail in rails)
                shared = midnight + start + self.below(plant, limit - midnight - start)
                seconds = dict.fromkeys((rail.index for rail in open_rails), shared)
            else:
                for rail in open_rails:
                    first = midnight + rail.kind.band_start
                    limit = self._in_time(node, rail, first, midnight + rail.kind.band_end, bundle)
                    seconds[rail.index] = first + self.below(plant, limit - first)
        if node.closing is not None:
            spread = 1 if after else CLOSING_SPREAD
            closing = max(seconds.values(), default=midnight + node.driver.kind.band_start) + 1
            seconds[node.closing.index] = min(closing + self.below(plant, spread), last_moment)
        return seconds

    def band(self, rail: RailPlan, day: int) -> tuple[int, int]:
        """The hours of a rail on a day, cut so that a firing comes before its tick: first second, and end."""
        start = day * DAY_SECONDS + rail.kind.band_start
        return start, self._in_time(
            self.survey.node_of(rail), rail, start, day * DAY_SECONDS + rail.kind.band_end, bundle=True
        )

    def _in_time(self, node: Node, rail: RailPlan, start: int, end: int, bundle: bool) -> int:
        """The end of the hours in which a firing comes before its tick posts, `end` where no tick is in the way."""
        if not bundle or (rail.index, node.index) not in self.work.program.bundlers:
            return end
        tick = self._tick_at(rail, node, end - 1)
        posting = self.tick_second(tick) if tick >= 0 else end
        return posting if start < posting < end else end

    def tick_second(self, tick: int) -> int:
        """When a tick posts; the nominal second where the baseline has nothing for it."""
        sweeps = self.base.sweeps
        if sweeps.posted[tick]:
            return int(sweeps.second[tick])
        node = self.tick_node(tick)
        return int(self.work.ticks.ticks[node.index].nominal[tick - self.work.ticks.first[node.index]])

    def tick_node(self, tick: int) -> Node:
        """The aggregating rail of a tick."""
        index = max(
            (first, index)
            for index, first in self.work.ticks.first.items()
            if first <= tick < first + self.work.ticks.ticks[index].day.size
        )[1]
        return self.work.program.nodes[index]

    # ---- bundling -----------------------------------------------------------------------------------------------

    def _tick_at(self, rail: RailPlan, node: Node, second: int) -> int:
        """The tick that would take a leg posted at this second, -1 for none."""
        table = self.work.ticks
        bundlers = self.work.program.bundlers.get((rail.index, node.index), ())
        unlimited = [b for b in bundlers if b not in table.budget]
        return int(table.tick_of(unlimited or bundlers, np.array([second], dtype=np.int64))[0])

    def assign_tick(self, firing: PlantedFiring) -> None:
        """Gives a firing to the first tick that posts after it and can carry it; none may be left in the window.

        Where that tick has nothing to bundle in the baseline and the sweep has chain children, the firing gets a
        planted sweep of its own, so that the baseline's chains decide as they would without it.
        """
        node = firing.transfer.node
        if firing.bundled or (firing.rail.index, node.index) not in self.work.program.bundlers:
            return
        tick = self._tick_at(firing.rail, node, firing.second)
        if tick < 0:
            return
        sweep = self.tick_node(tick)
        span = self.work.ticks.of(sweep)
        while tick < span.stop and not self._carries(sweep, tick, firing):
            tick += 1
        if tick >= span.stop or not self._can_fire(sweep):
            return
        if self.base.totals.count[tick] or not self.work.program.links_from(sweep):
            firing.tick = tick
        else:
            self._own_sweep(sweep, firing, self.tick_second(tick))

    def _carries(self, sweep: Node, tick: int, firing: PlantedFiring) -> bool:
        """Whether a tick posts after a firing, and has room for it under the cap of the account that it debits."""
        if self.tick_second(tick) <= firing.second:
            return False
        budget = self.work.ticks.budget.get(sweep.index)
        if budget is None:
            return True
        planned = sum(abs(f.cents) for t in self.transfers for f in t.firings if f.tick == tick)
        room = budget * self.base.blocks - abs(int(self.base.totals.cents[tick])) - planned
        return abs(firing.cents) <= room

    def _own_sweep(self, sweep: Node, firing: PlantedFiring, second: int) -> None:
        """A planted sweep that takes one firing, at a given second, with its Required chain children."""
        plant = firing.transfer.plant
        transfer = self.transfer(plant, sweep, firing.transfer.day, abs(firing.cents), (), bundle=False)
        transfer.day = second // DAY_SECONDS
        transfer.firings[0].second = second
        firing.sweep = transfer
        self.assign_tick(transfer.firings[0])
        self.required_children(transfer, (), skip=None)

    def sweep(
        self, plant: str, rail: RailPlan, day: int, cents: int, bundled: PlantedFiring | None, turn: int
    ) -> None:
        """A planted firing of an aggregating rail on its own account: it bundles `bundled`, or a firing made for it."""
        node = self.survey.node_of(rail)
        transfer = self.transfer(plant, node, day, abs(bundled.cents) if bundled else cents, (), bundle=False)
        if bundled is None:
            self._fill_sweep(transfer, (), turn)
        else:
            self._take(transfer, bundled)
        self.assign_tick(transfer.firings[0])
        self.required_children(transfer, (), skip=None)

    def _fill_sweep(self, sweep: PlantedTransfer, prefer: Sequence[int], turn: int) -> None:
        """Plants a firing of the first rail that the sweep bundles, and lets the sweep take it."""
        for rail in self.survey.bundled_by(sweep.node.driver):
            if self.survey.refusal(rail) is None and rail.cadence is None:
                cents = sweep.firings[0].cents
                other = self.family(sweep.plant, rail, sweep.day, abs(cents), prefer, bundle=False, turn=turn)
                self._take(sweep, next(firing for firing in other.firings if firing.rail is rail))
                for firing in other.firings:
                    self.assign_tick(firing)
                return
        raise Unplantable("nothing that it bundles can be planted")

    def _take(self, sweep: PlantedTransfer, firing: PlantedFiring) -> None:
        """Lets a planted sweep take a firing: it posts after it, with its amount."""
        firing.sweep, firing.tick = sweep, -1
        own = sweep.firings[0]
        own.cents = abs(firing.cents) * (1 if own.rail.two_leg else own.rail.legs[0].sign)
        if own.second <= firing.second:
            sweep.day = max(sweep.day, firing.transfer.day)
            own.second = min(
                firing.second + CHILD_DELAY + self.below(sweep.plant, CHILD_SPREAD), self._midnight(firing)
            )

    @staticmethod
    def _midnight(firing: PlantedFiring) -> int:
        return (firing.second // DAY_SECONDS + 1) * DAY_SECONDS - 1
