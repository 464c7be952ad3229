"""A generated ledger: tables in parts, and the facts that determine them.

A part holds some of the rows of one block. Parts have one canonical order, so a writer that takes them one after
another writes the same bytes for any number of workers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from seedbed.bank.model import Bank
from seedbed.ledger.columns import ALL_TABLES, ANSWER_KEY, DAILY_BALANCES, TRANSACTIONS, Table
from seedbed.notebook import html_table

if TYPE_CHECKING:
    from seedbed.scenario.plants import ScenarioPlant

__all__ = ["NO_ROWS", "Dataset", "Ledger", "Part"]


EMPTY: Mapping[str, pa.Table] = {table.name: table.arrow_schema().empty_table() for table in ALL_TABLES}


@dataclass(frozen=True)
class Part:
    """Rows of one block: Arrow tables by their unprefixed names, in the schemas of `columns.py`, each in its order.

    Every table of `ALL_TABLES` is there; a table that is not given has no rows. The transactions of a block come in
    several parts of limited size. The last of them has `ends_block`, all other rows of the block, and `omitted`: the
    plants that could not be made, as (plant, reason).
    """

    tables: Mapping[str, pa.Table]
    omitted: tuple[tuple[str, str], ...] = ()
    ends_block: bool = True

    def __post_init__(self) -> None:
        """Adds the tables that are not given. Raises KeyError for a table that the contract does not have."""
        given = dict(self.tables)
        tables = {table.name: given.pop(table.name, EMPTY[table.name]) for table in ALL_TABLES}
        if given:
            raise KeyError(f"no tables of a ledger: {', '.join(given)}")
        object.__setattr__(self, "tables", tables)

    def __getitem__(self, table: str) -> pa.Table:
        return self.tables[table]


# An empty part: writers use it to write a table without rows.
NO_ROWS = Part({})


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The facts that determine a dataset, byte for byte.

    `accounts` has the number of baseline accounts of every template role. `version` is the version of the format; it
    changes only if the same facts give other rows. `scenario` has the plants, None for the baseline alone. If
    `baseline` is false, nothing else happens on the accounts of the plants.
    """

    bank: Bank
    anchor: date
    window_days: int
    seed: int
    version: str
    accounts: Mapping[str, int]
    scenario: "ScenarioPlant | None" = None
    baseline: bool = True


@dataclass(frozen=True, repr=False)
class Ledger:
    """A whole ledger in memory: its facts and its parts in canonical order."""

    dataset: Dataset
    parts: tuple[Part, ...]

    def __iter__(self) -> Iterator[Part]:
        return iter(self.parts)

    def __repr__(self) -> str:
        facts = self.dataset
        rows = ", ".join(f"{count:,} {name}" for name, count in self._rows().items())
        window = f"{facts.window_days} days to {facts.anchor}, seed {facts.seed}"
        return f"<Ledger of {facts.bank.instance}: {window}; {rows}>"

    def _repr_html_(self) -> str:
        """The same for a notebook, with a table of the first transactions."""
        columns = ("posting", "account_id", "amount_money", "rail_name", "transfer_id", "status")
        first = self.transactions.select(columns).slice(0, 5).to_pylist()
        return html_table(repr(self)[1:-1], columns, ([row[name] for name in columns] for row in first))

    def _rows(self) -> dict[str, int]:
        """Rows per table."""
        return {table.name: sum(part[table.name].num_rows for part in self.parts) for table in ALL_TABLES}

    def table(self, table: Table) -> pa.Table:
        """All rows of a table of the contract, in canonical order."""
        return pa.concat_tables(table.conformed(part[table.name]) for part in self.parts).unify_dictionaries()

    @property
    def transactions(self) -> pa.Table:
        """All transaction rows, shape (rows, 20), in canonical order."""
        return self.table(TRANSACTIONS)

    @property
    def daily_balances(self) -> pa.Table:
        """All daily-balance rows, shape (rows, 12), in canonical order."""
        return self.table(DAILY_BALANCES)

    @property
    def answer_key(self) -> pa.Table:
        """The answer key, shape (lines, 9), in canonical order."""
        return self.table(ANSWER_KEY)

    @property
    def omitted(self) -> tuple[tuple[str, str], ...]:
        """(plant, reason) of every plant that the scenario asks for and the bank does not admit."""
        scenario = self.dataset.scenario.omitted if self.dataset.scenario is not None else ()
        return (*scenario, *(pair for part in self.parts for pair in part.omitted))
