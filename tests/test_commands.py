"""The commands as Python functions, on a small bank from nothing to a score."""

from datetime import date
from pathlib import Path

import pytest

import seedbed
from seedbed.bank.bundled import bank_path
from seedbed.notebook import html_table
from tests.planting.conftest import ANCHOR

NAME = "spec_example"


@pytest.fixture(scope="module")
def ledger() -> seedbed.Ledger:
    return seedbed.generate(NAME, seedbed.full_scenario_for(NAME, anchor=ANCHOR, window_days=20), window_days=20)


@pytest.fixture(scope="module")
def database(ledger: seedbed.Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("commands") / "bank.duckdb"
    seedbed.load(ledger, path)
    return path


@pytest.mark.parametrize(
    "bank", [NAME, str(bank_path(NAME)), bank_path(NAME), seedbed.load_instance(bank_path(NAME))]
)
def test_a_bank_is_a_name_a_path_or_a_bank(bank: object) -> None:
    outline = seedbed.plan(bank, anchor=ANCHOR)  # type: ignore[arg-type]
    assert outline.instance == NAME
    assert outline == seedbed.plan(NAME, anchor=ANCHOR)


def test_what_a_notebook_shows_is_short_and_what_it_holds_is_text(ledger: seedbed.Ledger) -> None:
    plan = seedbed.plan(NAME, anchor=ANCHOR)
    assert repr(plan).startswith(f"<Outline of {NAME}: 90 days to 2030-01-01; about ")
    assert plan._repr_html_().count("<tr>") == len(plan.rails) + 1
    bank, scenario = ledger.dataset.bank, ledger.dataset.scenario
    assert repr(bank) == "<Bank spec_example: 6 accounts, 1 account template, 4 rails, 0 chains>"
    assert repr(scenario).startswith("<ScenarioPlant l1_plus_broad to 2030-01-01: 3 drift, 2 overdraft, ")
    assert html_table("<a>", ["&"], [["<b>", None]]) == (
        "<p>&lt;a&gt;</p><table><tr><th>&amp;</th></tr><tr><td>&lt;b&gt;</td><td>None</td></tr></table>"
    )


def test_a_bank_file_is_validated(tmp_path: Path) -> None:
    assert seedbed.validate(NAME).bank is not None
    (tmp_path / "bank.yaml").write_text("instance: Wrong\n", encoding="utf-8")
    validation = seedbed.validate(tmp_path / "bank.yaml")
    assert validation.bank is None
    assert validation.problems


@pytest.mark.parametrize("wrong", [7, None, ["spec_example"]])
def test_what_is_no_bank_is_said_in_a_line(wrong: object) -> None:
    with pytest.raises(seedbed.InputError, match=r"^bank: .* is neither a path nor the name of a bank$"):
        seedbed.generate(wrong)  # type: ignore[arg-type]
    with pytest.raises(seedbed.InputError, match=r"^database: .* is neither a path nor the name of a bank$"):
        seedbed.check(wrong)  # type: ignore[arg-type]


def test_a_mistyped_bank_gets_a_suggestion() -> None:
    with pytest.raises(seedbed.InputError, match="spec_example"):
        seedbed.plan("spec_exmple")


def test_a_loaded_ledger_is_checked_and_scored(database: Path, ledger: seedbed.Ledger) -> None:
    report = seedbed.check(database)
    assert not report.misses
    assert repr(report) == f"<Report of spec_example: everything holds, {report.asked} assertions>"
    assert report._repr_html_().count("<tr>") == len(report.results) + 1
    named = [line["key"] for line in ledger.answer_key.to_pylist() if line["item"] == "view"]
    score = seedbed.score(f"duckdb:///{database}", named)
    assert score.recall == 1
    assert repr(score) == f"<Score on spec_example: {len(set(named)):,} detections; precision 100.0%, recall 100.0%>"
    assert score._repr_html_().count("<tr>") == len(score.kinds) + 1


def test_detections_may_be_a_file(database: Path, tmp_path: Path) -> None:
    (tmp_path / "found.csv").write_text("id\nnothing\n", encoding="utf-8")
    assert seedbed.score(database, tmp_path / "found.csv").found == 0


def test_a_loaded_ledger_is_exported_reported_and_refreshed(database: Path, tmp_path: Path) -> None:
    assert seedbed.export(database, tmp_path / "books.beancount") > 100
    assert seedbed.report(database, tmp_path / "report.html") == tmp_path / "report.html"
    assert seedbed.refresh(database, as_of=date(2030, 1, 1)) == seedbed.refresh(database)
    with pytest.raises(seedbed.InputError, match="other is not the instance of the bank"):
        seedbed.refresh(database, bank=NAME, instance="other")


def test_parquet_has_the_same_digest(ledger: seedbed.Ledger, tmp_path: Path) -> None:
    written = seedbed.write_parquet(ledger, tmp_path / "folder")
    assert written.digest == seedbed.load(ledger, tmp_path / "again.sqlite").digest


def test_a_ledger_shows_in_a_line_and_in_a_notebook(ledger: seedbed.Ledger) -> None:
    assert repr(ledger).startswith("<Ledger of spec_example: 20 days to 2030-01-01, seed 42; ")
    assert ledger._repr_html_().count("<tr>") == 6


def test_the_functions_outlive_the_import_of_every_module() -> None:
    import seedbed.checks.score  # noqa: PLC0415
    import seedbed.exports.beancount  # noqa: PLC0415
    import seedbed.program.outline  # noqa: PLC0415

    assert all(callable(getattr(seedbed, name)) for name in ("check", "export", "plan", "score", "validate"))
