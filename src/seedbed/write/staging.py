"""Files and folders that appear whole or not at all: made in a private folder beside the target, then moved.

The private folder has a random name and is made by `mkdir`, which follows no link. A lock on it lasts as long as
its process, so what a killed run left behind is recognised and removed by the next run in the same folder.
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
# What `--resume` goes on with; the target's name follows.
KEPT_PREFIX = ".seedbed-unfinished-"
# How often a folder is removed until it is gone.
REMOVALS, REMOVAL_PAUSE_SECONDS = 50, 0.02


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """A private, empty folder on the target's file system; removed at the end, whatever happens."""
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
    """A folder beside the target that stays if the work does not end well, and is found again by its name.

    Raises `TargetError` while another process works in it, and for one that is not this user's own.
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
    """Removes a folder in which a worker may still begin a file: then it is not empty at first."""
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
    """The folder of `kept_staging`, there or not."""
    return target.with_name(f"{KEPT_PREFIX}{target.name}")


def check_file(path: Path, may_replace: Callable[[Path], bool]) -> None:
    """Raise `TargetError` unless `path` is free, or a regular file that `may_replace` accepts."""
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
    """Raise `TargetError` unless `path` is free, an empty folder, or one with `mark` and only own names in it."""
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
    """Put a finished file in place of the target in one step, durably, with the mode of what it replaces."""
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
    """Put a finished folder in place of the target, which is absent, empty, or an earlier output.

    An earlier output is first moved into the staging folder, and moved back if the second move does not happen:
    a folder that holds files cannot be replaced in one step.
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
    """Has a file or folder on the disk, not only on its way there; Windows sees to folders itself."""
    if not OPENS_FOLDERS and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if OPENS_FOLDERS else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make(parent: Path) -> tuple[Path, int]:
    """A new locked folder; tries again where another process's sweep took it before it was locked."""
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
            ours = True  # a file system without locks: no sweep can take it either
        if ours:
            return folder, lock
        os.close(lock)


def sweep(parent: Path) -> None:
    """Remove the staging folders of this user whose process is gone."""
    for entry in os.scandir(parent):
        if not (entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False)):
            continue
        try:
            if not is_ours(entry.stat(follow_symlinks=False)):
                continue
            lock = opened(Path(entry.path))
        except OSError:
            continue  # it went away, or is not ours to touch
        stale = False
        with suppress(OSError):  # a file system without locks: nothing is known to be stale
            stale = locked(lock)
        if stale:
            _remove(Path(entry.path), lock)
        else:
            os.close(lock)
