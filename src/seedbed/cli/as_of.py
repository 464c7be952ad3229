"""The option `--as-of`: the moment up to which views count ages, read at the edge and nowhere else."""

import re
from datetime import date, datetime
from typing import Any

import click

from seedbed.errors import InputError, one_line

__all__ = ["as_of_option"]

# The time zone of all times in the tables, which are naive.
PLACE = "America/New_York"


def _now() -> datetime:
    """The present second in the bank's local time."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - only where the clock is asked for

    try:
        return datetime.now(ZoneInfo(PLACE)).replace(tzinfo=None, microsecond=0)
    except ZoneInfoNotFoundError:
        raise InputError(
            f"as-of: the time zone {PLACE} is not installed; run `pip install tzdata`, or give a date"
        ) from None


class MomentType(click.ParamType[datetime]):
    """A date as YYYY-MM-DD, which means the end of that day, or `now`."""

    name = "DATE|now"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Reads the moment."""
        if isinstance(value, datetime):
            return value
        text = str(value)
        if text == "now":
            return _now()
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise InputError(f"as-of: '{one_line(text, 40)}' is not a date in the form YYYY-MM-DD or 'now'")
        from seedbed.write.facts import end_of_day  # noqa: PLC0415 - `--help` does without Arrow

        try:
            return end_of_day(date.fromisoformat(text))
        except (ValueError, OverflowError):
            raise InputError(f"as-of: {text} is not a valid date") from None


as_of_option = click.option(
    "--as-of",
    type=MomentType(),
    metavar="DATE|now",
    help="The moment up to which views count ages: the end of this day, or the current second in New York.",
)
