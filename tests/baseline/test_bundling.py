"""Sweeps under a cap: they carry what the cap allows, and nothing else lowers it."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from tests.bank.tiny import Data, bank_of, rail, sweep, tiny

import seedbed

ANCHOR, CAP_CENTS = date(2030, 1, 1), 4000_00


def capped(**changes: Any) -> Data:
    """Legs of about 1,500.00, and a daily sweep that may debit 4,000.00 a day."""
    data = tiny(
        rails=[rail("Leg", "Fed", "Cash"), sweep("Sweep", "Cash", "Income", "Leg")],
        limit_schedules=[{"parent_role": "Ledger", "transfer_type": "type_sweep", "cap": "4000.00"}],
        baseline={"rails": {"Leg": {"seed_amount": {"median": "1500.00", "sigma": "0.01"}}}},
    )
    data["accounts"].append({"id": "cash", "role": "Cash", "scope": "internal", "parent_role": "Ledger"})
    return data | changes


def swept(data: Data, offset_hours: int = 0) -> tuple[int, Counter[date]]:
    """How many legs are bundled, and what the sweep debits per day of its cap, in cents."""
    rows = seedbed.generate(bank_of(data), anchor=ANCHOR).transactions.to_pylist()
    paid: Counter[date] = Counter()
    for row in rows:
        if row["rail_name"] == "Sweep" and row["amount_money"] < 0:
            paid[(row["posting"] - timedelta(hours=offset_hours)).date()] -= int(row["amount_money"] * 100)
    return len({row["id"] for row in rows if row["rail_name"] == "Leg" and row["bundle_id"]}), paid


def test_a_capped_sweep_carries_two_of_three_legs_that_fit_its_cap() -> None:
    _, paid = swept(capped())
    assert 2900_00 < max(paid.values()) <= CAP_CENTS


def test_unrelated_sweeps_and_offsets_lower_no_cap() -> None:
    others = [rail("Other", "Fed", "Income"), sweep("OtherSweep", "Income", "Fed", "Other")]
    data = capped(role_business_day_offsets={"Income": "5"})
    assert swept(data | {"rails": [*data["rails"], *others]}) == swept(capped())


def test_the_cap_holds_where_the_business_day_of_the_debited_account_is_shifted() -> None:
    for offset in (17, 18, 20):
        data = capped(role_business_day_offsets={"Cash": str(offset)})
        data["baseline"]["rails"]["Leg"]["seed_amount"]["median"] = "700.00"
        legs, paid = swept(data, offset)
        assert legs > 50
        assert max(paid.values()) <= CAP_CENTS


def test_the_cap_holds_where_sweeps_feed_a_sweep() -> None:
    """The legs of a sweep and of its chain child come after the ticks, and share the cap with the blocks'."""
    data = capped(
        rails=[
            rail("Leg", "Fed", "Cash"),
            rail("First", "Fed", "Income"),
            sweep("FirstSweep", "Income", "Cash", "First"),
            rail("Follow", "Fed", "Cash"),
            sweep("Sweep", "Cash", "Income", "Leg", "FirstSweep", "Follow"),
        ],
        chains=[{"parent": "FirstSweep", "child": "Follow", "required": "true"}],
    )
    names = {"Leg": "600.00", "First": "900.00"}
    data["baseline"] = {"rails": {n: {"seed_amount": {"median": m, "sigma": "0.3"}} for n, m in names.items()}}
    legs, paid = swept(data)
    assert legs > 30
    assert 2500_00 < max(paid.values()) <= CAP_CENTS
