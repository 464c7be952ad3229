"""The column contract of the two base tables: one place that the generator, the writers and the digest share.

Money is `decimal128(20, 2)` in Arrow and `DECIMAL(20,2)` in databases, times are naive local seconds. Text columns
may arrive dictionary-encoded (values string, indices int32); writers and the digest treat both forms alike.
"""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

__all__ = [
    "ALL_TABLES",
    "ANSWER_KEY",
    "ANSWER_LABELS",
    "DAILY_BALANCES",
    "ORIGINS",
    "STATUSES",
    "SUPERSEDES",
    "TABLES",
    "TRANSACTIONS",
    "Column",
    "Table",
]

ColumnKind = Literal["bigint", "text", "money", "timestamp", "json"]

STATUSES = ("Pending", "Posted", "Failed")
DIRECTIONS = ("Debit", "Credit")
SCOPES = ("internal", "external")
ORIGINS = ("InternalInitiated", "ExternalForcePosted", "ExternalAggregated")
ANSWER_LABELS = ("exception", "activity", "hard_negative", "incomplete_chain", "structural")
SUPERSEDES = ("Inflight", "BundleAssignment", "TechnicalCorrection")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: its kind, whether it may be null, its enumeration and whether the generator repeats its values."""

    name: str
    kind: ColumnKind
    nullable: bool = False
    values: tuple[str, ...] = ()
    repeats: bool = False


@dataclass(frozen=True)
class Table:
    """One table: `name` without the instance prefix, columns in order, and the indexes the views need.

    The first column is a bigint, the key of the rows; they are made in its order.
    """

    name: str
    columns: tuple[Column, ...]
    indexes: tuple[tuple[str, ...], ...]

    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema of this table; text that repeats is dictionary-encoded."""
        return pa.schema([pa.field(c.name, _arrow_type(c), nullable=c.nullable) for c in self.columns])

    def conformed(self, data: pa.Table) -> pa.Table:
        """The same rows in exactly this schema: text that arrived plain is encoded, and the other way round."""
        schema = self.arrow_schema()
        columns = []
        for field in schema:
            column = data[field.name]
            if pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(column.type):
                column = column.dictionary_encode()
            columns.append(column.cast(field.type))
        return pa.table(columns, schema=schema)


def _arrow_type(column: Column) -> pa.DataType:
    match column.kind:
        case "bigint":
            return pa.int64()
        case "money":
            return pa.decimal128(20, 2)
        case "timestamp":
            return pa.timestamp("s")
        case _:
            return pa.dictionary(pa.int32(), pa.string()) if column.repeats else pa.string()


def _account_columns() -> tuple[Column, ...]:
    return (
        Column(name="account_id", kind="text", repeats=True),
        Column(name="account_name", kind="text", repeats=True),
        Column(name="account_role", kind="text", repeats=True),
        Column(name="account_scope", kind="text", values=SCOPES, repeats=True),
        Column(name="account_parent_role", kind="text", nullable=True, repeats=True),
    )


TRANSACTIONS = Table(
    "transactions",
    (
        Column(name="entry", kind="bigint"),
        Column(name="id", kind="text"),
        *_account_columns(),
        Column(name="amount_money", kind="money"),
        Column(name="amount_direction", kind="text", values=DIRECTIONS, repeats=True),
        Column(name="status", kind="text", values=STATUSES, repeats=True),
        Column(name="posting", kind="timestamp"),
        Column(name="transfer_id", kind="text"),
        Column(name="transfer_type", kind="text", repeats=True),
        Column(name="transfer_completion", kind="timestamp", nullable=True),
        Column(name="transfer_parent_id", kind="text", nullable=True),
        Column(name="rail_name", kind="text", repeats=True),
        Column(name="template_name", kind="text", nullable=True, repeats=True),
        Column(name="bundle_id", kind="text", nullable=True),
        Column(name="supersedes", kind="text", nullable=True, values=SUPERSEDES, repeats=True),
        Column(name="origin", kind="text", values=ORIGINS, repeats=True),
        Column(name="metadata", kind="json", nullable=True),
    ),
    (("id", "entry"), ("account_id", "posting"), ("transfer_id",), ("transfer_parent_id",), ("rail_name", "posting")),
)

DAILY_BALANCES = Table(
    "daily_balances",
    (
        Column(name="entry", kind="bigint"),
        *_account_columns(),
        Column(name="expected_eod_balance", kind="money", nullable=True),
        Column(name="business_day_start", kind="timestamp"),
        Column(name="business_day_end", kind="timestamp"),
        Column(name="money", kind="money"),
        Column(name="limits", kind="json", nullable=True, repeats=True),
        Column(name="supersedes", kind="text", nullable=True, values=SUPERSEDES, repeats=True),
    ),
    (
        ("account_id", "business_day_start", "entry"),
        ("business_day_start",),
        ("account_parent_role", "business_day_start"),
    ),
)

TABLES = (TRANSACTIONS, DAILY_BALANCES)

# What must surface where, one line per item. `item` says what the line names: the `plant` itself (its facts are in
# `detail`), a `row` that it made (table, id or account-day), a `view` row in which it surfaces, or one that it drags
# along (`collateral`; `detail` tells where it would show without the plant too). `label` tells exceptions from
# look-alikes and from what the baseline leaves open.
ANSWER_KEY = Table(
    "answer_key",
    (
        Column(name="line", kind="bigint"),
        Column(name="plant_id", kind="text"),
        Column(name="kind", kind="text", repeats=True),
        Column(name="label", kind="text", values=ANSWER_LABELS, repeats=True),
        Column(name="difficulty", kind="text", repeats=True),
        Column(name="item", kind="text", values=("plant", "row", "view", "collateral"), repeats=True),
        Column(name="place", kind="text", repeats=True),
        Column(name="key", kind="text"),
        Column(name="detail", kind="json", nullable=True),
    ),
    (("place", "key"),),
)

# Every table whose rows are made in parts, in the order in which they are written; the digest seals `TABLES` alone.
ALL_TABLES = (*TABLES, ANSWER_KEY)
