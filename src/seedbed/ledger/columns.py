"""The column contract of the two base tables: one place that the generator, the writers and the digest share.

Money is `decimal128(20, 2)` in Arrow and `DECIMAL(20,2)` in databases, times are naive local seconds. Text columns
may arrive dictionary-encoded (values string, indices int32); writers and the digest treat both forms alike.
"""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

__all__ = [
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


@dataclass(frozen=True)
class Column:
    """One column: its kind, whether it may be null, its enumeration and whether the generator repeats its values."""

    name: str
    kind: ColumnKind
    nullable: bool = False
    values: tuple[str, ...] = ()
    repeats: bool = False


@dataclass(frozen=True)
class Table:
    """One base table: `name` without the instance prefix, columns in order, and the indexes the views need."""

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
        Column("account_id", "text", repeats=True),
        Column("account_name", "text", repeats=True),
        Column("account_role", "text", repeats=True),
        Column("account_scope", "text", values=SCOPES, repeats=True),
        Column("account_parent_role", "text", nullable=True, repeats=True),
    )


TRANSACTIONS = Table(
    "transactions",
    (
        Column("entry", "bigint"),
        Column("id", "text"),
        *_account_columns(),
        Column("amount_money", "money"),
        Column("amount_direction", "text", values=DIRECTIONS, repeats=True),
        Column("status", "text", values=STATUSES, repeats=True),
        Column("posting", "timestamp"),
        Column("transfer_id", "text"),
        Column("transfer_type", "text", repeats=True),
        Column("transfer_completion", "timestamp", nullable=True),
        Column("transfer_parent_id", "text", nullable=True),
        Column("rail_name", "text", repeats=True),
        Column("template_name", "text", nullable=True, repeats=True),
        Column("bundle_id", "text", nullable=True),
        Column("supersedes", "text", nullable=True, values=SUPERSEDES, repeats=True),
        Column("origin", "text", values=ORIGINS, repeats=True),
        Column("metadata", "json", nullable=True),
    ),
    (("id", "entry"), ("account_id", "posting"), ("transfer_id",), ("transfer_parent_id",), ("rail_name", "posting")),
)

DAILY_BALANCES = Table(
    "daily_balances",
    (
        Column("entry", "bigint"),
        *_account_columns(),
        Column("expected_eod_balance", "money", nullable=True),
        Column("business_day_start", "timestamp"),
        Column("business_day_end", "timestamp"),
        Column("money", "money"),
        Column("limits", "json", nullable=True, repeats=True),
        Column("supersedes", "text", nullable=True, values=SUPERSEDES, repeats=True),
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
        Column("line", "bigint"),
        Column("plant_id", "text"),
        Column("kind", "text", repeats=True),
        Column("label", "text", values=ANSWER_LABELS, repeats=True),
        Column("difficulty", "text", repeats=True),
        Column("item", "text", values=("plant", "row", "view", "collateral"), repeats=True),
        Column("place", "text", repeats=True),
        Column("key", "text"),
        Column("detail", "json", nullable=True),
    ),
    (("place", "key"),),
)
