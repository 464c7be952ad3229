"""The promise asked of one bank: validate → plan → apply → check, with everything that can be planted on it.

Each run has its own anchor, window and base seed, drawn from the bank's number; what is planted never rotates: every
bank is run bare, in each scenario mode, blended and with full coverage. A run loads a SQLite file, which is the
quickest for so few rows; of a sample one run goes through the command line into DuckDB.
"""

import io
import random
import sqlite3
import tempfile
import traceback
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from seedbed.api import dataset_of
from seedbed.assembly.foundation import Foundation
from seedbed.assembly.parts import parts_on
from seedbed.assembly.pipeline import ScenarioChoices, planted_on
from seedbed.bank.load import validate_instance
from seedbed.bank.model import Bank
from seedbed.checks import ASSERTIONS, check_database
from seedbed.checks.result import Result
from seedbed.cli.main import run as run_command
from seedbed.databases.reader import open_database
from seedbed.program.outline import outline
from seedbed.scenario.overlays import MODES, coverage_matrix
from seedbed.views import EXCEPTION_VIEWS
from seedbed.write import parse_url, write

__all__ = [
    "PLANTINGS",
    "Failure",
    "OverTheBoundError",
    "Planting",
    "Run",
    "run_bank",
    "runs_of",
    "shortened",
    "validated",
]

# One run of so many banks goes through the command line.
COMMAND_LINE_EVERY = 20
HUGE = 100
# A run of more rows takes a shorter window: shapes are what is tested here, and every one of them shows in so many.
MOST_ROWS = 60_000
SPECIAL_ANCHORS = (date(2030, 1, 1), date(2029, 11, 14), date(2024, 2, 29), date(2023, 12, 31), date(2026, 7, 4))
FIRST_ANCHOR, ANCHOR_DAYS = date(1900, 1, 1), 109_572  # To the end of 2199.


class OverTheBoundError(BaseException):
    """A bank takes more time than it may; no handler of ordinary errors stops it."""


@dataclass(frozen=True)
class Planting:
    """What is planted: the pipeline's choices, none for the bare baseline, and the command line's options for it."""

    choices: ScenarioChoices | None
    options: tuple[str, ...]


PLANTINGS: Mapping[str, Planting] = {
    "baseline": Planting(None, ("--baseline-only",)),
    **{mode: Planting(ScenarioChoices(mode=mode), ("--mode", mode)) for mode in MODES},
    "blend": Planting(ScenarioChoices(blend=True), ("--blend",)),
    "coverage": Planting(ScenarioChoices(coverage=True), ("--coverage", "full")),
    "everything": Planting(
        ScenarioChoices(mode="every_view", coverage=True, blend=True),
        ("--mode", "every_view", "--coverage", "full", "--blend"),
    ),
}


@dataclass(frozen=True)
class Run:
    """One run of a bank: what is planted, up to which day, over how many days, with which base seed, and how."""

    planting: str
    anchor: date
    window_days: int
    seed: int
    by_command: bool = False

    def __str__(self) -> str:
        """The run as the options of `seedbed data apply`."""
        options = " ".join(PLANTINGS[self.planting].options)
        return f"{options} --anchor {self.anchor} --window-days {self.window_days} --seed {self.seed}"


@dataclass(frozen=True)
class Failure:
    """What went wrong in a run: `sort` is a column of the table, `signs` tell kinds of failures apart."""

    sort: str
    signs: tuple[str, ...]
    detail: str

    def is_like(self, other: "Failure") -> bool:
        """Whether another failure shows the first sign of this one."""
        return self.sort == other.sort and self.signs[0] in other.signs


def runs_of(number: int, rails: int) -> list[Run]:
    """The runs of the bank of this number, one per planting; a huge bank has short windows."""
    source = random.Random(f"runs of {number}")
    by_command = source.choice(list(PLANTINGS)) if number % COMMAND_LINE_EVERY == 0 else None
    runs = []
    for planting in PLANTINGS:
        special, drawn = source.choice(SPECIAL_ANCHORS), FIRST_ANCHOR + timedelta(source.randrange(ANCHOR_DAYS))
        days = source.choice((source.randint(1, 9), source.randint(5, 20), source.randint(15, 45)))
        days = source.choice((90, 120)) if source.random() < 0.05 else days
        seed = source.choice((42, source.randrange(-(2**63), 2**63)))
        anchor = source.choice((special, drawn))
        runs.append(Run(planting, anchor, min(days, 2) if rails >= HUGE else days, seed, planting == by_command))
    return runs


def shortened(bank: Bank, run: Run) -> Run:
    """The run, over a window that keeps it within the bound of rows."""
    expected = outline(bank, run.anchor, run.window_days, {}, run.seed)
    rows = expected.expected_transactions + expected.expected_balances
    return run if rows <= MOST_ROWS else replace(run, window_days=max(1, run.window_days * MOST_ROWS // rows))


def validated(file: Path) -> tuple[Bank | None, tuple[str, ...]]:
    """The bank in a file, and the rules that it breaks where there is none."""
    model, problems, _ = validate_instance(file)
    return model, tuple(sorted({problem.rule for problem in problems}))


def run_bank(file: Path, bank: Bank, run: Run) -> Failure | None:
    """Makes the ledger of a bank and asks every assertion of it: what went wrong, or nothing.

    Lets `OverTheBoundError` pass.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="seedbed-random-") as folder:
            return _by_command(file, Path(folder), run) if run.by_command else _in_process(bank, Path(folder), run)
    except MemoryError:
        return Failure("over the bound", ("memory",), traceback.format_exc())
    except Exception as error:
        return Failure("crash", (f"{type(error).__name__} in {_place(error)}",), traceback.format_exc())


def _place(error: BaseException) -> str:
    """The innermost function of the program in an error's traceback."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/seedbed/" in frame.filename]
    return f"{Path(frames[-1].filename).stem}.{frames[-1].name}" if frames else "nowhere"


def _in_process(bank: Bank, folder: Path, run: Run) -> Failure | None:
    """By the functions that the command line calls."""
    outline(bank, run.anchor, run.window_days, {}, run.seed)
    foundation = Foundation(dataset_of(bank, run.anchor, run.window_days, None, run.seed))
    choices = PLANTINGS[run.planting].choices
    if choices is not None:
        coverage_matrix(foundation.survey)
        planted_on(foundation, choices)
    url = f"sqlite:///{folder}/ledger.sqlite"
    write(parts_on(foundation), foundation.dataset, replace(parse_url(url), explained=True))
    with open_database(url) as database:
        report = check_database(database, bank.instance, ASSERTIONS)
    return (
        _missed(report.misses) or _unasked(report.unasked) or _views_differ(folder / "ledger.sqlite", bank.instance)
    )


def _missed(misses: Sequence[Result]) -> Failure | None:
    if not misses:
        return None
    signs = [sign for miss in misses for sign in _signs(miss)]
    # Each exception that nobody planted shows in its view's assertion too, which says which one.
    signs = [sign for sign in signs if not sign.startswith("health/")] or signs
    detail = "\n".join(f"{miss.group}, {miss.name}: {'; '.join(miss.offenders)}" for miss in misses)
    return Failure("failed check", tuple(dict.fromkeys(signs)), detail)


def _unasked(unasked: Sequence[Result]) -> Failure | None:
    """Of a generated dataset everything can be asked."""
    if not unasked:
        return None
    signs = tuple(dict.fromkeys(f"not asked: {result.group}/{result.name}" for result in unasked))
    return Failure("failed check", signs, "\n".join(f"{result.name}: {result.reason}" for result in unasked))


def _signs(miss: Result) -> list[str]:
    name = f"{miss.group}/{miss.name.partition(':')[0]}"
    ways = [way for way in ("missing", "unexpected", "times") if any(way in o[:12] for o in miss.offenders)]
    return [f"{name} {way}" for way in ways] or [name]


def _views_differ(file: Path, instance: str) -> Failure | None:
    """The exception views against the answer key once more, by other statements than those of `check`."""
    listed: dict[str, list[str]] = defaultdict(list)
    with closing(sqlite3.connect(file)) as connection:
        query = f"SELECT DISTINCT place, \"key\" FROM {instance}_answer_key WHERE item IN ('view', 'collateral')"
        for view, key in connection.execute(query):
            listed[view].append(key)
        found = {
            view: [key for (key,) in connection.execute(f"SELECT view_key FROM {instance}_{view}")]
            for view in EXCEPTION_VIEWS
        }
    wrong = [view for view in EXCEPTION_VIEWS if sorted(found[view]) != sorted(listed[view])]
    return Failure("failed check", tuple(f"views/{view}" for view in wrong), str(wrong)) if wrong else None


def _by_command(file: Path, folder: Path, run: Run) -> Failure | None:
    """By the command line itself, into DuckDB."""
    url = f"duckdb:///{folder}/ledger.duckdb"
    when = ["--anchor", run.anchor.isoformat(), "--window-days", str(run.window_days), f"--seed={run.seed}"]
    options = list(PLANTINGS[run.planting].options)
    planned = [] if run.planting == "baseline" else options
    for command in (
        ["validate", str(file)],
        ["plan", str(file), *when, *planned],
        ["data", "apply", str(file), "--to", url, *when, *options],
        ["check", url],
    ):
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            code = run_command(command)
        if code:
            sort = "failed check" if command[0] == "check" and code == 1 else "crash"
            return Failure(sort, (f"command {command[0]}: exit code {code}",), said.getvalue())
    if "everything holds" not in said.getvalue():
        return Failure("failed check", ("command check: not everything was asked",), said.getvalue())
    return None
