"""The parts of the views' text: the names and declarations of one bank, and the macros of one engine."""

from collections.abc import Iterable
from dataclasses import dataclass

from seedbed import money
from seedbed.bank.model import Bank
from seedbed.views.macros import Macros

__all__ = ["BASE_TABLES", "OPENING_RAIL", "OPENING_TYPE", "Sql", "Value"]

Value = str | int

# The tables that views read. `dataset` has the facts.
BASE_TABLES = ("transactions", "daily_balances", "answer_key", "dataset")
# Legs of opening balances have a rail name and a transfer type that no bank declares.
OPENING_RAIL = "OpeningBalance"
OPENING_TYPE = "opening_balance"


@dataclass(frozen=True)
class Sql:
    """The names and macros of one bank and engine, for the text of views. Operands are SQL expressions."""

    bank: Bank
    macros: Macros
    base_instance: str | None = None
    base_tables: tuple[str, ...] = BASE_TABLES

    def name(self, plain: str) -> str:
        """The quoted name of one of the instance's tables or views. Base tables may have another prefix."""
        is_base = self.base_instance is not None and plain in self.base_tables
        return self.macros.quoted(f"{self.base_instance if is_base else self.bank.instance}_{plain}")

    def literal(self, text: str) -> str:
        """A text literal."""
        return self.macros.literal(text)

    def names(self, texts: Iterable[str]) -> str:
        """A list for IN. An empty list contains nothing."""
        return ", ".join(self.literal(text) for text in dict.fromkeys(texts)) or "NULL"

    def relation(self, name: str, columns: str, rows: Iterable[tuple[Value, ...]]) -> str:
        """A common table expression with these rows, which are declarations of the bank.

        `columns` names each column with its kind: `text`, `whole` or `cents` (given in cents, held in exact units).
        """
        kinds = [column.split() for column in columns.split(", ")]
        lines = [
            self.macros.row.format(
                values=", ".join(self._value(kind, value) for (_, kind), value in zip(kinds, row, strict=True))
            )
            for row in dict.fromkeys(rows)
        ]
        heading = f"{name}({', '.join(column for column, _ in kinds)})"
        if not lines:
            # Values of the right kinds, so that the columns have the same types as ever.
            nothing = ", ".join(self._value(kind, "" if kind == "text" else 0) for _, kind in kinds)
            return f"{heading} AS (SELECT {nothing} WHERE 1 = 0)"
        return f"{heading} AS (VALUES {', '.join(lines)})"

    def _value(self, kind: str, value: Value) -> str:
        if kind == "text":
            return self.literal(str(value))
        return self.units(int(value)) if kind == "cents" else str(int(value))

    def units(self, cents: int) -> str:
        """An amount of cents as a literal in exact units."""
        if self.macros.decimals == 0:
            return str(cents)
        return money.format(cents)

    def exact(self, money: str) -> str:
        """A stored amount as a number whose sums are exact."""
        return self.macros.exact.format(money=money)

    def money(self, exact: str) -> str:
        """Exact units as an amount."""
        return self.macros.money.format(exact=exact)

    def whole_cents(self, exact: str) -> str:
        """Exact units as whole cents; null stays null."""
        return self.whole(f"({exact}) * {money.CENTS_PER_DOLLAR}") if self.macros.decimals else f"({exact})"

    def cents(self, exact: str) -> str:
        """Exact units as cents in floating point: whole numbers, so that equal amounts have no spread."""
        return self.macros.cents.format(exact=exact)

    def whole(self, number: str) -> str:
        """A number as an integer."""
        return self.macros.whole.format(number=number)

    def ratio(self, number: str) -> str:
        """A floating-point number, rounded to four places, so that all engines agree."""
        return self.macros.ratio.format(number=number)

    def day(self, at: str) -> str:
        """The calendar day of a moment."""
        return self.macros.day.format(at=at)

    def day_text(self, at: str) -> str:
        """The calendar day of a moment, or a day, as text, YYYY-MM-DD."""
        return self.macros.day_text.format(at=at)

    def time(self, at: str) -> str:
        """The time of day of a moment."""
        return self.macros.time.format(at=at)

    def midnight(self, at: str) -> str:
        """The moment at which the calendar day of a moment begins."""
        return self.macros.midnight.format(at=at)

    def next_day(self, day: str) -> str:
        """The day after a day."""
        return self.macros.next_day.format(day=day)

    def earlier(self, at: str, seconds: str) -> str:
        """A moment so many seconds earlier."""
        return self.macros.earlier_seconds.format(at=at, seconds=seconds)

    def seconds_between(self, early: str, late: str) -> str:
        """Whole seconds from one moment to another."""
        return self.macros.seconds_between.format(early=early, late=late)

    def joined(self, *texts: str) -> str:
        """Texts, end to end."""
        return " || ".join(texts)

    def business_day(self, posting: str, role: str) -> str:
        """The business day of a posting on an account of a role: the date of posting minus the role's offset.

        A day is named by the date on which it starts, so an offset of -4 hours is one of 20.
        """
        roles: dict[int, list[str]] = {}
        for shifted, hours in self.bank.role_business_day_offsets.items():
            if hours % 24:
                roles.setdefault(hours % 24, []).append(shifted)
        if not roles:
            return self.day(posting)
        cases = " ".join(
            f"WHEN {role} IN ({self.names(of)})"
            f" THEN {self.day(self.macros.earlier_hours.format(at=posting, hours=hours))}"
            for hours, of in roles.items()
        )
        return f"CASE {cases} ELSE {self.day(posting)} END"

    def as_of(self) -> str:
        """The dataset's as-of moment; null, so that nothing is older than it, where there is no dataset row."""
        return f"(SELECT MAX(as_of) FROM {self.name('dataset')})"

    def has_text(self, json: str, path: str) -> str:
        """Whether a JSON object has more than null or '' at a path that `json_path` made."""
        return self.macros.has_text.format(json=json, path=path)

    def json_path(self, key: str) -> str:
        """The path of a key, as `has_text` takes it."""
        return self.macros.json_path(key)
