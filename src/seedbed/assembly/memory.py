"""Settings of the C library's allocator, for processes that only generate rows."""

import ctypes
import sys

__all__ = ["keep_memory"]

# glibc's <malloc.h>: the name of a parameter, and the value for it in bytes.
TRIM_THRESHOLD, KEPT_BYTES = -1, 512 * 2**20
MMAP_THRESHOLD, LARGE_BYTES = -3, 32 * 2**20


def keep_memory() -> None:
    """Has freed memory kept for the next arrays, up to half a gigabyte; for processes that Seedbed has to itself.

    A block's arrays are freed and asked for again block by block. So glibc keeps that memory, and Arrow takes it from
    there, instead of having the system clear every page anew: a tenth of the time. Elsewhere this does nothing.
    Large pages would save more on a machine that was just started, and cost more on one whose memory is in pieces:
    the system joins them.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "gnu_get_libc_version"):
        library.mallopt(TRIM_THRESHOLD, KEPT_BYTES)
        library.mallopt(MMAP_THRESHOLD, LARGE_BYTES)
