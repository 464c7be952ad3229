"""`python -m tests.random_banks`: random banks through the whole of Seedbed, and a table of what came of them."""

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from tests.random_banks.pool import Bounds, Outcome, outcomes, small_failures, unbounded
from tests.random_banks.promise import Failure, Run
from tests.random_banks.shapes import SHAPES

__all__ = ["main", "table"]

SORTS = {"crash": "crashes", "failed check": "failed checks", "over the bound": "over the bound"}
TOLD_EVERY = 50


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.random_banks", description=__doc__)
    parser.add_argument("--count", type=int, default=60, help="how many banks (60)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first (0)")
    parser.add_argument("--workers", type=int, default=2, help="how many processes (2)")
    parser.add_argument("--seconds", type=float, default=60.0, help="processor time of a bank with all its runs (60)")
    parser.add_argument("--memory", type=int, default=1024, help="MiB of a bank (1024)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write a small bank of each kind of failure here")
    return parser.parse_args(given)


def main(given: Sequence[str]) -> int:
    """Runs the banks and prints the table; 1 where anything failed, 2 where nothing can be run."""
    options = _arguments(given)
    if reason := unbounded():
        print(f"python -m tests.random_banks: {reason}", file=sys.stderr)
        return 2
    bounds = Bounds(options.seconds, options.memory)
    started = time.monotonic()
    done: list[Outcome] = []
    for outcome in outcomes(range(options.first, options.first + options.count), options.workers, bounds):
        done.append(outcome)
        for run, failure in outcome.failures:
            print(f"bank {outcome.number}: {failure.sort}: {'; '.join(failure.signs)} ({run})", file=sys.stderr)
        if len(done) % TOLD_EVERY == 0:
            print(f"{len(done)} banks after {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    print(table(done, time.monotonic() - started))
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        kinds = {(failure.sort, failure.signs[0]): one for one in _failing(done) for failure in [one[2]]}
        for number, text in small_failures(kinds.values(), options.workers, bounds):
            (options.keep / f"bank-{number}.yaml").write_text(text, encoding="utf-8")
    return 1 if _failing(done) else 0


def _failing(done: Sequence[Outcome]) -> list[tuple[int, Run, Failure]]:
    """Every failure, those of small banks last."""
    found = [(outcome.seconds, outcome.number, run, failure) for outcome in done for run, failure in outcome.failures]
    return [(number, run, failure) for _, number, run, failure in sorted(found, key=lambda one: -one[0])]


def table(done: Sequence[Outcome], seconds: float) -> str:
    """What came of these banks, as tables in Markdown."""
    refused = Counter(rule for outcome in done for rule in outcome.refused)
    failing = _failing(done)
    lines = ["| | |", "|---|---:|", f"| banks | {len(done):,} |"]
    lines += [f"| refused by a rule | {sum(bool(outcome.refused) for outcome in done):,} |"]
    lines += [f"| … by `{rule}` | {count:,} |" for rule, count in refused.most_common()]
    lines += [f"| runs | {sum(outcome.runs for outcome in done):,} |"]
    for sort, label in SORTS.items():
        lines.append(f"| {label} | {sum(failure.sort == sort for _, _, failure in failing):,} |")
    lines.append(f"| seconds of processor time | {sum(outcome.seconds for outcome in done):,.0f} |")
    lines.append(f"| … of the slowest bank | {max((outcome.seconds for outcome in done), default=0):,.1f} |")
    lines.append(f"| seconds | {seconds:,.0f} |")
    reached = Counter(shape for outcome in done for shape in outcome.shapes)
    lines += ["", "| shape | banks |", "|---|---:|", *(f"| {shape} | {reached[shape]:,} |" for shape in SHAPES)]
    kinds: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, _, failure in failing:
        kinds[failure.sort, failure.signs[0]].append(number)
    if kinds:
        lines += ["", "| failure | runs | banks |", "|---|---:|---|"]
    for (sort, sign), numbers in sorted(kinds.items(), key=lambda item: -len(item[1])):
        shown = ", ".join(str(number) for number in sorted({*numbers})[:8])
        lines.append(f"| {sort}: {sign} | {len(numbers):,} | {shown} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
