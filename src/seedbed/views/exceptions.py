"""The L1 exceptions of all kinds side by side, one row each."""

from seedbed.views.sql import Sql

__all__ = ["todays_exceptions"]


def todays_exceptions(s: Sql) -> str:
    """Every L1 exception with kind, key and magnitude (an amount, never negative).

    `is_latest_day` is 1 for exceptions of the latest business day in the balances and for all stuck legs, whenever
    they posted, because they are open today. Without balances it is 1 only for stuck legs.
    """
    exact = s.exact

    def part(view: str, account: str, rail: str, kind: str, day: str, magnitude: str, latest: str) -> str:
        return f"""SELECT '{view}' AS kind, view_key, {account} AS account_id, {rail} AS rail_name,
  {kind} AS transfer_type, {day} AS business_day, {s.money(f"ABS({magnitude})")} AS magnitude,
  {latest} AS is_latest_day FROM {s.name(view)} x CROSS JOIN latest l"""

    nothing = f"CAST(NULL AS {s.macros.text})"
    on_day = "CASE WHEN x.{0} = l.day THEN 1 ELSE 0 END"
    today, moved = on_day.format("business_day"), on_day.format("after_business_day")
    correction = f"{exact('after_amount_money')} - {exact('before_amount_money')}"
    parts = [
        part(view, "account_id", nothing, nothing, "business_day", exact(amount), today)
        for view, amount in (
            ("drift", "drift"),
            ("ledger_drift", "drift"),
            ("overdraft", "stored"),
            ("expected_eod_balance_breach", "difference"),
        )
    ]
    parts.append(part("limit_breach", "account_id", nothing, "transfer_type", "business_day", exact("excess"), today))
    parts += [
        part(view, "account_id", "rail_name", "transfer_type", "business_day", exact("amount_money"), "1")
        for view in ("stuck_pending", "stuck_unbundled")
    ]
    parts.append(
        part("supersession_audit", "after_account_id", "rail_name", nothing, "after_business_day", correction, moved)
    )
    union = "\nUNION ALL\n".join(parts)
    return f"""WITH latest AS (
  SELECT MAX({s.day("business_day_start")}) AS day FROM {s.name("current_daily_balances")})
{union}"""
