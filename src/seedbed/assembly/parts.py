"""Makes the parts of a ledger: the second pass. Plants come between the ticks and the settlement."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seedbed.assembly.answer_key import AnswerLines
from seedbed.assembly.foundation import Foundation
from seedbed.baseline.balance_rows import balance_table
from seedbed.baseline.block import Block
from seedbed.baseline.legs import legs_of_blocks, legs_of_openings
from seedbed.baseline.rows import transaction_tables
from seedbed.baseline.settle import Balances, Patch, settle
from seedbed.baseline.sweeps import Sweeps
from seedbed.ledger.dataset import Part

if TYPE_CHECKING:
    from seedbed.planting.planted import Planted
    from seedbed.planting.transfers import Surfacing
    from seedbed.scenario.plants import ScenarioPlant

__all__ = ["Settled", "first_parts", "later_parts", "parts_on", "settle_shared"]

# Most times that the scenario is planted again because planted firings changed the sweeps.
ATTEMPTS = 3
# The number of rails on which a hard negative is tried; each trial plants everything again.
RAILS_TRIED = 3


@dataclass(frozen=True)
class Settled:
    """The settled state of a dataset before rows are made: the postings of the ticks, and the plants of the scenario.

    `balances` are those of block 0's accounts; `collateral` is that of the plants.
    """

    sweeps: Sweeps
    balances: Balances
    planted: "Planted | None" = None
    collateral: "Sequence[Surfacing]" = ()

    @property
    def ticks(self) -> Sweeps:
        """The postings of the ticks without their firings. Other blocks need nothing else. Small and picklable."""
        return replace(self.sweeps, block=replace(self.sweeps.block, fired=(), ticks=()))


def parts_on(foundation: Foundation, groups: int = 1) -> Iterator[Part]:
    """The parts of a dataset, block after block, in canonical order.

    `groups` is the number of groups of neighbouring blocks in the first pass. Each group is added up alone, as a
    worker does. The result does not depend on it. Raises InputError for a scenario that names an unknown account or
    rail.
    """
    foundation.shares(groups)
    settled = settle_shared(foundation)
    yield from first_parts(foundation, settled)
    yield from later_parts(foundation, settled.ticks, range(1, foundation.blocks))


def settle_shared(foundation: Foundation) -> Settled:
    """Settles the shared accounts and the sweeps, and plants the scenario.

    Adds up the shares of all blocks, unless that is done already. Raises InputError for a scenario that names an
    unknown account or rail.
    """
    scenario = foundation.dataset.scenario
    return Settled(foundation.sweeps, foundation.balances) if scenario is None else _settled(foundation, scenario)


def first_parts(foundation: Foundation, settled: Settled) -> Iterator[Part]:
    """The parts of block 0, with the shared accounts, the sweeps and all plants."""
    yield from _first_parts(foundation, foundation.block(0), settled)
    foundation.release(0)


def later_parts(foundation: Foundation, ticks: Sweeps, blocks: range) -> Iterator[Part]:
    """The parts of these blocks, without block 0, in order. `ticks` is `Settled.ticks`.

    This needs no shares, so any process that has the dataset can make the parts.
    """
    for number in blocks:
        block = foundation.block(number)
        balances = settle(foundation.setup, block.block_accounts, foundation.nets(block), {})
        yield from _later_parts(foundation, block, ticks, balances)
        foundation.release(number)


def _settled(foundation: Foundation, scenario: "ScenarioPlant") -> Settled:
    """Plants and settles until every plant surfaces where it should.

    Planted legs change what sweeps post. If a sweep posts on the account that an overdraft drains, the scenario is
    planted again with the new sweeps. A plant that still does not surface after `ATTEMPTS` is omitted. A hard
    negative that takes part in an exception of balances is planted on another rail. It is omitted if there is no
    other rail, or if that happened on `RAILS_TRIED` rails.
    """
    from seedbed.assembly.calibration import without_faint_fanouts  # noqa: PLC0415 - a baseline needs no plants
    from seedbed.planting.causes import NEGATIVE, Settlement, collateral_of_balances  # noqa: PLC0415
    from seedbed.planting.planted import ANY_RAIL, rail_of  # noqa: PLC0415

    shares, before = foundation.shares(), foundation.nets(foundation.sweeps.block)
    skip: dict[tuple[str, str], str] = {}
    swept = np.zeros_like(before)
    attempts = ATTEMPTS
    while True:
        planted = foundation.plant(scenario, skip, swept)
        sweeps = foundation.sweeps_of(planted)
        now = foundation.nets(sweeps.block) - before
        drained = list(planted.openings)
        if attempts and bool((now[drained] != swept[drained]).any()):
            attempts, swept = attempts - 1, now
            continue
        patch = Patch(now + planted.nets, planted.deltas, planted.openings)
        balances = settle(
            foundation.setup, foundation.survey.block_accounts, foundation.shared_nets, shares.children, patch
        )
        collateral = collateral_of_balances(
            planted,
            Settlement(
                setup=foundation.setup,
                nets=foundation.shared_nets,
                swept=now,
                before=foundation.balances,
                after=balances,
                sweeps=sweeps,
                swept_without=partial(_swept_without, foundation, planted),
            ),
        )
        wrong = {s.plant: f"it would take part in {s.view}" for s in collateral if s.plant.startswith(NEGATIVE)}
        wrong |= dict.fromkeys(planted.healed(balances), "the sweeps of planted firings lift the account above zero")
        more = {(plant, rail_of(planted.plants[plant])): reason for plant, reason in wrong.items()}
        if not more:
            return Settled(sweeps, balances, without_faint_fanouts(foundation, planted), collateral)
        skip |= more
        tried = Counter(plant for plant, _ in skip)
        skip |= {(plant, ANY_RAIL): reason for (plant, _), reason in more.items() if tried[plant] >= RAILS_TRIED}


def _swept_without(foundation: Foundation, planted: "Planted", out: frozenset[str]) -> npt.NDArray[np.int64]:
    """The amounts that sweeps add to the baseline's day nets because of plants, without the plants `out`."""
    sweeps = foundation.sweeps_of(planted, out)
    return foundation.nets(sweeps.block) - foundation.nets(foundation.sweeps.block)


def _later_parts(foundation: Foundation, block: Block, sweeps: Sweeps, balances: Balances) -> Iterator[Part]:
    """The parts of a block other than block 0, with the rows of its own accounts."""
    setup, numbers, number = foundation.setup, foundation.numbers, block.block_accounts.block
    openings = legs_of_openings(setup, numbers, block.block_accounts, balances, number)
    legs = legs_of_blocks(setup, numbers, [(block, number, number)], openings)
    lines = AnswerLines(foundation, number)
    lines.add_baseline([block], balances, sweeps)
    last = Part(
        {
            "daily_balances": balance_table(setup, numbers, block.block_accounts, balances, number),
            "answer_key": lines.table(),
        }
    )
    return _parts(transaction_tables(setup, numbers, block.block_accounts, sweeps, legs), last)


def _first_parts(foundation: Foundation, block: Block, settled: Settled) -> Iterator[Part]:
    """The parts of block 0, with the rows of shared accounts, of sweeps and of plants."""
    setup, numbers, block_accounts = foundation.setup, foundation.numbers, block.block_accounts
    sweeps, planted, balances = settled.sweeps, settled.planted, settled.balances
    lines = AnswerLines(foundation, 0)
    lines.add_baseline([block, sweeps.block], foundation.balances, sweeps, balances)
    ticks, more = sweeps, None
    if planted is not None:
        from seedbed.assembly.answer_key_plants import plant_lines  # noqa: PLC0415 - a baseline alone needs no plants
        from seedbed.planting.rows import collect_planted, with_planted_sweeps  # noqa: PLC0415

        lines.add(plant_lines(planted, settled.collateral))
        ticks, places = with_planted_sweeps(sweeps, planted.transfers)
        more = partial(collect_planted, setup, numbers, planted.transfers, places)
    blocks = [(block, 0, 0), (sweeps.block, numbers.blocks, numbers.blocks + 1)]
    openings = legs_of_openings(setup, numbers, block_accounts, balances, 0)
    legs = legs_of_blocks(setup, numbers, blocks, openings, more)
    omitted = () if planted is None else planted.omitted
    last = Part(
        {"daily_balances": balance_table(setup, numbers, block_accounts, balances, 0), "answer_key": lines.table()},
        omitted,
    )
    return _parts(transaction_tables(setup, numbers, block_accounts, ticks, legs), last)


def _parts(tables: Iterator[pa.Table], last: Part) -> Iterator[Part]:
    """A part for each of these tables of transactions. The last part also has the block's other tables, `last`."""
    transactions = next(tables)
    for following in tables:
        yield Part({"transactions": transactions}, ends_block=False)
        transactions = following
    yield replace(last, tables={**last.tables, "transactions": transactions})
