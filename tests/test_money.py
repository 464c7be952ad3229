"""Cents become text and decimals, and these become cents again, exactly; nobody else converts them."""

import ast
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed import money

SOURCE = Path(__file__).parents[1] / "src" / "seedbed"
MOST = money.MAX_DOLLARS * money.CENTS_PER_DOLLAR
AMOUNTS = st.integers(-MOST, MOST)

# Where a factor of 100 is a percentage, not cents.
PERCENTAGES = {"baseline/chains.py": 1, "planting/planter.py": 1, "planting/negatives.py": 1}


@given(cents=AMOUNTS)
def test_what_is_written_is_read_as_the_same_cents(cents: int) -> None:
    assert money.parse(money.format(cents)) == cents
    assert money.from_decimal(money.to_decimal(cents)) == cents


@given(cents=AMOUNTS)
def test_text_and_decimal_of_an_amount_are_the_same_figures(cents: int) -> None:
    assert money.format(cents) == str(money.to_decimal(cents)) == money.grouped(cents).replace(",", "")


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        (0, "0.00"),
        (5, "0.05"),
        (-5, "-0.05"),
        (-100, "-1.00"),
        (123_450, "1,234.50"),
        (-123_456_789, "-1,234,567.89"),
        (MOST, "10,000,000,000,000.00"),
        (10**30 + 1, "10,000,000,000,000,000,000,000,000,000.01"),
    ],
)
def test_amounts_have_two_decimals_and_a_sign_of_their_own(cents: int, text: str) -> None:
    assert money.grouped(cents) == text
    assert money.format(cents) == text.replace(",", "")


@pytest.mark.parametrize("cents", [np.int64(-1_205), Decimal(-1_205)])
def test_whole_numbers_of_engines_and_arrays_are_written_too(cents: int) -> None:
    assert money.format(cents) == "-12.05"


@pytest.mark.parametrize(("text", "cents"), [("5000", 500_000), ("-12.5", -1_250), ("0.01", 1), ("-0.05", -5)])
def test_short_forms_are_read(text: str, cents: int) -> None:
    assert money.parse(text) == cents


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not an amount of money such as 5000.00"),
        ("1,000.00", "is not an amount of money such as 5000.00"),
        ("010", "is not an amount of money such as 5000.00"),
        ("0.001", "is not an amount of money such as 5000.00"),
        ("+5", "is not an amount of money such as 5000.00"),
        ("٣", "is not an amount of money such as 5000.00"),
        ("-0.00", "is zero with a sign; write 0.00"),
        ("10000000000000.01", "is more than 10,000,000,000,000.00"),
        ("-10000000000000.01", "is more than 10,000,000,000,000.00"),
    ],
)
def test_what_is_no_amount_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(money.MoneyError) as error:
        money.parse(text)
    assert str(error.value) == message


def test_parts_of_a_cent_are_refused_unless_the_caller_says_where_they_go() -> None:
    with pytest.raises(money.MoneyError, match="has parts of a cent"):
        money.from_decimal(Decimal("-0.005"))
    assert money.from_decimal(Decimal("-12.349"), ROUND_DOWN) == -1_234
    assert money.from_decimal(Decimal("12.345"), ROUND_HALF_EVEN) == 1_234
    assert money.from_decimal(Decimal("12.3450001"), ROUND_HALF_EVEN) == 1_235


def test_a_cent_is_the_smallest_amount() -> None:
    assert money.from_decimal(money.CENT) == 1
    assert money.format(1) == str(money.CENT)


def test_no_other_module_turns_cents_into_dollars_by_hand() -> None:
    found: dict[str, int] = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            factors = (
                (node.left, node.right) if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Add) else ()
            )
            by_hand = any(isinstance(factor, ast.Constant) and factor.value == 100 for factor in factors)
            if by_hand or (isinstance(node, ast.Attribute) and node.attr == "scaleb" and path.name != "money.py"):
                name = path.relative_to(SOURCE).as_posix()
                found[name] = found.get(name, 0) + 1
    assert found == PERCENTAGES
