"""Account statements: a file per internal account and business day, the same from every engine."""

import csv
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

import seedbed
from seedbed.cli.export import FORMATS
from seedbed.cli.main import run
from seedbed.exports import EXPORTS
from tests.bank.tiny import bank_of, rail, tiny
from tests.checks.conftest import Loaded

Statement = list[dict[str, str]]


def exported(url: str, folder: Path, *options: str, instance: str = "spec_example") -> dict[str, Statement]:
    """The statements of one instance: other tests load theirs into the same PostgreSQL database."""
    given = [part for option in options for part in ("--option", option)]
    call = ["export", url, "--instance", instance, "--format", "statements", "-o", str(folder), "--quiet", *given]
    assert run(call) == 0
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.csv"))}
    return {name: list(csv.DictReader(text.splitlines())) for name, text in texts.items()}


@pytest.fixture(scope="module")
def statements(loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Statement]:
    return exported(loaded("spec_example", "duckdb"), tmp_path_factory.mktemp("duckdb") / "out")


def test_there_is_one_per_account_and_day(loaded: Loaded, statements: dict[str, Statement]) -> None:
    with duckdb.connect(loaded("spec_example", "duckdb").removeprefix("duckdb:///"), read_only=True) as connection:
        rows = connection.sql(
            "SELECT account_id || '_' || CAST(business_day AS DATE), closing FROM spec_example_daily_statement"
        ).fetchall()
    assert {name: Decimal(lines[-1]["balance"]) for name, lines in statements.items()} == dict(rows)


def test_the_balances_run_from_the_opening_to_the_closing(statements: dict[str, Statement]) -> None:
    for lines in statements.values():
        assert (lines[0]["line"], lines[-1]["line"]) == ("opening", "closing")
        assert lines[-2]["balance"] == lines[-1]["balance"]
        for before, line in pairwise(lines[:-1]):
            assert Decimal(before["balance"]) + Decimal(line["amount"]) == Decimal(line["balance"])


def test_every_posted_leg_is_in_one(loaded: Loaded, statements: dict[str, Statement]) -> None:
    with duckdb.connect(loaded("spec_example", "duckdb").removeprefix("duckdb:///"), read_only=True) as connection:
        wanted = connection.sql(
            "SELECT id FROM spec_example_current_transactions WHERE status = 'Posted' AND account_scope = 'internal'"
        ).fetchall()
    found = [line["id"] for lines in statements.values() for line in lines if line["line"] == "leg"]
    assert sorted(found) == sorted(leg for (leg,) in wanted)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_every_engine_gives_the_same(
    loaded: Loaded, statements: dict[str, Statement], engine: str, tmp_path: Path
) -> None:
    assert exported(loaded("spec_example", engine), tmp_path / "out") == statements


def test_options_choose_accounts_and_days(loaded: Loaded, statements: dict[str, Statement], tmp_path: Path) -> None:
    url = loaded("spec_example", "duckdb")
    days = exported(url, tmp_path / "out", "account=cust-011", "from=2029-12-10", "to=2029-12-12")
    assert list(days) == [f"cust-011_2029-12-{day}" for day in (10, 11, 12)]
    assert days.items() <= statements.items()
    role = exported(url, tmp_path / "out", "role=CustomerSubledger", "to=2029-10-04")
    assert len(role) == 30


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--option", "day=1"], "unknown option 'day' of the format statements"),
        (["--option", "from"], "'from' is not NAME=VALUE"),
        (["--option", "from=soon"], "soon is not a date"),
    ],
)
def test_a_wrong_option_changes_nothing(
    loaded: Loaded, options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "out"
    assert (
        run(["export", loaded("spec_example", "duckdb"), "--format", "statements", "-o", str(place), *options]) == 2
    )
    assert said in capsys.readouterr().err
    assert not place.exists()


def test_a_folder_of_somebody_else_stays(loaded: Loaded, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    url = loaded("spec_example", "duckdb")
    assert run(["export", url, "--format", "statements", "-o", str(tmp_path), "--quiet"]) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_many_files_do_not_fit_on_the_standard_output(loaded: Loaded, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", loaded("spec_example", "duckdb"), "--format", "statements"]) == 2
    assert "give -o FOLDER" in capsys.readouterr().err


def test_no_option_changes_the_name_of_a_file(tmp_path: Path) -> None:
    accounts = [
        {"id": account, "role": f"Cash{place}", "scope": "internal"} for place, account in enumerate(("GL/1", "gl 1"))
    ]
    rails = [rail("In", "Fed", "Cash0"), rail("On", "Cash0", "Cash1")]
    bank = bank_of({**tiny(rails=rails), "accounts": [*tiny()["accounts"], *accounts]})
    url = f"duckdb:///{tmp_path}/tiny.duckdb"
    seedbed.load(seedbed.generate(bank, window_days=5), url)
    whole = exported(url, tmp_path / "all", instance="tiny")
    second = exported(url, tmp_path / "one", "account=gl 1", instance="tiny")
    assert second and second.items() <= whole.items()


def test_the_command_knows_every_format() -> None:
    assert tuple(EXPORTS) == FORMATS
