"""The foundation of a dataset: the compiled bank, its blocks, and the totals of the first pass over all blocks.

The second pass makes the blocks again; addressed draws give the same values. Blocks are kept instead as long as a
fixed amount of memory lasts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from seedbed.baseline.block import Block, Setup, block_of, build_work
from seedbed.baseline.caps import UNLIMITED, CapLedger
from seedbed.baseline.entries import EntryNumbers
from seedbed.baseline.metadata import key_repeats
from seedbed.baseline.settle import Balances, day_nets, settle
from seedbed.baseline.sweeps import Sweeps, TickTotals, sweep, totals_of
from seedbed.errors import InputError
from seedbed.ledger.dataset import Dataset
from seedbed.program.accounts import BlockAccounts
from seedbed.program.bounds import too_many
from seedbed.program.build import build_program
from seedbed.program.rails import RailCaps
from seedbed.program.window import Window, build_window
from seedbed.scenario.survey import Survey
from seedbed.units import DAY_SECONDS, AccountIndices, BlockNumber, CapIndex, CentsArray, SecondOrdinals

if TYPE_CHECKING:
    from seedbed.planting.planted import Planted, Refusals
    from seedbed.planting.settled_baseline import SettledBaseline
    from seedbed.scenario.plants import ScenarioPlant

__all__ = ["Foundation", "Shares", "neighbours"]


# The memory for blocks that are kept between the two passes.
KEPT_BYTES = 300 * 2**20

Key = TypeVar("Key", str, CapIndex)


@dataclass(frozen=True, kw_only=True)
class Shares:
    """The contribution of a group of blocks to the shared totals.

    Tick totals; the day nets of the shared accounts, shape (accounts, days); per parent role the stored balances of
    the blocks' own accounts, shape (days,); what was spent of the shared accounts' caps, and what they paid out or
    took in under them in the end: a firing that is dropped has spent, but moved nothing.
    """

    totals: TickTotals
    nets: CentsArray
    children: Mapping[str, CentsArray]
    spent: Mapping[CapIndex, CentsArray]
    paid: Mapping[CapIndex, CentsArray]

    def plus(self, other: "Shares") -> "Shares":
        """The shares of both groups."""
        return Shares(
            totals=TickTotals(
                self.totals.cents + other.totals.cents,
                self.totals.count + other.totals.count,
                np.maximum(self.totals.latest, other.totals.latest),
            ),
            nets=self.nets + other.nets,
            children=_added(self.children, other.children),
            spent=_added(self.spent, other.spent),
            paid=_added(self.paid, other.paid),
        )


def neighbours(blocks: int, groups: int) -> list[range]:
    """The block numbers in at most `groups` groups of neighbours. Sizes differ by at most one."""
    groups = min(max(1, groups), blocks)
    edges = [blocks * group // max(1, groups) for group in range(groups + 1)]
    return [range(start, stop) for start, stop in pairwise(edges)]


def _added(one: Mapping[Key, CentsArray], other: Mapping[Key, CentsArray]) -> dict[Key, CentsArray]:
    both = dict(one)
    for key, values in other.items():
        both[key] = both[key] + values if key in both else values
    return both


def moved_under_caps(window: Window, block: Block) -> dict[CapIndex, CentsArray]:
    """What a block's capped rails take out of shared accounts or bring in, per cap, account and cap day."""
    moved: dict[CapIndex, CentsArray] = {}
    for _, firing, _ in block.firings():
        for caps in firing.rail.caps:
            leg = firing.accounts[caps.leg], firing.second, firing.leg_cents(caps.leg)
            _move(moved, window, block.block_accounts, caps, *leg)
    return moved


def _move(
    moved: dict[CapIndex, CentsArray],
    window: Window,
    block_accounts: BlockAccounts,
    caps: RailCaps,
    account: AccountIndices,
    second: SecondOrdinals,
    cents: CentsArray,
) -> None:
    """Adds what these legs on shared accounts spend of caps.

    Cap days are those of the window and one more at both ends, for shifted business days.
    """
    here = np.flatnonzero(account < block_accounts.shared)
    if here.size:
        account = account[here]
        own = (second[here] - block_accounts.offset_seconds[account]) // DAY_SECONDS
        day = window.cap_day(own, second[here] // DAY_SECONDS) - (window.first - 1)
        under = moved.setdefault(
            caps.index, np.zeros((block_accounts.shared, window.last - window.first + 3), np.int64)
        )
        np.add.at(under, (account, day), caps.spent(cents[here]))


class Foundation:
    """A compiled dataset.

    Raises InputError for an argument outside its range, and for chains that multiply too far.
    """

    def __init__(self, dataset: Dataset) -> None:
        bank = dataset.bank
        program = build_program(bank, dataset.accounts, dataset.seed)
        window = build_window(dataset.anchor, dataset.window_days, bank.calendar)
        flood = too_many(program, window) if dataset.baseline else None
        if flood is not None:
            raise InputError(f"{bank.instance}: {flood}")
        self.dataset = dataset
        self.setup: Setup = build_work(program, window)
        self.blocks = program.universe.blocks
        self.numbers = EntryNumbers((rail.name for rail in program.rails), self.blocks)
        self.survey = Survey(program, self.setup.window)
        self._kept: dict[BlockNumber, Block] = {}
        self._room = KEPT_BYTES
        self._planted: tuple[ScenarioPlant, Planted] | None = None
        self._shares: Shares | None = None

    def block(self, number: BlockNumber) -> Block:
        """The firings of a block. They are kept while there is room; those of block 0 are always kept."""
        if number in self._kept:
            return self._kept[number]
        if self.dataset.baseline:
            block = block_of(self.setup, number)
        else:
            block = Block(self.setup.program.universe.block_accounts(number), (), (), {})
        if number == 0 or block.memory <= self._room:
            self._kept[number] = block
            self._room -= block.memory
        return block

    def release(self, number: BlockNumber) -> None:
        """Forgets a block that is not needed again."""
        if number in self._kept:
            self._room += self._kept.pop(number).memory

    def shares(self, groups: int = 1) -> Shares:
        """The first pass. `groups` is the number of groups of neighbouring blocks; it does not change the result."""
        if self._shares is None:
            self._shares = reduce(Shares.plus, map(self.shares_of, neighbours(self.blocks, groups)))
        return self._shares

    def adopt(self, shares: Shares) -> None:
        """Takes the result of a first pass that other processes made: the shares of all blocks."""
        self._shares = shares

    def adopt_ticks(self, ticks: Sweeps) -> None:
        """Takes the postings of the ticks from the process that settled them, as `ticks`."""
        self.ticks = ticks

    def shares_of(self, blocks: range) -> Shares:
        """The shares of a group of one or more neighbouring blocks. Any process can make them."""
        return reduce(Shares.plus, self._shares_one_by_one(blocks))

    def _shares_one_by_one(self, blocks: range) -> Iterator[Shares]:
        for number in blocks:
            block = self.block(number)
            block_accounts = block.block_accounts
            nets = self.nets(block)
            children: dict[str, CentsArray] = {}
            if number:
                stored = settle(self.setup, block_accounts, nets, {}).stored[block_accounts.shared :]
                own = block_accounts.class_index[block_accounts.shared :]
                for account_class in block_accounts.classes:
                    if account_class.internal and account_class.parent_role:
                        total = stored[own == account_class.index].sum(axis=0)
                        children = _added(children, {account_class.parent_role: total})
            paid = moved_under_caps(self.setup.window, block)
            yield Shares(
                totals=totals_of(self.setup, block),
                nets=nets[: block_accounts.shared],
                children=children,
                spent=block.spent,
                paid=paid,
            )

    def nets(self, block: Block) -> CentsArray:
        """The day nets of a block's firings, shape (accounts, days)."""
        return day_nets(self.setup, block.block_accounts, (firing for _, firing, _ in block.firings()))

    @cached_property
    def sweeps(self) -> Sweeps:
        """The sweeps of the baseline without plants."""
        return self.sweeps_with(self.shares().totals)

    def sweeps_with(self, totals: TickTotals, spent: Mapping[CapIndex, CentsArray] | None = None) -> Sweeps:
        """What the ticks post with these totals, which stay as they are; `spent` of caps, else what blocks have."""
        copied = TickTotals(totals.cents.copy(), totals.count.copy(), totals.latest.copy())
        return sweep(self.setup, copied, self.shares().spent if spent is None else spent)

    def sweeps_of(self, planted: "Planted", out: frozenset[str] = frozenset()) -> Sweeps:
        """The postings of the ticks with the planted legs in their totals, except those of the plants `out`.

        What plants move under a cap is gone for what follows from sweeps, as far as the baseline leaves it: where
        they move more, they breach the cap beside what the baseline moves, as the answer key says.
        """
        block_accounts, window, paid = self.survey.block_accounts, self.setup.window, dict[CapIndex, CentsArray]()
        for firing in planted.posted(out):
            for caps in firing.rail.caps:
                values = firing.accounts[caps.leg], firing.second, firing.leg_cents(caps.leg)
                _move(paid, window, block_accounts, caps, *(np.array([value]) for value in values))
        spent = dict(self.shares().spent)
        for index, cents in paid.items():
            caps, flat = self.setup.program.caps[index], np.zeros(cents.size, np.int64)
            left = self._caps_after.left_on_shared(caps)
            taken = np.where(left < UNLIMITED // 2, np.minimum(cents, np.maximum(left, 0)), 0)
            spent[index] = spent.get(index, flat).reshape(-1) + taken.reshape(-1)
        return self.sweeps_with(planted.totals(self.shares().totals, out), spent)

    @cached_property
    def _caps_after(self) -> CapLedger:
        """The caps of block 0's accounts after all spending of the baseline."""
        spent = {index: cents.reshape(-1) for index, cents in self.shares().spent.items()}
        for index, cents in moved_under_caps(self.setup.window, self.sweeps.block).items():
            spent[index] = spent.get(index, np.zeros(cents.size, np.int64)) + cents.reshape(-1)
        return CapLedger(
            block_accounts=self.survey.block_accounts, window=self.setup.window, spenders={}, spent=spent
        )

    @cached_property
    def shared_nets(self) -> CentsArray:
        """The day nets of block 0's accounts in the baseline alone."""
        return self.shares().nets + self.nets(self.sweeps.block)

    @cached_property
    def balances(self) -> Balances:
        """The balances of block 0's accounts in the baseline alone."""
        return settle(self.setup, self.survey.block_accounts, self.shared_nets, self.shares().children)

    def plant(
        self, scenario: "ScenarioPlant", skip: "Refusals | None" = None, swept: CentsArray | None = None
    ) -> "Planted":
        """A scenario planted on this baseline, without the plants to skip. The result without options is cached.

        `swept` are the cents that sweeps add to the baseline's day nets because of plants, as far as known. It has
        the shape of the nets.
        """
        from seedbed.planting.planted import plant_scenario  # noqa: PLC0415 - a baseline alone needs no plants

        if skip or (swept is not None and swept.any()):
            baseline = self.baseline if swept is None else replace(self.baseline, nets=self.baseline.nets + swept)
            return plant_scenario(self.setup, self.survey, scenario, baseline, skip)
        if self._planted is None or self._planted[0] != scenario:
            self._planted = (scenario, plant_scenario(self.setup, self.survey, scenario, self.baseline))
        return self._planted[1]

    @cached_property
    def baseline(self) -> "SettledBaseline":
        """The settled baseline, for planting."""
        from seedbed.planting.settled_baseline import SettledBaseline  # noqa: PLC0415 - a baseline alone needs no plants

        return SettledBaseline(
            totals=self.shares().totals,
            sweeps=self.sweeps,
            nets=self.shared_nets,
            stored=self.balances.stored,
            paid=_added(self.shares().paid, moved_under_caps(self.setup.window, self.sweeps.block)),
            collected=frozenset(
                (fired.node.index, unit, day)
                for fired in (*self.block(0).fired, *self.sweeps.block.fired)
                if key_repeats(fired.node)
                for unit, day in zip(fired.transfers.unit.tolist(), fired.transfers.day.tolist(), strict=True)
            ),
            blocks=self.blocks,
        )
