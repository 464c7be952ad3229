"""Each small language: what it reads, as what, and what it refuses."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed import money
from seedbed.bank import grammar, timing
from seedbed.bank.grammar import ScalarError
from seedbed.bank.timing import Cadence, Completion

Parse = Callable[[Any], Any]

READ: list[tuple[Parse, Any, Any]] = [
    (grammar.parse_money, "5000", 500_000),
    (grammar.parse_money, "5000.00", 500_000),
    (grammar.parse_money, "-12.5", -1_250),
    (grammar.parse_money, "0.01", 1),
    (grammar.parse_money, "10000000000000", 10**15),
    (grammar.parse_money, 12, 1_200),
    (grammar.parse_money, Decimal("0.10"), 10),
    (grammar.parse_positive_money, "0.01", 1),
    (timing.parse_duration, "PT4H", 4 * 3600),
    (timing.parse_duration, "P31D", 31 * 86_400),
    (timing.parse_duration, "P1DT12H", 36 * 3600),
    (timing.parse_duration, "PT90M", 5_400),
    (timing.parse_duration, "P2W", 14 * 86_400),
    (timing.parse_duration, "PT1H2M3S", 3_723),
    (grammar.parse_roles, "A", ("A",)),
    (grammar.parse_roles, "(A | B|A)", ("A", "B")),
    (grammar.parse_roles, ["B", "A", "B"], ("B", "A")),
    (grammar.parse_roles, "Cash (USD)", ("Cash (USD)",)),
    (grammar.parse_roles, "(Cash (USD) | A)", ("Cash (USD)", "A")),
    (grammar.parse_name, "'; drop table x; --", "'; drop table x; --"),
    (grammar.parse_name, "Marks & Spencer \\", "Marks & Spencer \\"),
    (grammar.parse_name, "😀 é", "😀 é"),
    (grammar.parse_name, "=cmd|'/C calc'!A0", "=cmd|'/C calc'!A0"),
    (grammar.parse_text, "a\nb\tc ", "a\nb\tc "),
    (grammar.parse_line, "", ""),
    (grammar.parse_flag, "true", True),
    (grammar.parse_flag, False, False),
    (grammar.parse_account_pattern, "{role}-{n:03d}", "{role}-{n:03d}"),
    (grammar.parse_account_pattern, "100% {n:012d}", "100% {n:012d}"),
    (grammar.parse_sigma, "4", Decimal(4)),
    (grammar.parse_sigma, "0.000001", Decimal("0.000001")),
    (grammar.parse_multiplier, "0", Decimal(0)),
    (grammar.parse_multiplier, "1000.0", Decimal("1000.0")),
    (grammar.parse_count, "100000000", 100_000_000),
    (grammar.parse_count, 0, 0),
    (grammar.parse_offset_hours, "-23", -23),
    (grammar.parse_offset_hours, "+5", 5),
    (grammar.parse_instance, "spec_example", "spec_example"),
    (grammar.parse_instance, "selection", "selection"),
    (timing.parse_cadence, "intraday-24h", Cadence("intraday", 24, "intraday-24h")),
    (timing.parse_cadence, "daily_eod", Cadence("daily-eod", 0, "daily-eod")),
    (timing.parse_cadence, "daily-bod", Cadence("daily-bod", 0, "daily-bod")),
    (timing.parse_cadence, "weekly-sun", Cadence("weekly", 6, "weekly-sun")),
    (timing.parse_cadence, "monthly_eom", Cadence("monthly-eom", 0, "monthly-eom")),
    (timing.parse_cadence, "monthly-31", Cadence("monthly", 31, "monthly-31")),
    (timing.parse_completion, "business_day_end", Completion("business_day_end", 0, "", "business_day_end")),
    (timing.parse_completion, "business_day_end+2d", Completion("business_day_end", 2, "", "business_day_end+2d")),
    (timing.parse_completion, "month_end", Completion("month_end", 0, "", "month_end")),
    (timing.parse_completion, "metadata.due on", Completion("metadata", 0, "due on", "metadata.due on")),
]

HOSTILE_NUMBERS = (
    *("1:30", "010", "1_000", "0x10", ".nan", ".inf", "1e400", "1E2", "-0", "true", "", " 1", "1 ", "1,000"),
    *("1.", ".5", "+1.5", "１２", "٣", "9" * 5_000, "1\n", "NaN", "Infinity", "--1"),
)

REFUSED: list[tuple[Parse, tuple[Any, ...]]] = [
    (
        grammar.parse_money,
        (
            *HOSTILE_NUMBERS,
            "0.001",
            "10000000000000.01",
            "1e30",
            None,
            True,
            1.5,
            [],
            Decimal("NaN"),
            Decimal("1E+30"),
        ),
    ),
    (grammar.parse_positive_money, ("0", "0.00", "-1", "1e30")),
    (
        timing.parse_duration,
        (
            "",
            "P",
            "PT",
            "P1DT",
            "PT0H",
            "P1Y",
            "P1M",
            "P1W2D",
            "4h",
            "pt4h",
            "PT1.5H",
            "-PT4H",
            "P99999D",
            "PT4H\n",
            4,
        ),
    ),
    (grammar.parse_roles, ("", "()", "(A|)", "A | B", [], ["A", "(B | C)"], "(A", "(A | (B))", {}, None, [["A"]])),
    (grammar.parse_name, ("", " a", "a ", "a\u00a0", "a\nb", "a\tb", "a\0", "\ud800", "e\u0301", "x" * 201, None, 1)),
    (grammar.parse_name, tuple("\u202e\u2066\ufeff\u2028\u2029\u0085\x1b\u200f")),
    (grammar.parse_text, ("\0", "\u202e", None, [])),
    (grammar.parse_line, ("a\nb", "a\tb", "x" * 1_001)),
    (grammar.parse_flag, ("yes", "True", "1", "", None, 1, [])),
    (
        grammar.parse_account_pattern,
        (
            *("{n.__init__.__globals__}", "{n:>5000000000}", "{n:3d}", "{n:d}", "{n:013d}", "{n:00d}", "{n!r}", "{}"),
            *("{{n}}", "{x}", "{role.x}", "{", "}", "{n", " {n}", "{n}\n", "", None),
        ),
    ),
    (grammar.parse_sigma, (*HOSTILE_NUMBERS, "0", "-1", "4.000001", "50", None, True, 0.5)),
    (grammar.parse_multiplier, (*HOSTILE_NUMBERS, "-1", "1000.1", "-0.0", None, True)),
    (grammar.parse_count, (*HOSTILE_NUMBERS, "-1", "100000001", "1.0", None, True, 1.0)),
    (grammar.parse_offset_hours, ("24", "-24", "1.5", "01", "", "１", None, True)),
    (
        grammar.parse_instance,
        (
            *("", "Tiny", "1a", "_a", "a-b", "a b", "a" * 31, 'x"; drop schema public', "é", "a\n", None),
            *("select", "table", "pg", "pg_a", "sqlite", "sqlite_x", "tiny_current"),
        ),
    ),
    (
        timing.parse_cadence,
        (
            *("", "hourly", "intraday-0h", "intraday-25h", "intraday-1", "weekly-day", "weekly", "monthly"),
            *("monthly-0", "monthly-32", "monthly-01", "Daily-eod", "daily-eod ", None, []),
        ),
    ),
    (
        timing.parse_completion,
        (
            "",
            "tomorrow",
            "business_day_end+",
            "business_day_end+-1d",
            "metadata.",
            "metadata. x",
            "month_end\n",
            None,
        ),
    ),
]


@pytest.mark.parametrize(("parse", "value", "expected"), READ)
def test_good_scalars_are_read(parse: Parse, value: Any, expected: Any) -> None:
    assert parse(value) == expected


@pytest.mark.parametrize(
    ("parse", "value"), [pytest.param(parse, value) for parse, values in REFUSED for value in values]
)
def test_bad_scalars_are_refused_in_one_short_line(parse: Parse, value: Any) -> None:
    with pytest.raises(ScalarError) as caught:
        parse(value)
    assert len(str(caught.value)) < 250
    assert str(caught.value).isprintable()


def test_every_cadence_is_read_back_from_its_text() -> None:
    assert [timing.parse_cadence(text) for text in timing.CADENCES] == list(timing.CADENCES.values())


@given(st.integers(-(10**15), 10**15))
def test_money_is_read_back_as_written(cents: int) -> None:
    assert grammar.parse_money(money.format(cents)) == cents


@given(st.integers(1, timing.MAX_DURATION_SECONDS))
def test_durations_are_read_back_as_written(seconds: int) -> None:
    assert timing.parse_duration(timing.format_duration(seconds)) == seconds


@given(st.text(alphabet="{}n:03d role-%s", max_size=15), st.integers(0, 10**8))
def test_a_pattern_renders_as_python_would_or_is_refused(pattern: str, number: int) -> None:
    try:
        grammar.parse_account_pattern(pattern)
    except ScalarError:
        return
    assert grammar.render_account_pattern(pattern, "Role", [number]) == [pattern.format(role="Role", n=number)]


def test_a_role_with_braces_and_percent_signs_is_rendered_as_it_is() -> None:
    assert grammar.render_account_pattern("{role}:{n:02d}%", "{n}%d", [7, 123]) == ["{n}%d:07%", "{n}%d:123%"]
