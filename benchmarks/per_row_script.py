"""The yardstick's script: rows, one dict each, as PostgreSQL's COPY text, the form that Seedbed's script has too."""

from collections.abc import Mapping
from typing import Any, TextIO

__all__ = ["write_script"]

Row = dict[str, Any]

TYPES = {"entry": "bigint", "amount_money": "decimal(20,2)", "money": "decimal(20,2)"}
TYPES |= {"expected_eod_balance": "decimal(20,2)", "posting": "timestamp", "transfer_completion": "timestamp"}
TYPES |= {"business_day_start": "timestamp", "business_day_end": "timestamp"}


def write_script(out: TextIO, instance: str, tables: Mapping[str, tuple[list[str], list[Row]]]) -> None:
    """One transaction: every table with its rows, numbered in their order."""
    out.write("BEGIN;\n")
    for name, (columns, rows) in tables.items():
        table = f"{instance}_{name}"
        definitions = ", ".join(f"{c} {TYPES.get(c, 'text')}" for c in columns)
        out.write(f"CREATE TABLE {table} ({definitions});\n")
        for entry, row in enumerate(rows, start=1):
            row["entry"] = entry
        _write_copy(out, table, columns, rows)
    out.write("COMMIT;\n")


def _copied(value: Any) -> str:
    """A field of COPY's text format."""
    return "\\N" if value is None else f"{value}".replace("\\", "\\\\")


def _write_copy(out: TextIO, table: str, columns: list[str], rows: list[Row]) -> None:
    """One COPY with its data in line."""
    out.write(f"COPY {table} ({', '.join(columns)}) FROM stdin;\n")
    for row in rows:
        line = "\t".join(_copied(row[c]) for c in columns)
        out.write(f"{line}\n")
    out.write("\\.\n")
