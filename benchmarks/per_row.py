"""The yardstick: the same bank file to the same PostgreSQL script, the way one would write it first.

    python benchmarks/per_row.py BANK -o FILE [--anchor YYYY-MM-DD] [--accounts ROLE=N]

`random`, one dict per row, f-strings. Volumes, amounts, hours, templates, chains, sweeps, caps, openings, balances
and columns are those of Seedbed; its draws are not, and corners that change no figure are left out. It is not made
slow on purpose: nothing is computed twice, and the rows go through one buffered file.
"""

import argparse
import json
import random
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from math import exp
from pathlib import Path
from typing import Any

from per_row_bank import ACCOUNT, DAY, BankFacts, Row, business_days
from per_row_script import write_script

from seedbed import load_instance
from seedbed.bank.model import OneLegRail, Rail, TwoLegRail

TRANSACTION = [
    *("entry", "id", *ACCOUNT, "amount_money", "amount_direction", "status", "posting", "transfer_id"),
    *("transfer_type", "transfer_completion", "transfer_parent_id", "rail_name", "template_name", "bundle_id"),
    *("supersedes", "origin", "metadata"),
]
BALANCE = [
    *("entry", *ACCOUNT, "expected_eod_balance", "business_day_start", "business_day_end", "money", "limits"),
    "supersedes",
]
REQUIRED, OPTIONAL, RETURNED = 0.95, 0.5, 0.05
LONG_AGO = datetime.combine(date.min, time.min)


def poisson(rng: random.Random, rate: float) -> int:
    """A Poisson count by Knuth's product of uniforms."""
    limit, count, product = exp(-rate), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def money(cents: int) -> str:
    """Cents as dollars."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


@dataclass
class Transfer:
    """One transfer while it is made: its rows, and what its chain children need to know."""

    id: str
    name: str
    day: date
    unit: Row | None
    parent_id: str | None = None
    credits: int = 0
    last: datetime = LONG_AGO
    accounts: list[Row] = field(default_factory=list)


class Generator:
    """The rows made so far, and what the next ones depend on."""

    def __init__(self, facts: BankFacts, days: list[date]) -> None:
        self.facts, self.days = facts, days
        self.rngs = {name: random.Random(42 ^ zlib.crc32(name.encode())) for name in facts.rails}
        self.rows: list[tuple[datetime, Row]] = []
        self.spent: defaultdict[tuple[str, str, date], int] = defaultdict(int)
        self.nets: defaultdict[tuple[str, date], int] = defaultdict(int)
        self.waiting: defaultdict[str, list[tuple[datetime, int, list[Row]]]] = defaultdict(list)

    # -- Firing ---------------------------------------------------------------------------------------------------

    def generate(self) -> None:
        """Every business day in causal order."""
        facts = self.facts
        alone = [
            rail.name for rail in facts.bank.rails if rail.name not in facts.template_of and not rail.aggregating
        ]
        primary = [name for name in (*alone, *facts.templates) if name not in facts.chained]
        sweeps = [rail for rail in facts.bank.rails if rail.aggregating]
        for day in self.days:
            for name in primary:
                self.fire_units(name, day)
            for rail in sweeps:
                self.sweep(rail, day)

    def fire_units(self, name: str, day: date) -> None:
        """A rail's or template's own volume on one day."""
        legs = self.facts.legs_of(name)
        collects = name in self.facts.templates and any(isinstance(rail, TwoLegRail) for rail in legs)
        rate, rng = self.facts.rates[legs[0].name], self.rngs[legs[0].name]
        for unit in self.facts.units[legs[0].name]:
            count = poisson(rng, rate)
            for _ in range(min(count, 1) if collects else count):
                transfer = Transfer(f"{rng.getrandbits(80):020x}", name, day, unit)
                for _ in range(count if collects else 1):
                    self.fire(legs, transfer)
                self.follow(transfer)

    def fire(self, legs: list[Rail], transfer: Transfer, amount: int | None = None) -> None:
        """One firing of each leg rail; one-leg rails share a time, and a Variable one closes the transfer."""
        together, net = None, 0
        for rail in sorted(legs, key=lambda leg: isinstance(leg, OneLegRail) and leg.leg_direction == "Variable"):
            kind, rng = self.facts.kinds[rail.name], self.rngs[rail.name]
            if amount is not None:
                posting = transfer.last + timedelta(seconds=rng.randint(60, 899))
            else:
                second = rng.randrange(kind.band_start, kind.band_end)
                posting = datetime.combine(transfer.day, time.min) + timedelta(seconds=second)
            if isinstance(rail, TwoLegRail):
                self.move(rail, transfer, posting, amount)
                continue
            together = together or posting
            closing = rail.leg_direction == "Variable"
            cents = -net if closing else self.amount(rail, None, transfer.day, amount)
            signed = -cents if rail.leg_direction == "Debit" else cents
            account = self.pick(rail, rail.leg_roles, transfer, None)
            self.post(rail, transfer, together + timedelta(seconds=closing), [(account, signed, rail.origin)])
            net += signed

    def move(self, rail: TwoLegRail, transfer: Transfer, posting: datetime, amount: int | None = None) -> None:
        """A two-leg firing; nothing where the cap is used up."""
        source = self.pick(rail, rail.source_roles, transfer, None)
        destination = self.pick(rail, rail.destination_roles, transfer, source)
        cents = self.amount(rail, source, transfer.day, amount)
        if cents:
            source_leg = (source, -cents, rail.source_origin or rail.origin)
            self.post(
                rail, transfer, posting, [source_leg, (destination, cents, rail.destination_origin or rail.origin)]
            )

    def pick(self, rail: Rail, roles: tuple[str, ...], transfer: Transfer, other: Row | None) -> Row:
        """The unit's or the parent's account where its role fits, else any account of the roles."""
        for known in (transfer.unit, *transfer.accounts):
            if known and known is not other and known["columns"]["account_role"] in roles:
                return known
        pool = self.facts.pools[self.rngs[rail.name].choice(roles)]
        return self.rngs[rail.name].choice(pool)

    def amount(self, rail: Rail, source: Row | None, day: date, wanted: int | None) -> int:
        """Lognormal cents, drawn again while above what is left of the day's cap."""
        rng, (mu, sigma) = self.rngs[rail.name], self.facts.amounts[rail.name]
        cents = wanted or max(1, round(rng.lognormvariate(mu, sigma) * 100))
        columns = source["columns"] if source else {}
        cap = self.facts.caps.get((columns.get("account_parent_role", ""), rail.transfer_type))
        if cap is None:
            return cents
        key = (columns["account_id"], rail.transfer_type, day)
        left = cap - self.spent[key]
        for _ in range(20):
            if cents <= left or wanted:
                break
            cents = max(1, round(rng.lognormvariate(mu, sigma) * 100))
        cents = max(0, min(cents, left))
        self.spent[key] += cents
        return cents

    def post(self, rail: Rail, transfer: Transfer, posting: datetime, legs: list[tuple[Row, int, Any]]) -> None:
        """The rows of one firing."""
        template = self.facts.templates.get(transfer.name)
        metadata = json.dumps({key: self.value(rail, key, transfer) for key in rail.metadata_keys})
        rows = []
        for account, cents, origin in legs:
            row = {
                **account["columns"],
                "id": f"{transfer.id}-{len(transfer.accounts):04d}",
                "amount_money": money(cents),
                "amount_direction": "Debit" if cents < 0 else "Credit",
                "status": "Posted",
                "posting": posting,
                "transfer_id": transfer.id,
                "transfer_type": rail.transfer_type,
                "transfer_completion": datetime.combine(transfer.day + DAY, time.min) if template else None,
                "transfer_parent_id": transfer.parent_id,
                "rail_name": rail.name,
                "template_name": template.name if template else None,
                "bundle_id": None,
                "supersedes": None,
                "origin": origin,
                "metadata": metadata,
            }
            rows.append(row)
            self.rows.append((posting, row))
            self.nets[account["columns"]["account_id"], transfer.day] += cents
            transfer.accounts.append(account)
            transfer.credits += max(cents, 0)
        transfer.last = max(transfer.last, posting)
        bundler = self.facts.bundlers[rail.name]
        if bundler:
            self.waiting[bundler].append((posting, legs[-1][1], rows))

    def value(self, rail: Rail, key: str, transfer: Transfer) -> str:
        """A metadata value: an example, a date, the unit's account, or a reference."""
        examples = rail.metadata_value_examples.get(key)
        if examples:
            return self.rngs[rail.name].choice(examples)
        if "date" in key:
            return f"{transfer.day}"
        if transfer.unit and ("customer" in key or "merchant" in key):
            return str(transfer.unit["columns"]["account_id"])
        return f"{self.rngs[rail.name].getrandbits(48):012x}"

    # -- Chains and sweeps ------------------------------------------------------------------------------------------

    def follow(self, parent: Transfer) -> None:
        """The chain children of a transfer, and theirs."""
        for group in self.facts.children[parent.name]:
            rng = self.rngs[self.facts.legs_of(group[0].child)[0].name]
            name = rng.choice(group).child
            legs = self.facts.legs_of(name)
            rate = REQUIRED if any(chain.required for chain in group) else OPTIONAL
            if self.facts.kinds[legs[0].name].name == "ach_return":
                rate = RETURNED
            if parent.credits and rng.random() < rate:
                child = Transfer(f"{rng.getrandbits(80):020x}", name, parent.day, parent.unit, parent.id)
                child.last, child.accounts = parent.last, list(parent.accounts)
                self.fire(legs, child, parent.credits)
                self.follow(child)

    def ticks(self, rail: Rail, day: date) -> list[datetime]:
        """When a sweep comes on one day."""
        assert rail.cadence is not None
        family, number = rail.cadence.family, rail.cadence.number
        midnight, rng, kind = datetime.combine(day, time.min), self.rngs[rail.name], self.facts.kinds[rail.name]
        later = [other for other in self.days if other > day]
        if family == "intraday":
            return [midnight + timedelta(hours=hour) for hour in range(9 + number, 18, number)]
        if family == "weekly" and day.weekday() != number:
            return []
        if family.startswith("monthly") and later and later[0].month == day.month:
            return []
        return [midnight + timedelta(seconds=rng.randrange(kind.band_start, kind.band_end))]

    def sweep(self, rail: Rail, day: date) -> None:
        """The sweeps of one day, and a second row for every leg that they take."""
        ticks = self.ticks(rail, day)
        for tick in ticks:
            last = tick == ticks[-1]
            taken = [item for item in self.waiting[rail.name] if last or item[0] < tick]
            self.waiting[rail.name] = [item for item in self.waiting[rail.name] if not (last or item[0] < tick)]
            if not taken:
                continue
            posting = max(tick, max(item[0] for item in taken) + timedelta(seconds=1))
            transfer = Transfer(f"{self.rngs[rail.name].getrandbits(80):020x}", rail.name, day, None)
            total = abs(sum(cents for _, cents, _ in taken))
            if isinstance(rail, TwoLegRail):
                self.move(rail, transfer, posting, total)
            else:
                signed = total if rail.leg_direction == "Credit" else -total
                self.post(
                    rail, transfer, posting, [(self.pick(rail, rail.leg_roles, transfer, None), signed, rail.origin)]
                )
            for _, _, rows in taken:
                for row in rows:
                    self.rows.append((posting, {**row, "bundle_id": transfer.id, "supersedes": "BundleAssignment"}))
            self.follow(transfer)

    # -- Openings and balances --------------------------------------------------------------------------------------

    def balances(self) -> list[Row]:
        """The opening entries are added to the rows; returned are the balances of every internal account and day."""
        internal = [a for a in self.facts.accounts if a["columns"]["account_scope"] == "internal"]
        totals: defaultdict[tuple[str | None, date], int] = defaultdict(int)
        result = []
        for account in sorted(internal, key=lambda a: a["is_parent"]):
            columns = account["columns"]
            opening = 0 if account["is_parent"] else self.opening(account)
            limits = {
                kind: money(cap) for (role, kind), cap in self.facts.caps.items() if role == columns["account_role"]
            }
            balance = opening
            for day in self.days:
                balance += self.nets[columns["account_id"], day]
                stored = balance + (totals[columns["account_role"], day] if account["is_parent"] else 0)
                totals[columns["account_parent_role"], day] += stored
                start = datetime.combine(day, time.min)
                result.append(
                    {
                        **columns,
                        "expected_eod_balance": None if account["expected"] is None else money(account["expected"]),
                        "business_day_start": start,
                        "business_day_end": start + DAY,
                        "money": money(stored),
                        "limits": json.dumps(limits) if limits else None,
                        "supersedes": None,
                    }
                )
        return sorted(result, key=lambda row: row["business_day_end"])

    def opening(self, account: Row) -> int:
        """Posts an opening that no day draws below zero, and returns its cents."""
        columns, kind = account["columns"], account["kind"]
        rng = random.Random(42 ^ zlib.crc32(columns["account_id"].encode()))
        running = deepest = 0
        for day in self.days:
            running += self.nets[columns["account_id"], day]
            deepest = min(deepest, running)
        cents = round(rng.lognormvariate(float(kind.mu), float(kind.sigma)) * 100) if kind.mu is not None else 0
        cents = max(cents, -deepest * 9 // 8 + 100_00 if deepest else 0)
        if account["expected"] is not None and account["expected"] + deepest >= 0:
            cents = account["expected"]
        first, transfer = datetime.combine(self.days[0], time.min), f"{rng.getrandbits(80):020x}"
        row = dict.fromkeys(TRANSACTION) | columns
        row |= {"id": f"{transfer}-0000", "amount_money": money(cents), "amount_direction": "Credit"}
        row |= {"status": "Posted", "posting": first, "transfer_id": transfer, "transfer_type": "opening_balance"}
        self.rows.append((first, row | {"rail_name": "OpeningBalance", "origin": "InternalInitiated"}))
        return cents


def main() -> None:
    """Reads the bank, generates it and writes the script."""
    parser = argparse.ArgumentParser(description="Per-row generator that Seedbed is measured against.")
    parser.add_argument("bank")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--anchor", type=date.fromisoformat, default=date(2030, 1, 1))
    parser.add_argument("--accounts", action="append", default=[], metavar="ROLE=N")
    arguments = parser.parse_args()
    bank = load_instance(arguments.bank)
    counts = {role: int(count) for role, count in (text.split("=") for text in arguments.accounts)}
    generator = Generator(BankFacts(bank, counts), business_days(arguments.anchor, 90))
    generator.generate()
    balances = generator.balances()
    transactions = [row for _, row in sorted(generator.rows, key=lambda pair: pair[0])]
    tables = {"transactions": (TRANSACTION, transactions), "daily_balances": (BALANCE, balances)}
    with Path(arguments.output).open("w", encoding="utf-8") as out:
        write_script(out, bank.instance, tables)
    print(f"{len(transactions)} transactions, {len(balances)} daily balances")


if __name__ == "__main__":
    main()
