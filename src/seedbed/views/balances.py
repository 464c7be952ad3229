"""Views on balances: current rows, computed balances, and stored balances that differ from them."""

from seedbed.views.days import cap_days
from seedbed.views.declarations import CAP_COLUMNS, cap_lines, capped_legs, parent_roles, under_cap
from seedbed.views.sql import Sql

__all__ = [
    "account_days",
    "computed_ledger_balance",
    "computed_subledger_balance",
    "current_daily_balances",
    "current_transactions",
    "daily_statement",
    "drift",
    "expected_eod_balance_breach",
    "ledger_drift",
    "limit_breach",
    "overdraft",
]

ACCOUNT_DAY = (
    "account_id, account_name, account_role, account_parent_role, business_day_start, business_day_end, business_day"
)


def current_transactions(s: Sql) -> str:
    """The row with the highest entry of each id; entries are unique."""
    legs = s.name("transactions")
    return f"SELECT * FROM {legs} WHERE entry IN (SELECT MAX(entry) FROM {legs} GROUP BY id)"


def current_daily_balances(s: Sql) -> str:
    """The row with the highest entry of each account and business-day start."""
    balances = s.name("daily_balances")
    return f"""SELECT * FROM {balances}
WHERE entry IN (SELECT MAX(entry) FROM {balances} GROUP BY account_id, business_day_start)"""


def account_days(s: Sql) -> str:
    """One row per current daily balance, with the sum of the postings up to the end of that business day.

    The computed balance is the sum of all current Posted legs with posting < business_day_end, over all time. An
    account has children if its role is the parent role of an internal account, in the data or in the bank.
    `children` is the sum of the children's stored balances whose business day starts on the same date. It is null for
    an account without children.
    """
    balances = s.name("current_daily_balances")
    return f"""WITH {_parents(s)},
{_running(s)},
children AS (
  SELECT account_parent_role, {s.day("business_day_start")} AS business_day, SUM({s.exact("money")}) AS stored
  FROM {balances} WHERE account_parent_role IS NOT NULL AND account_scope = 'internal'
  GROUP BY account_parent_role, {s.day("business_day_start")})
SELECT b.account_id, b.account_name, b.account_role, b.account_scope, b.account_parent_role,
  b.business_day_start, b.business_day_end, {s.day("b.business_day_start")} AS business_day,
  b.expected_eod_balance, b.money AS stored,
  {s.money("r.credits")} AS credits_to_date, {s.money("r.debits")} AS debits_to_date,
  {s.money("r.credits + r.debits")} AS computed,
  CASE WHEN p.parent_role IS NULL THEN 0 ELSE 1 END AS has_children,
  CASE WHEN p.parent_role IS NOT NULL THEN {s.money("COALESCE(c.stored, 0)")} END AS children
FROM {balances} b
JOIN running r ON r.entry = b.entry
LEFT JOIN parents p ON p.parent_role = b.account_role
LEFT JOIN children c ON c.account_parent_role = b.account_role
  AND c.business_day = {s.day("b.business_day_start")}"""


def _parents(s: Sql) -> str:
    """Relation `parents`: the roles that have children, in the bank or in the data."""
    return f"""{s.relation("declared_parents", "parent_role text", [(role,) for role in parent_roles(s.bank)])},
parents AS (
  SELECT parent_role FROM declared_parents
  UNION
  SELECT account_parent_role FROM {s.name("current_daily_balances")}
  WHERE account_parent_role IS NOT NULL AND account_scope = 'internal')"""


def _running(s: Sql) -> str:
    """Relation `running`: per current balance row, known by its entry, the sums of what posted before its day's end.

    Postings are first summed per calendar day and slot, from one time of day at which some business day ends (or
    midnight) to the next. Joins are on times and entries: MariaDB has no index on a derived column as wide as an id.
    """
    legs, balances = s.name("current_transactions"), s.name("current_daily_balances")
    posted, end = s.time("posting"), "business_day_end"
    before = "OVER (PARTITION BY account_id ORDER BY day, slot, turn, entry ROWS UNBOUNDED PRECEDING)"
    return f"""cuts AS (
  SELECT {s.time(end)} AS cut FROM {balances} UNION SELECT {s.time(s.midnight(end))} FROM {balances}),
times AS (SELECT DISTINCT {posted} AS posted FROM {legs} WHERE status = 'Posted'),
slots AS (SELECT t.posted, MAX(c.cut) AS slot FROM times t JOIN cuts c ON c.cut <= t.posted GROUP BY t.posted),
nets AS (
  SELECT t.account_id, {s.day("t.posting")} AS day, s.slot,
    SUM(CASE WHEN t.amount_money > 0 THEN {s.exact("t.amount_money")} ELSE 0 END) AS credits,
    SUM(CASE WHEN t.amount_money < 0 THEN {s.exact("t.amount_money")} ELSE 0 END) AS debits
  FROM {legs} t JOIN slots s ON s.posted = {s.time("t.posting")}
  WHERE t.status = 'Posted' GROUP BY t.account_id, {s.day("t.posting")}, s.slot),
steps AS (
  SELECT account_id, day, slot, 1 AS turn, NULL AS entry, credits, debits FROM nets
  UNION ALL
  SELECT account_id, {s.day(end)}, {s.time(end)}, 0, entry, 0, 0 FROM {balances}),
running AS (
  SELECT entry, SUM(credits) {before} AS credits, SUM(debits) {before} AS debits FROM steps)"""


def computed_subledger_balance(s: Sql) -> str:
    """The computed balance of every internal account without children, at the end of each business day."""
    return f"""SELECT {ACCOUNT_DAY}, computed FROM {s.name("account_days")}
WHERE account_scope = 'internal' AND has_children = 0"""


def computed_ledger_balance(s: Sql) -> str:
    """For every internal account with children: its own computed balance plus the children's stored balances."""
    return f"""SELECT {ACCOUNT_DAY}, computed AS own, children,
  {s.money(_plus(s, "computed", "children"))} AS computed
FROM {s.name("account_days")} WHERE account_scope = 'internal' AND has_children = 1"""


def drift(s: Sql) -> str:
    """Internal accounts without children whose stored balance is not the sum of their postings.

    `drift` is stored minus computed.
    """
    difference = _minus(s, "stored", "computed")
    return f"""SELECT {_day_key(s)} AS view_key, {ACCOUNT_DAY}, stored, computed, {s.money(difference)} AS drift
FROM {s.name("account_days")} WHERE account_scope = 'internal' AND has_children = 0 AND {difference} <> 0"""


def ledger_drift(s: Sql) -> str:
    """Internal accounts with children whose stored balance is not their own postings plus the children's balances.

    `drift` is stored minus (own computed plus the children's stored balances). The children's stored balances count,
    so a child's drift does not show here.
    """
    difference = f"({s.exact('stored')} - {_plus(s, 'computed', 'children')})"
    return f"""SELECT {_day_key(s)} AS view_key, {ACCOUNT_DAY}, stored, computed AS own, children,
  {s.money(difference)} AS drift
FROM {s.name("account_days")} WHERE account_scope = 'internal' AND has_children = 1 AND {difference} <> 0"""


def overdraft(s: Sql) -> str:
    """Internal account-days whose stored balance is below zero, parents included."""
    return f"""SELECT {_day_key(s)} AS view_key, {ACCOUNT_DAY}, stored
FROM {s.name("account_days")} WHERE account_scope = 'internal' AND stored < 0"""


def expected_eod_balance_breach(s: Sql) -> str:
    """Account-days whose stored balance is not their expected end-of-day balance."""
    difference = _minus(s, "stored", "expected_eod_balance")
    return f"""SELECT {_day_key(s)} AS view_key, {ACCOUNT_DAY}, stored, expected_eod_balance,
  {s.money(difference)} AS difference
FROM {s.name("account_days")} WHERE expected_eod_balance IS NOT NULL AND {difference} <> 0"""


def limit_breach(s: Sql) -> str:
    """Accounts that moved more in one direction by one rail or type in a business day than a cap on them allows.

    `outbound` is the sum of the current Posted Debits as a positive amount, if the cap is on those; `inbound` is that
    of the Credits, if the cap is on those, and the key then ends in `/Inbound`. A sum equal to the cap is no breach.
    If the bank has rails that fire on closed days, what they move on these counts into the next business day.
    """
    relations, join, day = cap_days(s)
    key = s.joined("account_id", "'/'", s.day_text("business_day"), "'/'", "subject")
    return f"""WITH {relations}{s.relation("caps", CAP_COLUMNS, cap_lines(s.bank))},
flows AS (
  SELECT t.account_id, MAX(t.account_name) AS account_name, MAX(t.account_role) AS account_role,
    c.parent_role, c.subject, c.transfer_type, c.direction, {day} AS business_day, c.cap,
    SUM(ABS({s.exact("t.amount_money")})) AS moved
  FROM {s.name("current_transactions")} t
  JOIN caps c ON {under_cap("c", "t")}{join}
  WHERE t.status = 'Posted' AND {capped_legs(s.bank, "t")}
  GROUP BY t.account_id, c.parent_role, c.subject, c.transfer_type, c.direction, c.cap, {day})
SELECT {key} AS view_key, account_id, account_name, account_role, parent_role AS account_parent_role,
  transfer_type, direction, business_day,
  CASE WHEN direction = 'Outbound' THEN {s.money("moved")} END AS outbound,
  CASE WHEN direction = 'Inbound' THEN {s.money("moved")} END AS inbound,
  {s.money("cap")} AS cap, {s.money("moved - cap")} AS excess
FROM flows WHERE moved > cap"""


def daily_statement(s: Sql) -> str:
    """Every account-day from opening to closing: credits, debits, and the change of the children's balances.

    `opening` is the previous row's stored balance, 0.00 before the first row. `credits` and `debits` (both positive)
    are all current Posted legs since the end of the previous row, so nothing is lost if days are missing.
    `children_change` is the change of the children's stored balances, 0.00 for an account without children.
    `closing` is the sum of these. `computed` is the sum of all postings, and of the children's balances. `drift` is
    stored minus computed, as in the views `drift` and `ledger_drift`. After a day with a drift, closing and computed
    differ.
    """
    before = "OVER (PARTITION BY account_id ORDER BY business_day_start)"
    terms = {
        "opening": s.exact("stored"),
        "credits": s.exact("credits_to_date"),
        "debits": f"-{s.exact('debits_to_date')}",
        "children": s.exact("COALESCE(children, 0)"),
    }
    walk = ",\n    ".join(f"COALESCE(LAG({exact}) {before}, 0) AS previous_{name}" for name, exact in terms.items())
    credits, debits, children = (f"({terms[n]} - previous_{n})" for n in ("credits", "debits", "children"))
    computed = _plus(s, "computed", "COALESCE(children, 0)")
    return f"""WITH walk AS (
  SELECT d.*, {walk}
  FROM {s.name("account_days")} d)
SELECT {ACCOUNT_DAY}, {s.money("previous_opening")} AS opening,
  {s.money(credits)} AS credits, {s.money(debits)} AS debits, {s.money(children)} AS children_change,
  {s.money(f"previous_opening + {credits} - {debits} + {children}")} AS closing,
  {s.money(computed)} AS computed, stored, {s.money(f"{s.exact('stored')} - {computed}")} AS drift
FROM walk"""


def _day_key(s: Sql) -> str:
    return s.joined("account_id", "'/'", s.day_text("business_day_start"))


def _plus(s: Sql, first: str, second: str) -> str:
    return f"({s.exact(first)} + {s.exact(second)})"


def _minus(s: Sql, first: str, second: str) -> str:
    return f"({s.exact(first)} - {s.exact(second)})"
