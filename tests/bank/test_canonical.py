"""Canonical JSON: one text per bank, which is itself a bank file."""

import json

from hypothesis import HealthCheck, given, settings
from tests.bank.tiny import Data, bank_of, rail, tiny
from tests.strategies import banks, yaml_text

from seedbed.bank.load import canonical_json, parse_instance_text


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(banks())
def test_it_loads_as_the_same_bank(data: Data) -> None:
    bank = parse_instance_text(yaml_text(data))
    text = canonical_json(bank)
    assert parse_instance_text(text) == bank
    assert canonical_json(parse_instance_text(text)) == text


def test_spelling_and_defaults_of_the_file_do_not_show() -> None:
    plain = tiny(rails=[rail("In", "Fed", "Customer", max_pending_age="P1D")])
    other = tiny(
        rails=[rail("In", "(Fed)", ["Customer"], max_pending_age="PT24H", expected_net="0", aggregating="false")],
        calendar="federal_reserve",
        chains=[],
    )
    assert canonical_json(bank_of(plain)) == canonical_json(bank_of(dict(reversed(other.items()))))


def test_money_is_decimal_text_and_durations_are_iso() -> None:
    data = tiny(limit_schedules=[{"parent_role": "Ledger", "transfer_type": "type_out", "cap": "5000"}])
    data["rails"][1]["max_pending_age"] = "PT36H"
    read = json.loads(canonical_json(bank_of(data)))
    assert read["limit_schedules"][0]["cap"] == "5000.00"
    assert read["rails"][1]["max_pending_age"] == "PT36H"
    assert "calendar" not in read
