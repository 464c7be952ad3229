"""Exports of a loaded ledger for other programs: a table with one row per format, of a file or a folder of them."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from seedbed.checks.filled import views_behind
from seedbed.databases.reader import Database, open_database, stored_bank, the_instance
from seedbed.errors import InputError, TargetError
from seedbed.exports import beancount, statements
from seedbed.write.staging import check_file, check_folder, move_file, move_folder, staging
from seedbed.write.targets import STANDARD_OUTPUT, output_path, output_refusals
from seedbed.write.urls import parse_database_url

__all__ = ["EXPORTS", "Documents", "Export", "Exported", "export"]


Documents = Iterator[tuple[str, Iterator[str]]]

# In a folder of documents, the file by which the folder is known as an export.
MARK_FILE = "export.txt"


@dataclass(frozen=True, kw_only=True)
class Export:
    """One format: a file, or with `folder` a folder of documents.

    `mark` is the text by which an export of it is known as ours, and `views` are the views that it reads. `documents`
    gives the name and the lines of each document; the name of a single file does not matter. `options` maps the
    options that it takes to what they mean.
    """

    mark: str
    views: tuple[str, ...]
    documents: Callable[[Database, str, Mapping[str, str]], Documents]
    folder: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


EXPORTS: Mapping[str, Export] = {
    "beancount": Export(
        mark=beancount.MARK,
        views=beancount.READ_VIEWS,
        documents=lambda database, instance, _: iter([("", beancount.beancount_lines(database, instance))]),
    ),
    "statements": Export(
        mark=statements.MARK,
        views=statements.READ_VIEWS,
        documents=statements.statement_documents,
        folder=True,
        options=statements.OPTIONS,
    ),
}


class Exported(NamedTuple):
    """What an export has written."""

    documents: int
    lines: int


def export(
    url: str,
    instance: str | None,
    file_format: str,
    path: str = STANDARD_OUTPUT,
    options: Mapping[str, str] | None = None,
) -> Exported:
    """Writes an instance in a format to a file or folder, whole or not at all, or a file to standard output.

    What is there is replaced only if it is such an export. Raises `InputError` for another URL, format, option or
    instance, and `TargetError` for what the database or the target refuses and for views that are behind their
    tables.
    """
    row = _format(file_format, path, options or {})
    with open_database(url) as database:
        instance = the_instance(database, instance)
        if behind := views_behind(database, stored_bank(database, instance), row.views):
            raise TargetError(
                f"{instance}_{behind[0]} is outdated: the tables or the view have changed;"
                f" run `seedbed data refresh {parse_database_url(url).shown}`"
            )
        documents = row.documents(database, instance, options or {})
        if row.folder:
            return _written_folder(documents, output_path(path), row.mark)
        lines = next(documents)[1]
        return Exported(
            1, _printed(lines) if path == STANDARD_OUTPUT else _written_file(lines, output_path(path), row.mark)
        )


def _format(file_format: str, path: str, options: Mapping[str, str]) -> Export:
    """The row of a format. Raises `InputError` where it is none, or does not take the options or the output."""
    if file_format not in EXPORTS:
        raise InputError(f"unknown format {file_format[:40]!r}; known are {', '.join(EXPORTS)}")
    row = EXPORTS[file_format]
    for name in options:
        if name not in row.options:
            known = f"it takes {', '.join(row.options)}" if row.options else "it takes none"
            raise InputError(f"unknown option {name[:40]!r} of the format {file_format}; {known}")
    if row.folder and path == STANDARD_OUTPUT:
        raise InputError(f"the format {file_format} is a folder of files; give -o FOLDER")
    return row


def _printed(lines: Iterator[str]) -> int:
    with output_refusals():
        count: int = sum(sys.stdout.write(line) > 0 for line in lines)
        sys.stdout.flush()
    return count


def _written_file(lines: Iterator[str], target: Path, mark: str) -> int:
    check_file(target, lambda old: _starts_with(old, mark))
    with staging(target) as private:
        staged = private / "export"
        written = _put(lines, staged)
        move_file(staged, target)
    return written


def _written_folder(documents: Documents, target: Path, mark: str) -> Exported:
    check_folder(target, lambda name: name == MARK_FILE or name.endswith(".csv"), MARK_FILE)
    with staging(target) as private:
        staged, count, written = private / "export", 0, 0
        staged.mkdir()
        _put(iter([f"{mark}\n"]), staged / MARK_FILE)
        for name, lines in documents:
            count, written = count + 1, written + _put(lines, staged / name)
        move_folder(staged, target)
    return Exported(count, written)


def _put(lines: Iterator[str], path: Path) -> int:
    with path.open("x", encoding="utf-8", newline="\n") as stream:
        written: int = sum(stream.write(line) > 0 for line in lines)
    return written


def _starts_with(path: Path, mark: str) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(mark.encode())) == mark.encode()
