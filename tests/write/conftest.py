"""A tiny hand-made ledger with hostile names, and the engines that read what the writers wrote."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from seedbed.bank.model import Bank
from seedbed.ledger.columns import ALL_TABLES, ANSWER_KEY, DAILY_BALANCES, TABLES, TRANSACTIONS, Table
from seedbed.ledger.dataset import Dataset, Part
from seedbed.ledger.digest import TableDigest, content_digest

# Every one of these has broken an engine, a client or a spreadsheet somewhere.
HOSTILE = (
    "'; drop table x; --",
    "\\'); drop table victim; -- ",
    "a trailing backslash\\",
    "Marks & Spencer",
    ":name",
    "$1",
    "%s",
    "?",
    "😀",
    "=cmd|'/C calc'!A0",
    "+1",
    "@SUM",
    "</script><script>",
    "<img onerror>",
    "\\.",
    "\\N",
    "NULL",
    "",
    " padded ",
    'a "quote", a comma',
    "Zoë",
    "Zoe\u0308",
    "{n.__init__}",
    "a\tb\nc\r\\.\nd",
)
NOON = datetime(2029, 12, 31, 12)  # noqa: DTZ001 - the ledger's times are naive
DAY = NOON.replace(hour=0)


def _transactions(entries: range) -> pa.Table:
    rows = []
    for entry in entries:
        name = HOSTILE[entry % len(HOSTILE)]
        cents = (entry - 7) * 12_345
        rows.append(
            {
                "entry": entry * 10_000_000_000,
                "id": f"leg-{entry}-{name}",
                "account_id": f"account {name}",
                "account_name": name,
                "account_role": "Customer",
                "account_scope": ("internal", "external")[entry % 2],
                "account_parent_role": None if entry % 3 else "Parent",
                "amount_money": Decimal(cents).scaleb(-2),
                "amount_direction": "Debit" if cents < 0 else "Credit",
                "status": ("Pending", "Posted", "Failed")[entry % 3],
                "posting": NOON + timedelta(seconds=entry),
                "transfer_id": f"transfer-{entry}",
                "transfer_type": "ach",
                "transfer_completion": None if entry % 2 else NOON,
                "transfer_parent_id": None if entry % 2 else name,
                "rail_name": name or "Rail",
                "template_name": None if entry % 4 else name,
                "bundle_id": "" if entry % 5 == 0 else None,
                "supersedes": None if entry % 6 else "BundleAssignment",
                "origin": "InternalInitiated",
                "metadata": None if entry % 7 == 0 else json.dumps({name: [name]}, ensure_ascii=entry % 2 == 0),
            }
        )
    return pa.Table.from_pylist(rows, schema=TRANSACTIONS.arrow_schema())


def _balances(entries: range) -> pa.Table:
    rows = [
        {
            "entry": entry,
            "account_id": HOSTILE[entry % len(HOSTILE)],
            "account_name": HOSTILE[-1 - entry % len(HOSTILE)],
            "account_role": "Customer",
            "account_scope": "internal",
            "account_parent_role": "Parent" if entry % 2 else None,
            "expected_eod_balance": Decimal("0.00") if entry % 3 == 0 else None,
            "business_day_start": DAY + timedelta(days=entry),
            "business_day_end": DAY + timedelta(days=entry + 1),
            "money": Decimal(9_007_199_254 * entry + entry).scaleb(-2),
            "limits": '{"wire":"5000.00"}' if entry % 2 else None,
            "supersedes": None,
        }
        for entry in entries
    ]
    return pa.Table.from_pylist(rows, schema=DAILY_BALANCES.arrow_schema())


def _answer_key(lines: range) -> pa.Table:
    rows = [
        {
            "line": line,
            "plant_id": f"drift-{line:03d}",
            "kind": "drift",
            "label": "exception",
            "difficulty": "medium",
            "item": ("plant", "row", "view", "collateral")[line % 4],
            "place": "drift" if line % 2 else "",
            "key": HOSTILE[line % len(HOSTILE)],
            "detail": json.dumps({"name": HOSTILE[line % len(HOSTILE)]}) if line % 4 == 0 else None,
        }
        for line in lines
    ]
    return pa.Table.from_pylist(rows, schema=ANSWER_KEY.arrow_schema())


@pytest.fixture(scope="session")
def parts() -> tuple[Part, ...]:
    """Two parts: together every hostile name, nulls and empty texts, both signs and zero."""
    return (
        Part(
            {
                "transactions": _transactions(range(30)),
                "daily_balances": _balances(range(12)),
                "answer_key": _answer_key(range(5)),
            }
        ),
        Part(
            {
                "transactions": _transactions(range(30, 47)),
                "daily_balances": _balances(range(12, 30)),
                "answer_key": _answer_key(range(5, 9)),
            }
        ),
    )


@pytest.fixture(scope="session")
def regroup() -> Callable[[Iterable[Part], int], list[Part]]:
    """The same rows in parts of another size."""

    def cut(parts: Iterable[Part], rows: int) -> list[Part]:
        wholes = [pa.concat_tables(tables) for tables in zip(*(part.tables.values() for part in parts), strict=True)]
        longest = max(whole.num_rows for whole in wholes)
        return [
            Part({table.name: whole.slice(start, rows) for table, whole in zip(ALL_TABLES, wholes, strict=True)})
            for start in range(0, longest, rows)
        ]

    return cut


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """The facts of the hand-made ledger, the bank's description as hostile as the names."""
    bank = Bank.model_construct(instance="demo", accounts=(), rails=(), description="".join(HOSTILE[:-1]))
    return Dataset(bank=bank, anchor=date(2030, 1, 1), window_days=90, seed=42, version="1", accounts={})


@pytest.fixture(scope="session")
def digest_of_rows() -> Callable[[dict[str, Sequence[Sequence[Any]]]], str]:
    """The content digest of rows as a database driver returns them: no code shared with the writers."""

    def arrow(table: Table, rows: Sequence[Sequence[Any]]) -> pa.Table:
        arrays = []
        for position, column in enumerate(table.columns):
            values = [row[position] for row in rows]
            if column.kind == "money":
                arrays.append(pa.array([None if v is None else round(v * 100) for v in values], pa.int64()))
            elif column.kind == "timestamp":
                texts = [None if v is None else str(v) for v in values]
                arrays.append(pa.array(texts, pa.string()).cast(pa.timestamp("s")))
            else:
                arrays.append(pa.array(values, pa.int64() if column.kind == "bigint" else pa.string()))
        return pa.table(arrays, names=[column.name for column in table.columns])

    def digest(rows: dict[str, Sequence[Sequence[Any]]]) -> str:
        return content_digest(TableDigest.of(table, arrow(table, rows[table.name])) for table in TABLES)

    return digest
