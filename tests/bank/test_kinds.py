"""Rail kinds and role kinds: the table of the seed document, and the rules that choose a row."""

import pytest

from seedbed.bank.kinds import RAIL_KINDS, Sides, rail_rule, role_rule


@pytest.mark.parametrize(
    ("transfer_type", "source", "destination", "kind"),
    [
        ("ach_inbound", False, True, "customer_inbound"),
        ("wire_inbound", False, False, "customer_inbound"),
        ("cash_deposit", False, True, "customer_inbound"),
        ("ach_outbound", True, False, "customer_outbound"),
        ("cash_withdrawal", True, False, "customer_outbound"),
        ("ach", False, True, "customer_inbound"),
        ("wire", True, False, "customer_outbound"),
        ("wire", True, True, "internal_transfer"),
        ("charge", True, False, "customer_fee"),
        ("monthly_fee", True, False, "customer_fee"),
        ("fee", False, False, "other"),
        ("internal_transfer_debit", False, False, "internal_transfer"),
        ("internal_suspense", True, False, "internal_transfer"),
        ("wire_concentration", False, False, "concentration_sweep"),
        ("card_sale", False, False, "card_sale"),
        ("payout_ach", False, False, "merchant_payout"),
        ("card_settlement", False, False, "card_settlement"),
        ("ExternalCardSettlement", False, False, "card_settlement"),
        ("ach_return_nsf", True, False, "ach_return"),
        ("something_new", False, False, "other"),
    ],
)
def test_rail_kind(transfer_type: str, source: bool, destination: bool, kind: str) -> None:
    sides = Sides(source_customer=source, destination_customer=destination, merchant=False)
    assert rail_rule(transfer_type, sides).kind == kind


def test_the_table_is_that_of_the_seed_document() -> None:
    rows = {
        name: (str(kind.mu), str(kind.sigma), kind.band_start // 3600, kind.band_end // 3600, kind.scale)
        for name, kind in RAIL_KINDS.items()
    }
    assert rows == {
        "customer_inbound": ("6.5", "1.2", 9, 15, "customer"),
        "customer_outbound": ("6.5", "1.2", 9, 17, "customer"),
        "customer_fee": ("2.5", "0.4", 9, 17, "customer"),
        "internal_transfer": ("8.0", "1.5", 9, 17, "system"),
        "aggregating_daily": ("11.0", "0.8", 17, 19, "system"),
        "aggregating_intraday": ("10.5", "0.8", 9, 17, "system"),
        "aggregating_monthly": ("9.5", "0.5", 17, 19, "system"),
        "concentration_sweep": ("12.0", "0.7", 15, 17, "system"),
        "card_sale": ("4.5", "0.9", 10, 22, "merchant"),
        "merchant_payout": ("9.0", "1.1", 9, 15, "merchant"),
        "card_settlement": ("11.5", "0.6", 15, 17, "system"),
        "ach_return": ("6.5", "1.2", 9, 17, "customer"),
        "other": ("7.0", "1.0", 9, 17, "system"),
    }


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        ("CustomerSubledger", "customer_dda"),
        ("DDAControl", "customer_dda"),
        ("MerchantDDA", "merchant_dda"),
        ("CashDueFromFRB", "internal_gl"),
        ("ACHOrigination", "internal_gl"),
        ("ConcentrationMaster", "concentration"),
        ("ZBASubAccount", "internal_suspense"),
        ("InternalSuspense", "internal_suspense"),
        ("FeeIncome", "other"),
        ("Pool", None),
        ("ShareControl", None),
        ("share_control", None),
        ("MyReconciliation", "internal_suspense"),
        ("PrepaidDueFromFed", "internal_gl"),
        ("PettyCashbox", "internal_gl"),
        ("ShareControlRecon", "internal_suspense"),
    ],
)
def test_role_kind(role: str, kind: str | None) -> None:
    found = role_rule(role)
    assert (found[0] if found else None) == kind
