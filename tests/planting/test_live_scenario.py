"""The scenario of the small bank at 2030-01-01 is the seed document's live scenario, plant by plant."""

from datetime import date

import pytest

import seedbed
from seedbed.cli.main import run
from seedbed.scenario.live import plant_line

from .conftest import ANCHOR, bundled

# The block of the document; of templates and rail firings it prints the first two and counts the rest.
BLOCK = """
account_id=cust-001 delta_money=75.00 rail=ExternalRailInbound days_ago=5
account_id=cust-002 money=-1500.00 days_ago=6
account_id=cust-001 amount=7500 transfer_type=wire rail=ExternalRailOutbound days_ago=4
account_id=cust-001 amount=450.00 transfer_type=ach rail=ExternalRailInbound days_ago=8
account_id=cust-002 amount=12.50 transfer_type=charge rail=SubledgerCharge days_ago=7
account_id=cust-001 original=250.00 corrected=275.00 transfer_type=ach rail=ExternalRailInbound days_ago=3
recipient=cust-001 senders=3 amount_per_transfer=500.00 rail=ExternalRailInbound days_ago=2
template=MerchantSettlementCycle firing_seq=1 src=cust-001 amount=125.00 chain_children=0 days_ago=3
template=MerchantSettlementCycle firing_seq=2 src=cust-001 amount=125.00 chain_children=0 days_ago=4
template=MerchantSettlementCycle firing_seq=3 src=cust-001 amount=125.00 chain_children=0 days_ago=5
rail=ExternalRailInbound firing_seq=1 amount=100.00 days_ago=1
rail=ExternalRailInbound firing_seq=2 amount=100.00 days_ago=2
rail=ExternalRailInbound firing_seq=3 amount=100.00 days_ago=3
rail=ExternalRailOutbound firing_seq=1 amount=100.00 days_ago=1
rail=ExternalRailOutbound firing_seq=2 amount=100.00 days_ago=2
rail=ExternalRailOutbound firing_seq=3 amount=100.00 days_ago=3
rail=LedgerChargeSweep firing_seq=1 amount=100.00 days_ago=1
rail=LedgerChargeSweep firing_seq=2 amount=100.00 days_ago=2
rail=LedgerChargeSweep firing_seq=3 amount=100.00 days_ago=3
rail=SubledgerCharge firing_seq=1 amount=100.00 days_ago=1
rail=SubledgerCharge firing_seq=2 amount=100.00 days_ago=2
rail=SubledgerCharge firing_seq=3 amount=100.00 days_ago=3
""".strip().splitlines()


def test_the_scenario_is_the_documents_block() -> None:
    report = seedbed.default_scenario_for(bundled("spec_example"), anchor=ANCHOR, mode="l1_plus_broad")
    assert [plant_line(plant) for _, plant in report.scenario] == BLOCK
    assert report.omitted == ()


@pytest.mark.parametrize(("mode", "lines"), [("l1_invariants", BLOCK[:7]), ("broad", BLOCK[7:])])
def test_a_mode_takes_its_part_of_it(mode: str, lines: list[str]) -> None:
    report = seedbed.default_scenario_for(bundled("spec_example"), anchor=ANCHOR, mode=mode)
    assert [plant_line(plant) for _, plant in report.scenario] == lines


def test_the_default_mode_is_the_l1_invariants() -> None:
    report = seedbed.default_scenario_for(bundled("spec_example"), anchor=ANCHOR)
    assert len(report.scenario) == 7


def test_the_command_prints_it_as_markdown(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["docs", "live-scenario", "spec_example", "--anchor", "2030-01-01"]) == 0
    text = capfd.readouterr().out
    assert [line[3:-1] for line in text.splitlines() if line.startswith("- `")] == BLOCK
    assert "Mode: `l1_plus_broad` · Anchor: `2030-01-01` · Instance: `spec_example`" in text
    for heading in ("**DriftPlant** — 1 planted.", "**RailFiringPlant** — 12 planted.", "L1 Drift sheet"):
        assert heading in text


def test_the_full_pipeline_makes_it_dense() -> None:
    scenario = seedbed.full_scenario_for(bundled("spec_example"), anchor=ANCHOR)
    counts = {kind: len(scenario.of(kind)) for kind, _ in scenario}
    assert counts == {
        "drift": 5,
        "overdraft": 5,
        "limit_breach": 5,
        "stuck_pending": 5 + 15,
        "stuck_unbundled": 5,
        "supersession": 5,
        "inv_fanout": 1,
        "transfer_template": 3,
        "rail_firing": 60,
    }
    assert [plant.days_ago for plant in scenario.drift_plants] == [5, 12, 19, 26, 33]
    assert [plant.days_ago for plant in scenario.stuck_pending_plants[5:]] == list(range(8, 38, 2))
    [fanout] = scenario.inv_fanout_plants
    assert fanout.amount_per_transfer >= 5 * 500
    assert len(scenario.hard_negatives) == 9
    assert scenario.omitted == ()


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(seedbed.InputError, match="mode: 'loud' is not one of"):
        seedbed.default_scenario_for(bundled("spec_example"), anchor=date(2030, 1, 1), mode="loud")
