"""Columns and filters that the sheets of balances and legs have in common."""

from seedbed.dashboard.sheets import SheetColumn

__all__ = ["ACCOUNT", "BY_ACCOUNT", "BY_DAY", "BY_RAIL", "DAY", "NAME", "ROLE"]

ACCOUNT = SheetColumn("account_id", "Account", leads="account")
NAME = SheetColumn("account_name", "Account name")
ROLE = SheetColumn("account_role", "Role")
DAY = SheetColumn("business_day", "Business day", "day", leads="account_day")
BY_DAY = {"from": "business_day >= {value}", "to": "business_day <= {value}"}
BY_ACCOUNT = {"account": "account_id = {value}", "role": "account_role = {value}"}
BY_RAIL = {"rail": "rail_name = {value}"}
