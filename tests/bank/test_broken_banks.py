"""Banks that are wrong in several places at once: every place has its own line, and nothing is a traceback."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from tests.bank.tiny import Data, bank_of, rail, sweep, tiny

from seedbed.bank.load import parse_instance_text
from seedbed.errors import InstanceError

BAD_NAMES = ["x ", "", "a\tb", "x" * 300]
WRONG_KEYS = [
    *BAD_NAMES,
    "[key]",
    "[0]",
    "0",
    "-1",
    "null",
    "é",
    "two_leg",
    "one_leg",
    "name",
    "leg_role",
    "Accounts",
]
WRONG_VALUES: list[Any] = [
    *["many", "-1", "99", "x ", "a\tb", "1e999", "nan", "P1D", "federal_reserve", "", None, True, 3, 1.5],
    *[[], {}, [[]], [{}], [None], ["a\tb"], ["?0", "?1"], [["a"], "b"]],
    *[{"x ": "y"}, {"x ": ["a\tb"]}, {"[key]": "many"}, {"x ": {"seed_volume_multiplier": "-1"}}],
]
Place = tuple[str | int, ...]


def problems(data: Data) -> list[str]:
    """The rule and the place of every problem."""
    with pytest.raises(InstanceError) as raised:
        bank_of(data)
    return sorted(f"{problem.rule} {problem.path}" for problem in raised.value.problems)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_and_the_bad_value_under_it_are_two_problems(name: str) -> None:
    shown = {rule.split(" ")[0] for rule in problems(tiny(role_business_day_offsets={name: "99"}))}
    assert shown == {"bad-name", "bad-hours"}
    shown = {rule.split(" ")[0] for rule in problems(tiny(baseline={"accounts": {name: "many"}}))}
    assert shown == {"bad-name", "bad-count"}
    override = {"seed_volume_multiplier": "-1", "seed_amount": {"median": "x", "sigma": "0"}}
    shown = {rule.split(" ")[0] for rule in problems(tiny(baseline={"rails": {name: override}}))}
    assert shown == {"bad-name", "bad-multiplier", "bad-money", "bad-sigma"}
    examples = rail("In", "Fed", "Customer", metadata_keys=["k"], metadata_value_examples={name: ["a\tb"]})
    shown = {rule.split(" ")[0] for rule in problems(tiny(rails=[examples]))}
    assert shown == {"bad-name", "bad-text"}


def test_a_bad_name_over_an_unknown_key_hides_nothing_else() -> None:
    found = problems(tiny(baseline={"rails": {"x ": {"seed_amont": {}}, "Nobody": {}}}, calendar="x"))
    assert [line.split(" ")[0] for line in found] == [
        "bad-name",
        "baseline-rail-undeclared",
        "calendar-unknown",
        "unknown-key",
    ]


@pytest.mark.parametrize("place", [(), ("accounts", 0), ("rails", 0), ("baseline",), ("baseline", "rails", "In")])
def test_a_key_that_is_called_like_a_step_to_a_key_is_an_unknown_key(place: Place) -> None:
    data = tiny(baseline={"rails": {"In": {}}})
    at(data, place)["[key]"] = "many"
    [line] = problems(data)
    assert line.startswith("unknown-key ")


def test_a_name_may_be_called_like_a_step_to_a_key() -> None:
    assert problems(tiny(role_business_day_offsets={"[key]": "99"})) == ["bad-hours role_business_day_offsets"]
    assert bank_of(tiny(accounts=[*tiny()["accounts"], {"id": "k", "role": "[key]", "scope": "internal"}]))


def whole() -> Data:
    """A bank with every kind of place in it."""
    more = {"metadata_keys": ["k"], "metadata_value_examples": {"k": ["v"]}, "posted_requirements": ["k"]}
    leg = {"name": "Leg", "transfer_type": "legs", "leg_role": "Customer", "origin": "InternalInitiated"}
    return tiny(
        rails=[
            rail("In", "Fed", "Customer", max_pending_age="PT24H", **more),
            rail("Out", "Customer", "Fed"),
            sweep("Sweep", "Fees", "Income", "Out"),
            leg | {"leg_direction": "Debit"},
        ],
        transfer_templates=[
            {
                "name": "Both",
                "transfer_type": "legs",
                "expected_net": "0.00",
                "transfer_key": [],
                "completion": "month_end",
                "leg_rails": ["Leg"],
            }
        ],
        chains=[{"parent": "In", "child": "Out", "required": "false"}],
        limit_schedules=[{"parent_role": "Ledger", "transfer_type": "type_out", "cap": "5.00"}],
        role_business_day_offsets={"Fed": "2"},
        baseline={
            "accounts": {"Customer": "5"},
            "rails": {"In": {"seed_amount": {"median": "3.00", "sigma": "1"}, "seed_volume_multiplier": "2"}},
        },
    )


def at(data: Any, place: Place) -> Any:
    for step in place:
        data = data[step]
    return data


def places(data: Any, above: Place = ()) -> Iterator[Place]:
    """Every place below a value."""
    steps = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for step in steps:
        yield (*above, step)
        yield from places(data[step], (*above, step))


def spoil(data: Data, random_numbers: random.Random) -> None:
    """One place is renamed, replaced, taken away, or given a companion."""
    *above, last = random_numbers.choice(list(places(data)))
    holder, way = at(data, tuple(above)), random_numbers.randrange(5)
    value = copy.deepcopy(random_numbers.choice(WRONG_VALUES))
    if way == 0:
        holder[last] = value
    elif isinstance(holder, list):
        holder.append(value)
    elif way == 1:
        holder[random_numbers.choice(WRONG_KEYS)] = holder.pop(last)
    elif way == 2:
        del holder[last]
    elif way == 3:
        holder[random_numbers.choice(WRONG_KEYS)] = value
    else:
        del holder[last]
        holder[random_numbers.choice(WRONG_KEYS)] = value


def test_the_bank_to_spoil_is_valid() -> None:
    assert bank_of(whole()).instance == "tiny"


@pytest.mark.parametrize("seed", range(20))
def test_a_bank_that_is_spoilt_in_places_is_refused_in_lines(seed: int) -> None:
    random_numbers = random.Random(seed)
    refused = 0
    for _ in range(40):
        data = whole()
        for _ in range(random_numbers.choice((1, 2, 3, 6))):
            spoil(data, random_numbers)
        try:
            parse_instance_text(json.dumps(data, ensure_ascii=random_numbers.random() < 0.5), "spoilt.yaml")
        except InstanceError as error:
            refused += 1
            assert all(str(problem).isprintable() for problem in error.problems)
    assert refused > 20
