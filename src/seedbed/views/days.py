"""Business days in views: those of which there are balances, and what counts into the next one."""

from typing import NamedTuple

from seedbed.bank.links import Links
from seedbed.views.sql import Sql

__all__ = ["WAIT_COLUMNS", "CapDays", "cap_days", "chain_waits", "open_days", "past_wait", "wait_joins"]

# A relation of what `chain_waits` gives.
WAIT_COLUMNS = "label text, days whole, seconds whole, rolls whole"


def open_days(s: Sql) -> str:
    """Relations `business_days`, of which there are balances, and `open_days`; there `back` is 1 for the latest."""
    day = s.day("business_day_start")
    return f"""business_days AS (SELECT DISTINCT {day} AS day FROM {s.name("daily_balances")}),
open_days AS (SELECT day, ROW_NUMBER() OVER (ORDER BY day DESC) AS back FROM business_days)"""


def chain_waits(s: Sql) -> list[tuple[str, int, int, int]]:
    """The decisions whose children may take their time.

    Label, business days and seconds at the most, and whether the child of a closed day waits for a business day.
    """
    waits = ((decision.label, decision.patience) for decision in Links(s.bank).decisions)
    return [(label, of.days, of.seconds, int(of.rolls)) for label, of in waits if of]


def wait_joins(label: str) -> str:
    """The joins that give a parent with this label what `past_wait` looks at."""
    return f"""LEFT JOIN waits w ON w.label = {label}
LEFT JOIN open_days o ON o.back = w.days LEFT JOIN open_days n ON n.back = 1"""


def past_wait(s: Sql, last: str) -> str:
    """Whether a parent that last posted at `last` is older than the longest delay `w` of its child.

    `o` is the first of the latest business days, as many as the child may wait for; `n` is the latest.
    """
    day = s.day(last)
    return (
        f"((w.days = 0 OR {day} < o.day) AND (w.rolls = 0 OR {day} <= n.day) "
        f"AND (w.seconds = 0 OR {last} <= {s.earlier(s.as_of(), 'w.seconds')}))"
    )


class CapDays(NamedTuple):
    """The day to which a leg `t` counts for caps: relations to put before, a join, and the day."""

    relations: str
    join: str
    day: str


def cap_days(s: Sql) -> CapDays:
    """The business day of a leg; if the bank has rails that fire on closed days, of these the next business day.

    A day that begins before the first posting, on an account whose day is shifted, stays as it is.
    """
    own = s.business_day("t.posting", "t.account_role")
    if not Links(s.bank).always:
        return CapDays("", "", own)
    relations = f"""{open_days(s)},
posted AS (
  SELECT DISTINCT {own} AS own_day, {s.day("t.posting")} AS posted_day FROM {s.name("current_transactions")} t),
turns AS (
  SELECT p.own_day, CASE WHEN p.own_day < f.day THEN p.own_day ELSE COALESCE(MIN(b.day), p.own_day) END AS day
  FROM (SELECT DISTINCT own_day FROM posted) p CROSS JOIN (SELECT MIN(posted_day) AS day FROM posted) f
  LEFT JOIN business_days b ON b.day >= p.own_day GROUP BY p.own_day, f.day),
"""
    return CapDays(relations, f"\n  JOIN turns u ON u.own_day = {own}", "u.day")
