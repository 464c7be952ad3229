"""Structural findings: sound banks have none, and a change to one brings exactly the finding that it should."""

from pathlib import Path
from typing import Any

import pytest
from tests.bank.tiny import Data, bank_of, rail, sweep, tiny

import seedbed
from seedbed.bank.findings import UNSAID, structural_findings
from seedbed.bank.load import load_instance
from seedbed.errors import Problem

BUNDLED = Path(__file__).parents[2] / "src" / "seedbed" / "banks"

EXPECTED = "finding-expected-balance-cannot-hold"
NET = "finding-net-cannot-hold"
IDLE_RAIL = "finding-rail-never-fires"
IDLE_CHAIN = "finding-chain-never-completes"
IDLE_CAP = "finding-cap-never-binds"
SHORT = "finding-unbundled-age-short"
CAPPED = "finding-aggregate-under-cap"
STARVED = "finding-cap-starves-chain"
CIRCLE = "finding-bundle-circle"


def found(data: Data, counts: dict[str, int] | None = None) -> list[str]:
    return [finding.rule for finding in impossible(data, counts)]


def impossible(data: Data, counts: dict[str, int] | None = None) -> list[Problem]:
    """The findings on what can never hold; tiny banks leave kinds to a guess and have idle accounts."""
    unsaid = {rule for rule, _ in UNSAID}
    return [one for one in structural_findings(bank_of(data), counts=counts) if one.rule not in unsaid]


def leg(name: str, role: str, direction: str, **more: Any) -> Data:
    shape = {"name": name, "transfer_type": f"type_{name.lower()}", "origin": "InternalInitiated"}
    return {**shape, "leg_role": role, "leg_direction": direction, **more}


def template(*legs: str, net: str = "0.00", name: str = "Batch") -> Data:
    more: Data = {"transfer_key": [], "completion": "month_end", "leg_rails": list(legs)}
    return {"name": name, "transfer_type": "batch", "expected_net": net, **more}


def chain(parent: str, child: str) -> Data:
    return {"parent": parent, "child": child, "required": "true"}


FEE = rail("Fee", "Customer", "Fees", max_unbundled_age="PT20H")
CLEAR = sweep("Clear", "Fees", "Income", "Fee")


def swept(*rails: Data, **changes: Any) -> Data:
    """The tiny bank, whose fees account must end every day at zero, with these rails on top."""
    data = tiny(**changes)
    data["rails"] += rails
    return data


@pytest.mark.parametrize("bank", sorted(BUNDLED.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_bundled_banks_have_no_findings(bank: Path) -> None:
    assert structural_findings(load_instance(bank)) == ()


def test_an_account_that_nothing_touches_keeps_its_balance() -> None:
    assert found(tiny()) == []


@pytest.mark.parametrize("cadence", ["daily-eod", "intraday-2h", "intraday-24h"])
def test_an_account_that_a_sweep_clears_every_day_keeps_its_balance(cadence: str) -> None:
    assert found(swept(FEE, CLEAR | {"cadence": cadence})) == []


def test_a_sweep_at_a_days_beginning_leaves_what_the_day_brings() -> None:
    assert found(swept(FEE, CLEAR | {"cadence": "daily-bod"})) == [EXPECTED, SHORT]


def test_several_rails_and_a_template_may_be_cleared_by_one_sweep() -> None:
    data = swept(
        FEE,
        {key: value for key, value in rail("Charge", "Customer", "Fees").items() if key != "expected_net"},
        CLEAR | {"bundles_activity": ["Fee", "Batch.Charge"]},
        transfer_templates=[template("Charge")],
        chains=[chain("In", "Fee")],
    )
    assert found(data) == []


def test_an_account_that_a_sweep_refills_every_day_keeps_its_balance() -> None:
    assert found(swept(rail("Refund", "Fees", "Customer"), sweep("Refill", "Income", "Fees", "Refund"))) == []


NOT_CLEARED: dict[str, list[Data]] = {
    "nothing clears it": [FEE | {"max_unbundled_age": None}],
    "the sweep is weekly": [FEE | {"max_unbundled_age": "P11D"}, CLEAR | {"cadence": "weekly-fri"}],
    "the sweep is monthly": [FEE | {"max_unbundled_age": "P31D"}, CLEAR | {"cadence": "monthly-eom"}],
    "a rail is not swept": [FEE, rail("Other", "Customer", "Fees"), CLEAR],
    "the sweep takes more": [FEE, CLEAR | {"bundles_activity": ["Fee", "In"]}],
    "the sweep takes only one use of the rail": [
        {key: value for key, value in FEE.items() if key != "expected_net"},
        CLEAR | {"bundles_activity": ["Batch.Fee"]},
    ],
    "another sweep takes some": [FEE, CLEAR, sweep("Also", "Fed", "Income", "type_fee", "In")],
    "two sweeps": [FEE, CLEAR, sweep("Also", "Fees", "Income", "Fee", "In", transfer_type="also")],
    "a rail may land elsewhere": [rail("Fee", "Customer", ["Fees", "Income"]), CLEAR],
    "the sweep may start elsewhere": [FEE, sweep("Clear", ["Fees", "Ledger"], "Income", "Fee")],
    "money also leaves": [FEE, CLEAR, rail("Refund", "Fees", "Customer")],
    "the sweep comes back": [FEE, sweep("Clear", "Fees", ["Income", "Fees"], "Fee")],
    "a one-leg rail posts too": [FEE, CLEAR | {"bundles_activity": ["Fee", "Top"]}, leg("Top", "Fees", "Credit")],
}


@pytest.mark.parametrize("rails", NOT_CLEARED.values(), ids=NOT_CLEARED.keys())
def test_an_account_that_is_not_cleared_exactly_is_found(rails: list[Data]) -> None:
    names = {one["name"]: one for one in rails}
    twice = [template("Fee"), template("Fee", name="Other")] if "expected_net" not in names.get("Fee", {}) else []
    assert EXPECTED in found(swept(*rails, transfer_templates=twice))


def test_a_sweep_of_its_own_consequences_is_found() -> None:
    back = rail("Back", "Customer", "Fees")
    data = swept(FEE, back, CLEAR | {"bundles_activity": ["Fee", "Back"]}, chains=[chain("Clear", "Back")])
    assert found(data) == [EXPECTED, CIRCLE]


def test_a_shifted_business_day_parts_sweep_from_swept() -> None:
    assert found(swept(FEE, CLEAR, role_business_day_offsets={"Fees": "-7"})) == [EXPECTED]
    assert found(swept(FEE, CLEAR, role_business_day_offsets={"Income": "-7"})) == []


def test_a_capped_sweep_is_found_and_so_is_what_it_should_clear() -> None:
    data = swept(FEE, CLEAR)
    data["accounts"][1]["parent_role"] = "Ledger"
    assert found(data) == []
    data["limit_schedules"] = [{"parent_role": "Ledger", "transfer_type": "type_clear", "cap": "5.00"}]
    assert sorted(found(data)) == [CAPPED, EXPECTED, SHORT]


def test_two_accounts_of_one_role_are_not_cleared_by_one_sweep() -> None:
    data = swept(FEE, CLEAR)
    data["accounts"].append({"id": "fees2", "role": "Fees", "scope": "internal"})
    assert found(data) == [EXPECTED]


def test_external_balances_are_nobodys_business() -> None:
    data = tiny()
    data["accounts"][3]["expected_eod_balance"] = "5.00"
    assert found(data) == []


def test_a_template_whose_accounts_move_is_found() -> None:
    data = tiny()
    data["account_templates"][0]["expected_eod_balance"] = "0.00"
    assert found(data) == [EXPECTED]


def parent_of_branches(ledger: str, branch: Data) -> Data:
    data = tiny(
        rails=[], account_templates=[{"role": "Branch", "scope": "internal", "parent_role": "Ledger", **branch}]
    )
    data["accounts"][0]["expected_eod_balance"] = ledger
    return data


def test_a_parent_holds_where_the_accounts_below_it_certainly_add_up() -> None:
    assert found(parent_of_branches("0.00", {})) == []
    assert found(parent_of_branches("30.00", {"expected_eod_balance": "2.00"})) == []
    assert found(parent_of_branches("40.00", {"expected_eod_balance": "2.00"}), {"Branch": 10}) == []
    assert found(parent_of_branches("10.00", {})) == [EXPECTED]
    assert found(parent_of_branches("30.00", {"expected_eod_balance": "2.00"}), {"Branch": 6}) == [EXPECTED]


NETS: list[tuple[list[Data], str, bool]] = [
    ([leg("A", "Customer", "Debit"), leg("B", "Fees", "Credit")], "0.00", True),
    ([leg("A", "Customer", "Debit"), leg("B", "Fees", "Credit")], "-99.00", True),
    ([leg("A", "Customer", "Debit"), leg("B", "Fees", "Variable")], "7.00", True),
    ([leg("A", "Customer", "Debit")], "-0.01", True),
    ([leg("A", "Customer", "Debit")], "0.00", False),
    ([leg("A", "Customer", "Debit")], "5.00", False),
    ([leg("A", "Customer", "Credit")], "5.00", True),
    ([leg("A", "Customer", "Credit"), leg("B", "Fees", "Credit")], "0.01", False),
]


@pytest.mark.parametrize(("legs", "net", "possible"), NETS)
def test_a_template_nets_where_its_legs_can(legs: list[Data], net: str, possible: bool) -> None:
    data = tiny(transfer_templates=[template(*(one["name"] for one in legs), net=net)])
    data["rails"] += legs
    del data["accounts"][1]["expected_eod_balance"]
    assert found(data) == ([] if possible else [NET])


def test_a_net_that_cannot_hold_is_found_where_plants_alone_can_bring_it_about() -> None:
    data = tiny(rails=[rail("Move", "Customer", "Fees")], transfer_templates=[template("Move", net="-0.01")])
    del data["accounts"][1]["expected_eod_balance"], data["rails"][0]["expected_net"]
    assert found(data, {"Customer": 0}) == [IDLE_RAIL, NET]
    data["transfer_templates"][0]["expected_net"] = "0.00"
    assert found(data, {"Customer": 0}) == [IDLE_RAIL]


def test_a_net_that_planted_transfers_alone_miss_is_found() -> None:
    """The leg that takes it off the net has no accounts but the plants'."""
    data = tiny(rails=[rail("Move", "Income", "Fed"), leg("Take", "Customer", "Debit")])
    data["transfer_templates"] = [template("Move", "Take")]
    del data["accounts"][1]["expected_eod_balance"], data["rails"][0]["expected_net"]
    assert found(data, {"Customer": 0}) == [IDLE_RAIL, NET]
    data["transfer_templates"][0]["expected_net"] = "-0.01"
    assert found(data, {"Customer": 0}) == [IDLE_RAIL, NET]
    assert found(data, {"Customer": 1}) == []


def test_a_template_never_fires_whose_net_its_caps_do_not_allow() -> None:
    """The Variable leg would have to take out more than an account may pay in a day; what follows never fires too."""
    data = tiny(transfer_templates=[template("A", "B", net="-50.00")], chains=[chain("Batch", "Out")])
    data["rails"] += [leg("A", "Fed", "Credit"), leg("B", "Customer", "Variable")]
    data["limit_schedules"] = [{"parent_role": "Ledger", "transfer_type": "type_b", "cap": "50.01"}]
    assert found(data) == []
    data["limit_schedules"][0]["cap"] = "49.99"
    assert sorted({*found(data)}) == [IDLE_CHAIN, NET, IDLE_RAIL]


def test_a_sweep_of_nothing_but_zeros_has_no_chain_children() -> None:
    """The Variable leg of a template of two-leg rails has nothing to close."""
    data = tiny(
        rails=[rail("Move", "Income", "Fed"), rail("On", "Fed", "Income"), leg("Close", "Income", "Variable")]
    )
    data["rails"].append(sweep("Gather", "Income", "Fed", "Close"))
    data |= {"transfer_templates": [template("Move", "Close")], "chains": [chain("Gather", "On")]}
    del data["accounts"][1]["expected_eod_balance"], data["rails"][0]["expected_net"]
    assert found(data, {"Customer": 0}) == [IDLE_CHAIN, IDLE_RAIL]
    data["transfer_templates"][0]["expected_net"] = "1.00"
    assert found(data, {"Customer": 0}) == []


def test_a_cap_bounds_what_a_template_can_take_out() -> None:
    data = tiny(transfer_templates=[template("A", net="-50.00")])
    data["rails"].append(leg("A", "Customer", "Debit"))
    data["limit_schedules"] = [{"parent_role": "Ledger", "transfer_type": "type_a", "cap": "50.00"}]
    assert found(data) == []
    data["limit_schedules"][0]["cap"] = "49.99"
    assert found(data) == [IDLE_RAIL, NET]


def test_counts_given_by_the_caller_decide_what_can_fire() -> None:
    assert found(tiny(), {"Customer": 0}) == [IDLE_RAIL, IDLE_RAIL]
    assert found(tiny(baseline={"accounts": {"Customer": "0"}}), {"Customer": 1}) == []


def test_a_rail_within_one_role_needs_two_accounts() -> None:
    assert found(tiny(rails=[rail("Move", "Customer", "Customer")])) == []
    assert found(tiny(rails=[rail("Move", "Customer", "Customer")]), {"Customer": 1}) == [IDLE_RAIL]


def test_a_leg_rail_that_is_a_child_stands_for_its_template() -> None:
    data = tiny(transfer_templates=[template("A", net="5.00")], chains=[chain("In", "A"), chain("A", "Out")])
    data["rails"].append(leg("A", "Customer", "Credit"))
    assert found(data) == []
    data["chains"] = [chain("In", "A"), chain("Batch", "Out")]
    assert found(data) == []


def test_a_variable_leg_alone_has_nothing_to_close() -> None:
    data = tiny(transfer_templates=[template("A")])
    data["rails"].append(leg("A", "Customer", "Variable"))
    assert found(data) == [IDLE_RAIL]


def test_one_leg_rails_of_a_template_post_together_or_not_at_all() -> None:
    data = tiny(transfer_templates=[template("A", "B", "C")])
    data["account_templates"].append({"role": "Branch", "scope": "internal"})
    move = {key: value for key, value in rail("C", "Fed", "Ledger").items() if key != "expected_net"}
    data["rails"] += [leg("A", "Branch", "Debit"), leg("B", "Ledger", "Credit"), move]
    assert found(data) == []
    assert found(data, {"Branch": 0}) == [IDLE_RAIL, IDLE_RAIL]
    data["rails"][2]["leg_direction"] = "Variable"
    assert found(data, {"Branch": 0}) == [IDLE_RAIL, IDLE_RAIL, IDLE_RAIL]


def test_a_sweep_without_accounts_bundles_nothing() -> None:
    data = swept(FEE | {"destination_role": "Ledger"}, sweep("Clear", "Branch", "Income", "Fee"))
    data["account_templates"].append({"role": "Branch", "scope": "internal"})
    assert found(data) == []
    assert found(data, {"Branch": 0}) == [SHORT, IDLE_RAIL]


def test_a_chain_between_legs_of_one_template_never_completes() -> None:
    data = tiny(transfer_templates=[template("A", "B")], chains=[chain("A", "B")])
    data["rails"] += [leg("A", "Customer", "Debit"), leg("B", "Ledger", "Credit")]
    assert found(data) == [IDLE_CHAIN]


@pytest.mark.parametrize(
    ("cadence", "short", "enough"),
    [
        ("daily-eod", "PT10H", "PT10H30M"),
        ("daily-bod", "P4D", "P5D"),
        ("intraday-2h", "PT2H", "PT2H30M"),
        ("intraday-12h", "PT8H", "PT8H30M"),
        ("weekly-mon", "P10D", "P11D"),
        ("monthly-eom", "P30D", "P31D"),
        ("monthly-15", "P34D", "P35D"),
        ("monthly-bom", "P34D", "P5W"),
    ],
)
def test_an_age_is_short_where_the_cadence_needs_longer(cadence: str, short: str, enough: str) -> None:
    def ages(age: str) -> list[str]:
        move = rail("Move", "Ledger", "Income", max_unbundled_age=age)
        return found(swept(move, sweep("Clear", "Income", "Fed", "Move", cadence=cadence)))

    assert ages(short) == [SHORT]
    assert ages(enough) == []


def test_evening_hours_lengthen_the_wait_of_all_that_one_sweep_takes() -> None:
    sale = rail("Sale", "Fed", "Ledger", transfer_type="card_sale")
    move = rail("Move", "Ledger", "Income", max_unbundled_age="PT12H")
    assert found(swept(sale, move, sweep("Clear", "Income", "Fed", "Move"))) == []
    assert found(swept(sale, move, sweep("Clear", "Income", "Fed", "Move", "Sale"))) == [SHORT]


def test_a_sweep_of_sweeps_is_sound_and_a_circle_of_them_is_not() -> None:
    first, second = sweep("First", "Ledger", "Income", "In"), sweep("Second", "Income", "Fed", "First")
    assert found(swept(first, second)) == []
    assert found(swept(first | {"bundles_activity": ["In", "Second"]}, second)) == [CIRCLE]


def test_a_cap_binds_where_a_rail_debits_an_account_below() -> None:
    def limited(transfer_type: str) -> list[str]:
        limit = {"parent_role": "Ledger", "transfer_type": transfer_type, "cap": "5.00"}
        return found(tiny(limit_schedules=[limit]))

    assert limited("type_out") == []
    assert limited("type_in") == [IDLE_CAP]


def test_a_finding_of_a_bank_without_a_file_names_bank_and_path() -> None:
    (finding,) = impossible(tiny(rails=[rail("In", "Ledger", "Ledger")]))
    assert str(finding).startswith("tiny: rails[0].name: this rail can never fire")


@pytest.mark.parametrize(("cap", "starved"), [("300.00", []), ("0.02", [STARVED])])
def test_a_cap_under_which_some_parents_find_nothing_is_named(cap: str, starved: list[str]) -> None:
    data = tiny(
        chains=[chain("In", "Forward")],
        limit_schedules=[{"parent_role": "Ledger", "transfer_type": "type_forward", "cap": cap}],
    )
    data["rails"].append(rail("Forward", "Customer", "Income"))
    assert [rule for rule in found(data) if rule == STARVED] == starved


def test_claims_on_a_template_beyond_the_third_are_counted() -> None:
    legs = [
        {key: value for key, value in rail(name, "Customer", "Fees").items() if key != "expected_net"}
        for name in ("L1", "L2", "L3", "L4", "L5")
    ]
    parents = [rail(f"In{n}", "Fed", "Customer") for n in range(1, 6)]
    data = swept(
        *legs,
        *parents,
        transfer_templates=[template("L1", "L2", "L3", "L4", "L5")],
        chains=[chain(f"In{n}", f"L{n}") for n in range(1, 6)],
    )
    [message] = [f.message for f in structural_findings(bank_of(data)) if f.rule == "finding-template-claimed"]
    assert "'In3' claims 'L3', and 2 more: each transfer" in message


def test_a_template_whose_net_its_capped_leg_cannot_reach_never_fires() -> None:
    """The leg is to make the whole net, whatever amount it declares; without it the other legs do not fire either."""
    credit = {
        "name": "Fee",
        "transfer_type": "fee_credit",
        "leg_role": "Customer",
        "leg_direction": "Credit",
        "origin": "InternalInitiated",
        "metadata_keys": [],
        "amount": "12.50",
    }
    move = {key: value for key, value in rail("Move", "Customer", "Fed").items() if key != "expected_net"}
    bank = bank_of(
        {
            **tiny(rails=[move, credit]),
            "transfer_templates": [
                {
                    "name": "Both",
                    "transfer_type": "both",
                    "expected_net": "125.00",
                    "transfer_key": [],
                    "completion": "business_day_end",
                    "leg_rails": ["Move", "Fee"],
                }
            ],
            "limit_schedules": [
                {"parent_role": "Ledger", "transfer_type": "fee_credit", "direction": "Inbound", "cap": "5.00"}
            ],
        }
    )
    never = [problem.message for problem in structural_findings(bank) if problem.rule == IDLE_RAIL]
    assert len(never) == 2 and all("too little for the expected_net of 'Both'" in message for message in never)
    fired = seedbed.generate(bank, window_days=10).transactions["rail_name"].to_pylist()
    assert set(fired) <= {"OpeningBalance"}
