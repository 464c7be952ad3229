"""The small bundled bank has the properties that its live scenario and its documentation stand on."""

from importlib import resources

import pytest

from seedbed.bank.classify import Kinds
from seedbed.bank.load import validate_instance
from seedbed.bank.model import Bank, TwoLegRail
from seedbed.bank.patterns import account_patterns, default_account_counts

FILE = str(resources.files("seedbed") / "banks" / "spec_example.yaml")


@pytest.fixture(scope="module")
def bank() -> Bank:
    validation = validate_instance(FILE)
    assert validation.bank is not None, validation.problems
    return validation.bank


def two_leg(bank: Bank, name: str) -> TwoLegRail:
    rail = next(rail for rail in bank.rails if rail.name == name)
    assert isinstance(rail, TwoLegRail)
    return rail


def test_it_is_sound() -> None:
    validation = validate_instance(FILE)
    assert validation.problems == ()
    assert validation.findings == ()


def test_it_has_exactly_four_rails(bank: Bank) -> None:
    assert bank.instance == "spec_example"
    assert {rail.name: rail.transfer_type for rail in bank.rails if not rail.aggregating} == {
        "ExternalRailInbound": "ach",
        "ExternalRailOutbound": "wire",
        "SubledgerCharge": "charge",
    }
    assert len(bank.rails) == 4


def test_its_sweep_takes_the_charges_every_evening(bank: Bank) -> None:
    (sweep,) = (rail for rail in bank.rails if rail.aggregating)
    assert sweep.bundles_activity == ("SubledgerCharge",)
    assert sweep.cadence is not None and sweep.cadence.text == "daily-eod"
    assert sweep.name > "ExternalRailOutbound"


def test_charges_are_the_only_leg_rail_of_the_settlement_cycle(bank: Bank) -> None:
    (template,) = bank.transfer_templates
    assert (template.name, template.expected_net_cents) == ("MerchantSettlementCycle", 0)
    assert template.leg_rails == ("SubledgerCharge",)
    charge = two_leg(bank, "SubledgerCharge")
    assert charge.source_roles == ("CustomerSubledger",)
    assert charge.max_unbundled_age_seconds is not None and charge.max_unbundled_age_seconds < 24 * 3600


def test_wires_are_capped_at_5000(bank: Bank) -> None:
    (limit,) = bank.limit_schedules
    assert (limit.transfer_type, limit.cap_cents) == ("wire", 5_000_00)
    (customers,) = bank.account_templates
    assert limit.parent_role == customers.parent_role
    assert two_leg(bank, "ExternalRailOutbound").source_roles == (customers.role,)


def test_three_counterparties_can_send_on_the_inbound_rail(bank: Bank) -> None:
    senders = two_leg(bank, "ExternalRailInbound").source_roles
    accounts = [account for account in bank.accounts if account.role in senders]
    assert len(accounts) == 3
    assert {account.scope for account in accounts} == {"external"}


def test_only_the_inbound_rail_has_a_pending_age_and_it_is_a_day(bank: Bank) -> None:
    ages = {rail.name: rail.max_pending_age_seconds for rail in bank.rails if rail.max_pending_age_seconds}
    assert ages == {"ExternalRailInbound": 24 * 3600}


def test_customers_lie_under_a_ledger_account_and_have_the_default_ids(bank: Bank) -> None:
    (customers,) = bank.account_templates
    assert customers.role == "CustomerSubledger"
    assert Kinds(bank).of_role(customers).name == "customer_dda"
    assert account_patterns(bank) == {"CustomerSubledger": ("cust-{n:03d}", "Customer {n}")}
    assert default_account_counts(bank) == {"CustomerSubledger": 20}
    (ledger,) = (account for account in bank.accounts if account.role == customers.parent_role)
    assert ledger.scope == "internal"


def test_it_declares_no_chains_and_no_expected_balances(bank: Bank) -> None:
    assert bank.chains == ()
    holders = (*bank.accounts, *bank.account_templates)
    assert [holder for holder in holders if holder.expected_eod_balance_cents is not None] == []
