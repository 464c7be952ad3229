"""Chains: which member of an XOR group a parent makes fire."""

from collections import Counter
from datetime import date

from tests.bank.tiny import bank_of, rail, tiny

import seedbed


def test_an_xor_group_picks_among_the_members_that_can_post() -> None:
    group = [
        {"parent": "In", "child": child, "required": True, "xor_group": "one"} for child in ("Fee", "Idle", "Still")
    ]
    # A rail from an account to itself never posts.
    children = [rail("Fee", "Customer", "Fees"), rail("Idle", "Income", "Income"), rail("Still", "Fees", "Fees")]
    data = tiny(rails=[rail("In", "Fed", "Customer", transfer_type="ach_inbound"), *children], chains=group)
    rows = seedbed.generate(bank_of(data), anchor=date(2030, 1, 1), window_days=60).transactions.to_pylist()
    fired = Counter(row["rail_name"] for row in rows)
    assert fired["Fee"] >= 0.9 * fired["In"] > 100
