"""Where a result goes, and what comes of it: targets, database URLs, reports, one-line refusals.

A URL may hold a password, so no message here repeats any part of a URL but a scheme that is known.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seedbed.errors import InputError, TargetError, one_line

__all__ = ["STANDARD_OUTPUT", "Target", "WriteReport", "parse_url"]

STANDARD_OUTPUT = "-"
LOADED_SCHEMES = ("duckdb",)
OTHER_SCHEMES = ("sqlite", "postgresql", "postgres", "mysql", "mariadb", "oracle", "mssql", "snowflake")


@dataclass(frozen=True)
class Target:
    """One place to write to: a format (a key of `WRITERS`) and a file or folder, or `-` for standard output.

    `overwrite` lets a script replace a file that Seedbed did not write. `data_dir` is where the DuckDB script puts
    its Parquet files (default: beside the script, its name with `_data`); the script names them as `data_dir` is
    given here, so a relative one is resolved from where the script will be run. `answer_key` is a CSV file for the
    answer key, beside the table of it that every output holds.
    """

    format: str
    path: str
    overwrite: bool = False
    data_dir: str | None = None
    answer_key: str | None = None


@dataclass(frozen=True)
class WriteReport:
    """What was written: paths, rows per unprefixed table name, the content digest, and the bytes of all files."""

    paths: tuple[Path, ...]
    rows: Mapping[str, int]
    digest: str
    bytes: int


def parse_url(url: str) -> Target:
    """The target of a database URL: `duckdb:///relative.duckdb` or `duckdb:////absolute.duckdb`.

    The path is taken as it stands, without percent decoding. Raises `InputError` for every other URL.
    """
    match = re.match(r"([A-Za-z][A-Za-z0-9]*)(\+[A-Za-z0-9]+)?://", url)
    scheme = match[1].lower() if match else ""
    expected = "this version loads duckdb:///PATH (duckdb:////PATH for an absolute path)"
    if scheme in OTHER_SCHEMES:
        raise InputError(f"not supported yet: {scheme} databases; {expected}")
    if scheme not in LOADED_SCHEMES:
        raise InputError(f"not a database URL; {expected}")
    if not re.match(r"duckdb:///.", url, re.IGNORECASE | re.DOTALL):
        raise InputError(f"a duckdb URL names a file and no host; {expected}")
    return Target("duckdb-file", url[len("duckdb:///") :])


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
        raise TargetError("a path that is empty, has a NUL in it, or is not UTF-8 cannot be written")
    if path == STANDARD_OUTPUT:
        raise TargetError("only scripts go to standard output; a file of that name is ./-")
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
