"""Groups of neighbouring blocks. The facts of the dataset decide the groups, so outputs do not depend on workers."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from seedbed.assembly.foundation import Foundation, neighbours
from seedbed.ledger.dataset import Dataset
from seedbed.program.accounts import build_universe
from seedbed.program.outline import outline

if TYPE_CHECKING:
    from seedbed.assembly.workers import Workers

__all__ = ["adopt_shares", "expected_rows", "group_blocks"]

# Transaction rows of one group, about: a Parquet file of thirty megabytes, less than a second of work, so that no
# worker waits long for the last one.
GROUP_ROWS = 500_000
# Blocks whose shares a worker adds up in one call; each call sends the sums of all shared accounts back.
SHARED_BLOCKS = 16
# Calls per process, where there are so many blocks: with fewer, all wait for the last one.
AT_LEAST = 16


def expected_rows(dataset: Dataset) -> int:
    """About how many transaction rows a dataset has."""
    facts = (dataset.bank, dataset.anchor, dataset.window_days, dataset.accounts, dataset.seed)
    return int(outline(*facts).expected_transactions)


def group_blocks(dataset: Dataset) -> int | None:
    """How many blocks make a group; None where one group has them all."""
    blocks = build_universe(dataset.bank, dataset.accounts).blocks
    if blocks == 1:
        return None
    each = max(1, GROUP_ROWS * blocks // max(1, expected_rows(dataset)))
    return each if each < blocks else None


def adopt_shares(foundation: Foundation, workers: "Workers | None", watch: Callable[[float], None]) -> None:
    """The first pass for this foundation; `watch` is told how much is done, from 0 to 1.

    This process looks at block 0, which it will need, and workers at all others meanwhile, where there are any.
    """
    later = foundation.blocks - 1
    least = AT_LEAST * (1 if workers is None else len(workers))
    groups = [range(g.start + 1, g.stop + 1) for g in neighbours(later, max(least, -(-later // SHARED_BLOCKS)))]
    made = map(foundation.shares_of, groups) if workers is None else workers.map(Foundation.shares_of, zip(groups))
    total = foundation.shares_of(range(1))
    watch(1 / foundation.blocks)
    for group, shares in zip(groups, made, strict=True):
        total = total.plus(shares)
        watch(group.stop / foundation.blocks)
    foundation.adopt(total)
