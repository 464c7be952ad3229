"""Where a change goes: what ARCHITECTURE says is one row, is one row. Each test adds one and uses it."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import seedbed
from seedbed.api import dataset_of, parts_of
from seedbed.bank import findings, kinds, rules
from seedbed.bank.load import load_instance, validate_instance
from seedbed.bank.model import Bank
from seedbed.checks import ASSERTIONS, Assertion, check
from seedbed.checks.result import judged
from seedbed.cli.main import COMMANDS
from seedbed.cli.main import seedbed as command_line
from seedbed.dashboard import catalogue
from seedbed.exports import EXPORTS, Documents, Export, export
from seedbed.ledger.dataset import Dataset, Part
from seedbed.scenario.modes import MODES
from seedbed.views import VIEWS, View
from seedbed.views.macros import MACROS
from seedbed.views.sql import Sql
from seedbed.write import DIALECTS, WRITERS, Target, emit_sql, parse_url, write

BANK = """\
instance: tiny
accounts:
- {id: vault, role: Vault, scope: internal}
- {id: till, role: Till, scope: internal}
rails:
- name: Refill
  transfer_type: book_transfer
  source_role: Vault
  destination_role: Till
  origin: InternalInitiated
  metadata_keys: [memo]
  expected_net: '0.00'
"""

Everywhere = Callable[[object, object], None]


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> Everywhere:
    """Puts another value in the place of a constant, in every module that has taken it."""

    def put(old: object, new: object) -> None:
        found = [
            (module, name)
            for loaded, module in list(sys.modules.items())
            if loaded.partition(".")[0] in ("seedbed", "tests")
            for name, value in list(vars(module).items())
            if value is old
        ]
        assert found
        for module, name in found:
            monkeypatch.setattr(module, name, new)

    return put


@pytest.fixture
def bank_file(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.yaml"
    file.write_text(BANK, encoding="utf-8")
    return file


@pytest.fixture
def bank(bank_file: Path) -> Bank:
    return load_instance(bank_file)


@pytest.fixture
def dataset(bank: Bank) -> Dataset:
    return dataset_of(bank, date(2030, 1, 1), 5)


@pytest.fixture
def loaded(dataset: Dataset, tmp_path: Path) -> str:
    """A database with the ledger of the tiny bank."""
    url = f"sqlite:///{tmp_path}/tiny.sqlite"
    write(parts_of(dataset), dataset, parse_url(url))
    return url


def test_a_rail_kind_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = replace(kinds.RAIL_KINDS["other"], name="tribute")
    monkeypatch.setitem(kinds.RAIL_KINDS, "tribute", kind)
    monkeypatch.setattr(
        kinds, "RAIL_RULES", (kinds.RailRule(kind="tribute", some=frozenset({"tribute"})), *kinds.RAIL_RULES)
    )
    sides = kinds.Sides(source_customer=False, destination_customer=False, merchant=False)
    assert kinds.rail_rule("annual_tribute", sides).kind == kind.name


def test_a_rule_is_a_function_and_a_row(everywhere: Everywhere, bank_file: Path) -> None:
    def no_vaults(declared: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
        yield ("accounts", 0, "role"), "vaults are not allowed here"

    everywhere(rules.RULES, (*rules.RULES, rules.Rule("no-vaults", no_vaults)))
    _, problems, _ = validate_instance(bank_file)
    assert [(problem.rule, problem.line) for problem in problems] == [("no-vaults", 3)]


def test_a_finding_is_a_function_and_a_row(everywhere: Everywhere, bank_file: Path) -> None:
    def lonely(flows: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
        yield ("rails", 0), "the bank has one rail"

    everywhere(findings.FINDINGS, (*findings.FINDINGS, ("finding-lonely", lonely)))
    _, _, found = validate_instance(bank_file)
    assert "finding-lonely" in {problem.rule for problem in found}


def test_a_scenario_mode_is_a_row(monkeypatch: pytest.MonkeyPatch, bank: Bank) -> None:
    monkeypatch.setitem(MODES, "rest_alone", ("rest",))  # type: ignore[arg-type]
    assert seedbed.full_scenario_for(bank, mode="rest_alone", anchor=date(2030, 1, 1)) is not None


def test_an_output_is_a_row(monkeypatch: pytest.MonkeyPatch, dataset: Dataset) -> None:
    home = WRITERS["csv"]._replace(writer=f"{__name__}:counted")
    monkeypatch.setitem(WRITERS, "count", home)
    assert write(parts_of(dataset), dataset, Target(format="count", path="x")) == sum(
        part["transactions"].num_rows for part in parts_of(dataset)
    )


def counted(parts: Iterator[Part], dataset: Dataset, target: Target) -> int:
    """A writer that writes nothing."""
    return sum(part["transactions"].num_rows for part in parts)


def test_a_dialect_is_a_row_of_its_types_and_one_of_its_macros(
    monkeypatch: pytest.MonkeyPatch, dataset: Dataset, tmp_path: Path
) -> None:
    monkeypatch.setitem(DIALECTS, "second_sqlite", replace(DIALECTS["sqlite"], name="second_sqlite"))
    monkeypatch.setitem(MACROS, "second_sqlite", replace(MACROS["sqlite"], name="second_sqlite"))
    script = emit_sql(list(parts_of(dataset)), dataset, "second_sqlite")
    with closing(sqlite3.connect(tmp_path / "second.sqlite")) as connection:
        connection.executescript(script)
        assert connection.execute("SELECT COUNT(*) FROM tiny_drift").fetchone() == (0,)


def every_till(sql: Sql) -> str:
    """A view of one's own."""
    return f"SELECT * FROM {sql.name('current_transactions')} WHERE account_role = 'Till'"


def test_a_view_is_a_function_and_a_row(everywhere: Everywhere, dataset: Dataset, tmp_path: Path) -> None:
    everywhere(VIEWS, (*VIEWS, View(every_till, filled=False)))
    file = tmp_path / "tiny.sqlite"
    write(parts_of(dataset), dataset, parse_url(f"sqlite:///{file}"))
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM tiny_every_till").fetchone()[0] > 0


def test_an_assertion_is_a_function_and_a_row(everywhere: Everywhere, loaded: str) -> None:
    def no_pennies(subject: Any) -> Any:
        return judged("own", "no pennies", 0, 1, ["a penny"])

    everywhere(ASSERTIONS, (*ASSERTIONS, Assertion("own", "no pennies", (), no_pennies)))
    assert [result.name for result in check(loaded).misses] == ["no pennies"]


def test_an_export_is_a_row(monkeypatch: pytest.MonkeyPatch, loaded: str, tmp_path: Path) -> None:
    def documents(_: Any, name: str, __: Any) -> Documents:
        return iter([("", iter([f"# names {name}\n"]))])

    named = Export(mark="# names", views=("current_transactions",), documents=documents)
    monkeypatch.setitem(EXPORTS, "names", named)  # type: ignore[arg-type]
    assert export(loaded, None, "names", str(tmp_path / "names.txt")) == (1, 1)
    assert (tmp_path / "names.txt").read_text(encoding="utf-8") == "# names tiny\n"


def test_an_export_of_documents_is_a_row_with_its_options(
    monkeypatch: pytest.MonkeyPatch, loaded: str, tmp_path: Path
) -> None:
    def documents(_: Any, name: str, options: Any) -> Documents:
        return iter([(f"{word}.csv", iter([f"{name}\n"])) for word in options["words"].split()])

    letters = Export(
        mark="letters", views=("current_transactions",), documents=documents, folder=True, options={"words": "names"}
    )
    monkeypatch.setitem(EXPORTS, "letters", letters)  # type: ignore[arg-type]
    for words in ("a b", "c"):
        assert export(loaded, None, "letters", str(tmp_path / "out"), {"words": words}).documents == len(
            words.split()
        )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"c.csv", "export.txt"}


def test_a_command_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS["seedbed"], "again", ("seedbed.cli.validate:validate", "Once more."))
    said = CliRunner().invoke(command_line, ["--help"]).output
    assert "Once more." in said
    assert CliRunner().invoke(command_line, ["again", "spec_example"]).exit_code == 0


def test_a_sheet_is_a_row_of_its_app(everywhere: Everywhere, loaded: str) -> None:
    from seedbed.dashboard.content import sheet_content  # noqa: PLC0415
    from seedbed.dashboard.ledger import LedgerLocation, open_ledger  # noqa: PLC0415
    from seedbed.dashboard.state import State  # noqa: PLC0415

    app = catalogue.APPS[0]
    sheet = replace(app.sheets[0], slug="again", title="Once more")
    longer = replace(app, sheets=(*app.sheets, sheet))
    everywhere(catalogue.APPS, (longer, *catalogue.APPS[1:]))
    with open_ledger(LedgerLocation(loaded)) as ledger:
        assert sheet_content(ledger, longer, sheet, State(filters={})).sheet.title == "Once more"


def test_a_further_table_is_a_row_of_the_contract(bank_file: Path) -> None:
    """Every writer and every load has it, and it is read back as it was: see `further_table.py`."""
    script = Path(__file__).with_name("further_table.py")
    done = subprocess.run([sys.executable, str(script), str(bank_file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["csv", "parquet", "sqlite", "duckdb", "script"]
