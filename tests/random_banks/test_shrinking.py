"""A bank that fails is made small: it still fails, and making it small ends."""

from itertools import count

import pytest

from seedbed.bank.load import parse_instance_text
from seedbed.errors import InstanceError
from tests.random_banks.draft import Element
from tests.random_banks.generator import bank_numbered, yaml_text
from tests.random_banks.shapes import SHAPES, Look
from tests.random_banks.shrinking import shrunk

# Shapes that stand for failures, with the most rails and accounts that are left when no single step makes it smaller.
NEEDED = {
    "chains in a circle": (3, 2),
    "sweep of a sweep of a sweep": (4, 3),
    "rail in several templates": (1, 2),
    "template of several blocks": (0, 2),
}


def has(plain: Element, shape: str) -> bool:
    """Whether a bank is valid and has a shape."""
    try:
        return SHAPES[shape](Look(parse_instance_text(yaml_text(plain))))
    except InstanceError:
        return False


def first_with(shape: str) -> Element:
    """The first random bank of this shape."""
    return next(bank for bank in map(bank_numbered, count()) if has(bank, shape))


@pytest.mark.parametrize("shape", NEEDED)
def test_a_bank_is_made_as_small_as_its_failure_allows(shape: str) -> None:
    tried = count()
    small = shrunk(first_with(shape), lambda plain: next(tried) >= 0 and has(plain, shape), lambda: False)
    assert has(small, shape)
    rails, accounts = NEEDED[shape]
    assert len(small["rails"]) <= rails
    assert len(small["accounts"]) + len(small.get("account_templates", ())) <= accounts
    assert next(tried) < 1_000


def test_it_ends_when_its_time_is_over() -> None:
    shape, tried = "chains in a circle", count()
    small = shrunk(first_with(shape), lambda plain: has(plain, shape), lambda: next(tried) > 20)
    assert has(small, shape)
    assert next(tried) < 25


def test_what_names_a_thing_that_goes_goes_with_it() -> None:
    shape = "role with several accounts"
    every = (bank for bank in map(bank_numbered, count()) if len(bank.get("baseline", ())) == 2 and has(bank, shape))
    small = shrunk(next(every), lambda plain: has(plain, shape), lambda: False)
    assert not any(small.get("baseline", {}).values())
