"""What shows or exports views says where they are behind their tables."""

import json
from pathlib import Path

import pytest
from tests.bank.tiny import tiny
from tests.checks.own_feed import change

from seedbed.cli.main import run

BEHIND = "outdated: the tables or the views have changed; run `seedbed data refresh sqlite:///"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    bank, path = tmp_path / "tiny.yaml", tmp_path / "tiny.sqlite"
    bank.write_text(json.dumps(tiny()), encoding="utf-8")
    dates = ["--anchor", "2030-01-01", "--window-days", "5"]
    assert run(["data", "apply", str(bank), *dates, "--to", f"sqlite:///{path}", "--quiet"]) == 0
    return path


def spoil(path: Path) -> None:
    change(path, ["UPDATE tiny_daily_balances SET money = money + 7"])


def test_an_export_of_views_that_are_behind_is_refused(ledger: Path, capfd: pytest.CaptureFixture[str]) -> None:
    target = ledger.parent / "book.beancount"
    command = ["export", f"sqlite:///{ledger}", "--format", "beancount", "-o", str(target)]
    spoil(ledger)
    assert run(command) == 3
    error = capfd.readouterr().err
    assert (
        "tiny_current_daily_balances is outdated: the tables or the view have changed" in error
        and error.count("\n") == 1
    )
    assert not target.exists()
    assert run(["data", "refresh", f"sqlite:///{ledger}", "--quiet"]) == 0
    assert run(command) == 0
    assert target.exists()


@pytest.mark.parametrize("command", ["report", "dashboard"])
def test_what_shows_views_that_are_behind_says_so_on_standard_error(
    ledger: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    served = []
    monkeypatch.setattr("seedbed.dashboard.server.serve", lambda address, *_, **__: served.append(address))
    more = ["-o", str(ledger.parent / "report.html")] if command == "report" else []
    for behind in (False, True):
        if behind:
            spoil(ledger)
        assert run([command, f"sqlite:///{ledger}", *more]) == 0
        said = capfd.readouterr()
        assert (BEHIND in said.err) is behind
        assert said.err.count("\n") == int(behind) and BEHIND not in said.out
    assert len(served) == (0 if command == "report" else 2)
