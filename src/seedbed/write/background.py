"""Runs one call on a thread while the caller works. This saves time where the call releases the interpreter lock."""

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

__all__ = ["BackgroundCall"]

T = TypeVar("T")


class BackgroundCall(Generic[T]):
    """A call that runs on its own thread from the moment when this object is made."""

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
        """Waits until the call has ended, with or without an error."""
        self._thread.join()

    def result(self) -> T:
        """Waits for the call, then returns its result or raises its error."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._result
