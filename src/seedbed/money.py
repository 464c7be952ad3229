"""Money: whole cents inside, text and decimals outside. Every amount that is read or written is converted here.

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

# The bank's currency (ISO 4217), and the number of decimals of its amounts.
CURRENCY, EXPONENT = "USD", 2
CENTS_PER_DOLLAR: int = 10**EXPONENT
CENT = Decimal(1).scaleb(-EXPONENT)

MAX_DOLLARS = 10**13  # Sums of many such amounts still fit into 64 bits of cents.
# The largest generated amount of any distribution: 88 billion dollars, so that a million rows fit into int64.
MAX_AMOUNT_CENTS = 2**43

# ASCII digits only, without leading zeros (some programs read `010` as 8). The pattern bounds the length.
PATTERN = re.compile(r"-?(?:0|[1-9][0-9]{0,13})(?:\.[0-9]{1,2})?")


class MoneyError(ValueError):
    """Not an amount of whole cents. The message continues a sentence that begins with the amount."""


def parse(text: str) -> "Cents":
    """The cents of an amount in dollars with at most two decimals, such as `5000` or `-12.50`.

    Raises MoneyError for any other text, for amounts beyond 10^13 dollars, and for zero with a sign.
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
    """Cents as dollars with two decimals, in the form that `parse` reads: `-1234.50`. Accepts any type of integer."""
    return grouped(cents).replace(",", "")


def grouped(cents: "Cents") -> str:
    """The same as `format`, with thousands separators: `-1,234.50`."""
    dollars, rest = divmod(abs(int(cents)), CENTS_PER_DOLLAR)
    return f"{'-' if cents < 0 else ''}{dollars:,}.{rest:0{EXPONENT}}"


def to_decimal(cents: "Cents") -> Decimal:
    """Cents as exact dollars with two decimals."""
    return Decimal(cents).scaleb(-EXPONENT)


def from_decimal(dollars: Decimal, rounding: str | None = None) -> "Cents":
    """Exact dollars as cents.

    Raises MoneyError for parts of a cent, unless `rounding` (a constant of the module `decimal`) is given.
    """
    cents = dollars.scaleb(EXPONENT)
    whole = cents.to_integral_value(rounding or ROUND_DOWN)
    if rounding is None and whole != cents:
        raise MoneyError("has parts of a cent")
    return int(whole)
