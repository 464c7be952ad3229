"""Ids of generated accounts: the defaults, and coincidence computed without listing ids."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bank.tiny import bank_of, tiny

from seedbed.bank.grammar import render_account_pattern
from seedbed.bank.patterns import account_patterns, default_account_counts, id_collisions
from seedbed.errors import InstanceError


def template(role: str, pattern: str | None = None) -> dict[str, Any]:
    return {"role": role, "scope": "internal"} | ({"instance_id_template": pattern} if pattern else {})


def ids(*templates: dict[str, Any]) -> list[str]:
    patterns = account_patterns(bank_of(tiny(account_templates=list(templates), rails=[])))
    return [pattern for pattern, _ in patterns.values()]


def test_the_first_customers_are_cust_and_the_others_are_named_after_their_role() -> None:
    made = account_patterns(
        bank_of(
            tiny(
                account_templates=[template("MerchantDDA"), template("CustomerDda"), template("CustomerSavings")],
                rails=[],
            )
        )
    )
    assert made == {
        "MerchantDDA": ("merchant-dda-{n:03d}", "{role} {n}"),
        "CustomerDda": ("cust-{n:03d}", "Customer {n}"),
        "CustomerSavings": ("customer-savings-{n:03d}", "{role} {n}"),
    }


def test_a_default_gives_way_to_a_pattern_of_the_file() -> None:
    assert ids(template("Customer"), template("Branch", "cust-{n:03d}")) == ["cust-{n:03d}", "customer-{n:03d}"][::-1]
    assert ids(template("Customer"), template("Branch", "cust-0{n}"))[0] == "customer-{n:03d}"
    assert ids(template("CustomerA", "a{n}"), template("CustomerB")) == ["a{n}", "cust-{n:03d}"]


def test_roles_that_look_alike_get_ids_of_their_own() -> None:
    assert ids(template("CardDesk"), template("card_desk")) == ["card-desk-{n:03d}", "{role}-{n:03d}"]
    assert ids(template("客户"), template("---")) == ["客户-{n:03d}", "{role}-{n:03d}"]


def test_counts_are_twenty_for_customers_and_five_for_others_unless_the_file_says() -> None:
    data = tiny(account_templates=[template("Customer"), template("Branch"), template("Kiosk")], rails=[])
    data["baseline"] = {"accounts": {"Kiosk": "3000000"}}
    assert default_account_counts(bank_of(data)) == {"Customer": 20, "Branch": 5, "Kiosk": 3_000_000}


def test_a_declared_account_may_be_a_plant_account_of_its_role_only() -> None:
    def with_account(account_id: str, role: str) -> None:
        data = tiny()
        data["accounts"].append({"id": account_id, "role": role, "scope": "internal"})
        bank_of(data)

    with_account("cust-010", "Customer")
    with_account("cust-031", "Customer")
    with_account("cust-0011", "Customer")
    for account_id, role in [
        ("cust-010", "Fees"),
        ("CUST-010", "Customer"),
        ("cust-011", "Customer"),
        ("cust-030", "X"),
    ]:
        with pytest.raises(InstanceError, match="account-ids-collide"):
            with_account(account_id, role)


def test_pools_of_millions_are_compared_at_once() -> None:
    data = tiny(account_templates=[template("A", "1{n:09d}"), template("B", "2{n:09d}")], rails=[])
    data["baseline"] = {"accounts": {"A": "100000000", "B": "100000000"}}
    bank = bank_of(data)
    assert list(id_collisions(bank, default_account_counts(bank))) == []


TEXTS = ("", "a", "1", "a1", "a10", "a-", "0", "10", "-1", "b", "100")
NUMBERS = ("{n}", "{n:02d}", "{n:03d}", "{n:04d}")
PATTERNS = st.builds("{}{}{}".format, st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.sampled_from(TEXTS))


@given(PATTERNS, PATTERNS, st.integers(0, 1_200), st.integers(0, 150))
def test_coincidence_is_found_exactly_where_listing_finds_it(one: str, other: str, many: int, few: int) -> None:
    data = tiny(account_templates=[template("A", one), template("B", other)], rails=[])
    counts = {"A": many, "B": few}
    listed = set(render_account_pattern(one, "A", range(1, many + 11)))
    listed &= set(render_account_pattern(other, "B", range(1, few + 11)))
    data["baseline"] = {"accounts": {role: str(count) for role, count in counts.items()}}
    try:
        bank_of(data)
        found = set()
    except InstanceError as error:
        found = {problem.rule for problem in error.problems}
    assert found == ({"account-ids-collide"} if listed else set())
