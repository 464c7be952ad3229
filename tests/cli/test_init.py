"""`seedbed init`: the starter bank is sound, generates, and nothing that is there already is lost."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from seedbed.bank.findings import structural_findings
from seedbed.bank.load import load_instance
from seedbed.cli.main import run

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_starter_is_sound_and_its_ledger_holds(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "My shop 2.yaml"]) == 0
    assert capfd.readouterr().out.splitlines()[0] == "wrote   My shop 2.yaml"
    bank = load_instance(folder / "My shop 2.yaml")
    assert bank.instance == "my_shop_2"
    assert structural_findings(bank) == ()
    assert run(["data", "apply", "My shop 2.yaml", "--window-days", "40", "--to", "duckdb:///shop.duckdb"]) == 0
    assert run(["check", "duckdb:///shop.duckdb"]) == 0


def test_the_first_line_names_the_schema_beside_it(folder: Path) -> None:
    assert run(["init", "bank.yaml"]) == 0
    first, *_ = (folder / "bank.yaml").read_text().splitlines()
    name = first.removeprefix("# yaml-language-server: $schema=")
    schema = json.loads((folder / name).read_text())
    jsonschema.validate(yaml.safe_load((folder / "bank.yaml").read_text()), schema)


def test_a_file_whose_name_makes_no_instance_is_called_my_bank(folder: Path) -> None:
    assert run(["init", "2030.yaml"]) == 0
    assert load_instance(folder / "2030.yaml").instance == "my_bank"


def test_what_is_there_stays(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "bank.yaml").write_text("mine")
    assert run(["init", "bank.yaml"]) == 3
    assert capfd.readouterr().err == "seedbed: bank.yaml exists already; nothing was changed\n"
    (folder / "seedbed.schema.json").write_text("mine too")
    assert run(["init", "other.yaml"]) == 3
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "bank.yaml": "mine",
        "seedbed.schema.json": "mine too",
    }


def test_an_older_schema_is_replaced_and_a_second_bank_shares_it(folder: Path) -> None:
    (folder / "seedbed.schema.json").write_text('{\n  "title": "A bank for Seedbed"\n}\n')
    assert run(["init", "one.yaml"]) == run(["init", "two.yaml"]) == 0
    assert len(json.loads((folder / "seedbed.schema.json").read_text())["properties"]) > 5
    assert len(list(folder.iterdir())) == 3


def test_the_bank_is_not_written_where_the_schema_goes(folder: Path) -> None:
    assert run(["init", "seedbed.schema.json"]) == 3
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_missing_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "nowhere/bank.yaml"]) == 3
    assert capfd.readouterr().err.count("\n") == 1


def test_the_next_command_can_be_typed_as_it_stands(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--", "-my bank.yaml"]) == 0
    assert "next    seedbed plan './-my bank.yaml'" in capfd.readouterr().out
