"""Starts the worker processes of a command, runs the first pass, and settles the plants.

A large ledger gets one process per core.
"""

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from seedbed.cli.options import ScenarioOptions, read_planting
from seedbed.cli.report import Progress
from seedbed.cli.signals import is_own_process
from seedbed.errors import InputError

if TYPE_CHECKING:
    from seedbed.assembly.foundation import Foundation
    from seedbed.assembly.workers import Workers
    from seedbed.ledger.dataset import Dataset

__all__ = ["check_workers", "prepared"]

Planting = ScenarioOptions | tuple[Any, Any] | None

MAX_WORKERS = 256
# With fewer expected rows, starting a second process takes longer than it saves.
LARGE_ROWS = 1_000_000


def prepared(
    dataset: "Dataset", count: int | None, planting: Planting, progress: Progress, ending: ExitStack
) -> tuple["Foundation", "Workers | None"]:
    """The foundation of a dataset after its first pass and planting, and its worker processes.

    `planting` has the options about plants, or the arguments read from them; None means the baseline alone. `count`
    is the number of processes; the default depends on the size of the dataset. The workers end with `ending`. There
    are no workers if `count` is 1 or one process is faster. Raises InputError for plants that the bank does not
    admit.
    """
    from seedbed.assembly.foundation import Foundation  # noqa: PLC0415 - the heavy imports only where a command runs
    from seedbed.assembly.groups import adopt_shares, expected_rows  # noqa: PLC0415
    from seedbed.assembly.memory import keep_memory  # noqa: PLC0415
    from seedbed.program.accounts import build_universe  # noqa: PLC0415

    if is_own_process():
        keep_memory()
    plants = read_planting(dataset, planting) if isinstance(planting, ScenarioOptions) else planting
    if count is None:
        count = usable_cores() if expected_rows(dataset) >= LARGE_ROWS else 1
    crew = None
    # This process makes block 0 itself.
    others = 0 if count == 1 else min(count, build_universe(dataset.bank, dataset.accounts).blocks - 1)
    if others:
        from seedbed.assembly.workers import Workers  # noqa: PLC0415 - only where there are to be some

        crew = ending.enter_context(Workers(dataset, others, forked=is_own_process()))
    foundation = Foundation(dataset)
    adopt_shares(foundation, crew, progress.shared)
    if plants is not None:
        from seedbed.assembly.pipeline import planted_on  # noqa: PLC0415 - a baseline alone needs no plants

        foundation = planted_on(foundation, *plants)
    return foundation, crew


def check_workers(count: int | None) -> None:
    """Raises InputError for a number of processes that is out of range."""
    if count is not None and not 1 <= count <= MAX_WORKERS:
        raise InputError(f"workers: {count} is outside 1 to {MAX_WORKERS}")


def usable_cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
