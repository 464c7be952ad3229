"""Options of a read have the words, the defaults and the rules of `data apply`."""

from datetime import date

import pytest

pytest.importorskip("pyspark")

from seedbed.cli.data import apply
from seedbed.cli.options import ScenarioOptions
from seedbed.errors import InputError
from seedbed.spark.options import READERS, ReadOptions, read_options

# Where rows go, who makes them and what is said about it: of no use to a read.
OF_OUTPUT = {"bank", "url", "output", "dialect", "file_format", "overwrite", "answer_key", "quiet", "as_json"}
OF_OUTPUT |= {"workers", "resume"}
# A read takes the bank by this word; `data apply` names a bank whose file has no name.
OF_OUTPUT |= {"instance"}
OF_READS = {"instance", "table", "partitions", "first_pass"}


def test_options_are_those_of_data_apply() -> None:
    assert set(READERS) - OF_READS == {param.name for param in apply.params} - OF_OUTPUT


def test_defaults_are_those_of_data_apply() -> None:
    by_name = {param.name: param.default for param in apply.params}
    options = read_options({"instance": "b"})
    assert (options.window_days, options.seed) == (by_name["window_days"], by_name["seed"])
    assert options == ReadOptions(instance="b")
    assert options.planting == ScenarioOptions()


def test_every_option_is_read() -> None:
    given = {
        "instance": "b.yaml",
        "table": "answer_key",
        "anchor": "2030-01-01",
        "window-days": "7",
        "ACCOUNTS": "Customer=3,Merchant, large=4",
        "seed": "-1",
        "mode": "broad",
        "plants": "drift=2,overdraft=0",
        "blend": "True",
        "coverage": "full",
        "partitions": "5",
        "first_pass": "x",
        "baseline_only": "false",
    }
    assert read_options(given) == ReadOptions(
        instance="b.yaml",
        table="answer_key",
        anchor=date(2030, 1, 1),
        window_days=7,
        accounts={"Customer": 3, "Merchant, large": 4},
        seed=-1,
        mode="broad",
        plants={"drift": 2, "overdraft": 0},
        blend=True,
        coverage="full",
        partitions=5,
        first_pass="x",
    )
    assert read_options({"instance": "b", "scenario": "s.json"}).planting == ScenarioOptions(scenario="s.json")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "instance: give a bank file, or the name of a bundled bank"),
        ({"tabel": "x"}, "unknown option 'tabel'; did you mean 'table'?"),
        ({"table": "transaction"}, "table: 'transaction' is not one of transactions, daily_balances, answer_key"),
        ({"anchor": "1 May"}, "anchor: '1 May' is not a date in the form YYYY-MM-DD"),
        ({"window_days": "x"}, "window_days: 'x' is not a whole number in range"),
        ({"accounts": "Customer"}, "accounts: 'Customer' is not ROLE=N with a whole number N"),
        ({"accounts": "C=1,C=2"}, "accounts: a role is given twice"),
        ({"baseline_only": "yes"}, "baseline_only: 'yes' is not one of true, false"),
        ({"mode": "all"}, "mode: 'all' is not one of l1_invariants, broad, l1_plus_broad, every_view"),
        ({"coverage": "half"}, "coverage: 'half' is not one of full"),
        ({"partitions": "0"}, "partitions: give at least 1"),
        ({"plants": "drift"}, "plants: 'drift' is not KIND=N with a whole number N"),
        ({"scenario": "s", "mode": "broad"}, "scenario: it lists all plants"),
        ({"baseline_only": "true", "blend": "true"}, "baseline_only: it plants nothing"),
    ],
)
def test_a_bad_option_has_its_message(given: dict[str, str], message: str) -> None:
    known = {"instance": "b"} if given else {}
    with pytest.raises(InputError) as refused:
        read_options(known | given)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InputError) as refused:
        read_options({"anchor": "x", "seed": "y", "sede": "1"})
    assert len(str(refused.value).splitlines()) == 4
