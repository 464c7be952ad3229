"""Random banks keep the promise: `check` finds exactly what is planted, within a bound of time and memory."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from seedbed.checks.subject import Subject
from tests.bank.tiny import bank_of, tiny
from tests.random_banks import promise
from tests.random_banks.generator import NEWER
from tests.random_banks.pool import Bounds, Outcome, judge_bank, outcomes, unbounded
from tests.random_banks.promise import PLANTINGS

ROOT = Path(__file__).parents[2]
BOUNDS = Bounds()
# Half of the banks have the keys of the newer grammar.
BANKS = (*range(30), *range(NEWER, NEWER + 30))
# A bank that a rule refuses keeps the promise without being asked: under a tenth of the banks may be refused.
MOST_REFUSED = 5
# Later banks that broke the promise once.
BROKEN_ONCE = (
    *(211, 295, 489, 542, 595, 654, 695, 737, 808, 919, 930, 952, 1362, 1526),
    *(1764, 1793, 3264, 700_209, 700_214, 710_074, 1_002_314, 1_003_092, 1_003_173, 1_003_265, 1_003_701, 1_003_714),
)


needs_bounds = pytest.mark.skipif(unbounded() is not None, reason=unbounded() or "")

# A system without the module, and one without the signal.
HIDDEN = {
    "sys.modules['resource'] = None": "Python has no module `resource`",
    "import signal; del signal.SIGPROF, signal.setitimer": "there is no signal SIGPROF",
}


def _but_the_key(subject: Subject, name: str, value: object) -> None:
    """Keeps a check from seeing that there is an answer key."""
    object.__setattr__(subject, name, False if name == "has_answer_key" else value)


def _failures(outcome: Outcome) -> list[str]:
    return [
        f"bank {outcome.number}, {run}: {failure.sort}: {'; '.join(failure.signs)}\n{failure.detail}"
        for run, failure in outcome.failures
    ]


@needs_bounds
@pytest.mark.parametrize("number", range(6))
def test_a_random_bank_keeps_the_promise(number: int) -> None:
    outcome = judge_bank(number, BOUNDS)
    assert not outcome.failures, "\n".join(_failures(outcome))
    assert outcome.refused or outcome.runs == len(PLANTINGS)


@pytest.mark.parametrize("by_command", [False, True])
def test_an_assertion_that_cannot_be_asked_breaks_the_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_command: bool
) -> None:
    file, run = tmp_path / "tiny.yaml", promise.Run("baseline", date(2030, 1, 1), 3, 42, by_command)
    file.write_text(json.dumps(tiny()), encoding="utf-8")
    assert promise.run_bank(file, bank_of(tiny()), run) is None
    monkeypatch.setattr(Subject, "__setattr__", _but_the_key)
    failure = promise.run_bank(file, bank_of(tiny()), run)
    assert failure is not None and "not " in failure.signs[0] and "asked" in failure.signs[0]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_where_nothing_bounds_a_bank_the_tests_of_banks_skip_and_say_why(hidden: str) -> None:
    name = "tests/random_banks/test_promise.py::test_a_random_bank_keeps_the_promise"
    code = f"import sys; {hidden}; import pytest; sys.exit(pytest.main(['-rs', '-p', 'no:cacheprovider', '{name}']))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert "6 skipped" in ran.stdout and HIDDEN[hidden] in ran.stdout


@needs_bounds
@pytest.mark.matrix
def test_sixty_random_banks_and_those_that_broke_it_once_keep_the_promise() -> None:
    judged = list(outcomes((*BANKS, *BROKEN_ONCE), 2, BOUNDS))
    failures = [text for outcome in judged for text in _failures(outcome)]
    assert not failures, "\n".join(failures)
    refused = {outcome.number: outcome.refused for outcome in judged if outcome.refused}
    assert len(refused) <= MOST_REFUSED, refused
    whole = [outcome.number for outcome in judged if outcome.runs == len(PLANTINGS) or outcome.refused]
    assert sorted(whole) == sorted((*BANKS, *BROKEN_ONCE))
