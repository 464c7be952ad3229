"""Resuming: an interrupted Parquet folder goes on where it stopped, and nothing shows it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from seedbed.assembly.foundation import Foundation
from seedbed.assembly.workers import Workers
from seedbed.errors import TargetError
from seedbed.ledger.dataset import Dataset
from seedbed.write import Target, WriteReport, write
from seedbed.write.source import LedgerSource, Passed
from tests.write.test_workers import dataset, importable, small_groups, source

__all__ = ["importable", "small_groups"]

pytestmark = pytest.mark.usefixtures("small_groups")


@pytest.fixture(scope="module")
def crew(importable: None) -> Iterator[Workers]:
    with Workers(dataset(), 2) as workers:
        yield workers


class Interrupted(BaseException):
    """What a signal raises."""


class Stop:
    """A watcher that interrupts after so many transaction rows, and counts them."""

    def __init__(self, after: float = float("inf")) -> None:
        self.after = after
        self.rows = 0
        self.calls: list[int] = []

    def __call__(self, passed: Passed) -> None:
        self.rows += passed.transaction_rows
        self.calls.append(passed.transaction_rows)
        if self.rows > self.after:
            raise Interrupted


def run(folder: Path, workers: Workers | None, stop: Stop, resume: bool = True) -> WriteReport:
    made = source(workers)
    made.watchers.append(stop)
    target = Target(format="parquet", path=str(folder / "out"), answer_key=str(folder / "key.csv"), resume=resume)
    return write(made, made._foundation.dataset, target)


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, WriteReport]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seedbed.assembly.groups.GROUP_ROWS", 45_000)
        folder = tmp_path_factory.mktemp("whole")
        yield folder, run(folder, None, Stop(), resume=False)


def unfinished(folder: Path) -> Path:
    return folder / ".seedbed-unfinished-out"


@pytest.mark.parametrize("share", [0.0, 0.4, 0.8])
@pytest.mark.parametrize("together", [False, True])
def test_a_resumed_folder_has_the_same_bytes(
    share: float, together: bool, crew: Workers, tmp_path: Path, whole: tuple[Path, WriteReport]
) -> None:
    workers = crew if together else None
    rows = whole[1].counts.rows["transactions"]
    with pytest.raises(Interrupted), Workers(dataset(), 2) as short_lived:
        run(tmp_path, short_lived if together else None, Stop(share * rows))
    assert not (tmp_path / "out").exists()
    journal = (unfinished(tmp_path) / "journal.jsonl").read_text().splitlines()
    again = Stop()
    report = run(tmp_path, workers, again)
    assert hashes(tmp_path) == hashes(whole[0])
    assert report.counts == whole[1].counts
    assert again.rows == rows
    finished = json.loads(journal[-1])["sums"]["tables"]["transactions"][0] if len(journal) > 1 else 0
    assert finished == (again.calls[0] if len(journal) > 1 else 0)
    assert list(tmp_path.glob(".seedbed-*")) == []


def test_something_was_finished_to_go_on_from(tmp_path: Path, whole: tuple[Path, WriteReport]) -> None:
    with pytest.raises(Interrupted):
        run(tmp_path, None, Stop(0.8 * whole[1].counts.rows["transactions"]))
    assert len((unfinished(tmp_path) / "journal.jsonl").read_text().splitlines()) > 2


def test_a_damaged_file_and_a_torn_line_are_made_again(tmp_path: Path, whole: tuple[Path, WriteReport]) -> None:
    with pytest.raises(Interrupted):
        run(tmp_path, None, Stop(0.8 * whole[1].counts.rows["transactions"]))
    (unfinished(tmp_path) / "folder" / "transactions-00001.parquet").write_bytes(b"PAR1")
    with (unfinished(tmp_path) / "journal.jsonl").open("a") as journal:
        journal.write('{"files": {"trans')
    run(tmp_path, None, Stop())
    assert hashes(tmp_path) == hashes(whole[0])


@pytest.mark.parametrize("damage", ["figure", "bytes", "shape", "facts"])
def test_a_damaged_journal_is_believed_up_to_the_damage(
    damage: str, tmp_path: Path, whole: tuple[Path, WriteReport]
) -> None:
    with pytest.raises(Interrupted):
        run(tmp_path, None, Stop(0.8 * whole[1].counts.rows["transactions"]))
    journal = unfinished(tmp_path) / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    sums = json.loads(lines[-1])["sums"]["tables"]["transactions"]
    damaged = {
        "figure": [*lines[:-1], lines[-1].replace(str(sums[1]).encode(), str(sums[1] + 1).encode())],
        "bytes": [*lines[:-1], b"\xff" + lines[-1][1:]],
        "shape": [*lines[:-1], b"3\n"],
        "facts": [b"[]\n", *lines[1:]],
    }[damage]
    assert damaged != lines
    journal.write_bytes(b"".join(damaged))
    again = Stop()
    assert run(tmp_path, None, again).counts == whole[1].counts
    assert hashes(tmp_path) == hashes(whole[0])


def test_other_facts_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(tmp_path, None, Stop(0))
    other: Dataset = replace(dataset(), seed=43)
    with pytest.raises(TargetError, match="holds an unfinished run with other settings \\(seed 42, scenario\\)"):
        write(
            LedgerSource(Foundation(other), None),
            other,
            Target(format="parquet", path=str(tmp_path / "out"), resume=True),
        )
    assert unfinished(tmp_path).exists()


def test_a_folder_of_another_layout_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr("seedbed.write.journal.LAYOUT", "1")
        run(tmp_path, None, Stop(0.0))
    with pytest.raises(TargetError, match="holds an unfinished run with other settings \\(layout 1\\)"):
        run(tmp_path, None, Stop())


def test_without_resume_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(tmp_path, None, Stop(0), resume=False)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_do_not_meet_in_one_folder(tmp_path: Path) -> None:
    def meanwhile(_: Passed) -> None:
        with pytest.raises(TargetError, match="in use"):
            run(tmp_path, None, Stop())

    made = source(None)
    made.watchers.append(meanwhile)
    write(made, made._foundation.dataset, Target(format="parquet", path=str(tmp_path / "out"), resume=True))
