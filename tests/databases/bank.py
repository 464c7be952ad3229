"""Two small datasets of one bank, what a database should look like that holds one of them, and what it looks like."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

import seedbed
from seedbed.api import dataset_of
from seedbed.assembly.foundation import Foundation
from seedbed.assembly.parts import parts_on
from seedbed.bank.bundled import bank_path
from seedbed.databases.definitions import relation_names
from seedbed.databases.reader import Database, open_database, stored_facts
from seedbed.ledger.columns import TABLES
from seedbed.ledger.dataset import Ledger
from seedbed.ledger.digest import TableDigest, content_digest
from seedbed.views import VIEWS
from seedbed.write import WriteReport, parse_url, write

__all__ = ["INSTANCE", "NAMES", "State", "apply_arguments", "ledger", "load", "reading", "state", "stray"]

INSTANCE = "spec_example"
# Name → (anchor, days): the second replaces the first, the third both.
NAMES = {"old": (date(2029, 12, 28), 4), "new": (date(2030, 1, 8), 10), "third": (date(2030, 1, 4), 6)}


@cache
def ledger(name: str) -> Ledger:
    """A dataset of `NAMES`, with the default plants."""
    anchor, days = NAMES[name]
    bank = seedbed.load_instance(bank_path(INSTANCE))
    scenario = seedbed.full_scenario_for(bank, anchor=anchor, window_days=days)
    foundation = Foundation(dataset_of(bank, anchor, days, scenario=scenario))
    return Ledger(foundation.dataset, tuple(parts_on(foundation)))


def load(url: str, name: str) -> WriteReport:
    """Loads a dataset of `NAMES`."""
    rows = ledger(name)
    return write(rows.parts, rows.dataset, replace(parse_url(url), explained=True))


def apply_arguments(url: str, name: str) -> list[str]:
    """The command line of a load."""
    anchor, days = NAMES[name]
    return ["data", "apply", INSTANCE, "--anchor", str(anchor), "--window-days", str(days), "--quiet", "--to", url]


@dataclass(frozen=True)
class State:
    """What a database holds: the load id, the digest of the rows as they are read back, and the rows of each view."""

    load_id: str
    digest: str
    views: tuple[int, ...]


@contextmanager
def reading(url: str) -> Iterator[Database]:
    """The database, also if it is a file that is not there yet."""
    with open_database(url) as database:
        yield database


def state(url: str) -> State | None:
    """What is there, None for nothing at all; asserts that nothing else is there and that the facts are right."""
    address = parse_url(url).database_url
    assert address is not None
    if address.path and not Path(address.path).exists():
        return None
    with reading(url) as database:
        names = {name for name in relation_names(database) if name.startswith(INSTANCE)}
        mine = {f"{INSTANCE}_{name}" for name in (*(table.name for table in TABLES), "answer_key", "dataset")}
        mine |= {f"{INSTANCE}_{view.name}" for view in VIEWS}
        visible = {name for name in names if "$" not in name}
        if not visible:
            return None
        assert visible == mine
        facts = stored_facts(database, INSTANCE)
        assert facts is not None
        digests = []
        for table in TABLES:
            total = TableDigest(table)
            for batch in database.batches(INSTANCE, table):
                total += TableDigest.of(table, batch)
            digests.append(total)
        digest = content_digest(digests)
        assert digest == facts["digest"]
        counts = " UNION ALL ".join(f"SELECT COUNT(*) FROM {INSTANCE}_{view.name}" for view in VIEWS)
        views = tuple(int(count) for (count,) in database.rows(counts))
        return State(str(facts["load_id"]), digest, views)


def stray(url: str) -> list[str]:
    """What a load may not leave: staged or old tables, staging folders, journals."""
    address = parse_url(url).database_url
    assert address is not None
    if address.path:
        path = Path(address.path)
        return [
            file.name for file in path.parent.iterdir() if file.name not in (path.name, f"{path.stem}_answer_key.csv")
        ]
    with reading(url) as database:
        return [name for name in relation_names(database) if "$" in name]
