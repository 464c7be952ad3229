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


def test_a_required_chain_keeps_its_share_of_parents_where_draws_alone_would_not() -> None:
    """By its draws this seed completes 28 of 36 parents, and 80% of them are 29."""
    rails = [rail("Move", "Fed", "Income"), rail("On", "Income", "Fees")]
    data = tiny(rails=rails, chains=[{"parent": "Move", "child": "On", "required": True}])
    del data["accounts"][1]["expected_eod_balance"]
    rows = seedbed.generate(bank_of(data), anchor=date(2030, 1, 1), window_days=50, seed=181).transactions.to_pylist()
    fired = Counter(row["rail_name"] for row in rows)
    assert fired["Move"] == 2 * 36
    assert fired["On"] >= 0.8 * fired["Move"]


def test_a_variable_leg_that_closes_nothing_passes_on_what_its_transfer_moves() -> None:
    move = rail("Move", "Fed", "Customer", transfer_type="ach_inbound", metadata_keys=["key"])
    del move["expected_net"]
    close = {"name": "Close", "transfer_type": "close", "leg_role": "Fees", "leg_direction": "Variable"}
    template = {"name": "Both", "transfer_type": "both", "expected_net": "0.00", "transfer_key": ["key"]}
    data = tiny(
        rails=[
            move,
            close | {"origin": "InternalInitiated", "metadata_keys": ["key"]},
            rail("On", "Customer", "Fees"),
        ],
        transfer_templates=[template | {"completion": "business_day_end", "leg_rails": ["Move", "Close"]}],
        chains=[{"parent": "Close", "child": "On", "required": True}],
    )
    rows = seedbed.generate(bank_of(data), anchor=date(2030, 1, 1), window_days=30).transactions.to_pylist()
    closed = {row["transfer_id"]: row["amount_money"] for row in rows if row["rail_name"] == "Close"}
    followed = {row["transfer_parent_id"] for row in rows if row["rail_name"] == "On"}
    assert set(closed.values()) == {0}
    assert len(followed & closed.keys()) >= 0.8 * len(closed) > 0
