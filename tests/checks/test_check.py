"""`seedbed check` holds on what was generated, on every engine, and says what does not hold once a row changed."""

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest

from seedbed.checks import Report, check
from seedbed.cli.main import run
from seedbed.views import EXCEPTION_VIEWS
from tests.bank.tiny import rail, tiny
from tests.planting.conftest import ANCHOR

from .conftest import Loaded

OPTIONS = {
    "full": (),
    "baseline": ("--baseline-only",),
    "blend": ("--blend",),
    "coverage": ("--coverage", "full"),
    "short": ("--window-days", "20"),
}


def shown(report: Report) -> Iterable[tuple[str, tuple[str, ...]]]:
    return [(result.name, result.offenders or (result.expected, result.found)) for result in report.misses]


@pytest.mark.parametrize("engine", ["duckdb", "sqlite", "postgresql"])
@pytest.mark.parametrize("name", ["spec_example", "harbor_trust"])
def test_everything_holds_on_every_engine(loaded: Loaded, name: str, engine: str) -> None:
    assert not shown(check(loaded(name, engine), name))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("name", ["spec_example", "harbor_trust"])
def test_everything_holds_with_every_overlay(loaded: Loaded, name: str, options: tuple[str, ...]) -> None:
    assert not shown(check(loaded(name, "duckdb", *options)))


@pytest.mark.parametrize(("cap", "asked"), [("300.00", 1), ("0.02", 0)])
def test_chains_under_a_tight_cap_complete_or_are_not_asked(tmp_path: Path, cap: str, asked: int) -> None:
    data = tiny(
        chains=[{"parent": "In", "child": "Forward", "required": "true"}],
        limit_schedules=[{"parent_role": "Ledger", "transfer_type": "type_forward", "cap": cap}],
        baseline={"rails": {"In": {"seed_volume_multiplier": "5"}}},
    )
    data["rails"].append(rail("Forward", "Customer", "Income"))
    (tmp_path / "tiny.yaml").write_text(json.dumps(data), encoding="utf-8")
    url = f"duckdb:///{tmp_path / 'tiny.duckdb'}"
    assert run(["data", "apply", str(tmp_path / "tiny.yaml"), "--window-days", "30", "--to", url, "--quiet"]) == 0
    report = check(url)
    assert not shown(report)
    (chains,) = [result for result in report.results if result.name.startswith("chains")]
    assert sum(part.verdict == "ok" for part in chains.parts) == 2 * asked


@pytest.mark.parametrize("options", [("2030-01-02", "1"), ("2030-01-03", "1"), ("2030-01-02", "2")])
def test_rails_that_chance_leaves_idle_in_a_short_window_are_not_asked(
    tmp_path: Path, options: tuple[str, str]
) -> None:
    url, (anchor, days) = f"duckdb:///{tmp_path}/a.duckdb", options
    apply = ["data", "apply", "harbor_trust", "--anchor", anchor, "--window-days", days, "--to", url]
    assert run([*apply, "--quiet"]) == 0
    assert run(["check", url]) == 0


def test_the_results_are_the_same_on_every_engine(loaded: Loaded) -> None:
    first, *others = [check(loaded("spec_example", e), "spec_example") for e in ("duckdb", "sqlite", "postgresql")]
    assert all(other == first for other in others)
    assert {result.name for result in first.results} > set(EXCEPTION_VIEWS)


def test_the_exit_code_and_json_say_what_does_not_hold(
    loaded: Loaded, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "changed.duckdb"
    shutil.copy(loaded("spec_example").removeprefix("duckdb:///"), path)
    assert run(["check", f"duckdb:///{path}"]) == 0
    assert "everything holds" in capfd.readouterr().out
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM spec_example_drift")
    assert run(["check", f"duckdb:///{path}", "--json"]) == 1
    answer = json.loads(capfd.readouterr().out)
    misses = {result["name"]: result for result in answer["results"] if result["verdict"] == "miss"}
    assert list(misses) == ["outdated filled views", "drift"]
    drift = misses["drift"]
    assert (drift["name"], drift["expected"], drift["found"], drift["wrong"]) == ("drift", "5", "0", 5)
    assert all(offender.startswith("missing: cust-001/") for offender in drift["offenders"])
    assert run(["check", f"duckdb:///{path}", "--quiet"]) == 1
    assert capfd.readouterr().out == ""


def test_a_feed_without_an_answer_key_is_asked_for_its_exceptions(
    loaded: Loaded, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for options, code in (((), 1), (("--baseline-only",), 0)):
        path = tmp_path / f"feed{code}.duckdb"
        shutil.copy(loaded("spec_example", "duckdb", *options).removeprefix("duckdb:///"), path)
        with duckdb.connect(str(path)) as connection:
            connection.execute("DROP TABLE spec_example_answer_key")
        assert run(["check", f"duckdb:///{path}"]) == code
        output = capfd.readouterr().out
        assert "there is no answer key" in output and "everything holds" not in output
        assert ("exceptions, overdraft: expected 0, found 5" in output) is bool(code)


@pytest.mark.parametrize(
    ("fact", "value", "words"),
    [
        ("accounts", "[1]", "accounts is not a JSON object"),
        ("accounts", '{"x": 1}', "'x' is not the role of an account template"),
        ("scenario", "[3]", "an object is expected"),
        ("anchor", "soon", "the anchor is not a date"),
    ],
)
def test_a_fact_that_cannot_be_one_is_one_line(
    loaded: Loaded, tmp_path: Path, capfd: pytest.CaptureFixture[str], fact: str, value: str, words: str
) -> None:
    path = tmp_path / "facts.duckdb"
    shutil.copy(loaded("spec_example").removeprefix("duckdb:///"), path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"UPDATE spec_example_dataset SET {fact} = ?", [value])
    assert run(["check", f"duckdb:///{path}"]) == 2
    error = capfd.readouterr().err
    assert words in error and error.count("\n") == 1


@pytest.mark.parametrize("has_key", [True, False])
def test_views_that_were_filled_from_other_rows_are_said(
    loaded: Loaded, tmp_path: Path, capfd: pytest.CaptureFixture[str], has_key: bool
) -> None:
    path = tmp_path / "stale.duckdb"
    shutil.copy(loaded("spec_example", "duckdb", "--baseline-only").removeprefix("duckdb:///"), path)
    with duckdb.connect(str(path)) as connection:
        if not has_key:
            connection.execute("DROP TABLE spec_example_answer_key")
        connection.execute(
            "DELETE FROM spec_example_daily_balances WHERE entry = (SELECT MIN(entry) FROM"
            " spec_example_daily_balances)"
        )
    assert run(["check", f"duckdb:///{path}"]) == 1
    output = capfd.readouterr().out
    assert "current_daily_balances" in output and f"run `seedbed data refresh duckdb:///{path}`" in output
    assert run(["data", "refresh", f"duckdb:///{path}", "--quiet"]) == 0
    assert run(["check", f"duckdb:///{path}", "--json"]) == 1  # the row is still missing
    results = {result["name"]: result["verdict"] for result in json.loads(capfd.readouterr().out)["results"]}
    assert results["outdated filled views"] == "ok"


def test_without_an_as_of_the_check_fails_and_what_is_stuck_is_not_asked(
    loaded: Loaded, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "timeless.duckdb"
    shutil.copy(loaded("spec_example", "duckdb", "--baseline-only").removeprefix("duckdb:///"), path)
    assert run(["check", f"duckdb:///{path}", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["as_of"].endswith("00:00:00")
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM spec_example_dataset")
    assert run(["check", f"duckdb:///{path}", "--instance", "spec_example", "--json"]) == 1
    answer = json.loads(capfd.readouterr().out)
    verdicts = {result["name"]: result["verdict"] for result in answer["results"]}
    assert answer["as_of"] is None
    assert {verdicts[view] for view in ("stuck_pending", "stuck_unbundled")} == {"not asked"}
    assert (verdicts["as-of"], verdicts["drift"]) == ("miss", "ok")


def test_a_dataset_that_is_looked_at_from_another_moment_says_what_that_leaves_unasked(
    loaded: Loaded, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "later.duckdb"
    shutil.copy(loaded("spec_example").removeprefix("duckdb:///"), path)
    assert run(["data", "refresh", f"duckdb:///{path}", "--as-of", "2030-02-01", "--quiet"]) == 0
    assert run(["check", f"duckdb:///{path}", "--json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    unasked = [result["name"] for result in answer["results"] if result["verdict"] == "not asked"]
    assert unasked == ["stuck_pending", "stuck_unbundled"]
    assert (answer["ok"], answer["as_of"]) == (True, "2030-02-02 00:00:00")
    assert answer["verdict"].endswith(" hold, 2 not asked: answer key 2")
    assert run(["data", "refresh", f"duckdb:///{path}", "--as-of", ANCHOR.isoformat(), "--quiet"]) == 0
    assert run(["check", f"duckdb:///{path}"]) == 0
    assert "everything holds" in capfd.readouterr().out


def test_definitions_stay_the_same_however_often_a_file_is_written(loaded: Loaded, tmp_path: Path) -> None:
    path = tmp_path / "shared.duckdb"
    shutil.copy(loaded("spec_example").removeprefix("duckdb:///"), path)
    for _ in range(3):
        assert run(["schema", "apply", "harbor_trust", "--to", f"duckdb:///{path}", "--quiet"]) == 0
    assert not shown(check(f"duckdb:///{path}", "spec_example"))


SPOILT = {
    "rows of a union taken away": "DELETE FROM spec_example_todays_exceptions",
    "rows of a network taken away": "DELETE FROM spec_example_account_network",
    "a figure of a view changed": "UPDATE spec_example_drift SET computed = computed + 100",
    "a filled view dropped": "DROP TABLE spec_example_money_trail CASCADE",
    "a view replaced": "CREATE OR REPLACE VIEW spec_example_computed_ledger_balance AS SELECT 1 x",
    "a view that is read dropped": "DROP TABLE spec_example_overdraft",
}


ALTERED = {
    "overdraft": {"overdraft", "unplanned exceptions"},
    "daily_statement": set(),
    "rail_activity": {"legs per rail: at least half the target (min. 5)"},
    "account_days": {
        "openings + flows = closings",
        "unplanned exceptions",
        "ledger_drift",
        "drift",
        "overdraft",
        "expected_eod_balance_breach",
    },
}


@pytest.mark.parametrize("view", ALTERED)
def test_only_what_reads_an_altered_view_is_not_asked(loaded: Loaded, tmp_path: Path, view: str) -> None:
    path = tmp_path / "altered.duckdb"
    shutil.copy(loaded("spec_example").removeprefix("duckdb:///"), path)
    with duckdb.connect(str(path)) as connection:
        kind = "VIEW" if view == "daily_statement" else "TABLE"
        connection.execute(f"DROP {kind} spec_example_{view}")
    report = check(f"duckdb:///{path}")
    unasked = {result.name: result.reason for result in report.unasked}
    assert unasked.keys() == ALTERED[view]
    assert all(f"{view} is missing" in reason for reason in unasked.values())
    assert [result.name for result in report.misses] == ["altered views"]


def test_a_remedy_is_no_offender(loaded: Loaded, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "remedy.duckdb"
    shutil.copy(loaded("spec_example").removeprefix("duckdb:///"), path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM spec_example_account_network")
    assert run(["check", f"duckdb:///{path}", "--json"]) == 1
    [miss] = [one for one in json.loads(capfd.readouterr().out)["results"] if one["verdict"] == "miss"]
    assert (miss["found"], miss["wrong"], len(miss["offenders"])) == ("1", 1, 1)
    assert miss["remedy"] == f"run `seedbed data refresh duckdb:///{path}`"


@pytest.mark.parametrize("change", SPOILT)
def test_a_view_that_was_changed_is_found_and_a_refresh_mends_it(
    loaded: Loaded, tmp_path: Path, capfd: pytest.CaptureFixture[str], change: str
) -> None:
    path = tmp_path / "spoilt.duckdb"
    shutil.copy(loaded("spec_example").removeprefix("duckdb:///"), path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(SPOILT[change])
    assert run(["check", f"duckdb:///{path}"]) == 1
    said = capfd.readouterr().out
    assert re.search("views, (altered views|outdated filled views): expected 0, found [1-9]", said)
    assert run(["data", "refresh", f"duckdb:///{path}", "--quiet"]) == 0
    assert run(["check", f"duckdb:///{path}"]) == 0


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("nonsense", 2, "not a database URL"),
        ("oracle://someone:secret@host/db", 2, "oracle databases can be loaded, but not read"),
        ("duckdb://host/file", 2, "has a file and no host"),
        ("duckdb:///missing.duckdb", 3, "no such file"),
        ("sqlite:///missing.sqlite", 3, "no such file"),
        ("sqlite:///{}/text", 3, "not a database"),
        ("duckdb:///{}/text", 3, "not a valid DuckDB"),
        ("postgresql://someone:secret@127.0.0.1:1/db", 3, "PostgreSQL"),
        ("postgresql://someone:secret@host:port/db", 2, "write the URL as"),
        ("postgresql://someone:secret@127.0.0.1:1/db?nonsense=secret", 2, "not a PostgreSQL URL"),
    ],
)
def test_bad_urls_are_one_line_without_passwords(
    url: str, code: int, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("not a database at all, but some text that is long enough to be one" * 100)
    assert run(["check", url.format(tmp_path)]) == code
    error = capfd.readouterr().err
    assert words in error and error.count("\n") == 1 and "secret" not in error


def test_an_instance_has_to_be_there(loaded: Loaded, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["check", loaded("spec_example"), "--instance", "other"]) == 2
    assert "it has spec_example" in capfd.readouterr().err
