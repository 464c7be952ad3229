"""The benchmark of scale: its own programs, on a few rows."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import LONG

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small folder of Parquet."""
    folder = tmp_path_factory.mktemp("ready") / "out"
    command = [sys.executable, "-m", "seedbed", "data", "apply", "spec_example", "--anchor", "2030-01-01", "-o"]
    subprocess.run([*command, str(folder), "--format", "parquet", "--quiet", "--baseline-only"], check=True)
    return folder


def _ready(folder: Path, file_format: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "benchmarks" / "ready_table.py"), str(folder), file_format]
    command += ["--rows", "3000", "--workers", "2"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONG)


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_ready_rows_are_written(ledger: Path, file_format: str) -> None:
    done = _ready(ledger, file_format)
    assert (done.returncode, done.stderr) == (0, "")
    figures = json.loads(done.stdout)
    assert figures["rows"] == 3000 and figures["bytes"] > 50_000
    assert [path.name for path in ledger.parent.iterdir()] == ["out"]


def test_a_worker_that_fails_ends_the_program(tmp_path: Path) -> None:
    (tmp_path / "transactions.parquet").write_bytes(b"none")
    assert _ready(tmp_path, "parquet").returncode == 1


@pytest.fixture
def scale(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import scale  # noqa: PLC0415 - a program beside the package

    yield scale
    sys.modules.pop("scale")


def test_what_a_commands_own_processes_use_is_counted(scale: Any) -> None:
    burn = "t=__import__('time'); s=t.process_time()\nwhile t.process_time() < s + 0.5: pass"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    assert scale.measured([sys.executable, "-c", start])[1].processor > 0.5
