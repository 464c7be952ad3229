"""Columns and filters that the sheets of balances and legs have in common."""

from seedbed.dashboard.sheets import SheetColumn

__all__ = ["ACCOUNT", "BY_ACCOUNT", "BY_DAY", "BY_RAIL", "DAY", "NAME", "ROLE"]

ACCOUNT = SheetColumn(name="account_id", title="Account", leads="account")
NAME = SheetColumn(name="account_name", title="Account name")
ROLE = SheetColumn(name="account_role", title="Role")
DAY = SheetColumn(name="business_day", title="Business day", kind="day", leads="account_day")
BY_DAY = {"from": "business_day >= {value}", "to": "business_day <= {value}"}
BY_ACCOUNT = {"account": "account_id = {value}", "role": "account_role = {value}"}
BY_RAIL = {"rail": "rail_name = {value}"}
