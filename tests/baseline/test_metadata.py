"""Metadata: a key that a leg must carry has a value, whatever its examples are."""

import json
from datetime import date

from tests.bank.tiny import bank_of, rail, tiny

import seedbed


def purposes(**more: object) -> set[str]:
    """The values of the key `purpose` that a rail with one empty example gets."""
    examples = {"purpose": ["", "Rent"]}
    out = rail("Out", "Customer", "Fed", metadata_keys=["purpose"], metadata_value_examples=examples, **more)
    rows = seedbed.generate(bank_of(tiny(rails=[out])), anchor=date(2030, 1, 1), window_days=30).transactions
    return {json.loads(row["metadata"])["purpose"] for row in rows.to_pylist() if row["rail_name"] == "Out"}


def test_a_required_key_has_no_empty_example() -> None:
    assert purposes() == {"", "Rent"}
    assert purposes(posted_requirements=["purpose"]) == {"Rent"}
