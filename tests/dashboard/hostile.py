"""A ledger whose names are markup, quotes and format characters, loaded as a user's bank is."""

from datetime import date
from pathlib import Path
from typing import Any

import seedbed
from seedbed.bank.model import Bank
from tests.bank.tiny import bank_of, rail, tiny

__all__ = ["HOSTILE", "hostile_bank", "hostile_database"]

# Each would do something where somebody forgets to escape it.
HOSTILE = (
    "</script><script>window.seized=1</script>",
    '"><img src=x onerror=window.seized=1>',
    "{{7*7}}{% raw %}",
    "'; drop table x; --",
    "%s ? :role {value}",
    "=cmd|'/C calc'!A0",
    "<!-- & &amp; \\u003c",
)


def hostile_bank() -> Bank:
    """The tiny bank with these names for its accounts, roles, rails and types."""
    script, image, braces, quote, marks, formula, comment = HOSTILE
    accounts: list[dict[str, Any]] = [
        {"id": "gl", "name": script, "role": comment, "scope": "internal"},
        {"id": "fees", "name": image, "role": "Fees", "scope": "internal"},
        {"id": image, "name": formula, "role": script, "scope": "external"},
    ]
    return bank_of(
        tiny(
            instance="hostile",
            description=script,
            accounts=accounts,
            account_templates=[{"role": quote, "scope": "internal", "parent_role": comment}],
            rails=[
                rail(image, script, quote, transfer_type=f"ach_inbound {braces}", max_pending_age="P1D"),
                rail(marks, quote, script, transfer_type=f"ach_outbound {formula}"),
                rail(braces, quote, "Fees", transfer_type=comment),
            ],
        )
    )


def hostile_database(folder: Path) -> str:
    """The URL of a DuckDB file that holds its ledger, with plants."""
    bank = hostile_bank()
    report = seedbed.default_scenario_for(bank, anchor=date(2030, 1, 1), mode="l1_plus_broad")
    url = f"duckdb:///{folder / 'hostile.duckdb'}"
    seedbed.load(seedbed.generate(bank, seedbed.densify_scenario(report.scenario, factor=2)), url)
    return url
