"""Every figure and every row of every sheet is what the views have, whatever the filters, on every engine."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.bank.load import load_instance
from seedbed.dashboard.catalogue import SHEETS as ALL_SHEETS
from tests.planting.conftest import ANCHOR

from .conftest import Client
from .reading import number, read_csv, read_page
from .reference import SHEETS, Filters, Ledger, expected

BANKS = Path(__file__).parents[2] / "src" / "seedbed" / "banks"
ENGINES = ("duckdb", "sqlite", "postgresql")


@pytest.fixture(scope="session")
def ledger(loaded: Callable[..., str]) -> Callable[[str], Ledger]:
    """The rows of a bundled bank's views."""

    @cache
    def made(name: str) -> Ledger:
        path = loaded(name).removeprefix("duckdb:///")
        copy = Path(path).with_suffix(".reference")
        copy.write_bytes(Path(path).read_bytes())
        return Ledger(str(copy), load_instance(BANKS / f"{name}.yaml"))

    return made


def test_the_reference_knows_every_sheet() -> None:
    assert set(SHEETS) == {f"/{app}/{sheet}" for app, sheet in ALL_SHEETS}


def as_text(value: Any) -> str:
    """A value of a view as a download writes it."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        # Amounts have two decimals, z-scores four.
        places = -int(value.as_tuple().exponent)
        return f"{value:.{4 if places == 4 else 2}f}"
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)


def agrees(client: Client, ledger: Ledger, engine: str, path: str, filters: Filters) -> None:
    wanted = expected(ledger, path, filters)
    parameters = {name: str(value) for name, value in filters.items()}
    web = client(ledger.bank.instance, engine)
    response = web.get(path, params=parameters)
    assert response.status_code == 200, response.text
    page = read_page(response.text)
    shown = [number(text) for text in page.figures.values()]
    for found, figure in zip(shown, wanted.figures, strict=False):
        assert found == figure
    assert len(shown) >= len(wanted.figures)

    lines = read_csv(web.get(f"{path}.csv", params=parameters).text)
    app, slug = path.strip("/").split("/")
    columns = [c.name for c in ALL_SHEETS[app, slug][1].columns]
    compared = [name for name in columns if not wanted.rows or name in wanted.rows[0]]
    assert len(compared) >= len(columns) - 2
    found_rows = sorted(tuple(line[name] for name in compared) for line in lines)
    assert found_rows == sorted(tuple(as_text(row[name]) for name in compared) for row in wanted.rows)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", SHEETS)
def test_a_sheet_without_filters_shows_its_views(
    client: Client, ledger: Callable[[str], Ledger], engine: str, path: str
) -> None:
    agrees(client, ledger("spec_example"), engine, path, {})


@pytest.mark.parametrize("path", SHEETS)
def test_a_sheet_of_the_larger_bank_shows_its_views(
    client: Client, ledger: Callable[[str], Ledger], path: str
) -> None:
    agrees(client, ledger("harbor_trust"), "duckdb", path, {})


def states(ledger: Ledger) -> st.SearchStrategy[dict[str, Any]]:
    """Filters that find something, and such that find nothing."""
    bank = ledger.bank
    days = st.integers(-92, 2).map(lambda n: ANCHOR + timedelta(days=n))
    accounts = sorted({row["account_id"] for row in ledger("current_transactions")})
    roles = sorted({row["account_role"] for row in ledger("current_transactions")})
    return st.fixed_dictionaries(
        {},
        optional={
            "from": days | st.just(date(2029, 11, 29)),
            "to": days,
            "rail": st.sampled_from(
                [declared.name for declared in (*bank.rails, *bank.transfer_templates)]
                + ["OpeningBalance", "no such rail"]
            ),
            "account": st.sampled_from([*accounts, "cust-001", "cust-002", "nobody' OR 1=1 --"]),
            "role": st.sampled_from([*roles, "%s ? :role {value}"]),
        },
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("bank", ["spec_example", "harbor_trust"])
def test_sheets_agree_with_the_views_in_every_state(
    client: Client, ledger: Callable[[str], Ledger], bank: str, engine: str
) -> None:
    rows = ledger(bank)

    @settings(max_examples=60 if bank == "spec_example" else 25)
    @given(path=st.sampled_from(sorted(SHEETS)), filters=states(rows))
    def agree(path: str, filters: dict[str, Any]) -> None:
        agrees(client, rows, engine, path, filters)

    agree()


def test_required_chains_miss_what_the_exception_view_says(client: Client, ledger: Callable[[str], Ledger]) -> None:
    page = read_page(client("harbor_trust").get("/l2/chains").text)
    missing = [row for row in ledger("harbor_trust")("chain_exceptions") if row["exception"] == "missing_child"]
    assert number(page.figures["Missing children"]) == len(missing) > 0
