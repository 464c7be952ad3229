"""Rail kinds and role kinds: the table of the seed document, and the rules that choose a row."""

import pytest

from seedbed.bank.kinds import RAIL_KINDS, rail_kind, role_kind


@pytest.mark.parametrize(
    ("transfer_type", "cadence", "source", "destination", "kind"),
    [
        ("ach_inbound", None, False, True, "customer_inbound"),
        ("wire_inbound", None, False, False, "customer_inbound"),
        ("cash_deposit", None, False, True, "customer_inbound"),
        ("ach_outbound", None, True, False, "customer_outbound"),
        ("cash_withdrawal", None, True, False, "customer_outbound"),
        ("ach", None, False, True, "customer_inbound"),
        ("wire", None, True, False, "customer_outbound"),
        ("wire", None, True, True, "internal_transfer"),
        ("charge", None, True, False, "customer_fee"),
        ("monthly_fee", None, True, False, "customer_fee"),
        ("fee", None, False, False, "other"),
        ("internal_transfer_debit", None, False, False, "internal_transfer"),
        ("internal_suspense", None, True, False, "internal_transfer"),
        ("zba_sweep", "daily-eod", False, False, "aggregating_daily"),
        ("ach_origination", "intraday", False, False, "aggregating_intraday"),
        ("fee_batch", "monthly-eom", False, False, "aggregating_monthly"),
        ("wire_concentration", None, False, False, "concentration_sweep"),
        ("card_sale", None, False, False, "card_sale"),
        ("payout_ach", None, False, False, "merchant_payout"),
        ("card_settlement", None, False, False, "card_settlement"),
        ("ExternalCardSettlement", None, False, False, "card_settlement"),
        ("ach_return_nsf", None, True, False, "ach_return"),
        ("something_new", None, False, False, "other"),
    ],
)
def test_rail_kind(transfer_type: str, cadence: str | None, source: bool, destination: bool, kind: str) -> None:
    assert rail_kind(transfer_type, cadence, source, destination).name == kind


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
    ("role", "scope", "kind"),
    [
        ("CustomerSubledger", "internal", "customer_dda"),
        ("DDAControl", "internal", "customer_dda"),
        ("MerchantDDA", "internal", "merchant_dda"),
        ("CashDueFromFRB", "internal", "internal_gl"),
        ("ACHOrigination", "internal", "internal_gl"),
        ("ConcentrationMaster", "internal", "concentration"),
        ("ZBASubAccount", "internal", "internal_suspense"),
        ("InternalSuspense", "internal", "internal_suspense"),
        ("FRBMaster", "external", "external"),
        ("CustomerOutside", "external", "external"),
        ("FeeIncome", "internal", "other"),
    ],
)
def test_role_kind(role: str, scope: str, kind: str) -> None:
    assert role_kind(role, scope).name == kind
