"""Day digests and marks: they do not depend on how rows come in parts, and lead to the first row that differs."""

from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from seedbed.ledger.columns import ANSWER_KEY, DAILY_BALANCES
from seedbed.ledger.digest import TableDigest
from seedbed.lockfile import days
from seedbed.lockfile.days import WHOLE, DayFacts, TableSums, differing_stretch, read_marks

START = datetime(2029, 12, 30)  # noqa: DTZ001 - ledgers have local times


def balances(count: int, changed: int | None = None, gone: int | None = None) -> pa.Table:
    """Rows of two days in turn; one of them may be changed or gone."""
    rows = []
    for entry in range(count):
        start = START + timedelta(days=entry % 2)
        rows.append(
            {
                "entry": entry,
                "account_id": f"a{entry // 2}",
                "account_name": "Account",
                "account_role": "Customer",
                "account_scope": "internal",
                "account_parent_role": None,
                "expected_eod_balance": None,
                "business_day_start": start,
                "business_day_end": start + timedelta(days=1),
                "money": entry + (entry == changed) * 100,
                "limits": None,
                "supersedes": None,
            }
        )
    kept = [row for row in rows if row["entry"] != gone]
    return pa.Table.from_pylist(kept, schema=DAILY_BALANCES.arrow_schema())


def facts_of(*tables: pa.Table, window_days: int = 90) -> dict[str, DayFacts]:
    sums = TableSums(DAILY_BALANCES, window_days)
    for table in tables:
        sums.add(table)
    return sums.facts


def test_rows_are_told_apart_by_day() -> None:
    facts = facts_of(balances(11))
    assert {day: day_facts.rows for day, day_facts in facts.items()} == {"2029-12-30": 6, "2029-12-31": 5}


def test_parts_of_any_size_come_to_the_same() -> None:
    rows = balances(40)
    assert facts_of(rows) == facts_of(rows.slice(0, 7), rows.slice(7, 0), rows.slice(7, 1), rows.slice(8))


def test_the_days_add_up_to_the_digest_of_the_table() -> None:
    sums = TableSums(DAILY_BALANCES, 90)
    sums.add(balances(40))
    assert sums.total == TableDigest.of(DAILY_BALANCES, balances(40))


@pytest.mark.parametrize("changed", [0, 1, 18, 37, 39])
def test_the_marks_lead_to_the_changed_row(changed: int) -> None:
    day = "2029-12-30" if changed % 2 == 0 else "2029-12-31"
    before, now = facts_of(balances(40)), facts_of(balances(40, changed=changed))
    assert {name for name in before if before[name] != now[name]} == {day}
    assert differing_stretch(before[day], now[day]) == (changed // 2, changed // 2 + 1)


@pytest.mark.parametrize("gone", [0, 18, 38])
def test_the_marks_lead_to_the_place_of_a_row_that_is_gone_or_new(gone: int) -> None:
    before, now = facts_of(balances(40))["2029-12-30"], facts_of(balances(40, gone=gone))["2029-12-30"]
    assert differing_stretch(before, now) == (gone // 2, gone // 2 + 1)
    assert differing_stretch(now, before) == (gone // 2, gone // 2 + 1)


@pytest.mark.parametrize("changed", [0, 126, 200, 398])
def test_a_day_of_many_rows_has_a_mark_for_every_few(changed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "MOST_MARKS", 16)
    before, now = (facts_of(balances(400, changed=place))["2029-12-30"] for place in (None, changed))
    assert before.stretch == 16
    assert len(read_marks(before.marks)) == 200 // 16
    start, stop = differing_stretch(before, now)
    assert start <= changed // 2 < stop <= start + 16


def test_days_with_marks_of_other_stretches_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    fine = facts_of(balances(400))["2029-12-30"]
    monkeypatch.setattr(days, "MOST_MARKS", 16)
    coarse = facts_of(balances(400, changed=200))["2029-12-30"]
    assert differing_stretch(fine, coarse) == (96, 112)


def test_the_answer_key_is_one_day() -> None:
    sums = TableSums(ANSWER_KEY, 90)
    line = {column.name: "x" for column in ANSWER_KEY.columns} | {"line": 1}
    sums.add(pa.Table.from_pylist([line], schema=ANSWER_KEY.arrow_schema()))
    assert set(sums.facts) == {WHOLE}


@pytest.mark.parametrize("text", ["A", "A!", "Aé"])
def test_marks_of_other_characters_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_marks(text)
