"""Where a result goes, and what comes of it: targets, database URLs, reports, one-line refusals.

A URL may hold a password, so no message here repeats any part of a URL but a scheme that is known.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.errors import InputError, TargetError, one_line
from seedbed.write.engines import ENGINES
from seedbed.write.urls import FOLDER, Address, parse_address

if TYPE_CHECKING:
    from seedbed.write.facts import Counts

__all__ = ["STANDARD_OUTPUT", "Target", "WriteReport", "parse_url"]

STANDARD_OUTPUT = "-"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One place to write to: a format (a key of `WRITERS`) and a file or folder, or `-` for standard output.

    `overwrite` lets a script replace a file that Seedbed did not write, and a load rows that no load made. `data_dir`
    is where the DuckDB script puts its Parquet files (default: beside the script, its name with `_data`); the script
    names them as `data_dir` is given here, so a relative one is resolved from where the script will be run.
    `answer_key` is a CSV file for the answer key, beside the table of it that every output holds. `address` is the
    database of a URL. `explained` says
    that the answer key has every drift of the rows, as the generator's own rows have it: a load then checks that.
    `resume` keeps what an interrupted Parquet folder has so far, and goes on from there. `showing` is a context
    around the one step that shows the result, for what goes with it.
    """

    format: str
    path: str
    overwrite: bool = False
    data_dir: str | None = None
    answer_key: str | None = None
    address: Address | None = None
    explained: bool = False
    resume: bool = False
    showing: Callable[[], AbstractContextManager[None]] = nullcontext


@dataclass(frozen=True)
class WriteReport:
    """What was written: paths, counts and digests, and the bytes of all files.

    `unchanged` says that the target held it already, and nothing was done.
    """

    paths: tuple[Path, ...]
    counts: "Counts"
    bytes: int
    unchanged: bool = False

    @property
    def rows(self) -> Mapping[str, int]:
        """Rows per unprefixed table name."""
        return self.counts.rows

    @property
    def digest(self) -> str:
        """The content digest of the base tables."""
        return self.counts.digest


def parse_url(url: str) -> Target:
    """The target of a database URL, as `databases.urls` reads it; a server's password stays out of `path`.

    Raises `InputError` for what is no database URL.
    """
    address = parse_address(url)
    if address.engine == FOLDER:
        raise InputError(
            f"{shown(address.path)} is a folder; commands can only read it. To write one, use `data apply -o FOLDER`"
        )
    return Target(format=ENGINES[address.engine].format, path=address.path or address.shown, address=address)


def shown(path: str | Path) -> str:
    """A path as one printable line, whatever bytes it has."""
    return one_line(os.fsencode(path).decode("utf-8", "replace"))


def place(path: str) -> Path:
    """The absolute path of a file or folder to write; raises `TargetError` for what no engine takes as a path."""
    try:
        usable = bool(path) and b"\0" not in path.encode()
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise TargetError("the path is empty, contains a NUL character, or is not UTF-8")
    if path == STANDARD_OUTPUT:
        raise TargetError("only scripts can be written to standard output; for a file named '-' write ./-")
    absolute = Path(path).absolute()
    return absolute.resolve() if absolute.name in ("", "..") else absolute


@contextmanager
def refusals(path: str | Path) -> Iterator[None]:
    """Turn what the operating system refuses into a `TargetError` of one line about `path`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise TargetError(f"{shown(path)}: {one_line(reason)}") from error


@contextmanager
def output_refusals() -> Iterator[None]:
    """The same of standard output; a reader that goes away is no failure, and stays a `BrokenPipeError`."""
    try:
        with refusals("standard output"):
            yield
    except TargetError as error:
        if isinstance(error.__cause__, BrokenPipeError):
            raise error.__cause__ from None
        raise
