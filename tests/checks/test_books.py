"""Conservation on books that a fault was put into: what is let off is what a plant broke, and nothing else."""

import json
from pathlib import Path

import pytest

from seedbed.checks import check
from seedbed.checks.result import Result
from seedbed.cli.main import run
from tests.bank.tiny import rail, tiny

from .own_feed import change

WHOLE = "unpaired legs"
DATES = ("--anchor", "2030-01-01", "--window-days", "20", "--quiet")


def made(folder: Path, data: dict[str, object], *options: str) -> Path:
    bank, path = folder / "tiny.yaml", folder / "tiny.sqlite"
    bank.write_text(json.dumps(data), encoding="utf-8")
    assert run(["data", "apply", str(bank), *DATES, *options, "--to", f"sqlite:///{path}"]) == 0
    return path


def asked(path: Path, name: str = WHOLE) -> Result:
    [result] = [result for result in check(f"sqlite:///{path}").results if result.name == name]
    return result


def spoil(path: Path, which: str) -> None:
    """A cent more on one Credit of these legs, in the table and in the view that is filled from it."""
    one = f"(SELECT MIN(id) FROM tiny_current_transactions WHERE {which} AND amount_money > 0)"
    change(path, [f"UPDATE tiny_transactions SET amount_money = amount_money + 1 WHERE id = {one}"])
    assert run(["data", "refresh", f"sqlite:///{path}", "--quiet"]) == 0


def test_legs_of_a_rail_whose_net_cannot_hold_are_asked(tmp_path: Path) -> None:
    data = tiny(rails=[rail("In", "Fed", "Customer", expected_net="5.00"), rail("Out", "Customer", "Fed")])
    path = made(tmp_path, data, "--baseline-only")
    assert asked(path).verdict == "ok"
    spoil(path, "rail_name = 'In'")
    assert (asked(path).verdict, asked(path).wrong) == ("miss", 1)


def test_of_a_planted_short_transfer_the_other_rails_are_asked(tmp_path: Path) -> None:
    legs = [rail("Pay", "Fed", "Customer"), rail("Fee", "Customer", "Income")]
    legs = [{k: v for k, v in leg.items() if k != "expected_net"} | {"metadata_keys": ["cycle"]} for leg in legs]
    template = {"name": "Cycle", "transfer_type": "cycle", "expected_net": "0.00", "leg_rails": ["Pay", "Fee"]}
    data = tiny(
        rails=legs,
        transfer_templates=[template | {"transfer_key": ["cycle"], "completion": "business_day_end+1d"}],
    )
    path = made(tmp_path, data, "--mode", "every_view")
    assert asked(path).verdict == "ok"
    short = "transfer_id IN (SELECT transfer_id FROM tiny_transfer_net)"
    rails = "SELECT json_extract(detail, '$.rail') FROM tiny_answer_key WHERE plant_id LIKE 'transfer_net-%'"
    spoil(path, f"{short} AND rail_name NOT IN ({rails} AND item = 'plant')")
    assert (asked(path).verdict, asked(path).wrong) == ("miss", 1)


@pytest.mark.parametrize("accounts", [200])
def test_right_balances_cost_no_look_at_each_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accounts: int
) -> None:
    path = made(tmp_path, tiny(), "--baseline-only", "--accounts", f"Customer={accounts}")
    sorted_days = []

    def counted(*values: object) -> list[object]:
        sorted_days.append(values)
        return sorted(*values)  # type: ignore[type-var]

    monkeypatch.setattr("seedbed.checks.books.sorted", counted, raising=False)
    assert asked(path, "balances: one per account and business day").verdict == "ok"
    assert len(sorted_days) == 1
