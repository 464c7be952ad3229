"""L1: do the balances agree with the postings, within their limits, and does everything settle in time?"""

from collections.abc import Callable

from seedbed.dashboard.aggregates import distinct, extreme, matching, rows, total
from seedbed.dashboard.charts import STRONG, Chart, Series, balance_line, by_category, by_day
from seedbed.dashboard.figures import shown
from seedbed.dashboard.selection import Selection
from seedbed.dashboard.sheets import App, Column, Figure, Order, Sheet
from seedbed.dashboard.source import VALUE, whole
from seedbed.views.sql import Sql

__all__ = ["RECONCILIATION"]

ACCOUNT = Column("account_id", "Account", leads="account")
NAME = Column("account_name", "Account name")
ROLE = Column("account_role", "Role")
DAY = Column("business_day", "Business day", "day", leads="account_day")
BY_DAY = {"from": "business_day >= {value}", "to": "business_day <= {value}"}
BY_ACCOUNT = {"account": "account_id = {value}", "role": "account_role = {value}"}
BY_RAIL = {"rail": "rail_name = {value}"}
# Rows that name an account and not its role: control accounts have balances, external ones have legs.
BY_ACCOUNT_ALONE = {
    "account": "account_id = {value}",
    "role": "account_id IN (SELECT l.account_id FROM {legs} l WHERE l.account_role = {value}"
    " UNION SELECT d.account_id FROM {days} d WHERE d.account_role = {value})",
}
LATEST_DAY = (Order("business_day", "day", descending=True),)
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
        Order("is_latest_day", "flag", descending=True),
        Order("business_day", "day", descending=True),
        Order("kind"),
        Order("view_key"),
    ),
    (
        Column("is_latest_day", "Open today", "flag"),
        Column("kind", "Kind", "word"),
        DAY,
        ACCOUNT,
        Column("rail_name", "Rail"),
        Column("magnitude", "Magnitude", "money"),
        Column("view_key", "Evidence", leads="key"),
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
    (*LATEST_DAY, Order("place"), Order("account_id")),
    (
        DAY,
        ACCOUNT,
        NAME,
        ROLE,
        Column("place", "Kind", "word"),
        Column("stored", "Stored", "money"),
        Column("computed", "Computed", "money"),
        Column("drift", "Drift", "money"),
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
    (*LATEST_DAY, Order("account_id")),
    (DAY, ACCOUNT, NAME, ROLE, Column("stored", "Stored", "money")),
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
    (*LATEST_DAY, Order("view_key")),
    (
        DAY,
        ACCOUNT,
        NAME,
        ROLE,
        Column("transfer_type", "Type"),
        Column("outbound", "Outbound", "money"),
        Column("cap", "Cap", "money"),
        Column("excess", "Excess", "money"),
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
        (Order("age_seconds", "age", descending=True), Order("view_key")),
        (
            Column("age_seconds", "Age", "age"),
            Column("max_age_seconds", "Allowed age", "age"),
            Column("posting", "Posting", "moment"),
            ACCOUNT,
            Column("rail_name", "Rail"),
            Column("amount_money", "Amount", "money"),
            Column("transfer_id", "Transfer", leads="transfer"),
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
    return f"""SELECT 'supersession_audit' AS place, view_key, base_table, transfer_id, rail_name, corrections,
  after_account_id AS account_id, before_amount_money, after_amount_money, {change} AS change,
  after_business_day AS business_day, after_entry
FROM {s.name("supersession_audit")}"""


SUPERSESSION_AUDIT = Sheet(
    "supersession-audit",
    "Supersession Audit",
    "Legs and balances whose amount, account, status or day a later entry corrected.",
    "No row: nothing that was booked had to be corrected.",
    ("supersession_audit",),
    _corrections,
    (*LATEST_DAY, Order("view_key")),
    (
        DAY,
        Column("base_table", "Corrected", "word"),
        ACCOUNT,
        Column("rail_name", "Rail"),
        Column("before_amount_money", "Before", "money"),
        Column("after_amount_money", "After", "money"),
        Column("change", "Change", "money"),
        Column("corrections", "Corrections", "count"),
        Column("transfer_id", "Transfer", leads="transfer"),
    ),
    (
        Figure("Corrected keys", rows, exception=True),
        Figure("Accounts", distinct("account_id")),
        Figure("Total change", total("change", absolute=True), "money"),
    ),
    lambda selection: by_day(
        selection,
        "Corrected keys by business day",
        "COUNT(*)",
        series="base_table",
        tones={"transactions": 0, "daily_balances": 1},
    ),
    BY_DAY | BY_RAIL | BY_ACCOUNT_ALONE,
    places=("supersession_audit",),
)

# ---- statements and legs ----------------------------------------------------------------------------------------


def _statements(s: Sql) -> str:
    key = s.joined("d.account_id", "'/'", s.day_text("d.business_day_start"))
    return f"SELECT 'daily_balances' AS place, {key} AS view_key, d.* FROM {s.name('daily_statement')} d"


def _telling_account(selection: Selection) -> str | None:
    """The account that drifts most often, else the one with the most exceptions, else the first with a balance.

    Of those with the role that is asked for.
    """
    s = selection.source.sql
    role = selection.state.filters.get("role")
    days = f"{s.name('account_days')} WHERE " + (f"account_role = {VALUE}" if role else "1 = 1")
    values = [role] if role else []
    worst = selection.source.rows(
        f"""SELECT account_id, COUNT(CASE WHEN kind IN ('drift', 'ledger_drift') THEN 1 END), COUNT(*)
FROM {s.name("todays_exceptions")} WHERE account_id IN (SELECT account_id FROM {days})
GROUP BY account_id ORDER BY 2 DESC, 3 DESC, 1 LIMIT 1""",
        values,
    )
    ((first,),) = selection.source.rows(f"SELECT MIN(account_id) FROM {days}", values)
    found = worst[0][0] if worst else first
    return None if found is None else str(found)


def _walk(selection: Selection) -> Chart:
    found = selection.aggregate(
        "business_day, stored, computed", ["day", "money", "money"], "ORDER BY business_day_start"
    )
    return balance_line(str(selection.state.filters.get("account", "")), found)


DAILY_STATEMENT = Sheet(
    "daily-statement",
    "Daily Statement",
    "One account, day by day: opening, what came in and went out, closing, and the balance that was stored.",
    "Drift is 0.00 on every day, and each day opens with what the day before closed.",
    ("daily_statement",),
    _statements,
    (Order("business_day_start", "moment", descending=True), Order("account_id")),
    (
        DAY,
        ACCOUNT,
        Column("opening", "Opening", "money"),
        Column("credits", "Credits", "money"),
        Column("debits", "Debits", "money"),
        Column("children_change", "Children", "money"),
        Column("closing", "Closing", "money"),
        Column("stored", "Stored", "money"),
        Column("computed", "Computed", "money"),
        Column("drift", "Drift", "money", exception=True),
    ),
    (
        Figure("Days that drift", matching("drift <> 0"), exception=True),
        Figure("Days", rows),
        Figure("Credits", total("credits"), "money"),
        Figure("Debits", total("debits"), "money"),
    ),
    _walk,
    BY_DAY | BY_ACCOUNT,
    places=("daily_balances",),
    chosen=_telling_account,
    nothing="No balance fits. External accounts have none: what moved on them is on the sheet Transactions.",
)

TRANSACTIONS = Sheet(
    "transactions",
    "Transactions",
    "Every current leg: one side of a transfer on one account, as it stands after corrections.",
    "Each business day has postings and none is Pending for long. Credits exceed debits by the opening balances.",
    ("current_transactions",),
    lambda s: f"SELECT 'transactions' AS place, t.id AS view_key, t.* FROM {s.name('current_transactions')} t",
    (Order("posting", "moment", descending=True), Order("id", descending=True)),
    (
        Column("posting", "Posting", "moment"),
        ACCOUNT,
        Column("rail_name", "Rail"),
        Column("transfer_type", "Type"),
        Column("status", "Status"),
        Column("amount_money", "Amount", "money"),
        Column("transfer_id", "Transfer", leads="transfer"),
    ),
    (
        Figure("Legs", rows),
        Figure("Pending", matching("status = 'Pending'")),
        Figure("Credits", total("amount_money", "status = 'Posted' AND amount_money > 0"), "money"),
        Figure("Debits", total("amount_money", "status = 'Posted' AND amount_money < 0", absolute=True), "money"),
    ),
    lambda selection: by_day(
        selection,
        "Legs by day of posting and status",
        "COUNT(*)",
        day=selection.source.sql.day("posting"),
        series="status",
        tones={"Posted": 0, "Pending": 1, "Failed": 4},
    ),
    {"from": "posting >= {value}", "to": "posting < {value}"} | BY_ACCOUNT | BY_RAIL,
    dates="moment",
    places=("transactions",),
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
