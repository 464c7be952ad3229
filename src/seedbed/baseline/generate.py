"""The whole baseline: blocks, what they share, settlement, parts in canonical order.

Two passes. The first adds up what blocks share, in any grouping; the second makes the rows of each block. Blocks are
made anew in the second pass, which addressed draws make possible, unless there are so few that keeping them is free.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from seedbed.bank.model import Bank
from seedbed.baseline.balance_rows import balance_table
from seedbed.baseline.block import Block, Work, block_of, build_work
from seedbed.baseline.entries import EntryNumbers
from seedbed.baseline.rows import legs_of_blocks, legs_of_openings, transaction_table
from seedbed.baseline.settle import Balances, day_nets, settle
from seedbed.baseline.system import Sweeps, TickTotals, sweep, totals_of
from seedbed.ledger.dataset import Part
from seedbed.plan.program import build_program
from seedbed.plan.window import build_window

__all__ = ["Shares", "baseline_parts", "shares_of"]

Integers = npt.NDArray[np.int64]

KEPT_BLOCKS = 4

Key = TypeVar("Key", str, int)


@dataclass(frozen=True)
class Shares:
    """What a group of blocks adds to what all share.

    Tick totals; the day nets of the shared accounts, shape (accounts, days); per parent role the stored balances of
    the blocks' own accounts, shape (days,); per rail what was spent of the shared accounts' caps.
    """

    totals: TickTotals
    nets: Integers
    children: Mapping[str, Integers]
    spent: Mapping[int, Integers]

    def plus(self, other: "Shares") -> "Shares":
        """The shares of both groups."""
        return Shares(
            TickTotals(
                self.totals.cents + other.totals.cents,
                self.totals.count + other.totals.count,
                np.maximum(self.totals.latest, other.totals.latest),
            ),
            self.nets + other.nets,
            _added(self.children, other.children),
            _added(self.spent, other.spent),
        )


def _added(one: Mapping[Key, Integers], other: Mapping[Key, Integers]) -> dict[Key, Integers]:
    both = dict(one)
    for key, values in other.items():
        both[key] = both[key] + values if key in both else values
    return both


def shares_of(work: Work, block: Block) -> Shares:
    """What one block adds."""
    view = block.view
    nets = _nets(work, block)
    children: dict[str, Integers] = {}
    if view.block:
        stored = settle(work, view, nets, {}).stored[view.shared :]
        own = view.class_index[view.shared :]
        for account_class in view.classes:
            if account_class.internal and account_class.parent_role:
                total = stored[own == account_class.index].sum(axis=0)
                children = _added(children, {account_class.parent_role: total})
    return Shares(totals_of(work, block), nets[: view.shared], children, block.spent)


def _nets(work: Work, block: Block) -> Integers:
    return day_nets(work, block.view, (firing for _, firing, _ in block.firings()))


def baseline_parts(
    bank: Bank,
    anchor: date,
    window_days: int = 90,
    accounts: Mapping[str, int] | None = None,
    seed: int = 42,
    groups: int = 1,
) -> Iterator[Part]:
    """The parts of a baseline, one per block, in canonical order.

    `groups` is into how many groups of neighbouring blocks the first pass is cut; each is added up by itself, as a
    worker would. It changes nothing in the result. Raises InputError for arguments outside their range.
    """
    program = build_program(bank, accounts, seed)
    work = build_work(program, build_window(anchor, window_days, bank.calendar))
    blocks = program.universe.blocks
    numbers = EntryNumbers((rail.name for rail in program.rails), blocks)
    kept: dict[int, Block] = {}

    def group_shares(group: Iterable[int]) -> Iterator[Shares]:
        for number in group:
            block = block_of(work, number)
            if blocks <= KEPT_BLOCKS:
                kept[number] = block
            yield shares_of(work, block)

    groups_of_blocks = np.array_split(np.arange(blocks), max(1, min(groups, blocks)))
    shares = reduce(Shares.plus, (reduce(Shares.plus, group_shares(group.tolist())) for group in groups_of_blocks))
    sweeps = sweep(work, shares.totals, shares.spent)
    shared_nets = shares.nets + _nets(work, sweeps.block)
    for number in range(blocks):
        block = kept.pop(number) if number in kept else block_of(work, number)
        if number == 0:
            balances = settle(work, block.view, shared_nets, shares.children)
        else:
            balances = settle(work, block.view, _nets(work, block), {})
        yield _part(work, numbers, block, sweeps, balances)


def _part(work: Work, numbers: EntryNumbers, block: Block, sweeps: Sweeps, balances: Balances) -> Part:
    """The rows of a block; block 0 also has what the sweeps posted, and the accounts that all blocks share."""
    number = block.view.block
    # What fired, each with the block numbers that its entries carry: of first rows and of second rows.
    blocks = [(block, number, number)]
    if number == 0:
        blocks.append((sweeps.block, numbers.blocks, numbers.blocks + 1))
    legs = legs_of_blocks(work, numbers, blocks, legs_of_openings(work, numbers, block.view, balances, number))
    return Part(
        transaction_table(work, numbers, block.view, sweeps, legs),
        balance_table(work, numbers, block.view, balances, number),
    )
