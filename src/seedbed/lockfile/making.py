"""Makes a lock from the parts of a dataset as they pass. No rows are kept."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

import pyarrow as pa
import pyarrow.compute as pc

from seedbed import __version__
from seedbed.bank.load import canonical_json
from seedbed.ledger.columns import ALL_TABLES, ANSWER_KEY, TABLES
from seedbed.ledger.dataset import Dataset, Part
from seedbed.ledger.digest import content_digest
from seedbed.lockfile.days import TableSums
from seedbed.lockfile.lock import MOST_KEYS, Lock, LockedPlants, LockedTable, ViewRows

__all__ = ["lock_of"]

# Items of the answer key that name the row of a view.
VIEW_ITEMS = pa.array(["view", "collateral"])


def lock_of(
    parts: Iterable[Part], dataset: Dataset, accounts: Mapping[str, int], plants: LockedPlants | None
) -> Lock:
    """The lock of a dataset.

    `parts` are in canonical order. `accounts` are the account counts that the user gave; `plants` is the choice of
    the scenario.
    """
    sums = [TableSums(table, dataset.window_days) for table in ALL_TABLES]
    keys: dict[str, set[str]] = {}
    for part in parts:
        for table in sums:
            table.add(part[table.table.name])
        _note_surfacing(keys, part["answer_key"])
    totals = {table.table.name: table.total for table in sums}
    return Lock(
        seedbed=__version__,
        version=dataset.version,
        instance=dataset.bank.instance,
        bank=blake2b(canonical_json(dataset.bank).encode(), digest_size=16).hexdigest(),
        anchor=dataset.anchor,
        window_days=dataset.window_days,
        seed=dataset.seed,
        given_accounts=dict(sorted(accounts.items())),
        accounts=dict(sorted(dataset.accounts.items())),
        plants=plants,
        digest=content_digest(totals[table.name] for table in TABLES),
        answer_digest=content_digest([totals[ANSWER_KEY.name]]),
        surfacing={
            view: ViewRows(len(found), tuple(sorted(found)[:MOST_KEYS])) for view, found in sorted(keys.items())
        },
        tables={
            table.table.name: LockedTable(
                totals[table.table.name].rows, content_digest([totals[table.table.name]]), table.facts
            )
            for table in sums
        },
    )


def _note_surfacing(keys: dict[str, set[str]], answer_key: pa.Table) -> None:
    """Adds the rows of views that some lines of the answer key name."""
    lines = answer_key.filter(pc.is_in(answer_key["item"].cast(pa.string()), VIEW_ITEMS))
    for view, key in zip(lines["place"].to_pylist(), lines["key"].to_pylist(), strict=True):
        keys.setdefault(view, set()).add(key)
