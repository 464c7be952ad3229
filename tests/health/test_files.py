"""The command that asks Parquet files every condition: silent on a healthy folder, loud on an ill one."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from .conditions import EXACT, STATISTICAL

ROOT = Path(__file__).parents[2]
CONDITIONS = len(EXACT) + len(STATISTICAL)


def _written(folder: Path, *options: str) -> Path:
    command = [sys.executable, "-m", "seedbed", "data", "apply", "spec_example", "--anchor", "2030-01-01", "-o"]
    subprocess.run([*command, str(folder), "--format", "parquet", "--quiet", *options], check=True)
    return folder


def _asked(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "benchmarks" / "health.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    return _written(tmp_path / "out", "--baseline-only")


def test_a_healthy_folder_passes_every_condition(baseline: Path) -> None:
    done = _asked(baseline)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{CONDITIONS} of {CONDITIONS} conditions hold" in done.stdout
    assert [path.name for path in baseline.parent.iterdir()] == ["out"]


def test_a_cent_is_noticed(baseline: Path) -> None:
    file = baseline / "daily_balances.parquet"
    changed = (
        "select * replace (money + case when entry = (select max(entry) from b) then 0.01 else 0 end as money) from b"
    )
    duckdb.sql(f"copy (with b as (from '{file}') {changed}) to '{file}.new' (format parquet)")
    Path(f"{file}.new").replace(file)
    done = _asked(baseline)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout and "drift" in done.stdout


def test_plants_are_refused(tmp_path: Path) -> None:
    done = _asked(_written(tmp_path / "out"))
    assert done.returncode == 1
    assert "write it with --baseline-only" in done.stderr
