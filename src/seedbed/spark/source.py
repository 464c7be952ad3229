"""The data source `seedbed`: options in, one partition per group of blocks, Arrow batches out.

`load()` reads the bank on the driver and settles what all blocks share. Only the facts and the shares of the dataset
travel to the workers, so only the driver needs the bank file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.types import (
    BinaryType,
    DataType,
    DecimalType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
)

from seedbed.api import dataset_of, today
from seedbed.assembly.foundation import Foundation, Shares, neighbours
from seedbed.assembly.parts import first_parts, later_parts, settle_shared
from seedbed.bank.bundled import the_bank
from seedbed.baseline.sweeps import Sweeps
from seedbed.cli.options import planted
from seedbed.errors import InputError
from seedbed.ledger.columns import ALL_TABLES, MONEY_TYPE, Table
from seedbed.ledger.dataset import Dataset, Part
from seedbed.spark.options import FIRST_PASS, ReadOptions, read_options
from seedbed.spark.shares import from_bytes, from_option, seal_of, to_bytes, to_option

__all__ = ["SeedbedSource", "first_pass"]

LEDGER_TABLES = {table.name: table for table in ALL_TABLES}
# Column kind → Spark's type, and the Arrow type that Spark expects for it.
KINDS: dict[str, tuple[DataType, pa.DataType]] = {
    "bigint": (LongType(), pa.int64()),
    "text": (StringType(), pa.string()),
    "json": (StringType(), pa.string()),
    "money": (DecimalType(MONEY_TYPE.precision, MONEY_TYPE.scale), MONEY_TYPE),
    "timestamp": (TimestampNTZType(), pa.timestamp("us")),
}
# Large enough to make the overhead of a batch small. The decoded text of a batch takes a few megabytes.
BATCH_ROWS = 16_384
# The driver adds up one result per group. A result takes some tens of kilobytes at 90 days, because it is compressed.
FIRST_PASS_GROUPS = 256

FIRST_PASS_SCHEMA = StructType(
    [StructField("seal", StringType(), nullable=False), StructField("shares", BinaryType(), nullable=False)]
)


@dataclass(frozen=True)
class Blocks(InputPartition):
    """A group of neighbouring blocks."""

    numbers: range


@dataclass(frozen=True)
class ReadPlan:
    """The settled state of a read: the dataset with its plants, when each tick posts, and the shares of all blocks.

    Spark sends it with every task. The shares are compressed, because only block 0 needs them.
    """

    dataset: Dataset
    blocks: int
    ticks: Sweeps | None = None
    shares: bytes = b""


class SeedbedSource(DataSource):
    """`spark.read.format("seedbed")`: a table of a generated ledger. The options are those of `data apply`."""

    @classmethod
    def name(cls) -> str:
        """The format's name."""
        return "seedbed"

    def schema(self) -> StructType:
        """The table's columns. The driver does all of its work here, once per `load()`.

        Raises InputError for wrong options, InstanceError for a bank with problems.
        """
        self.asked = read_options(self.options)
        self.plan = plan_of(self.asked)
        if self.asked.table == FIRST_PASS:
            return FIRST_PASS_SCHEMA
        table = LEDGER_TABLES[self.asked.table]
        return StructType([StructField(c.name, KINDS[c.kind][0], c.nullable) for c in table.columns])

    def reader(self, schema: StructType) -> DataSourceReader:
        """The reader of the planned table. Raises InputError if the user gave a schema."""
        if not hasattr(self, "plan"):
            raise InputError("remove schema(): the columns of the tables are fixed")
        if self.asked.table == FIRST_PASS:
            return SharesReader(self.plan, self.asked.partitions)
        return LedgerReader(self.plan, self.asked.partitions, LEDGER_TABLES[self.asked.table])


def plan_of(asked: ReadOptions) -> ReadPlan:
    """Reads the bank, takes or makes the first pass, and plants. Raises InputError for options that do not fit."""
    dataset = dataset_of(the_bank(asked.instance), asked.anchor, asked.window_days, asked.accounts, asked.seed)
    foundation = Foundation(dataset)
    if asked.table == FIRST_PASS:
        return ReadPlan(dataset, foundation.blocks)
    if asked.first_pass is not None:
        foundation.adopt(from_option(asked.first_pass, dataset))
    if not asked.baseline_only:
        foundation = planted(foundation, asked.planting)
    return ReadPlan(
        foundation.dataset, foundation.blocks, settle_shared(foundation).ticks, to_bytes(foundation.shares())
    )


class SharesReader(DataSourceReader):
    """The first pass: a row per group of blocks."""

    def __init__(self, plan: ReadPlan, partitions: int | None) -> None:
        self.plan = plan
        self.groups = partitions or FIRST_PASS_GROUPS

    def partitions(self) -> Sequence[InputPartition]:
        """Groups of neighbouring blocks."""
        return [Blocks(numbers) for numbers in neighbours(self.plan.blocks, self.groups)]

    def read(self, partition: InputPartition) -> Iterator[tuple[Any, ...]]:
        """The shares of a group."""
        assert isinstance(partition, Blocks)
        yield seal_of(self.plan.dataset), to_bytes(Foundation(self.plan.dataset).shares_of(partition.numbers))


class LedgerReader(DataSourceReader):
    """The second pass: the rows of one table."""

    def __init__(self, plan: ReadPlan, partitions: int | None, table: Table) -> None:
        self.plan = plan
        self.groups = partitions or plan.blocks
        self.table = table

    def partitions(self) -> Sequence[InputPartition]:
        """Groups of neighbouring blocks, one block each unless the option `partitions` says how many there are."""
        return [Blocks(numbers) for numbers in neighbours(self.plan.blocks, self.groups)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """The rows of a group, block after block."""
        assert isinstance(partition, Blocks)
        for part in self._parts(partition.numbers):
            yield from batches_of(self.table, part[self.table.name])

    def _parts(self, numbers: range) -> Iterator[Part]:
        foundation = Foundation(self.plan.dataset)
        assert self.plan.ticks is not None
        if numbers.start == 0:
            foundation.adopt(from_bytes(self.plan.shares))
            yield from first_parts(foundation, settle_shared(foundation))
        yield from later_parts(foundation, self.plan.ticks, range(max(numbers.start, 1), numbers.stop))


def batches_of(table: Table, rows: pa.Table) -> Iterator[pa.RecordBatch]:
    """Rows in batches for Spark: text decoded from its dictionary, times in microseconds."""
    schema = pa.schema([pa.field(c.name, KINDS[c.kind][1], c.nullable) for c in table.columns])
    for batch in rows.to_batches(max_chunksize=BATCH_ROWS):
        yield pa.record_batch([batch[f.name].cast(f.type) for f in schema], schema=schema)


def first_pass(spark: SparkSession, **options: object) -> dict[str, str]:
    """Makes the first pass as a Spark job. Returns the options with its result, for any number of reads.

    `options` are those of a read, without `table`. The returned options have the anchor, so that later reads use the
    same day. If you do not call this function, `load()` makes the first pass on the driver alone. Raises the errors
    of a read.
    """
    texts = {name: str(value) for name, value in options.items()}
    if not any(name.lower() == "anchor" for name in texts):
        texts["anchor"] = today().isoformat()
    spark.dataSource.register(SeedbedSource)
    rows = spark.read.format(SeedbedSource.name()).options(**texts).option("table", FIRST_PASS).load().collect()
    total = reduce(Shares.plus, (from_bytes(bytes(row.shares)) for row in rows))
    return {**texts, "first_pass": to_option(rows[0].seal, total)}
