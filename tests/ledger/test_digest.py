"""The content digest: what must not change it, what must, and the one value that locks it."""

from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.ledger.columns import DAILY_BALANCES, TABLES, Column, Table
from seedbed.ledger.dataset import Part
from seedbed.ledger.digest import DIGEST_VERSION, TableDigest, content_digest, dataset_digest, row_lanes

SAMPLE = Table(
    "sample",
    (
        Column(name="entry", kind="bigint"),
        Column(name="name", kind="text", nullable=True, repeats=True),
        Column(name="note", kind="json", nullable=True),
        Column(name="money", kind="money", nullable=True),
        Column(name="posting", kind="timestamp", nullable=True),
    ),
    (),
)

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "entry": st.integers(-(2**63), 2**63 - 1),
    "name": st.none() | TEXTS,
    "note": st.none() | TEXTS,
    "money": st.none() | st.integers(-(2**63), 2**63 - 1),
    "posting": st.none() | st.integers(-(2**40), 2**40),
}
ROWS = st.lists(st.fixed_dictionaries(CELLS), max_size=12)
MODEST = settings(max_examples=80, deadline=None)
FACTS: dict[str, Any] = {"entry": 1, "name": "Ada", "note": '{"k":"v"}', "money": 150, "posting": 0}

PLAIN = {"name": pa.string(), "note": pa.string(), "money": pa.int64(), "posting": pa.timestamp("s")}
ENCODINGS = {
    "plain": PLAIN,
    "large": PLAIN | {"name": pa.large_string(), "note": pa.large_string(), "posting": pa.timestamp("us")},
    "view": PLAIN | {"note": pa.string_view()},
    "dictionary": PLAIN | {"name": pa.dictionary(pa.int32(), pa.string())},
    "narrow dictionary": PLAIN | {"note": pa.dictionary(pa.int8(), pa.large_string())},
    "decimal": PLAIN | {"money": pa.decimal128(20, 2)},
    "wide decimal": PLAIN | {"money": pa.decimal128(38, 4)},
}


def arrow(rows: list[dict[str, Any]], encoding: str = "plain") -> pa.Table:
    types = {"entry": pa.int64(), **ENCODINGS[encoding]}
    columns = {}
    for name, type_ in types.items():
        values = [row[name] for row in rows]
        if pa.types.is_decimal(type_):
            columns[name] = pa.array([None if v is None else Decimal(v).scaleb(-2) for v in values], type_)
        elif name == "posting":
            columns[name] = pa.array(values, pa.timestamp("s")).cast(type_)
        elif pa.types.is_dictionary(type_):
            encoded = pa.array(values, type_.value_type).dictionary_encode()
            columns[name] = pa.DictionaryArray.from_arrays(encoded.indices.cast(type_.index_type), encoded.dictionary)
        else:
            columns[name] = pa.array(values, type_)
    return pa.table(columns)


def words(name: str) -> tuple[int, int]:
    seal = blake2b(f"{DIGEST_VERSION}/{name}".encode(), digest_size=16).digest()
    return int.from_bytes(seal[:8], "little"), int.from_bytes(seal[8:], "little")


def lanes_by_definition(row: dict[str, Any]) -> list[int]:
    """The two lanes of one row of `SAMPLE`, cell by cell, word by word: the definition."""
    state = words("sample/row")[0]
    for position, column in enumerate(SAMPLE.columns):
        value = row[column.name]
        if isinstance(value, str):
            text, (key, length_key) = value.encode(), [key | 1 for key in words("text")]
            cell = len(text) * length_key % 2**64
            for start in range(0, len(text), 8):
                cell = (cell ^ int.from_bytes(text[start : start + 8], "little")) * key % 2**64
                cell ^= cell >> 32
        else:
            cell = words("null")[0] if value is None else value % 2**64
            if column.kind not in ("text", "json"):
                cell ^= cell >> 32
        state = (state + cell * (words(f"sample/{position}/{column.name}")[0] | 1)) % 2**64
    state ^= state >> 32
    lanes = []
    first, second = (key | 1 for key in words("finish"))
    for keys in ((first, second), (second, first)):
        lane = state * keys[0] % 2**64
        lane = (lane ^ lane >> 31) * keys[1] % 2**64
        lanes.append(lane ^ lane >> 33)
    return lanes


def seal(*tables: pa.Table) -> str:
    return content_digest([sum((TableDigest.of(SAMPLE, t) for t in tables), TableDigest(SAMPLE))])


@MODEST
@given(ROWS, st.sampled_from(sorted(ENCODINGS)))
def test_lanes_are_those_of_the_definition(rows: list[dict[str, Any]], encoding: str) -> None:
    lanes = row_lanes(SAMPLE, arrow(rows, encoding))
    assert np.transpose(lanes).tolist() == [lanes_by_definition(row) for row in rows]


@MODEST
@given(ROWS, st.randoms(use_true_random=False))
def test_row_order_does_not_matter(rows: list[dict[str, Any]], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    assert seal(arrow(rows)) == seal(arrow(shuffled))


@MODEST
@given(ROWS, st.integers(0, 12), st.sampled_from(sorted(ENCODINGS)))
def test_neither_grouping_nor_slices_nor_chunks_matter(rows: list[dict[str, Any]], cut: int, encoding: str) -> None:
    whole = arrow(rows, encoding)
    chunked = pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])
    assert seal(whole) == seal(whole.slice(cut), whole.slice(0, cut)) == seal(chunked)


@MODEST
@given(ROWS, st.sampled_from(sorted(ENCODINGS)))
def test_arrow_encoding_does_not_matter(rows: list[dict[str, Any]], encoding: str) -> None:
    assert seal(arrow(rows)) == seal(arrow(rows, encoding))


@MODEST
@given(ROWS.filter(len), st.data())
def test_any_changed_cell_changes_the_digest(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(rows) - 1))
    name = data.draw(st.sampled_from(sorted(CELLS)))
    value = data.draw(CELLS[name].filter(lambda new: new != rows[row][name]))
    changed = [*rows[:row], rows[row] | {name: value}, *rows[row + 1 :]]
    assert seal(arrow(rows)) != seal(arrow(changed))


@MODEST
@given(st.lists(TEXTS, unique=True, max_size=30))
def test_texts_of_every_length_differ_in_both_lanes(texts: list[str]) -> None:
    rows = [FACTS | {"note": text} for text in ["x" * size for size in range(40)] + ["y" + t for t in texts]]
    lane0, lane1 = row_lanes(SAMPLE, arrow(rows))
    assert len(set(lane0.tolist())) == len(set(lane1.tolist())) == len(rows)


def test_null_differs_from_empty_text_and_from_zero() -> None:
    rows = [
        FACTS,
        FACTS | {"note": None},
        FACTS | {"note": ""},
        FACTS | {"money": None},
        FACTS | {"money": 0},
    ]
    lane0, _ = row_lanes(SAMPLE, arrow(rows))
    assert len(set(lane0.tolist())) == len(rows)


def test_values_that_trade_places_between_columns_or_rows_change_the_digest() -> None:
    rows = [FACTS | {"name": "a", "note": "b", "entry": 1}, FACTS | {"name": "c", "note": "d", "entry": 2}]
    columns = [rows[0] | {"name": "b", "note": "a"}, rows[1]]
    swapped = [rows[0] | {"name": "c"}, rows[1] | {"name": "a"}]
    assert len({seal(arrow(r)) for r in (rows, columns, swapped)}) == 3


def test_a_repeated_row_counts() -> None:
    assert seal(arrow([FACTS])) != seal(arrow([FACTS, FACTS]))
    assert seal(arrow([])) != seal(arrow([FACTS] * 2))


def test_dictionary_with_a_null_value_and_unused_values_reads_as_its_rows() -> None:
    codes = pa.array([0, None, 1, 0], pa.int32())
    note = pa.DictionaryArray.from_arrays(codes, pa.array(["a", None, "unused", "b", "c", "d", "e"]))
    small = pa.DictionaryArray.from_arrays(codes, pa.array(["a", None]))
    plain = [FACTS | {"name": name} for name in ("a", None, None, "a")]
    for column in (note, small):
        data = arrow(plain).set_column(1, "name", column)
        assert seal(data) == seal(arrow(plain))


def test_a_table_longer_than_a_block_sums_to_its_pieces() -> None:
    rows = 40_000
    data = pa.table(
        {
            "entry": pa.array(range(rows)),
            "name": pa.array([f"n{i % 7}" for i in range(rows)]),
            "note": pa.array([None if i % 3 else "x" * (i % 50) for i in range(rows)]),
            "money": pa.array(range(rows)),
            "posting": pa.array(range(rows), pa.timestamp("s")),
        }
    )
    assert seal(data) == seal(*(data.slice(start, 1000) for start in range(0, rows, 1000)))


@pytest.mark.parametrize(
    ("money", "error"),
    [
        (pa.array([1.5]), TypeError),
        (pa.array([Decimal(2**63).scaleb(-2)], pa.decimal128(38, 2)), ValueError),
        (pa.array([Decimal("1.005")]), ValueError),
    ],
)
def test_money_that_has_no_exact_cents_is_refused(money: pa.Array, error: type[Exception]) -> None:
    with pytest.raises(error):
        row_lanes(SAMPLE, arrow([FACTS]).set_column(3, "money", money))


def test_other_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="the columns are"):
        row_lanes(SAMPLE, arrow([FACTS]).drop_columns(["note"]))


def test_rows_of_two_tables_do_not_add() -> None:
    with pytest.raises(ValueError, match="cannot add rows"):
        TableDigest(SAMPLE) + TableDigest(DAILY_BALANCES)


def test_column_order_of_the_data_does_not_matter() -> None:
    data = arrow([FACTS])
    assert seal(data) == seal(data.select(data.column_names[::-1]))


def test_golden_digest_of_a_tiny_table() -> None:
    rows = [
        FACTS,
        {"entry": -1, "name": "Zoë 😀", "note": None, "money": -1, "posting": None},
        {
            "entry": 2,
            "name": None,
            "note": '{"memo":"\'; drop table x; --"}',
            "money": None,
            "posting": 1_893_455_999,
        },
    ]
    assert seal(arrow(rows)) == "24517baf6b38b9298145a701f62f662e5ef2244c7e2e8364640241888320556c"


def test_golden_digest_of_an_empty_ledger() -> None:
    transactions, daily_balances = (table.arrow_schema().empty_table() for table in TABLES)
    assert (
        dataset_digest([])
        == dataset_digest([Part({"transactions": transactions, "daily_balances": daily_balances})])
        == "7707fa94d50717ee7294dbd63eb4fb7de22e9b9c915f7a479350a0821b5bacff"
    )


def test_timestamps_read_back_as_microseconds_are_the_same_instant() -> None:
    seconds = arrow([FACTS | {"posting": 1_893_455_999}])
    moment = pa.array([datetime(2029, 12, 31, 23, 59, 59)], pa.timestamp("us"))  # noqa: DTZ001 - naive by contract
    assert seal(seconds) == seal(seconds.set_column(4, "posting", moment))
