"""A Parquet folder is read as the database that would hold its rows."""

import json
import os
import shutil
from pathlib import Path

import pytest

import seedbed
from seedbed.cli.main import run
from seedbed.databases.reader import open_database, stored_facts
from seedbed.errors import TargetError
from tests.planting.conftest import ANCHOR


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("folder") / "bank"
    apply = ["data", "apply", "spec_example", "--anchor", ANCHOR.isoformat(), "--window-days", "20", "--quiet"]
    assert run([*apply, "-o", str(place), "--format", "parquet", "--accounts", "CustomerSubledger=400"]) == 0
    return place


def test_everything_holds_of_a_folder(folder: Path) -> None:
    report = seedbed.check(folder)
    assert not report.misses
    assert not report.unasked


def test_a_folder_has_the_facts_of_a_load(folder: Path, tmp_path: Path) -> None:
    apply = ["data", "apply", "spec_example", "--anchor", ANCHOR.isoformat(), "--window-days", "20", "--quiet"]
    assert run([*apply, "--to", str(tmp_path / "a.duckdb"), "--accounts", "CustomerSubledger=400"]) == 0
    with open_database(str(folder)) as one, open_database(str(tmp_path / "a.duckdb")) as other:
        assert stored_facts(one, "spec_example") == stored_facts(other, "spec_example")


def test_a_folder_is_scored_exported_and_reported(folder: Path, tmp_path: Path) -> None:
    assert seedbed.score(folder, ["nothing"]).found == 0
    assert seedbed.export(folder, tmp_path / "books.beancount") > 100
    assert seedbed.report(folder, tmp_path / "report.html").stat().st_size > 10_000


def test_a_folder_that_is_written_again_is_read_again(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    assert not seedbed.check(copy).misses
    facts = json.loads((copy / "dataset.json").read_text(encoding="utf-8"))
    (copy / "dataset.json").write_text(json.dumps(facts | {"digest": "0" * 64}), encoding="utf-8")
    os.utime(copy / "dataset.json", ns=(1, 1))
    assert "content digest" in {miss.name for miss in seedbed.check(copy).misses}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda place: (place / "dataset.json").unlink(), "no dataset.json"),
        (lambda place: (place / "dataset.json").write_text("[]"), "dataset.json is not in the format"),
        (lambda place: (place / "dataset.json").write_text("{"), "Expecting property name"),
        (lambda place: (place / "answer_key.parquet").unlink(), "no answer_key.parquet"),
        (lambda place: (place / "answer_key.parquet").write_text("no"), "answer_key.parquet"),
    ],
)
def test_a_folder_that_is_not_whole_is_one_line(folder: Path, tmp_path: Path, spoil: object, message: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    spoil(copy)  # type: ignore[operator]
    with pytest.raises(TargetError, match=message) as raised:
        seedbed.check(copy)
    assert "\n" not in str(raised.value)


def test_nothing_is_loaded_into_a_folder(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "refresh", str(folder)]) == 2
    assert "is a folder" in capfd.readouterr().err
