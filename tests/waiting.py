"""Waiting for what happens, however slow the machine is."""

import time
from collections.abc import Callable

__all__ = ["LONG", "until"]

# Seconds after which something hangs: a guard, not a measure.
LONG = 600
PAUSE_SECONDS = 0.02


def until(happened: Callable[[], object]) -> None:
    """Returns once that is so; what goes away while it is looked at has not happened yet."""
    deadline = time.monotonic() + LONG
    while not _is_so(happened):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(PAUSE_SECONDS)


def _is_so(happened: Callable[[], object]) -> bool:
    try:
        return bool(happened())
    except (FileNotFoundError, ProcessLookupError):
        return False
