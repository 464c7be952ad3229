"""What every sheet has to show, worked out in Python from all rows of the views: filtered, grouped and added up."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from seedbed.bank.model import Bank
from seedbed.views.declarations import declared_chains

__all__ = ["SHEETS", "Filters", "Ledger", "expected"]

Row = dict[str, Any]
Filters = Mapping[str, Any]
Figures = list[Decimal | int | None]


class Ledger:
    """All rows of the views of one instance, read once."""

    def __init__(self, path: str, bank: Bank) -> None:
        self.connection = duckdb.connect(path, read_only=True)
        self.bank = bank
        self.known: dict[str, list[Row]] = {}

    def __call__(self, view: str) -> list[Row]:
        if view not in self.known:
            result = self.connection.execute(f'SELECT * FROM "{self.bank.instance}_{view}"')
            columns = [column[0] for column in result.description]
            self.known[view] = [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
        return self.known[view]

    def accounts_of(self, role: str) -> set[str]:
        both = [*self("current_transactions"), *self("account_days")]
        return {row["account_id"] for row in both if row["account_role"] == role}

    def transfers_with(self, column: str, value: str) -> set[str]:
        return {row["transfer_id"] for row in self("current_transactions") if row[column] == value}


@dataclass(frozen=True)
class Expected:
    """The rows that a sheet must show, by column, in any order, and its figures."""

    rows: list[Row]
    figures: Figures


def day_of(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


def within(row: Row, filters: Filters, column: str) -> bool:
    value = row[column]
    if value is None:
        return not {"from", "to"} & filters.keys()
    day = day_of(value)
    return filters.get("from", date.min) <= day <= filters.get("to", date.max)


def same(row: Row, filters: Filters, name: str, *columns: str) -> bool:
    return name not in filters or any(row[column] == filters[name] for column in columns)


def total(rows: Iterable[Row], column: str) -> Decimal:
    return sum((row[column] for row in rows), Decimal(0))


def distinct(rows: Iterable[Row], column: str) -> int:
    return len({row[column] for row in rows} - {None})


def extreme(choose: Callable[..., Any], rows: Sequence[Row], value: Callable[[Row], Any]) -> Any:
    return choose(map(value, rows)) if rows else None


def account_days(ledger: Ledger, view: str, filters: Filters) -> list[Row]:
    return [
        row
        for row in ledger(view)
        if within(row, filters, "business_day")
        and same(row, filters, "account", "account_id")
        and same(row, filters, "role", "account_role")
    ]


def todays_exceptions(ledger: Ledger, filters: Filters) -> Expected:
    accounts = ledger.accounts_of(filters["role"]) if "role" in filters else None
    rows = [
        row
        for row in ledger("todays_exceptions")
        if within(row, filters, "business_day")
        and same(row, filters, "rail", "rail_name")
        and same(row, filters, "account", "account_id")
        and (accounts is None or row["account_id"] in accounts)
    ]
    open_today = sum(row["is_latest_day"] for row in rows)
    return Expected(rows, [len(rows), open_today, distinct(rows, "account_id"), distinct(rows, "kind")])


def drift(ledger: Ledger, filters: Filters) -> Expected:
    rows = [row | {"place": "drift"} for row in account_days(ledger, "drift", filters)]
    rows += [
        row | {"place": "ledger_drift", "computed": row["own"] + row["children"]}
        for row in account_days(ledger, "ledger_drift", filters)
    ]
    largest = extreme(max, rows, lambda row: abs(row["drift"]))
    return Expected(rows, [len(rows), distinct(rows, "account_id"), total(rows, "drift"), largest])


def overdraft(ledger: Ledger, filters: Filters) -> Expected:
    rows = account_days(ledger, "overdraft", filters)
    return Expected(rows, [len(rows), distinct(rows, "account_id"), extreme(min, rows, lambda row: row["stored"])])


def limit_breach(ledger: Ledger, filters: Filters) -> Expected:
    rows = account_days(ledger, "limit_breach", filters)
    largest = extreme(max, rows, lambda row: row["excess"])
    return Expected(rows, [len(rows), distinct(rows, "account_id"), total(rows, "excess"), largest])


def aging(view: str) -> Callable[[Ledger, Filters], Expected]:
    def made(ledger: Ledger, filters: Filters) -> Expected:
        rows = [row for row in account_days(ledger, view, filters) if same(row, filters, "rail", "rail_name")]
        return Expected(rows, [len(rows), distinct(rows, "transfer_id"), distinct(rows, "rail_name")])

    return made


def supersession_audit(ledger: Ledger, filters: Filters) -> Expected:
    accounts = ledger.accounts_of(filters["role"]) if "role" in filters else None
    rows = [
        row
        | {
            "account_id": row["after_account_id"],
            "business_day": row["after_business_day"],
            "change": row["after_amount_money"] - row["before_amount_money"],
        }
        for row in ledger("supersession_audit")
    ]
    rows = [
        row
        for row in rows
        if within(row, filters, "business_day")
        and same(row, filters, "rail", "rail_name")
        and same(row, filters, "account", "account_id")
        and (accounts is None or row["account_id"] in accounts)
    ]
    change = sum((abs(row["change"]) for row in rows), Decimal(0))
    return Expected(rows, [len(rows), distinct(rows, "account_id"), change])


def daily_statement(ledger: Ledger, filters: Filters) -> Expected:
    if "account" not in filters:
        filters = {**filters, "account": telling_account(ledger, filters)}
    rows = account_days(ledger, "daily_statement", filters)
    drifting = sum(row["drift"] != 0 for row in rows)
    return Expected(rows, [drifting, len(rows), total(rows, "credits"), total(rows, "debits")])


def telling_account(ledger: Ledger, filters: Filters) -> str | None:
    known = {row["account_id"] for row in ledger("account_days") if same(row, filters, "role", "account_role")}
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in ledger("todays_exceptions"):
        if row["account_id"] in known:
            counts[row["account_id"]][0] -= row["kind"] in ("drift", "ledger_drift")
            counts[row["account_id"]][1] -= 1
    return min(counts, key=lambda account: (*counts[account], account)) if counts else min(known, default=None)


def transactions(ledger: Ledger, filters: Filters) -> Expected:
    rows = [
        row
        for row in ledger("current_transactions")
        if within(row, filters, "posting")
        and same(row, filters, "rail", "rail_name")
        and same(row, filters, "account", "account_id")
        and same(row, filters, "role", "account_role")
    ]
    done = [row for row in rows if row["status"] == "Posted"]
    credits = total((row for row in done if row["amount_money"] > 0), "amount_money")
    debits = -total((row for row in done if row["amount_money"] < 0), "amount_money")
    return Expected(rows, [len(rows), sum(row["status"] == "Pending" for row in rows), credits, debits])


def rails(ledger: Ledger, filters: Filters) -> Expected:
    rows = [row for row in ledger("rail_activity") if same(row, filters, "rail", "rail_name")]
    firings = sum(row["firings"] for row in rows)
    return Expected(rows, [sum(row["is_dead"] for row in rows), len(rows), firings, total(rows, "credits")])


def chains(ledger: Ledger, filters: Filters) -> Expected:
    """Parents and their children, transfer by transfer, over all current legs."""
    posted: dict[str, dict[str, datetime]] = defaultdict(dict)
    followed: set[tuple[str, str]] = set()
    for row in ledger("current_transactions"):
        for name in {row["rail_name"], row["template_name"]} - {None}:
            if row["status"] == "Posted":
                first = posted[name].get(row["transfer_id"], row["posting"])
                posted[name][row["transfer_id"]] = min(first, row["posting"])
            if row["status"] != "Failed" and row["transfer_parent_id"] is not None:
                followed.add((row["transfer_parent_id"], name))
    decisions: dict[int, Row] = {}
    for number, label, parent, child, grouped, required in declared_chains(ledger.bank):
        row = decisions.setdefault(
            number, {"label": label, "parent_name": parent, "children": [], "required": required, "grouped": grouped}
        )
        row["children"].append(child)
    rows = []
    for row in decisions.values():
        parents = [
            transfer
            for transfer, posting in posted[row["parent_name"]].items()
            if within({"posting": posting}, filters, "posting")
        ]
        if not same(row, filters, "rail", "parent_name") or (not parents and {"from", "to"} & filters.keys()):
            continue
        done = sum(any((parent, child) in followed for child in row["children"]) for parent in parents)
        alone = len(parents) - done
        rows.append(
            {
                "parent_name": row["parent_name"],
                "child_names": " | ".join(row["children"]),
                "parents": len(parents),
                "completed": done,
                "alone": alone,
                "missing": alone if row["required"] else 0,
            }
        )
    sums = [sum(row[name] for row in rows) for name in ("missing", "parents", "completed")]
    return Expected(rows, [sums[0], len(rows), sums[1], sums[2]])


def transfer_templates(ledger: Ledger, filters: Filters) -> Expected:
    off = {(row["transfer_id"], row["name"]) for row in ledger("transfer_net")}
    rows = []
    for template in ledger.bank.transfer_templates:
        legs = [
            row
            for row in ledger("current_transactions")
            if row["template_name"] == template.name
            and within(row, filters, "posting")
            and same(row, filters, "rail", "rail_name")
            and same(row, filters, "account", "account_id")
            and same(row, filters, "role", "account_role")
        ]
        if not legs and filters:
            continue
        done = [leg for leg in legs if leg["status"] == "Posted"]
        transfers = {leg["transfer_id"] for leg in legs}
        rows.append(
            {
                "template_name": template.name,
                "transfers": len(transfers),
                "legs": len(legs),
                "pending": sum(leg["status"] == "Pending" for leg in legs),
                "off_net": sum((transfer, template.name) in off for transfer in transfers),
                "debits": -total((leg for leg in done if leg["amount_money"] < 0), "amount_money"),
                "credits": total((leg for leg in done if leg["amount_money"] > 0), "amount_money"),
                "net": total(done, "amount_money"),
            }
        )
    return Expected(
        rows,
        [
            sum(row["off_net"] for row in rows),
            len(rows),
            sum(row["transfers"] for row in rows),
            total(rows, "credits"),
        ],
    )


LEG_VIEWS = ("stuck_pending", "stuck_unbundled", "late_posting", "unmatched_postings", "posted_requirement_gaps")


OF_ACCOUNT = {"account": "account_id", "role": "account_role"}


def l2_exceptions(ledger: Ledger, filters: Filters) -> Expected:
    rows: list[Row] = [row | {"place": view} for view in LEG_VIEWS for row in ledger(view)]
    nothing = {"account_id": None, "amount_money": None}
    rows += [
        row
        | nothing
        | {
            "place": "transfer_net",
            "rail_name": row["name"],
            "business_day": day_of(row["last_posting"]),
            "amount_money": row["difference"],
        }
        for row in ledger("transfer_net")
    ]
    rows += [
        row
        | nothing
        | {
            "place": "leg_xor_exceptions",
            "rail_name": row["template_name"],
            "business_day": day_of(row["last_posting"]),
        }
        for row in ledger("leg_xor_exceptions")
    ]
    rows += [
        row
        | nothing
        | {
            "place": view,
            "rail_name": row["label"].removeprefix(">").split(">")[0].split("^")[0],
            "business_day": day_of(row["posting"]),
        }
        for view in ("chain_exceptions", "fan_in_exceptions")
        for row in ledger(view)
    ]
    asked = [
        (column, filters[name], ledger.transfers_with(column, filters[name]))
        for name, column in OF_ACCOUNT.items()
        if name in filters
    ]
    rows = [
        row
        for row in rows
        if within(row, filters, "business_day")
        and same(row, filters, "rail", "rail_name")
        and all(
            row["transfer_id"] in transfers if row["account_id"] is None else row[column] == value
            for column, value, transfers in asked
        )
    ]
    return Expected(
        rows, [len(rows), distinct(rows, "rail_name"), distinct(rows, "transfer_id"), distinct(rows, "place")]
    )


def recipient_fanout(ledger: Ledger, filters: Filters) -> Expected:
    unusual: dict[tuple[str, date], int] = defaultdict(int)
    for row in ledger("volume_anomalies"):
        unusual[row["recipient_id"], row["day"]] += row["band"] == "high"
    rows = [
        row | {"unusual_senders": unusual[row["recipient_id"], row["day"]]}
        for row in ledger("recipient_fanout")
        if within(row, filters, "day")
        and same(row, filters, "account", "recipient_id")
        and same(row, filters, "role", "recipient_role")
    ]
    most = extreme(max, rows, lambda row: row["senders"]) or 0
    return Expected(rows, [sum(row["unusual_senders"] >= 3 for row in rows), len(rows), most, total(rows, "amount")])


def pair_rows(ledger: Ledger, view: str, filters: Filters) -> list[Row]:
    return [
        row
        for row in ledger(view)
        if within(row, filters, "day")
        and same(row, filters, "account", "sender_id", "recipient_id")
        and same(row, filters, "role", "sender_role", "recipient_role")
    ]


def volume_anomalies(ledger: Ledger, filters: Filters) -> Expected:
    rows = pair_rows(ledger, "volume_anomalies", filters)
    bands = [sum(row["band"] == band for row in rows) for band in ("high", "notable")]
    highest = extreme(max, rows, lambda row: row["z_score"])
    return Expected(rows, [*bands, len(rows), None if highest is None else round(highest, 2)])


def money_trail(ledger: Ledger, filters: Filters) -> Expected:
    trails: dict[str, list[Row]] = defaultdict(list)
    for row in ledger("money_trail"):
        trails[row["root_transfer_id"]].append(row)

    def passes(trail: list[Row]) -> bool:
        postings = [row["posting"].date() for row in trail if row["posting"] is not None]
        return (
            ("from" not in filters or any(day >= filters["from"] for day in postings))
            and ("to" not in filters or any(day <= filters["to"] for day in postings))
            and ("rail" not in filters or any(row["rail_name"] == filters["rail"] for row in trail))
            and (
                "account" not in filters
                or any(filters["account"] in (row["sender_id"], row["recipient_id"]) for row in trail)
            )
        )

    rows = [
        {
            "root_transfer_id": root,
            "hops": max(row["hop"] for row in trail),
            "transfers": distinct(trail, "transfer_id"),
            "edges": sum(row["sender_id"] is not None for row in trail),
            "started": sum((row["amount"] or 0 for row in trail if row["hop"] == 0), Decimal(0)),
            "moved": sum((row["amount"] or 0 for row in trail), Decimal(0)),
        }
        for root, trail in trails.items()
        if passes(trail)
    ]
    most = extreme(max, rows, lambda row: row["hops"]) or 0
    return Expected(rows, [len(rows), most, sum(row["transfers"] for row in rows), total(rows, "moved")])


def account_network(ledger: Ledger, filters: Filters) -> Expected:
    pairs: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in pair_rows(ledger, "pair_days", filters):
        pairs[row["sender_id"], row["recipient_id"]].append(row)
    rows = [
        {
            "sender_id": sender,
            "recipient_id": recipient,
            "edges": sum(row["edges"] for row in days),
            "amount": total(days, "amount"),
            "last_day": max(row["day"] for row in days),
        }
        for (sender, recipient), days in pairs.items()
    ]
    if not filters:
        view = {(row["sender_id"], row["recipient_id"]): row for row in ledger("account_network")}
        assert all(row.items() <= view[row["sender_id"], row["recipient_id"]].items() for row in rows)
    return Expected(
        rows, [len(rows), distinct(rows, "sender_id"), distinct(rows, "recipient_id"), total(rows, "amount")]
    )


# Sheet → its filters, and what it must show.
DATES, ALL = ("from", "to"), ("from", "to", "rail", "account", "role")
SHEETS: dict[str, tuple[tuple[str, ...], Callable[[Ledger, Filters], Expected]]] = {
    "/l1/todays-exceptions": (ALL, todays_exceptions),
    "/l1/drift": ((*DATES, "account", "role"), drift),
    "/l1/overdraft": ((*DATES, "account", "role"), overdraft),
    "/l1/limit-breach": ((*DATES, "account", "role"), limit_breach),
    "/l1/pending-aging": (ALL, aging("stuck_pending")),
    "/l1/unbundled-aging": (ALL, aging("stuck_unbundled")),
    "/l1/supersession-audit": (ALL, supersession_audit),
    "/l1/daily-statement": ((*DATES, "account", "role"), daily_statement),
    "/l1/transactions": (ALL, transactions),
    "/l2/l2-exceptions": (ALL, l2_exceptions),
    "/l2/rails": (("rail",), rails),
    "/l2/chains": ((*DATES, "rail"), chains),
    "/l2/transfer-templates": (ALL, transfer_templates),
    "/investigation/recipient-fanout": ((*DATES, "account", "role"), recipient_fanout),
    "/investigation/volume-anomalies": ((*DATES, "account", "role"), volume_anomalies),
    "/investigation/money-trail": ((*DATES, "rail", "account"), money_trail),
    "/investigation/account-network": ((*DATES, "account", "role"), account_network),
}


def expected(ledger: Ledger, path: str, filters: Filters) -> Expected:
    """What the sheet at a path must show with these filters; those that it does not know change nothing."""
    known, reference = SHEETS[path]
    return reference(ledger, {name: value for name, value in filters.items() if name in known})
