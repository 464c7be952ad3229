"""Turns SIGTERM into an exception, so that half-written output is removed.

Python drops an exception that a signal handler raises within a finaliser or a weak reference's callback (imports have
some). So the request is stored, and long work checks for it between two parts.
"""

import signal
import sys
from typing import NoReturn

__all__ = ["Terminated", "is_ending", "is_own_process", "listen", "stop_if_asked"]

_asked = False
_own = False


class Terminated(BaseException):
    """The process was asked to end. This is raised wherever the process is."""


def listen() -> None:
    """Turns the first SIGTERM into `Terminated`, unless the process has another handler for it.

    For a process that only runs one command line.
    """
    global _own  # noqa: PLW0603 - it is the process that is meant
    _own = True
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
        sys.unraisablehook = _unraisable


def _unraisable(dropped: "sys.UnraisableHookArgs") -> None:
    """Reports dropped exceptions like Python, except `Terminated`, which it stores."""
    if dropped.exc_type is not Terminated:
        sys.__unraisablehook__(dropped)


def is_own_process() -> bool:
    """Whether the process is the command line's alone, not a program that runs commands."""
    return _own


def _terminate(_number: int, _frame: object) -> NoReturn:
    global _asked  # noqa: PLW0603 - a signal belongs to the process
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _asked = True
    raise Terminated


def is_ending() -> bool:
    """Whether the process was asked to end."""
    return _asked


def stop_if_asked() -> None:
    """Raises `Terminated` if the process was asked to end."""
    if _asked:
        raise Terminated
