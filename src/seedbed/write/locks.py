"""Locks on a folder or a file. A lock ends with its process; a caller never waits for one.

Linux and macOS can lock an open folder. Windows cannot open a folder, and cannot replace or remove an open file. On
Windows the lock of a folder is on a file in it, which is closed before the folder is removed. The lock of a file is
on a byte far beyond its end.
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

# Whether the system can open folders, and can replace and remove open files.
OPENS_FOLDERS = hasattr(os, "O_DIRECTORY")
LOCK_FILE = "lock"
# Windows lets nobody else read locked bytes. A locked byte may lie beyond the end of the file.
FAR_BYTE = 2**40


def opened(folder: Path) -> int:
    """Opens the folder, or its lock file, for locking. Returns the descriptor, which the caller closes.

    Follows no link. Raises `OSError`.
    """
    if OPENS_FOLDERS:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    return os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT)


def locked(descriptor: int) -> bool:
    """Takes the lock. Returns False if another process has it. Raises `OSError` if the system has no locks."""
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
    """Whether a file or folder belongs to this user. Windows has no such number, and always passes."""
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
