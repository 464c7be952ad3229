"""Metadata: a key that a leg must carry has a value, whatever its examples are."""

import json
from datetime import date, timedelta
from typing import Any

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


def dated(completion: str, *transfer_key: str, **more: object) -> list[dict[str, Any]]:
    """The legs of a template whose only leg rail has the keys `day` and `due`, with metadata as an object."""
    out = rail("Out", "Customer", "Fed", metadata_keys=["day", "due"], **more)
    del out["expected_net"]
    shape = {"name": "Batch", "transfer_type": "batch", "expected_net": "0.00", "leg_rails": ["Out"]}
    template = {**shape, "transfer_key": list(transfer_key), "completion": completion}
    data = tiny(rails=[out], transfer_templates=[template])
    rows = seedbed.generate(bank_of(data), anchor=date(2030, 1, 1), window_days=30).transactions.to_pylist()
    return [row | {"metadata": json.loads(row["metadata"])} for row in rows if row["rail_name"] == "Out"]


def test_examples_come_before_what_the_words_of_a_key_say() -> None:
    assert {
        leg["metadata"]["day"] for leg in dated("month_end", metadata_value_examples={"day": ["Mon", "Tue"]})
    } == {
        "Mon",
        "Tue",
    }


def test_a_completion_in_a_transfer_key_stays_a_date() -> None:
    legs = dated("metadata.due", "day", "due", metadata_value_examples={"day": ["Mon"]})
    assert {leg["metadata"]["due"] for leg in legs} == {
        str(leg["transfer_completion"].date() - timedelta(days=1)) for leg in legs
    }
    assert len({leg["metadata"]["day"] for leg in legs}) == len({leg["transfer_id"] for leg in legs}) > 20


def test_a_completion_by_a_key_that_no_leg_has_is_none() -> None:
    assert {leg["transfer_completion"] for leg in dated("metadata.when")} == {None}
    assert None not in {leg["transfer_completion"] for leg in dated("metadata.due")}
