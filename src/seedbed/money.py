"""Money: whole cents inside, text and decimals outside. Every amount that is read or written passes through here.

The core adds and compares cents as integers, so it is exact. Array code keeps its cents and never formats them.
"""

import re
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedbed.units import Cents

__all__ = [
    "CENT",
    "CENTS_PER_DOLLAR",
    "CURRENCY",
    "EXPONENT",
    "MAX_AMOUNT_CENTS",
    "MAX_DOLLARS",
    "PATTERN",
    "MoneyError",
    "format",
    "from_decimal",
    "grouped",
    "parse",
    "to_decimal",
]

# The bank's currency (ISO 4217), and how many decimal places its amounts have.
CURRENCY, EXPONENT = "USD", 2
CENTS_PER_DOLLAR: int = 10**EXPONENT
CENT = Decimal(1).scaleb(-EXPONENT)

MAX_DOLLARS = 10**13  # Sums of many such amounts still fit into 64 bits of cents.
# No generated amount is larger, whatever its distribution: 88 billion dollars, so that a million rows fit in int64.
MAX_AMOUNT_CENTS = 2**43

# ASCII digits only, no leading zeros (elsewhere `010` is 8), bounded before any conversion.
PATTERN = re.compile(r"-?(?:0|[1-9][0-9]{0,13})(?:\.[0-9]{1,2})?")


class MoneyError(ValueError):
    """Not an amount of whole cents. The message continues a sentence that begins with the amount."""


def parse(text: str) -> "Cents":
    """The cents of an amount in dollars with at most two decimals, `5000` or `-12.50`.

    Raises MoneyError for anything else, for more than 10^13 dollars either way, and for zero with a sign.
    """
    if not PATTERN.fullmatch(text):
        raise MoneyError("is not an amount of money such as 5000.00")
    dollars, _, fraction = text.removeprefix("-").partition(".")
    cents = int(dollars) * CENTS_PER_DOLLAR + int(fraction.ljust(EXPONENT, "0"))
    if cents > MAX_DOLLARS * CENTS_PER_DOLLAR:
        raise MoneyError(f"is more than {grouped(MAX_DOLLARS * CENTS_PER_DOLLAR)}")
    if text.startswith("-") and cents == 0:
        raise MoneyError(f"is zero with a sign; write {format(0)}")
    return -cents if text.startswith("-") else cents


def format(cents: "Cents") -> str:
    """Cents as dollars with two decimals, as `parse` reads them: `-1234.50`. Whole numbers of any type will do."""
    return grouped(cents).replace(",", "")


def grouped(cents: "Cents") -> str:
    """As `format`, with thousands separators: `-1,234.50`."""
    dollars, rest = divmod(abs(int(cents)), CENTS_PER_DOLLAR)
    return f"{'-' if cents < 0 else ''}{dollars:,}.{rest:0{EXPONENT}}"


def to_decimal(cents: "Cents") -> Decimal:
    """Cents as exact dollars with two places."""
    return Decimal(cents).scaleb(-EXPONENT)


def from_decimal(dollars: Decimal, rounding: str | None = None) -> "Cents":
    """Exact dollars as cents.

    Parts of a cent raise MoneyError, unless `rounding` (one of the `decimal` module's) says where they go.
    """
    cents = dollars.scaleb(EXPONENT)
    whole = cents.to_integral_value(rounding or ROUND_DOWN)
    if rounding is None and whole != cents:
        raise MoneyError("has parts of a cent")
    return int(whole)
