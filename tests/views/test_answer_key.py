"""The exception views equal the answer key, in both directions, on every engine: bundled banks and random ones."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from seedbed.api import dataset_of
from seedbed.assembly.parts import parts_on
from seedbed.assembly.pipeline import ScenarioChoices, planted_foundation
from seedbed.bank.load import parse_instance_text
from seedbed.bank.model import Bank
from seedbed.views import EXCEPTION_VIEWS
from seedbed.write.schema import drop_statements
from tests.planting.conftest import ANCHOR, SLOW_NAMES, bundled
from tests.strategies import anchors, banks, windows, yaml_text

from .engines import Engine, Engines

CHOICES = {
    "full": ScenarioChoices(),
    "once each": ScenarioChoices(factor=1),
    "l1": ScenarioChoices(mode="l1_invariants"),
    "broad": ScenarioChoices(mode="broad"),
    "blend": ScenarioChoices(blend=True),
    "coverage": ScenarioChoices(coverage=True),
    "every view": ScenarioChoices(mode="every_view"),
}


def _load(
    engines: list[Engine], server: tuple[Path, str], bank: Bank, choices: ScenarioChoices, anchor: date, days: int
) -> None:
    foundation = planted_foundation(dataset_of(bank, anchor, days), choices)
    parts = list(parts_on(foundation))
    with tempfile.TemporaryDirectory() as folder:
        for engine in engines:
            engine.load(parts, foundation.dataset, server, Path(folder))


def _assert_views_equal_key(engine: Engine, instance: str) -> None:
    query = f"SELECT place, \"key\" FROM {instance}_answer_key WHERE item IN ('view', 'collateral')"
    listed: dict[str, set[str]] = {}
    for view, key in engine.execute(query).fetchall():
        listed.setdefault(view, set()).add(key)
    for view in EXCEPTION_VIEWS:
        rows = [key for (key,) in engine.execute(f"SELECT view_key FROM {instance}_{view}").fetchall()]
        assert len(rows) == len(set(rows)), f"{view} names a row twice on {engine.dialect}"
        assert set(rows) == listed.get(view, set()), f"{view} on {engine.dialect}"


def _assert_fanouts_stand_out(engine: Engine, instance: str) -> None:
    key = "sender_id || '/' || recipient_id || '/' || day"
    if engine.dialect == "sqlite":
        key = "sender_id || '/' || recipient_id || '/' || substr(day, 1, 10)"
    query = (
        f"SELECT min(z_score), count(*) FROM {instance}_volume_anomalies WHERE {key} IN "
        f"(SELECT \"key\" FROM {instance}_answer_key WHERE place = 'volume_anomalies' AND label = 'exception')"
    )
    planted = f"SELECT count(DISTINCT \"key\") FROM {instance}_answer_key WHERE place = 'volume_anomalies'"
    [(least, found)] = engine.execute(query).fetchall()
    assert found == engine.execute(planted).fetchall()[0][0]
    assert not found or least >= 3.0


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", SLOW_NAMES)
def test_the_views_find_exactly_what_is_planted(
    engines: Engines, postgresql: tuple[Path, str], name: str, choice: str
) -> None:
    bank = bundled(name)
    _load(engines.engines, postgresql, bank, CHOICES[choice], ANCHOR, 90)
    for engine in engines.engines:
        _assert_views_equal_key(engine, name)
        _assert_fanouts_stand_out(engine, name)
        engine.run(drop_statements(name, engine.dialect))


def _judge(
    engines: list[Engine],
    server: tuple[Path, str],
    plain: dict[str, Any],
    anchor: date,
    days: int,
    choices: ScenarioChoices,
) -> None:
    text = yaml_text(plain)
    note(text)
    bank = parse_instance_text(text)
    _load(engines, server, bank, choices, anchor, days)
    for engine in engines:
        _assert_views_equal_key(engine, bank.instance)
        _assert_fanouts_stand_out(engine, bank.instance)
        engine.run(drop_statements(bank.instance, engine.dialect))


@settings(max_examples=10)
@given(banks(), anchors(), windows(), st.sampled_from(list(CHOICES.values())))
def test_the_views_of_a_random_bank_find_exactly_what_is_planted(
    engines: Engines,
    postgresql: tuple[Path, str],
    plain: dict[str, Any],
    anchor: date,
    window_days: int,
    choices: ScenarioChoices,
) -> None:
    _judge(engines.engines, postgresql, plain, anchor, window_days, choices)


@pytest.mark.matrix
@settings(max_examples=20)
@given(banks(), anchors(), windows(), st.sampled_from(list(CHOICES.values())))
def test_the_views_of_many_random_banks_find_exactly_what_is_planted(
    engines: Engines,
    postgresql: tuple[Path, str],
    plain: dict[str, Any],
    anchor: date,
    window_days: int,
    choices: ScenarioChoices,
) -> None:
    """On DuckDB alone, the fastest."""
    duckdb = [engine for engine in engines.engines if engine.dialect == "duckdb"]
    _judge(duckdb, postgresql, plain, anchor, window_days, choices)
