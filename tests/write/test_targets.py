"""URLs, odd paths, and faults: what a user reads, and that nothing half-written stays."""

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedbed.errors import TargetError
from seedbed.ledger.dataset import Dataset, Part
from seedbed.write import Target, write
from seedbed.write.staging import PREFIX, staging
from tests.waiting import LONG

FORMATS = ("postgresql", "sqlite", "duckdb", "mariadb", "oracle", "csv", "parquet", "duckdb-file", "sqlite-file")


def refused(parts: object, dataset: Dataset, format_: str, path: str) -> str:
    with pytest.raises(TargetError) as error:
        write(parts, dataset, Target(format=format_, path=path))  # type: ignore[arg-type]
    message = str(error.value)
    assert message.isprintable() and len(message) < 400
    return message


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", ["-rf", "CON", "deep/../plain", "a b", "=1+1", "%s{}", "é😀", ".hidden", "x" * 200])
def test_odd_names_are_ordinary_paths(
    parts: tuple[Part, ...],
    dataset: Dataset,
    format_: str,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path)
    report = write(parts, dataset, Target(format=format_, path=name))
    assert report.paths[0].exists() and report.paths[0].is_absolute()


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x" * 300, "File name too long"),
        ("missing/out", "No such file or directory"),
        ("file/out", "Not a directory"),
        ("nul\0byte", "the path is empty, contains a NUL character"),
        ("", "the path is empty, contains a NUL character"),
        ("\udcff", "the path is empty, contains a NUL character"),
        ("link", "not a "),
        ("fifo", "not a "),
        ("/dev/full", "not a "),
    ],
)
def test_a_path_that_cannot_be_written_is_refused_in_one_line(
    parts: tuple[Part, ...],
    dataset: Dataset,
    format_: str,
    name: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    Path("link").symlink_to("file")
    os.mkfifo("fifo")
    assert reason in refused(parts, dataset, format_, name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fifo", "file", "link"]
    assert Path("file").read_text() == "mine"


@pytest.mark.parametrize("format_", ["csv", "parquet", "duckdb-file", "sqlite-file"])
def test_only_scripts_go_to_standard_output(parts: tuple[Part, ...], dataset: Dataset, format_: str) -> None:
    assert "only scripts" in refused(parts, dataset, format_, "-")


@pytest.mark.parametrize("format_", ["postgresql", "sqlite", "duckdb", "duckdb-file", "sqlite-file"])
def test_a_directory_where_a_file_should_go(
    parts: tuple[Part, ...], dataset: Dataset, format_: str, tmp_path: Path
) -> None:
    assert "is a directory" in refused(parts, dataset, format_, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format_", FORMATS)
def test_control_characters_in_a_path_do_not_reach_the_terminal(
    parts: tuple[Part, ...], dataset: Dataset, format_: str, tmp_path: Path
) -> None:
    refused(parts, dataset, format_, str(tmp_path / "missing\n\x1b[2J" / "out"))


@pytest.mark.parametrize("format_", FORMATS)
def test_parts_that_fail_midway_leave_the_old_output_alone(
    parts: tuple[Part, ...], dataset: Dataset, format_: str, tmp_path: Path
) -> None:
    def failing() -> Iterator[Part]:
        yield parts[0]
        raise RuntimeError("a bug")

    target = Target(format=format_, path=str(tmp_path / "out"))
    with pytest.raises(RuntimeError, match="a bug"):
        write(failing(), dataset, target)
    assert list(tmp_path.iterdir()) == []
    write(parts, dataset, target)
    before = _contents(tmp_path)
    with pytest.raises(RuntimeError, match="a bug"):
        write(failing(), dataset, target)
    assert _contents(tmp_path) == before


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_size_limit_leaves_the_old_output_alone(
    parts: tuple[Part, ...], dataset: Dataset, format_: str, tmp_path: Path
) -> None:
    target = Target(format=format_, path=str(tmp_path / "out"))
    write(parts[:1], dataset, target)
    before = _contents(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, limits[1]))
    try:
        message = refused(parts, dataset, format_, target.path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert ("disk I/O error" if format_ == "sqlite-file" else os.strerror(errno.EFBIG)) in message
    assert _contents(tmp_path) == before


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_a_full_standard_output_is_one_line(dialect: str) -> None:
    code = f"""
import datetime
from seedbed.bank.model import Bank
from seedbed.errors import TargetError
from seedbed.ledger.dataset import Dataset
from seedbed.write import Target, write
bank = Bank.model_construct(instance="demo", accounts=(), rails=())
day = datetime.date(2030, 1, 1)
dataset = Dataset(bank=bank, anchor=day, window_days=90, seed=42, version="0", accounts=dict())
try:
    write((), dataset, Target(format="{dialect}", path="-"))
except TargetError as error:
    raise SystemExit(f"refused: {{error}}")
"""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=LONG
        )
    assert done.stderr.splitlines()[0] == "refused: standard output: No space left on device"


def test_a_link_at_a_staging_name_is_not_followed(parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("mine")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / f"{PREFIX}{'0' * 16}").symlink_to(elsewhere)
    write(parts, dataset, Target(format="sqlite", path=str(folder / "out.sql")))
    assert [path.name for path in elsewhere.iterdir()] == ["kept"]


def test_what_a_killed_run_left_is_removed_and_a_running_one_is_not(
    parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path
) -> None:
    code = """
import pathlib, sys
from seedbed.write.staging import staging
with staging(pathlib.Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print(flush=True)
    sys.stdin.read()
"""
    target = tmp_path / "out.sql"
    with subprocess.Popen(
        [sys.executable, "-c", code, target], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout
        running.stdout.readline()
        write(parts, dataset, Target(format="sqlite", path=str(target)))
        assert len(list(tmp_path.glob(f"{PREFIX}*"))) == 1
        running.send_signal(signal.SIGKILL)
    write(parts, dataset, Target(format="sqlite", path=str(target)))
    assert list(tmp_path.iterdir()) == [target]


def test_the_staging_folder_is_private(tmp_path: Path) -> None:
    with staging(tmp_path / "out") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []
