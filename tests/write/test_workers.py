"""Workers: the same bytes for any number of them, and nothing left of them, or of a file, when one of them fails."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

import seedbed
from seedbed.api import dataset_of
from seedbed.assembly.foundation import Foundation
from seedbed.assembly.groups import adopt_shares, group_blocks
from seedbed.assembly.pipeline import ScenarioChoices, planted_on
from seedbed.assembly.workers import Workers
from seedbed.ledger.dataset import Dataset
from seedbed.write import Target, write
from seedbed.write.source import LedgerSource
from tests.waiting import LONG, until

ANCHOR = date(2030, 1, 1)
BANK = Path(seedbed.__file__).parent / "banks" / "spec_example.yaml"


@pytest.fixture(scope="module", autouse=True)
def importable() -> Iterator[None]:
    """Workers import this module for the functions that they are to call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2]))
        yield


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of one or two blocks, so that a test needs no millions of rows."""
    monkeypatch.setattr("seedbed.assembly.groups.GROUP_ROWS", 45_000)


def dataset() -> Dataset:
    return dataset_of(seedbed.load_instance(BANK), ANCHOR, 12, {"CustomerSubledger": 1_300})


@pytest.fixture(scope="module")
def crew(importable: None) -> Iterator[Workers]:
    with Workers(dataset(), 2) as workers:
        yield workers


def source(workers: Workers | None) -> LedgerSource:
    foundation = Foundation(dataset())
    if workers:
        adopt_shares(foundation, workers, lambda _: None)
    return LedgerSource(planted_on(foundation, ScenarioChoices()), workers)


def written(workers: Workers | None, format_: str, folder: Path) -> dict[str, str]:
    """What a target's files come to: name to hash."""
    folder.mkdir()
    made = source(workers)
    report = write(
        made,
        made._foundation.dataset,
        Target(format=format_, path=str(folder / "out"), answer_key=str(folder / "key")),
    )
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return {**hashes, "digest": report.digest}


@pytest.mark.parametrize("format_", ["parquet", "csv", "postgresql", "sqlite", "oracle", "duckdb"])
def test_workers_write_the_same_bytes(format_: str, crew: Workers, tmp_path: Path, small_groups: None) -> None:
    alone = written(None, format_, tmp_path / "alone")
    assert written(crew, format_, tmp_path / "together") == alone


def test_a_database_takes_parts_from_workers(crew: Workers, tmp_path: Path) -> None:
    made = source(crew)
    loaded = write(made, made._foundation.dataset, Target(format="duckdb-file", path=str(tmp_path / "x.duckdb")))
    alone = source(None)
    assert (
        loaded.digest
        == write(alone, alone._foundation.dataset, Target(format="csv", path=str(tmp_path / "csv"))).digest
    )


def test_the_first_pass_of_one_process_is_that_of_workers_and_tells_how_far_it_is(crew: Workers) -> None:
    alone, together = Foundation(dataset()), Foundation(dataset())
    told: list[float] = []
    adopt_shares(alone, None, told.append)
    adopt_shares(together, crew, lambda _: None)
    assert (alone.shares().nets == together.shares().nets).all()
    assert (alone.shares().totals.cents == together.shares().totals.cents).all()
    assert told == sorted(told)
    assert len(told) > 1
    assert told[-1] == 1.0


def test_the_facts_decide_the_groups(small_groups: None) -> None:
    each = group_blocks(dataset())
    assert each is not None
    assert 1 <= each < 6
    assert group_blocks(dataset_of(seedbed.load_instance(BANK), ANCHOR)) is None


def test_parquet_files_per_group_hold_every_row_once(tmp_path: Path, small_groups: None, crew: Workers) -> None:
    made = source(crew)
    report = write(made, made._foundation.dataset, Target(format="parquet", path=str(tmp_path / "out")))
    files = sorted(path.name for path in (tmp_path / "out").glob("transactions-*.parquet"))
    assert files[0] == "transactions-00000.parquet"
    assert len(files) > 1
    rows, entries = duckdb.sql(
        f"SELECT COUNT(*), COUNT(DISTINCT entry) FROM '{tmp_path}/out/transactions-*.parquet'"
    ).fetchall()[0]
    assert rows == entries == report.rows["transactions"]


HELD: list[str] = []


def _held(_: Foundation, __: range) -> list[str]:
    return HELD


def is_gone(process: int) -> bool:
    """Whether a process has ended; of one that nobody has asked about since, the name is still there."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


SEEDBED = [sys.executable, "-m", "seedbed", "data", "apply", str(BANK), "--anchor", "2030-01-01"]
LARGE = [*SEEDBED, "--accounts", "CustomerSubledger=20000", "--workers", "2"]


PROCESSES = 2


def _sockets(process: int) -> set[str]:
    links = [str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir()]
    return {link for link in links if link.startswith("socket:")}


def _descendants(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task")
    children = [int(child) for task in tasks.glob("*/children") for child in task.read_text().split()]
    return children + [grandchild for child in children for grandchild in _descendants(child)]


def _when_all_run(process: int) -> list[int]:
    until(lambda: len(_descendants(process)) >= PROCESSES)
    return _descendants(process)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc to see the processes")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("format_", ["--format=parquet", "--dialect=postgresql"])
def test_a_signal_leaves_no_file_and_no_worker(
    number: signal.Signals, code: int, format_: str, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [*LARGE, "-o", "out", format_], cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    _when_all_run(process.pid)
    until(lambda: any(path.is_file() and path.stat().st_size for path in tmp_path.rglob("*")))
    others = _descendants(process.pid)
    assert len(others) == PROCESSES
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, said = process.communicate(timeout=LONG)
    assert process.returncode == code
    assert said.splitlines()[-1].endswith("nothing was left half-written")
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
    until(lambda: all(is_gone(other) for other in others))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc to see the processes")
@pytest.mark.parametrize("whole_group", [False, True])
def test_a_request_to_end_while_workers_start_is_one_line(whole_group: bool, tmp_path: Path) -> None:
    for _ in range(5):
        process = subprocess.Popen(
            [*LARGE, "--workers", "8", "-o", "out", "--format=csv", "--quiet"],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        while process.poll() is None and not _descendants(process.pid):
            pass
        os.killpg(process.pid, signal.SIGTERM) if whole_group else process.terminate()
        _, said = process.communicate(timeout=LONG)
        assert (process.returncode, said) == (143, "seedbed: terminated; nothing was left half-written\n")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc to see the processes")
@pytest.mark.parametrize("folder", ["short", "l" * 100])
@pytest.mark.parametrize("bank", [str(BANK), "no_such_bank.yaml"])
def test_nothing_stays_among_temporary_files(folder: str, bank: str, tmp_path: Path) -> None:
    temporary = tmp_path / folder
    temporary.mkdir()
    command = [sys.executable, "-m", "seedbed", "data", "apply", bank, "--anchor", "2030-01-01", "--workers", "2"]
    command += ["-o", str(tmp_path / "out"), "--format", "csv"]
    done = subprocess.run(
        command, env={**os.environ, "TMPDIR": str(temporary)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == (0 if bank == str(BANK) else 2), done.stderr
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="processes are started afresh elsewhere")
def test_a_process_with_one_thread_alone_is_copied() -> None:
    """A copy holds what this process made; beside another thread, workers are started afresh."""
    probe = """if True:
        import sys, threading, time
        from tests.write.test_workers import Workers, _held, dataset
        import tests.write.test_workers as here

        if __name__ == "__main__":
            here.HELD.append("made here")
            if sys.argv[1] == "two":
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            with Workers(dataset(), 1, forked=True) as workers:
                print(*workers.map(_held, [(range(1),)]))
        """
    told = {}
    for threads in ("one", "two"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        done = subprocess.run(
            [sys.executable, "-c", probe, threads], capture_output=True, text=True, check=True, env=environment
        )
        told[threads] = done.stdout.strip()
    assert told == {"one": "['made here']", "two": "[]"}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc to see what is open")
def test_a_copy_keeps_no_end_of_a_pipe_but_its_own(tmp_path: Path) -> None:
    process = subprocess.Popen([*LARGE, "-o", "out.sql", "--dialect=sqlite"], cwd=tmp_path, stderr=subprocess.PIPE)
    others = _when_all_run(process.pid)
    until(lambda: [len(_sockets(other)) for other in (process.pid, *others)] == [2, 1, 1])
    sockets = [_sockets(other) for other in (process.pid, *others)]
    process.terminate()
    process.communicate(timeout=LONG)
    assert len(set.union(*sockets)) == 4


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc to see the processes")
def test_workers_end_when_the_parent_is_killed(tmp_path: Path) -> None:
    process = subprocess.Popen([*LARGE, "-o", "out.sql", "--dialect=sqlite"], cwd=tmp_path, stderr=subprocess.PIPE)
    others = _when_all_run(process.pid)
    assert len(others) == PROCESSES
    process.kill()
    process.communicate(timeout=LONG)
    until(lambda: all(is_gone(other) for other in others))


@pytest.mark.parametrize("count", ["0", "257", "-1", "x"])
def test_a_number_of_workers_outside_its_range_is_refused(count: str, tmp_path: Path) -> None:
    command = [*SEEDBED, "-o", str(tmp_path / "x"), "--format", "csv", "--workers", count]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "workers" in done.stderr


@pytest.mark.parametrize("format_", ["--format=parquet", "--format=csv", "--dialect=postgresql"])
def test_a_full_disk_is_one_line_and_leaves_nothing(format_: str, tmp_path: Path) -> None:
    large = [*SEEDBED, "--accounts", "CustomerSubledger=4000", "--workers", "2", "--quiet"]
    command = [*large, "-o", str(tmp_path / "out"), format_]
    # A limit on the size of files, in blocks of 512 or 1024 bytes, fails as a full disk does: within a write.
    limited = ["sh", "-c", 'ulimit -f 4000; exec "$@"', "sh", *command]
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"seedbed: {tmp_path / 'out'}: ")
    assert done.stderr.endswith("File too large\n")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
