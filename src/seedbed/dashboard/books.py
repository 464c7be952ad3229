"""The L1 sheets of the books themselves: balances day by day, and all legs."""

from seedbed.dashboard.aggregates import matching, rows, total
from seedbed.dashboard.charts import Chart, balance_line, by_day
from seedbed.dashboard.columns import ACCOUNT, BY_ACCOUNT, BY_DAY, BY_RAIL, DAY
from seedbed.dashboard.ledger import VALUE
from seedbed.dashboard.selection import Selection
from seedbed.dashboard.sheets import Figure, Sheet, SheetColumn, SortOrder
from seedbed.views.sql import Sql

__all__ = ["DAILY_STATEMENT", "TRANSACTIONS"]


def _statements(s: Sql) -> str:
    key = s.joined("d.account_id", "'/'", s.day_text("d.business_day_start"))
    return f"SELECT 'daily_balances' AS place, {key} AS view_key, d.* FROM {s.name('daily_statement')} d"


def _telling_account(selection: Selection) -> str | None:
    """The account that drifts most often, else the one with the most exceptions, else the first with a balance.

    If the role filter is set, only accounts of that role count.
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
    slug="daily-statement",
    title="Daily Statement",
    sentence="One account, day by day: opening balance, money in, money out, closing balance, stored balance.",
    healthy="Drift is 0.00 on every day, and each day opens with the closing balance of the day before.",
    views=("daily_statement",),
    relation=_statements,
    order=(SortOrder("business_day_start", "moment", descending=True), SortOrder("account_id")),
    columns=(
        DAY,
        ACCOUNT,
        SheetColumn(name="opening", title="Opening", kind="money"),
        SheetColumn(name="credits", title="Credits", kind="money"),
        SheetColumn(name="debits", title="Debits", kind="money"),
        SheetColumn(name="children_change", title="Children", kind="money"),
        SheetColumn(name="closing", title="Closing", kind="money"),
        SheetColumn(name="stored", title="Stored", kind="money"),
        SheetColumn(name="computed", title="Computed", kind="money"),
        SheetColumn(name="drift", title="Drift", kind="money", exception=True),
    ),
    figures=(
        Figure("Days that drift", matching("drift <> 0"), exception=True),
        Figure("Days", rows),
        Figure("Credits", total("credits"), "money"),
        Figure("Debits", total("debits"), "money"),
    ),
    chart=_walk,
    where=BY_DAY | BY_ACCOUNT,
    places=("daily_balances",),
    chosen=_telling_account,
    nothing="No balance fits the filters. External accounts have legs but no balances: see the sheet Transactions.",
)

TRANSACTIONS = Sheet(
    slug="transactions",
    title="Transactions",
    sentence="Every current leg: one side of a transfer on one account, after corrections.",
    healthy="Each business day has postings, and no leg is Pending for long. Credits exceed debits by the "
    "opening balances.",
    views=("current_transactions",),
    relation=lambda s: (
        f"SELECT 'transactions' AS place, t.id AS view_key, t.* FROM {s.name('current_transactions')} t"
    ),
    order=(SortOrder("posting", "moment", descending=True), SortOrder("id", descending=True)),
    columns=(
        SheetColumn(name="posting", title="Posting", kind="moment"),
        ACCOUNT,
        SheetColumn(name="rail_name", title="Rail"),
        SheetColumn(name="transfer_type", title="Type"),
        SheetColumn(name="status", title="Status"),
        SheetColumn(name="amount_money", title="Amount", kind="money"),
        SheetColumn(name="transfer_id", title="Transfer", leads="transfer"),
    ),
    figures=(
        Figure("Legs", rows),
        Figure("Pending", matching("status = 'Pending'")),
        Figure("Credits", total("amount_money", "status = 'Posted' AND amount_money > 0"), "money"),
        Figure("Debits", total("amount_money", "status = 'Posted' AND amount_money < 0", absolute=True), "money"),
    ),
    chart=lambda selection: by_day(
        selection,
        "Legs by day of posting and status",
        "COUNT(*)",
        day=selection.source.sql.day("posting"),
        series="status",
        tones={"Posted": 0, "Pending": 1, "Failed": 4},
    ),
    where={"from": "posting >= {value}", "to": "posting < {value}"} | BY_ACCOUNT | BY_RAIL,
    dates="moment",
    places=("transactions",),
)
