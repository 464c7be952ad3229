"""Exports of a loaded ledger for other programs: a table with one row per format."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seedbed.checks.filled import views_behind
from seedbed.databases.reader import Database, open_database, stored_bank, the_instance
from seedbed.errors import InputError, TargetError
from seedbed.exports.beancount import MARK, READ_VIEWS, beancount_lines
from seedbed.write.staging import check_file, move_file, staging
from seedbed.write.targets import STANDARD_OUTPUT, output_path, output_refusals
from seedbed.write.urls import parse_database_url

__all__ = ["EXPORTS", "Export", "export"]


@dataclass(frozen=True)
class Export:
    """One format. `mark` begins its files, `views` are the views that it reads, `lines` makes its text."""

    mark: str
    views: tuple[str, ...]
    lines: Callable[[Database, str], Iterator[str]]


EXPORTS: Mapping[str, Export] = {"beancount": Export(MARK, READ_VIEWS, beancount_lines)}


def export(url: str, instance: str | None, file_format: str, path: str = STANDARD_OUTPUT) -> int:
    """Write an instance in a format to standard output, or to a file, whole or not at all. Returns the lines written.

    Only an earlier export in the same format is replaced. Raises `InputError` for a wrong URL, format or instance,
    and `TargetError` if the database or the file refuses, or if a view is older than its tables.
    """
    if file_format not in EXPORTS:
        raise InputError(f"unknown format {file_format[:40]!r}; known are {', '.join(EXPORTS)}")
    row = EXPORTS[file_format]
    with open_database(url) as database:
        instance = the_instance(database, instance)
        if behind := views_behind(database, stored_bank(database, instance), row.views):
            raise TargetError(
                f"{instance}_{behind[0]} is outdated: the tables or the view have changed;"
                f" run `seedbed data refresh {parse_database_url(url).shown}`"
            )
        lines = row.lines(database, instance)
        if path == STANDARD_OUTPUT:
            with output_refusals():
                count: int = sum(sys.stdout.write(line) > 0 for line in lines)
                sys.stdout.flush()
                return count
        target = output_path(path)
        check_file(target, lambda old: _starts_with(old, row.mark))
        with staging(target) as private:
            staged = private / "export"
            with staged.open("x", encoding="utf-8", newline="\n") as stream:
                written: int = sum(stream.write(line) > 0 for line in lines)
            move_file(staged, target)
    return written


def _starts_with(path: Path, mark: str) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(mark.encode())) == mark.encode()
