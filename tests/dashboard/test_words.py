"""Every term is explained, every figure has its form, and a link says what its state says."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.dashboard import records
from seedbed.dashboard.catalogue import APPS, SHEETS
from seedbed.dashboard.figures import exact, shown
from seedbed.dashboard.glossary import GLOSSARY
from seedbed.dashboard.state import FILTERS, State, read_cursor, read_state, written_cursor

LATER_TERMS = {
    "Answer key",
    "Listed",
    "Not listed",
    "Not found",
    "Opening",
    "Credits",
    "Debits",
    "Children",
    "Closing",
}


def _titled(value: object) -> list[tuple[str, str, str]]:
    """The columns of a table of a record; nothing of another constant."""
    pairs = value if isinstance(value, tuple) else ()
    return [column for column in pairs if isinstance(column, tuple) and len(column) == 3]


def test_the_glossary_explains_every_term_and_no_other() -> None:
    used = {column.title for _, sheet in SHEETS.values() for column in sheet.columns}
    used |= {figure.title for _, sheet in SHEETS.values() for figure in sheet.figures}
    used |= {title for name, columns in vars(records).items() if name.isupper() for _, title, _ in _titled(columns)}
    assert {"Leg rails", "Expected"} <= used
    assert used <= GLOSSARY.keys()
    assert GLOSSARY.keys() - used <= LATER_TERMS
    assert all(words.endswith((".", "…")) and len(words) < 140 for words in GLOSSARY.values())


def test_the_apps_have_the_sheets_that_the_plants_surface_on() -> None:
    assert [(app.title, [sheet.title for sheet in app.sheets]) for app in APPS] == [
        (
            "L1 reconciliation",
            [
                *("Today's Exceptions", "Drift", "Overdraft", "Limit Breach", "Pending Aging", "Unbundled Aging"),
                *("Supersession Audit", "Daily Statement", "Transactions"),
            ],
        ),
        ("L2 flow tracing", ["L2 Exceptions", "Rails", "Chains", "Transfer Templates"]),
        ("Investigation", ["Recipient Fanout", "Volume Anomalies", "Money Trail", "Account Network"]),
    ]


@pytest.mark.parametrize(
    ("value", "kind", "text", "download"),
    [
        (123456789, "money", "1,234,567.89", "1234567.89"),
        (-5, "money", "\u22120.05", "-0.05"),
        (0, "money", "0.00", "0.00"),
        (1234567, "count", "1,234,567", "1234567"),
        (None, "money", "–", ""),
        (Decimal("-0.7693"), "ratio", "\u22120.77", "-0.7693"),
        (date(2029, 12, 1), "day", "2029-12-01", "2029-12-01"),
        (datetime.fromisoformat("2029-12-01T09:05:00"), "moment", "2029-12-01 09:05:00", "2029-12-01 09:05:00"),
        (90_061, "age", "1 d \u20071 h", "90061"),
        (3_660, "age", "1 h \u20071 min", "3660"),
        (59, "age", "0 min", "59"),
        ("stuck_pending", "word", "Stuck pending", "stuck_pending"),
        (1, "flag", "yes", "1"),
        ("<b>", "text", "<b>", "<b>"),
    ],
)
def test_a_value_has_one_form(value: object, kind: str, text: str, download: str) -> None:
    assert (shown(value, kind), exact(value, kind)) == (text, download)  # type: ignore[arg-type]


texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60).map(str.strip).filter(bool)


@given(
    filters=st.fixed_dictionaries(
        {}, optional={name: st.dates() if name in ("from", "to") else texts for name in FILTERS}
    ),
    key=st.booleans(),
    pick=texts | st.just(""),
)
def test_a_link_says_the_whole_state(filters: dict[str, str | date], key: bool, pick: str) -> None:
    from urllib.parse import parse_qsl, urlsplit  # noqa: PLC0415 - only here

    state = State(filters, key, pick)
    read = read_state(parse_qsl(urlsplit(state.link("/l1/drift", pick=pick)).query, keep_blank_values=True))
    assert (dict(read.filters), read.answer_key, read.pick) == (filters, key, pick)


@given(st.integers(0, 10**9), st.integers(-(2**53), 2**53), st.dates(), texts, st.datetimes())
def test_a_cursor_names_its_row(position: int, cents: int, day: date, text: str, moment: datetime) -> None:
    kinds = ["money", "day", "text", "moment", "count"]
    read = read_cursor(written_cursor(position, [cents, day, text, moment, 7]), kinds)
    assert read == (position, [Decimal(cents) / 100, day, text, moment, 7])
