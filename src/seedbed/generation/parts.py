"""The parts of a ledger: the second pass, with plants between the ticks and the settlement."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from seedbed.baseline.balance_rows import balance_table
from seedbed.baseline.block import Block
from seedbed.baseline.rows import legs_of_blocks, legs_of_openings, transaction_table
from seedbed.baseline.settle import Balances, Patch, settle
from seedbed.baseline.system import Sweeps
from seedbed.generation.answer_key import AnswerLines
from seedbed.generation.foundation import Foundation
from seedbed.ledger.dataset import Part

if TYPE_CHECKING:
    from seedbed.planting.planted import Planted
    from seedbed.planting.transfers import Surfacing
    from seedbed.scenario.plants import ScenarioPlant

__all__ = ["first_part", "later_parts", "parts_on", "ticks_of"]

# How often plants are planted anew on what the sweeps of planted firings posted.
ATTEMPTS = 3


def parts_on(foundation: Foundation, groups: int = 1) -> Iterator[Part]:
    """The parts of a dataset, one per block, in canonical order.

    `groups` is into how many groups of neighbouring blocks the first pass is cut; each is added up by itself, as a
    worker would. It changes nothing in the result. Raises InputError for a scenario that names what is not there.
    """
    foundation.shares(groups)
    first, ticks = first_part(foundation)
    yield first
    yield from later_parts(foundation, ticks, range(1, foundation.blocks))


def first_part(foundation: Foundation) -> tuple[Part, Sweeps]:
    """The part of block 0, with what all blocks share and all plants, and what the other blocks need to be made.

    That is when each tick posts: a `Sweeps` without what fired, which is small and pickles. Needs the shares of all
    blocks, which are added up here if no one did. Raises InputError for a scenario that names what is not there.
    """
    planted, sweeps = _planted_sweeps(foundation)
    part = _first_part(foundation, foundation.block(0), sweeps, planted)
    foundation.release(0)
    return part, _small(sweeps)


def ticks_of(foundation: Foundation) -> Sweeps:
    """What `later_parts` needs, without the rows of block 0, which another process makes. Raises as `first_part`."""
    return _small(_planted_sweeps(foundation)[1])


def _planted_sweeps(foundation: Foundation) -> "tuple[_Settled | None, Sweeps]":
    scenario = foundation.dataset.scenario
    if scenario is None:
        return None, foundation.sweeps
    planted = _settled(foundation, scenario)
    return planted, planted.sweeps


def _small(sweeps: Sweeps) -> Sweeps:
    return replace(sweeps, block=replace(sweeps.block, fired=(), ticks=()))


def later_parts(foundation: Foundation, ticks: Sweeps, blocks: range) -> Iterator[Part]:
    """The parts of these blocks, which are not block 0, in order; `ticks` as `first_part` gives them.

    Needs no shares: any process that has the dataset can make them.
    """
    for number in blocks:
        block = foundation.block(number)
        balances = settle(foundation.work, block.view, foundation.nets(block), {})
        yield _part(foundation, block, ticks, balances)
        foundation.release(number)


@dataclass(frozen=True)
class _Settled:
    """A scenario planted and settled: what the ticks post with it, the balances, and what it drags along."""

    planted: "Planted"
    sweeps: Sweeps
    balances: Balances
    collateral: "list[Surfacing]"


def _settled(foundation: Foundation, scenario: "ScenarioPlant") -> _Settled:
    """Plants and settles until what surfaces is what the plants say.

    Planted legs change what sweeps post, and that can be on the very account that an overdraft drains: then it is
    planted again on what the sweeps posted. Left out is what still does not surface after `ATTEMPTS`, and every hard
    negative that takes part in an exception of balances.
    """
    from seedbed.generation.calibration import without_faint_fanouts  # noqa: PLC0415 - a baseline needs no plants
    from seedbed.planting.planted import NEGATIVE  # noqa: PLC0415

    shares, before = foundation.shares(), foundation.nets(foundation.sweeps.block)
    skip: dict[str, str] = {}
    swept = np.zeros_like(before)
    attempts = ATTEMPTS
    while True:
        planted = foundation.plant(scenario, skip, swept)
        sweeps = foundation.sweeps_with(planted.totals(shares.totals))
        now = foundation.nets(sweeps.block) - before
        drained = list(planted.openings)
        if attempts and bool((now[drained] != swept[drained]).any()):
            attempts, swept = attempts - 1, now
            continue
        patch = Patch(now + planted.nets, planted.deltas, planted.openings)
        balances = settle(foundation.work, foundation.survey.view, foundation.shared_nets, shares.children, patch)
        collateral = planted.collateral(foundation.balances, balances, sweeps)
        more = {s.plant: f"it would take part in {s.view}" for s in collateral if s.plant.startswith(NEGATIVE)}
        more |= dict.fromkeys(planted.healed(balances), "the sweeps of planted firings lift the account above zero")
        if not more:
            return _Settled(without_faint_fanouts(foundation, planted), sweeps, balances, collateral)
        skip |= more


def _part(foundation: Foundation, block: Block, sweeps: Sweeps, balances: Balances) -> Part:
    """The rows of a block that has its accounts to itself."""
    work, numbers, number = foundation.work, foundation.numbers, block.view.block
    openings = legs_of_openings(work, numbers, block.view, balances, number)
    legs = legs_of_blocks(work, numbers, [(block, number, number)], openings)
    lines = AnswerLines(foundation, number)
    lines.add_baseline([block], balances, sweeps)
    return Part(
        transaction_table(work, numbers, block.view, sweeps, legs),
        balance_table(work, numbers, block.view, balances, number),
        lines.table(),
    )


def _first_part(foundation: Foundation, block: Block, sweeps: Sweeps, planted: "_Settled | None") -> Part:
    """The rows of block 0: also those of the accounts that all blocks share, of the sweeps, and of the plants."""
    work, numbers, view = foundation.work, foundation.numbers, block.view
    before = balances = foundation.balances
    lines = AnswerLines(foundation, 0)
    lines.add_baseline([block, sweeps.block], before, sweeps)
    ticks, more = sweeps, None
    if planted is not None:
        from seedbed.generation.plant_lines import plant_lines  # noqa: PLC0415 - a baseline alone needs no plants
        from seedbed.planting.rows import collect_planted, with_planted_sweeps  # noqa: PLC0415

        balances = planted.balances
        lines.add(plant_lines(planted.planted, planted.collateral))
        ticks, places = with_planted_sweeps(sweeps, planted.planted.transfers)
        more = partial(collect_planted, work, numbers, planted.planted.transfers, places)
    blocks = [(block, 0, 0), (sweeps.block, numbers.blocks, numbers.blocks + 1)]
    openings = legs_of_openings(work, numbers, view, balances, 0)
    legs = legs_of_blocks(work, numbers, blocks, openings, more)
    return Part(
        transaction_table(work, numbers, view, ticks, legs),
        balance_table(work, numbers, view, balances, 0),
        lines.table(),
        () if planted is None else planted.planted.omitted,
    )
