"""The periods in which a bank file counts firings, and how many business days one has."""

from collections.abc import Mapping

from seedbed.bank.model import TypicalFirings

__all__ = ["PERIOD_DAYS", "busiest_day"]

# Business days, holidays left out. A pay period is two weeks.
PERIOD_DAYS: Mapping[str, int] = {"business_day": 1, "pay_period": 10, "week": 5, "month": 21}
# Firings fall on the days of their period by chance, so that one day can have several times its share.
CLUSTERED, FEW = 3, 5


def busiest_day(typical: TypicalFirings) -> float:
    """The firings of a busy day, at the most that the range allows."""
    most, days = typical.range[1], PERIOD_DAYS[typical.period]
    return float(most if days == 1 else min(most, CLUSTERED * most / days + FEW))
