"""The check holds on banks that nobody has seen, planted and bare."""

from contextlib import closing
from datetime import date
from typing import Any

import duckdb
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from seedbed.api import dataset_of
from seedbed.assembly.foundation import Foundation
from seedbed.assembly.parts import parts_on
from seedbed.assembly.pipeline import ScenarioChoices, planted_foundation
from seedbed.bank.load import parse_instance_text
from seedbed.checks import ASSERTIONS, check_database
from seedbed.databases.reader import Database
from seedbed.ledger.columns import ALL_TABLES
from seedbed.views import view_statements
from seedbed.write.facts import DATASET, Tally, dataset_row
from tests.strategies import anchors, banks, windows, yaml_text

CHOICES = (None, ScenarioChoices(), ScenarioChoices(blend=True), ScenarioChoices(coverage=True))
# What chance alone decides on a bank and window of any size, without the floors that few firings would need.
LEFT_TO_CHANCE = ("legs per rail", "chains", "templates")


def judge(plain: dict[str, Any], anchor: date, window_days: int, choices: ScenarioChoices | None) -> None:
    text = yaml_text(plain)
    note(text)
    bank = parse_instance_text(text)
    dataset = dataset_of(bank, anchor, window_days)
    foundation = Foundation(dataset) if choices is None else planted_foundation(dataset, choices)
    tally = Tally(list(parts_on(foundation)))
    with closing(duckdb.connect()) as connection:
        for part in tally:
            for table in ALL_TABLES:
                connection.register("rows", part[table.name])
                name = f"{bank.instance}_{table.name}"
                connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {name} AS FROM rows LIMIT 0; INSERT INTO {name} FROM rows"
                )
        connection.register("rows", dataset_row(foundation.dataset, tally.counts))
        connection.execute(f"CREATE TABLE {bank.instance}_{DATASET.name} AS FROM rows")
        for statement in view_statements(bank, "duckdb"):
            connection.execute(statement)
        report = check_database(Database("duckdb", connection), bank.instance, ASSERTIONS)
    misses = [result for result in report.misses if not result.name.startswith(LEFT_TO_CHANCE)]
    assert not misses, "\n".join(str((result.name, result.offenders)) for result in misses)


@settings(max_examples=5)
@given(banks(), anchors(), windows(), st.sampled_from(CHOICES))
def test_the_check_holds_on_random_banks(
    plain: dict[str, Any], anchor: date, window_days: int, choices: ScenarioChoices | None
) -> None:
    judge(plain, anchor, window_days, choices)


@pytest.mark.matrix
@settings(max_examples=30)
@given(banks(), anchors(), windows(), st.sampled_from(CHOICES))
def test_the_check_holds_on_many_random_banks(
    plain: dict[str, Any], anchor: date, window_days: int, choices: ScenarioChoices | None
) -> None:
    judge(plain, anchor, window_days, choices)
