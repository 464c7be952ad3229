"""Times whole processes side by side: Seedbed against the per-row yardstick, and its start-up against Python's own.

    python benchmarks/run.py [--runs N] [--bank BANK]

The commands take turns, so that whatever else the machine does falls on all of them alike.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
ANCHOR = "2030-01-01"
# Both sides start from compiled modules, as an installed program does; the uncounted first runs compile them.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass
class Case:
    """One command, what it is measured against, and its measurements in seconds, first to last."""

    name: str
    command: list[str]
    against: str
    output: Path | None = None
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Runs the command once as a process of its own; ends this program if it fails."""
        if self.output:
            self.output.unlink(missing_ok=True)
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(self.command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(f"{self.name}: {done.stderr.strip() or f'exit code {done.returncode}'}")
        self.wall.append(wall)
        self.processor.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def copied_rows(script: Path) -> int:
    """The rows of all COPY blocks of a script."""
    rows, inside = 0, False
    with script.open(encoding="utf-8") as lines:
        for line in lines:
            inside = line.startswith("COPY ") or (inside and line != "\\.\n")
            rows += inside and not line.startswith("COPY ")
    return rows


def bank_file(name: str) -> Path:
    """A bank file, or a bundled bank by name."""
    bundled = Path(str(resources.files("seedbed") / "banks" / f"{name}.yaml"))
    return bundled if bundled.exists() else Path(name)


def cases(bank: Path, folder: Path) -> list[Case]:
    """What is timed."""
    seedbed = [sys.executable, "-m", "seedbed"]
    ours, planted, theirs = folder / "seedbed.sql", folder / "planted.sql", folder / "per_row.sql"
    apply = ["data", "apply", str(bank), "--dialect", "postgresql", "--anchor", ANCHOR, "--quiet"]
    baseline = [*apply, "--baseline-only", "-o", str(ours)]
    per_row = [sys.executable, str(HERE / "per_row.py"), str(bank), "-o", str(theirs), "--anchor", ANCHOR]
    return [
        Case("per-row generator to a PostgreSQL script", per_row, "", theirs),
        Case("seedbed data apply --baseline-only", [*seedbed, *baseline], "per-row", ours),
        Case("seedbed data apply, plants and answer key", [*seedbed, *apply, "-o", str(planted)], "per-row", planted),
        Case("python -c pass", [sys.executable, "-c", "pass"], ""),
        Case("seedbed --help", [*seedbed, "--help"], "python"),
    ]


def report(timed: list[Case]) -> None:
    """Medians, the fastest run, processor time, and the ratio to what a case is measured against."""
    print(f"{'':44}{'median s':>10}{'fastest s':>11}{'CPU s':>9}{'ratio':>8}{'rows':>10}{'rows/s':>10}")
    for case in timed:
        base = next((other for other in timed if case.against and other.name.startswith(case.against)), None)
        ratio = f"{median(case.wall) / median(base.wall):.2f}" if base else "-"
        rows = copied_rows(case.output) if case.output else 0
        counts = f"{rows:>10,}{rows / median(case.wall):>10,.0f}" if rows else f"{'-':>10}{'-':>10}"
        times = f"{median(case.wall):>10.3f}{min(case.wall):>11.3f}{median(case.processor):>9.3f}"
        print(f"{case.name:44}{times}{ratio:>8}{counts}")


def main() -> None:
    """Runs every case once unmeasured, then N times in turn."""
    parser = argparse.ArgumentParser(description="Times Seedbed and its yardstick side by side.")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--bank", default="harbor_trust", help="a bundled bank, or a bank file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        timed = cases(bank_file(arguments.bank), Path(folder))
        for case in timed:
            case.run()
            case.wall.clear()
            case.processor.clear()
        for _ in range(max(1, arguments.runs)):
            for case in timed:
                case.run()
        print(f"{arguments.bank}, anchor {ANCHOR}, {arguments.runs} runs in turn, Python {sys.version.split()[0]}")
        report(timed)


if __name__ == "__main__":
    main()
