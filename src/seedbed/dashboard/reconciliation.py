"""L1: do the balances agree with the postings, within their limits, and does everything settle in time?"""

from collections.abc import Callable

from seedbed.dashboard.aggregates import distinct, extreme, matching, rows, total
from seedbed.dashboard.books import DAILY_STATEMENT, TRANSACTIONS
from seedbed.dashboard.charts import STRONG, Chart, Series, by_category, by_day
from seedbed.dashboard.columns import ACCOUNT, BY_ACCOUNT, BY_DAY, BY_RAIL, DAY, NAME, ROLE
from seedbed.dashboard.figures import shown
from seedbed.dashboard.ledger import whole
from seedbed.dashboard.selection import Selection
from seedbed.dashboard.sheets import App, Figure, Sheet, SheetColumn, SortOrder
from seedbed.views.sql import Sql

__all__ = ["RECONCILIATION"]

# Rows that name an account and not its role: control accounts have balances, external ones have legs.
BY_ACCOUNT_ALONE = {
    "account": "account_id = {value}",
    "role": "account_id IN (SELECT l.account_id FROM {legs} l WHERE l.account_role = {value}"
    " UNION SELECT d.account_id FROM {days} d WHERE d.account_role = {value})",
}
LATEST_DAY = (SortOrder("business_day", "day", descending=True),)
# Ages of what is stuck, in days: the upper bound of each class, and its name.
AGES = ((1, "under 1 day"), (7, "1 to 7 days"), (14, "7 to 14 days"), (30, "14 to 30 days"), (None, "over 30 days"))
DRAWN_BREACHES = 24


def _from_view(view: str, place: str | None = None) -> Callable[[Sql], str]:
    def relation(s: Sql) -> str:
        return f"SELECT '{place or view}' AS place, v.* FROM {s.name(view)} v"

    return relation


# ---- today's exceptions -----------------------------------------------------------------------------------------


def _exceptions(s: Sql) -> str:
    return f"SELECT x.kind AS place, x.* FROM {s.name('todays_exceptions')} x"


def _exceptions_by_kind(selection: Selection) -> Chart:
    found = selection.aggregate("kind, is_latest_day, COUNT(*)", ["word", "flag", "count"], "GROUP BY 1, 2")
    named = [(shown(kind, "word"), "open today" if today else "earlier", count) for kind, today, count in found]
    return by_category(named, "Exceptions by kind", "Kind", {"open today": 1, "earlier": 0}, shape="rows")


TODAYS_EXCEPTIONS = Sheet(
    "todays-exceptions",
    "Today's Exceptions",
    "Everything that does not reconcile: what is open as of today, and what happened earlier in the window.",
    "No row at all. A bank opens its day with this sheet and wants it empty.",
    ("todays_exceptions",),
    _exceptions,
    (
        SortOrder("is_latest_day", "flag", descending=True),
        SortOrder("business_day", "day", descending=True),
        SortOrder("kind"),
        SortOrder("view_key"),
    ),
    (
        SheetColumn("is_latest_day", "Open today", "flag"),
        SheetColumn("kind", "Kind", "word"),
        DAY,
        ACCOUNT,
        SheetColumn("rail_name", "Rail"),
        SheetColumn("magnitude", "Magnitude", "money"),
        SheetColumn("view_key", "Evidence", leads="key"),
    ),
    (
        Figure("Exceptions", rows, exception=True),
        Figure("Open today", matching("is_latest_day = 1"), exception=True),
        Figure("Accounts", distinct("account_id")),
        Figure("Kinds", distinct("kind")),
    ),
    _exceptions_by_kind,
    BY_DAY | BY_RAIL | BY_ACCOUNT_ALONE,
    places=(
        "drift",
        "ledger_drift",
        "overdraft",
        "expected_eod_balance_breach",
        "limit_breach",
        "stuck_pending",
        "stuck_unbundled",
        "supersession_audit",
    ),
)

# ---- drift ------------------------------------------------------------------------------------------------------


def _drifts(s: Sql) -> str:
    both = s.money(f"{s.exact('own')} + {s.exact('children')}")
    columns = "view_key, account_id, account_name, account_role, business_day, stored"
    return f"""SELECT 'drift' AS place, {columns}, computed, drift FROM {s.name("drift")}
UNION ALL
SELECT 'ledger_drift', {columns}, {both}, drift FROM {s.name("ledger_drift")}"""


DRIFT = Sheet(
    "drift",
    "Drift",
    "Account-days whose stored balance is not the sum of the postings (of a ledger account: not the sum of its own "
    "postings and its children's balances).",
    "No row: every stored balance is what was posted, to the cent.",
    ("drift", "ledger_drift"),
    _drifts,
    (*LATEST_DAY, SortOrder("place"), SortOrder("account_id")),
    (
        DAY,
        ACCOUNT,
        NAME,
        ROLE,
        SheetColumn("place", "Kind", "word"),
        SheetColumn("stored", "Stored", "money"),
        SheetColumn("computed", "Computed", "money"),
        SheetColumn("drift", "Drift", "money"),
    ),
    (
        Figure("Account-days that drift", rows, exception=True),
        Figure("Accounts", distinct("account_id")),
        Figure("Net drift", total("drift"), "money"),
        Figure("Largest drift", extreme("MAX", "ABS(drift)"), "money"),
    ),
    lambda selection: by_day(
        selection,
        "Drift by business day",
        total("drift")(selection.source.sql),
        series="place",
        tones={"drift": 0, "ledger_drift": 1},
        unit="money",
    ),
    BY_DAY | BY_ACCOUNT,
    places=("drift", "ledger_drift"),
)

# ---- overdraft, limits ------------------------------------------------------------------------------------------

OVERDRAFT = Sheet(
    "overdraft",
    "Overdraft",
    "Internal accounts whose stored balance is below zero at the end of a business day.",
    "No row: no account of the bank ends a day below zero.",
    ("overdraft",),
    _from_view("overdraft"),
    (*LATEST_DAY, SortOrder("account_id")),
    (DAY, ACCOUNT, NAME, ROLE, SheetColumn("stored", "Stored", "money")),
    (
        Figure("Account-days below zero", rows, exception=True),
        Figure("Accounts", distinct("account_id")),
        Figure("Lowest balance", extreme("MIN", "stored"), "money"),
    ),
    lambda selection: by_day(
        selection, "Stored below zero, by business day", total("stored")(selection.source.sql), unit="money"
    ),
    BY_DAY | BY_ACCOUNT,
    places=("overdraft",),
)


def _breaches(selection: Selection) -> Chart:
    tail = f"ORDER BY excess DESC, view_key LIMIT {DRAWN_BREACHES}"
    kinds = ["text", "day", "text", "money", "money"]
    found = selection.aggregate("account_id, business_day, transfer_type, cap, excess", kinds, tail)
    labels = tuple(f"{day} · {account} · {sort}" for account, day, sort, _, _ in found)
    within = Series("Within the cap", tuple(whole(cap) for *_, cap, _ in found), 2)
    beyond = Series("Beyond the cap", tuple(whole(excess) for *_, excess in found), 1)
    return Chart("rows", "Outbound flow against its cap", "money", "Breach", labels, (within, beyond))


LIMIT_BREACH = Sheet(
    "limit-breach",
    "Limit Breach",
    "Accounts that paid out more of one transfer type in a business day than the cap on their parent allows.",
    "No row: every outbound flow stays at or below its cap.",
    ("limit_breach",),
    _from_view("limit_breach"),
    (*LATEST_DAY, SortOrder("view_key")),
    (
        DAY,
        ACCOUNT,
        NAME,
        ROLE,
        SheetColumn("transfer_type", "Type"),
        SheetColumn("outbound", "Outbound", "money"),
        SheetColumn("cap", "Cap", "money"),
        SheetColumn("excess", "Excess", "money"),
    ),
    (
        Figure("Breaches", rows, exception=True),
        Figure("Accounts", distinct("account_id")),
        Figure("Total excess", total("excess"), "money"),
        Figure("Largest excess", extreme("MAX", "excess"), "money"),
    ),
    _breaches,
    BY_DAY | BY_ACCOUNT,
    places=("limit_breach",),
)

# ---- what waits -------------------------------------------------------------------------------------------------


def _by_age(selection: Selection) -> Chart:
    days = [(bound, name) for bound, name in AGES if bound is not None]
    cases = " ".join(f"WHEN age_seconds < {bound} * 86400 THEN {place}" for place, (bound, _) in enumerate(days))
    tail = "GROUP BY 1, 2"
    found = selection.aggregate(
        f"CASE {cases} ELSE {len(days)} END, rail_name, COUNT(*)", ["count", "text", "count"], tail
    )
    cells = {(rail, place): count for place, rail, count in found}
    stuck = {rail for _, rail, _ in found}
    limited = (
        r.name for r in selection.source.bank.rails if r.max_pending_age_seconds or r.max_unbundled_age_seconds
    )
    series = [
        Series(rail, tuple(whole(cells.get((rail, k), 0)) for k in range(len(AGES))), STRONG[n % len(STRONG)])
        for n, rail in enumerate(sorted(limited))
        if rail in stuck
    ]
    return Chart("bars", "Legs by age and rail", "count", "Age", tuple(name for _, name in AGES), tuple(series))


def _aging(slug: str, title: str, view: str, sentence: str, healthy: str) -> Sheet:
    return Sheet(
        slug,
        title,
        sentence,
        healthy,
        (view,),
        _from_view(view),
        (SortOrder("age_seconds", "age", descending=True), SortOrder("view_key")),
        (
            SheetColumn("age_seconds", "Age", "age"),
            SheetColumn("max_age_seconds", "Allowed age", "age"),
            SheetColumn("posting", "Posting", "moment"),
            ACCOUNT,
            SheetColumn("rail_name", "Rail"),
            SheetColumn("amount_money", "Amount", "money"),
            SheetColumn("transfer_id", "Transfer", leads="transfer"),
        ),
        (
            Figure("Stuck legs", rows, exception=True),
            Figure("Transfers", distinct("transfer_id")),
            Figure("Rails", distinct("rail_name")),
            Figure("Oldest", lambda s: "MAX(age_seconds)", "age"),
        ),
        _by_age,
        BY_DAY | BY_ACCOUNT | BY_RAIL,
        places=(view,),
    )


PENDING_AGING = _aging(
    "pending-aging",
    "Pending Aging",
    "stuck_pending",
    "Legs that are Pending for longer than their rail's max_pending_age allows.",
    "No row: what is pending settles, or fails, in time.",
)
UNBUNDLED_AGING = _aging(
    "unbundled-aging",
    "Unbundled Aging",
    "stuck_unbundled",
    "Posted legs that no sweep has taken within their rail's max_unbundled_age.",
    "No row: every leg that waits for a sweep is swept in time.",
)

# ---- corrections ------------------------------------------------------------------------------------------------


def _corrections(s: Sql) -> str:
    change = s.money(f"{s.exact('after_amount_money')} - {s.exact('before_amount_money')}")
    return f"""SELECT 'supersession_audit' AS place, view_key, base_table, transfer_id, rail_name,
  corrections, reason, after_account_id AS account_id, before_amount_money, after_amount_money, {change} AS change,
  after_business_day AS business_day, after_entry
FROM {s.name("supersession_audit")}"""


SUPERSESSION_AUDIT = Sheet(
    "supersession-audit",
    "Supersession Audit",
    "Posted legs and balances whose amount, account, status or day a later entry changed, whatever reason it gives.",
    "No row: nothing that was booked was changed.",
    ("supersession_audit",),
    _corrections,
    (*LATEST_DAY, SortOrder("view_key")),
    (
        DAY,
        SheetColumn("base_table", "Changed", "word"),
        ACCOUNT,
        SheetColumn("rail_name", "Rail"),
        SheetColumn("before_amount_money", "Before", "money"),
        SheetColumn("after_amount_money", "After", "money"),
        SheetColumn("change", "Change", "money"),
        SheetColumn("corrections", "Changes", "count"),
        SheetColumn("reason", "Reason", "word"),
        SheetColumn("transfer_id", "Transfer", leads="transfer"),
    ),
    (
        Figure("Changed keys", rows, exception=True),
        Figure("Accounts", distinct("account_id")),
        Figure("Total change", total("change", absolute=True), "money"),
    ),
    lambda selection: by_day(
        selection,
        "Changed keys by business day",
        "COUNT(*)",
        series="base_table",
        tones={"transactions": 0, "daily_balances": 1},
    ),
    BY_DAY | BY_RAIL | BY_ACCOUNT_ALONE,
    places=("supersession_audit",),
)

RECONCILIATION = App(
    "l1",
    "L1 reconciliation",
    "Do the balances agree with the postings, and does everything settle in time?",
    (
        TODAYS_EXCEPTIONS,
        DRIFT,
        OVERDRAFT,
        LIMIT_BREACH,
        PENDING_AGING,
        UNBUNDLED_AGING,
        SUPERSESSION_AUDIT,
        DAILY_STATEMENT,
        TRANSACTIONS,
    ),
)
