"""The command line's plants: options, scenario files, the answer key's file, and what is refused."""

import csv
import json
from pathlib import Path

import duckdb
import pytest

from seedbed.cli.main import run

DATES = ("--anchor", "2030-01-01", "--window-days", "40")


def apply(tmp_path: Path, *options: str) -> int:
    return run(["data", "apply", "spec_example", *DATES, "--to", f"duckdb:///{tmp_path}/a.duckdb", *options])


def counts(tmp_path: Path) -> dict[str, int]:
    with duckdb.connect(str(tmp_path / "a.duckdb"), read_only=True) as con:
        query = "select kind, count(*) from spec_example_answer_key where item = 'plant' and label <> 'hard_negative'"
        return dict(con.sql(f"{query} group by kind").fetchall())


def test_the_answer_key_is_a_table_and_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert apply(tmp_path) == 0
    with duckdb.connect(str(tmp_path / "a.duckdb"), read_only=True) as con:
        table = con.sql("select plant_id, item, place, key from spec_example_answer_key order by line").fetchall()
    with (tmp_path / "a_answer_key.csv").open(encoding="utf-8", newline="") as stream:
        rows = [(row["plant_id"], row["item"], row["place"], row["key"]) for row in csv.DictReader(stream)]
    assert rows == table
    assert "a_answer_key.csv" in capfd.readouterr().out


def test_the_answer_key_goes_where_it_is_told(tmp_path: Path) -> None:
    assert apply(tmp_path, "--answer-key", str(tmp_path / "key.csv")) == 0
    assert (tmp_path / "key.csv").read_text(encoding="utf-8").startswith("line,plant_id,kind")
    (tmp_path / "mine.txt").write_text("mine")
    assert apply(tmp_path, "--answer-key", str(tmp_path / "mine.txt")) == 3
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_plants_shape_the_scenario(tmp_path: Path) -> None:
    assert apply(tmp_path, "--plants", "drift=11,overdraft=0,rail_firing=0,transfer_template=0,stuck_pending=2") == 0
    found = counts(tmp_path)
    assert (found["drift"], found["stuck_pending"]) == (11, 2)
    assert not found.keys() & {"overdraft", "rail_firing", "transfer_template"}


def test_a_plan_can_be_edited_and_planted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "spec_example", *DATES, "--json"]) == 0
    plan = json.loads(capfd.readouterr().out)
    assert plan["coverage"]["ExternalRailInbound"]["drift"] == "admitted"
    assert plan["coverage"]["LedgerChargeSweep"]["drift"] == "it lands on no account of a template"
    plan["scenario"]["plants"]["drift"][0]["delta_money"] = "-3.21"
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan), encoding="utf-8")
    assert apply(tmp_path, "--scenario", str(path)) == 0
    with duckdb.connect(str(tmp_path / "a.duckdb"), read_only=True) as con:
        assert con.sql("select count(*) from spec_example_drift where abs(drift) = 3.21").fetchall() == [(1,)]


def test_a_plan_of_every_view_is_planted_as_it_stands(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "spec_example", *DATES, "--mode", "every_view", "--json"]) == 0
    plan = capfd.readouterr().out
    (tmp_path / "plan.json").write_text(plan, encoding="utf-8")
    assert apply(tmp_path, "--scenario", str(tmp_path / "plan.json"), "--json") == 0
    again = json.loads(capfd.readouterr().out)
    assert apply(tmp_path, "--mode", "every_view", "--json") == 0
    assert json.loads(capfd.readouterr().out)["digest"] == again["digest"]
    assert {"ledger_drift", "transfer_net", "late_posting", "unmatched_posting", "requirement_gap"} <= counts(
        tmp_path
    ).keys()
    assert run(["docs", "live-scenario", "spec_example", *DATES, "--mode", "every_view"]) == 0
    assert "**TransferNetPlant** — 1 planted. L2 Exceptions sheet: a leg is short" in capfd.readouterr().out


def test_the_baseline_alone_has_an_empty_answer_key(tmp_path: Path) -> None:
    assert apply(tmp_path, "--baseline-only") == 0
    assert counts(tmp_path) == {}


def test_a_plan_shows_plants_omissions_and_coverage(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "spec_example", "--anchor", "2030-01-01", "--window-days", "6"]) == 0
    text = capfd.readouterr().out
    assert "OverdraftPlant" in text
    assert "would lie before the window, the latest 6 days before the anchor" in text
    assert "Coverage: + can be planted" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--plants", "drift"), "plants: 'drift' is not KIND=N"),
        (("--plants", "drifts=2"), "plants: 'drifts' is not a kind of plant"),
        (("--plants", "drift=2,drift=3"), "plants: drift is given twice"),
        (("--plants", "drift=-1"), "plants: 'drift=-1' is not KIND=N"),
        (("--mode", "loud"), "'loud' is not one of"),
        (("--baseline-only", "--blend"), "--baseline-only plants nothing"),
        (("--scenario", "{}/none.json"), "No such file"),
        (("--scenario", "{}/broken.json"), "is not JSON (see line 1 column 2)"),
        (("--scenario", "{}/deep.json"), "is not JSON"),
        (("--scenario", "{}/list.json"), "scenario: an object is expected"),
        (("--scenario", "{}/kind.json"), "'ghost' is not a kind of plant"),
        (("--scenario", "{}/money.json"), "scenario.plants.drift[0].delta_money: an amount of dollars"),
        (("--scenario", "{}/rail.json"), "scenario: the bank has no rail 'Ghost'"),
        (("--scenario", "{}/rail.json", "--blend"), "--scenario lists all plants"),
    ],
)
def test_what_cannot_be_planted_is_refused_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    drift = {"account_id": "cust-001", "delta_money": "1.00", "rail": "ExternalRailInbound", "days_ago": 5}
    files = {
        "broken": "{",
        "deep": "[" * 100_000,
        "list": "[]",
        "kind": json.dumps({"plants": {"ghost": []}}),
        "money": json.dumps({"plants": {"drift": [drift | {"delta_money": "1.001"}]}}),
        "rail": json.dumps({"plants": {"drift": [drift | {"rail": "Ghost"}]}}),
    }
    for name, text in files.items():
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
    assert (
        apply(tmp_path, *(option.format(tmp_path) if option.startswith("{}") else option for option in options)) == 2
    )
    error = capfd.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not (tmp_path / "a.duckdb").exists()
    assert not list(tmp_path.glob(".seedbed*"))
