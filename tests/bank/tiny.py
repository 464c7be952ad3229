"""A tiny bank to vary: as a bank file has it, in Python."""

import json
from typing import Any

from seedbed.bank.load import parse_instance_text
from seedbed.bank.model import Bank

Data = dict[str, Any]


def rail(name: str, source: str, destination: str, **more: Any) -> Data:
    """A two-leg rail with a transfer type of its own."""
    return {
        "name": name,
        "transfer_type": f"type_{name.lower()}",
        "source_role": source,
        "destination_role": destination,
        "origin": "InternalInitiated",
        "expected_net": "0.00",
        **more,
    }


def sweep(name: str, source: str, destination: str, *bundles: str, **more: Any) -> Data:
    """An aggregating two-leg rail."""
    both = {"aggregating": "true", "cadence": "daily-eod", "bundles_activity": list(bundles)}
    return rail(name, source, destination, **both | more)


def tiny(**changes: Any) -> Data:
    """Customers under a ledger account, two accounts for fees, a counterparty, money in and money out."""
    data: Data = {
        "instance": "tiny",
        "accounts": [
            {"id": "gl", "role": "Ledger", "scope": "internal"},
            {"id": "fees", "role": "Fees", "scope": "internal", "expected_eod_balance": "0.00"},
            {"id": "income", "role": "Income", "scope": "internal"},
            {"id": "fed", "role": "Fed", "scope": "external"},
        ],
        "account_templates": [{"role": "Customer", "scope": "internal", "parent_role": "Ledger"}],
        "rails": [rail("In", "Fed", "Customer"), rail("Out", "Customer", "Fed")],
    }
    return data | changes


def bank_of(data: Data) -> Bank:
    """The bank: JSON is YAML."""
    return parse_instance_text(json.dumps(data, ensure_ascii=False), "tiny.yaml")
