"""Beancount, which shares no code with Seedbed, passes the baseline and fails exactly the planted drifts."""

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from seedbed.cli.main import run
from seedbed.databases.reader import open_database
from seedbed.write.schema import schema_statements
from tests.checks.conftest import Loaded
from tests.views.engines import Engine
from tests.views.feed import Feed

FAILURE = re.compile(r"^\S+:\d+:\s+(.*)$", re.MULTILINE)
DIRECTIVE_LINES = re.compile(r"^\S+ balance ", re.MULTILINE)
DIRECTIVE = re.compile(r"^\s+(\S+) balance (\S+) ", re.MULTILINE)


def bean_check(path: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "beancount.scripts.check", str(path)]
    environment = {**os.environ, "BEANCOUNT_DISABLE_LOAD_CACHE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return done.returncode, done.stderr + done.stdout


def exported(url: str, name: str, folder: Path) -> Path:
    path = folder / "books.beancount"
    assert run(["export", url, "--format", "beancount", "-o", str(path), "--instance", name, "--quiet"]) == 0
    return path


@pytest.mark.parametrize("name", ["spec_example", "harbor_trust"])
def test_the_baseline_passes(loaded: Loaded, name: str, tmp_path: Path) -> None:
    assert bean_check(exported(loaded(name, "duckdb", "--baseline-only"), name, tmp_path)) == (0, "")


@pytest.mark.parametrize("options", [(), ("--blend",)], ids=["planted", "blended"])
@pytest.mark.parametrize("name", ["spec_example", "harbor_trust"])
def test_exactly_the_drifts_fail(loaded: Loaded, name: str, options: tuple[str, ...], tmp_path: Path) -> None:
    url = loaded(name, "duckdb", *options)
    path = exported(url, name, tmp_path)
    code, output = bean_check(path)
    assert code == 1
    ids = dict(re.findall(r'open (\S+) USD\n  id: "(.*?)"', path.read_text()))
    with open_database(url) as database:
        key = f"SELECT key FROM {name}_answer_key WHERE place = 'drift' AND item IN ('view', 'collateral')"
        drifts = sorted(text for (text,) in database.rows(key))
        next_day = f"SELECT view_key, strftime(business_day + 1, '%Y-%m-%d'), account_id FROM {name}_drift"
        wanted = {(day, account): view_key for view_key, day, account in database.rows(next_day)}
    failures = FAILURE.findall(output)
    assert all(failure.startswith("Balance failed for") for failure in failures)
    failed = sorted(wanted[day, ids[account]] for day, account in DIRECTIVE.findall(output))
    assert len(failures) == len(failed)
    assert failed == drifts


def feed_file(feed: Feed, folder: Path) -> str:
    with duckdb.connect(folder / "feed.duckdb") as connection:
        engine = Engine("duckdb", connection)
        engine.run(schema_statements(feed.bank, "duckdb"))
        engine.fill(feed)
    return f"duckdb:///{folder / 'feed.duckdb'}"


@pytest.mark.parametrize("posted", [True, False], ids=["postings", "no postings"])
def test_balances_before_the_first_posting_and_without_one_hold(posted: bool, tmp_path: Path) -> None:
    feed = Feed()
    for day in (2, 5):
        feed.balance("desk", day, "0.00")
        feed.balance("c1", day, "5.00" if posted and day == 5 else "0.00")
    if posted:
        feed.move("in", "fed", "c1", "5.00", "5")
    path = exported(feed_file(feed, tmp_path), "tiny", tmp_path)
    assert bean_check(path) == (0, "")
    text = path.read_text()
    assert len(DIRECTIVE_LINES.findall(text)) == 4
    assert "2030-01-02 open Assets:" in text


def test_a_stored_balance_without_any_posting_fails(tmp_path: Path) -> None:
    feed = Feed()
    feed.balance("desk", 2, "0.01")
    feed.balance("desk", 3, "0.00")
    code, output = bean_check(exported(feed_file(feed, tmp_path), "tiny", tmp_path))
    assert (code, [day for day, _ in DIRECTIVE.findall(output)]) == (1, ["2030-01-03"])


def test_every_engine_exports_the_same_postings(loaded: Loaded, tmp_path: Path) -> None:
    texts = []
    for engine in ("duckdb", "sqlite", "postgresql"):
        (tmp_path / engine).mkdir()
        path = exported(loaded("spec_example", engine), "spec_example", tmp_path / engine)
        texts.append(sorted(path.read_text().splitlines()))
    assert texts[0] == texts[1] == texts[2]


def test_only_an_export_is_replaced(loaded: Loaded, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    url = loaded("spec_example")
    path = exported(url, "spec_example", tmp_path)
    assert exported(url, "spec_example", tmp_path) == path
    path.write_text("a letter\n")
    assert run(["export", url, "--format", "beancount", "-o", str(path)]) == 3
    assert "exists, and Seedbed did not write it" in capfd.readouterr().err
    assert path.read_text() == "a letter\n"
