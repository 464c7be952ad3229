"""The answer key as a CSV file beside an output: written as the parts pass, in place once the output is."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from seedbed.ledger.columns import ANSWER_KEY
from seedbed.ledger.dataset import Dataset, Part
from seedbed.write.folders import CsvFile
from seedbed.write.source import source_of
from seedbed.write.staging import check_file, move_file, staging
from seedbed.write.targets import Target, WriteReport, place, refusals

__all__ = ["check_key_file", "with_key_file"]

Writer = Callable[[Iterable[Part], Dataset, Target], WriteReport]

HEADER = ",".join(column.name for column in ANSWER_KEY.columns).encode()


def with_key_file(writer: Writer, parts: Iterable[Part], dataset: Dataset, target: Target) -> WriteReport:
    """Runs a writer and writes `target.answer_key` too; only an earlier answer key is replaced.

    Raises `TargetError` where either cannot be written; the file then stays as it was.
    """
    path = check_key_file(target)
    with staging(path) as private:
        staged = private / "answer_key.csv"
        file = CsvFile(staged, ANSWER_KEY)
        source = source_of(parts)
        source.watchers.append(lambda passed: file.write(passed.answer_key))
        try:
            report = writer(source, dataset, replace(target, answer_key=None))
        finally:
            file.close()
        move_file(staged, path)
    with refusals(path):
        size = path.stat().st_size
    return replace(report, paths=(*report.paths, path), bytes=report.bytes + size)


def check_key_file(target: Target) -> Path:
    """The file's path; raises `TargetError` where something else is there."""
    path = place(str(target.answer_key))
    check_file(path, _is_answer_key)
    return path


def _is_answer_key(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(HEADER)) == HEADER
