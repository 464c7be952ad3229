"""Banks whose chains say odd things keep the promise: `check` finds what is planted, and nothing else."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from seedbed.cli.main import run
from tests.bank.tiny import Data, rail, sweep

ACCOUNTS: list[Data] = [
    {"id": "pool", "role": "Pool", "scope": "internal"},
    {"id": "susp", "role": "Susp", "scope": "internal"},
    {"id": "ext", "role": "Ext", "scope": "external"},
]
SHORT = ("--window-days", "40", "--quiet")
TEMPLATES: list[Data] = [{"role": "CustomerDDA", "scope": "internal", "parent_role": "Pool"}]


def standing(name: str, transfer_type: str, source: str, destination: str) -> Data:
    """A rail on its own."""
    return rail(name, source, destination, transfer_type=transfer_type, metadata_keys=["k"])


def leg(name: str, transfer_type: str, source: str, destination: str) -> Data:
    """A two-leg rail of a template."""
    found = standing(name, transfer_type, source, destination)
    del found["expected_net"]
    return found


def one_leg(name: str, role: str, direction: str) -> Data:
    shape = {"name": name, "transfer_type": f"type_{name.lower()}", "origin": "InternalInitiated"}
    return {**shape, "leg_role": role, "leg_direction": direction, "metadata_keys": ["k"]}


def template(name: str, *legs: str, net: str = "0.00") -> Data:
    shape = {"name": name, "transfer_type": f"type_{name.lower()}", "expected_net": net}
    return {**shape, "transfer_key": ["k"], "completion": "business_day_end", "leg_rails": list(legs)}


def chain(parent: str, child: str, required: bool = True, group: str | None = None) -> Data:
    entry: Data = {"parent": parent, "child": child, "required": str(required).lower()}
    return entry | ({"xor_group": group} if group else {})


IN = standing("In", "ach", "Ext", "CustomerDDA")
OUT = standing("Out", "wire", "CustomerDDA", "Ext")
DRAW = leg("Draw", "internal_a", "CustomerDDA", "Susp")
DELIVER = leg("Deliver", "internal_b", "Susp", "CustomerDDA")
CYCLE = template("Cycle", "Draw", "Deliver")
CLOSE = one_leg("Close", "Susp", "Variable")
FEE = one_leg("Fee", "Susp", "Credit")


def bank(rails: list[Data], templates: list[Data], chains: list[Data]) -> Data:
    data: Data = {"instance": "odd", "accounts": ACCOUNTS, "account_templates": TEMPLATES, "rails": rails}
    return {**data, "transfer_templates": templates, "chains": chains}


def swept(cadence: str, *chains: Data) -> Data:
    """A sweep with chains, which bundles what comes in and a fee."""
    collecting = sweep("Sweep", "Pool", "Susp", "Fee", "In", transfer_type="sweep", cadence=cadence)
    return bank([collecting, {**FEE, "max_unbundled_age": "P1D"}, IN], [], list(chains))


BANKS: dict[str, Data] = {
    "a chain to itself": bank([IN, OUT], [], [chain("In", "In"), chain("In", "Out")]),
    "a template to itself": bank([IN, DRAW, DELIVER], [CYCLE], [chain("Cycle", "Cycle")]),
    "a leg to its template": bank([IN, DRAW, DELIVER], [CYCLE], [chain("Draw", "Cycle")]),
    "between two legs": bank([IN, DRAW, DELIVER], [CYCLE], [chain("Draw", "Deliver")]),
    "between two legs, optional": bank([IN, DRAW, DELIVER], [CYCLE], [chain("Deliver", "Draw", False)]),
    "a circle of two": bank([IN, OUT], [], [chain("In", "Out"), chain("Out", "In")]),
    "a circle through a template": bank(
        [IN, OUT, DRAW, DELIVER], [CYCLE], [chain("In", "Draw"), chain("Deliver", "Out"), chain("Out", "In")]
    ),
    "the same pair twice": bank([IN, OUT], [], [chain("In", "Out", False), chain("In", "Out")]),
    "the same pair twice, once in a group": bank(
        [IN, OUT, DRAW, DELIVER],
        [CYCLE],
        [chain("In", "Out"), chain("In", "Out", group="way"), chain("In", "Cycle", group="way")],
    ),
    "two legs, one in a group": bank(
        [IN, OUT, DRAW, DELIVER],
        [CYCLE],
        [chain("In", "Draw"), chain("In", "Deliver", group="way"), chain("In", "Out", group="way")],
    ),
    "two parents by different legs": bank(
        [IN, standing("Wire", "wire", "Ext", "CustomerDDA"), DRAW, DELIVER],
        [CYCLE],
        [chain("In", "Draw"), chain("Wire", "Deliver")],
    ),
    "a child that is a leg of two templates": bank(
        [IN, DRAW, DELIVER], [template("A", "Draw"), template("B", "Draw", "Deliver")], [chain("In", "Draw")]
    ),
    "a parent and a child that are legs of two templates": bank(
        [IN, OUT, DRAW, DELIVER],
        [template("B", "Draw"), template("A", "Draw", "Deliver")],
        [chain("Draw", "Deliver"), chain("Draw", "Out")],
    ),
    "a child that cannot post, in a template that can": bank(
        [leg("In", "ach", "Ext", "CustomerDDA"), leg("Self", "internal_b", "Susp", "Susp")],
        [template("Cycle", "In"), template("Other", "In", "Self")],
        [chain("Cycle", "Self", False)],
    ),
    "a Required child that cannot post": bank(
        [leg("In", "ach", "Ext", "CustomerDDA"), leg("Self", "internal_b", "Susp", "Susp")],
        [template("Cycle", "In"), template("Other", "In", "Self")],
        [chain("Cycle", "Self")],
    ),
    "a template that only closes": bank([IN, CLOSE], [template("Settle", "Close")], [chain("In", "Settle")]),
    "a leg that only closes": bank([IN, CLOSE], [template("Settle", "Close")], [chain("In", "Close")]),
    "a leg that only closes, not to nothing": bank(
        [IN, OUT, CLOSE], [template("Settle", "Close", net="5.00")], [chain("In", "Close"), chain("Settle", "Out")]
    ),
    "a sweep that is the parent of what it bundles": swept("daily-eod", chain("Sweep", "Fee", False)),
    "a Required child of its sweep": swept("intraday-2h", chain("Sweep", "Fee")),
    "a child of its sweep and of another": swept("intraday-2h", chain("Sweep", "Fee"), chain("In", "Fee")),
}


@pytest.mark.parametrize("options", [(), ("--baseline-only",)], ids=["planted", "bare"])
@pytest.mark.parametrize("name", BANKS)
def test_a_bank_with_odd_chains_keeps_the_promise(
    name: str, options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, url = tmp_path / "odd.yaml", f"sqlite:///{tmp_path / 'odd.sqlite'}"
    file.write_text(json.dumps(BANKS[name]), encoding="utf-8")
    applied = run(["data", "apply", str(file), "--to", url, "--anchor", "2030-01-01", *SHORT, *options])
    assert applied == 0, capsys.readouterr().err
    assert run(["check", url]) == 0, capsys.readouterr().out


NEVER = [
    "a template to itself",
    "a leg to its template",
    "between two legs",
    "a template that only closes",
    "a leg that only closes",
]


@pytest.mark.parametrize("name", NEVER)
def test_no_view_asks_for_what_never_fires(name: str, tmp_path: Path) -> None:
    file, database = tmp_path / "odd.yaml", tmp_path / "odd.sqlite"
    file.write_text(json.dumps(BANKS[name]), encoding="utf-8")
    command = ["data", "apply", str(file), "--to", f"sqlite:///{database}", "--anchor", "2030-01-01", *SHORT]
    assert run([*command, "--baseline-only"]) == 0
    with closing(sqlite3.connect(database)) as connection:
        [(legs,)] = connection.execute("SELECT COUNT(*) FROM odd_transactions WHERE rail_name <> 'OpeningBalance'")
        [(exceptions,)] = connection.execute("SELECT COUNT(*) FROM odd_chain_exceptions")
    assert legs > 100 and exceptions == 0
