"""Pages lead where they say, page through all rows once, keep their state, and say everything as text."""

import json
import re
from collections import Counter
from urllib.parse import parse_qsl, urlsplit

import pytest

from seedbed.dashboard import selection
from seedbed.dashboard.catalogue import APPS, SHEETS

from .conftest import Client
from .reading import number, read_csv, read_page

PATHS = [f"/{app}/{sheet}" for app, sheet in SHEETS]
BANKS = ("spec_example", "harbor_trust")


@pytest.mark.parametrize("bank", BANKS)
@pytest.mark.parametrize("path", ["/", *PATHS])
def test_every_link_of_a_page_leads_somewhere(client: Client, bank: str, path: str) -> None:
    web = client(bank)
    page = read_page(web.get(path, params={"key": "1"}).text)
    seen: Counter[str] = Counter()
    for link in dict.fromkeys(page.links):
        kind = urlsplit(link).path
        seen[kind] += 1
        if link.startswith("#") or seen[kind] > 2 or (path != "/" and kind in PATHS and kind != path):
            continue  # two of each sort are enough, and the list of sheets is the same on every page
        response = web.get(link.split("#")[0])
        assert response.status_code == 200, link
        if "key=1" not in link:
            assert kind == path, f"{link} loses the state"  # the toggle itself


@pytest.mark.parametrize("path", PATHS)
def test_links_carry_the_whole_state(client: Client, path: str) -> None:
    state = {
        "from": "2029-10-05",
        "to": "2029-12-30",
        "rail": "CustomerInboundACH",
        "role": "CustomerDDA",
        "key": "1",
    }
    page = read_page(client("harbor_trust").get(path, params=state).text)
    nav = [link for link in page.links if urlsplit(link).path in PATHS and not link.endswith(".csv")]
    kept = [dict(parse_qsl(urlsplit(link).query)) for link in nav]
    assert sum(state.items() <= found.items() for found in kept) >= len(PATHS)
    hidden = {f["name"]: f["value"] for tag, f in page.elements if tag == "input" and f.get("type") == "hidden"}
    shown = {f["name"] for tag, f in page.elements if tag in ("input", "select") and "name" in f}
    assert state.keys() <= shown
    assert hidden["key"] == "1"


@pytest.mark.parametrize("engine", ["duckdb", "sqlite", "postgresql"])
@pytest.mark.parametrize("path", PATHS)
def test_pages_have_every_row_once_in_the_order_of_the_download(client: Client, engine: str, path: str) -> None:
    web, rows, link = client("spec_example", engine), [], f"{path}?from=2029-12-20"
    while link:
        page = read_page(web.get(link).text)
        rows += page.tables[-1][1:] if page.tables else []
        (link,) = [a["href"] for tag, a in page.elements if tag == "a" and a.get("rel") == "next"] or [""]
        assert len(rows) < 5_000
    lines = read_csv(web.get(f"{path}.csv?from=2029-12-20").text)
    assert len(rows) == len(lines)
    app, sheet = path.strip("/").split("/")
    kinds = [column.kind for column in SHEETS[app, sheet][1].columns]
    for shown, line in zip(rows, lines, strict=True):
        for text, value, kind in zip(shown, line.values(), kinds, strict=True):
            if kind in ("money", "count"):
                assert number(text) == number(value)
            elif kind in ("text", "day", "moment"):
                assert text == (value or "–")


def test_a_download_of_many_pages_has_every_row_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    web = client("spec_example")
    whole = web.get("/l1/transactions.csv?to=2029-10-10").text
    monkeypatch.setattr("seedbed.dashboard.app.CSV_ROWS", 7)
    assert web.get("/l1/transactions.csv?to=2029-10-10").text == whole
    assert whole.count("\r\n") > 1_000


@pytest.mark.parametrize("bank", BANKS)
@pytest.mark.parametrize("path", PATHS)
def test_a_drawing_has_its_numbers_as_text(client: Client, bank: str, path: str) -> None:
    page = read_page(client(bank).get(path).text)
    for text in page.charts:
        chart = json.loads(text)
        drawn = sorted(value for series in chart["series"] for value in series["values"] if value)
        drawn = drawn or sorted(link["value"] for link in chart["links"])
        scale = 100 if chart["unit"] == "money" else 1
        cells = [number(cell) for line in page.tables[0][1:] for cell in line]
        written = sorted(cell * scale for cell in cells if cell is not None)
        counts = Counter(written)
        assert not Counter(drawn) - counts


def test_the_broken_rail_is_the_first_and_tallest_bar(client: Client) -> None:
    for bank, rail in (("harbor_trust", "CustomerInboundACH"), ("spec_example", "ExternalRailInbound")):
        chart = json.loads(read_page(client(bank).get("/l2/l2-exceptions").text).charts[0])
        heights = [sum(values) for values in zip(*(s["values"] for s in chart["series"]), strict=True)]
        assert chart["categories"][0] == rail
        assert heights[0] >= 3 * max(heights[1:])


def test_the_planted_fan_out_is_drawn_without_being_asked_for(client: Client) -> None:
    chart = json.loads(read_page(client("harbor_trust").get("/investigation/recipient-fanout").text).charts[0])
    strong = [link["source"] for link in chart["links"] if link["strong"]]
    assert sorted(strong) == [f"from company-{n:03d}" for n in range(1, 13)]
    assert {link["target"] for link in chart["links"]} == {"to"}
    labels = {node["name"]: node["label"] for node in chart["nodes"]}
    assert labels["to"].startswith("cust-001")


def test_another_row_can_be_picked_for_the_drawing(client: Client) -> None:
    web = client("harbor_trust")
    page = read_page(web.get("/investigation/recipient-fanout").text)
    picks = [link for link in page.links if "pick=" in link]
    chart = json.loads(read_page(web.get(picks[2].split("#")[0]).text).charts[0])
    line = page.tables[-1][3]
    assert chart["title"].startswith(f"Who paid {line[1]} on {line[0]}:")


@pytest.mark.parametrize("bank", BANKS)
def test_the_answer_key_agrees_with_every_sheet(client: Client, bank: str) -> None:
    for (app, slug), (_, sheet) in SHEETS.items():
        page = read_page(client(bank).get(f"/{app}/{slug}?key=1").text)
        if not sheet.places:
            assert "Answer key" not in page.text
            continue
        found = dict(re.findall(r"(Listed|Not listed|Not found) ([0-9,]+)", page.text))
        if sheet.is_about_exceptions:
            assert found["Not listed"] == "0"
        assert found.get("Not found", "0") == "0"
        if slug in ("drift", "overdraft", "pending-aging", "recipient-fanout"):
            assert int(found["Listed"]) > 0
            assert any(line[-1].startswith(("drift-", "overdraft-", "stuck_", "inv_")) for line in page.tables[-1])


def test_what_was_not_found_is_said_of_all_rows_alone(client: Client) -> None:
    """The answer key knows no days, so of some of the rows nobody can say what is missing."""
    plain = read_page(client("spec_example").get("/l1/drift?key=1&from=2029-12-20").text)
    assert "Not found" not in plain.text


def test_a_healthy_ledger_says_so(client: Client) -> None:
    web = client("spec_example", "duckdb", "--baseline-only")
    for app in APPS:
        for sheet in app.sheets:
            page = read_page(web.get(f"/{app.slug}/{sheet.slug}").text)
            if sheet.is_about_exceptions:
                assert "0, healthy" in page.text
                assert next(iter(page.figures.values())) == "0"
    overview = read_page(web.get("/").text)
    assert overview.text.count(", healthy") >= 9


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/l2/chains", "The bank declares no chain."),
        ("/l2/chains?role=CustomerSubledger", "The bank declares no chain."),
        ("/l2/transfer-templates?from=2031-01-01", "No row fits the filters."),
        ("/l1/daily-statement?account=ext-summit", "External accounts have legs but no balances"),
        ("/l1/drift?from=2031-01-01", "0, healthy"),
    ],
)
def test_a_sheet_without_rows_says_why(client: Client, path: str, text: str) -> None:
    assert text in read_page(client("spec_example").get(path).text).text


def test_the_filter_by_rail_takes_templates_where_they_have_rows(client: Client) -> None:
    web, template = client("harbor_trust"), "MerchantSettlementCycle"
    page = read_page(web.get("/l2/l2-exceptions", params={"rail": template}).text)
    assert number(page.figures["Exceptions"]) == len(page.tables[-1]) - 1 > 0
    assert f">{template}</option>" in web.get("/l2/l2-exceptions").text
    assert f"This bank has no rail {template}." in web.get("/l1/pending-aging", params={"rail": template}).text


def test_days_that_drift_stand_out_among_the_others(client: Client) -> None:
    page = read_page(client("spec_example").get("/l1/daily-statement").text)
    marked = [found for tag, found in page.elements if tag == "td" and "wrong" in found.get("class", "")]
    assert len(marked) == number(page.figures["Days that drift"]) == 5
    assert "A dot marks a day that drifts." in page.text


def test_the_account_day_walks_from_opening_to_drift(client: Client) -> None:
    web = client("spec_example")
    drift = read_csv(web.get("/l1/drift.csv").text)[0]
    query = {"of": drift["account_id"], "day": drift["business_day"]}
    page = read_page(web.get("/account-day", params=query).text)
    walk = {line[1]: number(line[2].split(",  ")[0]) for line in page.tables[0] if len(line) == 3}
    assert walk["Opening"] + walk["Credits"] - walk["Debits"] + walk["Children"] == walk["Closing"]  # type: ignore[operator]
    assert walk["Stored"] - walk["Computed"] == walk["Drift"] == number(drift["drift"])  # type: ignore[operator]


@pytest.mark.parametrize("bank", BANKS)
def test_the_legs_of_an_account_day_come_to_its_statement(client: Client, bank: str) -> None:
    web = client(bank)
    for line in read_csv(web.get("/l1/daily-statement.csv?account=cust-011").text)[:20]:
        page = read_page(web.get("/account-day", params={"of": "cust-011", "day": line["business_day"]}).text)
        legs = [cells for table in page.tables for cells in table if len(cells) == 8 and cells[5] == "Posted"]
        amounts = [number(cells[6]) or 0 for cells in legs]
        assert sum(a for a in amounts if a > 0) == number(line["credits"])
        assert -sum(a for a in amounts if a < 0) == number(line["debits"])


def test_a_leg_leads_to_its_transfer(client: Client) -> None:
    web = client("harbor_trust")
    leg = next(
        line for line in read_csv(web.get("/l1/todays-exceptions.csv").text) if line["kind"] == "stuck_pending"
    )
    response = web.get("/leg", params={"id": leg["view_key"]})
    assert response.url.path == "/transfer"
    assert leg["account_id"] in read_page(response.text).text


def test_a_page_has_a_limited_number_of_rows(client: Client) -> None:
    page = read_page(client("spec_example").get("/l1/transactions").text)
    assert len(page.tables[-1]) == 1 + selection.PAGE_ROWS
