"""Both spellings of a bank file are one bank; what contradicts itself is said at its place in the file."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.bank.tiny import Data, bank_of, rail, tiny

from seedbed.bank.bundled import the_bank
from seedbed.bank.canonical import canonical_json
from seedbed.bank.convert import converted
from seedbed.bank.load import load_instance, parse_instance_text, validate_instance
from seedbed.bank.model import Bank
from seedbed.bank.spelling import instance_from
from seedbed.errors import InputError, InstanceError

BANKS = Path(__file__).parents[2] / "src" / "seedbed" / "banks"


def returns(count: int) -> list[Data]:
    return [rail(f"Return{number}", "Fed", "Customer") for number in range(count)]


def with_chains(*chains: Data, rails: int = 2) -> Bank:
    return bank_of(tiny(rails=[rail("In", "Fed", "Customer"), *returns(rails)], chains=list(chains)))


def pairs(bank: Bank) -> list[tuple[str, bool, str | None]]:
    return [(chain.child, chain.required, chain.xor_group) for chain in bank.chains]


def test_a_rail_or_template_without_a_type_has_its_name_as_type() -> None:
    data = tiny()
    for entry in data["rails"]:
        del entry["transfer_type"]
    assert [entry.transfer_type for entry in bank_of(data).rails] == ["In", "Out"]


def test_one_child_is_required() -> None:
    assert pairs(with_chains({"parent": "In", "children": ["Return0"]})) == [("Return0", True, None)]


def test_several_children_exclude_one_another() -> None:
    found = pairs(with_chains({"parent": "In", "children": ["Return0", "Return1"]}))
    assert found == [(child, True, "In: Return0 | Return1") for child in ("Return0", "Return1")]


def test_groups_of_two_parents_with_the_same_children_are_two() -> None:
    bank = with_chains(
        {"parent": "In", "children": ["Return0", "Return1"]},
        {"parent": "Return2", "children": ["Return0", "Return1"]},
        rails=3,
    )
    assert len({chain.xor_group for chain in bank.chains}) == 2


def test_a_group_of_long_names_has_a_short_name_of_its_own() -> None:
    names = ["x" * 150 + end for end in "abcd"]
    rails = [rail("In", "Fed", "Customer"), *(rail(name, "Fed", "Customer", transfer_type=name) for name in names)]
    chains = [{"parent": "In", "children": names[:2]}, {"parent": "In", "children": names[2:]}]
    groups = {chain.xor_group for chain in bank_of(tiny(rails=rails, chains=chains)).chains}
    assert len(groups) == 2
    assert max(len(str(group)) for group in groups) <= 200


def test_an_entry_may_name_its_group() -> None:
    chain = {"parent": "In", "children": ["Return0", "Return1"], "xor_group": "back"}
    assert {group for _, _, group in pairs(with_chains(chain))} == {"back"}


def test_both_spellings_in_one_file() -> None:
    older = {"parent": "In", "child": "Return0", "required": "false"}
    assert pairs(with_chains(older, {"parent": "In", "children": ["Return1"]})) == [
        ("Return0", False, None),
        ("Return1", True, None),
    ]


def test_a_limit_on_the_only_rail_of_its_type_is_one_on_the_type() -> None:
    limit = {"parent_role": "Ledger", "rail": "Out", "cap": "5.00"}
    (found,) = bank_of(tiny(limit_schedules=[limit])).limit_schedules
    assert (found.transfer_type, found.rail) == ("type_out", None)


def test_a_limit_on_one_of_several_rails_of_a_type_is_on_that_rail() -> None:
    rails = [
        rail("Out", "Customer", "Fed", transfer_type="pay"),
        rail("Other", "Income", "Fees", transfer_type="pay"),
    ]
    limit = {"parent_role": "Ledger", "rail": "Out", "cap": "5.00"}
    (found,) = bank_of(tiny(rails=rails, limit_schedules=[limit])).limit_schedules
    assert (found.transfer_type, found.rail) == (None, "Out")


def test_one_amount_is_a_list_of_one() -> None:
    (_, out) = bank_of(tiny(rails=[rail("In", "Fed", "Customer"), rail("Out", "Customer", "Fed", amount="35")])).rails
    assert [(point.amount_cents, point.weight) for point in out.amount] == [(3_500, 1)]


def test_a_range_of_firings_is_that_of_a_business_day() -> None:
    out = rail("Out", "Customer", "Fed", firings_typical_per_period=["3", "9"])
    firings = bank_of(tiny(rails=[out])).rails[0].firings_typical_per_period
    assert firings is not None
    assert (firings.period, firings.range) == ("business_day", (3, 9))


@pytest.mark.parametrize(
    ("file", "instance"),
    [
        ("my_bank.yaml", "my_bank"),
        ("folder/My Bank-2.yaml", "my_bank_2"),
        ("2030.yaml", "bank_2030"),
        ("select.yaml", "bank_select"),
        ("é.yaml", "bank"),
        ("<text>", "text"),
        ("a" * 80 + ".yaml", "a" * 30),
    ],
)
def test_a_file_names_its_bank(file: str, instance: str) -> None:
    assert instance_from(file) == instance


def test_a_name_from_outside_is_for_a_file_without_one() -> None:
    nameless = json.dumps({**tiny(), "instance": None})
    assert parse_instance_text(nameless, "other.yaml", "given").instance == "given"
    assert parse_instance_text(nameless, "other.yaml").instance == "other"
    assert parse_instance_text(json.dumps(tiny()), "other.yaml", "given").instance == "tiny"


def test_two_names_of_a_bank_are_an_error(tmp_path: Path) -> None:
    file = tmp_path / "bank.yaml"
    file.write_text(json.dumps(tiny()))
    with pytest.raises(InputError, match="given is not the instance of the bank, tiny"):
        the_bank(file, "given")
    with pytest.raises(InputError, match="given is not the instance of the bank, tiny"):
        validate_instance(file, instance="given")


def test_a_name_from_outside_that_is_no_name_is_said_to_be_the_options(tmp_path: Path) -> None:
    file = tmp_path / "bank.yaml"
    file.write_text(json.dumps({**tiny(), "instance": None}))
    for read in (lambda: the_bank(file, "Not-One"), lambda: validate_instance(file, instance="Not-One")):
        with pytest.raises(InputError, match=r"^instance: 'Not-One': use a lower-case letter"):
            read()


@pytest.mark.parametrize(
    ("chain", "path", "rule"),
    [
        ({"parent": "In", "children": ["Nobody"]}, "chains[0].children[0]", "chain-end-undeclared"),
        ({"parent": "In", "children": [{"name": "Nobody"}]}, "chains[0].children[0].name", "chain-end-undeclared"),
        ({"parent": "Nobody", "children": ["In", "Return0"]}, "chains[0].parent", "chain-end-undeclared"),
        ({"parent": "In", "children": ["Return0", "Return1"], "chidren": []}, "chains[0].chidren", "unknown-key"),
        (
            {"parent": "In", "children": ["Return0", {"name": "Return1", "x": 1}]},
            "chains[0].children[1].x",
            "unknown-key",
        ),
        ({"parent": "In", "children": ["Return0", 5.5]}, "chains[0].children[1]", "chain-end-undeclared"),
        ({"parent": "In", "children": ["Return0", []]}, "chains[0].children[1]", "bad-name"),
    ],
)
def test_a_problem_stands_where_the_file_has_it(chain: Data, path: str, rule: str) -> None:
    with pytest.raises(InstanceError) as raised:
        with_chains(chain)
    assert [(problem.path, problem.rule) for problem in raised.value.problems] == [(path, rule)]


def in_both(bank: str) -> tuple[str, str]:
    newer = converted(bank, "newer")
    return newer, converted(newer, "older")


@pytest.mark.parametrize("name", sorted(path.stem for path in BANKS.glob("*.yaml")))
def test_a_bundled_bank_is_the_same_in_both_spellings(name: str) -> None:
    text = (BANKS / f"{name}.yaml").read_text(encoding="utf-8")
    wanted = canonical_json(load_instance(BANKS / f"{name}.yaml"))
    found = [canonical_json(parse_instance_text(one, f"{name}.yaml")) for one in in_both(text)]
    assert found == [wanted, wanted]


def test_there_and_back_leaves_every_line_of_the_reference_bank() -> None:
    text = (BANKS / "harbor_trust.yaml").read_text(encoding="utf-8")
    assert in_both(text)[1] == text


def test_the_newer_spelling_leaves_nothing_out(tmp_path: Path) -> None:
    chains: list[dict[str, Any]] = [
        {"parent": "In", "child": "Return0", "required": "true", "xor_group": "g", "description": "first"},
        {"parent": "In", "child": "Return1", "required": "true", "xor_group": "g"},
        {"parent": "In", "child": "Return2", "required": "true"},
        {"parent": "In", "child": "Return3", "required": "false"},
        {"parent": "Return0", "child": "Return2", "required": "false", "xor_group": "h"},
        {"parent": "Return0", "child": "Return3", "required": "true", "xor_group": "h"},
    ]
    rails = [rail("In", "Fed", "Customer"), *returns(4)]
    text = json.dumps(tiny(rails=rails, chains=chains))
    newer, older = in_both(text)
    assert newer.count("children") == 2
    assert canonical_json(parse_instance_text(older)) == canonical_json(parse_instance_text(text))


def test_comments_stay() -> None:
    text = (BANKS / "harbor_trust.yaml").read_text(encoding="utf-8")
    comments = [line.strip() for line in text.splitlines() if line.strip().startswith("#")]
    newer = converted(text, "newer")
    assert [line.strip() for line in newer.splitlines() if line.strip().startswith("#")] == comments
