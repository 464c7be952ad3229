"""Daily-balance rows: one per internal account and business day."""

import json
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from seedbed import money
from seedbed.baseline.block import Setup
from seedbed.baseline.entries import BALANCES, EntryNumbers
from seedbed.baseline.settle import Balances
from seedbed.baseline.text import encoded
from seedbed.ledger.arrow import decimals, int64s, timestamps
from seedbed.ledger.columns import DAILY_BALANCES
from seedbed.program.accounts import BlockAccounts
from seedbed.units import DAY_SECONDS, BlockNumber, Cents, CentsArray, Flags

__all__ = ["balance_table"]


def _limits(setup: Setup) -> Mapping[str, str]:
    """The caps that apply to the accounts under each parent role, as JSON: what is capped, as in keys, to dollars."""
    caps: dict[str, dict[str, Cents]] = {}
    for limit in setup.program.bank.limit_schedules:
        caps.setdefault(limit.parent_role, {})[limit.key] = limit.cap_cents
    return {
        role: "{" + ", ".join(f"{json.dumps(t, ensure_ascii=False)}: {money.format(c)}" for t, c in of.items()) + "}"
        for role, of in caps.items()
    }


def balance_table(
    setup: Setup, numbers: EntryNumbers, block_accounts: BlockAccounts, balances: Balances, number: BlockNumber
) -> pa.Table:
    """The daily balances of the accounts that a block owns (block 0: the shared ones), sorted by entry."""
    days = setup.window.days
    first = block_accounts.shared if number else 0
    owned = np.flatnonzero(block_accounts.internal[first:]) + first
    if not owned.size or not days.size:
        return DAILY_BALANCES.arrow_schema().empty_table()
    account, day = np.tile(owned, days.size), np.repeat(np.arange(days.size), owned.size)
    start = days[day] * DAY_SECONDS + block_accounts.offset_seconds[account]
    entry = numbers.numbers(BALANCES, number, start + DAY_SECONDS, 1)[0]
    order = np.argsort(entry, kind="quicksort")  # distinct: see rows.py
    account, day, start, entry = account[order], day[order], start[order], entry[order]
    classes, account_class = block_accounts.classes, block_accounts.class_index[account]
    expected = np.array([c.expected_cents or 0 for c in classes], dtype=np.int64)[account_class]
    declared = np.array([c.expected_cents is not None for c in classes], dtype=np.bool_)[account_class]
    ids, names = block_accounts.text()
    limits = _limits(setup)
    columns = {
        "entry": int64s(entry),
        "account_id": encoded(ids, account),
        "account_name": encoded(names, account),
        "account_role": encoded([c.role for c in classes], account_class),
        "account_scope": encoded([c.scope for c in classes], account_class),
        "account_parent_role": encoded([c.parent_role for c in classes], account_class),
        "expected_eod_balance": _nullable_decimals(expected, declared),
        "business_day_start": timestamps(start),
        "business_day_end": timestamps(start + DAY_SECONDS),
        "money": decimals(balances.stored[account, day]),
        "limits": encoded([limits.get(c.role) for c in classes], account_class),
        "supersedes": encoded([None], np.zeros(account.size, dtype=np.int64)),
    }
    schema = DAILY_BALANCES.arrow_schema()
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _nullable_decimals(cents: CentsArray, valid: Flags) -> pa.Array:
    whole = decimals(cents)
    mask = pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(whole.type, len(whole), [mask, whole.buffers()[1]])
