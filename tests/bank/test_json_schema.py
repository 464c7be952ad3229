"""The published JSON Schema: up to date, and it takes and refuses what Seedbed does, as far as a schema can tell."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.bank.tiny import tiny

from seedbed.bank.json_schema import SCHEMA_FILE, bank_schema

BANKS = Path(__file__).parents[2] / "src" / "seedbed"
PUBLISHED = json.loads((BANKS / "starter" / SCHEMA_FILE).read_text(encoding="utf-8"))
TESTS = Path(__file__).parents[1]
VALID = sorted({*BANKS.glob("*/*.yaml"), *TESTS.glob("**/*.yaml")} - set(TESTS.glob("bank/bad/*.yaml")))
# Rules that a schema can tell; the others compare places, or are about the text of the file.
TELLS = (
    *("bad-cadence", "bad-choice", "bad-completion", "bad-count", "bad-duration", "bad-hours", "bad-instance"),
    *("bad-multiplier", "bad-name", "bad-pattern", "bad-roles", "bad-sigma", "bad-text", "bundles-missing"),
    *(
        "bundles-unexpected",
        "cadence-missing",
        "cadence-unexpected",
        "calendar-unknown",
        "item-twice",
        "list-too-short",
    ),
    *("bad-band", "bad-day", "bad-delay", "bad-firings", "bad-parent-count", "bad-weight", "limit-subject"),
    *("spelling-mixed", "missing-key", "not-a-list", "not-a-mapping", "rail-shape", "unknown-key"),
)


def refuses(bank: dict[str, Any]) -> bool:
    return not jsonschema.Draft202012Validator(PUBLISHED).is_valid(bank)


def test_the_published_schema_is_that_of_the_models() -> None:
    assert bank_schema() == PUBLISHED, "run: python tools/bank_schema.py"
    jsonschema.Draft202012Validator.check_schema(PUBLISHED)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_valid_banks_are_taken(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), PUBLISHED)


@pytest.mark.parametrize("rule", TELLS)
def test_the_smallest_bad_banks_are_refused(rule: str) -> None:
    assert refuses(yaml.safe_load((TESTS / "bank" / "bad" / f"{rule}.yaml").read_text(encoding="utf-8")))


def test_a_tiny_bank_is_taken() -> None:
    assert not refuses(tiny())


def test_the_newer_spelling_is_taken() -> None:
    rails = [
        {
            "name": name,
            "source_role": "Fed",
            "destination_role": "Customer",
            "expected_net": 0,
            "origin": "InternalInitiated",
        }
        for name in ("In", "On", "Back")
    ]
    rails[0] |= {"amount": 35, "firings_typical_per_period": [3, 9], "hours": "06:00-24:00", "day_of_month": "last"}
    child = {"name": "Back", "fan_in": True, "expected_parent_count": 3}
    chains = [{"parent": "In", "children": ["On", child], "delay": ["P1D", "P2D"]}]
    limits = [{"parent_role": "Ledger", "rail": "In", "cap": 5, "direction": "Inbound"}]
    bank = tiny(rails=rails, chains=chains, limit_schedules=limits)
    del bank["instance"]
    assert not refuses(bank)


@pytest.mark.parametrize(
    "change",
    [
        {"instance": "No Name"},
        {"instance": None},
        {"rails": None},
        {"speed": 1},
        {"accounts": [{"id": "gl", "role": "Ledger", "scope": "inside"}]},
        {"accounts": [{"id": "gl", "scope": "internal", "expected_eod_balance": "1,00"}]},
        {"rails": [{"name": "In", "transfer_type": "in", "source_role": "Fed"}]},
        {"rails": [{"name": "In", "transfer_type": "in", "leg_role": "Fed", "leg_direction": "Up"}]},
        {"limit_schedules": [{"parent_role": "Ledger", "transfer_type": "in", "cap": 0}]},
        {"chains": [{"parent": "In", "child": "Out", "required": "perhaps"}]},
        {"role_business_day_offsets": {"Ledger": 24}},
        {"baseline": {"rails": {"In": {"seed_amount": {"median": 1, "sigma": 5}}}}},
    ],
    ids=json.dumps,
)
def test_mistakes_are_refused(change: dict[str, Any]) -> None:
    assert refuses(tiny() | change)
