"""Chains in canonical form: which link nodes, which never fire and why, whatever the order of the file."""

from itertools import permutations
from typing import Any

import pytest
from tests.bank.tiny import Data, bank_of, rail, tiny

from seedbed.bank.links import Links, Void
from seedbed.program.build import build_program


def leg_rail(name: str, source: str, destination: str) -> Data:
    return {key: value for key, value in rail(name, source, destination).items() if key != "expected_net"}


def template(name: str, *legs: str) -> Data:
    more: Data = {"expected_net": "0.00", "transfer_key": [], "completion": "month_end", "leg_rails": list(legs)}
    return {"name": name, "transfer_type": f"type_{name.lower()}", **more}


def chain(parent: str, child: str, required: bool = True, group: str | None = None) -> Data:
    entry: Data = {"parent": parent, "child": child, "required": str(required).lower()}
    return entry | ({"xor_group": group} if group else {})


# In, Out and Third on their own; Pay and Back in A, Pay alone in B; Close alone in Only.
RAILS = [
    *(rail(name, "Fed", "Customer") for name in ("In", "Third")),
    rail("Out", "Customer", "Fed"),
    leg_rail("Pay", "Customer", "Fees"),
    leg_rail("Back", "Fees", "Customer"),
    {
        "name": "Close",
        "transfer_type": "close",
        "leg_role": "Income",
        "leg_direction": "Variable",
        "origin": "InternalInitiated",
    },
]
TEMPLATES = [template("B", "Pay"), template("A", "Pay", "Back"), template("Only", "Close")]


def links_of(*chains: Data) -> Links:
    return Links(bank_of(tiny(rails=RAILS, transfer_templates=TEMPLATES, chains=list(chains))))


def told(links: Links, *, void: bool | None = False) -> list[tuple[str, str]]:
    """Parent and child node of every link that fires, or that does not."""
    return [
        (links.nodes[link.parent].name, links.nodes[link.child].name)
        for link in links.every
        if void is None or (link.void is not None) == void
    ]


def voids(*chains: Data) -> list[Void | None]:
    return [link.void for link in links_of(*chains).every]


@pytest.mark.parametrize(
    ("parent", "child"), [("In", "In"), ("A", "A"), ("Back", "A"), ("A", "Back"), ("Back", "Back"), ("Pay", "Back")]
)
def test_what_would_be_its_own_child_never_fires(parent: str, child: str) -> None:
    links = links_of(chain(parent, child))
    assert {link.void for link in links.every if links.nodes[link.parent].name in ("In", "A")} == {Void.ITSELF}


def test_a_parent_in_two_templates_is_each_of_them() -> None:
    assert told(links_of(chain("Pay", "Out"))) == [("B", "Out"), ("A", "Out")]


def test_a_leg_that_leads_to_a_leg_of_one_of_its_templates_does_so_from_the_other() -> None:
    links = links_of(chain("Pay", "Back"))
    assert (told(links), told(links, void=True)) == ([("B", "A")], [("A", "A")])


def test_a_child_in_two_templates_is_the_first_of_them_by_name() -> None:
    assert told(links_of(chain("In", "Pay"))) == [("In", "A")]


def test_a_template_that_only_closes_never_fires() -> None:
    assert voids(chain("In", "Close"), chain("In", "Only")) == [Void.ONLY_CLOSES] * 2


CIRCLES: list[list[Data]] = [
    [chain("In", "Out"), chain("Out", "In")],
    [chain("In", "Out"), chain("Out", "Third"), chain("Third", "In")],
    [chain("In", "Back"), chain("Pay", "Out"), chain("Out", "In"), chain("Third", "Out")],
]


@pytest.mark.parametrize("chains", CIRCLES, ids=["two", "three", "through a template"])
def test_which_link_of_a_circle_never_fires_does_not_depend_on_the_order_of_the_file(chains: list[Data]) -> None:
    found = {tuple(sorted(told(links_of(*order), void=True))) for order in permutations(chains)}
    assert len(found) == 1
    assert len(next(iter(found))) == 1


def test_the_link_of_a_circle_that_comes_last_by_name_gives_way() -> None:
    assert told(links_of(*reversed(CIRCLES[1])), void=True) == [("Third", "In")]


@pytest.mark.parametrize("first", [True, False])
def test_a_pair_that_is_there_twice_is_one_chain_required_if_either_is(first: bool) -> None:
    links = links_of(chain("In", "Out", first), chain("In", "Out", not first))
    assert [link.void for link in links.every] == [None, Void.TWICE]
    assert [(decision.label, decision.required) for decision in links.decisions] == [("In>Out", True)]


@pytest.mark.parametrize("grouped_first", [True, False])
def test_of_a_pair_in_a_group_and_alone_the_group_counts(grouped_first: bool) -> None:
    pair = [chain("In", "Out", group="way"), chain("In", "Out")]
    links = links_of(*(pair if grouped_first else pair[::-1]), chain("In", "Third", group="way"))
    assert [decision.label for decision in links.decisions] == ["In^way"]


@pytest.mark.parametrize("grouped_first", [True, False])
def test_a_group_is_required_by_its_required_twin_outside_it(grouped_first: bool) -> None:
    group = [chain("In", child, False, "way") for child in ("Out", "Third")]
    links = links_of(*(group if grouped_first else ()), chain("In", "Out"), *(() if grouped_first else group))
    assert [(decision.label, decision.required) for decision in links.decisions] == [("In^way", True)]


@pytest.mark.parametrize("swapped", [True, False])
def test_a_required_twin_makes_the_group_required_that_keeps_the_child_and_no_other(swapped: bool) -> None:
    first = [chain("In", "Out", False, "a"), chain("In", "Back", False, "a")]
    second = [chain("In", "Out", True, "b"), chain("In", "Third", False, "b")]
    links = links_of(*(second + first if swapped else first + second))
    assert {decision.label: decision.required for decision in links.decisions} == {"In^a": True, "In^b": False}


ODD_NAMES = [
    (("A", "B>C"), ("A>B", "C"), ["A>B\\>C", "A\\>B>C"]),
    (("A", ">B"), ("A>", "B"), ["A>\\>B", "A\\>>B"]),
    (("A\\", "B"), ("A", "\\B"), ["A\\\\>B", "A>\\\\B"]),
]


@pytest.mark.parametrize(("required", "optional", "labels"), ODD_NAMES)
def test_chains_whose_names_read_alike_are_decided_apart(
    required: tuple[str, str], optional: tuple[str, str], labels: list[str]
) -> None:
    rails = [rail(name, "Fed", "Customer") for name in dict.fromkeys(required + optional)]
    chains = [chain(*required), chain(*optional, required=False)]
    bank = bank_of(tiny(rails=rails, chains=chains))
    told = [(decision.label, decision.parent, decision.required) for decision in Links(bank).decisions]
    assert told == [(labels[0], required[0], True), (labels[1], optional[0], False)]
    links = {link.name: link.required for link in build_program(bank).links}
    assert links == {labels[0]: True, labels[1]: False}


def test_a_group_and_a_chain_whose_names_read_alike_are_decided_apart() -> None:
    rails = [rail(name, "Fed", "Customer") for name in ("A", "A^g", "C", "D")]
    chains = [chain("A", "C", False, "g>C"), chain("A", "D", False, "g>C"), chain("A^g", "C")]
    decisions = Links(bank_of(tiny(rails=rails, chains=chains))).decisions
    assert [(decision.label, decision.required) for decision in decisions] == [("A^g\\>C", False), ("A\\^g>C", True)]


def test_a_group_decides_alone_on_a_template_whatever_leg_another_entry_names() -> None:
    chains = [chain("In", "Pay"), chain("In", "Back", group="way"), chain("In", "Out", group="way")]
    assert voids(*chains) == [Void.DECIDED, None, None]


def test_of_two_groups_with_one_member_the_first_by_name_decides() -> None:
    chains: list[Any] = [
        *(chain("In", child, group="z") for child in ("Back", "Out")),
        *(chain("In", child, group="a") for child in ("Pay", "Third")),
    ]
    assert voids(*chains) == [Void.DECIDED, None, None, None]


def test_several_parents_of_one_template_all_make_it_fire() -> None:
    assert told(links_of(chain("In", "Back"), chain("Third", "A"))) == [("In", "A"), ("Third", "A")]


def test_a_rail_only_follows_where_each_of_its_templates_does() -> None:
    links = links_of(chain("In", "Back"))
    assert [links.follows(name) for name in ("Back", "Pay", "Out")] == [True, False, False]
