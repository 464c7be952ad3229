"""Prints the locked hashes of this interpreter's output as JSON; the lock tests run it under other conditions.

python tests/data/lock_probe.py [GROUPS]
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import seedbed
from seedbed.api import dataset_of, parts_of
from seedbed.ledger.digest import dataset_digest
from seedbed.write import Target, emit_sql, write

BANKS = Path(seedbed.__file__).parent / "banks"

# Name of a lock → bank, anchor, and further settings. The wide ones have enough customers for eight blocks; the full
# ones have the whole pipeline's plants.
DATASETS: dict[str, tuple[str, date, dict[str, Any]]] = {
    "spec_example@2030-01-01": ("spec_example", date(2030, 1, 1), {}),
    "spec_example@2029-11-14": ("spec_example", date(2029, 11, 14), {}),
    "spec_example@2030-01-01 wide": (
        "spec_example",
        date(2030, 1, 1),
        {"window_days": 12, "accounts": {"CustomerSubledger": 1_900}},
    ),
    "spec_example@2030-01-01 full": ("spec_example", date(2030, 1, 1), {"full": True}),
    "spec_example@2029-11-14 full": ("spec_example", date(2029, 11, 14), {"full": True}),
    "harbor_trust@2030-01-01 full": ("harbor_trust", date(2030, 1, 1), {"full": True}),
    "harbor_trust@2029-11-14 full": ("harbor_trust", date(2029, 11, 14), {"full": True}),
    "harbor_trust@2030-01-01": ("harbor_trust", date(2030, 1, 1), {}),
    "harbor_trust@2029-11-14": ("harbor_trust", date(2029, 11, 14), {}),
    "harbor_trust@2030-01-01 wide": (
        "harbor_trust",
        date(2030, 1, 1),
        {"window_days": 6, "accounts": {"CustomerDDA": 1_900}},
    ),
    "river_union@2030-01-01": ("river_union", date(2030, 1, 1), {}),
    "river_union@2029-11-14": ("river_union", date(2029, 11, 14), {}),
    "river_union@2030-01-01 full": ("river_union", date(2030, 1, 1), {"full": True}),
}


def hashes(groups: int) -> Iterator[tuple[str, dict[str, str]]]:
    """The content digest and the SHA-256 of the SQL and CSV text of every locked dataset."""
    for name, (bank_name, anchor, settings) in DATASETS.items():
        bank = seedbed.load_instance(BANKS / f"{bank_name}.yaml")
        dataset = dataset_of(bank, anchor, settings.get("window_days", 90), settings.get("accounts"))
        if settings.get("full"):
            dataset = replace(dataset, scenario=seedbed.full_scenario_for(bank, anchor=anchor))
        parts = list(parts_of(dataset, groups))
        found = {"digest": dataset_digest(parts)}
        for dialect in ("postgresql", "sqlite"):
            found[dialect] = sha256(emit_sql(parts, dataset, dialect).encode()).hexdigest()
        with tempfile.TemporaryDirectory() as folder:
            found["duckdb"] = sha256(emit_sql(parts, dataset, "duckdb", Path(folder) / "data").encode()).hexdigest()
            write(parts, dataset, Target(format="csv", path=f"{folder}/csv"))
            for table in ("transactions", "daily_balances", "answer_key"):
                found[f"csv {table}"] = sha256((Path(folder) / "csv" / f"{table}.csv").read_bytes()).hexdigest()
        yield name, found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(dict(hashes(int((sys.argv[1:] or ["1"])[0])))))
