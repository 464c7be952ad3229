"""The column contract of the tables, which the generator, the writers and the digest share.

Money is `decimal128(20, 2)` in Arrow and `DECIMAL(20,2)` in databases, times are naive local seconds. Text columns
may arrive dictionary-encoded (values string, indices int32); writers and the digest treat both forms alike.
"""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from seedbed.money import EXPONENT

__all__ = [
    "ALL_TABLES",
    "ANSWER_KEY",
    "ANSWER_LABELS",
    "DAILY_BALANCES",
    "MONEY_TYPE",
    "ORIGINS",
    "STATUSES",
    "SUPERSEDES",
    "TABLES",
    "TRANSACTIONS",
    "Column",
    "Table",
]

MONEY_TYPE = pa.decimal128(20, EXPONENT)
ColumnKind = Literal["bigint", "text", "money", "timestamp", "json"]

STATUSES = ("Pending", "Posted", "Failed")
DIRECTIONS = ("Debit", "Credit")
SCOPES = ("internal", "external")
ORIGINS = ("InternalInitiated", "ExternalForcePosted", "ExternalAggregated")
ANSWER_LABELS = ("exception", "activity", "hard_negative", "incomplete_chain", "structural")
SUPERSEDES = ("Inflight", "BundleAssignment", "TechnicalCorrection")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: its kind, whether it may be null, its enumeration and whether the generator repeats its values.

    `about` explains the column in a sentence or two, for the docs and for comments in databases.
    """

    name: str
    kind: ColumnKind
    nullable: bool = False
    values: tuple[str, ...] = ()
    repeats: bool = False
    about: str = ""


@dataclass(frozen=True)
class Table:
    """One table: `name` without the instance prefix, columns in order, the indexes that the views need.

    The first column is a bigint and the primary key. Rows are made in its order.
    """

    name: str
    columns: tuple[Column, ...]
    indexes: tuple[tuple[str, ...], ...]
    about: str = ""

    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema of this table; text that repeats is dictionary-encoded."""
        return pa.schema([pa.field(c.name, _arrow_type(c), nullable=c.nullable) for c in self.columns])

    def conformed(self, data: pa.Table) -> pa.Table:
        """The same rows in exactly this schema. Text is dictionary-encoded, or decoded, as the schema asks."""
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
            return MONEY_TYPE
        case "timestamp":
            return pa.timestamp("s")
        case _:
            return pa.dictionary(pa.int32(), pa.string()) if column.repeats else pa.string()


def _account_columns() -> tuple[Column, ...]:
    return (
        Column(name="account_id", kind="text", repeats=True, about="The account."),
        Column(name="account_name", kind="text", repeats=True, about="The name of the account, for people."),
        Column(name="account_role", kind="text", repeats=True, about="The role of the account in the bank file."),
        Column(
            name="account_scope",
            kind="text",
            values=SCOPES,
            repeats=True,
            about="internal: an account of this bank. external: an account elsewhere.",
        ),
        Column(
            name="account_parent_role",
            kind="text",
            nullable=True,
            repeats=True,
            about="The role of the parent account, if any. Its balance includes those of its children.",
        ),
    )


# Why a row of either table was appended.
_REASON = Column(
    name="supersedes",
    kind="text",
    nullable=True,
    values=SUPERSEDES,
    repeats=True,
    about="The reason why this row replaces an earlier row of the same key. Null if it replaces none.",
)

TRANSACTIONS = Table(
    "transactions",
    (
        Column(
            name="entry",
            kind="bigint",
            about="Rises with the time of appending. Of one key the row with the highest entry is current.",
        ),
        Column(name="id", kind="text", about="The leg. Later rows of the same leg replace earlier ones."),
        *_account_columns(),
        Column(
            name="amount_money",
            kind="money",
            about="The amount that the leg adds to the account, in the currency of the bank. A Debit is negative.",
        ),
        Column(
            name="amount_direction",
            kind="text",
            values=DIRECTIONS,
            repeats=True,
            about="Debit or Credit. It agrees with the sign of the amount. Zero is a Credit.",
        ),
        Column(
            name="status", kind="text", values=STATUSES, repeats=True, about="Only Posted legs count for balances."
        ),
        Column(name="posting", kind="timestamp", about="The local time at which the leg posted, in whole seconds."),
        Column(name="transfer_id", kind="text", about="The transfer to which the leg belongs."),
        Column(
            name="transfer_type",
            kind="text",
            repeats=True,
            about="The transfer type that the rail declares. Caps apply per type.",
        ),
        Column(
            name="transfer_completion",
            kind="timestamp",
            nullable=True,
            about="The time by which all legs of the transfer must have posted, if its template sets one.",
        ),
        Column(
            name="transfer_parent_id",
            kind="text",
            nullable=True,
            about="The transfer that this one follows, if a chain made it. A leg of a fan-in child names its own.",
        ),
        Column(name="rail_name", kind="text", repeats=True, about="The rail that made the leg."),
        Column(
            name="template_name",
            kind="text",
            nullable=True,
            repeats=True,
            about="The template of the transfer, if it has one.",
        ),
        Column(name="bundle_id", kind="text", nullable=True, about="The sweep that took the leg, once one has."),
        _REASON,
        Column(
            name="origin",
            kind="text",
            values=ORIGINS,
            repeats=True,
            about="Who initiated the leg: the bank or an outside party.",
        ),
        Column(
            name="metadata",
            kind="json",
            nullable=True,
            about="A JSON object with the metadata keys that the rail declares.",
        ),
    ),
    (("id", "entry"), ("account_id", "posting"), ("transfer_id",), ("transfer_parent_id",), ("rail_name", "posting")),
    about="One row per leg of a transfer, append-only.",
)

DAILY_BALANCES = Table(
    "daily_balances",
    (
        Column(
            name="entry",
            kind="bigint",
            about="Rises with the time of appending. Of one key the row with the highest entry is current.",
        ),
        *_account_columns(),
        Column(
            name="expected_eod_balance",
            kind="money",
            nullable=True,
            about="The balance that the account must have at the end of each day, if the bank declares one.",
        ),
        Column(name="business_day_start", kind="timestamp", about="The local time at which the business day begins."),
        Column(name="business_day_end", kind="timestamp", about="The time at which it ends, 24 hours later."),
        Column(
            name="money", kind="money", about="The stored balance at the end of the day, in the currency of the bank."
        ),
        Column(
            name="limits",
            kind="json",
            nullable=True,
            repeats=True,
            about="A JSON object with the caps that apply to the children of this account.",
        ),
        _REASON,
    ),
    (
        ("account_id", "business_day_start", "entry"),
        ("business_day_start",),
        ("account_parent_role", "business_day_start"),
    ),
    about="One row per internal account and business day, append-only.",
)

TABLES = (TRANSACTIONS, DAILY_BALANCES)

# One line per item that was planted or must surface. `item` is the sort of the item:
#   `plant`: the plant itself; its facts are in `detail`.
#   `row`: a row of a base table that the plant made (an id or an account-day).
#   `view`: a row of a view in which the plant must surface.
#   `collateral`: a row of a view that the plant causes as a side effect; `detail` tells if it also shows without it.
# `label` separates exceptions, activity, look-alikes, and exceptions that the baseline leaves open.
ANSWER_KEY = Table(
    "answer_key",
    (
        Column(name="line", kind="bigint", about="The number of the line."),
        Column(
            name="plant_id",
            kind="text",
            about="The plant that the line is about, or baseline for an exception that the baseline leaves open.",
        ),
        Column(name="kind", kind="text", repeats=True, about="The kind of the plant."),
        Column(
            name="label",
            kind="text",
            values=ANSWER_LABELS,
            repeats=True,
            about="An exception, ordinary activity, a look-alike, or an exception that the baseline leaves open.",
        ),
        Column(name="difficulty", kind="text", repeats=True, about="How hard it is to find."),
        Column(
            name="item",
            kind="text",
            values=("plant", "row", "view", "collateral"),
            repeats=True,
            about="What the key names: the plant, a row that it made, a row of a view, or collateral in a view.",
        ),
        Column(name="place", kind="text", repeats=True, about="The table or view that has the key."),
        Column(name="key", kind="text", about="The key of the row."),
        Column(name="detail", kind="json", nullable=True, about="A JSON object with facts about the plant."),
    ),
    (("place", "key"),),
    about="The planted exceptions and activity, and the rows in which they must surface.",
)

# Every table whose rows are made in parts, in the order in which they are written. The digest covers `TABLES` alone.
ALL_TABLES = (*TABLES, ANSWER_KEY)
