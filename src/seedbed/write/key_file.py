"""The answer key as a CSV file beside an output. It is written as the parts pass, and appears with the output.

No system moves two files in one step. So the old answer key is removed first, then the output is moved into place,
then the new answer key. If the process ends in between, the output has no answer key, but never a wrong one.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from seedbed.errors import TargetError
from seedbed.ledger.columns import ANSWER_KEY
from seedbed.ledger.dataset import Dataset, Part
from seedbed.write.folders import CsvFile
from seedbed.write.source import source_of
from seedbed.write.staging import check_file, move_file, staging
from seedbed.write.targets import STANDARD_OUTPUT, Target, WriteReport, output_path, refusals, shown

__all__ = ["check_key_file", "with_key_file"]

Writer = Callable[[Iterable[Part], Dataset, Target], WriteReport]

HEADER = ",".join(column.name for column in ANSWER_KEY.columns).encode()


def with_key_file(writer: Writer, parts: Iterable[Part], dataset: Dataset, target: Target) -> WriteReport:
    """Runs a writer and writes `target.answer_key`, too. Only an earlier answer key is replaced.

    Raises `TargetError` if either file cannot be written; the earlier answer key then stays.
    """
    path = check_key_file(target)
    with staging(path) as private:
        file = CsvFile(private / "answer_key.csv", ANSWER_KEY)
        pair = _Pair(path, private / "answer_key.csv", private / "previous.csv", _file_of(target))
        source = source_of(parts)
        source.watchers.append(lambda passed: file.write(passed.answer_key))
        try:
            report = writer(source, dataset, replace(target, answer_key=None, showing=partial(_moved, pair, file)))
        finally:
            file.close()
        if pair.staged.exists():
            # The writer left an equal output unchanged, so it never moved the answer key.
            move_file(pair.staged, path)
    with refusals(path):
        size = path.stat().st_size
    return replace(report, paths=(*report.paths, path), bytes=report.bytes + size)


@dataclass(frozen=True)
class _Pair:
    """The paths of the answer key, of its new and old version while they wait, and of the output if it is a file."""

    path: Path
    staged: Path
    previous: Path
    output: Path | None

    def identity(self) -> tuple[int, ...]:
        """A value that changes if another file replaces the output."""
        with suppress(OSError):
            if self.output is not None:
                status = self.output.stat()
                return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
        return ()


@contextmanager
def _moved(pair: _Pair, file: CsvFile) -> Iterator[None]:
    """Removes the old answer key before the step that shows the output, and moves the new one into place after it.

    If the step fails, the answer key that belongs to the visible output is kept.
    """
    file.close()
    before = pair.identity()
    try:
        if pair.path.exists():
            pair.path.replace(pair.previous)
        yield
        move_file(pair.staged, pair.path)
    except BaseException:
        if pair.identity() != before:
            if pair.staged.exists():
                _move_once_more(pair)
        elif pair.previous.exists():
            pair.previous.replace(pair.path)
        raise


def _move_once_more(pair: _Pair) -> None:
    """Moves the new answer key beside its visible output. If this fails, the `TargetError` names the output."""
    try:
        move_file(pair.staged, pair.path)
    except TargetError as error:
        left = shown(pair.output) if pair.output else "the output"
        raise TargetError(f"{error}; {left} is complete, but its answer key is missing") from error


def _file_of(target: Target) -> Path | None:
    """The path of a target that is a file or folder, else None."""
    if target.path == STANDARD_OUTPUT or target.format.endswith("-database"):
        return None
    return output_path(target.path)


def check_key_file(target: Target) -> Path:
    """The path of the answer key. Raises `TargetError` if another file is there."""
    path = output_path(str(target.answer_key))
    check_file(path, _is_answer_key)
    return path


def _is_answer_key(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(HEADER)) == HEADER
