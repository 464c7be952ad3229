"""The reference bank has every rail kind, every role kind that banks keep, and every feature of the grammar."""

from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from seedbed.bank.kinds import RAIL_KINDS
from seedbed.bank.load import validate_instance
from seedbed.bank.model import Bank, OneLegRail, TwoLegRail
from seedbed.bank.patterns import default_account_counts
from seedbed.program.outline import outline

FILE = str(resources.files("seedbed") / "banks" / "harbor_trust.yaml")


@pytest.fixture(scope="module")
def bank() -> Bank:
    validation = validate_instance(FILE)
    assert validation.bank is not None, validation.problems
    return validation.bank


def test_it_is_sound() -> None:
    validation = validate_instance(FILE)
    assert validation.problems == ()
    assert validation.findings == ()


def test_it_has_every_rail_kind(bank: Bank) -> None:
    kinds = {line.kind for line in outline(bank, date(2030, 1, 1)).rails}
    assert kinds == {kind.label for kind in RAIL_KINDS.values()}


@pytest.mark.parametrize("anchor", [date(2030, 1, 1), date(2029, 11, 14)])
def test_it_makes_about_65_000_rows(bank: Bank, anchor: date) -> None:
    assert outline(bank, anchor).expected_transactions == pytest.approx(65_000, rel=0.05)
    assert default_account_counts(bank) == {
        "CustomerDDA": 20,
        "MerchantDDA": 5,
        "BranchCash": 5,
        "OriginatingCompany": 5,
    }


def test_it_has_six_customer_rails_and_some_are_bundled(bank: Bank) -> None:
    kinds = ("customer inbound", "customer outbound")
    rails = {line.rail for line in outline(bank, date(2030, 1, 1)).rails if line.kind in kinds}
    assert len(rails) == 6
    assert len(rails & {name for rail in bank.rails for name in rail.bundles_activity}) == 3


def test_it_has_legs_of_every_shape(bank: Bank) -> None:
    assert {rail.leg_direction for rail in bank.rails if isinstance(rail, OneLegRail)} == {
        "Debit",
        "Credit",
        "Variable",
    }
    assert {rail.aggregating for rail in bank.rails if isinstance(rail, OneLegRail)} == {True, False}
    assert any(isinstance(rail, TwoLegRail) and rail.source_origin for rail in bank.rails)


def test_its_templates_collect_two_leg_rails_and_close_one_leg_ones(bank: Bank) -> None:
    rails = {rail.name: rail for rail in bank.rails}
    shapes = {
        template.name: {getattr(rails[name], "leg_direction", "two legs") for name in template.leg_rails}
        for template in bank.transfer_templates
    }
    assert {"two legs"} in shapes.values()
    assert {"Debit", "Credit", "Variable"} in shapes.values()
    assert {template.completion.family for template in bank.transfer_templates} == {"business_day_end", "metadata"}


def test_its_chains_are_required_optional_and_exclusive_after_rails_sweeps_and_templates(bank: Bank) -> None:
    templates = {template.name for template in bank.transfer_templates}
    sweeps = {rail.name for rail in bank.rails if rail.aggregating}

    def parent(name: str) -> str:
        return "template" if name in templates else "sweep" if name in sweeps else "rail"

    assert {(parent(chain.parent), chain.required, chain.xor_group is not None) for chain in bank.chains} == {
        ("rail", False, True),
        ("template", True, True),
        ("sweep", True, False),
        ("rail", True, False),
        ("template", False, False),
        ("rail", False, False),
    }


def test_its_sweeps_tick_within_the_day_daily_weekly_and_monthly(bank: Bank) -> None:
    families = {rail.cadence.family for rail in bank.rails if rail.cadence}
    assert families == {"intraday", "daily-eod", "weekly", "monthly-eom"}


def test_its_sweeps_select_by_rail_by_type_and_by_leg_rail_of_a_template(bank: Bank) -> None:
    names, types = {rail.name for rail in bank.rails}, {rail.transfer_type for rail in bank.rails}
    selectors = {selector for rail in bank.rails for selector in rail.bundles_activity}
    assert selectors & names and selectors & types
    assert any("." in selector for selector in selectors)


def test_it_spells_choices_of_roles_both_ways(bank: Bank) -> None:
    text = Path(FILE).read_text(encoding="utf-8")
    assert "source_role: (FederalReserveBank | CorrespondentBank)" in text
    assert "source_role: [BranchCash, VaultCash]" in text
    choices = [rail for rail in bank.rails if isinstance(rail, TwoLegRail) and len(rail.source_roles) == 2]
    assert len(choices) == 2


def test_it_declares_limits_expected_balances_ages_examples_and_a_shifted_day(bank: Bank) -> None:
    assert len(bank.limit_schedules) == 4
    assert len([account for account in bank.accounts if account.expected_eod_balance_cents == 0]) == 3
    assert any(rail.max_pending_age_seconds for rail in bank.rails)
    assert any(rail.max_unbundled_age_seconds for rail in bank.rails)
    assert any(rail.metadata_value_examples for rail in bank.rails)
    assert any(rail.posted_requirements for rail in bank.rails)
    assert bank.role_business_day_offsets == {"CardClearing": 3}
