"""Both bundled banks, loaded by their scripts into three engines: the same rows of every view, and all healthy."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import seedbed
from seedbed.api import dataset_of, parts_of
from seedbed.bank.model import Bank
from seedbed.views import EXCEPTION_VIEWS, VIEWS, refresh_statements
from seedbed.write.schema import drop_statements

from .engines import Engines, Row

BANKS = Path(seedbed.__file__).parent / "banks"
Answers = dict[str, list[Row]]


@pytest.fixture(scope="module", params=["spec_example", "harbor_trust"])
def bank(
    request: pytest.FixtureRequest,
    engines: Engines,
    postgresql: tuple[Path, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Bank]:
    """A bundled bank that all engines hold."""
    bank = seedbed.load_instance(BANKS / f"{request.param}.yaml")
    dataset = dataset_of(bank, date(2030, 1, 1))
    parts = list(parts_of(dataset))
    folder = tmp_path_factory.mktemp(request.param)
    for engine in engines.engines:
        engine.load(parts, dataset, postgresql, folder)
    yield bank
    for engine in engines.engines:
        engine.run(drop_statements(bank.instance, engine.dialect))


@pytest.fixture(scope="module")
def answers(bank: Bank, engines: Engines) -> Answers:
    """The rows of every view, which all engines agree on."""
    return engines.everything(bank.instance)


def test_the_baseline_has_no_exception_but_incomplete_chains(bank: Bank, answers: Answers) -> None:
    found = {name for name in EXCEPTION_VIEWS if answers[name]}
    required = {chain.parent for chain in bank.chains if chain.required}
    assert found == ({"chain_exceptions"} if required else set())
    for row in answers["chain_exceptions"]:
        assert row["exception"] == "missing_child"
        assert row["view_key"] == f"{row['transfer_id']}/{row['label']}"
        assert row["label"].replace("^", ">").split(">")[0] in required


def test_the_describing_views_have_rows(bank: Bank, answers: Answers) -> None:
    describing = {view.name for view in VIEWS if not view.exception} - {"todays_exceptions", "dead_declarations"}
    empty = {name for name in describing if not answers[name]}
    assert empty == (set() if bank.chains else {"chain_parents", "money_trail", "transfer_parents"})
    assert answers["dead_declarations"] == []


def test_every_row_of_the_statement_is_settled(answers: Answers) -> None:
    assert len(answers["daily_statement"]) == len(answers["current_daily_balances"])
    assert all(row["drift"] == 0 and row["closing"] == row["stored"] for row in answers["daily_statement"])


def test_a_refresh_changes_nothing(bank: Bank, answers: Answers, engines: Engines) -> None:
    for engine in engines.engines:
        engine.run(refresh_statements(bank, engine.dialect))
    assert engines.everything(bank.instance) == answers


def test_every_view_is_read_in_a_moment(bank: Bank, engines: Engines) -> None:
    """No view scans a table once per row: not even on SQLite, which has no statistics to plan by."""
    sqlite = next(engine for engine in engines.engines if engine.dialect == "sqlite")
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    # A virtual-machine count, not a clock: the same on every machine.
    sqlite.connection.set_progress_handler(count, 100_000)
    rows = len(sqlite.rows(f"{bank.instance}_transactions"))
    steps = 0
    sqlite.run(refresh_statements(bank, "sqlite"))
    for view in VIEWS:
        sqlite.execute(f'SELECT COUNT(*) FROM (SELECT * FROM "{bank.instance}_{view.name}")').fetchall()
    sqlite.connection.set_progress_handler(None, 0)
    assert steps * 100_000 < 3_000 * rows
