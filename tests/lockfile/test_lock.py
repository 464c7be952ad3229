"""Lock files: what they say, what `verify` finds, and what is refused."""

import re
import shutil
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import seedbed
from seedbed.bank.bundled import bank_path
from seedbed.cli.main import run

DATES = {"anchor": date(2030, 1, 1), "window_days": 12}
OPTIONS = ["--anchor", "2030-01-01", "--window-days", "12"]
Changed = Callable[[str, str], None]


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    path = tmp_path / "bank.yaml"
    shutil.copy(bank_path("spec_example"), path)
    return path


@pytest.fixture
def cap_changed(bank: Path) -> Callable[[], None]:
    """Raises the cap of the bank, which changes amounts."""

    def change() -> None:
        text = bank.read_text(encoding="utf-8")
        assert "cap: 5000.00" in text
        bank.write_text(text.replace("cap: 5000.00", "cap: 6000.00"), encoding="utf-8")

    return change


def ledger_of(bank: Path) -> seedbed.Ledger:
    return seedbed.generate(bank, seedbed.full_scenario_for(bank, **DATES), **DATES)  # type: ignore[arg-type]


def test_a_lock_stands_beside_its_bank_and_says_what_the_ledger_is(bank: Path) -> None:
    locked = seedbed.lock(bank, **DATES)  # type: ignore[arg-type]
    assert locked.path == bank.with_name("bank.lock")
    ledger, value = ledger_of(bank), tomllib.loads(locked.path.read_text(encoding="utf-8"))
    assert value["arguments"] == {"anchor": date(2030, 1, 1), "window_days": 12, "seed": 42, "accounts": {}}
    assert value["tables"]["transactions"]["rows"] == ledger.transactions.num_rows
    assert sum(rows for rows, _ in value["days"]["daily_balances"].values()) == ledger.daily_balances.num_rows
    days = pc.unique(pc.strftime(ledger.transactions["posting"], "%Y-%m-%d")).to_pylist()
    assert list(value["days"]["transactions"]) == sorted(days)


def test_a_lock_lists_what_must_surface(bank: Path) -> None:
    value = tomllib.loads(seedbed.lock(bank, **DATES).path.read_text(encoding="utf-8"))  # type: ignore[arg-type]
    key = ledger_of(bank).answer_key
    lines = key.filter(pc.is_in(key["item"], pa.array(["view", "collateral"]))).to_pylist()
    assert {view: set(found["keys"]) for view, found in value["surface"].items()} == {
        view: {line["key"] for line in lines if line["place"] == view} for view in {line["place"] for line in lines}
    }


def test_what_is_made_again_is_the_same(bank: Path) -> None:
    seedbed.lock(bank, accounts={"CustomerSubledger": 300}, seed=7, **DATES)  # type: ignore[arg-type]
    found = seedbed.verify(bank)
    assert found.same
    assert str(found).startswith("same ")


@pytest.mark.parametrize(
    "arguments", [["--baseline-only"], ["--plants", "drift=2"], ["--mode", "every_view", "--blend"]]
)
def test_a_lock_knows_how_its_plants_were_chosen(bank: Path, arguments: list[str]) -> None:
    assert run(["lock", str(bank), *OPTIONS, *arguments, "--quiet"]) == 0
    assert run(["verify", str(bank), "--quiet"]) == 0


def test_a_scenario_of_a_file_is_kept_whole(bank: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", str(bank), *OPTIONS, "--json"]) == 0
    scenario = bank.with_name("scenario.json")
    scenario.write_text(capfd.readouterr().out, encoding="utf-8")
    assert run(["lock", str(bank), *OPTIONS, "--scenario", str(scenario), "--quiet"]) == 0
    scenario.unlink()
    assert run(["verify", str(bank), "--quiet"]) == 0


def test_a_difference_names_table_day_and_first_row(bank: Path, cap_changed: Callable[[], None]) -> None:
    before = ledger_of(bank)
    seedbed.lock(bank, **DATES)  # type: ignore[arg-type]
    cap_changed()
    found, now = seedbed.verify(bank), ledger_of(bank)
    old, new = before.transactions.to_pylist(), now.transactions.to_pylist()
    changed = [row for row, other in zip(new, old, strict=True) if row != other]
    day = min(row["posting"].date() for row in changed)
    first = next(row for row in changed if row["posting"].date() == day)
    assert found.difference is not None
    assert (found.difference.table, found.difference.day) == ("transactions", day.isoformat())
    assert found.difference.rows == (first,)
    assert "the bank has changed since the lock was made" in found.causes
    assert f"transactions {day}: row {found.difference.stop} is the first that differs" in str(found)


@pytest.mark.parametrize("target", ["before.duckdb", "before.sqlite", "folder"])
def test_a_stored_dataset_shows_the_row_as_it_was(
    bank: Path, cap_changed: Callable[[], None], target: str, capfd: pytest.CaptureFixture[str]
) -> None:
    ledger, place = ledger_of(bank), bank.with_name(target)
    if target == "folder":
        seedbed.write_parquet(ledger, place)
    else:
        seedbed.load(ledger, place)
    seedbed.lock(bank, **DATES)  # type: ignore[arg-type]
    cap_changed()
    found = seedbed.verify(bank, against=place)
    assert found.difference is not None
    pair = found.difference.pair
    assert pair is not None
    assert pair.columns == ("amount_money",)
    assert pair.locked in ledger.transactions.to_pylist()
    assert run(["verify", str(bank), "--against", str(place)]) == 1
    assert re.search(r"^column  amount_money: -?[0-9.]+ → -?[0-9.]+$", capfd.readouterr().out, re.M)


def test_a_stored_dataset_that_is_another_one_is_refused(bank: Path) -> None:
    seedbed.load(ledger_of(bank), bank.with_name("other.duckdb"))
    seedbed.lock(bank, seed=43, **DATES)  # type: ignore[arg-type]
    with pytest.raises(seedbed.InputError, match="is not the locked one"):
        seedbed.verify(bank, against=bank.with_name("other.duckdb"))


def test_a_change_that_no_row_shows_is_only_noted(bank: Path) -> None:
    seedbed.lock(bank, **DATES)  # type: ignore[arg-type]
    text = bank.read_text(encoding="utf-8")
    bank.write_text(text.replace("description: ", "description: Said anew, ", 1), encoding="utf-8")
    found = seedbed.verify(bank)
    assert found.same
    assert found.causes == ("the bank has changed since the lock was made",)


def test_what_surfaces_no_longer_is_named(bank: Path, capfd: pytest.CaptureFixture[str]) -> None:
    locked = seedbed.lock(bank, **DATES)  # type: ignore[arg-type]
    text = locked.path.read_text(encoding="utf-8").replace("seed = 42", "seed = 43")
    locked.path.write_text(text, encoding="utf-8")
    assert run(["verify", str(bank)]) == 1
    out = capfd.readouterr().out
    assert re.search(r"^surface stuck_pending: .*\n {8}- ", out, re.M)


@pytest.mark.parametrize(
    ("line", "other"),
    [('\ndigest = "', '\ndigest = "0'), ("[surface.overdraft]\nrows = ", "[surface.overdraft]\nrows = 9")],
)
def test_a_lock_that_was_changed_by_hand_is_not_the_same(bank: Path, line: str, other: str) -> None:
    locked = seedbed.lock(bank, **DATES)  # type: ignore[arg-type]
    text = locked.path.read_text(encoding="utf-8")
    assert line in text
    locked.path.write_text(text.replace(line, other), encoding="utf-8")
    found = seedbed.verify(bank)
    assert not found.same
    assert "changed by hand" in str(found)


def test_another_lock_is_not_replaced_unless_told_to(bank: Path, capfd: pytest.CaptureFixture[str]) -> None:
    locked = seedbed.lock(bank, **DATES)  # type: ignore[arg-type]
    before = locked.path.read_bytes()
    assert not seedbed.lock(bank, **DATES).changed  # type: ignore[arg-type]
    assert run(["lock", str(bank), *OPTIONS, "--seed", "9"]) == 2
    err = capfd.readouterr().err
    assert "--update" in err
    assert "--overwrite" in err
    assert locked.path.read_bytes() == before
    assert run(["lock", str(bank), *OPTIONS, "--seed", "9", "--overwrite", "--quiet"]) == 0
    assert locked.path.read_bytes() != before


def test_an_update_keeps_the_arguments(bank: Path, cap_changed: Callable[[], None]) -> None:
    seedbed.lock(bank, seed=9, **DATES)  # type: ignore[arg-type]
    cap_changed()
    assert run(["lock", str(bank), "--update", "--quiet"]) == 0
    found = seedbed.verify(bank)
    assert found.same
    assert (found.locked.seed, found.locked.window_days) == (9, 12)


def test_a_verification_renews_its_lock(bank: Path, cap_changed: Callable[[], None]) -> None:
    seedbed.lock(bank, **DATES)  # type: ignore[arg-type]
    cap_changed()
    assert seedbed.verify(bank).renew().changed
    assert seedbed.verify(bank).same


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file or directory; `seedbed lock BANK` makes one"),
        ("instance: x\n", "not a lock file: "),
        ('format = "other"\n', "not a lock file in the format seedbed-lock-1"),
        ('format = "seedbed-lock-1"\n', "changed by hand: made_by is missing"),
    ],
)
def test_what_is_no_lock_is_said_in_a_line(
    bank: Path, text: str | None, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        bank.with_name("bank.lock").write_text(text, encoding="utf-8")
    assert run(["verify", str(bank)]) == 2
    err = capfd.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_no_other_file_is_replaced(bank: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["lock", str(bank), *OPTIONS, "--overwrite", "-o", str(bank)]) == 3
    assert "exists, and Seedbed did not write it" in capfd.readouterr().err


def test_update_takes_no_arguments_of_a_dataset(bank: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["lock", str(bank), "--update", "--seed", "4"]) == 2
    assert "it cannot be combined with --seed" in capfd.readouterr().err


def test_the_lock_of_a_bundled_bank_is_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["lock", "spec_example", *OPTIONS, "--quiet"]) == 0
    assert (tmp_path / "spec_example.lock").is_file()
    assert run(["verify", "spec_example", "--quiet"]) == 0


def test_the_number_of_workers_changes_no_lock(bank: Path) -> None:
    many = [*OPTIONS, "--accounts", "CustomerSubledger=600", "--quiet"]
    for workers in ("1", "2"):
        assert (
            run(["lock", str(bank), *many, "--workers", workers, "-o", str(bank.with_name(f"{workers}.lock"))]) == 0
        )
    assert bank.with_name("1.lock").read_bytes() == bank.with_name("2.lock").read_bytes()


@pytest.mark.parametrize("command", ["lock", "verify"])
def test_a_number_of_workers_out_of_range_is_refused(
    bank: Path, command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run([command, str(bank), "--workers", "0"]) == 2
    assert capfd.readouterr().err == "seedbed: workers: 0 is outside 1 to 256\n"
