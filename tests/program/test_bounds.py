"""What chains multiply a bank's firings to, and what is refused for it."""

from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from tests.bank.tiny import Data, bank_of, rail, tiny

from seedbed.api import dataset_of
from seedbed.assembly.foundation import Foundation
from seedbed.bank.findings import structural_findings
from seedbed.bank.flows import Flows
from seedbed.bank.model import Bank
from seedbed.cli.main import run
from seedbed.errors import InputError
from seedbed.program.bounds import CHAINS_MULTIPLY, MOST_A_DAY, MOST_OF_ONE, chain_load, flood_remarks, too_many
from seedbed.program.build import build_program
from seedbed.program.outline import outline
from seedbed.program.window import build_window

ANCHOR = date(2030, 1, 1)
ONE_ACCOUNT = {"id": "gl", "role": "Ledger", "scope": "internal"}


def layered(width: int, depth: int) -> Data:
    """Layers of so many rails under `In`: each rail of a layer is a child of every rail of the one above."""
    layers = [["In"], *([f"L{layer}N{number}" for number in range(width)] for layer in range(depth))]
    rails = [rail(name, "Customer", "Fed") for layer in layers[1:] for name in layer]
    chains = [
        {"parent": parent, "child": child, "required": "true"}
        for above, below in pairwise(layers)
        for parent in above
        for child in below
    ]
    data = tiny(chains=chains)
    data["rails"] += rails
    return data


def refusal(bank: Bank, accounts: dict[str, int] | None = None) -> str | None:
    return too_many(build_program(bank, accounts), build_window(ANCHOR, 90, bank.calendar))


@pytest.mark.parametrize(("width", "depth"), [(1, 1), (1, 30), (30, 1), (2, 5), (3, 12)])
def test_the_chain_firings_of_one_are_the_product_over_the_layers(width: int, depth: int) -> None:
    load = chain_load(build_program(bank_of(layered(width, depth))))
    each = 0.95 * width
    assert load.root == "In"
    assert float(load.of_one) == pytest.approx(sum(each**layer for layer in range(1, depth + 1)))


def test_a_member_of_a_group_has_its_share() -> None:
    data = layered(2, 1)
    for entry in data["chains"]:
        entry["xor_group"] = "way"
    assert float(chain_load(build_program(bank_of(data))).of_one) == pytest.approx(0.95)


@pytest.mark.parametrize(("width", "depth"), [(1, 100), (100, 1), (3, 3)])
@pytest.mark.parametrize("accounts", [20, 100_000])
def test_long_and_wide_chains_are_made_for_any_number_of_accounts(width: int, depth: int, accounts: int) -> None:
    assert refusal(bank_of(layered(width, depth)), {"Customer": accounts}) is None


def test_chains_that_multiply_are_refused_with_the_figures() -> None:
    bank = bank_of(layered(3, 12))
    load = chain_load(build_program(bank))
    text = refusal(bank)
    assert load.of_one > MOST_OF_ONE and load.a_day > MOST_A_DAY
    assert text is not None and f"{load.of_one:,.0f} follow from one of 'In'" in text
    with pytest.raises(InputError, match="follow from one of 'In'"):
        Foundation(dataset_of(bank, ANCHOR))


def test_chains_that_multiply_few_firings_are_made() -> None:
    data = layered(3, 5)
    data["baseline"] = {"accounts": {"Customer": 1}}
    bank = bank_of(data)
    assert chain_load(build_program(bank)).of_one > MOST_OF_ONE
    assert refusal(bank) is None


def test_findings_and_outline_of_a_layered_graph_look_at_each_node_once() -> None:
    bank = bank_of(layered(3, 40))
    flows = Flows(bank)
    assert len(flows.daily) == len(flows.nodes) == 122
    assert {finding.rule for finding in structural_findings(bank)} == {"finding-unused"}
    assert outline(bank, ANCHOR).refusal is not None


def test_plan_shows_what_apply_would_refuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "layers.yaml"
    file.write_text(bank_of(layered(3, 12)).model_dump_json(by_alias=True), encoding="utf-8")
    assert run(["validate", str(file)]) == 0
    said = capsys.readouterr().out
    assert "`data apply` refuses this bank: " in said and said.splitlines()[-2].endswith("; 3 findings")
    anchor = ["--anchor", "2030-01-01"]
    assert run(["data", "apply", str(file), *anchor, "--to", f"duckdb:///{tmp_path}/out.duckdb"]) == 2
    refused = capsys.readouterr().err
    assert refused.count("\n") == 1 and "the chains make too many firings: " in refused
    assert not (tmp_path / "out.duckdb").exists()
    for options in ([], ["--json"], ["--quiet"]):
        assert run(["plan", str(file), *anchor, *options]) == 2
        planned = capsys.readouterr()
        assert planned.err == refused
        assert ("Rails" in planned.out, bool(planned.out)) == (not options, options != ["--quiet"])


def test_a_bank_is_found_to_multiply_where_apply_refuses_it_with_the_accounts_of_its_file() -> None:
    data = layered(3, 5)
    for accounts in (1, 20):
        data["baseline"] = {"accounts": {"Customer": accounts}}
        bank = bank_of(data)
        assert [remark.rule for remark in flood_remarks(bank)] == [CHAINS_MULTIPLY] * (refusal(bank) is not None)
    assert refusal(bank) is not None


@pytest.mark.parametrize(
    ("days", "words"), [("1", "about 1 transaction and 1 daily balance, 0.5 kB"), ("90", " MB as")]
)
def test_expected_rows_are_told_with_their_nouns_and_a_size_that_is_not_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], days: str, words: str
) -> None:
    file = tmp_path / "one.yaml"
    data = tiny() if days == "90" else {"instance": "one", "accounts": [ONE_ACCOUNT], "rails": []}
    file.write_text(bank_of(data).model_dump_json(by_alias=True), encoding="utf-8")
    assert run(["plan", str(file), "--anchor", "2030-01-02", "--window-days", days]) == 0
    assert words in capsys.readouterr().out
