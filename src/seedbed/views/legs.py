"""Views on single legs: stuck, late, corrected and undeclared legs, and legs without a required key."""

from seedbed.views.declarations import (
    declared_legs,
    rail_lines,
    rails_that_only_follow,
    required_keys,
    unbundled_ages,
)
from seedbed.views.sql import OPENING_RAIL, OPENING_TYPE, Sql

__all__ = [
    "late_posting",
    "posted_requirement_gaps",
    "stuck_pending",
    "stuck_unbundled",
    "supersession_audit",
    "unmatched_postings",
]


def _leg(s: Sql) -> str:
    return (
        "t.id, t.account_id, t.account_name, t.account_role, t.amount_money, t.status, t.posting, "
        f"{s.business_day('t.posting', 't.account_role')} AS business_day, "
        "t.transfer_id, t.transfer_type, t.rail_name, t.template_name"
    )


def stuck_pending(s: Sql) -> str:
    """Current Pending legs older than their rail's `max_pending_age`. A leg of exactly that age is not stuck."""
    ages = [(r.name, r.max_pending_age_seconds) for r in s.bank.rails if r.max_pending_age_seconds is not None]
    return f"""WITH {s.relation("ages", "rail_name text, seconds whole", ages)},
rules AS (SELECT rail_name, seconds, {s.earlier(s.as_of(), "seconds")} AS latest FROM ages)
SELECT t.id AS view_key, {_leg(s)}, {s.seconds_between("t.posting", s.as_of())} AS age_seconds,
  r.seconds AS max_age_seconds
FROM {s.name("current_transactions")} t JOIN rules r ON r.rail_name = t.rail_name
WHERE t.status = 'Pending' AND t.posting < r.latest"""


def stuck_unbundled(s: Sql) -> str:
    """Current Posted legs that a sweep should have bundled, older than their rail's `max_unbundled_age`.

    A sweep should bundle a leg if an aggregating rail selects the leg's rail, that rail's transfer type, the leg's
    template, that template's transfer type, or that rail within that template. A leg of exactly that age is not
    stuck.
    """
    columns = "rail_name text, template_name text, seconds whole"
    return f"""WITH {s.relation("ages", columns, unbundled_ages(s.bank))},
rules AS (SELECT rail_name, template_name, seconds, {s.earlier(s.as_of(), "seconds")} AS latest FROM ages)
SELECT t.id AS view_key, {_leg(s)}, {s.seconds_between("t.posting", s.as_of())} AS age_seconds,
  r.seconds AS max_age_seconds
FROM {s.name("current_transactions")} t JOIN rules r ON r.rail_name = t.rail_name
  AND (r.template_name = '' OR r.template_name = t.template_name)
WHERE t.status = 'Posted' AND t.bundle_id IS NULL AND t.posting < r.latest"""


def late_posting(s: Sql) -> str:
    """Current Posted legs that posted after the completion of their transfer."""
    return f"""SELECT t.id AS view_key, {_leg(s)}, t.transfer_completion,
  {s.seconds_between("t.transfer_completion", "t.posting")} AS late_seconds
FROM {s.name("current_transactions")} t
WHERE t.status = 'Posted' AND t.posting > t.transfer_completion"""


def supersession_audit(s: Sql) -> str:
    """Posted legs and balances that a later entry changed: the account, the amount, the status or the business day.

    The view reads the base tables. It compares each entry with the one before it: the next lower entry of the same
    id, or of the same account and day (there the balance or the day's end can change). A change of a Posted row shows
    whatever reason the entry gives, and also without a reason. A Pending or Failed row may change, unless the entry
    says that it corrects (`TechnicalCorrection`). So neither a Pending leg that became Posted nor a leg that got its
    bundle is in this view. A key that changed several times has one row: the values before its first change and after
    its last, the number of changes, and the reason of the last.
    """
    both = ", ".join(
        f"{side}.{column} AS {when}_{column}"
        for column in ("entry", "account_id", "amount_money", "status")
        for side, when in (("b", "before"), ("a", "after"))
    )
    legs, balances = s.name("transactions"), s.name("daily_balances")
    return f"""WITH {_leg_changes(s)},
{_day_changes(s)}
SELECT c.id AS view_key, 'transactions' AS base_table, a.transfer_id, a.rail_name, c.corrections,
  a.supersedes AS reason, {both},
  {s.business_day("b.posting", "b.account_role")} AS before_business_day,
  {s.business_day("a.posting", "a.account_role")} AS after_business_day
FROM leg_changes c JOIN {legs} b ON b.entry = c.before_entry JOIN {legs} a ON a.entry = c.after_entry
UNION ALL
SELECT {s.joined("a.account_id", "'/'", s.day_text("a.business_day_start"))}, 'daily_balances', NULL, NULL,
  c.corrections, a.supersedes, b.entry, a.entry, b.account_id, a.account_id, b.money, a.money, NULL, NULL,
  {s.day("b.business_day_start")},
  {s.day("a.business_day_start")}
FROM day_changes c JOIN {balances} b ON b.entry = c.before_entry JOIN {balances} a ON a.entry = c.after_entry"""


def _leg_changes(s: Sql) -> str:
    """Relation `leg_changes`, one row per id that changed: the entries before the first and after the last change."""
    legs, per_id = s.name("transactions"), "OVER (PARTITION BY t.id ORDER BY t.entry)"
    compared = {
        "account_id": "t.account_id",
        "amount_money": "t.amount_money",
        "status": "t.status",
        "business_day": s.business_day("t.posting", "t.account_role"),
    }
    own = ", ".join(f"{value} AS {name}" for name, value in compared.items())
    previous = ", ".join(f"LAG({value}) {per_id} AS previous_{name}" for name, value in compared.items())
    differs = " OR ".join(f"{name} <> previous_{name}" for name in compared)
    return f"""revised AS (SELECT id FROM {legs} GROUP BY id HAVING COUNT(*) > 1),
leg_history AS (
  SELECT t.id, t.entry, t.supersedes, {own},
    LAG(t.entry) {per_id} AS previous_entry, {previous}
  FROM {legs} t JOIN revised r ON r.id = t.id),
leg_changes AS (
  SELECT id, MIN(previous_entry) AS before_entry, MAX(entry) AS after_entry, COUNT(*) AS corrections
  FROM leg_history
  WHERE (previous_status = 'Posted' OR supersedes = 'TechnicalCorrection') AND ({differs}) GROUP BY id)"""


def _day_changes(s: Sql) -> str:
    """Relation `day_changes`: the same of daily balances, each of which counts as Posted."""
    balances = s.name("daily_balances")
    per_day = "OVER (PARTITION BY b.account_id, b.business_day_start ORDER BY b.entry)"
    return f"""revised_days AS (
  SELECT account_id, business_day_start FROM {balances} GROUP BY account_id, business_day_start
  HAVING COUNT(*) > 1),
day_history AS (
  SELECT b.account_id, b.business_day_start, b.entry, b.money, b.business_day_end,
    LAG(b.entry) {per_day} AS previous_entry, LAG(b.money) {per_day} AS previous_money,
    LAG(b.business_day_end) {per_day} AS previous_end
  FROM {balances} b JOIN revised_days c
    ON c.account_id = b.account_id AND c.business_day_start = b.business_day_start),
day_changes AS (
  SELECT account_id, business_day_start, MIN(previous_entry) AS before_entry, MAX(entry) AS after_entry,
    COUNT(*) AS corrections
  FROM day_history WHERE money <> previous_money OR business_day_end <> previous_end
  GROUP BY account_id, business_day_start)"""


def unmatched_postings(s: Sql) -> str:
    """Current legs of any status whose rail, role or transfer type the bank does not declare, with the reason.

    The reason is the first that applies: the rail is unknown, the transfer type is not that of the rail, the role is
    none of the rail's roles. Opening balances may have any role.
    """
    types = [*((rail, transfer_type) for rail, transfer_type, _ in rail_lines(s.bank)), (OPENING_RAIL, OPENING_TYPE)]
    opening = f"t.rail_name = '{OPENING_RAIL}' AND t.transfer_type = '{OPENING_TYPE}'"
    return f"""WITH {s.relation("rails", "rail_name text, transfer_type text", types)},
{s.relation("legs", "rail_name text, transfer_type text, account_role text", declared_legs(s.bank))}
SELECT t.id AS view_key, {_leg(s)},
  CASE WHEN r.rail_name IS NULL THEN 'rail' WHEN r.transfer_type <> t.transfer_type THEN 'transfer_type'
    ELSE 'role' END AS unmatched
FROM {s.name("current_transactions")} t
LEFT JOIN legs l ON l.rail_name = t.rail_name AND l.transfer_type = t.transfer_type
  AND l.account_role = t.account_role
LEFT JOIN rails r ON r.rail_name = t.rail_name
WHERE l.rail_name IS NULL AND NOT ({opening})"""


def posted_requirement_gaps(s: Sql) -> str:
    """Current Posted legs of declared rails that lack a required metadata key, one row per missing key.

    A key is required if the rail's `posted_requirements` or its template's transfer key names it. A null or empty
    value counts as missing. `transfer_parent_id` is required if the rail can only fire as a chain child.
    """
    keys = ((rail, template, key, s.json_path(key)) for rail, template, key in required_keys(s.bank))
    columns = "rail_name text, template_name text, metadata_key text, path text"
    followers = ((rail,) for rail in rails_that_only_follow(s.bank))
    return f"""WITH {s.relation("needed", columns, keys)},
{s.relation("followers", "rail_name text", followers)}
SELECT {s.joined("t.id", "'/'", "n.metadata_key")} AS view_key, {_leg(s)}, n.metadata_key AS missing_key
FROM {s.name("current_transactions")} t JOIN needed n ON n.rail_name = t.rail_name
  AND (n.template_name = '' OR n.template_name = t.template_name)
WHERE t.status = 'Posted' AND NOT ({s.has_text("t.metadata", "n.path")})
UNION ALL
SELECT {s.joined("t.id", "'/transfer_parent_id'")}, {_leg(s)}, 'transfer_parent_id'
FROM {s.name("current_transactions")} t JOIN followers f ON f.rail_name = t.rail_name
WHERE t.status = 'Posted' AND COALESCE(t.transfer_parent_id, '') = ''"""
