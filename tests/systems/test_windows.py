"""Every file target on a system with the ways of Windows: no fcntl, no fork, open files that stay where they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SMALL = "--anchor 2030-01-01 --window-days 5"


def windows(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One command of a process that has what Windows has, and so have the processes that it starts."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
    )


def done(folder: Path, command: str) -> str:
    ended = windows(folder, "-m", "seedbed", *command.split())
    assert ended.returncode == 0 and "Traceback" not in ended.stderr, (command, ended.stderr)
    return ended.stdout


def test_what_stands_for_windows_lacks_what_windows_lacks(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from seedbed.write import locks
assert locks.fcntl is None and not locks.OPENS_FOLDERS and not hasattr(os, "fork")
open("held", "w").close(); held = open("held")
for call in (lambda: os.unlink("held"), lambda: os.replace("held", "x"), lambda: os.open(".", os.O_RDONLY)):
    try: call()
    except PermissionError: print("refused")
"""
    assert windows(tmp_path, "-c", code).stdout.split() == ["refused"] * 3


@pytest.mark.parametrize(
    "target",
    [
        "--to sqlite:///out.sqlite",
        "--to duckdb:///out.duckdb",
        "-o out.sql --dialect sqlite",
        "-o out.sql --dialect duckdb",
        "-o out --format csv",
        "-o out --format parquet",
        "-o out --format parquet --resume",
    ],
)
def test_a_target_is_written_and_replaced_with_and_without_workers(target: str, tmp_path: Path) -> None:
    for more in ("--seed 1", "--seed 2 --workers 2 --accounts CustomerSubledger=300"):
        said = done(tmp_path, f"data apply spec_example {SMALL} {target} {more}")
        assert said.startswith("wrote ")
    assert not list(tmp_path.glob(".seedbed-*"))
    if target.startswith("--to"):
        url = target.removeprefix("--to ")
        assert "everything holds" in done(tmp_path, f"check {url}")
        done(tmp_path, f"data refresh {url}")
        done(tmp_path, f"data clean {url}")
        done(tmp_path, f"schema clean {url}")


def test_the_bytes_are_those_of_other_systems(tmp_path: Path) -> None:
    command = f"data apply spec_example {SMALL} --format csv --quiet -o"
    done(tmp_path, f"{command} windows")
    here = [sys.executable, "-m", "seedbed", *command.split(), "here"]
    subprocess.run(here, cwd=tmp_path, check=True)
    for file in (tmp_path / "here").iterdir():
        assert file.read_bytes() == (tmp_path / "windows" / file.name).read_bytes()


def test_a_bank_is_begun_checked_and_shown(tmp_path: Path) -> None:
    done(tmp_path, "init mine.yaml")
    done(tmp_path, "validate mine.yaml")
    done(tmp_path, "plan mine.yaml")
    assert "It reconciles to the cent" in done(tmp_path, "demo --window-days 30 --folder demo")
    done(tmp_path, "export duckdb:///demo/spec_example.duckdb --format beancount -o books.beancount")
    assert not list(tmp_path.rglob(".seedbed-*"))


def test_what_a_killed_run_left_is_removed_and_what_is_at_work_is_not(tmp_path: Path) -> None:
    code = """
import os, subprocess, sys
from pathlib import Path
from seedbed.write.staging import staging, sweep
with staging(Path("x").absolute()) as mine:
    other = "from seedbed.write.staging import *; from pathlib import Path; sweep(Path('.'))"
    subprocess.run([sys.executable, "-c", other], check=True)
    assert mine.is_dir()
    print("kept", flush=True)
    os._exit(9)
"""
    ended = windows(tmp_path, "-c", code)
    assert (ended.stdout, ended.returncode) == ("kept\n", 9)
    assert list(tmp_path.glob(".seedbed-staging-*"))
    done(tmp_path, "init mine.yaml")
    assert not list(tmp_path.glob(".seedbed-*"))


def test_two_loads_into_one_duckdb_file_do_not_undo_each_other(tmp_path: Path) -> None:
    done(tmp_path, f"data apply spec_example {SMALL} --to duckdb:///out.duckdb --quiet")
    code = """
import subprocess, sys
from seedbed.databases.duckdb_file import duckdb_session
from seedbed.write.urls import parse_database_url
with duckdb_session(parse_database_url("duckdb:///out.duckdb")):
    command = "data apply harbor_trust --anchor 2030-01-01 --window-days 1 --to duckdb:///out.duckdb --quiet".split()
    done = subprocess.run([sys.executable, "-m", "seedbed", *command], capture_output=True, text=True)
    print(done.returncode, done.stderr.strip())
"""
    said = windows(tmp_path, "-c", code).stdout
    assert said.startswith("3 ") and said.endswith("out.duckdb is being loaded by another process\n")
