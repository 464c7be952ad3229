"""The three text forms, letter by letter."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.ledger.columns import Column, Table
from seedbed.write.text import COPY, CSV, INSERT, STATEMENT_BYTES, RowText, TextForm

SAMPLE = Table(
    "sample",
    (
        Column(name="entry", kind="bigint"),
        Column(name="name", kind="text", nullable=True, repeats=True),
        Column(name="note", kind="text", nullable=True),
        Column(name="money", kind="money", nullable=True),
        Column(name="posting", kind="timestamp", nullable=True),
    ),
    (),
)
NOON = datetime(2029, 12, 31, 12, 0, 1)  # noqa: DTZ001 - the ledger's times are naive
ROWS: list[tuple[Any, ...]] = [
    (1, "it's", '{"a":"b"}', Decimal("-0.05"), NOON),
    (2, None, "", Decimal("0.00"), None),
    (3, "\\N", "\\.", None, NOON),
    (4, "a\tb\r\nc,d", None, Decimal("1234567890123456.70"), NOON),
]
EXPECTED = {
    "copy": (
        'COPY "t" FROM stdin;\n'
        '1\tit\'s\t{"a":"b"}\t-0.05\t2029-12-31 12:00:01\n'
        "2\t\\N\t\t0.00\t\\N\n"
        "3\t\\\\N\t\\\\.\t\\N\t2029-12-31 12:00:01\n"
        "4\ta\\tb\\r\\nc,d\t\\N\t1234567890123456.70\t2029-12-31 12:00:01\n"
        "\\.\n"
    ),
    "insert": (
        'INSERT INTO "t" VALUES\n'
        "(1,'it''s','{\"a\":\"b\"}',-0.05,'2029-12-31 12:00:01'),\n"
        "(2,NULL,'',0.00,NULL),\n"
        "(3,'\\N','\\.',NULL,'2029-12-31 12:00:01'),\n"
        "(4,'a\tb\r\nc,d',NULL,1234567890123456.70,'2029-12-31 12:00:01');\n"
    ),
    "csv": (
        '1,it\'s,"{""a"":""b""}",-0.05,2029-12-31 12:00:01\n'
        '2,,"",0.00,\n'
        "3,\\N,\\.,,2029-12-31 12:00:01\n"
        '4,"a\tb\r\nc,d",,1234567890123456.70,2029-12-31 12:00:01\n'
    ),
}
FORMS = {"copy": COPY, "insert": INSERT, "csv": CSV}


def arrow(rows: list[tuple[Any, ...]]) -> pa.Table:
    names = [column.name for column in SAMPLE.columns]
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=SAMPLE.arrow_schema())


def text(form: TextForm, *tables: pa.Table) -> str:
    rows = RowText(form, SAMPLE, '"t"')
    return (b"".join(chunk for table in tables for chunk in rows.render(table)) + rows.close()).decode()


@pytest.mark.parametrize("form", FORMS)
def test_a_form_writes_exactly_this(form: str) -> None:
    assert text(FORMS[form], arrow(ROWS)) == EXPECTED[form]


@pytest.mark.parametrize("form", FORMS)
def test_plain_text_and_slices_give_the_same_bytes(form: str) -> None:
    whole = arrow([(0, "sliced away", "too", None, None), *ROWS]).slice(1)
    plain = whole.set_column(1, "name", whole["name"].cast(pa.large_string()))
    pieces = [whole.slice(row, 1) for row in range(len(ROWS))]
    empty = whole.slice(0, 0)
    assert text(FORMS[form], plain) == text(FORMS[form], empty, *pieces, empty) == EXPECTED[form]


@pytest.mark.parametrize("form", FORMS)
def test_no_rows_no_text(form: str) -> None:
    assert text(FORMS[form], arrow([])) == text(FORMS[form]) == ""


def test_statements_end_after_500_rows_and_by_bytes() -> None:
    short = text(INSERT, arrow([(entry, "n", None, None, None) for entry in range(1200)]))
    assert [part.count("\n(") for part in short.split(";\n")] == [500, 500, 200, 0]
    long = text(INSERT, arrow([(entry, None, "x" * 100_000, None, None) for entry in range(20)]))
    statements = long.split(";\n")
    assert max(map(len, statements)) < STATEMENT_BYTES + 101_000
    assert sum(part.count("\n(") for part in statements) == 20


CELL = st.none() | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6))
def test_csv_reads_back_as_what_it_was(cells: list[tuple[str | None, str | None]]) -> None:
    data = arrow([(entry, *pair, None, None) for entry, pair in enumerate(cells)])
    back = pyarrow.csv.read_csv(
        pa.py_buffer(text(CSV, data).encode()),
        read_options=pyarrow.csv.ReadOptions(column_names=data.column_names),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={"name": pa.string(), "note": pa.string()},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    assert list(zip(back["name"].to_pylist(), back["note"].to_pylist(), strict=True)) == cells
