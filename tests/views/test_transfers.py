"""Views on transfers, chains and declarations, on feeds of a few rows."""

from typing import Any

import pytest

from .bank import views_bank
from .engines import Engines
from .feed import Feed

CYCLE = {"rail_name": "Sale", "template_name": "Cycle", "bundle_id": "b"}


@pytest.mark.parametrize(("amount", "wrong"), [("5.00", False), ("5.01", True), ("0.00", True)])
def test_a_standalone_rail_nets_to_its_expected_net(engines: Engines, amount: str, wrong: bool) -> None:
    feed = Feed()
    feed.leg("t1", "fed", "-5.00", "5")
    feed.leg("t2", "c1", amount, "5")
    assert engines.exceptions(feed) == ({"transfer_net": ["t/In"]} if wrong else {})


def test_two_rails_of_one_transfer_that_do_not_net_are_two_rows(engines: Engines) -> None:
    feed = Feed()
    feed.leg("t1", "fed", "-5.00", "5")
    feed.leg("t2", "c1", "-5.00", "5", rail_name="Pay", transfer_id="t")
    assert engines.exceptions(feed) == {"transfer_net": ["t/In", "t/Pay"]}


def test_a_transfer_of_zero_nets(engines: Engines) -> None:
    feed = Feed()
    feed.leg("t1", "fed", "0.00", "5")
    feed.leg("t2", "c1", "0.00", "5")
    assert engines.exceptions(feed) == {}


@pytest.mark.parametrize(("other", "wrong"), [("Pending", True), ("Failed", True), (None, True), ("Posted", False)])
def test_a_half_posted_transfer_is_wrong(engines: Engines, other: str | None, wrong: bool) -> None:
    feed = Feed()
    feed.leg("t1", "fed", "-5.00", "9 23:00:00")
    if other:
        feed.leg("t2", "c1", "5.00", "9 23:00:00", status=other)
    assert engines.exceptions(feed) == ({"transfer_net": ["t/In"]} if wrong else {})


@pytest.mark.parametrize(("other", "wrong"), [("Pending", False), ("Failed", True), (None, True), ("Posted", False)])
def test_a_template_may_wait_for_the_firings_that_are_pending(
    engines: Engines, other: str | None, wrong: bool
) -> None:
    feed = Feed()
    feed.leg("t1", "income", "-5.00", "9 23:00:00", rail_name="Give", template_name="Journal")
    if other:
        feed.leg("t2", "fees", "3.50", "9 23:00:00", rail_name="Take", template_name="Journal", status=other)
    assert engines.exceptions(feed) == ({"transfer_net": ["t/Journal"]} if wrong else {})


def test_half_a_firing_of_a_template_is_wrong_whatever_waits(engines: Engines) -> None:
    feed = Feed()
    feed.leg("t1", "fees", "-5.00", "9 23:00:00", **CYCLE)
    feed.leg("t2", "shop", "5.00", "9 23:00:00", **CYCLE, status="Pending")
    feed.move("p", "shop", "fed", "5.00", "9 23:00:00", rail_name="PayoutA", transfer_parent_id="t")
    assert engines.exceptions(feed) == {"transfer_net": ["t/Cycle"]}


def test_a_transfer_that_failed_whole_is_none(engines: Engines) -> None:
    feed = Feed()
    feed.leg("t1", "fed", "-5.00", "5", status="Failed")
    assert engines.exceptions(feed) == {}


@pytest.mark.parametrize(("taken", "wrong"), [("3.50", False), ("3.49", True)])
def test_a_template_nets_to_its_own_expected_net(engines: Engines, taken: str, wrong: bool) -> None:
    feed = Feed()
    feed.leg("t1", "income", "-5.00", "5", rail_name="Give", template_name="Journal")
    feed.leg("t2", "fees", taken, "5", rail_name="Take", template_name="Journal")
    rows = engines.view(feed, "transfer_net")
    assert [(row["name"], row["net"], row["expected_net"]) for row in rows] == (
        [("Journal", -1.51, -1.5)] if wrong else []
    )


def test_all_rails_of_a_template_net_together(engines: Engines) -> None:
    feed = Feed()
    feed.leg("t1", "fees", "-5.00", "5", **CYCLE)
    feed.leg("t2", "shop", "4.00", "5", **CYCLE)
    feed.leg("t3", "shop", "1.00", "5", **(CYCLE | {"rail_name": "Tip"}))
    feed.move("p", "shop", "fed", "5.00", "5", rail_name="PayoutA", transfer_parent_id="t")
    assert engines.exceptions(feed) == {}


def test_a_required_child_that_is_missing(engines: Engines) -> None:
    feed = Feed()
    feed.move("o", "c1", "fed", "5.00", "5", rail_name="Out")
    feed.move("p", "c1", "fed", "5.00", "5", rail_name="Out")
    feed.move("r", "c1", "fed", "5.00", "6", rail_name="Return", transfer_parent_id="p")
    assert engines.exceptions(feed) == {"chain_exceptions": ["o/Out>Return"]}
    (row,) = engines.agreed("tiny_chain_exceptions")
    assert (row["exception"], row["children"], row["posting"]) == ("missing_child", 0, "2030-01-05 12:00:00")


@pytest.mark.parametrize(("status", "missing"), [("Posted", False), ("Pending", False), ("Failed", True)])
def test_a_failed_child_is_none(engines: Engines, status: str, missing: bool) -> None:
    feed = Feed()
    feed.move("o", "c1", "fed", "5.00", "5", rail_name="Out")
    feed.move("r", "c1", "fed", "5.00", "6", rail_name="Return", transfer_parent_id="o", status=status)
    assert engines.exceptions(feed) == ({"chain_exceptions": ["o/Out>Return"]} if missing else {})


@pytest.mark.parametrize("status", ["Pending", "Failed"])
def test_a_parent_that_is_not_posted_needs_no_child(engines: Engines, status: str) -> None:
    feed = Feed()
    feed.move("o", "c1", "fed", "5.00", "5", rail_name="Out", status=status)
    assert engines.exceptions(feed) == {}


def test_a_child_of_another_rail_is_none_of_this_chain(engines: Engines) -> None:
    feed = Feed()
    feed.move("o", "c1", "fed", "5.00", "5", rail_name="Out")
    feed.move("f", "income", "fed", "5.00", "6", rail_name="Follow", transfer_parent_id="o")
    assert engines.exceptions(feed) == {"chain_exceptions": ["f/>Follow", "o/Out>Return"]}


def cycle(*children: str) -> Feed:
    """A transfer of the template, with one child per name; `X+X` are two of one rail, `X-X` one with two firings."""
    feed = Feed()
    feed.move("t", "fees", "shop", "5.00", "5", **CYCLE)
    for number, name in enumerate(children):
        feed.move(f"k{number}-", "shop", "fed", "5.00", "6", rail_name=name, transfer_parent_id="t")
    return feed


@pytest.mark.parametrize(
    ("children", "exception"),
    [
        ((), "missing_child"),
        (("PayoutA",), None),
        (("PayoutB",), None),
        (("PayoutA", "PayoutB"), "several_children"),
        (("PayoutA", "PayoutA"), "several_children"),
    ],
)
def test_a_required_group_has_exactly_one_child(
    engines: Engines, children: tuple[str, ...], exception: str | None
) -> None:
    rows = engines.view(cycle(*children), "chain_exceptions")
    assert [(row["view_key"], row["exception"]) for row in rows] == (
        [("t/Cycle^payout", exception)] if exception else []
    )


@pytest.mark.parametrize(
    ("children", "keys"),
    [((), []), (("Either",), []), (("Either", "Or"), ["p/Pay^it's"]), (("Follow", "Follow"), [])],
)
def test_an_optional_group_has_at_most_one_child(
    engines: Engines, children: tuple[str, ...], keys: list[str]
) -> None:
    feed = Feed()
    feed.move("p", "c1", "desk", "5.00", "5", rail_name="Pay")
    for number, name in enumerate(children):
        feed.move(f"k{number}-", "income", "fed", "5.00", "6", rail_name=name, transfer_parent_id="p")
    assert engines.exceptions(feed) == ({"chain_exceptions": keys} if keys else {})


def test_one_child_transfer_of_two_rails_is_one_child(engines: Engines) -> None:
    feed = cycle("PayoutA")
    feed.move("more", "shop", "fed", "1.00", "6", rail_name="PayoutB", transfer_parent_id="t")
    for leg in feed.transactions[-2:]:
        leg["transfer_id"] = "k0-"
    assert engines.exceptions(feed) == {}


@pytest.mark.parametrize(
    ("more", "keys"),
    [
        ({"transfer_parent_id": "nowhere"}, ["f/>Follow"]),
        ({"transfer_parent_id": "nowhere", "status": "Failed"}, []),
        ({"transfer_parent_id": "in"}, ["f/>Follow"]),
        ({"transfer_parent_id": "f"}, ["f/>Follow"]),
        ({"transfer_parent_id": "failed"}, ["f/>Follow"]),
        ({"transfer_parent_id": "pay"}, []),
    ],
)
def test_a_child_whose_parent_is_none(engines: Engines, more: dict[str, Any], keys: list[str]) -> None:
    feed = Feed()
    feed.move("in", "fed", "c1", "5.00", "5")
    feed.move("pay", "c1", "desk", "5.00", "5", rail_name="Pay")
    feed.move("failed", "c1", "desk", "5.00", "5", rail_name="Pay", status="Failed")
    feed.move("f", "income", "fed", "5.00", "5", rail_name="Follow", **more)
    assert engines.exceptions(feed) == ({"chain_exceptions": keys} if keys else {})


FAN_INS = [
    {"parent": "Out", "child": "Cycle", "required": "true", "fan_in": "true", "expected_parent_count": "3"},
    {"parent": "Pay", "child": "Journal", "required": "false", "fan_in": "true"},
]


def shared(parents: int, of: str = "Out") -> Feed:
    """Parents `a`, `b`, … that share the child `t`: a sale for each, or of `Pay` the two legs of a journal."""
    feed = Feed(bank=views_bank(chains=FAN_INS))
    for place in range(parents):
        name, second = "abcdef"[place], f"5 13:00:{2 * place:02d}"
        feed.move(name, "c1", "fed" if of == "Out" else "desk", "5.00", "5", rail_name=of)
        more = {"transfer_id": "t", "transfer_parent_id": name}
        if of == "Out":
            feed.leg(f"t{2 * place}", "fees", "-5.00", second, rail_name="Sale", template_name="Cycle", **more)
            feed.leg(f"t{2 * place + 1}", "shop", "5.00", second, rail_name="Sale", template_name="Cycle", **more)
        else:
            net = "-6.50" if not place else "-5.00"
            feed.leg(f"t{2 * place}", "income", net, second, rail_name="Give", template_name="Journal", **more)
            feed.leg(f"t{2 * place + 1}", "fees", "5.00", second, rail_name="Take", template_name="Journal", **more)
    feed.move("s", "shop", "income", f"{5 * parents}.00", "5 18:00:00", rail_name="SaleSweep")
    for row in feed.transactions:
        row["bundle_id"] = "s" if row["rail_name"] == "Sale" else None
    return feed


@pytest.mark.parametrize(("parents", "exception"), [(1, "missing"), (2, "missing"), (3, None), (4, "extra")])
def test_a_fan_in_child_has_the_expected_number_of_parents(
    engines: Engines, parents: int, exception: str | None
) -> None:
    assert engines.exceptions(shared(parents)) == ({"fan_in_exceptions": ["t/Out>Cycle"]} if exception else {})
    rows = engines.agreed("tiny_fan_in_exceptions")
    assert [(row["exception"], row["parents"], row["expected_parents"], row["posting"]) for row in rows] == (
        [(exception, parents, 3, "2030-01-05 13:00:00")] if exception else []
    )


@pytest.mark.parametrize(("parents", "wrong"), [(1, True), (2, False), (5, False)])
def test_without_a_number_a_fan_in_child_has_two_parents_at_least(
    engines: Engines, parents: int, wrong: bool
) -> None:
    rows = engines.view(shared(parents, "Pay"), "fan_in_exceptions")
    assert [(row["view_key"], row["exception"]) for row in rows] == ([("t/Pay>Journal", "orphan")] if wrong else [])


def test_a_parent_counts_once_however_many_legs_and_entries_name_it(engines: Engines) -> None:
    feed = shared(3)
    again = dict(next(row for row in feed.transactions if row["id"] == "t1"))
    feed.transactions.append(again | {"entry": 10_000_000_900, "supersedes": "TechnicalCorrection", "metadata": None})
    feed.leg("t6", "fees", "-1.00", "5 13:05:00", rail_name="Tip", template_name="Cycle", transfer_parent_id="a")
    rows = engines.view(feed, "transfer_parents")
    assert [(row["transfer_id"], row["transfer_parent_id"], row["legs"]) for row in rows] == [
        ("t", "a", 3), ("t", "b", 2), ("t", "c", 2)
    ]  # fmt: skip
    assert engines.agreed("tiny_fan_in_exceptions") == []


@pytest.mark.parametrize("whose", ["parent", "child"])
def test_what_failed_is_no_parent_and_no_child(engines: Engines, whose: str) -> None:
    feed = shared(3)
    for row in feed.transactions:
        if row["transfer_id"] == "a" if whose == "parent" else row["transfer_parent_id"] == "a":
            row["status"] = "Failed"
    assert [row["exception"] for row in engines.view(feed, "fan_in_exceptions")] == ["missing"]


def test_a_fan_in_child_without_a_declared_parent_is_a_chain_exception(engines: Engines) -> None:
    feed = shared(1)
    for row in feed.transactions:
        row["transfer_parent_id"] = None
    found = engines.exceptions(feed)
    assert found["chain_exceptions"] == ["a/Out>Cycle", "t/>Cycle"]
    assert "fan_in_exceptions" not in found


def test_a_failed_leg_without_a_parent_makes_no_orphan(engines: Engines) -> None:
    feed = Feed()
    feed.move("pay", "c1", "desk", "5.00", "5", rail_name="Pay")
    feed.move("f", "income", "fed", "5.00", "5", rail_name="Follow", transfer_parent_id="pay")
    feed.leg("f3", "income", "-5.00", "5", rail_name="Follow", transfer_id="f", status="Failed")
    assert engines.exceptions(feed) == {}


def test_rail_activity_counts_firings_and_names_the_dead(engines: Engines) -> None:
    feed = cycle("PayoutA")
    feed.move("t", "fees", "shop", "1.00", "5 13:00:00", **CYCLE)  # the same ids: it supersedes
    feed.move("u", "fees", "shop", "2.00", "6", **CYCLE)
    feed.leg("half", "fees", "-2.00", "6", **CYCLE)
    feed.leg("g", "income", "-2.00", "7", rail_name="Give", status="Failed")
    rows = {row["rail_name"]: row for row in engines.view(feed, "rail_activity")}
    sale, give = rows["Sale"], rows["Give"]
    assert [sale[name] for name in ("firings", "transfers", "legs", "posted", "credits", "is_dead")] == [
        3,
        3,
        5,
        5,
        3,
        0,
    ]
    assert (sale["first_posting"], sale["last_posting"]) == ("2030-01-05 13:00:00", "2030-01-06 12:00:00")
    assert [give[name] for name in ("firings", "legs", "posted", "failed", "is_dead")] == [1, 1, 0, 1, 0]
    assert {name for name, row in rows.items() if row["is_dead"]} == set(rows) - {"Sale", "Give", "PayoutA"}
    assert [rows["In"][name] for name in ("firings", "legs", "credits", "first_posting")] == [0, 0, 0, None]


def test_a_cap_is_alive_by_the_legs_of_its_direction_only(engines: Engines) -> None:
    limits = [
        {"parent_role": "Ledger", "transfer_type": "pay'type", "cap": "100.00"},
        {"parent_role": "Ledger", "transfer_type": "pay'type", "cap": "80.00", "direction": "Inbound"},
    ]
    feed = Feed(bank=views_bank(limit_schedules=limits))
    feed.move("a", "desk", "c1", "1.00", "5 12:00:00", rail_name="Pay")
    dead = [row["part"] for row in engines.view(feed, "dead_declarations") if row["kind"] == "limit"]
    assert dead == ["pay'type"]


def test_everything_declared_is_dead_in_an_empty_feed(engines: Engines) -> None:
    rows = [(row["kind"], row["element"], row["part"]) for row in engines.view(Feed(), "dead_declarations")]
    assert {("bundle", "SaleSweep", "Cycle.Sale"), ("bundle", "FeeSweep", "Fee")} <= set(rows)
    assert {("limit", "Ledger", "pay'type"), ("template", "Cycle", None), ("chain", "Out", "Return")} <= set(rows)
    assert ("metadata key", "In", "a\"b.c/d~e'$\\") in rows
    assert len(rows) == 2 + 1 + 2 + 6 + 6


def test_a_selector_within_a_template_means_legs_of_that_template(engines: Engines) -> None:
    feed = Feed()
    feed.move("t", "fees", "shop", "5.00", "5", rail_name="Sale", bundle_id="b")
    feed.move("b", "shop", "income", "5.00", "5", rail_name="SaleSweep")
    rows = [(row["kind"], row["part"]) for row in engines.view(feed, "dead_declarations")]
    assert ("bundle", "Cycle.Sale") in rows


def test_evidence_takes_a_declaration_off_the_list(engines: Engines) -> None:
    feed = cycle("PayoutA")
    feed.move("b", "shop", "income", "5.00", "5", rail_name="SaleSweep")
    feed.move("p", "c1", "desk", "1.00", "5", rail_name="Pay")
    feed.move("i", "fed", "c1", "1.00", "5", metadata='{"ref": "x"}')
    feed.move("f", "c1", "fees", "1.00", "5", rail_name="Fee", bundle_id="b")  # the wrong sweep
    feed.move("s", "fees", "income", "1.00", "5", rail_name="FeeSweep")
    feed.move("q", "c1", "desk", "1.00", "5", rail_name="Pay", bundle_id="s")  # the wrong rail
    feed.move("x", "income", "fed", "1.00", "5", rail_name="Follow", transfer_parent_id="i")  # the wrong parent
    rows = {(row["kind"], row["element"], row["part"]) for row in engines.view(feed, "dead_declarations")}
    alive = {("bundle", "SaleSweep", "Cycle.Sale"), ("limit", "Ledger", "pay'type"), ("metadata key", "In", "ref")}
    alive |= {("metadata key", "Sale", "shop"), ("template", "Cycle", None), ("chain", "Cycle", "PayoutA")}
    assert not rows & alive
    assert {("bundle", "FeeSweep", "Fee"), ("chain", "Pay", "Follow"), ("chain", "Cycle", "PayoutB")} <= rows
    assert len(rows) == 17 - len(alive)
