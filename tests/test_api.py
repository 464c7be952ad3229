"""The Python interface takes the smallest bank and every integer type, and refuses the rest in one line."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

import seedbed
from tests.bank.tiny import bank_of, tiny

ANCHOR = date(2030, 1, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": 2**63},
        {"seed": -(2**63) - 1},
        {"window_days": 10**5000},
        {"seed": "42"},
        {"seed": 4.0},
        {"seed": True},
        {"window_days": 9.0},
        {"window_days": "9\n"},
        {"window_days": 0},
        {"accounts": {"Customer": 2.5}},
        {"accounts": {"Customer": None}},
        {"groups": 0},
        {"groups": 1.0},
        {"anchor": "2030-01-01"},
        {"anchor": 0},
        {"anchor": datetime(2030, 1, 1, tzinfo=UTC)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wrong_argument_is_refused_in_one_line(wrong: dict[str, Any]) -> None:
    with pytest.raises(seedbed.InputError) as caught:
        seedbed.generate(bank_of(tiny()), **({"anchor": ANCHOR, "window_days": 3} | wrong))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_every_integer_type_will_do() -> None:
    bank = bank_of(tiny())
    one = seedbed.generate(bank, anchor=ANCHOR, window_days=3, accounts={"Customer": 4}, seed=7)
    same = {"window_days": np.int16(3), "accounts": {"Customer": np.uint8(4)}, "seed": np.int64(7)}
    other = seedbed.generate(bank, anchor=ANCHOR, **same)
    assert one.dataset == other.dataset
    assert one.transactions.equals(other.transactions)


def test_a_bank_without_accounts_has_an_empty_ledger() -> None:
    ledger = seedbed.generate(bank_of({"instance": "bare", "accounts": [], "rails": []}), anchor=ANCHOR)
    assert (ledger.transactions.num_rows, ledger.daily_balances.num_rows, ledger.answer_key.num_rows) == (0, 0, 0)
