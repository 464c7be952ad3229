"""Processes that make groups of blocks: each holds the same dataset and answers one call after another.

Nothing of the parent's memory or threads comes along, and each end of a pipe has one owner: a process sees at once
that the other one is gone. They are started afresh, or, where a program has nothing else to fork and says so
beforehand, forked from a server of `multiprocessing` on Linux, which imports for all: a third of a second each.
"""

import os
import pickle
import shutil
import signal
import sys
import tempfile
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from multiprocessing.util import get_temp_dir
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from seedbed.errors import TargetError
from seedbed.generation.memory import keep_memory

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext
    from multiprocessing.process import BaseProcess

    from seedbed.ledger.dataset import Dataset

__all__ = ["Workers", "expect_workers", "forget_server"]

Result = TypeVar("Result")

# Results that wait for an earlier one, and calls on their way, per worker: enough to keep all of them busy.
AHEAD = 2
# A call of at most so many bytes is sent while its worker is still at another one. A few of them fit in any system's
# pipe, so the two ends never wait for one another to read.
SENT_EARLY = 2_048
# What forks may have one thread only; no linear algebra is done here, and Arrow's own allocator would start one. It
# takes memory from the C library instead, which `keep_memory` settles.
SETTINGS = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "OPENBLAS_NUM_THREADS": "1",
}
# What every worker needs; what its calls need may be imported beside it.
IMPORTED = ("seedbed.generation.foundation", "seedbed.write.source")
# How long a worker may take to end when it is told to; it is killed then.
ENDING_SECONDS = 2.0


# The server's socket lies in a folder of a folder for temporary files, and its path has to be shorter than 108 bytes.
LONGEST_FOLDER = 70


def expect_workers(imported: Sequence[str] = ()) -> None:
    """Has the modules imported that the next workers will need, while this process does something else.

    For a process that starts workers once and forks nothing else: the server of `multiprocessing` is one per process,
    and keeps its settings. The process says `forget_server` at its end. Elsewhere than on Linux this does nothing:
    other systems' libraries may not bear to be forked.
    """
    if sys.platform != "linux" or len(os.fsencode(tempfile.gettempdir())) > LONGEST_FOLDER:
        return
    from multiprocessing import forkserver  # noqa: PLC0415 - not for every system

    get_context("forkserver").set_forkserver_preload([*IMPORTED, *imported])
    with _undisturbed():
        forkserver.ensure_running()
    Workers.method = "forkserver"


def forget_server() -> None:
    """Removes the folder with the socket of `expect_workers`; the server ends with this process and its workers."""
    if Workers.method == "forkserver":
        Workers.method = "spawn"
        shutil.rmtree(get_temp_dir(), ignore_errors=True)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """For the start of processes: a Ctrl-C is for this process alone, and they have settings of their own."""
    settings = {name: value for name, value in SETTINGS.items() if name not in os.environ}
    resource_tracker.ensure_running()  # it unblocks signals when it starts
    os.environ.update(settings)  # a process can be told so only before it starts
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for name in settings:
            os.environ.pop(name, None)


class Workers:
    """So many processes with a foundation each; as a context, all of them are gone at its end, however it ends.

    The main thread makes it. `method` is how `multiprocessing` starts the next ones.
    """

    method: ClassVar[Literal["spawn", "forkserver"]] = "spawn"

    def __init__(self, dataset: "Dataset", count: int) -> None:
        self._started: list[tuple[BaseProcess, Connection]] = []
        self._busy: dict[Connection, deque[int]] = {}
        self._had: dict[int, Connection] = {}
        context: ForkServerContext | SpawnContext = (
            get_context("forkserver") if self.method == "forkserver" else get_context("spawn")
        )
        try:
            with _undisturbed():
                for number in range(count):
                    ours, theirs = context.Pipe()
                    process = context.Process(
                        target=_serve, args=(theirs, dataset), name=f"seedbed-{number}", daemon=True
                    )
                    process.start()
                    self._started.append((process, ours))
                    theirs.close()
        except BaseException:
            self.end()
            raise
        finally:
            forget_server()

    def __len__(self) -> int:
        return len(self._started)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Ends all processes, whatever they are at, and waits until they are gone."""
        for process, connection in self._started:
            connection.close()
            process.terminate()
        for process, _ in self._started:
            process.join(ENDING_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()

    def map(self, call: Callable[..., Result], arguments: Iterable[Sequence[Any]]) -> Iterator[Result]:
        """`call(foundation, blocks, *more)` in the workers for each (blocks, *more); results in the order of these.

        `call` is a function of a module, `blocks` a range. The first start at once. At most `AHEAD` calls per worker
        are under way or wait to be taken, so the memory does not grow with their number. Where there is a choice, a
        worker gets the blocks that it had before: it may have kept them. Raises what a call raised, and `TargetError`
        when a worker is gone.
        """
        coming = ((blocks, ForkingPickler.dumps((call, blocks, *more))) for blocks, *more in arguments)
        calls: _Calls[Result] = _Calls(enumerate(coming))
        self._fill(calls)
        return self._results(calls)

    def tell(self, call: Callable[..., None], *arguments: Any) -> None:
        """`call(foundation, *arguments)` once in every worker, none of which may be at anything."""
        message = ForkingPickler.dumps((call, *arguments))
        for _, connection in self._started:
            self._send(connection, 0, message)
        for _, connection in self._started:
            self._receive(connection)

    def _results(self, calls: "_Calls[Result]") -> Iterator[Result]:
        while self._busy or calls.done:
            if calls.taken in calls.done:
                yield calls.done.pop(calls.taken)
                calls.taken += 1
            else:
                for connection in wait(list(self._busy)):
                    number, result = self._receive(connection)  # type: ignore[arg-type]
                    calls.done[number] = result
            self._fill(calls)

    def _fill(self, calls: "_Calls[Result]") -> None:
        """Gives the workers something to do, as far as that is allowed."""
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

    def _choice(self, calls: "_Calls[Result]", connection: Connection, room: int) -> int:
        """The call for this worker: of blocks that it had, else the first, whose result must not wait for room."""
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
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return TargetError(f"a worker process ended in its work ({how}); fewer workers leave each more memory")


@dataclass
class _Calls(Generic[Result]):
    """The calls of one `map`, by number: those to come, those that wait to be sent, results that wait to be taken."""

    coming: Iterator[tuple[int, tuple[range, memoryview]]]
    waiting: dict[int, tuple[range, memoryview]] = field(default_factory=dict)
    done: dict[int, Result] = field(default_factory=dict)
    taken: int = 0

    def look_ahead(self, count: int) -> bool:
        """Whether any call waits; up to so many are made ready to be chosen from."""
        self.waiting.update(islice(self.coming, max(0, count - len(self.waiting))))
        return bool(self.waiting)


def _serve(connection: Connection, dataset: "Dataset") -> None:
    """What a worker does until its parent is gone or tells it to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_memory()
    from seedbed.generation.foundation import Foundation  # noqa: PLC0415 - in the worker, not where it is started

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
    """The error as one that can be sent, with what the worker saw of it."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note("in a worker:\n" + "".join(traceback.format_tb(sys.exc_info()[2])))
    return error
