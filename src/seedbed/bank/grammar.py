"""The small languages inside a bank file's scalars: money, durations, roles, cadences, completions, patterns.

Each `parse_*` takes the scalar as the file has it (always text, or a Python value from a caller of the models) and
returns the program's own unit, or raises `ValueError` with the sentence that the user reads.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

__all__ = ["Cadence", "Completion"]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Cadence:
    """When an aggregating rail ticks.

    `family` is the word before the hyphen; `number` is the hours of `intraday-Nh`, the weekday (0 = Monday) of
    `weekly-<day>` or the day of `monthly-<day>`, and 0 for the others; `text` is the canonical spelling.
    """

    family: Literal["intraday", "daily-eod", "daily-bod", "weekly", "monthly-eom", "monthly-bom", "monthly"]
    number: int
    text: str


@dataclass(frozen=True)
class Completion:
    """By when a template's transfer must be complete.

    `family` `business_day_end` with `days` added days, `month_end`, or `metadata` with the metadata `key` that
    holds the date.
    """

    family: Literal["business_day_end", "month_end", "metadata"]
    days: int
    key: str
    text: str
