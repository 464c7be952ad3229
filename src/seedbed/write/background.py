"""Runs one call on a thread beside the caller's work. Hashing and writing release the interpreter lock."""

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

__all__ = ["BackgroundCall"]

T = TypeVar("T")


class BackgroundCall(Generic[T]):
    """A call that is running on a thread of its own since this was made."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:
            self._error = error

    def wait(self) -> None:
        """Returns when the call has ended, well or badly."""
        self._thread.join()

    def result(self) -> T:
        """What the call returned, once it has; raises what it raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._result
