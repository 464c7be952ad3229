"""Seedbed beside its yardsticks in one run, over several sizes: rows/s, MB/s, processor time per row, peak memory.

    python benchmarks/scale.py [--rows 100000,1000000,…] [--formats parquet,csv,sql] [--workers N] [--runs 3]
                               [--bank harbor_trust] [--accounts ROLE=N] [--folder DIR] [--health]

Needs `pip install tpchgen-cli`. For each size a bank of about so many transaction rows goes to each format;
`tpchgen-cli` makes as many rows of lineitem with as many threads; the per-row generator makes the script of the same
bank, up to a million rows; `ready_table.py` writes rows that are ready. Whole processes are timed, in turn. What the
disk has too little room for is left out, and that is said.
`--accounts` says the size by hand; `--health` then asks every health condition of the largest size.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
ANCHOR = "2030-01-01"
# TPC-H specification, 4.2.5.1: the rows of lineitem at scale factor 1.
LINEITEM_ROWS = 6_001_215
# The per-row generator holds all its rows in memory; what it takes per row does not depend on their number.
PER_ROW_MOST = 1_000_000
# From this size on, one run of each says enough.
LARGE_ROWS = 50_000_000
# Bytes of a row on disk, about: for a look at the free space before anything is written.
ROW_BYTES = {"parquet": 80, "csv": 400, "sql": 400}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
SEEDBED = [sys.executable, "-m", "seedbed"]
APPLY = [*SEEDBED, "data", "apply"]
IMPORTS = "import numpy, pyarrow, pydantic"
# How a format is asked for.
SEEDBED_FORMATS = {
    "parquet": ["--format", "parquet"],
    "csv": ["--format", "csv"],
    "sql": ["--dialect", "postgresql"],
}
YARDSTICKS = ("tpchgen", "per-row", "ready")


@dataclass
class Case:
    """One command: who runs it (`seedbed`, or a yardstick), what it writes, and its figures, first run to last.

    `read` takes figures off what the command says: rows, and whatever is to count instead of what is measured here.
    """

    who: str
    file_format: str
    command: list[str]
    output: Path
    read: Callable[[str], dict[str, Any]]
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    memory: int = 0
    size: int = 0
    rows: int = 0

    def run(self) -> None:
        """Runs the command once as a process of its own; ends this program if it fails."""
        remove(self.output)
        wall, used, said = measured(self.command)
        figures = {"wall": wall, "processor": used.processor, "bytes": size_of(self.output)}
        figures |= self.read(said)
        self.wall.append(figures["wall"])
        self.processor.append(figures["processor"])
        self.memory = max(self.memory, used.memory)
        self.size, self.rows = figures["bytes"], figures["rows"]

    @property
    def rate(self) -> float:
        """Rows per second, of the median run."""
        return self.rows / median(self.wall)


@dataclass(frozen=True)
class Used:
    """What a command used, all its processes together: seconds of processor time, and bytes of the largest one."""

    processor: float
    memory: int


def measured(command: list[str]) -> tuple[float, Used, str]:
    """Runs a command: seconds, what the kernel says it used, and what it printed. Ends this program if it fails."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=said, stderr=complained)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        for stream in (said, complained):
            stream.seek(0)
        if process.returncode:
            sys.exit(f"{' '.join(command)}: {complained.read().decode(errors='replace').strip()[-2000:]}")
        return wall, Used(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024), said.read().decode(errors="replace")


def remove(path: Path) -> None:
    """Removes a file or folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files of a folder."""
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def counts_for(bank: str, rows: int) -> list[str]:
    """Accounts of every template role, in the default proportions, for about so many transaction rows.

    Rows are a constant, for what the bank itself does, and so many per account; two plans tell both.
    """

    def plan(*counts: str) -> dict[str, Any]:
        accounts = [word for count in counts for word in ("--accounts", count)]
        found: dict[str, Any] = json.loads(
            measured([*SEEDBED, "plan", bank, "--anchor", ANCHOR, "--json", *accounts])[2]
        )
        return found

    def times(factor: float) -> list[str]:
        return [f"{role}={max(1, round(count * factor))}" for role, count in usual.items()]

    first = plan()
    usual = {account["role"]: account["baseline"] for account in first["accounts"] if account["plant"]}
    expected = first["expected_transactions"]
    each = (plan(*times(11))["expected_transactions"] - expected) / 10
    return times(1 + (rows - expected) / each)


def bank_file(bank: str) -> str:
    """A bank's file, for a program that knows no bundled ones."""
    from importlib import resources  # noqa: PLC0415

    bundled = Path(str(resources.files("seedbed") / "banks" / f"{bank}.yaml"))
    return str(bundled if bundled.exists() else bank)


def cases(
    options: argparse.Namespace, formats: list[str], rows: int, counts: list[str], folder: Path
) -> Iterator[Case]:
    """What is run at one size; Seedbed's Parquet first, for its rows are what `ready_table.py` writes again."""
    accounts = [word for count in counts for word in ("--accounts", count)]
    workers = ["--workers", str(options.workers)]
    for name in formats:
        out = folder / f"seedbed.{name}"
        command = [*APPLY, options.bank, "--anchor", ANCHOR, "--baseline-only", "--json", *accounts, *workers]
        command += ["-o", str(out), *SEEDBED_FORMATS[name]]
        yield Case("seedbed", name, command, out, lambda said: {"rows": json.loads(said)["rows"]["transactions"]})
    for name in formats:
        out = folder / f"tpchgen.{name}"
        command = [tpchgen(), name, "-s", f"{rows / LINEITEM_ROWS:.4f}", "-T", "lineitem", "-q"]
        command += ["-n", str(options.workers), "-o", str(out)]
        if name != "sql":
            yield Case("tpchgen", name, command, out, lambda _, file=out: {"rows": lineitem_rows(file)})
        elif rows <= PER_ROW_MOST:
            out = folder / "per_row.sql"
            command = [sys.executable, str(HERE / "per_row.py"), bank_file(options.bank), "-o", str(out)]
            command += ["--anchor", ANCHOR, *accounts]
            yield Case("per-row", name, command, out, lambda said: {"rows": int(said.split()[0])})
        if name != "sql" and "parquet" in formats:
            command = [sys.executable, str(HERE / "ready_table.py"), str(folder / "seedbed.parquet"), name]
            command += ["--rows", str(rows), *workers]
            yield Case("ready", name, command, folder / "ready", json.loads)


def tpchgen() -> str:
    """The program, beside this Python or on PATH; ends this program where it is not installed."""
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return shutil.which("tpchgen-cli", path=places) or sys.exit("tpchgen-cli is missing: pip install tpchgen-cli")


def lineitem_rows(folder: Path) -> int:
    """The rows of a lineitem file; counted by line ends, or read from Parquet's footer by another process."""
    [file] = folder.rglob("lineitem*")
    if file.suffix == ".parquet":
        look = f"import pyarrow.parquet as p; print(p.ParquetFile({str(file)!r}).metadata.num_rows)"
        return int(measured([sys.executable, "-c", look])[2])
    return int(measured(["wc", "-l", str(file)])[2].split()[0]) - 1


def compare(options: argparse.Namespace, rows: int, counts: list[str], folder: Path) -> list[Case]:
    """Runs all cases of one size in turn; only Seedbed's Parquet stays on disk."""
    free = shutil.disk_usage(folder).free
    formats = [name for name in options.formats if 2 * rows * ROW_BYTES[name] < free]
    for name in sorted(set(options.formats) - set(formats)):
        print(f"{rows:,} rows of {name} take {rows * ROW_BYTES[name] / 1e9:.0f} GB, and {free / 1e9:.0f} are free\n")
    made = list(cases(options, formats, rows, counts, folder))
    for _ in range(1 if rows >= LARGE_ROWS else options.runs):
        for case in made:
            case.run()
            if (case.who, case.file_format) != ("seedbed", "parquet"):
                remove(case.output)
    return made


def report(made: list[Case]) -> None:
    """One size as a Markdown table; ratios are of rows per second."""
    heads = ["what", "rows", "s", "rows/s", "MB/s", "CPU µs/row", "bytes/row", "peak MB"]
    heads += [f"÷ {yardstick}" for yardstick in YARDSTICKS]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}", flush=True)
    for case in made:
        wall, processor = median(case.wall), median(case.processor)
        cells = [f"{case.who}, {case.file_format}", f"{case.rows:,}", f"{wall:.2f}", f"{case.rate:,.0f}"]
        cells += [f"{case.size / wall / 1e6:.0f}", f"{processor / case.rows * 1e6:.2f}"]
        cells += [f"{case.size / case.rows:.0f}", f"{case.memory / 1e6:.0f}"]
        for yardstick in YARDSTICKS:
            base = [o for o in made if (o.who, o.file_format) == (yardstick, case.file_format)]
            cells.append(f"{case.rate / base[0].rate:.2f}" if base and case.who == "seedbed" else "")
        print(f"| {' | '.join(cells)} |", flush=True)
    print(flush=True)


def start_up(options: argparse.Namespace, folder: Path) -> None:
    """The whole process for the bank as it is, to a script, against the imports that it cannot do without."""
    out = folder / "start.sql"
    whole = [*APPLY, options.bank, "--anchor", ANCHOR, "--dialect", "postgresql", "--quiet", "-o", str(out)]
    commands = ([sys.executable, "-c", IMPORTS], whole)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(1 + options.runs):
        for command, spent in zip(commands, times, strict=True):
            spent.append(measured(command)[0])
    imports, script = (median(spent[1:]) for spent in times)
    print(f"`{IMPORTS}`: {imports:.3f} s")
    ratio = script / imports
    print(f"{options.bank} to a PostgreSQL script, whole process: {script:.3f} s, ratio {ratio:.1f}\n", flush=True)


def costs(options: argparse.Namespace, made: list[Case], folder: Path) -> None:
    """What a row costs Seedbed at each size, with the start of the program and without it.

    The start is what the same command takes for the bank as it is and a window of one day, which needs no workers.
    """
    out = folder / "start"
    command = [*APPLY, options.bank, "--anchor", ANCHOR, "--baseline-only", "--quiet", "--window-days", "1"]
    command += ["--workers", str(options.workers), "-o", str(out), *SEEDBED_FORMATS[made[0].file_format]]
    started = []
    for _ in range(1 + options.runs):
        remove(out)
        wall, used, _ = measured(command)
        started.append((wall, used.processor))
    start = [median(figures) for figures in zip(*started[1:], strict=True)]
    print(f"seedbed, {made[0].file_format}, µs per row; its start takes {start[0]:.2f} s, CPU {start[1]:.2f} s\n")
    print("| rows | s | s without start | CPU | CPU without start |\n|---|---|---|---|---|")
    for case in made:
        figures = (median(case.wall), median(case.wall) - start[0])
        figures += (median(case.processor), median(case.processor) - start[1])
        print(f"| {case.rows:,} | {' | '.join(f'{figure / case.rows * 1e6:.2f}' for figure in figures)} |")
    print(flush=True)


def machine() -> str:
    """What this runs on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "pyarrow", "tpchgen-cli"))
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores (load before the run {os.getloadavg()[0]:.1f}), {system}, {packages}"


def main() -> None:
    """The whole of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = [100_000, 1_000_000, 10_000_000, 100_000_000]
    parser.add_argument("--rows", type=lambda text: [int(n) for n in text.split(",")], default=sizes)
    parser.add_argument("--formats", type=lambda text: text.split(","), default=["parquet", "csv", "sql"])
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--bank", default="harbor_trust", help="a bundled bank, or a bank file")
    parser.add_argument("--accounts", action="append", metavar="ROLE=N", help="the size by hand, with one --rows")
    parser.add_argument("--folder", type=Path, help="where everything is written, and removed again")
    parser.add_argument("--health", action="store_true", help="ask every health condition of the largest Parquet")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seedbed-scale-", dir=options.folder) as name:
        folder = Path(name)
        print(f"{machine()}\n{options.bank}, anchor {ANCHOR}, 90 days, {options.workers} workers\n", flush=True)
        start_up(options, folder)
        firsts = []
        for rows in sorted(options.rows):
            if not (made := compare(options, rows, options.accounts or counts_for(options.bank, rows), folder)):
                break
            report(made)
            firsts.append(made[0])
        if firsts:
            costs(options, firsts, folder)
        if options.health:
            command = [sys.executable, str(HERE / "health.py"), str(folder / "seedbed.parquet")]
            sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
