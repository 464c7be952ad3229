"""The whole baseline: blocks, what they share, settlement, parts in canonical order."""

from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np
import numpy.typing as npt

from seedbed.bank.model import Bank
from seedbed.baseline.balance_rows import balance_table
from seedbed.baseline.block import Block, Work, block_of, build_work
from seedbed.baseline.entries import EntryNumbers
from seedbed.baseline.rows import assignment_entries, legs_of_block, legs_of_openings, transaction_table
from seedbed.baseline.settle import Balances, day_nets, settle
from seedbed.baseline.system import Sweeps, TickTotals, sweep, tick_totals, totals_of
from seedbed.ledger.dataset import Part
from seedbed.plan.program import build_program
from seedbed.plan.window import build_window

__all__ = ["baseline_parts"]

Integers = npt.NDArray[np.int64]


def baseline_parts(
    bank: Bank,
    anchor: date,
    window_days: int = 90,
    accounts: Mapping[str, int] | None = None,
    seed: int = 42,
    groups: int = 1,
) -> Iterator[Part]:
    """The parts of a baseline, one per block, in canonical order.

    `groups` is how many groups of neighbouring blocks are made one after another before their shares are summed; it
    changes nothing in the result. Raises InputError for arguments outside their range.
    """
    program = build_program(bank, accounts, seed)
    work = build_work(program, build_window(anchor, window_days, bank.calendar))
    numbers = EntryNumbers((rail.name for rail in program.rails), program.universe.blocks)
    groups_of_blocks = np.array_split(np.arange(program.universe.blocks), min(groups, program.universe.blocks))
    totals = tick_totals(work.ticks.count)
    shared: Integers | None = None
    children: dict[str, Integers] = {}
    for group in groups_of_blocks:
        for number in group.tolist():
            block = block_of(work, number)
            _merge(totals, totals_of(work, block))
            nets = day_nets(work, block.view, (firing for _, firing, _ in block.firings()))
            part = nets[: block.view.shared]
            shared = part if shared is None else shared + part
            if number:
                _add_own_children(work, block, nets, children)
    assert shared is not None, "there is always a block"
    sweeps = sweep(work, totals)
    shared = shared + day_nets(work, sweeps.block.view, (firing for _, firing, _ in sweeps.block.firings()))
    for number in range(program.universe.blocks):
        block = block_of(work, number)
        if number == 0:
            balances = settle(work, block.view, shared, children)
        else:
            nets = day_nets(work, block.view, (firing for _, firing, _ in block.firings()))
            balances = settle(work, block.view, nets, {})
        yield _part(work, numbers, block, sweeps, balances, number)


def _merge(into: TickTotals, more: TickTotals) -> None:
    into.cents[:] += more.cents
    into.count[:] += more.count
    np.maximum(into.latest, more.latest, out=into.latest)


def _add_own_children(work: Work, block: Block, nets: Integers, children: dict[str, Integers]) -> None:
    """Adds what a block's own accounts contribute to their parents' stored balances."""
    view = block.view
    stored = settle(work, view, nets, {}).stored[view.shared :]
    own = view.class_index[view.shared :]
    for account_class in view.classes:
        if account_class.internal and account_class.parent_role:
            total = stored[own == account_class.index].sum(axis=0)
            children[account_class.parent_role] = children.get(account_class.parent_role, 0) + total


def _part(work: Work, numbers: EntryNumbers, block: Block, sweeps: Sweeps, balances: Balances, number: int) -> Part:
    groups = []
    sources = [(block, number, number)]
    if number == 0:
        sources.append((sweeps.block, numbers.blocks, numbers.blocks + 1))
    for source, base, second in sources:
        legs = legs_of_block(work, numbers, source, base)
        if legs is not None:
            groups.append((legs, *assignment_entries(work, numbers, legs, sweeps, second)))
    openings = legs_of_openings(work, numbers, block.view, balances, number)
    if openings is not None:
        nothing = np.empty(0, dtype=np.int64)
        groups.append((openings, nothing, nothing))
    return Part(
        transaction_table(work, block.view, sweeps, groups),
        balance_table(work, numbers, block.view, balances, number),
    )
