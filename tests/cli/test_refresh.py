"""`data refresh` as a user meets it."""

import json
from pathlib import Path

import duckdb
import pytest

from seedbed.cli.main import run

DATES = ("--anchor", "2030-01-01", "--window-days", "5")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "bank.duckdb"
    assert run(["data", "apply", "spec_example", *DATES, "--to", f"duckdb:///{path}", "--quiet"]) == 0
    return path


def overdrafts(path: Path, instance: str = "spec_example") -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {instance}_overdraft").fetchall()[0]
    return int(count)


def spoil(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE spec_example_daily_balances SET money = -1 WHERE account_id = 'cust-011'")


def test_the_views_follow_the_rows_once_refreshed(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    spoil(path)
    assert overdrafts(path) == 0
    assert run(["data", "refresh", f"duckdb:///{path}"]) == 0
    assert overdrafts(path) > 0
    assert "views   of spec_example are up to date" in capfd.readouterr().out
    assert sorted(file.name for file in path.parent.iterdir()) == ["bank.duckdb", "bank_answer_key.csv"]


def test_the_report_as_json_and_none(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "refresh", f"duckdb:///{path}", "--json", "--instance", "spec_example"]) == 0
    assert json.loads(capfd.readouterr().out) == {
        "target": str(path),
        "instance": "spec_example",
        "as_of": "2030-01-02 00:00:00",
    }
    assert run(["data", "refresh", f"duckdb:///{path}", "--quiet"]) == 0
    assert capfd.readouterr().out == ""


def test_of_several_banks_one_is_named(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "apply", "harbor_trust", "--to", f"duckdb:///{path}", "--quiet"]) == 0
    spoil(path)
    assert run(["data", "refresh", f"duckdb:///{path}"]) == 2
    err = "seedbed: the database has several instances; choose one with --instance: harbor_trust, spec_example\n"
    assert capfd.readouterr().err == err
    assert run(["data", "refresh", f"duckdb:///{path}", "--instance", "spec"]) == 2
    assert overdrafts(path) == 0
    assert run(["data", "refresh", f"duckdb:///{path}", "--instance", "spec_example"]) == 0
    assert overdrafts(path) > 0


def test_a_database_without_facts_needs_the_bank(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "feed.duckdb"
    assert run(["schema", "apply", "spec_example", "--to", f"duckdb:///{path}"]) == 0
    assert "views" in capfd.readouterr().out
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM spec_example_dataset")
    assert run(["data", "refresh", f"duckdb:///{path}"]) == 2
    assert "spec_example_dataset does not name the bank; give --bank" in capfd.readouterr().err
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "INSERT INTO spec_example_daily_balances VALUES (1, 'a', 'A', 'CustomerSubledger', 'internal', NULL,"
            " NULL, '2030-01-01', '2030-01-02', -5, NULL, NULL)"
        )
    assert run(["data", "refresh", f"duckdb:///{path}", "--bank", "spec_example"]) == 0
    assert overdrafts(path) == 1


def test_what_cannot_be_refreshed_is_refused(tmp_path: Path, path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.duckdb").write_text("notes")
    for code, arguments in (
        (3, (f"duckdb:///{tmp_path}/missing.duckdb",)),
        (3, (f"duckdb:///{tmp_path}/notes.duckdb",)),
        (2, ("postgresql://me:s3cret@host:port/db",)),
        (2, (f"duckdb:///{path}", "--bank", "harbor_trust", "--instance", "spec_example")),
        (2, (f"duckdb:///{path}", "--bank", "harbor_trust")),
    ):
        assert run(["data", "refresh", *arguments]) == code
        out, err = capfd.readouterr()
        assert (out, len(err.splitlines())) == ("", 1)
        assert "s3cret" not in err
    assert not (tmp_path / "missing.duckdb").exists()
