"""Closing legs: of each XOR group exactly one fires, and together they close a transfer to the cent."""

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.bank.choosing import choosing
from tests.bank.tiny import Data, bank_of

import seedbed

ANCHOR = date(2030, 1, 1)
MODES, FEES = ("Ach", "Check"), ("FeeA", "FeeB")
Rows = list[dict[str, Any]]


def transfers_of(data: Data, **settings: Any) -> dict[str, Rows]:
    """The current legs of the template's transfers, by transfer."""
    rows = seedbed.generate(bank_of(data), anchor=ANCHOR, **settings).transactions.to_pylist()
    legs = {row["id"]: row for row in sorted(rows, key=lambda row: row["entry"]) if row["template_name"]}
    found: dict[str, Rows] = defaultdict(list)
    for row in legs.values():
        found[row["transfer_id"]].append(row)
    return found


def names_of(legs: Rows) -> set[str]:
    return {row["rail_name"] for row in legs}


@pytest.mark.parametrize("groups", [(MODES,), (MODES, FEES), (("Ach", "Check", "FeeA", "FeeB"),)])
@pytest.mark.parametrize("lone", [None, "Rest"])
@pytest.mark.parametrize("net", ["0.00", "-7.01", "3.00"])
def test_of_each_group_exactly_one_fires_and_the_net_is_exact(
    groups: tuple[tuple[str, ...], ...], lone: str | None, net: str
) -> None:
    found = transfers_of(choosing(*groups, lone=lone, net=net))
    assert len(found) > 300
    for legs in found.values():
        fired = names_of(legs)
        assert [len(fired & set(members)) for members in groups] == [1] * len(groups)
        assert ("Rest" in fired) == (lone is not None)
        assert sum(row["amount_money"] for row in legs) == Decimal(net)


def test_every_member_fires_about_as_often_as_the_others() -> None:
    found = transfers_of(choosing(("Ach", "Check", "FeeA"), ("FeeB", "Rest")))
    fired = Counter(row["rail_name"] for legs in found.values() for row in legs)
    for members in (("Ach", "Check", "FeeA"), ("FeeB", "Rest")):
        for name in members:
            assert abs(fired[name] - len(found) / len(members)) < 4 * (len(found) / len(members)) ** 0.5


def test_the_choices_of_two_groups_do_not_depend_on_each_other() -> None:
    found = transfers_of(choosing(MODES, FEES))
    pairs = Counter(tuple(sorted(names_of(legs) - {"Sale"})) for legs in found.values())
    assert len(pairs) == 4
    assert min(pairs.values()) > len(found) / 6


def test_the_legs_that_close_share_the_amount_and_post_last() -> None:
    for legs in transfers_of(choosing(MODES, FEES, lone="Rest")).values():
        closing = [row for row in legs if row["rail_name"] != "Sale"]
        [sale] = [row for row in legs if row["rail_name"] == "Sale"]
        assert len({row["posting"] for row in closing}) == 1
        assert closing[0]["posting"] > sale["posting"]
        assert all(row["amount_money"] >= 0 for row in closing)
        assert len({row["id"] for row in legs}) == 4


def test_a_member_fires_or_not_whatever_the_others_are_called() -> None:
    one, other = (transfers_of(choosing(("Ach", name), FEES)) for name in ("Check", "Rest"))
    assert [("Ach" in names_of(one[key])) == ("Ach" in names_of(other[key])) for key in one] == [True] * len(one)


def capped(cap: str, **changes: Any) -> Data:
    """`Check` pays out of an account under a cap: the transfers need Debits to close."""
    limits = [{"parent_role": "Ledger", "transfer_type": "type_check", "cap": cap}]
    data = choosing(MODES, limit_schedules=limits, **changes)
    data["rails"] = [one | ({"leg_direction": "Credit"} if one["name"] == "Sale" else {}) for one in data["rails"]]
    return data


def test_a_member_under_a_cap_keeps_to_it_and_the_other_is_free() -> None:
    found = transfers_of(capped("60.00"))
    paid: dict[str, dict[date, Decimal]] = {name: defaultdict(Decimal) for name in MODES}
    for legs in found.values():
        assert sum(row["amount_money"] for row in legs) == 0
        for row in legs:
            if row["rail_name"] in MODES:
                paid[row["rail_name"]][row["posting"].date()] -= row["amount_money"]
    assert Decimal(30) < max(paid["Check"].values()) <= Decimal(60)
    assert max(paid["Ach"].values()) > Decimal(600)


def test_what_a_cap_leaves_no_room_for_goes_to_the_other_closing_legs() -> None:
    found = transfers_of(capped("1.00", lone="Rest"))
    with_check = [legs for legs in found.values() if "Check" in names_of(legs)]
    amounts = [{row["rail_name"]: row["amount_money"] for row in legs} for legs in with_check]
    assert len(amounts) > 100
    assert all(sum(legs.values()) == 0 for legs in amounts)
    assert max(-legs["Check"] for legs in amounts) <= Decimal("1.00")
    assert max(-legs["Rest"] for legs in amounts) > Decimal(100)


def test_a_member_without_accounts_is_never_picked() -> None:
    data = choosing(MODES)
    data["account_templates"].append({"role": "Nobody", "scope": "internal"})
    data["rails"] = [one | ({"leg_role": "Nobody"} if one["name"] == "Check" else {}) for one in data["rails"]]
    found = transfers_of(data, accounts={"Nobody": 0})
    assert len(found) > 300
    assert set().union(*map(names_of, found.values())) == {"Sale", "Ach"}


def test_where_no_member_has_accounts_the_template_never_fires() -> None:
    data = choosing(("Check", "FeeA"))
    data["account_templates"].append({"role": "Nobody", "scope": "internal"})
    data["rails"] = [
        one | ({"leg_role": "Nobody"} if one["name"] in ("Check", "FeeA") else {}) for one in data["rails"]
    ]
    data["rails"][-1]["leg_role"] = ["Nobody"]
    assert transfers_of(data, accounts={"Nobody": 0}) == {}


def test_a_chain_from_a_member_follows_only_where_it_fired() -> None:
    data = choosing(MODES, chains=[{"parent": "Check", "child": "Notice", "required": "true"}])
    rows = seedbed.generate(bank_of(data), anchor=ANCHOR).transactions.to_pylist()
    fired = {row["transfer_id"]: row["amount_money"] for row in rows if row["rail_name"] == "Check"}
    followed = {row["transfer_parent_id"]: row["amount_money"] for row in rows if row["rail_name"] == "Notice"}
    assert followed.keys() <= fired.keys()
    assert len(followed) >= 0.9 * len(fired) > 100
    assert {key: abs(amount) for key, amount in followed.items()} == {key: fired[key] for key in followed}


@pytest.mark.parametrize("together", [True, False])
def test_a_chain_into_a_member_makes_transfers_with_that_member(together: bool) -> None:
    """Chains to two members are two decisions, unless an XOR group of chains makes them one."""
    group = {"xor_group": "mode"} if together else {}
    chains = [{"parent": "In", "child": name, "required": "true", **group} for name in MODES]
    data = choosing((*MODES, "FeeA"), (*FEES[1:], "Rest"), chains=chains)
    rows = seedbed.generate(bank_of(data), anchor=ANCHOR).transactions.to_pylist()
    parents = {row["transfer_id"] for row in rows if row["rail_name"] == "In"}
    children = Counter(
        (row["transfer_parent_id"], row["rail_name"]) for row in rows if row["rail_name"] in (*MODES, "FeeA")
    )
    assert {name for _, name in children} == set(MODES)
    assert {parent for parent, _ in children} <= parents
    each = Counter(parent for parent, _ in children)
    assert set(each.values()) == ({1} if together else {1, 2})
    assert all(sum(name == mode for _, name in children) > len(parents) / 3 for mode in MODES)
