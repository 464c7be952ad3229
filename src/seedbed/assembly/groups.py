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

# Approximate transaction rows of one group: a Parquet file of thirty megabytes, and less than a second of work, so
# that no worker waits long for the last group.
GROUP_ROWS = 500_000
# Blocks whose shares a worker adds up in one call. Each call returns the sums of all shared accounts.
SHARED_BLOCKS = 16
# Calls per process, if there are enough blocks. With fewer calls all processes wait for the last one.
AT_LEAST = 16


def expected_rows(dataset: Dataset) -> int:
    """The approximate number of transaction rows of a dataset."""
    facts = (dataset.bank, dataset.anchor, dataset.window_days, dataset.accounts, dataset.seed)
    return int(outline(*facts).expected_transactions)


def group_blocks(dataset: Dataset) -> int | None:
    """The number of blocks in a group. None if one group has all blocks."""
    blocks = build_universe(dataset.bank, dataset.accounts).blocks
    if blocks == 1:
        return None
    each = max(1, GROUP_ROWS * blocks // max(1, expected_rows(dataset)))
    return each if each < blocks else None


def adopt_shares(foundation: Foundation, workers: "Workers | None", watch: Callable[[float], None]) -> None:
    """Makes the first pass for this foundation. `watch` gets the progress, from 0 to 1.

    This process makes block 0, which it will need again. Workers, if any, make all others meanwhile.
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
