"""One smallest bank per message of the loader and per structural finding, with the expected text beside it."""

import re
from pathlib import Path

import pytest

from seedbed.bank.findings import FINDINGS
from seedbed.bank.load import validate_instance
from seedbed.bank.rules import RULES
from seedbed.program.findings import PROGRAM_FINDINGS, program_remarks

HERE = Path(__file__).parent
SOURCES = Path(__file__).parents[2] / "src" / "seedbed" / "bank"
BAD = sorted((HERE / "bad").glob("*.yaml"))
FINDING = sorted((HERE / "findings").glob("*.yaml"))

PROGRAM_IDS = {rule for rule, _ in PROGRAM_FINDINGS}

# What needs a file system or a file too large to keep; tested in test_load.py and test_document.py.
ELSEWHERE = {
    "file-encoding",
    "file-missing",
    "file-not-regular",
    "file-too-large",
    "file-unreadable",
    "more-problems",
    "yaml-long-text",
    "yaml-too-large",
    "yaml-too-many-problems",
}


def said(bank: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(bank.parent)
    _, problems, findings = validate_instance(bank.name, program_remarks)
    return "".join(f"{problem}\n" for problem in (*problems, *findings))


@pytest.mark.parametrize("bank", [*BAD, *FINDING], ids=lambda path: path.stem)
def test_a_bank_gives_the_expected_text(bank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(bank, monkeypatch) == bank.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("bank", [*BAD, *FINDING], ids=lambda path: path.stem)
def test_a_bank_is_named_after_the_rule_that_it_breaks(bank: Path) -> None:
    rule = re.sub(r"-[0-9]+$", "", bank.stem)
    assert f" [{rule}]\n" in bank.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("bank", BAD, ids=lambda path: path.stem)
def test_a_bad_bank_breaks_one_rule_only(bank: Path) -> None:
    rules = re.findall(r" \[([a-z-]+)\]$", bank.with_suffix(".txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(set(rules)) == 1


def rule_ids() -> set[str]:
    """The ids of all rules: those of the tables, and those that the loader's modules name."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.py"))
    said_somewhere = set(
        re.findall(r'"((?:bad|file|yaml|not|missing|unknown|list|rail|more|spelling)-[a-z-]+)"', text)
    )
    return {rule.id for rule in RULES} | {rule for rule, _ in FINDINGS} | PROGRAM_IDS | said_somewhere


def test_every_rule_has_a_smallest_bank() -> None:
    shown = {re.sub(r"-[0-9]+$", "", bank.stem) for bank in (*BAD, *FINDING)}
    assert rule_ids() - ELSEWHERE - shown == set()
    assert shown <= rule_ids()


def test_rule_ids_are_unique() -> None:
    ids = [rule.id for rule in RULES] + [rule for rule, _ in FINDINGS] + sorted(PROGRAM_IDS)
    assert len(set(ids)) == len(ids)
