"""The view of transfers in which not exactly one leg rail of an XOR group has fired, on feeds of a few rows."""

from typing import Any

import pytest

from tests.bank.choosing import choosing, leg
from tests.bank.tiny import bank_of

from .engines import Engines
from .feed import Feed

# A name with a stroke, which also separates names, and with a quote.
CHEQUE = "O'Hara | Cheque"
GROUP = "Ach | O'Hara \\| Cheque"


def feed_of() -> Feed:
    """A feed of a bank with two groups, of which each test closes the second one."""
    data = choosing(("Ach", CHEQUE), ("FeeA", "FeeB"))
    data["rails"].append(leg(CHEQUE, "Held", "Variable"))
    return Feed(bank=bank_of(data))


def settle(feed: Feed, transfer: str, *legs: tuple[str, str, str], sale: str = "Posted") -> None:
    """A transfer of a sale over 5.00, which legs (rail, amount, state) close; `FeeA` takes 1.00."""
    of: dict[str, Any] = {"template_name": "Settle", "transfer_id": transfer, "metadata": '{"key": "k"}'}
    feed.leg(f"{transfer}1", "c1", "-5.00", "5", rail_name="Sale", status=sale, **of)
    feed.leg(f"{transfer}2", "fees", "1.00", "5", rail_name="FeeA", status=sale, **of)
    for number, (rail, amount, status) in enumerate(legs, start=3):
        account = "fed" if rail == "Ach" else "c2"
        feed.leg(f"{transfer}{number}", account, amount, "5", rail_name=rail, status=status, **of)


ONE, OTHER = ("Ach", "4.00", "Posted"), (CHEQUE, "4.00", "Posted")
SHARED = [("Ach", "1.00", "Posted"), (CHEQUE, "3.00", "Posted")]


@pytest.mark.parametrize(
    ("legs", "sale", "exception", "fired"),
    [
        ([ONE], "Posted", None, None),
        ([OTHER], "Posted", None, None),
        ([("Ach", "1.00", "Posted"), ("Ach", "3.00", "Posted")], "Posted", None, None),
        ([], "Posted", "missed", None),
        ([("Ach", "4.00", "Failed")], "Posted", "missed", None),
        ([], "Pending", None, None),
        ([], "Failed", None, None),
        ([("Ach", "4.00", "Pending")], "Posted", None, None),
        (SHARED, "Posted", "overlap", f"Ach | {CHEQUE}"),
        ([("Ach", "1.00", "Posted"), (CHEQUE, "3.00", "Pending")], "Posted", "overlap", f"Ach | {CHEQUE}"),
        ([("Ach", "4.00", "Failed"), OTHER], "Posted", None, None),
    ],
)
def test_exactly_one_of_the_group_fires(
    engines: Engines, legs: list[tuple[str, str, str]], sale: str, exception: str | None, fired: str | None
) -> None:
    feed = feed_of()
    settle(feed, "t", *legs, sale=sale)
    found = engines.exceptions(feed).get("leg_xor_exceptions", [])
    assert found == ([f"t/{GROUP}"] if exception else [])
    told = [(row["exception"], row["leg_group"], row["fired"]) for row in engines.agreed("tiny_leg_xor_exceptions")]
    assert told == ([(exception, GROUP, fired)] if exception else [])


def test_each_group_is_asked_by_itself(engines: Engines) -> None:
    feed = feed_of()
    settle(feed, "t", *SHARED, ("FeeB", "0.00", "Posted"))
    settle(feed, "u", ONE)
    keys = [f"t/{GROUP}", "t/FeeA | FeeB"]
    assert engines.exceptions(feed)["leg_xor_exceptions"] == sorted(keys)


def test_a_leg_counts_only_where_it_names_the_template(engines: Engines) -> None:
    feed = feed_of()
    settle(feed, "t")
    feed.leg("t9", "fed", "4.00", "5", rail_name="Ach", transfer_id="t")
    assert engines.exceptions(feed)["leg_xor_exceptions"] == [f"t/{GROUP}"]
