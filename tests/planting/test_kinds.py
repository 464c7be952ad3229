"""Each kind of plant, looked at in the rows: what it says is what is there, and no more."""

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

import seedbed
from seedbed.assembly.pipeline import ScenarioChoices
from seedbed.bank.load import parse_instance_text
from seedbed.bank.model import Bank

from .conftest import ANCHOR, NAMES, Planted, bundled, planted_ledger
from .exceptions import answered, connect, exceptions


@pytest.mark.parametrize("name", NAMES)
def test_drift_is_exactly_the_delta_on_exactly_one_account_day(planted: Planted, name: str) -> None:
    _, ledger, con = planted(name)
    drifts = con.sql(
        """select account_id, business_day_start::date, bal.money - c.money from bal
           join computed c using (account_id, business_day_start)
           where account_role not in (select account_parent_role from bal where account_parent_role is not null)
             and bal.money <> c.money order by 2 desc"""
    ).fetchall()
    scenario = ledger.dataset.scenario
    assert scenario is not None
    assert [(account, money) for account, _, money in drifts] == [
        (plant.account_id, plant.delta_money) for plant in scenario.drift_plants
    ]
    assert len({day for _, day, _ in drifts}) == 5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("blend", [False, True])
def test_an_overdraft_leaves_exactly_its_amount_and_is_covered_the_next_business_day(
    planted: Planted, name: str, blend: bool
) -> None:
    _, ledger, con = planted(name, blend=True) if blend else planted(name)
    scenario = ledger.dataset.scenario
    assert scenario is not None
    negative = con.sql(
        "select account_id, business_day_start::date as day, money, "
        "lead(money) over (partition by account_id order by business_day_start) as after from bal "
        "qualify money < 0 order by day desc, account_id"
    ).fetchall()
    wanted = sorted((plant.account_id, plant.money) for plant in scenario.overdraft_plants)
    assert sorted((account, money) for account, _, money, _ in negative) == wanted
    assert all(after >= 0 for _, _, _, after in negative)
    drifting = exceptions(con).get("drift", set())
    assert not drifting & {f"{account}/{day}" for account, day, _, _ in negative}


def test_the_drained_account_opens_low_and_stays_within_its_cap(planted: Planted) -> None:
    _, _, con = planted("spec_example")
    assert con.sql(
        "select amount_money from tx where rail_name = 'OpeningBalance' and account_id = 'cust-002'"
    ).fetchall() == [(Decimal("2000.00"),)]
    assert con.sql("select max(moved) from flows where account_id = 'cust-002' and subject = 'wire'").fetchall()[0][
        0
    ] <= Decimal("5000.00")


def test_a_breach_is_one_transfer_of_one_and_a_half_caps_from_a_funded_account(planted: Planted) -> None:
    _, _, con = planted("spec_example")
    breaches = con.sql("select account_id, moved from flows where subject = 'wire' and moved > 5000").fetchall()
    assert breaches == [("cust-001", Decimal("7500.00"))] * 5
    assert con.sql("select min(money) from bal where account_id = 'cust-001'").fetchall()[0][0] >= 0


@pytest.mark.parametrize("name", NAMES)
def test_a_correction_replaces_every_leg_and_the_balance_follows_it(planted: Planted, name: str) -> None:
    _, _, con = planted(name, mode="l1_invariants", factor=1, hard_negatives=False)
    rows = con.sql(
        "select transfer_id, id, amount_money, supersedes from tx "
        "where id in (select id from tx where supersedes = 'TechnicalCorrection') order by id, entry"
    ).fetchall()
    assert [(row[2], row[3]) for row in rows] == [
        (Decimal("-250.00"), None),
        (Decimal("-275.00"), "TechnicalCorrection"),
        (Decimal("250.00"), None),
        (Decimal("275.00"), "TechnicalCorrection"),
    ]


def test_a_stuck_transfer_is_pending_on_both_sides_and_moves_no_balance(planted: Planted) -> None:
    _, _, con = planted("spec_example")
    pending = con.sql(
        "select count(*), count(distinct transfer_id), sum(amount_money) from cur where status = 'Pending'"
    ).fetchall()
    assert pending == [(40, 20, Decimal("0.00"))]


@pytest.mark.parametrize("name", NAMES)
def test_the_fan_out_stands_out(planted: Planted, name: str) -> None:
    bank, _, con = planted(name)
    roles = [template.role for template in bank.account_templates]
    scores = con.execute(
        """
        with pairs as (select d.account_id as sender, c.account_id as recipient, d.posting::date as day,
                              sum(c.amount_money) as money
                       from posted d join posted c on c.transfer_id = d.transfer_id and c.rail_name = d.rail_name
                         and c.posting = d.posting and c.amount_money = -d.amount_money and d.amount_money < 0
                       where list_contains(?, c.account_role) group by all),
        rolling as (select a.*, a.money + coalesce(b.money, 0) as both_days from pairs a
                    left join pairs b on b.sender = a.sender and b.recipient = a.recipient
                      and b.day = a.day - interval 1 day),
        scored as (select *, (both_days - avg(both_days) over ()) / stddev_pop(both_days) over () as z from rolling)
        select count(*), min(z) from scored
        where sender || '/' || recipient || '/' || day in (select key from key where place = 'volume_anomalies')
        """,
        [roles],
    ).fetchall()
    senders = 3 if name == "spec_example" else 12
    assert scores[0][0] == senders
    assert scores[0][1] >= 3.0


def test_templates_fire_complete_orphaned_and_with_the_first_child_only(planted: Planted) -> None:
    bank = parse_instance_text(CHAINED)
    ledger = planted_ledger(bank, ScenarioChoices(mode="broad", factor=1, hard_negatives=False))
    con = connect(bank, ledger)
    plants = con.sql(
        "select plant_id, detail -> 'chain_children' from key where item = 'plant' and kind = 'transfer_template' "
        "order by plant_id"
    ).fetchall()
    assert [children for _, children in plants] == ['["Notice","Receipt","Bonus"]', "[]", '["Receipt"]']
    missing = con.sql(
        "select plant_id, list(split_part(key, '/', 2) order by key) from key "
        "where place = 'chain_exceptions' and kind = 'transfer_template' group by plant_id order by plant_id"
    ).fetchall()
    assert missing == [("transfer_template-002", ["Cycle>Receipt"])]
    assert exceptions(con) == answered(con)


CHAINED = """
instance: chained
accounts:
  - {id: gl, role: Ledger, scope: internal}
  - {id: fees, role: FeeIncome, scope: internal}
  - {id: out, role: World, scope: external}
account_templates:
  - {role: Customer, scope: internal, parent_role: Ledger}
rails:
  - {name: Pay, transfer_type: pay, source_role: World, destination_role: Customer, origin: InternalInitiated,
     metadata_keys: [ref]}
  - {name: Notice, transfer_type: notice, source_role: Customer, destination_role: FeeIncome, expected_net: 0,
     origin: InternalInitiated, metadata_keys: []}
  - {name: Receipt, transfer_type: receipt, source_role: Customer, destination_role: World, expected_net: 0,
     origin: InternalInitiated, metadata_keys: []}
  - {name: Bonus, transfer_type: bonus, source_role: World, destination_role: Customer, expected_net: 0,
     origin: InternalInitiated, metadata_keys: []}
transfer_templates:
  - {name: Cycle, transfer_type: cycle, expected_net: 0, transfer_key: [ref], completion: business_day_end,
     leg_rails: [Pay]}
chains:
  - {parent: Cycle, child: Notice, required: false}
  - {parent: Cycle, child: Receipt, required: true}
  - {parent: Cycle, child: Bonus, required: false}
"""


@pytest.mark.parametrize("window_days", [1, 2, 5, 9, 30])
@pytest.mark.parametrize("name", NAMES)
def test_plants_stay_inside_a_short_window_or_are_omitted(name: str, window_days: int) -> None:
    bank = bundled(name)
    ledger = planted_ledger(bank, ScenarioChoices(factor=12), ANCHOR, window_days)
    con = connect(bank, ledger)
    first = ANCHOR - timedelta(days=window_days - 1)
    assert con.sql(
        f"select count(*) from tx where posting < '{first}' or posting >= '{ANCHOR + timedelta(1)}'"
    ).fetchall() == [(0,)]
    assert exceptions(con) == answered(con)
    assert all(reason for _, reason in ledger.omitted)
    assert len(ledger.omitted) > 0


@pytest.mark.parametrize("cap", ["0.01", "0.02", "1.00", "99.99", "1499.99", "3400.00", "900000000000.00"])
def test_any_cap_is_breached_or_omitted_and_nothing_else_breaks(cap: str) -> None:
    text = (bundled_text("spec_example")).replace("cap: 5000.00", f"cap: {cap}")
    bank = parse_instance_text(text)
    ledger = planted_ledger(bank, ScenarioChoices())
    con = connect(bank, ledger)
    assert exceptions(con) == answered(con)
    breached = {key for key in exceptions(con)["limit_breach"] if key.startswith("cust-001/")}
    assert len(breached) >= 5


def bundled_text(name: str) -> str:
    """The bank file of a bundled bank."""
    from .conftest import BANKS  # noqa: PLC0415

    return (BANKS / f"{name}.yaml").read_text(encoding="utf-8")


def test_a_bank_without_customers_plants_what_it_can() -> None:
    text = (
        bundled_text("spec_example").replace("CustomerSubledger", "Wallet").replace("CustomerLedger", "WalletLedger")
    )
    bank = parse_instance_text(text)
    ledger = planted_ledger(bank, ScenarioChoices())
    con = connect(bank, ledger)
    omitted = dict(ledger.omitted)
    for label in ("DriftPlant", "OverdraftPlant", "InvFanoutPlant"):
        assert omitted[label] == "the bank has no customer-like account template"
    kinds = {kind for kind, _ in ledger.dataset.scenario or ()}
    assert {"stuck_pending", "stuck_unbundled", "supersession", "rail_firing"} <= kinds
    assert exceptions(con) == answered(con)


def test_the_broken_rail_is_the_tallest_bar(planted: Planted) -> None:
    for factor in (1, 5, 12):
        scenario = seedbed.densify_scenario(
            seedbed.default_scenario_for(bundled("harbor_trust"), anchor=ANCHOR).scenario, factor
        )
        broken = seedbed.add_broken_rail_plants(scenario, bundled("harbor_trust"))
        bars: dict[str, int] = {}
        for kind, plant in broken:
            if kind != "inv_fanout":
                rail = plant.rail
                bars[rail] = bars.get(rail, 0) + 1
        tallest, second = sorted(bars.values(), reverse=True)[:2]
        assert tallest == bars["CustomerInboundACH"]
        assert tallest >= 1.4 * second
        assert len(broken.stuck_pending_plants) >= len(scenario.stuck_pending_plants) + 15


def test_a_scenario_survives_json() -> None:
    scenario = seedbed.full_scenario_for(bundled("harbor_trust"), anchor=ANCHOR)
    again = seedbed.ScenarioPlant.from_json(scenario.to_json(), ANCHOR, 90)
    assert list(again) == list(scenario)
    assert again.hard_negatives == scenario.hard_negatives
    assert seedbed.ScenarioPlant.from_json({"scenario": scenario.to_json()}, ANCHOR, 90) == again


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        (Decimal("75.005"), "DriftPlant.delta_money: 75.005 has parts of a cent"),
        (Decimal("NaN"), "DriftPlant.delta_money: NaN is not a finite Decimal"),
        (75.0, "DriftPlant.delta_money: 75.0 is not a finite Decimal"),
        (Decimal("1e16"), "DriftPlant.delta_money: 1E[+]16 is larger than 1,000,000,000,000,000"),
    ],
)
def test_a_scenario_made_in_python_refuses_an_amount_that_is_not_whole_cents(amount: Decimal, reason: str) -> None:
    plant = seedbed.DriftPlant("cust-001", amount, "CustomerInboundACH", 5)
    with pytest.raises(seedbed.InputError, match=reason):
        seedbed.ScenarioPlant(anchor=ANCHOR, window_days=90, drift_plants=(plant,))


def test_a_look_alike_made_in_python_refuses_parts_of_a_cent() -> None:
    scenario = seedbed.full_scenario_for(bundled("spec_example"), anchor=ANCHOR)
    negative = replace(scenario.hard_negatives[0], amount=Decimal("0.001"))
    with pytest.raises(seedbed.InputError, match=r"HardNegative\.amount: 0\.001 has parts of a cent"):
        replace(scenario, hard_negatives=(negative,))


@pytest.mark.parametrize("name", NAMES)
def test_blended_amounts_are_stored_with_two_decimals(planted: Planted, name: str) -> None:
    _, ledger, _ = planted(name, blend=True)
    scenario = ledger.dataset.scenario
    assert scenario is not None and scenario.overdraft_plants
    texts = [plant["money"] for plant in scenario.to_json()["plants"]["overdraft"]]
    assert all(re.fullmatch(r"-[0-9]+\.[0-9]{2}", text) for text in texts), texts


def test_the_ledger_refuses_a_scenario_of_another_anchor_or_account() -> None:
    bank: Bank = bundled("spec_example")
    report = seedbed.default_scenario_for(bank, anchor=ANCHOR)
    with pytest.raises(seedbed.InputError, match="counts its days from 2030-01-01"):
        seedbed.generate(bank, report, anchor=date(2030, 1, 2))
    other = seedbed.ScenarioPlant(
        anchor=ANCHOR,
        window_days=90,
        drift_plants=(seedbed.DriftPlant("nobody", Decimal(1), "ExternalRailInbound", 3),),
    )
    with pytest.raises(seedbed.InputError, match="account 'nobody' does not exist"):
        seedbed.generate(bank, other)


def test_seeds_can_be_emitted_apart_and_together() -> None:
    bank = bundled("spec_example")
    scenario = seedbed.default_scenario_for(bank, anchor=ANCHOR, mode="l1_plus_broad").scenario
    alone = seedbed.emit_seed(bank, scenario)
    both = seedbed.emit_full_seed(bank, scenario, anchor=ANCHOR)
    baseline = seedbed.emit_baseline_seed(bank, anchor=ANCHOR)
    assert len(alone) < len(baseline) < len(both)
    full = seedbed.build_full_seed_sql(bank, anchor=ANCHOR)
    assert full == seedbed.emit_full_seed(bank, seedbed.full_scenario_for(bank, anchor=ANCHOR))


PAYING_EACH_OTHER = """
instance: each_other
accounts:
- {id: ext-network, role: Network, scope: external}
account_templates:
- {role: CustomerSavings, scope: internal}
rails:
- name: Deposit
  transfer_type: cash_deposit
  source_role: Network
  destination_role: CustomerSavings
  origin: ExternalForcePosted
  metadata_keys: []
  expected_net: '0'
- name: PayFriend
  transfer_type: internal_transfer
  source_role: CustomerSavings
  destination_role: CustomerSavings
  origin: InternalInitiated
  metadata_keys: []
  expected_net: '0'
"""


@pytest.mark.parametrize("anchor", [ANCHOR + timedelta(days=13 * step) for step in range(6)])
def test_a_drain_pays_no_account_that_another_drain_leaves_below_zero(anchor: date) -> None:
    bank = parse_instance_text(PAYING_EACH_OTHER)
    ledger = planted_ledger(bank, ScenarioChoices(blend=True), anchor, window_days=30)
    con = connect(bank, ledger)
    assert len(ledger.dataset.scenario.overdraft_plants) > 1
    assert exceptions(con) == answered(con)


PAYING_TWICE = """
instance: paying_twice
accounts:
- {id: ext-network, role: Network, scope: external}
account_templates:
- {role: CustomerDda, scope: internal}
rails:
- {name: In, transfer_type: ach_inbound, source_role: Network, destination_role: CustomerDda,
   origin: ExternalForcePosted, metadata_keys: [], expected_net: '0'}
- {name: Bonus, transfer_type: bonus_inbound, source_role: Network, destination_role: CustomerDda,
   origin: ExternalForcePosted, metadata_keys: [], expected_net: '0'}
- {name: Out, transfer_type: wire_outbound, source_role: CustomerDda, destination_role: Network,
   origin: InternalInitiated, metadata_keys: [], expected_net: '0'}
chains:
- {parent: In, child: Bonus, required: true}
baseline: {accounts: {CustomerDda: 0}}
"""


def test_a_drain_counts_what_an_earlier_cover_brought_along() -> None:
    bank = parse_instance_text(PAYING_TWICE)
    ledger = planted_ledger(bank, ScenarioChoices(), ANCHOR, window_days=30)
    con = connect(bank, ledger)
    accounts = [plant.account_id for plant in ledger.dataset.scenario.overdraft_plants]
    assert len(accounts) > len(set(accounts))
    assert exceptions(con) == answered(con)
