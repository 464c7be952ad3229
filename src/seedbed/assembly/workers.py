"""Worker processes that make groups of blocks. Each holds the same dataset and answers one call after another.

Each end of a pipe has one owner, so a process sees at once when the other process has ended. Workers are new
processes without the parent's memory or threads; their imports take a third of a second. Or they are forks of a
parent that has a single thread and nothing open that a fork could break.
"""

import os
import pickle
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from seedbed.assembly.memory import keep_memory
from seedbed.errors import TargetError

if TYPE_CHECKING:
    from multiprocessing.context import ForkContext, SpawnContext
    from multiprocessing.process import BaseProcess

    from seedbed.ledger.dataset import Dataset

__all__ = ["Workers"]

T = TypeVar("T")

# Calls in progress and results that wait for an earlier one, per worker: enough to keep all workers busy.
AHEAD = 2
# A call up to this size is sent while its worker still runs another call. A few such calls fit into any system's
# pipe, so the two ends never wait for each other.
SENT_EARLY = 2_048
# Arrow takes memory from the C library, which `keep_memory` has set up. No linear algebra is done here.
SETTINGS = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1"}
HOLDS_SIGNALS = hasattr(signal, "pthread_sigmask")
# The time that a worker has to end when it is told to. After it the worker is killed.
ENDING_SECONDS = 2.0


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A context in which processes are started. New processes ignore Ctrl-C; a request to end this one waits.

    Python would lose an exception from a signal handler around a fork, or raise it in the copy. Windows has no
    signals to hold back.
    """
    if not HOLDS_SIGNALS:
        yield
        return
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@contextmanager
def _settings() -> Iterator[None]:
    """The environment of new processes. It must be set before they start."""
    settings = {name: value for name, value in SETTINGS.items() if name not in os.environ}
    if HOLDS_SIGNALS:
        resource_tracker.ensure_running()  # it unblocks signals when it starts
    os.environ.update(settings)
    try:
        yield
    finally:
        for name in settings:
            os.environ.pop(name, None)


def _has_one_thread() -> bool:
    """Whether this process is known to have a single thread. Only Linux can tell."""
    try:
        return len(list(Path("/proc/self/task").iterdir())) == 1
    except OSError:
        return False


class Workers:
    """Worker processes, each with a foundation. A context manager that always ends all of them.

    Only the main thread may create it. `forked`: the processes may be forks of this one. Only the command line sets
    it, and it needs Linux and a single thread. Otherwise they are new processes.
    """

    def __init__(self, dataset: "Dataset", count: int, forked: bool = False) -> None:
        self._started: list[tuple[BaseProcess, Connection]] = []
        self._busy: dict[Connection, deque[int]] = {}
        self._had: dict[int, Connection] = {}
        self._calls: _Calls[Any] = _Calls(iter(()))
        forked = forked and sys.platform == "linux" and hasattr(os, "fork") and _has_one_thread()
        context: ForkContext | SpawnContext = get_context("fork") if forked else get_context("spawn")
        try:
            with nullcontext() if forked else _settings(), _undisturbed():
                for number in range(count):
                    ours, theirs = context.Pipe()
                    copied = [connection for _, connection in self._started] + [ours] if forked else []
                    process = context.Process(
                        target=_serve, args=(theirs, dataset, copied), name=f"seedbed-{number}", daemon=True
                    )
                    process.start()
                    self._started.append((process, ours))
                    theirs.close()
        except BaseException:
            self.end()
            raise

    def __len__(self) -> int:
        return len(self._started)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Ends all processes at once and waits for their end."""
        for process, connection in self._started:
            connection.close()
            process.terminate()
        for process, _ in self._started:
            process.join(ENDING_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()

    def map(self, call: Callable[..., T], arguments: Iterable[Sequence[Any]]) -> Iterator[T]:
        """Runs `call(foundation, blocks, *more)` in the workers for each (blocks, *more). Results keep the order.

        `call` is a function of a module, `blocks` a range. The first calls start at once. At most `AHEAD` calls per
        worker are in progress or have results that wait, so the memory does not grow with their number. If there is a
        choice, a worker gets the blocks that it had before, because it may have kept them. Raises the error of a
        call, and `TargetError` if a worker has ended.
        """
        coming = ((blocks, ForkingPickler.dumps((call, blocks, *more))) for blocks, *more in arguments)
        calls: _Calls[T] = _Calls(enumerate(coming))
        self._calls = calls
        self._fill(calls)
        return self._results(calls)

    def collect(self) -> None:
        """Takes finished results, which `map` returns later. So no worker waits for a busy parent."""
        self._collect(self._calls, 0)

    def _collect(self, calls: "_Calls[Any]", seconds: float | None) -> None:
        for connection in wait(list(self._busy), seconds):
            number, result = self._receive(connection)  # type: ignore[arg-type]
            calls.done[number] = result
        self._fill(calls)

    def tell(self, call: Callable[..., None], *arguments: Any) -> None:
        """Runs `call(foundation, *arguments)` once in every worker. All workers must be idle."""
        message = ForkingPickler.dumps((call, *arguments))
        for _, connection in self._started:
            self._send(connection, 0, message)
        for _, connection in self._started:
            self._receive(connection)

    def _results(self, calls: "_Calls[T]") -> Iterator[T]:
        while self._busy or calls.done:
            if calls.taken in calls.done:
                calls.taken += 1
                yield calls.done.pop(calls.taken - 1)
                self._fill(calls)
            else:
                self._collect(calls, None)

    def _fill(self, calls: "_Calls[T]") -> None:
        """Sends calls to the workers, up to the limit."""
        most = AHEAD * len(self)
        while calls.look_ahead(most):
            room = most - sum(map(len, self._busy.values())) - len(calls.done)
            connection = min((ours for _, ours in self._started), key=lambda ours: len(self._busy.get(ours, ())))
            number = self._choice(calls, connection, room)
            if not room or (connection in self._busy and len(calls.waiting[number][1]) > SENT_EARLY):
                break
            blocks, message = calls.waiting.pop(number)
            self._send(connection, number, message)
            self._had.update(dict.fromkeys(blocks, connection))

    def _choice(self, calls: "_Calls[T]", connection: Connection, room: int) -> int:
        """The next call for this worker: one of blocks that it had, else the first one."""
        first = next(iter(calls.waiting))
        if first == calls.taken and room <= 1:
            return first
        had = (n for n, (blocks, _) in calls.waiting.items() if self._had.get(blocks.start) is connection)
        return next(had, first)

    def _send(self, connection: Connection, number: int, message: memoryview) -> None:
        try:
            connection.send_bytes(message)
        except OSError:
            raise self._gone(connection) from None
        self._busy.setdefault(connection, deque()).append(number)

    def _receive(self, connection: Connection) -> tuple[int, Any]:
        try:
            failed, result = connection.recv()
        except (EOFError, OSError):
            raise self._gone(connection) from None
        numbers = self._busy[connection]
        number = numbers.popleft()
        if not numbers:
            del self._busy[connection]
        if failed:
            raise result
        return number, result

    def _gone(self, connection: Connection) -> TargetError:
        process = next(process for process, ours in self._started if ours is connection)
        process.join(ENDING_SECONDS)
        code = process.exitcode
        if code is not None and code < 0:
            return TargetError(
                f"a worker process was killed (signal {-code}), probably out of memory; try fewer --workers"
            )
        return TargetError(f"a worker process ended early (exit code {code}); try fewer --workers")


@dataclass
class _Calls(Generic[T]):
    """The calls of one `map`, by number: calls to come, calls that wait to be sent, results that wait to be taken."""

    coming: Iterator[tuple[int, tuple[range, memoryview]]]
    waiting: dict[int, tuple[range, memoryview]] = field(default_factory=dict)
    done: dict[int, T] = field(default_factory=dict)
    taken: int = 0

    def look_ahead(self, count: int) -> bool:
        """Whether any call waits. Makes up to this many calls ready to choose from."""
        self.waiting.update(islice(self.coming, max(0, count - len(self.waiting))))
        return bool(self.waiting)


def _serve(connection: Connection, dataset: "Dataset", copied: Sequence[Connection]) -> None:
    """The loop of a worker. It runs until the parent ends or tells it to. It closes `copied`, ends of other pipes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if HOLDS_SIGNALS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    for others in copied:
        others.close()
    keep_memory()
    from seedbed.assembly.foundation import Foundation  # noqa: PLC0415 - in the worker, not where it is started

    foundation: Foundation | None = None
    while True:
        try:
            call, *arguments = connection.recv()
        except (EOFError, OSError):
            return
        try:
            foundation = foundation or Foundation(dataset)
            answer = ForkingPickler.dumps((False, call(foundation, *arguments)))
        except Exception as error:
            answer = ForkingPickler.dumps((True, _portable(error)))
        try:
            connection.send_bytes(answer)
        except OSError:
            return


def _portable(error: Exception) -> Exception:
    """The error in a form that can be sent, with the worker's traceback."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note("in a worker:\n" + "".join(traceback.format_tb(sys.exc_info()[2])))
    return error
