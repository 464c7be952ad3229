"""Formats values. Money, counts, days, times and ages look the same on every sheet and in every file."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from seedbed import money
from seedbed.dashboard.ledger import Kind, Scalar

__all__ = ["MINUS", "NUMERIC", "exact", "shown"]

# Kinds that are aligned right, so that decimal points stand in one line.
NUMERIC = frozenset(("money", "count", "ratio", "age"))
NOTHING = "–"
MINUS = "\u2212"
DIGIT_SPACE = "\u2007"
DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS = 86_400, 3_600, 60


def shown(value: Scalar, kind: Kind) -> str:
    """A value for a reader: thousands separators, two decimals, a true minus sign, ISO dates."""
    if value is None:
        return NOTHING
    if kind in FORMS:
        return FORMS[kind](value)
    return value.isoformat() if isinstance(value, date) else str(value)


def exact(value: Scalar, kind: Kind) -> str:
    """A value for a program: no separators, all decimals, a hyphen for the minus, nothing for null."""
    if value is None:
        return ""
    if kind == "money":
        assert isinstance(value, int)
        return money.format(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return value.isoformat() if isinstance(value, date) else str(value)


def _signed(value: Any, magnitude: str) -> str:
    return f"{MINUS if value < 0 else ''}{magnitude}"


def _age(seconds: int) -> str:
    """The two largest units of a duration. Spaces as wide as a digit align the units of all rows."""
    days, rest = divmod(abs(seconds), DAY_SECONDS)
    hours, minutes = rest // HOUR_SECONDS, rest % HOUR_SECONDS // MINUTE_SECONDS
    if days:
        return f"{days:,} d {hours:{DIGIT_SPACE}>2} h"
    return f"{hours} h {minutes:{DIGIT_SPACE}>2} min" if hours else f"{minutes} min"


# Names of views and of their values, as a page shows them.
WORDS = {
    "drift": "Drift",
    "ledger_drift": "Ledger drift",
    "overdraft": "Overdraft",
    "expected_eod_balance_breach": "Expected balance missed",
    "limit_breach": "Limit breach",
    "stuck_pending": "Stuck pending",
    "stuck_unbundled": "Stuck unbundled",
    "supersession_audit": "Correction",
    "chain_exceptions": "Chain",
    "fan_in_exceptions": "Fan-in",
    "transfer_net": "Off net",
    "leg_xor_exceptions": "Leg choice",
    "late_posting": "Late posting",
    "unmatched_postings": "Undeclared",
    "posted_requirement_gaps": "Missing key",
    "missing_child": "Child is missing",
    "several_children": "More than one child",
    "no_parent": "Parent is missing",
    "missing": "Parents are missing",
    "extra": "More parents than expected",
    "orphan": "A single parent",
    "missed": "No leg rail of the group",
    "overlap": "Several leg rails of the group",
    "daily_balances": "Balance",
    "transactions": "Leg",
    "inv_fanout": "fan-out",
    "hard_negative": "hard negative",
}

# The formatter of each kind. Values of other kinds are shown unchanged.
FORMS: Mapping[Kind, Callable[[Any], str]] = {
    "money": lambda cents: _signed(cents, money.grouped(abs(cents))),
    "count": lambda count: _signed(count, f"{abs(count):,}"),
    "ratio": lambda ratio: _signed(ratio, f"{abs(ratio):.2f}"),
    "age": _age,
    "flag": lambda flag: "yes" if flag else "no",
    "moment": lambda moment: moment.isoformat(sep=" ", timespec="seconds"),
    "word": lambda word: WORDS.get(word, word.replace("_", " ")),
}
