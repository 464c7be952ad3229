"""Views on money between accounts, on feeds of a few rows."""

from math import sqrt
from typing import Any

import pytest

from .engines import Engines
from .feed import Feed


def columns(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def test_an_edge_is_a_debit_and_a_credit_of_one_firing(engines: Engines) -> None:
    feed = Feed()
    feed.move("a", "fed", "c1", "5.00", "5")
    feed.move("f", "fed", "c1", "5.00", "5", status="Failed")
    feed.move("z", "fed", "c1", "0", "5")
    feed.transactions[-2]["amount_money"], feed.transactions[-2]["amount_direction"] = "0.00", "Credit"
    # One transfer, two firings: each sender pays its own recipient.
    firings = [("fees", "shop", "2", "6"), ("income", "c2", "2", "6 12:00:01"), ("c3", "c1", "3", "6")]
    for number, (source, destination, amount, at) in enumerate(firings):
        feed.leg(f"s{number}", source, f"-{amount}.00", at, transfer_id="t", rail_name="Sale")
        feed.leg(f"d{number}", destination, f"{amount}.00", at, transfer_id="t", rail_name="Sale")
    rows = engines.view(feed, "transfer_edges")
    assert columns(rows, "transfer_id", "sender_id", "recipient_id", "amount") == [
        ("a", "fed", "c1", 5),
        ("t", "c3", "c1", 3),
        ("t", "fees", "shop", 2),
        ("t", "income", "c2", 2),
    ]


def test_the_network_adds_up_every_direction(engines: Engines) -> None:
    feed = Feed()
    feed.move("a", "c1", "c2", "5.00", "5", rail_name="Pay")
    feed.move("b", "c1", "c2", "0.10", "7", rail_name="Pay")
    feed.move("c", "c2", "c1", "1.00", "6", rail_name="Pay")
    rows = engines.view(feed, "account_network")
    assert columns(rows, "sender_id", "recipient_id", "edges", "amount", "first_day", "last_day") == [
        ("c1", "c2", 2, 5.1, "2030-01-05", "2030-01-07"),
        ("c2", "c1", 1, 1, "2030-01-06", "2030-01-06"),
    ]


def test_fanout_counts_distinct_senders_of_a_day_and_of_two(engines: Engines) -> None:
    feed = Feed()
    feed.move("a", "c1", "desk", "1.00", "5 00:00:00", rail_name="Pay")
    feed.move("b", "c1", "desk", "1.00", "5 23:59:59", rail_name="Pay")
    feed.move("c", "c2", "desk", "1.00", "5", rail_name="Pay")
    feed.move("d", "c2", "desk", "1.00", "6", rail_name="Pay")
    feed.move("e", "c3", "desk", "1.00", "6", rail_name="Pay")
    feed.move("f", "c1", "desk", "1.00", "8", rail_name="Pay")
    rows = engines.view(feed, "recipient_fanout")
    assert columns(rows, "day", "senders", "edges", "amount", "window_senders", "window_amount") == [
        ("2030-01-05", 2, 3, 3, 2, 3),
        ("2030-01-06", 2, 2, 2, 3, 5),
        ("2030-01-08", 1, 1, 1, 1, 1),
    ]


def test_rolling_sums_reach_one_calendar_day_back(engines: Engines) -> None:
    feed = Feed()
    for name, day, amount in (("a", 5, "1"), ("b", 6, "2"), ("c", 6, "3"), ("d", 7, "4"), ("e", 9, "5")):
        feed.move(name, "fed", "c1", f"{amount}.00", str(day))
    feed.move("f", "fed", "c2", "7.00", "6")
    feed.move("g", "c1", "fed", "900.00", "6", rail_name="Out")  # no account of a template: not in the population
    rows = engines.view(feed, "volume_anomalies")
    assert columns(rows, "recipient_id", "day", "amount", "rolling_amount") == [
        ("c1", "2030-01-05", 1, 1),
        ("c1", "2030-01-06", 5, 6),
        ("c1", "2030-01-07", 4, 9),
        ("c1", "2030-01-09", 5, 5),
        ("c2", "2030-01-06", 7, 7),
    ]
    sums = [1, 6, 9, 5, 7]
    mean = sum(sums) / 5
    spread = sqrt(sum((value - mean) ** 2 for value in sums) / 5)
    assert [row["z_score"] for row in rows] == pytest.approx([(value - mean) / spread for value in sums], abs=1e-4)


def test_equal_sums_have_no_spread(engines: Engines) -> None:
    feed = Feed()
    for number in range(7):
        feed.move(f"t{number}-", "fed", "c1", "0.10", f"{2 * number + 1}")
    rows = engines.view(feed, "volume_anomalies")
    assert columns(rows, "z_score", "band") == [(0, "low")] * 7


@pytest.mark.parametrize(
    ("ordinary", "z_score", "band"),
    # One sum among n equal ones has a z-score of the square root of n, whatever the amounts.
    [(1, 1, "elevated"), (3, 1.7321, "elevated"), (4, 2, "notable"), (8, 2.8284, "notable"), (9, 3, "high")],
)
def test_bands_begin_at_their_bounds(engines: Engines, ordinary: int, z_score: float, band: str) -> None:
    feed = Feed()
    for number in range(ordinary):
        feed.move(f"t{number}-", "fed", "c1", "10.00", f"{2 * number + 1}")
    feed.move("spike", "fed", "c2", "990.00", "9")
    rows = {row["recipient_id"]: row for row in engines.view(feed, "volume_anomalies")}
    assert (rows["c2"]["z_score"], rows["c2"]["band"]) == (z_score, band)
    assert rows["c1"]["band"] == "low"


def trail(engines: Engines, *links: tuple[str, str | None], **statuses: str) -> list[tuple[Any, ...]]:
    feed = Feed()
    for name, parent in links:
        feed.move(name, "fed", "c1", "5.00", "5", transfer_parent_id=parent, status=statuses.get(name, "Posted"))
    rows = engines.view(feed, "money_trail")
    assert all(row["recipient_id"] == "c1" for row in rows if statuses.get(row["transfer_id"]) is None)
    return columns(rows, "root_transfer_id", "hop", "transfer_id", "transfer_parent_id")


def test_a_trail_goes_down_from_its_root(engines: Engines) -> None:
    assert trail(engines, ("a", None), ("b", "a"), ("c", "b"), ("d", "a"), ("alone", None), ("lost", "nowhere")) == [
        ("a", 0, "a", None),
        ("a", 1, "b", "a"),
        ("a", 1, "d", "a"),
        ("a", 2, "c", "b"),
    ]


def test_what_has_a_missing_parent_is_a_root(engines: Engines) -> None:
    assert trail(engines, ("a", "nowhere"), ("b", "a")) == [("a", 0, "a", None), ("a", 1, "b", "a")]


def test_failed_legs_lead_nowhere(engines: Engines) -> None:
    assert trail(engines, ("a", None), ("b", "a"), b="Failed") == []
    links = [("a", None), ("b", "a"), ("c", "b")]
    assert trail(engines, *links, c="Failed") == [("a", 0, "a", None), ("a", 1, "b", "a")]


def test_a_circle_ends_and_is_shown(engines: Engines) -> None:
    assert trail(engines, ("a", "c"), ("b", "a"), ("c", "b"), ("self", "self")) == [
        ("a", 0, "a", None),
        ("b", 0, "b", None),
        ("c", 0, "c", None),
        ("self", 0, "self", None),
    ]


def test_a_circle_behind_a_root_ends_and_is_shown(engines: Engines) -> None:
    feed = Feed()
    feed.move("r", "fed", "c1", "5.00", "5")
    feed.leg("a1", "fed", "-5.00", "5", transfer_id="a", transfer_parent_id="r")
    feed.leg("a2", "c1", "5.00", "5", transfer_id="a", transfer_parent_id="b")
    feed.move("b", "fed", "c1", "5.00", "5", transfer_parent_id="a")
    rows = engines.view(feed, "money_trail")
    assert columns(rows, "root_transfer_id", "hop", "transfer_id", "transfer_parent_id") == [
        ("r", 0, "r", None),
        ("r", 1, "a", "r"),
        ("r", 2, "b", "a"),
        ("r", 3, "a", "b"),
    ]


def test_a_trail_is_followed_32_hops(engines: Engines) -> None:
    names = [f"{number:02d}x" for number in range(36)]
    links = list(zip(names, [None, *names[:-1]], strict=True))
    rows = trail(engines, *links)
    assert [(row[0], row[1]) for row in rows] == [
        *((names[0], hop) for hop in sorted(range(33), key=str)),
        *((name, 0) for name in names[33:]),
    ]
