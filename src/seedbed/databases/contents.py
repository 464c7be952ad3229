"""Reads back an instance: does the database hold this load already, and did all rows arrive?"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, Decimal
from functools import partial
from typing import Any

from seedbed import money
from seedbed.databases.definitions import relation_names
from seedbed.databases.reader import Database, instances, stored_facts, table_names
from seedbed.errors import TargetError, counted
from seedbed.ledger.columns import ALL_TABLES, ANSWER_KEY, TABLES
from seedbed.ledger.dataset import Dataset, Part
from seedbed.ledger.digest import TableDigest
from seedbed.ledger.sql import double_quoted
from seedbed.views.macros import MACROS
from seedbed.write.facts import DATASET, STORED, Counts, Tally, counts_of, given_facts, is_generated
from seedbed.write.schema import object_names

__all__ = [
    "already_there",
    "refuse_others_rows",
    "refuse_taken_names",
    "stored_load_id",
    "verify_drift",
    "verify_rows",
]

DRIFT_VIEWS = ("drift", "ledger_drift")
# The facts with the row counts of the base tables.
ROW_FACTS = {"transactions": "transaction_rows", "daily_balances": "balance_rows"}


def refuse_taken_names(database: Database, instance: str) -> None:
    """Raise `TargetError` if a foreign table or view has one of the instance's names.

    Names of two instances may collide: the view `ledger_drift` of `bank` and the view `drift` of `bank_ledger` have
    the same name. A bank's own tables may also have such names. Tables of Seedbed always have the table of facts
    beside them.
    """
    names = set(object_names(instance))
    for other in instances(database):
        shared = sorted(names & set(object_names(other))) if other != instance else []
        if shared:
            raise TargetError(
                f"the instances {instance} and {other}, which is in the database, would both have {shared[0]};"
                " one of them needs another name or database"
            )
    taken = sorted(names & relation_names(database))
    if taken and f"{instance}_{DATASET.name}" not in taken:
        raise TargetError(
            f"the database has a table or view {taken[0]} that no load of {instance} made;"
            " one of them needs another name or database"
        )


def refuse_others_rows(database: Database, instance: str, shown: str) -> None:
    """Raise `TargetError` if the instance's tables have rows that no load made, which no load could restore.

    Rows are a load's if the facts are there and have the right row counts. `shown` is the name of the database in the
    message.
    """
    there = relation_names(database)
    if f"{instance}_{DATASET.name}" not in there:
        return
    found = {
        table.name: int(database.rows(f"SELECT COUNT(*) FROM {double_quoted(f'{instance}_{table.name}')}")[0][0])
        for table in TABLES
        if f"{instance}_{table.name}" in there
    }
    facts = stored_facts(database, instance) or {}
    loaded = "no load made"
    if is_generated(facts):
        stated = {name: int(facts[ROW_FACTS[name]]) for name in found}
        if found == stated:
            return
        loaded = f"are not the {_rows(stated)} of its load"
    if any(found.values()):
        raise TargetError(
            f"{instance} has {_rows(found)} that {loaded}; `seedbed data refresh {shown} --as-of DATE` keeps them"
            " and fills the views, --overwrite replaces them"
        )


def _rows(counts: Mapping[str, int]) -> str:
    return " and ".join(f"{counted(count, 'row')} of {name}" for name, count in counts.items())


def stored_load_id(database: Database, instance: str) -> str | None:
    """The load id in the dataset row of the instance, or None."""
    if f"{instance}_dataset" not in table_names(database):
        return None
    facts = stored_facts(database, instance)
    return None if facts is None or facts["load_id"] is None else str(facts["load_id"])


def already_there(database: Database, dataset: Dataset, parts: Iterable[Part]) -> Tally | None:
    """The counts of a load that would change nothing, because the database has its facts, tables, views and rows.

    None if the load must be made. The rows are trusted only if their digest, read back, and their counts are right.
    Raises `TargetError` if the facts are the same but the rows differ, and the parts can be taken only once.
    """
    instance = dataset.bank.instance
    if not _is_complete(database, instance):
        return None
    facts = stored_facts(database, instance)
    given = given_facts(dataset)
    if facts is None or any(str(facts[name]) != str(value) for name, value in given.items()):
        return None
    stored = _stored(database, instance)
    if (stored.digest, stored.answer_digest) != (facts["digest"], facts["answer_digest"]):
        return None
    tally = Tally(parts)
    for _ in tally:
        pass
    if tally.counts == stored:
        return tally
    if iter(parts) is parts:
        raise TargetError(
            f"{instance}: the database holds a dataset with the same settings but other rows;"
            " run `seedbed data clean` first"
        )
    return None


def _is_complete(database: Database, instance: str) -> bool:
    tables = {f"{instance}_{table.name}" for table in STORED}
    if not tables <= table_names(database):
        return False
    return database.dialect not in MACROS or set(object_names(instance)) <= relation_names(database)


def verify_rows(database: Database, instance: str, tally: Tally) -> None:
    """Raise `TargetError` unless the stored rows have the counts, sums and digest of the loaded rows."""
    stored, loaded = _stored(database, instance), tally.counts
    if (stored, _sums(database, instance)) != (loaded, tally.cents):
        counts = ", ".join(f"{rows} of {loaded.rows[name]} {name}" for name, rows in stored.rows.items())
        raise TargetError(f"the rows read back differ from the rows loaded ({counts})")


def verify_drift(database: Database, instance: str) -> None:
    """Raise `TargetError` unless the drift views have exactly the rows in the answer key."""
    key = double_quoted(f"{instance}_{ANSWER_KEY.name}")
    for view in DRIFT_VIEWS:
        expected = f"SELECT DISTINCT key FROM {key} WHERE item IN ('view', 'collateral') AND place = '{view}'"
        found = f"SELECT view_key FROM {double_quoted(f'{instance}_{view}')}"
        wanted, there = database.rows(expected.replace(" key ", ' "key" ')), database.rows(found)
        if sorted(wanted) != sorted(there):
            raise TargetError(f"the view {view} has {len(there)} rows, not the {len(wanted)} that were planted")


def _stored(database: Database, instance: str) -> Counts:
    """The counts of the stored rows, read back."""
    totals = {}
    for table in ALL_TABLES:
        digests = database.made(instance, table, partial(TableDigest.of, table))
        totals[table.name] = sum(digests, TableDigest(table))
    return counts_of(totals)


def _sums(database: Database, instance: str) -> dict[tuple[str, str], int]:
    """The sum of every money column in cents, added up by the engine."""
    macros = MACROS.get(database.dialect)
    # An engine without macros has no views, but it has decimals.
    exact, decimals = (macros.exact, macros.decimals) if macros else ("{money}", money.EXPONENT)
    found = {}
    for table in TABLES:
        columns = [column.name for column in table.columns if column.kind == "money"]
        sums = ", ".join(f"SUM({exact.format(money=double_quoted(name))})" for name in columns)
        [row] = database.rows(f"SELECT {sums} FROM {double_quoted(f'{instance}_{table.name}')}")
        for name, value in zip(columns, row, strict=True):
            found[table.name, name] = _cents(value, decimals)
    return found


def _cents(value: Any, decimals: int) -> int:
    amount = Decimal(value or 0)
    return money.from_decimal(amount, ROUND_DOWN) if decimals else int(amount)
