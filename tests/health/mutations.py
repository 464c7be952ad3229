"""Ways to make the specimen bank's healthy ledger ill, each with the condition that must notice.

A mutation is SQL over the two base tables. It may upset other conditions too; its own must speak.
"""

from .balance_conditions import BALANCE_CONDITIONS
from .chain_conditions import CHAIN_CONDITIONS, CHAIN_RATE_CONDITIONS
from .fan_in_conditions import FAN_IN_CONDITIONS
from .leg_conditions import LEG_CONDITIONS
from .transfer_conditions import TRANSFER_CONDITIONS
from .volume_conditions import VOLUME_CONDITIONS

__all__ = ["MUTATIONS"]

CHECKS = {
    check.__name__: check
    for check in (
        *BALANCE_CONDITIONS,
        *LEG_CONDITIONS,
        *TRANSFER_CONDITIONS,
        *CHAIN_CONDITIONS,
        *CHAIN_RATE_CONDITIONS,
        *FAN_IN_CONDITIONS,
        *VOLUME_CONDITIONS,
    )
}


def _leg(rail: str, also: str = "true") -> str:
    """One leg of this rail, by id."""
    return f"id = (select min(id) from transactions where rail_name = '{rail}' and {also})"


def _transfer(rail: str, also: str = "true") -> str:
    """All legs of one transfer of this rail."""
    return f"transfer_id = (select min(transfer_id) from transactions where rail_name = '{rail}' and {also})"


def _balance(account: str) -> str:
    """One account-day."""
    return f"account_id = '{account}' and business_day_start = (select max(business_day_start) from balances)"


def _day(account: str) -> str:
    """The last day of one account."""
    return f"entry = (select max(entry) from balances where account_id = '{account}')"


def _set(change: str, where: str) -> str:
    return f"update transactions set {change} where {where}"


def _store(change: str, account: str) -> str:
    return f"update balances set {change} where {_day(account)}"


def _unbundle(where: str) -> str:
    return f"delete from transactions where supersedes = 'BundleAssignment' and {where}"


SECOND_CHILD = """
    insert into transactions select * replace (entry + 1 as entry, id || 'x' as id, transfer_id || 'x' as transfer_id)
    from transactions where {}
"""
OTHER_CHOICE = """
    insert into transactions select * replace (
        entry + 1 as entry, id || 'x' as id, transfer_id || 'x' as transfer_id,
        'ChoiceB' as rail_name, 'adjustment_b' as transfer_type)
    from transactions where rail_name = 'ChoiceA'
"""
FIRST_SWEEP = "(select arg_min(transfer_id, posting) from transactions where rail_name = 'FeeSweep')"
ONE_PARENT = "(select min_by(transfer_parent_id, transfer_id) from transactions where rail_name = 'PayoutMove')"
LAST_NOTE_SWEEP = """(select max(s.transfer_id) from transactions s where s.rail_name = 'NoteSweep' and s.posting = (
    select max(posting) from transactions where rail_name = 'NoteSweep' and posting < timestamp '2029-12-11'))"""

ILLS: dict[str, tuple[str, ...]] = {
    "no_balances_of_external_accounts": (
        _store("account_scope = 'external'", "cust-011"),
        _store("account_id = 'ext-frb'", "cust-011"),
    ),
    "one_row_per_internal_account_and_business_day": (
        f"delete from balances where {_day('gl-ledger')}",
        f"insert into balances select * replace (entry + 1 as entry) from balances where {_day('gl-ledger')}",
        _store("business_day_end = business_day_end + interval 1 hour", "cust-011"),
        _store("business_day_start = business_day_start + interval 1 hour", "mer-0011"),
    ),
    "template_accounts_are_ten_plants_and_the_counted_ones": ("delete from balances where account_id = 'cust-018'",),
    "no_drift": (
        _store("money = money + 0.01", "cust-011"),
        _set("amount_money = amount_money + 0.01", _leg("Inbound", "account_id = 'cust-011'")),
        f"delete from transactions where {_leg('Outbound')}",
    ),
    "no_ledger_drift": (
        _store("money = money + 0.01", "gl-customers"),
        _store("money = money - 0.01", "cust-001"),
        _store("account_parent_role = null", "cust-011"),
    ),
    "no_overdraft": (_store("money = -0.01", "cust-011"),),
    "expected_balances_hold": (_store("money = 0.01", "gl-clearing"),),
    "expected_balances_are_stated": (
        _store("expected_eod_balance = null", "gl-clearing"),
        _store("expected_eod_balance = 0", "cust-011"),
    ),
    "limits_are_stated_on_parents": (
        "update balances set limits = null",
        "update balances set limits = '{\"wire_outbound\": 4999.00}' where limits is not null",
        _store("limits = '{\"wire_outbound\": 5000.00}'", "gl-ledger"),
    ),
    "balances_are_never_superseded": (_store("supersedes = 'TechnicalCorrection'", "cust-011"),),
    "balance_entries_rise_with_the_days": (_store("entry = 1", "cust-011"),),
    "rows_on_business_days_only": (
        _set("posting = timestamp '2029-12-25 10:00:00'", _leg("Inbound")),
        _set("posting = timestamp '2029-12-29 10:00:00'", _leg("Fee")),
    ),
    "primary_legs_post_in_their_band": (
        _set("posting = date_trunc('day', posting) + interval '8 hours 59 minutes'", _leg("Outbound")),
        _set("posting = date_trunc('day', posting) + interval '15 hours 1 minute'", _leg("Inbound")),
        _set("posting = date_trunc('day', posting) + interval '22 hours 1 minute'", _leg("Sale")),
    ),
    "legs_name_a_declared_rail_and_its_type": (
        _set("rail_name = 'Elsewhere'", _leg("Inbound")),
        _set("transfer_type = 'elsewhere'", _leg("Inbound")),
    ),
    "legs_stand_on_a_named_role": (
        _set("account_role = 'FeeIncome'", _leg("Inbound", "amount_money < 0")),
        _set("amount_money = -amount_money", _transfer("Inbound")),
    ),
    "legs_carry_their_origin": (
        _set("origin = 'ExternalAggregated'", _leg("Fee")),
        _set("origin = 'InternalInitiated'", _leg("Inbound", "amount_money < 0")),
    ),
    "direction_agrees_with_the_sign": (_set("amount_direction = 'Debit'", _leg("Inbound", "amount_money > 0")),),
    "only_closing_legs_and_sweeps_may_be_zero": (_set("amount_money = 0", _leg("Fee")),),
    "accounts_are_the_declared_ones": (
        _set("account_id = 'cust-999'", _leg("Fee")),
        _set("account_name = 'Somebody'", _leg("Fee")),
        _set("account_parent_role = null", _leg("Fee", "amount_money < 0")),
        _set("account_scope = 'external'", _leg("Fee")),
    ),
    "every_leg_is_posted": (
        _set("status = 'Pending'", _leg("Fee")),
        _set("supersedes = 'Inflight'", _leg("Inbound")),
    ),
    "metadata_is_a_json_object_with_the_declared_keys": (
        _set("metadata = null", _leg("Fee")),
        _set('metadata = \'{"memo": "Rent"}\'', _leg("Inbound")),
        _set("metadata = '{memo: Rent}'", _leg("Outbound")),
        _set("metadata = '[]'", _leg("Outbound")),
    ),
    "metadata_values_come_from_the_examples": (
        _set("""metadata = '{"trace": "1", "memo": "Gift"}'""", _leg("Inbound")),
    ),
    "metadata_values_that_belong_together_stay_together": (
        _set("""metadata = '{"branch": "0017", "city": "Summit"}'""", _leg("Deposit")),
    ),
    "each_account_opens_once": (
        f"delete from transactions where {_leg('OpeningBalance')}",
        _set("posting = posting + interval 1 second", _leg("OpeningBalance")),
        _set("account_id = 'ext-frb'", _leg("OpeningBalance")),
        "insert into transactions select * replace (entry + 1 as entry, id || 'x' as id) from transactions "
        f"where {_leg('OpeningBalance')}",
    ),
    "plant_accounts_only_open": (_set("account_id = 'cust-001'", _leg("Fee", "amount_money < 0")),),
    "caps_hold_on_daily_sums": (
        _set("amount_money = sign(amount_money) * 5000.01", _transfer("Outbound")),
        _set("posting = timestamp '2029-12-11 10:00:00'", "rail_name = 'Outbound'"),
        _set("amount_money = sign(amount_money) * 3000.01", _transfer("Deposit")),
    ),
    "ids_have_one_first_row": (
        _set("id = (select max(id) from transactions where rail_name = 'Fee')", _leg("Inbound")),
        _set("entry = (select min(entry) from transactions)", _leg("Inbound")),
    ),
    "entries_rise_with_append_time": (
        _set("entry = -1", _leg("Inbound")),
        _set("posting = timestamp '2029-12-31 12:00:00'", _transfer("Inbound")),
    ),
    "two_leg_firings_net_to_zero_in_one_second": (
        _set("amount_money = amount_money + 0.01", _leg("Inbound")),
        _set("posting = posting + interval 1 second", _leg("Fee")),
        f"delete from transactions where {_leg('Fee')}",
    ),
    "standalone_transfers_have_their_rails_legs": (
        f"delete from transactions where {_leg('Inbound')}",
        _set(
            "transfer_id = (select max(transfer_id) from transactions where rail_name = 'Inbound')",
            _transfer("Inbound"),
        ),
    ),
    "template_names_are_right": (
        _set("template_name = null", _leg("Fee")),
        _set("template_name = 'FeeCycle'", _transfer("Inbound")),
        _set("template_name = 'FeeCycle'", _transfer("Sale")),
        _set("transfer_parent_id = 'x'", _leg("ReturnNotice")),
    ),
    "templates_net_to_expected": (
        _set("amount_money = amount_money + 0.01", _leg("Sale")),
        f"delete from transactions where {_leg('SaleClose')}",
    ),
    "closing_legs_post_once_and_last": (
        _set("posting = posting - interval 1 hour", _leg("SaleClose")),
        f"delete from transactions where {_leg('SaleClose')}",
        f"delete from transactions where {_leg('LoanByWire')}",
    ),
    "transfers_keep_their_completion": (
        _set("transfer_completion = posting - interval 1 second", _leg("Sale")),
        _set("transfer_completion = null", _transfer("Fee")),
    ),
    "completions_are_as_declared": (
        _set("transfer_completion = transfer_completion + interval 1 day", _transfer("Fee")),
        _set("transfer_completion = transfer_completion - interval 1 day", _leg("Sale")),
    ),
    "transfer_keys_tell_transfers_apart": (
        _set("""metadata = '{"sale_id": "1", "till": "2"}'""", _leg("Sale")),
        """update transactions set metadata = '{"fee_batch": "1"}' where rail_name = 'Fee'""",
    ),
    "one_leg_rails_of_a_template_fire_together": (f"delete from transactions where {_leg('Sale')}",),
    "collected_transfers_are_one_per_day": (
        _set("posting = timestamp '2029-12-31 12:00:00'", _leg("Fee", "posting < timestamp '2029-12-01'")),
    ),
    "bundles_equal_their_children": (
        _unbundle(_transfer("Fee")),
        _set("amount_money = amount_money + sign(amount_money) * 0.01", _transfer("FeeSweep")),
        _set("bundle_id = 'nowhere'", _transfer("Note") + " and bundle_id is not null"),
    ),
    "bundles_post_after_their_children": (
        _set("posting = posting - interval 9 hours", _transfer("FeeSweep")),
        _set("posting = date_trunc('day', posting) + interval 20 hours", _transfer("FeeSweep")),
        _set("posting = posting + interval 9 hours", _transfer("TollSweep")),
    ),
    "bundles_hold_only_what_they_select": (
        _set(f"bundle_id = {FIRST_SWEEP}", _leg("Note") + " and bundle_id is not null"),
        _set("bundle_id = transfer_id", _leg("Inbound")),
    ),
    "both_legs_are_bundled_together": (_unbundle(_leg("Fee")),),
    "bundle_assignments_repeat_their_leg": (
        _set("amount_money = 1", "supersedes is null and " + _leg("Note")),
        _set("supersedes = null", "supersedes = 'BundleAssignment' and " + _leg("Note")),
        _set("entry = -1", "supersedes = 'BundleAssignment' and " + _leg("Note")),
        f"delete from transactions where supersedes is null and {_leg('Note')}",
        _set("posting = posting + interval 1 second", "supersedes = 'BundleAssignment' and " + _leg("Fee")),
    ),
    "nothing_eligible_is_left_after_a_tick_day": (
        _unbundle(_transfer("Fee")),
        _unbundle(_leg("Note")),
        _unbundle(_transfer("Toll", "posting < timestamp '2029-12-31'")),
    ),
    "sweeps_follow_their_cadence": (
        SECOND_CHILD.format(_transfer("FeeSweep")),
        SECOND_CHILD.format("rail_name = 'NoteSweep'"),
        _set("posting = timestamp '2029-12-29 18:00:00'", _transfer("FeeSweep")),
    ),
    "intraday_sweeps_come_every_few_hours": (
        _set(
            f"bundle_id = {LAST_NOTE_SWEEP}",
            "bundle_id is not null and rail_name = 'Sale' and posting::date = date '2029-12-10'",
        ),
    ),
    "capped_sweeps_carry_what_the_cap_allows": (_unbundle("rail_name = 'Levy' and hash(transfer_id) % 2 = 0"),),
    "nothing_is_stuck_unbundled": (_unbundle("rail_name = 'Fee'"),),
    "children_have_their_parent": (
        _set("transfer_parent_id = null", _transfer("ReturnNotice")),
        _set("transfer_parent_id = 'nobody'", _transfer("Confirm")),
        _set(
            "transfer_parent_id = (select min(transfer_id) from transactions where rail_name = 'Inbound')",
            _transfer("Fee"),
        ),
        "delete from transactions where rail_name = 'FeeSweep'",
    ),
    "children_follow_their_parent": (
        _set("posting = posting + interval 1 hour", _transfer("Confirm")),
        _set("posting = posting - interval 15 minutes", _transfer("Confirm")),
        _set("posting = posting - interval 1 day", _transfer("ChoiceA")),
        _set("posting = posting + interval 20 minutes", _transfer("Receipt")),
        _set("posting = posting + interval 7 day", _transfer("Reversal")),
    ),
    "children_take_their_parents_amount": (
        _set("amount_money = amount_money + sign(amount_money) * 0.01", _transfer("ReturnNotice")),
        _set("amount_money = sign(amount_money) * 0.01", _transfer("Confirm")),
    ),
    "children_stay_on_their_parents_account": (
        _set(
            "account_id = case account_id when 'cust-011' then 'cust-012' else 'cust-011' end",
            _leg("ReturnNotice", "account_role = 'CustomerDda'"),
        ),
    ),
    "at_most_one_child_per_parent": (SECOND_CHILD.format(_transfer("ReturnNotice")), OTHER_CHOICE),
    "first_parents_complete": (f"delete from transactions where transfer_parent_id = {FIRST_SWEEP}",),
    "few_required_parents_all_complete": (
        f"delete from transactions where posting < timestamp '2029-12-15' and rail_name <> 'OpeningBalance'; "
        f"delete from transactions where {_transfer('ChoiceA')}",
    ),
    "completion_rates_are_as_declared": (
        "delete from transactions where rail_name = 'Confirm' and hash(transfer_id) % 10 < 1",
        "delete from transactions where rail_name in ('ChoiceA', 'ChoiceB') and hash(transfer_id) % 3 = 0",
    ),
    "shared_children_have_the_expected_parents": (
        f"delete from transactions where {_transfer('PayoutMove')} and transfer_parent_id = {ONE_PARENT}",
        _set(
            "transfer_parent_id = (select min(transfer_id) from transactions where rail_name = 'Inbound')",
            "rail_name in ('Bonus', 'BonusSource')",
        ),
    ),
    "shared_children_follow_their_last_parent": (
        _set("posting = posting + interval 1 hour", _transfer("PayoutMove")),
        _set("posting = posting - interval 15 minutes", _transfer("PayoutMove")),
    ),
    "shares_are_their_parents_amount": (
        _set("amount_money = amount_money + sign(amount_money) * 0.01", _transfer("PayoutMove")),
    ),
    "parents_share_one_child": (SECOND_CHILD.format(_transfer("PayoutMove")),),
    "parents_of_a_child_without_a_number_share_a_day": (
        _set("transfer_id = 'one'", "rail_name in ('Bonus', 'BonusSource')"),
    ),
    "no_whole_group_is_left_over": (
        "delete from transactions where rail_name = 'PayoutMove' and hash(transfer_id) % 2 = 0",
    ),
    "firings_meet_their_target": (
        "delete from transactions where rail_name = 'Inbound' and hash(transfer_id) % 5 = 0",
        "delete from transactions where rail_name = 'Note'",
    ),
    "counted_firings_are_within_their_range": (
        "delete from transactions where rail_name = 'Payroll' and cast(posting as date) between '2029-12-03' and "
        "'2029-12-07'",
        _set("posting = timestamp '2029-12-11 10:00:00'", "rail_name = 'Payroll'"),
    ),
    "monthly_firings_are_one_per_unit_on_their_day": (
        f"delete from transactions where {_transfer('Rent')}",
        _set("posting = posting + interval 1 day", _transfer("Rent")),
    ),
    "uncapped_amounts_follow_their_kind": (
        "update transactions set amount_money = amount_money * 1.2 where rail_name = 'Inbound'",
        "update transactions set amount_money = amount_money * 1.2 where rail_name = 'Sale'",
        "update transactions set amount_money = sign(amount_money) * 12.18 where rail_name = 'Fee'",
    ),
    "capped_amounts_follow_the_truncated_distribution": (
        "update transactions set amount_money = amount_money * 0.4 where rail_name = 'Outbound'",
    ),
    "rails_meet_the_coverage_floors": ("delete from transactions where rail_name = 'Note'",),
    "stated_amounts_are_kept": (
        _set("amount_money = amount_money * 1.01", _transfer("Instant")),
        _set("amount_money = amount_money * 6", _transfer("Payroll")),
        _set("amount_money = 25 * sign(amount_money)", "rail_name = 'Instant'"),
    ),
    "times_are_spread_over_the_band": (
        _set(
            "posting = posting - (posting - date_trunc('day', posting) - interval 9 hours) / 2",
            "rail_name = 'Inbound'",
        ),
    ),
    "days_have_their_share": (
        _set(
            "posting = timestamp '2029-12-11 10:00:00'",
            "rail_name = 'Inbound' and posting between timestamp '2029-12-10' and timestamp '2029-12-14'",
        ),
    ),
    "quiet_accounts_open_as_their_role_does": (
        _set("amount_money = amount_money * 3", "rail_name = 'OpeningBalance' and account_role = 'CustomerDda'"),
    ),
    "each_unit_has_its_own_volume": (
        _set("account_id = 'cust-012'", "rail_name = 'Inbound' and account_id = 'cust-011'"),
    ),
}

MUTATIONS = tuple((CHECKS[name], change) for name, changes in ILLS.items() for change in changes)
