"""Random banks are functions of their number, mostly valid, and of every shape that the grammar admits."""

from collections import Counter
from contextlib import suppress

from seedbed.bank.load import parse_instance_text
from seedbed.bank.model import Bank
from seedbed.errors import InstanceError
from tests.random_banks.generator import HUGE_EVERY, NEWER, bank_numbered, yaml_text
from tests.random_banks.shapes import SHAPES, shapes_of

# The first is one with hundreds of rails; half of them have features of the newer grammar.
NUMBERS = [*range(HUGE_EVERY - 1, HUGE_EVERY + 299), *range(NEWER, NEWER + 300)]


def test_a_number_is_the_same_bank_every_time() -> None:
    assert yaml_text(bank_numbered(7)) == yaml_text(bank_numbered(7)) != yaml_text(bank_numbered(8))


def test_six_hundred_banks_reach_every_shape_several_times() -> None:
    reached: Counter[str] = Counter()
    for number in NUMBERS:
        with suppress(InstanceError):
            reached.update(shapes_of(parse_instance_text(yaml_text(bank_numbered(number)))))
            reached["valid"] += 1
    assert reached["valid"] >= 0.95 * len(NUMBERS)
    rare = {"hundreds of rails": 1, "template of several blocks": 1, "no rail": 1}
    assert {shape for shape in SHAPES if reached[shape] < rare.get(shape, 3)} == set()


def test_a_bank_file_says_what_the_bank_is() -> None:
    plain = next(bank for bank in map(bank_numbered, range(50)) if bank["rails"] and not bank.get("chains"))
    assert parse_instance_text(yaml_text(plain)) == Bank.model_validate(plain)
