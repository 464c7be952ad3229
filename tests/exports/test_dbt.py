"""The sources of dbt: every table and view is there, and every test holds on ledgers with every plant."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

import seedbed
from seedbed.bank.bundled import the_bank
from seedbed.cli.main import run
from seedbed.exports.dbt import dbt_sources
from seedbed.views import EXCEPTION_VIEWS, VIEWS
from seedbed.write.facts import STORED

BANKS = ("spec_example", "harbor_trust")
# What dbt's own tests ask, as a query of the rows that fail.
QUERIES = {
    "not_null": "SELECT 1 FROM {table} WHERE {column} IS NULL",
    "unique": "SELECT 1 FROM {table} WHERE {column} IS NOT NULL GROUP BY {column} HAVING COUNT(*) > 1",
    "accepted_values": "SELECT 1 FROM {table} WHERE {column} IS NOT NULL AND {column} NOT IN ({values})",
    "relationships": (
        "SELECT 1 FROM {table} c WHERE {column} IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM {parent} p WHERE p.{field} = c.{column})"
    ),
}


def sources(name: str) -> dict[str, Any]:
    value = yaml.safe_load(dbt_sources(the_bank(name)))
    assert value["version"] == 2
    (source,) = value["sources"]
    return dict(source)


@pytest.fixture(scope="module", params=BANKS)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """A bank's ledger with every kind of plant in it, and a connection to it."""
    name, path = request.param, tmp_path_factory.mktemp("dbt") / "bank.duckdb"
    scenario = seedbed.full_scenario_for(name, anchor=date(2030, 1, 1), window_days=45, mode="every_view")
    seedbed.load(seedbed.generate(name, scenario, window_days=45), path)
    with duckdb.connect(str(path), read_only=True) as connection:
        yield name, connection


def failing_rows(source: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each test's name and the query of the rows that fail it."""
    for table in source["tables"]:
        for column in table["columns"]:
            for test in column.get("data_tests", ()):
                kind, arguments = (test, {}) if isinstance(test, str) else next(iter(test.items()))
                arguments = arguments.get("arguments", {})
                named = {"table": f'"{table["identifier"]}"', "column": f'"{column["name"]}"'}
                if kind == "accepted_values":
                    named["values"] = ", ".join("'" + value.replace("'", "''") + "'" for value in arguments["values"])
                if kind == "relationships":
                    instance, parent = arguments["to"].removeprefix("source(").removesuffix(")").split(", ")
                    named |= {"parent": f"{instance}_{parent}".replace("'", ""), "field": arguments["field"]}
                yield f"{table['name']}.{column['name']} {kind}", QUERIES[kind].format(**named)


def test_every_table_and_view_is_there_with_its_columns(loaded: tuple[str, Any]) -> None:
    name, connection = loaded
    tables = {table["identifier"]: table for table in sources(name)["tables"]}
    assert set(tables) == {f"{name}_{item.name}" for item in (*STORED, *VIEWS)}
    for identifier, table in tables.items():
        assert [column["name"] for column in table["columns"]] == connection.table(identifier).columns
        assert table["description"]


def test_every_test_holds_on_a_ledger_with_every_plant(loaded: tuple[str, Any]) -> None:
    name, connection = loaded
    failing = [test for test, query in failing_rows(sources(name)) if connection.execute(query).fetchall()]
    assert failing == []


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ("rail_name = 'Nobody'", "rail_name accepted_values"),
        ("transfer_parent_id = 'x'", "transfer_parent_id relationships"),
    ],
)
def test_a_row_that_is_not_lawful_fails_a_test(tmp_path: Path, change: str, failing: str) -> None:
    seedbed.load(seedbed.generate("spec_example", window_days=8), tmp_path / "x.duckdb")
    with duckdb.connect(str(tmp_path / "x.duckdb")) as connection:
        connection.execute(
            f"UPDATE spec_example_transactions SET {change}"
            " WHERE entry = (SELECT MIN(entry) FROM spec_example_transactions)"
        )
        found = [
            name for name, query in failing_rows(sources("spec_example")) if connection.execute(query).fetchall()
        ]
    assert any(name == f"transactions.{failing}" for name in found)


def test_all_four_sorts_of_tests_are_there_and_exception_views_have_keys() -> None:
    source = sources("harbor_trust")
    kinds = {name.split()[-1] for name, _ in failing_rows(source)}
    assert kinds == set(QUERIES)
    keyed = {name.split(".")[0] for name, _ in failing_rows(source) if ".view_key unique" in name}
    assert keyed == set(EXCEPTION_VIEWS)


def test_the_schema_can_be_given(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["docs", "dbt", "spec_example", "--schema", "ledgers"]) == 0
    assert yaml.safe_load(capfd.readouterr().out)["sources"][0]["schema"] == "ledgers"


def test_names_that_look_like_jinja_are_left_alone() -> None:
    bank = the_bank("spec_example").model_copy(update={"description": "Costs {{ nothing }}"})
    (source,) = yaml.safe_load(dbt_sources(bank))["sources"]
    assert source["description"] == "{% raw %}Costs {{ nothing }}{% endraw %}"
