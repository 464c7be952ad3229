"""The column contract of the two base tables, which the generator, the writers and the digest share.

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

    `about` says in a sentence or two what it holds: the docs' page and the comments in databases have it.
    """

    name: str
    kind: ColumnKind
    nullable: bool = False
    values: tuple[str, ...] = ()
    repeats: bool = False
    about: str = ""


@dataclass(frozen=True)
class Table:
    """One table: `name` without the instance prefix, columns in order, the indexes the views need, and what it is.

    The first column is a bigint, the key of the rows; they are made in its order.
    """

    name: str
    columns: tuple[Column, ...]
    indexes: tuple[tuple[str, ...], ...]
    about: str = ""

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
            return MONEY_TYPE
        case "timestamp":
            return pa.timestamp("s")
        case _:
            return pa.dictionary(pa.int32(), pa.string()) if column.repeats else pa.string()


def _account_columns() -> tuple[Column, ...]:
    return (
        Column(name="account_id", kind="text", repeats=True, about="The account."),
        Column(name="account_name", kind="text", repeats=True, about="Its name, for people."),
        Column(name="account_role", kind="text", repeats=True, about="Its role, as the bank declares it."),
        Column(
            name="account_scope",
            kind="text",
            values=SCOPES,
            repeats=True,
            about="Whether it is an account of the bank (internal) or of somebody else (external).",
        ),
        Column(
            name="account_parent_role",
            kind="text",
            nullable=True,
            repeats=True,
            about="The role of the account whose balance is the sum of its children, if it has one.",
        ),
    )


# Why a row of either table was appended.
_REASON = Column(
    name="supersedes",
    kind="text",
    nullable=True,
    values=SUPERSEDES,
    repeats=True,
    about="Why this row replaces an earlier one of the same key, if it does.",
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
            about="What the leg adds to the account, in the currency of the bank. A Debit is negative.",
        ),
        Column(
            name="amount_direction",
            kind="text",
            values=DIRECTIONS,
            repeats=True,
            about="Debit or Credit. It agrees with the sign of the amount, and zero is a Credit.",
        ),
        Column(
            name="status", kind="text", values=STATUSES, repeats=True, about="Only Posted legs count for balances."
        ),
        Column(name="posting", kind="timestamp", about="When the leg posted, local time in whole seconds."),
        Column(name="transfer_id", kind="text", about="The transfer that the leg is part of."),
        Column(
            name="transfer_type",
            kind="text",
            repeats=True,
            about="The type of the transfer, as the rail declares it. Caps are per type.",
        ),
        Column(
            name="transfer_completion",
            kind="timestamp",
            nullable=True,
            about="By when all legs of the transfer must have posted, if its template says so.",
        ),
        Column(
            name="transfer_parent_id",
            kind="text",
            nullable=True,
            about="The transfer from which this one follows, if a chain made it; of several the one of this leg.",
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
            about="Who caused the leg, the bank or somebody else.",
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
            about="What the account must end each day with, if the bank declares it.",
        ),
        Column(name="business_day_start", kind="timestamp", about="When the business day begins, local time."),
        Column(name="business_day_end", kind="timestamp", about="When it ends, which is 24 hours later."),
        Column(
            name="money", kind="money", about="The stored balance at the end of the day, in the currency of the bank."
        ),
        Column(
            name="limits",
            kind="json",
            nullable=True,
            repeats=True,
            about="A JSON object with the caps that hold for the children of this account.",
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

# What must surface where, one line per item. `item` says what the line names: the `plant` itself (its facts are in
# `detail`), a `row` that it made (table, id or account-day), a `view` row in which it surfaces, or one that it drags
# along (`collateral`; `detail` tells where it would show without the plant too). `label` tells exceptions from
# look-alikes and from what the baseline leaves open.
ANSWER_KEY = Table(
    "answer_key",
    (
        Column(name="line", kind="bigint", about="The number of the line."),
        Column(
            name="plant_id",
            kind="text",
            about="The plant that the line is about, or baseline for what the baseline leaves open.",
        ),
        Column(name="kind", kind="text", repeats=True, about="The kind of the plant."),
        Column(
            name="label",
            kind="text",
            values=ANSWER_LABELS,
            repeats=True,
            about="An exception, ordinary activity, a look-alike, or something that the baseline leaves open.",
        ),
        Column(name="difficulty", kind="text", repeats=True, about="How hard it is to find."),
        Column(
            name="item",
            kind="text",
            values=("plant", "row", "view", "collateral"),
            repeats=True,
            about="What the key names: the plant, a row that it made, a row of a view, or one that it drags along.",
        ),
        Column(name="place", kind="text", repeats=True, about="The table or view in which the key is found."),
        Column(name="key", kind="text", about="The key of the row."),
        Column(name="detail", kind="json", nullable=True, about="A JSON object with facts of the plant."),
    ),
    (("place", "key"),),
    about="What was planted, and where it must surface.",
)

# Every table whose rows are made in parts, in the order in which they are written; the digest seals `TABLES` alone.
ALL_TABLES = (*TABLES, ANSWER_KEY)
