"""Locks on a folder or a file. A lock ends with its process; a caller never waits for one.

Linux and macOS can lock an open folder. Windows cannot open a folder, and cannot replace or remove an open file.
There the lock of a folder is on a file in it, which is closed first, and the lock of a file is on a byte far behind
its end.
"""

import os
from pathlib import Path
from types import ModuleType

fcntl: ModuleType | None
msvcrt: ModuleType | None
try:
    import fcntl
except ImportError:
    fcntl = None
try:
    import msvcrt
except ImportError:
    msvcrt = None

__all__ = ["LOCK_FILE", "OPENS_FOLDERS", "is_ours", "locked", "opened"]

# Whether a folder can be opened, and what is open be replaced and removed.
OPENS_FOLDERS = hasattr(os, "O_DIRECTORY")
LOCK_FILE = "lock"
# Windows keeps everybody else from bytes that are locked, and these may lie behind the end of a file.
FAR_BYTE = 2**40


def opened(folder: Path) -> int:
    """The descriptor of what is locked for a folder, which its caller closes; follows no link.

    Raises `OSError`.
    """
    if OPENS_FOLDERS:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    return os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT)


def locked(descriptor: int) -> bool:
    """Takes the lock, unless another process has it. Raises `OSError` where there are no locks."""
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
    if msvcrt is None:
        raise OSError("this system has no locks")
    os.lseek(descriptor, FAR_BYTE, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except PermissionError:
        return False
    return True


def is_ours(status: os.stat_result) -> bool:
    """Whether a file or folder belongs to this user; Windows keeps that elsewhere, and lets nobody else in."""
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
