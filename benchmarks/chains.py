"""Times `seedbed data apply` of banks with many chains beside the same bank without any, as whole processes.

    python benchmarks/chains.py [--runs N] [--sizes 10,30,100]

Each size is a bank with so many chains, once one below the other, once side by side under one parent, into DuckDB
with everything that is planted by default. Shown are the seconds of processor time, their ratio to the plain bank's,
and the rows: on a busy machine processor time can be compared, where the clock's cannot.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import yaml

from seedbed.bank.bundled import bank_path

PLAIN = "spec_example"
ROOT = "ExternalRailInbound"


def chained(size: int, deep: bool) -> dict[str, Any]:
    """The plain bank with so many Required chains from its first rail."""
    bank: dict[str, Any] = yaml.safe_load(Path(bank_path(PLAIN)).read_text(encoding="utf-8"))
    bank.setdefault("chains", [])
    above = ROOT
    for number in range(size):
        name = f"Follow{number}"
        bank["rails"].append(
            {
                "name": name,
                "transfer_type": f"follow_{number}",
                "source_role": "CustomerSubledger",
                "destination_role": "ExternalCounterparty",
                "expected_net": 0,
                "origin": "InternalInitiated",
            }
        )
        bank["chains"].append({"parent": above, "child": name, "required": True})
        above = name if deep else ROOT
    return bank


def applied(bank: Path, folder: Path) -> tuple[float, float, int]:
    """Seconds of the clock and of the processor that one load takes, and the transactions in it."""
    file = folder / "ledger.duckdb"
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "seedbed", "data", "apply", str(bank), "--to", f"duckdb:///{file}"]
    started, before = time.perf_counter(), os.times()
    subprocess.run([*command, "--anchor", "2030-01-01", "--quiet"], check=True)
    clock, after = time.perf_counter() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    with duckdb.connect(str(file), read_only=True) as connection:
        [(rows,)] = connection.execute(f"SELECT COUNT(*) FROM {PLAIN}_transactions").fetchall()
    return clock, used, int(rows)


def main() -> None:
    """Prints one line per bank."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sizes", default="10,30,100")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    banks = {"plain": chained(0, deep=True)}
    banks |= {f"{size} {way}": chained(size, way == "deep") for size in sizes for way in ("deep", "wide")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for label, bank in banks.items():
            (folder / f"{label}.yaml").write_text(yaml.safe_dump(bank, sort_keys=False), encoding="utf-8")
        runs: dict[str, list[tuple[float, float, int]]] = {label: [] for label in banks}
        for _ in range(options.runs):
            for label, found in runs.items():
                found.append(applied(folder / f"{label}.yaml", folder))
    plain = statistics.median(used for _, used, _ in runs["plain"])
    print(f"{'chains':>10} {'clock s':>8} {'CPU s':>7} {'ratio':>6} {'rows':>9}")
    for label, found in runs.items():
        clock, used = (statistics.median(run[place] for run in found) for place in (0, 1))
        print(f"{label:>10} {clock:8.2f} {used:7.2f} {used / plain:6.1f} {found[0][2]:9,}")


if __name__ == "__main__":
    main()
