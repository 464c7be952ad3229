"""The command line as a user meets it: what it prints, its exit codes, one line for everything that goes wrong."""

import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

import seedbed
from seedbed.api import dataset_of
from seedbed.assembly.foundation import Foundation
from seedbed.assembly.workers import Workers
from seedbed.cli.main import COMMANDS, run
from seedbed.cli.options import bundled_banks
from seedbed.cli.report import with_bar
from seedbed.ledger.dataset import Dataset
from seedbed.ledger.digest import dataset_digest
from seedbed.write.journal import Journal
from seedbed.write.source import PartSource

GOOD = """
instance: tiny
accounts:
  - {id: gl, role: Ledger, scope: internal}
  - {id: out, role: Outside, scope: external}
account_templates:
  - {role: CustomerAccount, scope: internal, parent_role: Ledger}
rails:
  - {name: In, transfer_type: ach, source_role: Outside, destination_role: CustomerAccount, expected_net: 0,
     origin: ExternalForcePosted, metadata_keys: [reference]}
"""
DATES = ("--anchor", "2030-01-01", "--window-days", "20")


@pytest.fixture
def bank(tmp_path: Path) -> str:
    path = tmp_path / "bank.yaml"
    path.write_text(GOOD, encoding="utf-8")
    return str(path)


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def fails(capfd: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """Runs a command that must fail: this code, one or more whole lines on standard error, nothing elsewhere."""
    assert run(list(arguments)) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert err.endswith("\n")
    return err


def test_validate_says_that_a_good_bank_is_valid(bank: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", bank]) == 0
    assert "tiny: valid; 2 accounts, 1 account template, 1 rail," in capfd.readouterr().out


def test_validate_shows_every_problem_with_its_place(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(GOOD.replace("Outside, destination", "Outsid, destination").replace("name: In", "nam: In"))
    *lines, advice = fails(capfd, 2, "validate", str(path)).splitlines()
    assert len(lines) >= 2
    assert all(line.startswith(f"{path}:") for line in lines)
    assert advice.startswith("`seedbed rule ID` ")


@pytest.mark.parametrize("name", bundled_banks())
def test_bundled_banks_are_known_by_name(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", name]) == 0
    assert f"{name}: valid" in capfd.readouterr().out


def test_plan_shows_rails_accounts_and_expected_rows(bank: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", bank, *DATES]) == 0
    out = capfd.readouterr().out
    assert "customer inbound" in out
    assert "cust-011" in out
    assert "Expected: about" in out


@pytest.mark.parametrize("command", [("plan",), ("data", "apply", "-o", "{}/out", "--format", "csv")])
def test_a_large_ledger_is_looked_at_by_workers_which_changes_nothing(
    command: tuple[str, ...], bank: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    arguments = [*(part.format(tmp_path) for part in command), bank, *DATES, "--accounts", "CustomerAccount=1000"]
    assert run([*arguments, "--json"]) == 0
    alone = json.loads(capfd.readouterr().out)
    started: list[int] = []

    class Watched(Workers):
        def __init__(self, dataset: Dataset, count: int, forked: bool) -> None:
            started.append(count)
            super().__init__(dataset, count, forked)

    monkeypatch.setattr("seedbed.cli.prepare.LARGE_ROWS", 1)
    monkeypatch.setattr("seedbed.cli.prepare.usable_cores", lambda: 2)
    monkeypatch.setattr("seedbed.assembly.workers.Workers", Watched)
    monkeypatch.setattr("seedbed.cli.report.LINE_SECONDS", 0.0)
    assert run([*arguments, "--json"]) == 0
    out, err = capfd.readouterr()
    together = json.loads(out)
    assert {**together, "seconds": 0} == {**alone, "seconds": 0}
    assert started == [2]
    assert re.match("first pass, [0-9]+% of about [0-9,]+ rows, .* left\n", err)


@pytest.mark.parametrize("wrong", [("--plants", "drif=3"), ("--scenario", "no_such.json")])
@pytest.mark.parametrize("command", [("plan",), ("data", "apply", "-o", "x", "--format", "csv")])
def test_wrong_plants_are_refused_before_anything_is_made(
    command: tuple[str, ...], wrong: tuple[str, ...], bank: str, capfd: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(Foundation, "shares_of", lambda *_: pytest.fail("the first pass was made"))
    assert len(fails(capfd, 2, *command, bank, *DATES, *wrong).splitlines()) == 1


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (("-o", "{}/mine", "--dialect", "sqlite"), "exists, and Seedbed did not write it"),
        (("-o", "{}/folder/mine", "--dialect", "sqlite"), "No such file or directory"),
        (("-o", "{}/mine.sql", "--dialect", "duckdb"), "mine_data exists, and Seedbed did not write it"),
        (("-o", "{}/mine", "--format", "csv"), "exists, and is not a directory"),
        (
            ("-o", "{}/key.sql", "--dialect", "sqlite", "--answer-key", "{}/mine"),
            "exists, and Seedbed did not write it",
        ),
        (("-o", "{}/kept", "--format", "parquet", "--resume"), "an unfinished run with other settings (seed 42)"),
        (("--to", "sqlite:///{}/folder/mine.sqlite"), "No such file or directory"),
        (("--to", "postgresql://nobody@127.0.0.1:1/none"), "PostgreSQL: "),
    ],
)
def test_a_target_that_cannot_be_is_refused_before_anything_is_made(
    bank: str, target: tuple[str, ...], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "mine_data").mkdir()
    (tmp_path / "mine_data" / "mine").write_text("mine")
    if "--resume" in target:
        kept = tmp_path / ".seedbed-unfinished-kept"
        kept.mkdir()
        dataset = dataset_of(seedbed.load_instance(bank), date(2030, 1, 1), 20)
        (kept / "folder").mkdir()
        Journal(kept).recall(PartSource([]), dataset, kept / "folder")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(Foundation, "shares_of", lambda *_: pytest.fail("the first pass was made"))
    given = (part.format(tmp_path) for part in target)
    err = fails(capfd, 3, "data", "apply", bank, *DATES, *given, "--seed", "43")
    assert said in err and len(err.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_progress_on_a_terminal_fits_into_its_width() -> None:
    text = "122,880 of about 4,318,494 rows, 13,816 rows/s, 5 min 04 s left"
    assert with_bar(0.5, text, 200) == f"  [{'#' * 12}{' ' * 12}] {text}"
    assert text in with_bar(0.5, text, 80)
    assert all(len(with_bar(done, text, columns)) < columns for done in (0, 0.5, 3) for columns in range(1, 120))


def test_what_is_kept_is_said_only_where_something_is(
    bank: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("mine")
    err = fails(capfd, 3, "data", "apply", bank, *DATES, "-o", f"{tmp_path}/out", "--format", "parquet", "--resume")
    assert len(err.splitlines()) == 1


def test_plan_as_json(bank: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", bank, *DATES, "--json"]) == 0
    plan = json.loads(capfd.readouterr().out)
    assert plan["rails"][0]["kind"] == "customer inbound"


@pytest.mark.parametrize(
    ("target", "written"),
    [
        (("-o", "{}/out.sql", "--dialect", "postgresql"), "out.sql"),
        (("-o", "{}/out.sql", "--dialect", "sqlite"), "out.sql"),
        (("-o", "{}/out.sql", "--dialect", "duckdb"), "out.sql"),
        (("-o", "{}/out", "--format", "csv"), "out/transactions.csv"),
        (("-o", "{}/out", "--format", "parquet"), "out/dataset.json"),
        (("--to", "duckdb:///{}/out.duckdb"), "out.duckdb"),
    ],
)
def test_every_output_has_the_same_digest(
    bank: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], target: tuple[str, ...], written: str
) -> None:
    arguments = ["data", "apply", bank, *DATES, *(part.format(tmp_path) for part in target)]
    assert run([*arguments, "--json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert (tmp_path / written).exists()
    assert report["rows"]["transactions"] > 100
    model = seedbed.load_instance(bank)
    scenario = seedbed.full_scenario_for(model, anchor=date(2030, 1, 1), window_days=20)
    ledger = seedbed.generate(model, scenario, window_days=20)
    assert report["digest"] == dataset_digest(ledger.parts)
    assert run(arguments) == 0, "writing it again replaces it"
    assert "digest" in capfd.readouterr().out


def test_schema_apply_makes_empty_tables(bank: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "empty.duckdb"
    assert run(["schema", "apply", bank, "--to", f"duckdb:///{path}"]) == 0
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.sql("select count(*) from tiny_transactions").fetchall() == [(0,)]
        assert connection.sql("select count(*) from tiny_daily_balances").fetchall() == [(0,)]
    assert run(["schema", "apply", bank, "-o", str(tmp_path / "schema.sql"), "--dialect", "sqlite"]) == 0
    assert "tiny_transactions" in (tmp_path / "schema.sql").read_text()
    assert "wrote" in capfd.readouterr().out


def test_demo_reconciles_and_finds_what_is_planted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    assert run(["demo", "--folder", str(folder), "--anchor", "2030-01-01", "--window-days", "30"]) == 0
    shown = capfd.readouterr().out
    assert "It reconciles to the cent, and the planted exceptions are the only ones." in shown
    assert sorted(path.name for path in folder.iterdir()) == [
        "spec_example.duckdb",
        "spec_example_answer_key.csv",
        "spec_example_baseline.duckdb",
        "spec_example_baseline.postgresql.sql",
    ]
    found = {}
    with duckdb.connect(str(folder / "spec_example.duckdb"), read_only=True) as connection:
        for view in ("drift", "overdraft", "limit_breach", "stuck_pending", "supersession_audit"):
            found[view] = connection.sql(f"select count(*) from spec_example_{view}").fetchall()[0][0]
    assert all(found.values())
    for view, count in found.items():
        assert re.search(rf"^  {view} +{count} +{count}  ok$", shown, re.MULTILINE)


BAD_ARGUMENTS = [
    ("validate", "missing.yaml"),
    ("validate", "."),
    ("plan", "{bank}", "--anchor", "20300101"),
    ("plan", "{bank}", "--anchor", "2030-W01-1"),
    ("plan", "{bank}", "--anchor", "2030-02-29"),
    ("plan", "{bank}", "--anchor", "0001-01-01"),
    ("plan", "{bank}", "--anchor", "9999-12-31"),
    ("plan", "{bank}", "--window-days", "0"),
    ("plan", "{bank}", "--window-days", "3651"),
    ("plan", "{bank}", "--window-days", "-1"),
    ("plan", "{bank}", "--window-days", "９"),
    ("plan", "{bank}", "--window-days", "1e3"),
    ("plan", "{bank}", "--accounts", "CustomerAccount"),
    ("plan", "{bank}", "--accounts", "Nobody=5"),
    ("plan", "{bank}", "--accounts", "CustomerAccount=1000000000"),
    ("plan", "{bank}", "--accounts", "CustomerAccount=5", "--accounts", "CustomerAccount=6"),
    ("plan", "{bank}", "--seed", "x"),
    ("data", "apply", "{bank}"),
    ("data", "apply", "{bank}", "-o", "{folder}/x"),
    ("data", "apply", "{bank}", "-o", "{folder}/x", "--dialect", "oracle7"),
    ("data", "apply", "{bank}", "-o", "{folder}/x", "--dialect", "sqlite", "--format", "csv"),
    ("data", "apply", "{bank}", "--to", "duckdb:///x.duckdb", "-o", "{folder}/x"),
    ("data", "apply", "{bank}", "--to", "duckdb:///x.duckdb", "--dialect", "sqlite"),
    ("data", "apply", "{bank}", "--to", "postgresql://me:s3c%zzret@host:port/db"),
    ("data", "apply", "{bank}", "--to", "nonsense"),
    ("schema", "apply", "{bank}"),
    ("frobnicate",),
    ("plan",),
    ("plan", "{bank}", "--no-such-option"),
]


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS, ids=" ".join)
def test_bad_input_is_one_line_exit_2_and_writes_nothing(
    bank: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    before = files_in(tmp_path)
    err = fails(capfd, 2, *(part.format(bank=bank, folder=tmp_path) for part in arguments))
    assert len(err.splitlines()) == 1
    assert "s3c" not in err
    assert "zzret" not in err
    assert files_in(tmp_path) == before


def test_a_target_that_fails_is_one_line_exit_3_and_leaves_things_as_they_were(
    bank: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.sql").write_text("select 1;")
    (tmp_path / "mine.duckdb").write_text("not a database")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").write_text("mine")
    before = {name: (tmp_path / name).read_bytes() for name in ("mine.sql", "mine.duckdb", "folder/mine.txt")}
    for target in (
        ("-o", f"{tmp_path}/mine.sql", "--dialect", "postgresql"),
        ("-o", f"{tmp_path}/mine.sql/x.sql", "--dialect", "postgresql"),
        ("-o", f"{tmp_path}/nowhere/x.sql", "--dialect", "sqlite"),
        ("-o", f"{tmp_path}/{'x' * 300}", "--dialect", "sqlite"),
        ("-o", f"{tmp_path}/folder", "--format", "csv"),
        ("-o", f"{tmp_path}/folder", "--dialect", "sqlite"),
        ("--to", f"duckdb:///{tmp_path}/mine.duckdb"),
        ("--to", f"duckdb:///{tmp_path}/nowhere/x.duckdb"),
    ):
        err = fails(capfd, 3, "data", "apply", bank, *DATES, *target)
        assert len(err.splitlines()) == 1, err
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert files_in(tmp_path) == {"bank.yaml", "mine.sql", "mine.duckdb", "folder", "folder/mine.txt"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output_is_one_line(bank: str) -> None:
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "seedbed", "data", "apply", bank, *DATES, "-o", "-", "--dialect", "postgresql"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert process.returncode == 3
    assert len(process.stderr.splitlines()) == 1


def test_a_reader_that_goes_away_is_no_traceback(bank: str) -> None:
    command = f"{sys.executable} -m seedbed data apply {bank} {' '.join(DATES)} -o - --dialect postgresql | head -1"
    process = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in process.stderr
    assert process.stdout.startswith("--")


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from seedbed.cli.main import run; run(['--help']); run(['data', '--help']);"
        "print(sorted({'numpy', 'pyarrow', 'pydantic', 'duckdb', 'rich', 'yaml'} & sys.modules.keys()))"
    )
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert process.stdout.splitlines()[-1] == "[]"


def test_every_command_has_help_that_names_its_options(capfd: pytest.CaptureFixture[str]) -> None:
    for group, table in COMMANDS.items():
        for name, (home, _) in table.items():
            path = [name] if group == "seedbed" else [group, name]
            assert run([*path, "--help"]) == 0
            out = capfd.readouterr().out
            assert "Usage: seedbed" in out
            assert not home or "Options:" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("chek", "duckdb:///x.duckdb"), "there is no command 'chek'; did you mean 'check'?"),
        (("data", "aply", "BANK"), "there is no command 'aply'; did you mean 'apply'?"),
        (("generate",), "there is no command 'generate' (see"),
        (("plan", "spec_exmaple"), "and no bundled bank of that name; did you mean 'spec_example'?"),
        (("plan", "nowhere.yaml"), "nowhere.yaml: no such file [file-missing]"),
        (("plan", "BANK", "--accounts", "CustomerAcount=5"), "did you mean 'CustomerAccount'?"),
    ],
)
def test_what_was_probably_meant_is_said(
    arguments: tuple[str, ...], said: str, bank: str, capfd: pytest.CaptureFixture[str]
) -> None:
    line = fails(capfd, 2, *(bank if argument == "BANK" else argument for argument in arguments))
    assert said in line and line.count("\n") == 1


def test_of_a_folder_that_is_missing_the_folder_is_named(
    bank: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = fails(capfd, 3, "data", "apply", bank, "--to", f"duckdb:///{tmp_path}/missing/bank.duckdb")
    assert said == f"seedbed: {tmp_path}/missing: No such file or directory\n"


def test_quiet_says_nothing(bank: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "apply", bank, *DATES, "-o", f"{tmp_path}/q.sql", "--dialect", "sqlite", "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")


def test_unreadable_bank(bank: str, capfd: pytest.CaptureFixture[str]) -> None:
    if os.geteuid() == 0:
        os.chmod(bank, 0)  # noqa: PTH101 - root reads it all the same
        assert run(["validate", bank]) == 0
        capfd.readouterr()
    else:
        os.chmod(bank, 0)  # noqa: PTH101
        fails(capfd, 2, "validate", bank)
