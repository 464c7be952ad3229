"""Worker processes: calls are given out and answered in order, and an end of one is told in plain words."""

import os
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import cycle
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.write.test_workers import crew, dataset, importable, is_gone

from seedbed.assembly.foundation import Foundation
from seedbed.assembly.workers import Workers, _Calls
from seedbed.errors import TargetError

__all__ = ["crew", "importable"]


def _nothing(_: Foundation) -> None:
    """A call that does nothing."""


def _end_at_once(_: Foundation, __: range) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _object(_: Foundation, __: range) -> object:
    return lambda: None


def _raise(_: Foundation, __: range, message: str) -> None:
    raise TargetError(message)


def _number(_: Foundation, __: range, number: int) -> int:
    return number


def _when(_: Foundation, __: range) -> float:
    """When this was called; the clock is that of all processes."""
    return time.monotonic()


def _blocks(count: int) -> Iterator[range]:
    return (range(number, number + 1) for number in range(count))


def test_results_come_in_the_order_of_the_arguments(crew: Workers) -> None:
    assert list(crew.map(_number, zip(_blocks(20), range(20), strict=True))) == list(range(20))


def test_only_a_few_results_wait(crew: Workers) -> None:
    called, taken = [], []
    for when in crew.map(_when, zip(_blocks(100))):
        called.append(when)
        taken.append(time.monotonic())
        time.sleep(0.001)
    for number, now in enumerate(taken):
        assert sum(when < now for when in called[number + 1 :]) <= 2 * len(crew)


class Simulated(Workers):
    """A crew without processes: each worker ends its calls in their order, when the test says so."""

    def __init__(self, ends: Iterable[int]) -> None:
        """`ends`: which of two workers ends a call next; where that one has nothing to do, the other does."""
        self._started = [(Process(), ours) for ours in Pipe()]
        self._busy: dict[Connection, deque[int]] = {}
        self._had: dict[int, Connection] = {}
        self.ends = iter(ends)
        self.taken: dict[int, int] = {}

    def _send(self, connection: Connection, number: int, message: memoryview) -> None:
        self._busy.setdefault(connection, deque()).append(number)
        self.taken[number] = [ours for _, ours in self._started].index(connection)

    def _collect(self, calls: _Calls[Any], seconds: float | None) -> None:
        connection = self._started[next(self.ends)][1]
        connection = connection if connection in self._busy else next(iter(self._busy))
        number = self._busy[connection].popleft()
        if not self._busy[connection]:
            del self._busy[connection]
        calls.done[number] = number
        self._fill(calls)

    def takers(self) -> list[int]:
        """The worker that gets each of 40 blocks."""
        self.taken.clear()
        assert list(self.map(_nothing, zip(_blocks(40)))) == list(range(40))
        return [self.taken[number] for number in range(40)]


def test_workers_get_the_blocks_that_they_had() -> None:
    crew = Simulated(cycle([0, 1]))
    before = [0, 0, 1, 1] * 10
    crew._had = {number: crew._started[worker][1] for number, worker in enumerate(before)}
    assert sum(one == other for one, other in zip(before, crew.takers(), strict=True)) >= 36


@given(had=st.lists(st.integers(0, 1), min_size=40, max_size=40), ends=st.lists(st.integers(0, 1), min_size=1))
def test_no_call_waits_for_room_that_later_ones_take(had: list[int], ends: list[int]) -> None:
    """Whichever worker had the blocks and whichever is slow: both get calls, and results come in order."""
    crew = Simulated(cycle(ends))
    crew._had = {number: crew._started[worker][1] for number, worker in enumerate(had)}
    assert set(crew.takers()) == {0, 1}


def test_results_may_be_collected_at_any_time(crew: Workers) -> None:
    crew._had = dict.fromkeys(range(2, 20), crew._started[0][1])
    blocks = [range(start, start + 1) for start in (50, 51, *range(2, 20))]
    numbers = []
    for number in crew.map(_number, zip(blocks, range(20), strict=True)):
        numbers.append(number)
        time.sleep(0.01)
        crew.collect()
    assert numbers == list(range(20))


def test_an_error_in_a_worker_is_the_callers() -> None:
    with Workers(dataset(), 1) as workers, pytest.raises(TargetError, match="no space left"):
        list(workers.map(_raise, [(range(1), "no space left")]))


def test_a_result_that_cannot_be_sent_is_an_error() -> None:
    with Workers(dataset(), 1) as workers, pytest.raises(Exception, match=r"pickle|local object"):
        list(workers.map(_object, [(range(1),)]))


def test_a_killed_worker_is_one_line_and_the_others_go(capfd: pytest.CaptureFixture[str]) -> None:
    with Workers(dataset(), 2) as workers:
        processes = [process.pid for process, _ in workers._started]
        with pytest.raises(TargetError, match="a worker process was killed \\(signal 9\\)"):
            list(workers.map(_end_at_once, [(range(1),)]))
    assert all(is_gone(process) for process in processes if process)
    assert capfd.readouterr().err == ""
