"""CSV and Parquet folders: what is in them, and what they never replace."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from seedbed.errors import TargetError
from seedbed.ledger.columns import TABLES, TRANSACTIONS, Table
from seedbed.ledger.dataset import Dataset, Part
from seedbed.ledger.digest import TableDigest, content_digest, dataset_digest
from seedbed.write import Target, write

Regroup = Callable[[tuple[Part, ...], int], list[Part]]
FORMATS = ("csv", "parquet")


def read_csv(path: Path, table: Table) -> pa.Table:
    types = {
        field.name: field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        for field in table.arrow_schema()
    }
    options = pyarrow.csv.ConvertOptions(
        column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    return pyarrow.csv.read_csv(path, parse_options=parse, convert_options=options)


def digest(folder: Path, format_: str) -> str:
    def read(table: Table) -> pa.Table:
        path = folder / f"{table.name}.{format_}"
        return read_csv(path, table) if format_ == "csv" else pq.read_table(path)

    return content_digest(TableDigest.of(table, read(table)) for table in TABLES)


@pytest.mark.parametrize("format_", FORMATS)
def test_the_rows_survive(parts: tuple[Part, ...], dataset: Dataset, format_: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    report = write(parts, dataset, Target(format=format_, path=str(folder)))
    assert digest(folder, format_) == report.digest == dataset_digest(parts)
    assert report.rows == {"transactions": 47, "daily_balances": 30, "answer_key": 9}
    assert report.bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert report.paths == (folder,)


@pytest.mark.parametrize("format_", FORMATS)
def test_the_manifest_holds_the_facts(
    parts: tuple[Part, ...], dataset: Dataset, format_: str, tmp_path: Path
) -> None:
    write(parts, dataset, Target(format=format_, path=str(tmp_path / "out")))
    facts = json.loads((tmp_path / "out" / "dataset.json").read_text(encoding="utf-8"))
    assert facts.pop("bank")["instance"] == "demo"
    assert len(facts.pop("load_id")) == 16
    assert len(facts.pop("answer_digest")) == 64
    assert facts == {
        "format": "seedbed-dataset-1",
        "instance": "demo",
        "anchor": "2030-01-01",
        "as_of": "2030-01-02 00:00:00",
        "window_days": 90,
        "seed": 42,
        "version": "1",
        "accounts": {},
        "transaction_rows": 47,
        "balance_rows": 30,
        "answer_lines": 9,
        "scenario": None,
        "digest": dataset_digest(parts),
    }


@pytest.mark.parametrize("format_", FORMATS)
def test_the_bytes_do_not_depend_on_the_parts(
    parts: tuple[Part, ...], dataset: Dataset, regroup: Regroup, format_: str, tmp_path: Path
) -> None:
    for folder, rows in (("whole", 1000), ("again", 1000), ("cut", 5)):
        write(regroup(parts, rows), dataset, Target(format=format_, path=str(tmp_path / folder)))
    contents = [
        {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}
        for folder in (("whole", "again", "cut") if format_ == "csv" else ("whole", "again"))
    ]
    assert all(content == contents[0] for content in contents)
    assert digest(tmp_path / "cut", format_) == digest(tmp_path / "whole", format_)


def test_csv_keeps_what_a_spreadsheet_would_take_for_a_formula(
    parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path
) -> None:
    write(parts, dataset, Target(format="csv", path=str(tmp_path / "out")))
    lines = (tmp_path / "out" / "transactions.csv").read_text(encoding="utf-8").split("\n")
    assert lines[0] == ",".join(column.name for column in TRANSACTIONS.columns)
    assert any(",=cmd|'/C calc'!A0," in line for line in lines)


def test_parquet_has_dictionaries_and_row_groups(
    parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seedbed.write.folders.ROW_GROUP_ROWS", 20)
    write(parts, dataset, Target(format="parquet", path=str(tmp_path / "out")))
    file = pq.ParquetFile(tmp_path / "out" / "transactions.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(3)] == [20, 20, 7]
    types = {field.name: field.type for field in file.schema_arrow}
    assert [types[column.name] for column in TRANSACTIONS.columns if column.repeats] == [
        pa.dictionary(pa.int32(), pa.string())
    ] * sum(column.repeats for column in TRANSACTIONS.columns)
    assert types["amount_money"] == pa.decimal128(20, 2)
    assert file.metadata.row_group(0).column(2).compression == "SNAPPY"


def test_plain_text_becomes_parquet_with_the_same_digest(
    parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path
) -> None:
    plain = [
        Part(
            {
                name: table.cast(pa.schema([_plain(field) for field in table.schema]))
                for name, table in part.tables.items()
            }
        )
        for part in parts
    ]
    report = write(plain, dataset, Target(format="parquet", path=str(tmp_path / "out")))
    assert report.digest == dataset_digest(parts) == digest(tmp_path / "out", "parquet")


def _plain(field: pa.Field) -> pa.Field:
    return field.with_type(pa.large_string()) if pa.types.is_dictionary(field.type) else field


@pytest.mark.parametrize("format_", FORMATS)
def test_a_ledger_without_rows_has_files_without_rows(dataset: Dataset, format_: str, tmp_path: Path) -> None:
    write((), dataset, Target(format=format_, path=str(tmp_path / "out")))
    assert digest(tmp_path / "out", format_) == dataset_digest(())


@pytest.mark.parametrize("format_", FORMATS)
def test_an_empty_folder_and_an_earlier_output_are_replaced(
    parts: tuple[Part, ...], dataset: Dataset, format_: str, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    write(parts, dataset, Target(format=format_, path=str(folder)))
    write(parts[:1], dataset, Target(format=format_, path=str(folder)))
    assert digest(folder, format_) == dataset_digest(parts[:1])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    "names", [["notes.txt"], ["dataset.json", "transactions.csv", "notes.txt"], ["transactions.csv"]]
)
def test_a_folder_with_anything_else_in_it_stays(
    parts: tuple[Part, ...], dataset: Dataset, names: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("mine")
    with pytest.raises(TargetError, match="exists, and Seedbed did not write it"):
        write(parts, dataset, Target(format="csv", path=str(folder)))
    assert {path.name: path.read_text() for path in folder.iterdir()} == dict.fromkeys(names, "mine")


def test_a_failing_swap_puts_the_earlier_output_back(
    parts: tuple[Part, ...], dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    write(parts, dataset, Target(format="csv", path=str(folder)))
    rename = Path.rename

    def refuse_the_new_one(self: Path, target: Path) -> Path:
        if self.name == "folder":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_new_one)
    with pytest.raises(TargetError, match="Input/output error"):
        write(parts[:1], dataset, Target(format="csv", path=str(folder)))
    assert digest(folder, "csv") == dataset_digest(parts)
