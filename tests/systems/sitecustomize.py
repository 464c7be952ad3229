"""What a process sees that is started with this folder on PYTHONPATH: a system with the ways of Windows.

No `fcntl`, no `fork`, no owners of files, no folders that can be opened, no signals that can be held back; locks come
from `msvcrt`; a file that this process has open is neither replaced nor removed, nor is a folder with one in it.
"""

import os
import shutil
import signal
import subprocess  # noqa: F401 - it would take a system with `msvcrt` for Windows
import sys
import types
from collections.abc import Callable
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any

FROM_OS = (
    "O_DIRECTORY",
    "O_NOFOLLOW",
    "O_NONBLOCK",
    "fork",
    "geteuid",
    "getuid",
    "sched_getaffinity",
    "chown",
    "mkfifo",
)
FROM_SIGNAL = ("pthread_sigmask", "SIGKILL", "SIGHUP", "SIGPIPE", "SIGUSR1", "SIGALRM", "SIG_BLOCK", "SIG_UNBLOCK")


def locking(descriptor: int, _mode: int, _size: int) -> None:
    """`msvcrt.locking` that does not wait; the descriptor's own lock stands for that of a byte."""
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        raise PermissionError(13, "Permission denied") from None


def is_open(place: str) -> bool:
    """Whether this process has the file open, or mapped, or one below the folder."""
    found = []
    for descriptor in os.listdir("/proc/self/fd"):  # noqa: PTH208 - pathlib may be what asks
        try:
            found.append(os.readlink(f"/proc/self/fd/{descriptor}"))  # noqa: PTH115
        except OSError:
            continue
    with open("/proc/self/maps", encoding="utf-8") as maps:  # noqa: PTH123
        found += [line.split(maxsplit=5)[5].strip() for line in maps if line.count("/")]
    return any(other == place or other.startswith(f"{place}/") for other in found)


def careful(call: Callable[..., Any], count: int) -> Callable[..., Any]:
    """A call that refuses paths of open files among its first arguments."""

    def refusing(*arguments: Any, **named: Any) -> Any:
        for path in arguments[:count]:
            if isinstance(path, str | os.PathLike) and is_open(os.path.realpath(path)):
                raise PermissionError(13, "The process cannot access the file", os.fspath(path))
        return call(*arguments, **named)

    return refusing


def open_files(call: Callable[..., int]) -> Callable[..., int]:
    """`os.open` that opens no folder."""

    def opening(path: Any, *arguments: Any, **named: Any) -> int:
        if Path(path).is_dir():
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return call(path, *arguments, **named)

    return opening


sys.modules["fcntl"] = None  # type: ignore[assignment]
sys.modules["resource"] = None  # type: ignore[assignment]
sys.modules["pwd"] = None  # type: ignore[assignment]
msvcrt = types.ModuleType("msvcrt")
msvcrt.LK_NBLCK, msvcrt.locking = 2, locking  # type: ignore[attr-defined]
sys.modules["msvcrt"] = msvcrt
shutil._use_fd_functions = False  # type: ignore[attr-defined]
for name in FROM_OS:
    if hasattr(os, name):
        delattr(os, name)
for name in FROM_SIGNAL:
    delattr(signal, name)
os.open = open_files(os.open)
for name, paths in (("replace", 2), ("rename", 2), ("unlink", 1), ("remove", 1), ("rmdir", 1)):
    setattr(os, name, careful(getattr(os, name), paths))
