"""The baselines of random banks in the views: the same rows on all engines, and no exception that nobody foretold."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import given, note, settings

from seedbed.api import dataset_of, parts_of
from seedbed.bank.findings import finding_remarks
from seedbed.bank.load import parse_instance_text
from seedbed.views import EXCEPTION_VIEWS
from seedbed.write.schema import drop_statements
from tests.strategies import anchors, banks, yaml_text

from .engines import Engines

# View → the structural findings of a bank that explain its rows.
EXPLAINED = {
    "transfer_net": {"finding-net-cannot-hold"},
    "expected_eod_balance_breach": {"finding-expected-balance-cannot-hold"},
    "stuck_unbundled": {
        "finding-aggregate-under-cap",
        "finding-bundle-circle",
        "finding-rail-never-fires",
        "finding-unbundled-age-short",
    },
}


@settings(max_examples=12)
@given(banks(), anchors())
def test_a_random_bank_is_healthy_on_every_engine(
    engines: Engines, postgresql: tuple[Path, str], plain: dict[str, Any], anchor: date
) -> None:
    text = yaml_text(plain)
    note(text)
    bank = parse_instance_text(text)
    dataset = dataset_of(bank, anchor, 9)
    parts = list(parts_of(dataset))
    with tempfile.TemporaryDirectory() as folder:
        for engine in engines.engines:
            engine.load(parts, dataset, postgresql, Path(folder))
    answers = engines.everything(bank.instance)
    for engine in engines.engines:
        engine.run(drop_statements(bank.instance, engine.dialect))
    findings = {remark.rule for remark in finding_remarks(bank, None)}
    assert {row["exception"] for row in answers["chain_exceptions"]} <= {"missing_child"}
    for name in set(EXCEPTION_VIEWS) - {"chain_exceptions"}:
        assert not answers[name] or EXPLAINED.get(name, set()) & findings, name
    assert len(answers["daily_statement"]) == sum(part["daily_balances"].num_rows for part in parts)
