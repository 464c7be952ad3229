"""The targets of writers, the reports on what was written, and one-line errors about files.

A URL may hold a password, so no message here repeats any part of a URL except a known scheme.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.errors import InputError, TargetError, one_line
from seedbed.write.engines import ENGINES
from seedbed.write.urls import FOLDER, DatabaseUrl, parse_database_url

if TYPE_CHECKING:
    from seedbed.write.facts import Counts

__all__ = ["STANDARD_OUTPUT", "Target", "WriteReport", "parse_url"]

STANDARD_OUTPUT = "-"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One target: a format (a key of `WRITERS`) and a file or folder, `-` for standard output, or a database.

    `overwrite` lets a script replace a file that Seedbed did not write, and lets a load replace rows that no load
    made. `data_dir` is the folder for the Parquet files of a DuckDB script; the default is the script's name with
    `_data`. The script names the folder exactly as it is given here, so a relative `data_dir` is relative to the
    folder in which the script is run.

    `answer_key` is a CSV file for the answer key, which every output also holds as a table. `explained` tells that
    the answer key lists every drift in the rows, which is true of generated rows; a load then checks this. `resume`
    continues an interrupted Parquet folder. `showing` is a context around the one step that shows the result.
    """

    format: str
    path: str
    overwrite: bool = False
    data_dir: str | None = None
    answer_key: str | None = None
    database_url: DatabaseUrl | None = None
    explained: bool = False
    resume: bool = False
    showing: Callable[[], AbstractContextManager[None]] = nullcontext


@dataclass(frozen=True)
class WriteReport:
    """What was written: paths, counts and digests, and the bytes of all files.

    `unchanged` tells that the target already held the dataset, so nothing was written.
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
    """The target of a database URL. Its `path` never has the password of a server.

    Raises `InputError` for text that is not a database URL.
    """
    database_url = parse_database_url(url)
    if database_url.engine == FOLDER:
        raise InputError(
            f"{shown(database_url.path)} is a folder, which is only read. To write one, use `data apply -o FOLDER`"
        )
    return Target(
        format=ENGINES[database_url.engine].format,
        path=database_url.path or database_url.shown,
        database_url=database_url,
    )


def shown(path: str | Path) -> str:
    """A path as one printable line, even if it has unprintable bytes."""
    return one_line(os.fsencode(path).decode("utf-8", "replace"))


def output_path(path: str) -> Path:
    """The absolute path of a file or folder to write. Raises `TargetError` for text that cannot be a path."""
    try:
        usable = bool(path) and b"\0" not in path.encode()
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise TargetError("the path is empty, contains a NUL character, or is not UTF-8")
    if path == STANDARD_OUTPUT:
        raise TargetError("only scripts can be written to standard output; for a file named '-', give ./-")
    absolute = Path(path).absolute()
    return absolute.resolve() if absolute.name in ("", "..") else absolute


@contextmanager
def refusals(path: str | Path) -> Iterator[None]:
    """Turn an error of the operating system into a one-line `TargetError` about `path`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise TargetError(f"{shown(path)}: {one_line(reason)}") from error


@contextmanager
def output_refusals() -> Iterator[None]:
    """The same for standard output. If its reader has gone, this raises the `BrokenPipeError` unchanged."""
    try:
        with refusals("standard output"):
            yield
    except TargetError as error:
        if isinstance(error.__cause__, BrokenPipeError):
            raise error.__cause__ from None
        raise
