"""Views on single legs, on feeds of a few rows."""

import json
from typing import Any

import pytest

from tests.bank.tiny import rail, tiny

from .bank import ODD_KEY, views_bank
from .engines import Engines
from .feed import METADATA, Feed


@pytest.mark.parametrize(
    ("at", "stuck"),
    [("9 00:00:00", []), ("8 23:59:59", ["p1"]), ("9 00:00:01", []), ("1 00:00:00", ["p1"])],
)
def test_pending_is_stuck_beyond_its_age_not_at_it(engines: Engines, at: str, stuck: list[str]) -> None:
    feed = Feed()
    feed.leg("p1", "c1", "1.00", at, status="Pending")
    assert engines.exceptions(feed) == ({"stuck_pending": stuck} if stuck else {})


def test_ages_are_in_seconds(engines: Engines) -> None:
    feed = Feed()
    feed.leg("p1", "c1", "1.00", "8 23:59:00", status="Pending")
    (row,) = engines.view(feed, "stuck_pending")
    assert (row["age_seconds"], row["max_age_seconds"]) == (86_460, 86_400)


def test_rails_without_an_age_wait_for_ever(engines: Engines) -> None:
    feed = Feed()
    feed.leg("p1", "c1", "-1.00", "1", status="Pending", rail_name="Fee")
    assert engines.exceptions(feed) == {}


def test_without_an_as_of_nothing_is_stuck(engines: Engines) -> None:
    feed = Feed(as_of=None)
    feed.leg("p1", "c1", "1.00", "1", status="Pending")
    feed.move("u", "c1", "fees", "1.00", "1", rail_name="Fee")
    assert engines.exceptions(feed) == {}


def test_pending_that_became_posted_or_failed_is_not_stuck(engines: Engines) -> None:
    feed = Feed()
    for transfer in ("a", "b", "c"):
        feed.move(transfer, "fed", "c1", "1.00", "1", status="Pending")
    feed.move("a", "fed", "c1", "1.00", "1", supersedes="Inflight")
    feed.move("b", "fed", "c1", "1.00", "1", status="Failed", supersedes="Inflight")
    assert engines.exceptions(feed) == {"stuck_pending": ["c1", "c2"]}


def test_posted_that_became_pending_again_is_stuck(engines: Engines) -> None:
    feed = Feed()
    feed.leg("p1", "c1", "1.00", "1")
    feed.leg("p1", "c1", "1.00", "1", status="Pending", supersedes="TechnicalCorrection")
    assert engines.exceptions(feed) == {"stuck_pending": ["p1"], "supersession_audit": ["p1"]}


@pytest.mark.parametrize(("at", "stuck"), [("9 04:00:00", False), ("9 03:59:59", True), ("9 04:00:01", False)])
def test_unbundled_is_stuck_beyond_its_age_not_at_it(engines: Engines, at: str, stuck: bool) -> None:
    feed = Feed()
    feed.move("u", "c1", "fees", "1.00", at, rail_name="Fee")
    assert engines.exceptions(feed) == ({"stuck_unbundled": ["u1", "u2"]} if stuck else {})


def test_only_posted_legs_without_a_bundle_wait(engines: Engines) -> None:
    feed = Feed()
    feed.move("f", "c1", "fees", "1.00", "1", rail_name="Fee", status="Failed")
    feed.move("p", "c1", "fees", "1.00", "1", rail_name="Fee", status="Pending")
    feed.move("b", "c1", "fees", "1.00", "1", rail_name="Fee")
    feed.move("b", "c1", "fees", "1.00", "1", rail_name="Fee", bundle_id="s", supersedes="BundleAssignment")
    feed.move("out", "c1", "fed", "1.00", "1", rail_name="Out")  # nothing bundles it, nor its child
    feed.move("o", "c1", "fed", "1.00", "1", rail_name="Return", transfer_parent_id="out")
    assert engines.exceptions(feed) == {}


def test_a_rail_that_is_bundled_within_a_template_waits_there_only(engines: Engines) -> None:
    feed = Feed()
    feed.move("s", "fees", "shop", "1.00", "1", rail_name="Sale", template_name="Cycle", transfer_parent_id=None)
    feed.move("t", "fees", "shop", "1.00", "1", rail_name="Sale")
    feed.move("p", "shop", "fed", "1.00", "1", rail_name="PayoutA", transfer_parent_id="s")
    assert engines.exceptions(feed) == {"stuck_unbundled": ["s1", "s2"]}


@pytest.mark.parametrize("selector", ["Fee", "type_fee"])
def test_a_rail_is_bundled_by_name_or_type(engines: Engines, selector: str) -> None:
    bank = tiny(
        rails=[
            rail("Fee", "Customer", "Fees", max_unbundled_age="PT1H"),
            rail("Sweep", "Fees", "Income", aggregating="true", cadence="daily-eod", bundles_activity=[selector]),
        ]
    )
    feed = Feed(bank=views_bank(**{key: bank[key] for key in ("accounts", "account_templates", "rails")}, **NOTHING))
    feed.move("u", "c1", "fees", "1.00", "1", rail_name="Fee")
    feed.move("s", "fees", "income", "1.00", "1", rail_name="Sweep")
    assert engines.exceptions(feed) == {"stuck_unbundled": ["u1", "u2"]}


NOTHING: dict[str, Any] = {
    "transfer_templates": [],
    "chains": [],
    "limit_schedules": [],
    "role_business_day_offsets": {},
}


@pytest.mark.parametrize(("completion", "late"), [("5 12:00:00", False), ("5 11:59:59", True), (None, False)])
def test_late_is_after_the_completion(engines: Engines, completion: str | None, late: bool) -> None:
    at = completion and f"2030-01-0{completion}"
    feed = Feed()
    feed.leg("x", "c1", "1.00", "5 12:00:00", transfer_completion=at)
    feed.leg("f", "c1", "1.00", "5 12:00:00", transfer_completion=at, status="Failed")
    assert engines.exceptions(feed) == (
        {"late_posting": ["x"], "transfer_net": ["x/In"]} if late else {"transfer_net": ["x/In"]}
    )


CHANGES: dict[str, dict[str, Any]] = {
    "account": {"account": "c2"},
    "amount": {"amount": "2.00"},
    "status": {"status": "Failed"},
    "day": {"at": "6 00:00:00"},
}


REASONS = ("TechnicalCorrection", "Inflight", "BundleAssignment", None)
OPENING = {"rail_name": "OpeningBalance", "transfer_type": "opening_balance"}


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_posted_row_that_changes_is_audited_whatever_the_reason(
    engines: Engines, change: str, reason: str | None
) -> None:
    original = {"account": "c1", "amount": "1.00", "at": "5 00:00:00"}
    feed = Feed()
    feed.leg("x", **original, **OPENING)
    feed.leg("x", **(original | CHANGES[change]), **OPENING, supersedes=reason)
    assert engines.exceptions(feed) == {"supersession_audit": ["x"]}
    (row,) = engines.agreed("tiny_supersession_audit")
    assert (row["reason"], row["corrections"]) == (reason, 1)


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("more", [{}, {"at": "5 23:59:59", "bundle_id": "b"}, {"metadata": "{}"}])
def test_a_posted_row_may_get_what_is_none_of_the_four(
    engines: Engines, more: dict[str, Any], reason: str | None
) -> None:
    original: dict[str, Any] = {"account": "c1", "amount": "1.00", "at": "5 00:00:00"}
    feed = Feed()
    feed.leg("x", **original, **OPENING)
    feed.leg("x", **(original | more), **OPENING, supersedes=reason)
    assert "supersession_audit" not in engines.exceptions(feed)


@pytest.mark.parametrize("reason", REASONS)
def test_a_pending_row_may_change_unless_it_is_called_a_correction(engines: Engines, reason: str | None) -> None:
    feed = Feed()
    feed.leg("x", "c1", "1.00", "5", **OPENING, status="Pending")
    feed.leg("x", "c2", "2.00", "6", **OPENING, supersedes=reason)
    assert engines.exceptions(feed) == ({"supersession_audit": ["x"]} if reason == "TechnicalCorrection" else {})


def test_a_correction_without_a_row_before_it_changes_nothing(engines: Engines) -> None:
    feed = Feed()
    feed.leg("x", "c1", "1.00", "5", rail_name="OpeningBalance", supersedes="TechnicalCorrection")
    assert "supersession_audit" not in engines.exceptions(feed)


def test_a_key_that_changes_often_is_one_row_from_first_to_last(engines: Engines) -> None:
    feed = Feed()
    for amount, status, why in (
        ("1.00", "Pending", None),
        ("2.00", "Posted", "Inflight"),
        ("3.00", "Posted", "TechnicalCorrection"),
        ("3.00", "Posted", "TechnicalCorrection"),
        ("4.00", "Posted", "TechnicalCorrection"),
        ("5.00", "Posted", None),
    ):
        feed.leg("x", "c1", amount, "5", status=status, supersedes=why)
    (row,) = engines.view(feed, "supersession_audit")
    assert (row["before_amount_money"], row["after_amount_money"], row["corrections"]) == (2, 5, 3)
    assert (row["base_table"], row["transfer_id"], row["before_status"]) == ("transactions", "x", "Posted")
    assert row["reason"] is None


def test_each_version_is_compared_with_the_one_before(engines: Engines) -> None:
    feed = Feed()
    for amount, why in (("1.00", None), ("2.00", "TechnicalCorrection"), ("1.00", "TechnicalCorrection")):
        feed.leg("x", "c1", amount, "5", supersedes=why)
    (row,) = engines.view(feed, "supersession_audit")
    assert (row["before_amount_money"], row["after_amount_money"], row["corrections"]) == (1, 1, 2)


def test_a_business_day_is_the_roles_own_when_corrected(engines: Engines) -> None:
    feed = Feed()
    more = {"rail_name": "Sale", "template_name": "Cycle", "transfer_id": "t", "bundle_id": "b"}
    for leg, at in (("x", "5 02:00:00"), ("y", "5 03:00:00")):
        feed.leg(leg, "shop", "1.00", "4 23:00:00", **more)
        feed.leg(leg, "shop", "1.00", at, **more, supersedes="TechnicalCorrection")
    assert engines.exceptions(feed)["supersession_audit"] == ["y"]


def test_daily_balances_are_audited_where_the_money_changed_whatever_the_reason(engines: Engines) -> None:
    feed = Feed()
    for day, money, why in (
        (4, "1.00", None),
        (4, "0.00", None),
        (5, "1.00", None),
        (5, "0.00", "TechnicalCorrection"),
        (6, "0.00", None),
        (6, "0.00", "TechnicalCorrection"),
        (7, "1.00", None),
        (7, "0.00", "Inflight"),
        (7, "0.00", "TechnicalCorrection"),
    ):
        feed.balance("c1", day, money, supersedes=why)
    feed.balance("c1", 8, "0.00")
    feed.balance("c1", 8, "0.00", business_day_end="2030-01-10 00:00:00")
    keys = [f"c1/2030-01-{day:02d}" for day in (4, 5, 7, 8)]
    assert engines.exceptions(feed) == {"supersession_audit": keys}
    rows = engines.agreed("tiny_supersession_audit")
    assert [row["reason"] for row in rows] == [None, "TechnicalCorrection", "Inflight", None]
    row = rows[1]
    assert (row["base_table"], row["before_amount_money"], row["after_amount_money"]) == ("daily_balances", 1, 0)
    assert (row["before_business_day"], row["after_business_day"]) == ("2030-01-05", "2030-01-05")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"rail_name": "Unheard"}, "rail"),
        ({"rail_name": "in"}, "rail"),
        ({"transfer_type": "type_out"}, "transfer_type"),
        ({"account": "fees"}, "role"),
        ({"account": "fees", "status": "Failed"}, "role"),
        ({"rail_name": "OpeningBalance"}, "transfer_type"),
        ({"rail_name": "OpeningBalance", "transfer_type": "opening_balance", "account": "fees"}, None),
        ({}, None),
    ],
)
def test_postings_that_nobody_declared(engines: Engines, more: dict[str, Any], reason: str | None) -> None:
    feed = Feed()
    feed.leg(**({"leg": "x", "account": "c1", "amount": "1.00", "at": "5"} | more))
    rows = engines.view(feed, "unmatched_postings")
    assert [(row["view_key"], row["unmatched"]) for row in rows] == ([("x", reason)] if reason else [])


@pytest.mark.parametrize(
    ("metadata", "missing"),
    [
        (json.loads(METADATA), []),
        ({ODD_KEY: 0, "ref": False}, []),
        ({ODD_KEY: {"ref": "deep"}}, ["ref"]),
        ({"ref": "x", ODD_KEY: ""}, [ODD_KEY]),
        ({"ref": None, ODD_KEY: None}, [ODD_KEY, "ref"]),
        ({}, [ODD_KEY, "ref"]),
        (None, [ODD_KEY, "ref"]),
    ],
)
def test_required_metadata_is_there_and_not_empty(
    engines: Engines, metadata: dict[str, Any] | None, missing: list[str]
) -> None:
    feed = Feed()
    feed.move("x", "fed", "c1", "1.00", "5", metadata=None if metadata is None else json.dumps(metadata))
    keys = [f"{leg}/{key}" for leg in ("x1", "x2") for key in missing]
    assert engines.exceptions(feed) == ({"posted_requirement_gaps": keys} if keys else {})


def test_what_is_not_posted_needs_nothing_yet(engines: Engines) -> None:
    feed = Feed()
    feed.move("x", "fed", "c1", "1.00", "9 23:00:00", metadata=None, status="Pending")
    feed.move("y", "fed", "c1", "1.00", "5", metadata=None, status="Failed")
    feed.move("z", "income", "fed", "1.00", "5", rail_name="Follow", status="Failed")
    assert engines.exceptions(feed) == {}


@pytest.mark.parametrize("template", ["Journal", None])
def test_the_transfer_key_of_a_template_is_required(engines: Engines, template: str | None) -> None:
    feed = Feed()
    feed.leg("x", "income", "-2.00", "5", rail_name="Give", template_name=template, metadata="{}", transfer_id="t")
    feed.leg("y", "fees", "0.50", "5", rail_name="Take", template_name=template, transfer_id="t")
    assert engines.exceptions(feed) == {"posted_requirement_gaps": ["x/journal"]}


@pytest.mark.parametrize(("template", "keys"), [("Journal", ["x/journal"]), ("Other", ["x/other"])])
def test_a_leg_rail_of_two_templates_needs_the_key_of_its_own(
    engines: Engines, template: str, keys: list[str]
) -> None:
    bank = tiny(
        rails=[
            rail("In", "Fed", "Customer"),
            rail("Both", "Customer", "Fees", metadata_keys=["journal", "other"], expected_net=None),
        ],
        transfer_templates=[
            {
                "name": name,
                "transfer_type": f"t{name}",
                "expected_net": "0",
                "transfer_key": [name.lower()],
                "completion": "month_end",
                "leg_rails": ["Both"],
            }
            for name in ("Journal", "Other")
        ],
    )
    feed = Feed(bank=views_bank(**{**bank, "chains": [], "limit_schedules": [], "role_business_day_offsets": {}}))
    feed.leg("x", "c1", "-1.00", "5", rail_name="Both", template_name=template, metadata="{}", transfer_id="t")
    feed.leg("y", "fees", "1.00", "5", rail_name="Both", template_name=template, transfer_id="t", status="Failed")
    assert engines.exceptions(feed)["posted_requirement_gaps"] == keys


@pytest.mark.parametrize("parent", [None, ""])
def test_a_rail_that_only_follows_needs_its_parent(engines: Engines, parent: str | None) -> None:
    feed = Feed()
    feed.move("x", "income", "fed", "1.00", "5", rail_name="Follow", transfer_parent_id=parent)
    assert engines.exceptions(feed) == {
        "chain_exceptions": ["x/>Follow"],
        "posted_requirement_gaps": ["x1/transfer_parent_id", "x2/transfer_parent_id"],
    }
