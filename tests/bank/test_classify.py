"""What decides the kind of a role or rail: a key, then the sides, then a word of a name."""

from typing import Any

import pytest
from tests.bank.tiny import bank_of, rail, sweep, tiny

from seedbed.bank.classify import NOTHING, Kinds
from seedbed.bank.findings import structural_findings
from seedbed.bank.kinds import RAIL_KINDS, ROLE_KINDS
from seedbed.bank.model import RailKindName, RoleKindName


def decided(source: str, destination: str, transfer_type: str, **more: Any) -> str:
    bank = bank_of(tiny(rails=[rail("It", source, destination, transfer_type=transfer_type, **more)]))
    return Kinds(bank).rail_decided(bank.rails[0]).kind


@pytest.mark.parametrize(
    ("source", "destination", "transfer_type", "kind"),
    [
        ("Customer", "Fed", "inbound_deposit", "customer_outbound"),
        ("Fed", "Customer", "withdrawal", "customer_inbound"),
        ("Customer", "Fees", "nsf_fee", "customer_fee"),
        ("Fed", "Fees", "nsf_fee", "other"),
        ("Customer", "Fed", "ach_return_nsf", "ach_return"),
        ("Customer", "Fed", "card_purchase", "customer_outbound"),
        ("Fed", "Income", "card_purchase", "card_sale"),
        ("Fed", "Income", "inbound", "customer_inbound"),
        ("Fed", "Income", "unheard_of", "other"),
    ],
)
def test_the_sides_come_before_words(source: str, destination: str, transfer_type: str, kind: str) -> None:
    assert decided(source, destination, transfer_type) == kind


@pytest.mark.parametrize(
    ("cadence", "kind"),
    [
        ("daily-eod", "aggregating_daily"),
        ("intraday-2h", "aggregating_intraday"),
        ("monthly-eom", "aggregating_monthly"),
    ],
)
def test_a_cadence_decides_for_a_sweep(cadence: str, kind: str) -> None:
    bank = bank_of(tiny(rails=[rail("In", "Fed", "Fees"), sweep("Sweep", "Fees", "Income", "In", cadence=cadence)]))
    assert Kinds(bank).of_rail(bank.rails[1]).name == kind


def test_an_account_elsewhere_is_external_whatever_its_name() -> None:
    data = tiny()
    data["accounts"].append({"id": "other", "role": "CustomerOutside", "scope": "external"})
    bank = bank_of(data)
    assert Kinds(bank).of_role(bank.accounts[-1]).name == "external"


def test_a_key_comes_first() -> None:
    assert decided("Customer", "Fed", "nsf_fee", kind="card_sale") == "card_sale"


def test_a_key_makes_a_role_that_of_customers() -> None:
    data = tiny(account_templates=[{"role": "Member", "scope": "internal", "parent_role": "Ledger"}])
    data["rails"] = [rail("In", "Fed", "Member"), rail("Out", "Member", "Fed")]
    bank = bank_of(data)
    assert Kinds(bank).role_decided(bank.account_templates[0]).by == NOTHING
    assert {problem.rule for problem in structural_findings(bank)} >= {"finding-role-kind", "finding-rail-kind"}
    data["account_templates"][0]["kind"] = "customer_dda"
    bank = bank_of(data)
    assert [Kinds(bank).rail_decided(one).kind for one in bank.rails] == ["customer_inbound", "customer_outbound"]
    assert {problem.rule for problem in structural_findings(bank)}.isdisjoint(
        {"finding-role-kind", "finding-rail-kind"}
    )


def test_the_hours_of_a_rail_are_its_own() -> None:
    bank = bank_of(tiny(rails=[rail("In", "Fed", "Customer", hours="06:30-07:00")]))
    kind = Kinds(bank).of_rail(bank.rails[0])
    assert (kind.name, kind.band_start, kind.band_end) == ("customer_inbound", 23_400, 25_200)


def test_the_model_names_every_kind() -> None:
    assert set(RailKindName.__args__) == set(RAIL_KINDS)
    assert set(RoleKindName.__args__) == set(ROLE_KINDS) - {"external"}
