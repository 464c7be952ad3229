"""A feed of a few rows, written by hand, with what does not matter filled in."""

import json
from dataclasses import dataclass, field
from typing import Any

from seedbed.bank.load import canonical_json
from seedbed.bank.model import Bank

from .bank import DESK, views_bank

# Account → role, scope, role of the parent.
ACCOUNTS: dict[str, tuple[str, str, str | None]] = {
    "gl": ("Ledger", "internal", None),
    "fees": ("Fees", "internal", None),
    "income": ("Income", "internal", None),
    "desk": (DESK, "internal", None),
    "fed": ("Fed", "external", None),
    "c1": ("Customer", "internal", "Ledger"),
    "c2": ("Customer", "internal", "Ledger"),
    "c3": ("Customer", "internal", "Ledger"),
    "shop": ("Shop", "internal", None),
}
METADATA = json.dumps({"ref": "r", "a\"b.c/d~e'$\\": "odd", "shop": "s", "journal": "j"})
OFFSET_HOURS = {"Shop": 3, "Income": 20}


@dataclass
class Feed:
    """Rows of both tables in append order; entries count up by themselves."""

    bank: Bank = field(default_factory=views_bank)
    as_of: str | None = "2030-01-10 00:00:00"
    transactions: list[dict[str, Any]] = field(default_factory=list)
    daily_balances: list[dict[str, Any]] = field(default_factory=list)

    def _account(self, account: str) -> dict[str, Any]:
        role, scope, parent = ACCOUNTS[account]
        return {
            "entry": 10_000_000_000 + len(self.transactions) + len(self.daily_balances),
            "account_id": account,
            "account_name": f"{account}'s",
            "account_role": role,
            "account_scope": scope,
            "account_parent_role": parent,
        }

    def leg(self, leg: str, account: str, amount: str, at: str, **more: Any) -> None:
        """One leg, Posted, of the rail `In` and a transfer named like the leg's first letters, unless said otherwise.

        `at` is a day of January 2030 with a time: `5 12:00:00`.
        """
        day, _, time = at.partition(" ")
        rail = more.get("rail_name", "In")
        transfer_type = {r.name: r.transfer_type for r in self.bank.rails}.get(rail, "unknown")
        row = self._account(account) | {
            "id": leg,
            "amount_money": amount,
            "amount_direction": "Debit" if amount.startswith("-") else "Credit",
            "status": "Posted",
            "posting": f"2030-01-{int(day):02d} {time or '12:00:00'}",
            "transfer_id": leg.rstrip("0123456789"),
            "transfer_type": transfer_type,
            "transfer_completion": None,
            "transfer_parent_id": None,
            "rail_name": rail,
            "template_name": None,
            "bundle_id": None,
            "supersedes": None,
            "origin": "InternalInitiated",
            "metadata": METADATA,
        }
        self.transactions.append(row | more)

    def move(self, transfer: str, source: str, destination: str, amount: str, at: str, **more: Any) -> None:
        """A transfer of two legs, `<transfer>1` out of the source and `<transfer>2` into the destination."""
        self.leg(f"{transfer}1", source, f"-{amount}", at, transfer_id=transfer, **more)
        self.leg(f"{transfer}2", destination, amount, at, transfer_id=transfer, **more)

    def opening(self, account: str, amount: str, at: str = "1 00:00:00") -> None:
        """An opening leg."""
        opening = {"rail_name": "OpeningBalance", "transfer_type": "opening_balance", "metadata": None}
        self.leg(f"open-{account}", account, amount, at, **opening)

    def balance(self, account: str, day: int, money: str, **more: Any) -> None:
        """The balance of an account at the end of a business day of January 2030, by its role's offset."""
        hours = OFFSET_HOURS.get(ACCOUNTS[account][0], 0)
        row = self._account(account) | {
            "expected_eod_balance": None,
            "business_day_start": f"2030-01-{day:02d} {hours:02d}:00:00",
            "business_day_end": f"2030-01-{day + 1:02d} {hours:02d}:00:00",
            "money": money,
            "limits": None,
            "supersedes": None,
        }
        self.daily_balances.append(row | more)

    def dataset(self) -> list[dict[str, Any]]:
        """The dataset table's rows: none without an as-of."""
        if self.as_of is None:
            return []
        return [
            {
                "instance": self.bank.instance,
                "bank": canonical_json(self.bank),
                "anchor": "2030-01-09",
                "as_of": self.as_of,
                "window_days": 9,
                "seed": 0,
                "version": "feed",
                "accounts": "{}",
                "transaction_rows": len(self.transactions),
                "balance_rows": len(self.daily_balances),
                "digest": "",
                "load_id": "",
            }
        ]
