"""Files and folders that appear whole or not at all. They are made in a private folder beside the target, then moved.

The private folder has a random name. `mkdir` makes it and follows no link. A lock on it ends with its process, so the
next run in the same place recognises and removes the folder of a killed run.
"""

import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seedbed.errors import TargetError
from seedbed.write.locks import OPENS_FOLDERS, is_ours, locked, opened
from seedbed.write.targets import refusals, shown

__all__ = [
    "check_file",
    "check_folder",
    "flush",
    "kept_folder",
    "kept_staging",
    "move_file",
    "move_folder",
    "staging",
    "sweep",
    "write_file",
]

PREFIX = ".seedbed-staging-"
# The prefix of the folder that `--resume` continues; the target's name follows.
KEPT_PREFIX = ".seedbed-unfinished-"
# Most attempts to remove a folder, and the pause between two of them.
REMOVALS, REMOVAL_PAUSE_SECONDS = 50, 0.02


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """A private, empty folder on the target's file system. It is always removed at the end."""
    with refusals(target.parent):
        sweep(target.parent)
        folder, lock = _make(target.parent)
    try:
        with refusals(target):
            yield folder
    finally:
        _remove(folder, lock)


@contextmanager
def kept_staging(target: Path) -> Iterator[Path]:
    """A folder beside the target, which stays if the work fails. The next run finds it by its name.

    Raises `TargetError` if another process works in it, or if it belongs to another user.
    """
    folder = kept_folder(target)
    with refusals(folder):
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        lock = opened(folder)
    try:
        with refusals(folder):
            if not is_ours(os.fstat(lock)):
                raise TargetError(f"{shown(folder)} belongs to another user")
            if not locked(lock):
                raise TargetError(f"{shown(folder)} is in use by another run")
        with refusals(target):
            yield folder
    except BaseException:
        os.close(lock)
        raise
    _remove(folder, lock)


def _remove(folder: Path, lock: int) -> None:
    """Removes a folder. It tries several times, because a worker may still create a file in it."""
    if not OPENS_FOLDERS:
        os.close(lock)
    for _ in range(REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(REMOVAL_PAUSE_SECONDS)
    if OPENS_FOLDERS:
        os.close(lock)


def kept_folder(target: Path) -> Path:
    """The path of the folder of `kept_staging`. It need not exist."""
    return target.with_name(f"{KEPT_PREFIX}{target.name}")


def check_file(path: Path, may_replace: Callable[[Path], bool]) -> None:
    """Raise `TargetError` unless `path` does not exist, or is a regular file that `may_replace` accepts."""
    with refusals(path):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return
        if stat.S_ISDIR(mode):
            raise TargetError(f"{shown(path)} is a directory, not a file")
        if not stat.S_ISREG(mode):
            raise TargetError(f"{shown(path)} is not a regular file")
        if not may_replace(path):
            raise TargetError(f"{shown(path)} exists, and Seedbed did not write it")


def check_folder(path: Path, is_own: Callable[[str], bool], mark: str) -> None:
    """Raise `TargetError` unless `path` does not exist, is an empty folder, or is an earlier output.

    An earlier output has a file `mark`, and only files that `is_own` accepts.
    """
    with refusals(path):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(mode):
            raise TargetError(f"{shown(path)} exists, and is not a directory")
        names = set(os.listdir(path))  # noqa: PTH208 - names alone
        if names and not (mark in names and all(map(is_own, names))):
            raise TargetError(f"{shown(path)} exists, and Seedbed did not write it")


def move_file(staged: Path, target: Path) -> None:
    """Replace the target by a finished file in one step, durably. The file gets the mode of the old one."""
    with refusals(target):
        if target.exists():
            staged.chmod(stat.S_IMODE(target.stat().st_mode))
        flush(staged)
        staged.replace(target)
        flush(target.parent)


def write_file(target: Path, content: bytes) -> None:
    """Writes a small file whole: it is there with all of its content, or as it was before."""
    with staging(target) as private:
        staged = private / "file"
        staged.write_bytes(content)
        move_file(staged, target)


def move_folder(staged: Path, target: Path) -> None:
    """Replace the target by a finished folder. The target does not exist, is empty, or is an earlier output.

    A folder with files cannot be replaced in one step. So an earlier output is first moved into the staging folder.
    It is moved back if the second move fails.
    """
    previous = staged.parent / "previous"
    with refusals(target):
        for path in (*staged.iterdir(), staged):
            flush(path)
        try:
            if target.exists():
                target.rename(previous)
            staged.rename(target)
        except BaseException:
            if previous.exists() and not target.exists():
                previous.rename(target)
            raise
        flush(target.parent)


def flush(path: Path) -> None:
    """Waits until a file or folder is on the disk. Windows needs no such call for folders."""
    if not OPENS_FOLDERS and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if OPENS_FOLDERS else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make(parent: Path) -> tuple[Path, int]:
    """Makes a locked folder. Tries again if another process removed the folder before it was locked."""
    while True:
        folder = parent / f"{PREFIX}{secrets.token_hex(8)}"
        folder.mkdir(mode=0o700)
        try:
            lock = opened(folder)
        except FileNotFoundError:
            continue
        try:
            ours = locked(lock) and folder.exists()
        except OSError:
            ours = True  # a file system without locks: no other process can lock and remove it
        if ours:
            return folder, lock
        os.close(lock)


def sweep(parent: Path) -> None:
    """Remove this user's staging folders whose process has ended."""
    for entry in os.scandir(parent):
        if not (entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False)):
            continue
        try:
            if not is_ours(entry.stat(follow_symlinks=False)):
                continue
            lock = opened(Path(entry.path))
        except OSError:
            continue  # it was removed meanwhile, or this user may not open it
        stale = False
        with suppress(OSError):  # a file system without locks: no folder is known to be abandoned
            stale = locked(lock)
        if stale:
            _remove(Path(entry.path), lock)
        else:
            os.close(lock)
