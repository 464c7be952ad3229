"""Every sign of `expected_net`, fired and planted."""

import pytest

import seedbed
from seedbed.bank.load import parse_instance_text
from seedbed.generation.pipeline import ScenarioChoices

from .conftest import ANCHOR, planted_ledger
from .exceptions import answered, connect, exceptions

MODES = (ScenarioChoices(), ScenarioChoices(blend=True), ScenarioChoices(coverage=True))

RAIL = """
instance: nets
accounts:
  - {{id: gl, role: Ledger, scope: internal}}
  - {{id: fees, role: FeeIncome, scope: internal}}
  - {{id: world, role: World, scope: external}}
account_templates:
  - {{role: Customer, scope: internal, parent_role: Ledger}}
rails:
  - {{name: Pay, transfer_type: ach, source_role: World, destination_role: Customer, expected_net: 0,
     origin: ExternalForcePosted, metadata_keys: []}}
  - {{name: Fee, transfer_type: fee, source_role: Customer, destination_role: FeeIncome, expected_net: '{net}',
     origin: InternalInitiated, metadata_keys: [], max_pending_age: PT4H, max_unbundled_age: P9D}}
  - {{name: Sweep, transfer_type: sweep, source_role: FeeIncome, destination_role: World, expected_net: '{net}',
     origin: InternalInitiated, metadata_keys: [], aggregating: true, cadence: daily-eod, bundles_activity: [Fee]}}
chains: [{{parent: Pay, child: Fee, required: true}}]
limit_schedules: [{{parent_role: Ledger, transfer_type: fee, cap: 90.00}}]
"""


@pytest.mark.parametrize("net", ["-250.00", "-0.01", "0.00", "0.01", "40.00"])
def test_a_two_leg_rail_whose_net_cannot_hold_shows_each_transfer_fired_or_planted(net: str) -> None:
    bank = parse_instance_text(RAIL.format(net=net))
    con = connect(bank, seedbed.generate(bank, anchor=ANCHOR, window_days=9))
    fired = exceptions(con).get("transfer_net", set())
    assert bool(fired) == (net != "0.00")
    assert exceptions(con) == answered(con)
    for choices in MODES:
        con = connect(bank, planted_ledger(bank, choices, ANCHOR, 9))
        assert bool(exceptions(con).get("transfer_net", set()) - fired) == (net != "0.00")
        assert exceptions(con) == answered(con)
