"""The words that random banks are made of: names, transfer types, cadences, durations, amounts."""

__all__ = [
    "AGES",
    "CADENCES",
    "CALENDARS",
    "CAPS",
    "COMPLETIONS",
    "DECLARED_BALANCES",
    "EXAMPLES",
    "KEYS",
    "MULTIPLIERS",
    "NETS",
    "ODD_NAMES",
    "OFFSETS",
    "ORIGINS",
    "ROLES",
    "TYPES",
]

# Roles of every kind that a word decides, and some that no word decides.
ROLES = (
    *("CustomerDda", "CustomerSavings", "MerchantDda", "BankLedger", "RetailLedger", "StoreLedger"),
    *("CashDueFrom", "FeeClearing", "ReconSuspense", "ZbaSubAccount", "ConcentrationMaster", "FeeIncome"),
    *("FrbMaster", "CardNetwork", "OtherBank", "Pool", "Vault"),
)
# Legal, and awkward for whoever quotes badly.
ODD_NAMES = (
    *("O'Hara; --", 'a "quoted" name', "back\\slash\\", "ü 😀 名", "{}", "%s %d", "select", "null", "1.5", "a.b"),
    *("x, y", "#hash", "- dash", "a>b", "a/b", "yes", "name with  two spaces", "ACH–Return", "$1", "n" * 90),
)
TYPES = (
    *("ach_inbound", "wire_inbound", "cash_deposit", "ach_outbound", "wire_outbound", "cash_withdrawal", "charge"),
    *("monthly_fee", "ach", "wire", "internal_transfer", "internal_debit", "suspense_move", "wire_concentration"),
    *("card_sale", "payout_ach", "card_settlement", "ach_return_nsf", "adjustment", "Book"),
)
KEYS = ("customer_id", "day", "memo", "trace no", "due", "ba'tch")
EXAMPLES = ("Rent", "O'Hara; --", 'a "quoted" word', "back\\slash\\", "ü 😀", "{}", "", "null", "1e5", "n" * 1_000)
ORIGINS = ("InternalInitiated", "ExternalForcePosted", "ExternalAggregated")
CADENCES = (
    *(f"intraday-{hours}h" for hours in (1, 2, 3, 5, 8, 12, 24)),
    *("daily-eod", "daily_eod", "daily-bod", "daily_bod", "intraday_2h"),
    *(f"weekly-{day}" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")),
    *("monthly-eom", "monthly_eom", "monthly-bom", "monthly_bom", "monthly-1", "monthly-15", "monthly-31"),
)
COMPLETIONS = ("business_day_end", "business_day_end+1d", "business_day_end+30d", "month_end", "metadata.due")
# A duration of an age: from a second, which nothing keeps, to ten years, which nothing reaches.
AGES = ("PT1S", "PT10M", "PT4H", "PT20H", "PT24H", "P1DT12H", "P2D", "P1W", "P31D", "P400D", "P3653D")
CAPS = ("0.01", "0.02", "1.00", "75.50", "5000.00", "250000", "9999999999999.99")
NETS = ("0", "0.00", "0.01", "-0.01", "125.00", "-40.00", "-500.00", "33.33", "100000.00")
DECLARED_BALANCES = ("0", "0.00", "250000.00", "-1.00", "0.01")
OFFSETS = (-23, -12, -5, -4, -1, 0, 1, 3, 7, 17, 23)
MULTIPLIERS = ("0", "0.1", "0.5", "1.5", "3", "20")
CALENDARS = ("federal_reserve", "none", "holidays:DE", "holidays:US-CA")
