"""Banks in worker processes, each bank within a bound of processor time and of memory.

The time is the processor's, so that a busy machine fails nothing; only a worker that does not answer at all is ended
by the clock. A worker that ran out of memory or was ended is replaced. Where the system has no such bounds, no banks
are made: `unbounded` says why.
"""

import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.random_banks.generator import bank_numbered, yaml_text
from tests.random_banks.promise import Failure, OverTheBoundError, Run, run_bank, runs_of, shortened, validated
from tests.random_banks.shapes import shapes_of
from tests.random_banks.shrinking import shrunk

try:
    import resource
except ImportError:  # Windows has no such module.
    resource = None  # type: ignore[assignment]

__all__ = ["Bounds", "Outcome", "outcomes", "small_failures", "unbounded"]

# How many pages of memory a process has, on Linux.
PAGES = Path("/proc/self/statm")

# A worker that has not answered after so many times its processor time is stuck where no signal reaches it.
CLOCK_FACTOR = 20

# So many banks a worker answers for: what the earlier ones left in its memory is held against the later ones.
BANKS_OF_A_WORKER = 25


def unbounded() -> str | None:
    """Why a bank cannot be kept within bounds on this system; None where it can."""
    if resource is None:
        return "no limit of memory here: Python has no module `resource`"
    if not hasattr(signal, "SIGPROF"):
        return "no limit of processor time here: there is no signal SIGPROF"
    if not PAGES.exists():
        return f"no limit of memory here: there is no {PAGES}"
    return None


@dataclass(frozen=True)
class Bounds:
    """Of one bank with all its runs: seconds of processor time, and MiB above what the worker has at its start."""

    seconds: float = 60.0
    memory_mib: int = 1024


@dataclass(frozen=True)
class Outcome:
    """What became of a bank: the rules that refused it, or its shapes, its runs and what failed in them."""

    number: int
    refused: tuple[str, ...] = ()
    shapes: frozenset[str] = frozenset()
    runs: int = 0
    failures: tuple[tuple[Run, Failure], ...] = ()
    seconds: float = 0.0


def judge_bank(number: int, bounds: Bounds) -> Outcome:
    """Every run of a bank."""
    started = time.process_time()
    plain = bank_numbered(number)
    with tempfile.TemporaryDirectory(prefix="seedbed-random-") as folder:
        file = Path(folder) / "bank.yaml"
        file.write_text(yaml_text(plain), encoding="utf-8")
        runs = runs_of(number, len(plain["rails"]))
        current, done = runs[0], 0
        failures: list[tuple[Run, Failure]] = []
        shapes: frozenset[str] = frozenset()
        try:
            with _bounded(bounds):
                bank, refused = validated(file)
                if bank is None:
                    return Outcome(number, refused, seconds=time.process_time() - started)
                shapes = shapes_of(bank)
                for current in runs:
                    current = shortened(bank, current)  # noqa: PLW2901 - the one that is under way is named below
                    failure = run_bank(file, bank, current)
                    failures += [(current, failure)] if failure else []
                    done += 1
        except OverTheBoundError:
            failures.append((current, Failure("over the bound", ("time",), f"more than {bounds.seconds} s")))
        except Exception as error:
            failures.append((current, Failure("crash", (f"{type(error).__name__} in validate",), repr(error))))
    return Outcome(number, (), shapes, done, tuple(failures), time.process_time() - started)


def shrink_bank(number: int, run: Run, failure: Failure, bounds: Bounds) -> str:
    """The text of a small bank that fails as this one does."""

    def fails(plain: dict[str, object]) -> bool:
        with tempfile.TemporaryDirectory(prefix="seedbed-random-") as folder:
            file = Path(folder) / "bank.yaml"
            file.write_text(yaml_text(plain), encoding="utf-8")
            try:
                with _bounded(bounds):
                    bank, _ = validated(file)
                    found = run_bank(file, bank, run) if bank is not None else None
            except OverTheBoundError:
                found = Failure("over the bound", ("time",), "")
            return found is not None and failure.is_like(found)

    deadline = time.process_time() + 3 * bounds.seconds
    small = shrunk(bank_numbered(number), fails, lambda: time.process_time() > deadline)
    return f"# bank {number}: {run}\n# {failure.sort}: {'; '.join(failure.signs)}\n{yaml_text(small)}"


class _bounded:  # noqa: N801 - reads as a function
    """Within it an `OverTheBoundError` is raised once the processor time is spent."""

    def __init__(self, bounds: Bounds) -> None:
        self.seconds = bounds.seconds

    def __enter__(self) -> None:
        signal.signal(signal.SIGPROF, _over)
        signal.setitimer(signal.ITIMER_PROF, self.seconds)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _over(_number: int, _frame: FrameType | None) -> NoReturn:
    raise OverTheBoundError


# ---- processes -----------------------------------------------------------------------------------------------------

Task = Callable[[Bounds], object]


def _work(connection: Connection, bounds: Bounds) -> None:
    """A worker: answers one task after another, until there is none."""
    pages = int(PAGES.read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + bounds.memory_mib * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    while (task := connection.recv()) is not None:
        connection.send(task(bounds))


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    task: int = -1
    until: float = float("inf")
    answers: int = 0

    def is_worn(self, answer: object) -> bool:
        """Whether its memory was not enough, or has been used for so many banks that it might not be."""
        spent = isinstance(answer, Outcome) and any("memory" in failure.signs for _, failure in answer.failures)
        return spent or self.answers >= BANKS_OF_A_WORKER

    def dismiss(self) -> None:
        """Ends it, once it is idle."""
        self.connection.send(None)
        self.process.join()


def _started(bounds: Bounds) -> _Worker:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, bounds), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _answers(tasks: list[Task], workers: int, bounds: Bounds) -> Iterator[tuple[int, object]]:
    """The answers to tasks, as they come; None where a worker had to be ended."""
    waiting = list(range(len(tasks)))[::-1]
    busy: list[_Worker] = []
    idle: list[_Worker] = []
    while waiting or busy:
        while waiting and len(busy) < workers:
            worker = idle.pop() if idle else _started(bounds)
            worker.task, worker.until = waiting.pop(), time.monotonic() + CLOCK_FACTOR * bounds.seconds
            worker.connection.send(tasks[worker.task])
            busy.append(worker)
        wait([worker.connection for worker in busy], timeout=1.0)
        for worker in list(busy):
            if worker.connection.poll():
                busy.remove(worker)
                try:
                    answer = worker.connection.recv()
                except EOFError:
                    answer = None
                    worker.process.join()
                yield worker.task, answer
                worker.answers += 1
                if answer is None:
                    continue
                if worker.is_worn(answer):
                    worker.dismiss()
                else:
                    idle.append(worker)
            elif time.monotonic() > worker.until:
                worker.process.kill()
                busy.remove(worker)
                yield worker.task, None
    for worker in idle:
        worker.dismiss()


def outcomes(numbers: Iterable[int], workers: int, bounds: Bounds) -> Iterator[Outcome]:
    """What becomes of the banks of these numbers, as they are done."""
    of = list(numbers)
    for position, answer in _answers([partial(judge_bank, number) for number in of], workers, bounds):
        if isinstance(answer, Outcome):
            yield answer
        else:
            number = of[position]
            first = runs_of(number, 0)[0]
            yield Outcome(number, failures=((first, Failure("over the bound", ("ended",), "the worker was ended")),))


def small_failures(
    failing: Iterable[tuple[int, Run, Failure]], workers: int, bounds: Bounds
) -> Iterator[tuple[int, str]]:
    """The number and the text of a small bank for each of these failures, as they are done."""
    of = list(failing)
    tasks = [partial(shrink_bank, number, run, failure) for number, run, failure in of]
    for position, answer in _answers(tasks, workers, bounds):
        if isinstance(answer, str):
            yield of[position][0], answer
