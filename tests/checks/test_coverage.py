"""What the coverage assertions ask of a ledger, and of which rails and chains they ask nothing, for which reason."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from seedbed.checks import Report, check
from seedbed.checks.coverage import CAPS, CHAINS, HELD_BACK, LEGS
from seedbed.checks.result import PartResult
from seedbed.cli.main import run
from tests.bank.tiny import Data, rail, sweep, tiny

Made = Callable[..., Path]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Loads a bank into a DuckDB file: (bank as data, options of `data apply`)."""

    def load(data: Data, *options: str) -> Path:
        (tmp_path / "tiny.yaml").write_text(json.dumps(data), encoding="utf-8")
        place = tmp_path / "tiny.duckdb"
        apply = ["data", "apply", str(tmp_path / "tiny.yaml"), "--anchor", "2030-01-01", "--to", f"duckdb:///{place}"]
        assert run([*apply, "--window-days", "30", "--quiet", *options]) == 0
        return place

    return load


def changed(place: Path, *statements: str) -> None:
    with duckdb.connect(place) as connection:
        for statement in statements:
            connection.execute(statement)
    assert run(["data", "refresh", f"duckdb:///{place}", "--quiet"]) == 0


def report(place: Path) -> Report:
    return check(f"duckdb:///{place}")


def parts(place: Path, assertion: str) -> dict[str, PartResult]:
    """What was asked, by name; of a Required chain the share of its parents."""
    (result,) = (result for result in report(place).results if result.name == assertion)
    return {part.name: part for part in result.parts}


def swept(cap: str, **more: Any) -> Data:
    """Money in, swept out of the ledger account under a cap; a fee follows every sweep."""
    data = tiny(
        limit_schedules=[{"parent_role": "Top", "transfer_type": "type_wipe", "cap": cap}],
        chains=[{"parent": "Wipe", "child": "Fee", "required": "true"}],
        baseline={"rails": {"In": {"seed_volume_multiplier": "5"}}},
        **more,
    )
    data["accounts"].append({"id": "top", "role": "Top", "scope": "internal"})
    data["accounts"][0]["parent_role"] = "Top"
    data["rails"] += [sweep("Wipe", "Ledger", "Fed", "In"), rail("Fee", "Income", "Fed")]
    return data


def test_a_sweep_whose_cap_never_binds_owes_its_legs(made: Made) -> None:
    place = made(swept("1000000000.00"), "--baseline-only")
    assert {name: parts(place, LEGS)[name].verdict for name in ("Wipe", "Fee")} == {"Wipe": "ok", "Fee": "ok"}
    changed(place, "DELETE FROM tiny_transactions WHERE rail_name IN ('Wipe', 'Fee')")
    assert {name: parts(place, LEGS)[name].verdict for name in ("Wipe", "Fee")} == {"Wipe": "miss", "Fee": "miss"}


def test_what_hangs_on_a_sweep_that_its_cap_holds_back_is_not_asked(made: Made) -> None:
    found = parts(made(swept("0.02"), "--baseline-only"), LEGS)
    for name in ("Wipe", "Fee"):
        assert found[name].verdict == "not applicable"
        assert found[name].reason == HELD_BACK


def test_a_sweep_of_nothing_but_held_back_sweeps_is_not_asked(made: Made) -> None:
    """Its chain child, which it bundles too, cannot make it post for the first time. Its own type means no leg."""
    data = swept("0.02")
    data["rails"] += [sweep("Above", "Income", "Fed", "Wipe", "Back"), rail("Back", "Income", "Fed")]
    data["rails"] += [sweep("Beside", "Income", "Fed", "Wipe", "Out")]
    data["rails"] += [sweep("Owner", "Income", "Fed", "Wipe", "type_owner")]
    data["chains"].append({"parent": "Above", "child": "Back", "required": "true"})
    found = parts(made(data, "--baseline-only"), LEGS)
    assert {name: found[name].verdict for name in ("Above", "Back", "Beside", "Owner")} == {
        "Above": "not applicable",
        "Back": "not applicable",
        "Beside": "ok",
        "Owner": "not applicable",
    }


@pytest.mark.parametrize(("other", "verdict"), [("daily-bod", "ok"), ("daily-eod", "not applicable")])
def test_a_sweep_owes_its_legs_unless_others_take_what_it_bundles(made: Made, other: str, verdict: str) -> None:
    data = tiny()
    first = sweep("First", "Ledger", "Fed", "In", cadence="intraday-1h")
    data["rails"] += [first, sweep("Last", "Ledger", "Fed", "type_in", *(["Out"] if other == "daily-bod" else []))]
    found = parts(made(data, "--baseline-only"), LEGS)["Last"]
    assert found.verdict == verdict, found


def chained(**chain: str) -> Data:
    data = tiny(chains=[{"parent": "In", "child": "Forward", "required": "true"} | chain])
    data["rails"].append(rail("Forward", "Customer", "Income"))
    return data


def test_a_parent_whose_missing_child_is_listed_does_not_count(made: Made) -> None:
    place = made(chained(), "--mode", "every_view")
    changed(
        place,
        # Every second parent loses its child, and the answer key lists it: nothing is missing but what is listed.
        """CREATE TABLE lost AS SELECT DISTINCT transfer_parent_id AS parent, transfer_id AS child
        FROM tiny_transactions WHERE rail_name = 'Forward' AND hash(transfer_parent_id) % 2 = 0""",
        "DELETE FROM tiny_transactions WHERE transfer_id IN (SELECT child FROM lost)",
    )
    assert parts(place, CHAINS)["In>Forward"].verdict == "miss"
    changed(
        place,
        """INSERT INTO tiny_answer_key BY NAME
        SELECT 100000 + row_number() OVER () AS line, 'x' AS plant_id, 'broken_chain' AS kind,
          'exception' AS label, 'none' AS difficulty, 'view' AS item, 'chain_exceptions' AS place,
          parent || '/In>Forward' AS key FROM lost""",
    )
    found = parts(place, CHAINS)["In>Forward"]
    assert found.verdict == "ok", found


def test_an_optional_chain_with_planted_parents_alone_is_not_asked(made: Made) -> None:
    data = chained(required="false")
    data["baseline"] = {"rails": {"In": {"seed_volume_multiplier": "0.0001"}}}
    place = made(data)
    changed(place, "DELETE FROM tiny_transactions WHERE rail_name = 'Forward'")
    found = parts(place, CHAINS)["In>Forward"]
    assert found.verdict == "not applicable"
    assert "only plants" in found.reason


def test_a_parent_that_moves_nothing_owes_no_child(made: Made) -> None:
    place = made(chained(), "--baseline-only")
    changed(
        place,
        "DELETE FROM tiny_transactions WHERE rail_name = 'Forward'",
        "UPDATE tiny_transactions SET amount_money = 0, amount_direction = 'Credit' WHERE rail_name = 'In'",
    )
    assert parts(place, CHAINS)["In>Forward"].reason.startswith("it has no parent")


def capped(cap: str) -> Data:
    """Many payments out of each customer's account a day, under a cap."""
    return tiny(
        limit_schedules=[{"parent_role": "Ledger", "transfer_type": "type_out", "cap": cap}],
        baseline={"rails": {"Out": {"seed_volume_multiplier": "2"}}},
    )


def test_a_rail_whose_cap_is_spent_owes_no_more(made: Made) -> None:
    # Two templates fire the rail, and each leaves less of the cap to the other.
    fee = {"leg_rails": ["Fee"], "transfer_key": ["day"], "completion": "business_day_end", "expected_net": "0"}
    under = {"role": "RetailLedger", "scope": "internal", "parent_role": "FeeClearing"}
    into, charge = (
        rail("In", "Ext", "RetailLedger"),
        rail("Fee", "RetailLedger", "FeeClearing", metadata_keys=["day"]),
    )
    del charge["expected_net"]
    data = {
        "instance": "capstarve",
        "accounts": [
            {"id": "ext", "role": "Ext", "scope": "external"},
            {"id": "fee", "role": "FeeClearing", "scope": "internal"},
            *({"id": name} | under for name in ("r1", "r2")),
        ],
        "rails": [into | {"transfer_type": "ach_inbound"}, charge | {"transfer_type": "monthly_fee"}],
        "transfer_templates": [{"name": name, "transfer_type": name.lower()} | fee for name in ("Own", "Child")],
        "chains": [{"parent": "In", "child": "Child", "required": "false"}],
        "limit_schedules": [{"parent_role": "FeeClearing", "transfer_type": "monthly_fee", "cap": "0.01"}],
    }
    found = parts(made(data, "--baseline-only", "--window-days", "90"), LEGS)["Fee"]
    assert (found.verdict, found.reason) == ("not applicable", HELD_BACK)


def test_a_rail_whose_cap_is_never_spent_owes_its_legs(made: Made) -> None:
    place = made(capped("1000000000.00"), "--baseline-only")
    assert parts(place, LEGS)["Out"].verdict == "ok"
    changed(place, "DELETE FROM tiny_transactions WHERE rail_name = 'Out' AND hash(transfer_id) % 3 > 0")
    assert parts(place, LEGS)["Out"].verdict == "miss"


def both_ways(cap: str) -> Data:
    """A cap on what customers take in by a rail that moves money in, and one on what they pay by it."""
    both = ("Inbound", "Outbound")
    limits = [{"parent_role": "Ledger", "rail": "In", "cap": cap, "direction": way} for way in both]
    return tiny(limit_schedules=limits, baseline={"rails": {"In": {"seed_volume_multiplier": "2"}}})


def test_every_direction_of_a_cap_is_asked_for_by_its_own_name(made: Made) -> None:
    place = made(both_ways("900.00"), "--baseline-only")
    found = parts(place, CAPS)
    assert {name: part.verdict for name, part in found.items()} == {
        "Ledger/type_in/Inbound": "ok",
        "Ledger/type_in": "not applicable",
    }
    changed(place, "UPDATE tiny_transactions SET amount_money = 900.01 WHERE rail_name = 'In' AND amount_money > 500")
    assert parts(place, CAPS)["Ledger/type_in/Inbound"].verdict == "miss"


def test_a_rail_whose_recipients_may_take_in_no_more_owes_no_more(made: Made) -> None:
    assert parts(made(both_ways("0.02"), "--baseline-only"), LEGS)["In"].verdict != "miss"


def test_a_rail_that_makes_a_templates_net_owes_what_its_cap_leaves_room_for(made: Made) -> None:
    """Two transfers of 125.00 a day do not fit under a cap of 200.00, and the first leaves 75.00 of it."""
    give = {"name": "Give", "transfer_type": "give", "leg_role": "Customer", "leg_direction": "Credit"}
    data = tiny(
        rails=[give | {"origin": "InternalInitiated", "metadata_keys": ["day"]}],
        transfer_templates=[
            {
                "name": "Grant", "transfer_type": "grant", "expected_net": "125.00", "transfer_key": ["day"],
                "completion": "business_day_end", "leg_rails": ["Give"],
            }
        ],
        limit_schedules=[{"parent_role": "Ledger", "rail": "Give", "cap": "200.00", "direction": "Inbound"}],
        baseline={"rails": {"Give": {"seed_volume_multiplier": "3"}}},
    )  # fmt: skip
    data["rails"][0]["kind"] = "customer_inbound"
    found = parts(made(data, "--baseline-only"), LEGS)["Give"]
    assert (found.verdict, found.reason) == ("not applicable", HELD_BACK)
    assert int(found.found) > 100
