"""Rows that Spark's workers make are those of a local run, whoever made the first pass and however blocks are cut."""

import re
from collections.abc import Callable
from datetime import date
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

pytest.importorskip("pyspark")

import seedbed
from seedbed.api import dataset_of, parts_of
from seedbed.assembly.foundation import Foundation, Shares, neighbours
from seedbed.assembly.parts import parts_on
from seedbed.assembly.pipeline import ScenarioChoices, planted_foundation
from seedbed.errors import InputError
from seedbed.ledger.columns import ANSWER_KEY, TABLES
from seedbed.ledger.dataset import Dataset, Part
from seedbed.ledger.digest import TableDigest, content_digest, dataset_digest
from seedbed.spark import SeedbedSource, first_pass
from seedbed.spark.shares import from_bytes, from_option, seal_of, to_bytes, to_option

OPTIONS = {
    "instance": "spec_example",
    "anchor": "2030-01-01",
    "window_days": "30",
    "accounts": "CustomerSubledger=600",
    "mode": "l1_invariants",
}


def _dataset(**changed: Any) -> Dataset:
    bank = seedbed.load_instance(Path(seedbed.__file__).parent / "banks" / "spec_example.yaml")
    facts = {"anchor": date(2030, 1, 1), "window_days": 30, "accounts": {"CustomerSubledger": 600}}
    return dataset_of(bank, **(facts | changed))


@pytest.fixture(scope="module")
def local() -> list[Part]:
    parts = list(parts_on(planted_foundation(_dataset(), ScenarioChoices(mode="l1_invariants"))))
    assert len(parts) == 3
    return parts


@pytest.fixture(scope="module")
def source(spark: Any) -> Callable[..., Any]:
    spark.dataSource.register(SeedbedSource)

    def frame(table: str, options: dict[str, str] = OPTIONS) -> Any:
        return spark.read.format("seedbed").options(**options).option("table", table).load()

    return frame


def _digest(source: Any, options: dict[str, str]) -> str:
    rows = {table.name: source(table.name, options).toArrow() for table in TABLES}
    return content_digest(TableDigest.of(table, rows[table.name]) for table in TABLES)


def test_the_session_has_executors_in_processes_of_their_own(spark: Any) -> None:
    assert spark.range(2).count() == 2
    memory_of = spark.sparkContext._jsc.sc().getExecutorMemoryStatus()
    assert memory_of.size() == 3  # the driver, which runs no tasks, is among them


def test_the_digest_is_that_of_a_local_run(source: Any, local: list[Part]) -> None:
    assert _digest(source, OPTIONS) == dataset_digest(local)


def test_the_answer_key_is_that_of_a_local_run(source: Any, local: list[Part]) -> None:
    expected = [line for part in local for line in part["answer_key"].to_pylist()]
    assert source("answer_key").toArrow().to_pylist() == expected


@pytest.mark.parametrize(("given", "count"), [(None, 3), ("2", 2), ("1", 1), ("99", 3)])
def test_a_partition_is_a_group_of_blocks(source: Any, local: list[Part], given: str | None, count: int) -> None:
    frame = source("daily_balances", OPTIONS | ({"partitions": given} if given else {}))
    assert frame.rdd.getNumPartitions() == count
    assert frame.count() == sum(part["daily_balances"].num_rows for part in local)


def test_a_first_pass_by_the_workers_changes_nothing(spark: Any, source: Any, local: list[Part]) -> None:
    options = first_pass(spark, **OPTIONS, partitions=2)
    assert _digest(source, options) == dataset_digest(local)


def test_a_first_pass_settles_the_anchor(spark: Any) -> None:
    given = {name: value for name, value in OPTIONS.items() if name != "anchor"}
    assert date.fromisoformat(first_pass(spark, **given)["anchor"])


def test_the_baseline_alone(source: Any) -> None:
    given = {name: value for name, value in OPTIONS.items() if name != "mode"}
    assert _digest(source, given | {"baseline-only": "true"}) == dataset_digest(parts_of(_dataset()))


@pytest.mark.parametrize("table", [*TABLES, ANSWER_KEY], ids=lambda table: table.name)
def test_columns_are_those_of_the_contract(source: Any, table: Any) -> None:
    kinds = {"bigint": "bigint", "text": "string", "json": "string", "money": "decimal(20,2)"}
    expected = [(c.name, kinds.get(c.kind, "timestamp_ntz"), c.nullable) for c in table.columns]
    fields = source(table.name).schema.fields
    assert [(f.name, f.dataType.simpleString(), f.nullable) for f in fields] == expected


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"widow_days": "3"}, "InputError: unknown option 'widow_days'; did you mean 'window_days'?"),
        ({"instance": "no_such_bank"}, "InstanceError: no_such_bank: no such file"),
        ({"accounts": "Nobody=3"}, "InputError: accounts: "),
    ],
)
def test_bad_options_are_refused_when_the_frame_is_made(source: Any, changed: dict[str, str], message: str) -> None:
    with pytest.raises(Exception, match="PYTHON_DATA_SOURCE_ERROR") as refused:
        source("transactions", OPTIONS | changed)
    assert message in str(refused.value)


def test_a_schema_of_the_users_is_refused(spark: Any, source: Any) -> None:
    frame = spark.read.format("seedbed").schema("a int").options(**OPTIONS).load()
    with pytest.raises(Exception, match=r"remove schema\(\)"):
        frame.collect()


def test_the_example_of_the_docs_works(spark: Any, local: list[Part]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    for shown, ours in (("bank.yaml", "spec_example"), ("Customer=1000000", "CustomerSubledger=600")):
        assert shown in example
        example = example.replace(shown, ours)
    names: dict[str, Any] = {"spark": spark}
    exec(example, names)
    assert names["transactions"].columns == local[0]["transactions"].column_names
    assert names["balances"].columns == local[0]["daily_balances"].column_names
    assert names["answer_key"].count() > 0


# -- the shares as bytes, without Spark ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shares() -> Shares:
    bank = seedbed.load_instance(Path(seedbed.__file__).parent / "banks" / "harbor_trust.yaml")
    foundation = Foundation(dataset_of(bank, date(2030, 1, 1), 20, {"CustomerDDA": 300}))
    return reduce(Shares.plus, map(foundation.shares_of, neighbours(foundation.blocks, 2)))


def test_shares_survive_as_bytes(shares: Shares) -> None:
    again = from_bytes(to_bytes(shares))
    for one, other in ((shares, again), (shares.totals, again.totals)):
        for name in one.__dataclass_fields__:  # type: ignore[attr-defined]
            before, after = getattr(one, name), getattr(other, name)
            if isinstance(before, dict):
                assert list(before) == list(after) and all((before[key] == after[key]).all() for key in before)
            elif name != "totals":
                assert before.dtype == after.dtype and (before == after).all()
    assert shares.children and shares.spent and shares.paid


def test_shares_of_another_dataset_are_refused() -> None:
    dataset = _dataset()
    text = to_option(seal_of(dataset), Foundation(dataset).shares())
    assert seal_of(from_option(text, dataset) and dataset) == seal_of(dataset)
    for changed in ({"seed": 43}, {"window_days": 31}, {"anchor": date(2030, 1, 2)}, {"accounts": {}}):
        with pytest.raises(InputError, match="made with another instance"):
            from_option(text, _dataset(**changed))


@pytest.mark.parametrize("text", ["", "x", "a:b", "a:!", "0:" + "QUJD" * 10, pa.__name__])
def test_text_that_is_no_shares_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"does not come from seedbed\.spark\.first_pass"):
        from_option(text, _dataset())
