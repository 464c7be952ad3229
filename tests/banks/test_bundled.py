"""The bundled banks make what they say, and the benchmark's yardstick makes the same."""

import os
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

import seedbed
from seedbed.program.outline import outline

ROOT = Path(__file__).parents[2]
BANKS = sorted((ROOT / "src" / "seedbed" / "banks").glob("*.yaml"))
# The yardstick knows no key of the newer spelling.
OLDER = ("harbor_trust", "spec_example")
ANCHOR = date(2030, 1, 1)


def test_three_banks_come_with_the_package() -> None:
    assert [path.stem for path in BANKS] == ["harbor_trust", "river_union", "spec_example"]


@pytest.mark.parametrize("path", BANKS, ids=lambda path: path.stem)
def test_a_bank_file_is_named_after_its_instance_and_ends_its_lines_in_time(path: Path) -> None:
    assert seedbed.load_instance(path).instance == path.stem
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 118 or line != line.rstrip()] == []


@pytest.mark.parametrize("path", BANKS, ids=lambda path: path.stem)
def test_every_rail_fires(path: Path) -> None:
    bank = seedbed.load_instance(path)
    made: Counter[str] = Counter()
    for part in seedbed.generate(bank, anchor=ANCHOR).parts:
        made.update(part["transactions"]["rail_name"].to_pylist())
    for line in outline(bank, ANCHOR).rails:
        assert made[line.rail] >= (max(line.expected_rows / 2, 5) if line.expected_legs >= 20 else 1), line.rail


@pytest.mark.parametrize("path", [path for path in BANKS if path.stem in OLDER], ids=lambda path: path.stem)
def test_the_yardstick_makes_as_many_rows_of_every_rail(path: Path, tmp_path: Path) -> None:
    script = tmp_path / "per_row.sql"
    command = [sys.executable, str(ROOT / "benchmarks" / "per_row.py"), str(path), "-o", str(script)]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    copied = script.read_text(encoding="utf-8").partition("FROM stdin;\n")[2].partition("\\.\n")[0]
    made = Counter(line.split("\t")[15] for line in copied.splitlines())
    for line in outline(seedbed.load_instance(path), ANCHOR).rails:
        wanted = float(line.expected_rows)
        # Five standard deviations of a Poisson count; up to four rows come of one firing.
        assert made[line.rail] == pytest.approx(wanted, abs=5 * (4 * wanted) ** 0.5), line.rail
