"""The L1 sheets of exceptions: balances against postings, limits, and legs that did not settle in time."""

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

# Filters of views that have an account's id but not its role. The role comes from the account's legs or balances:
# control accounts may have no legs, external accounts have no balances.
BY_ACCOUNT_ALONE = {
    "account": "account_id = {value}",
    "role": "account_id IN (SELECT l.account_id FROM {legs} l WHERE l.account_role = {value}"
    " UNION SELECT d.account_id FROM {days} d WHERE d.account_role = {value})",
}
LATEST_DAY = (SortOrder("business_day", "day", descending=True),)
# Classes of the age of stuck legs: the upper bound in days, and the name.
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
    slug="todays-exceptions",
    title="Today's Exceptions",
    sentence="Everything that does not reconcile: exceptions that are open today, and earlier ones in the window.",
    healthy="No row. A bank looks at this sheet every morning, and it should be empty.",
    views=("todays_exceptions",),
    relation=_exceptions,
    order=(
        SortOrder("is_latest_day", "flag", descending=True),
        SortOrder("business_day", "day", descending=True),
        SortOrder("kind"),
        SortOrder("view_key"),
    ),
    columns=(
        SheetColumn(name="is_latest_day", title="Open today", kind="flag"),
        SheetColumn(name="kind", title="Kind", kind="word"),
        DAY,
        ACCOUNT,
        SheetColumn(name="rail_name", title="Rail"),
        SheetColumn(name="magnitude", title="Magnitude", kind="money"),
        SheetColumn(name="view_key", title="Evidence", leads="key"),
    ),
    figures=(
        Figure("Exceptions", rows, exception=True),
        Figure("Open today", matching("is_latest_day = 1"), exception=True),
        Figure("Accounts", distinct("account_id")),
        Figure("Kinds", distinct("kind")),
    ),
    chart=_exceptions_by_kind,
    where=BY_DAY | BY_RAIL | BY_ACCOUNT_ALONE,
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
    slug="drift",
    title="Drift",
    sentence="Account-days whose stored balance differs from the sum of the postings. A ledger account's sum "
    "includes the balances of its children.",
    healthy="No row: every stored balance equals its postings to the cent.",
    views=("drift", "ledger_drift"),
    relation=_drifts,
    order=(*LATEST_DAY, SortOrder("place"), SortOrder("account_id")),
    columns=(
        DAY,
        ACCOUNT,
        NAME,
        ROLE,
        SheetColumn(name="place", title="Kind", kind="word"),
        SheetColumn(name="stored", title="Stored", kind="money"),
        SheetColumn(name="computed", title="Computed", kind="money"),
        SheetColumn(name="drift", title="Drift", kind="money"),
    ),
    figures=(
        Figure("Account-days that drift", rows, exception=True),
        Figure("Accounts", distinct("account_id")),
        Figure("Net drift", total("drift"), "money"),
        Figure("Largest drift", extreme("MAX", "ABS(drift)"), "money"),
    ),
    chart=lambda selection: by_day(
        selection,
        "Drift by business day",
        total("drift")(selection.source.sql),
        series="place",
        tones={"drift": 0, "ledger_drift": 1},
        unit="money",
    ),
    where=BY_DAY | BY_ACCOUNT,
    places=("drift", "ledger_drift"),
)

# ---- overdraft, limits ------------------------------------------------------------------------------------------

OVERDRAFT = Sheet(
    slug="overdraft",
    title="Overdraft",
    sentence="Internal accounts whose stored balance is below zero at the end of a business day.",
    healthy="No row: no account of the bank ends a day below zero.",
    views=("overdraft",),
    relation=_from_view("overdraft"),
    order=(*LATEST_DAY, SortOrder("account_id")),
    columns=(DAY, ACCOUNT, NAME, ROLE, SheetColumn(name="stored", title="Stored", kind="money")),
    figures=(
        Figure("Account-days below zero", rows, exception=True),
        Figure("Accounts", distinct("account_id")),
        Figure("Lowest balance", extreme("MIN", "stored"), "money"),
    ),
    chart=lambda selection: by_day(
        selection, "Stored below zero, by business day", total("stored")(selection.source.sql), unit="money"
    ),
    where=BY_DAY | BY_ACCOUNT,
    places=("overdraft",),
)


def _breaches(selection: Selection) -> Chart:
    tail = f"ORDER BY excess DESC, view_key LIMIT {DRAWN_BREACHES}"
    kinds = ["text", "day", "text", "text", "money", "money"]
    found = selection.aggregate("account_id, business_day, transfer_type, direction, cap, excess", kinds, tail)
    words = {"Inbound": " · inbound", "Outbound": ""}
    labels = tuple(f"{day} · {account} · {sort}{words[str(way)]}" for account, day, sort, way, *_ in found)
    within = Series("Within the cap", tuple(whole(cap) for *_, cap, _ in found), 2)
    beyond = Series("Beyond the cap", tuple(whole(excess) for *_, excess in found), 1)
    return Chart(
        shape="rows",
        title="Flow against its cap",
        unit="money",
        heading="Breach",
        categories=labels,
        series=(within, beyond),
    )


LIMIT_BREACH = Sheet(
    slug="limit-breach",
    title="Limit Breach",
    sentence="Accounts that paid out or took in more by one rail or transfer type in a business day than the cap on "
    "their parent allows.",
    healthy="No row: all that an account moves in a day stays within its caps.",
    views=("limit_breach",),
    relation=_from_view("limit_breach"),
    order=(*LATEST_DAY, SortOrder("view_key")),
    columns=(
        DAY,
        ACCOUNT,
        NAME,
        ROLE,
        SheetColumn(name="transfer_type", title="Type"),
        SheetColumn(name="direction", title="Direction"),
        SheetColumn(name="outbound", title="Outbound", kind="money"),
        SheetColumn(name="inbound", title="Inbound", kind="money"),
        SheetColumn(name="cap", title="Cap", kind="money"),
        SheetColumn(name="excess", title="Excess", kind="money"),
    ),
    figures=(
        Figure("Breaches", rows, exception=True),
        Figure("Accounts", distinct("account_id")),
        Figure("Total excess", total("excess"), "money"),
        Figure("Largest excess", extreme("MAX", "excess"), "money"),
    ),
    chart=_breaches,
    where=BY_DAY | BY_ACCOUNT,
    places=("limit_breach",),
)

# ---- legs that wait ---------------------------------------------------------------------------------------------


def _by_age(selection: Selection) -> Chart:
    days = [(bound, name) for bound, name in AGES if bound is not None]
    cases = " ".join(f"WHEN age_seconds < {bound} * 86400 THEN {k}" for k, (bound, _) in enumerate(days))
    tail = "GROUP BY 1, 2"
    found = selection.aggregate(
        f"CASE {cases} ELSE {len(days)} END, rail_name, COUNT(*)", ["count", "text", "count"], tail
    )
    cells = {(rail, k): count for k, rail, count in found}
    stuck = {rail for _, rail, _ in found}
    limited = (
        r.name for r in selection.source.bank.rails if r.max_pending_age_seconds or r.max_unbundled_age_seconds
    )
    series = [
        Series(rail, tuple(whole(cells.get((rail, k), 0)) for k in range(len(AGES))), STRONG[n % len(STRONG)])
        for n, rail in enumerate(sorted(limited))
        if rail in stuck
    ]
    return Chart(
        shape="bars",
        title="Legs by age and rail",
        unit="count",
        heading="Age",
        categories=tuple(name for _, name in AGES),
        series=tuple(series),
    )


def _aging(slug: str, title: str, view: str, sentence: str, healthy: str) -> Sheet:
    return Sheet(
        slug=slug,
        title=title,
        sentence=sentence,
        healthy=healthy,
        views=(view,),
        relation=_from_view(view),
        order=(SortOrder("age_seconds", "age", descending=True), SortOrder("view_key")),
        columns=(
            SheetColumn(name="age_seconds", title="Age", kind="age"),
            SheetColumn(name="max_age_seconds", title="Allowed age", kind="age"),
            SheetColumn(name="posting", title="Posting", kind="moment"),
            ACCOUNT,
            SheetColumn(name="rail_name", title="Rail"),
            SheetColumn(name="amount_money", title="Amount", kind="money"),
            SheetColumn(name="transfer_id", title="Transfer", leads="transfer"),
        ),
        figures=(
            Figure("Stuck legs", rows, exception=True),
            Figure("Transfers", distinct("transfer_id")),
            Figure("Rails", distinct("rail_name")),
            Figure("Oldest", lambda s: "MAX(age_seconds)", "age"),
        ),
        chart=_by_age,
        where=BY_DAY | BY_ACCOUNT | BY_RAIL,
        places=(view,),
    )


PENDING_AGING = _aging(
    "pending-aging",
    "Pending Aging",
    "stuck_pending",
    "Legs that have been Pending for longer than the max_pending_age of their rail.",
    "No row: every Pending leg settles or fails in time.",
)
UNBUNDLED_AGING = _aging(
    "unbundled-aging",
    "Unbundled Aging",
    "stuck_unbundled",
    "Posted legs that no sweep took within the max_unbundled_age of their rail.",
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
    slug="supersession-audit",
    title="Supersession Audit",
    sentence="Posted legs and balances whose amount, account, status or day was changed by a later entry, "
    "with or without a reason.",
    healthy="No row: no booked leg or balance was changed.",
    views=("supersession_audit",),
    relation=_corrections,
    order=(*LATEST_DAY, SortOrder("view_key")),
    columns=(
        DAY,
        SheetColumn(name="base_table", title="Changed", kind="word"),
        ACCOUNT,
        SheetColumn(name="rail_name", title="Rail"),
        SheetColumn(name="before_amount_money", title="Before", kind="money"),
        SheetColumn(name="after_amount_money", title="After", kind="money"),
        SheetColumn(name="change", title="Change", kind="money"),
        SheetColumn(name="corrections", title="Changes", kind="count"),
        SheetColumn(name="reason", title="Reason", kind="word"),
        SheetColumn(name="transfer_id", title="Transfer", leads="transfer"),
    ),
    figures=(
        Figure("Changed keys", rows, exception=True),
        Figure("Accounts", distinct("account_id")),
        Figure("Total change", total("change", absolute=True), "money"),
    ),
    chart=lambda selection: by_day(
        selection,
        "Changed keys by business day",
        "COUNT(*)",
        series="base_table",
        tones={"transactions": 0, "daily_balances": 1},
    ),
    where=BY_DAY | BY_RAIL | BY_ACCOUNT_ALONE,
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
