"""YAML's own errors say what to write instead, with line and column."""

import pytest

from seedbed.bank.load import parse_instance_text
from seedbed.errors import InstanceError


@pytest.mark.parametrize(
    ("text", "place", "advice"),
    [
        ("a:\n\t- b", (2, 1), "this line is indented with a tab: use spaces"),
        ("a: x\n\tb: c", (2, 1), "this line is indented with a tab: use spaces"),
        ("a:\n  - b: c\n    d: e\n   f: g", (4, 4), "this line is not indented like the list items above it"),
        ("a:\n  b: c\n d: e", (3, 2), "this line is not indented like the lines above it"),
        ("a: b: c", (1, 5), "a colon with a space starts a new key here: put the text in quotes"),
        ("a: [1, 2\nb: []", (2, 2), "a list that begins with \\[ is not closed"),
        ("a: {b: 1\nc: 2", (2, 2), "a mapping that begins with { is not closed"),
        ('a: "b', (1, 6), "the quote is not closed"),
        ("a: @b", (1, 4), "text cannot begin with this character: put it in quotes"),
    ],
)
def test_a_text_that_is_no_yaml_gets_advice(text: str, place: tuple[int, int], advice: str) -> None:
    with pytest.raises(InstanceError, match=advice) as raised:
        parse_instance_text(text)
    (problem,) = raised.value.problems
    assert (problem.line, problem.column) == place


def test_an_amount_with_a_comma_is_explained() -> None:
    with pytest.raises(InstanceError, match="a comma ends the value; write amounts without commas"):
        parse_instance_text("instance: x\nlimit_schedules:\n  - {parent_role: A, transfer_type: x, cap: 10,000.00}")
