"""How many child transfers of fan-in chains to expect.

Parents gather per unit account. Their number in a window is taken for Poisson, as that of primary firings is.
"""

from decimal import Decimal

__all__ = ["daily_children", "expected_children"]

# Beyond so many parents of an account their number hardly differs from its mean.
MANY_PARENTS = 400
# A chance that nothing depends on.
NEGLIGIBLE = Decimal("1e-9")


def daily_children(parents: Decimal, units: int, expected_parents: int | None) -> Decimal:
    """The child transfers per business day of so many parents a day of these unit accounts, in the long run.

    Without an expected number a lone parent waits for the next day: a day without a waiting parent leaves one if
    exactly one comes, and the next parent of any day ends the wait.
    """
    if expected_parents is not None:
        return parents / expected_parents
    mean = parents / max(units, 1)
    if not mean or mean > MANY_PARENTS:
        return Decimal(units) if mean else Decimal(0)
    none = (-mean).exp()
    some, alone = 1 - none, mean * none
    return max(units, 1) * some * some / (some + alone)


def expected_children(
    parents: Decimal, units: int, days: int, expected_parents: int | None
) -> tuple[Decimal, Decimal]:
    """The expected child transfers in a window of so many business days, and the parents that have a share in one.

    `parents` is the expected number of parents of these unit accounts in the window.
    """
    if not parents or not days or not units:
        return Decimal(0), Decimal(0)
    mean = parents / units
    if expected_parents is not None:
        children = units * _full_groups(mean, expected_parents)
        return children, children * expected_parents
    daily = parents / days
    each = daily / daily_children(daily, units, None)
    shares = parents - units * _left_over(mean, mean / days)
    return shares / each, shares


def _left_over(mean: Decimal, daily: Decimal) -> Decimal:
    """The chance that a parent of an account still waits at the end, as on any day or as an odd number leaves one."""
    if daily > MANY_PARENTS:
        return Decimal(0)
    none = (-daily).exp()
    alone = daily * none
    return min(alone / (1 - none + alone), (1 - (-2 * mean).exp()) / 2)


def _full_groups(mean: Decimal, size: int) -> Decimal:
    """The expected whole groups of this size among a Poisson number of parents."""
    if mean > MANY_PARENTS:
        return max(mean / size - Decimal("0.5"), Decimal(0))
    groups, term, reached, number = Decimal(0), (-mean).exp(), Decimal(1), 0
    # Each multiple of the size that the number reaches is one more group; `reached` is the chance of that.
    while reached > NEGLIGIBLE:
        if number and number % size == 0:
            groups += reached
        reached -= term
        number += 1
        term *= mean / number
    return groups
