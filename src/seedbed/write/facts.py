"""The facts of a dataset that outputs store, with the row counts and digests that follow from all rows.

The facts go into each database as `<instance>_dataset` (one row) and beside files as `dataset.json`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from hashlib import blake2b
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from seedbed import money
from seedbed.bank.load import canonical_json, parse_instance_text
from seedbed.bank.model import Bank
from seedbed.ledger.columns import ALL_TABLES, ANSWER_KEY, TABLES, Column, Table
from seedbed.ledger.dataset import Dataset, Part
from seedbed.ledger.digest import TableDigest, content_digest
from seedbed.write.background import BackgroundCall

__all__ = [
    "ALL_TABLES",
    "DATASET",
    "MANIFEST",
    "STORED",
    "Counts",
    "Sums",
    "Tally",
    "bank_of_manifest",
    "counts_of",
    "dataset_facts",
    "dataset_row",
    "end_of_day",
    "feed_row",
    "generated_as_of",
    "given_facts",
    "is_generated",
    "load_id",
    "manifest",
    "moment_of",
    "row_of_manifest",
]

MANIFEST = "dataset.json"
MANIFEST_FORMAT = "seedbed-dataset-1"

# A feed has only an instance, a bank and an as-of. A generated dataset has all facts, except that those about plants
# are null in a baseline alone.
DATASET = Table(
    "dataset",
    (
        Column(name="instance", kind="text", about="The prefix of every table and view of the bank."),
        Column(name="bank", kind="json", about="The bank, as canonical JSON."),
        Column(name="anchor", kind="text", nullable=True, about="The last day of the window."),
        Column(name="as_of", kind="timestamp", nullable=True, about="The moment up to which ages are counted."),
        Column(name="window_days", kind="bigint", nullable=True, about="Calendar days up to the anchor."),
        Column(name="seed", kind="bigint", nullable=True, about="The base seed. Another seed gives other rows."),
        Column(name="version", kind="text", nullable=True, about="The version of the format of the rows."),
        Column(
            name="accounts",
            kind="json",
            nullable=True,
            about="A JSON object with the number of baseline accounts per template role.",
        ),
        Column(name="scenario", kind="json", nullable=True, about="All plants, as JSON."),
        Column(name="transaction_rows", kind="bigint", nullable=True, about="The number of rows of transactions."),
        Column(name="balance_rows", kind="bigint", nullable=True, about="The number of rows of daily_balances."),
        Column(name="answer_lines", kind="bigint", nullable=True, about="The number of lines of answer_key."),
        Column(name="digest", kind="text", nullable=True, about="The content digest of the two base tables."),
        Column(name="answer_digest", kind="text", nullable=True, about="The content digest of the answer key."),
        Column(name="load_id", kind="text", nullable=True, about="An id of the dataset, the same in every database."),
    ),
    (),
    about="One row: the facts that determine the other tables.",
)


# The tables of every output, in this order: the base tables, which the digest covers, the answer key, the facts.
STORED = (*ALL_TABLES, DATASET)

# (Table, column) of every money column.
MONEY = tuple((table.name, column.name) for table in TABLES for column in table.columns if column.kind == "money")


@dataclass(frozen=True)
class Counts:
    """Rows per unprefixed table name, and the content digests of the base tables and of the answer key."""

    rows: Mapping[str, int]
    digest: str
    answer_digest: str


def counts_of(tables: Mapping[str, TableDigest]) -> Counts:
    """The counts of the base tables and the answer key, given by unprefixed name."""
    return Counts(
        {name: table.rows for name, table in tables.items()},
        content_digest(tables[table.name] for table in TABLES),
        content_digest([tables[ANSWER_KEY.name]]),
    )


@dataclass(frozen=True)
class Sums:
    """Sums over some parts: the digest of each table and the sum of every money column. Sums can be added."""

    tables: Mapping[str, TableDigest] = field(
        default_factory=lambda: {table.name: TableDigest(table) for table in ALL_TABLES}
    )
    cents: Mapping[tuple[str, str], int] = field(default_factory=lambda: dict.fromkeys(MONEY, 0))

    @classmethod
    def of(cls, part: Part) -> "Sums":
        """The sums of one part."""
        tables = part.tables
        cents = {}
        for table, column in MONEY:
            total = pc.sum(tables[table][column]).as_py()
            cents[table, column] = 0 if total is None else money.from_decimal(total)
        return cls({table.name: TableDigest.of(table, tables[table.name]) for table in ALL_TABLES}, cents)

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            {name: digest + other.tables[name] for name, digest in self.tables.items()},
            {column: cents + other.cents[column] for column, cents in self.cents.items()},
        )

    def to_json(self) -> dict[str, Any]:
        """The sums as plain values."""
        return {
            "tables": {name: [digest.rows, *digest.lanes] for name, digest in self.tables.items()},
            "cents": [[*column, cents] for column, cents in self.cents.items()],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Sums":
        """Reads what `to_json` made. Raises `KeyError`, `TypeError` or `ValueError` for any other value."""
        tables = {}
        for table in ALL_TABLES:
            rows, lane0, lane1 = map(int, value["tables"][table.name])
            tables[table.name] = TableDigest(table, rows, (lane0, lane1))
        return cls(tables, {(table, column): int(total) for table, column, total in value["cents"]})

    @property
    def counts(self) -> Counts:
        """The counts of these rows."""
        return counts_of(self.tables)


class Tally:
    """Passes parts on unchanged, and counts and digests them.

    With `beside` a thread does this while the caller works on the part. That is faster if the process has a second
    core to itself. If other processes use the cores, two threads take longer than one.
    """

    def __init__(self, parts: Iterable[Part], beside: bool = True) -> None:
        self._parts = parts
        self._beside = beside
        self.sums = Sums()

    def __iter__(self) -> Iterator[Part]:
        for part in self._parts:
            if not self._beside:
                yield part
                self.sums += Sums.of(part)
                continue
            counting = BackgroundCall(partial(Sums.of, part))
            try:
                yield part
            finally:
                counting.wait()
            self.sums += counting.result()

    @property
    def tables(self) -> Mapping[str, TableDigest]:
        """The digest of each table so far."""
        return self.sums.tables

    @property
    def cents(self) -> Mapping[tuple[str, str], int]:
        """The sum of every money column so far."""
        return self.sums.cents

    @property
    def counts(self) -> Counts:
        """The counts of the rows so far."""
        return self.sums.counts


def end_of_day(day: date) -> datetime:
    """The moment at which a day ends: the next midnight."""
    return datetime.combine(day, time.min) + timedelta(days=1)


def is_generated(facts: Mapping[str, Any]) -> bool:
    """Whether the facts are those of a generated dataset.

    A feed has none of these facts. A dataset that lacks one of them was tampered with; it still counts as generated.
    """
    return any(facts.get(name) is not None for name in ("digest", "answer_digest", "load_id", "anchor", "seed"))


def moment_of(facts: Mapping[str, Any]) -> datetime | None:
    """The as-of of the facts, from whatever type the engine returns."""
    stored = facts.get("as_of")
    return datetime.fromisoformat(stored) if isinstance(stored, str) else stored


def generated_as_of(facts: Mapping[str, Any]) -> datetime:
    """The end of the anchor day of a generated dataset. Raises `ValueError` for an anchor that is no day."""
    return end_of_day(date.fromisoformat(str(facts["anchor"])))


def given_facts(dataset: Dataset) -> dict[str, Any]:
    """The facts that are known before any row is made. Two datasets with the same facts have the same rows.

    `as_of` is the end of the anchor day: the next midnight.
    """
    return {
        "instance": dataset.bank.instance,
        "bank": canonical_json(dataset.bank),
        "anchor": dataset.anchor.isoformat(),
        "as_of": end_of_day(dataset.anchor),
        "window_days": dataset.window_days,
        "seed": dataset.seed,
        "version": dataset.version,
        "accounts": _canonical_json(dict(dataset.accounts)),
        "scenario": None if dataset.scenario is None else _canonical_json(dataset.scenario.to_json()),
    }


def dataset_facts(dataset: Dataset, counts: Counts) -> dict[str, Any]:
    """The facts of a finished dataset, in the order of `DATASET`'s columns."""
    facts = {
        **given_facts(dataset),
        "transaction_rows": counts.rows["transactions"],
        "balance_rows": counts.rows["daily_balances"],
        "answer_lines": counts.rows["answer_key"],
        "digest": counts.digest,
        "answer_digest": counts.answer_digest,
    }
    return {**facts, "load_id": load_id(facts)}


def load_id(facts: Mapping[str, Any]) -> str:
    """The load id, a hash of the other facts. It does not depend on the database or on the time of the load."""
    values = [facts[column.name] for column in DATASET.columns if column.name != "load_id"]
    return blake2b(_canonical_json(values).encode(), digest_size=8).hexdigest()


def dataset_row(dataset: Dataset, counts: Counts) -> pa.Table:
    """The facts as the one row of `DATASET`."""
    facts = {name: [value] for name, value in dataset_facts(dataset, counts).items()}
    return pa.table(facts, schema=DATASET.arrow_schema())


def feed_row(bank: Bank, as_of: datetime | None) -> pa.Table:
    """The one row of `DATASET` of a feed: the bank, and the as-of if it is known."""
    known = {"instance": bank.instance, "bank": canonical_json(bank), "as_of": as_of}
    facts = {column.name: [known.get(column.name)] for column in DATASET.columns}
    return pa.table(facts, schema=DATASET.arrow_schema())


def manifest(dataset: Dataset, counts: Counts) -> str:
    """The facts as the text of `dataset.json`. Bank and accounts are nested; times are ISO text."""
    facts = dataset_facts(dataset, counts)
    facts |= {
        "bank": json.loads(facts["bank"]),
        "accounts": dict(dataset.accounts),
        "scenario": None if dataset.scenario is None else dataset.scenario.to_json(),
        "as_of": facts["as_of"].isoformat(sep=" "),
    }
    return json.dumps({"format": MANIFEST_FORMAT, **facts}, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def bank_of_manifest(text: str) -> Bank:
    """The bank in the text of a `dataset.json`. Raises `ValueError` for any other text."""
    return parse_instance_text(json.dumps(_read_manifest(text)["bank"], ensure_ascii=False), MANIFEST)


def row_of_manifest(text: str) -> pa.Table:
    """The facts in the text of a `dataset.json` as the one row of `DATASET`. Raises `ValueError` as above."""
    facts = _read_manifest(text)
    nested = {
        name: None if facts[name] is None else _canonical_json(facts[name]) for name in ("accounts", "scenario")
    }
    known = facts | nested | {"bank": canonical_json(bank_of_manifest(text)), "as_of": moment_of(facts)}
    return pa.table({column.name: [known[column.name]] for column in DATASET.columns}, schema=DATASET.arrow_schema())


def _read_manifest(text: str) -> dict[str, Any]:
    facts = json.loads(text)
    if not isinstance(facts, dict) or facts.get("format") != MANIFEST_FORMAT:
        raise ValueError(f"{MANIFEST} is not in the format {MANIFEST_FORMAT}")
    return facts


def _canonical_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
