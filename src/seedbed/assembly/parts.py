"""Makes the parts of a ledger: the second pass, in which plants come between the ticks and the settlement."""

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

# How often plants are planted anew on what the sweeps of planted firings posted.
ATTEMPTS = 3
# On how many rails a hard negative is planted before it is left out: each takes planting everything anew.
RAILS_TRIED = 3


@dataclass(frozen=True)
class Settled:
    """What is known of a dataset before a row is made: what the ticks post, and with a scenario what it comes to.

    `balances` are those of block 0's accounts, `collateral` what the plants drag along.
    """

    sweeps: Sweeps
    balances: Balances
    planted: "Planted | None" = None
    collateral: "Sequence[Surfacing]" = ()

    @property
    def ticks(self) -> Sweeps:
        """What the other blocks need to be made: when each tick posts, without what fired. Small, and it pickles."""
        return replace(self.sweeps, block=replace(self.sweeps.block, fired=(), ticks=()))


def parts_on(foundation: Foundation, groups: int = 1) -> Iterator[Part]:
    """The parts of a dataset, block after block, in canonical order.

    `groups` is into how many groups of neighbouring blocks the first pass is cut; each is added up by itself, as a
    worker would. It changes nothing in the result. Raises InputError for a scenario that names what is not there.
    """
    foundation.shares(groups)
    settled = settle_shared(foundation)
    yield from first_parts(foundation, settled)
    yield from later_parts(foundation, settled.ticks, range(1, foundation.blocks))


def settle_shared(foundation: Foundation) -> Settled:
    """Settles what all blocks share, and plants.

    Needs the shares of all blocks, which are added up here if no one did. Raises InputError for a scenario that names
    what is not there.
    """
    scenario = foundation.dataset.scenario
    return Settled(foundation.sweeps, foundation.balances) if scenario is None else _settled(foundation, scenario)


def first_parts(foundation: Foundation, settled: Settled) -> Iterator[Part]:
    """The parts of block 0, with what all blocks share and all plants."""
    yield from _first_parts(foundation, foundation.block(0), settled)
    foundation.release(0)


def later_parts(foundation: Foundation, ticks: Sweeps, blocks: range) -> Iterator[Part]:
    """The parts of these blocks, which are not block 0, in order; `ticks` as `Settled` has them.

    Needs no shares: any process that has the dataset can make them.
    """
    for number in blocks:
        block = foundation.block(number)
        balances = settle(foundation.setup, block.block_accounts, foundation.nets(block), {})
        yield from _later_parts(foundation, block, ticks, balances)
        foundation.release(number)


def _settled(foundation: Foundation, scenario: "ScenarioPlant") -> Settled:
    """Plants and settles until what surfaces is what the plants say.

    Planted legs change what sweeps post, and that can be on the very account that an overdraft drains: then it is
    planted again on what the sweeps posted. Left out is what still does not surface after `ATTEMPTS`. A hard negative
    that takes part in an exception of balances is planted on another rail, and left out where there is none, or where
    it did so on `RAILS_TRIED`.
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
    """What sweeps add to the baseline's day nets because of plants, but for the plants `out`."""
    sweeps = foundation.sweeps_of(planted, out)
    return foundation.nets(sweeps.block) - foundation.nets(foundation.sweeps.block)


def _later_parts(foundation: Foundation, block: Block, sweeps: Sweeps, balances: Balances) -> Iterator[Part]:
    """The parts of a block that has its accounts to itself."""
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
    """The parts of block 0: also the rows of the accounts that all blocks share, of the sweeps, and of the plants."""
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
    """A part for each of these transactions; `last` has everything else of the block."""
    transactions = next(tables)
    for following in tables:
        yield Part({"transactions": transactions}, ends_block=False)
        transactions = following
    yield replace(last, tables={**last.tables, "transactions": transactions})
