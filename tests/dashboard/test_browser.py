"""The dashboard in a real browser: every sheet opens cleanly, shows what the views hold, and can be worked with."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from seedbed.dashboard.catalogue import SHEETS

from .browser import CHROMIUM, Watched, chromium, served, watched

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

PATHS = [f"/{app}/{sheet}" for app, sheet in SHEETS]
# Sheets of which every row is one row of the view.
ROWS = {
    "/l1/drift": "drift",
    "/l1/overdraft": "overdraft",
    "/l1/limit-breach": "limit_breach",
    "/l1/pending-aging": "stuck_pending",
    "/l1/unbundled-aging": "stuck_unbundled",
    "/l1/supersession-audit": "supersession_audit",
}


@dataclass(frozen=True)
class Site:
    """A served bank: its address and its database file."""

    bank: str
    address: str
    file: str

    def count(self, view: str, condition: str = "true") -> int:
        """The rows of one of its views."""
        with duckdb.connect(self.file, read_only=True) as connection:
            [(rows,)] = connection.execute(f"SELECT COUNT(*) FROM {self.bank}_{view} WHERE {condition}").fetchall()
        return int(rows)


@pytest.fixture(scope="module", params=["spec_example", "harbor_trust"])
def site(loaded: Callable[..., str], request: pytest.FixtureRequest) -> Iterator[Site]:
    url = loaded(request.param)
    with served(url) as address:
        yield Site(request.param, address, url.removeprefix("duckdb:///"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def context(browser: Browser) -> BrowserContext:
    return browser.new_context(viewport={"width": 1280, "height": 900})


@pytest.fixture
def view(context: BrowserContext, site: Site) -> Iterator[Watched]:
    found = watched(context)
    yield found
    found.page.close()
    assert found.errors == []
    assert [url for url in found.requests if not url.startswith((site.address, "data:", "blob:"))] == []


def shown_rows(page: Watched) -> str:
    """What the sheet says of its rows, such as `1 to 5 of 5`."""
    return page.page.locator("section.card header .quiet").last.inner_text()


@pytest.mark.parametrize("path", ["/", *PATHS])
def test_every_sheet_opens_without_a_complaint(site: Site, view: Watched, path: str) -> None:
    view.page.goto(site.address + path)
    expect(view.page.locator("h1")).to_be_visible()
    for drawing in view.page.locator("[data-chart]").all():
        expect(drawing.locator("canvas, svg").first).to_be_visible()
    assert view.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


def test_a_drawing_without_room_waits_until_it_has_some(site: Site, view: Watched) -> None:
    view.page.goto(f"{site.address}/l2/l2-exceptions")
    expect(view.page.locator("[data-chart] svg")).to_be_visible()
    for width in ("0", "12px", ""):
        view.page.evaluate("width => { document.querySelector('[data-chart]').style.width = width }", width)
        # Whoever watches a size is told before the next frame is drawn.
        view.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert view.page.locator("[data-chart] svg text").count() > 3


@pytest.mark.parametrize("path", ROWS)
def test_planted_exceptions_are_shown_as_the_views_have_them(site: Site, view: Watched, path: str) -> None:
    view.page.goto(site.address + path)
    rows = site.count(ROWS[path])
    if rows:
        assert shown_rows(view).endswith(f"of {rows:,}")
        assert view.page.locator("section.card tbody tr").count() == min(rows, 50)
    else:
        assert "0" in view.page.locator("main").inner_text()


def test_the_broken_rail_is_the_tallest_bar(site: Site, view: Watched) -> None:
    view.page.goto(f"{site.address}/l2/l2-exceptions")
    bars = view.page.locator("#drawing tbody tr").all()
    counts = [sum(int(text.replace(",", "")) for text in bar.locator(".figure").all_text_contents()) for bar in bars]
    first, *others = counts
    assert first == max(counts)
    assert first > 2 * max(others, default=0)


def test_the_fanout_is_on_its_sheet(site: Site, view: Watched) -> None:
    with duckdb.connect(site.file, read_only=True) as connection:
        recipients = connection.execute(
            f"SELECT key FROM {site.bank}_answer_key WHERE place = 'recipient_fanout' AND item = 'view'"
        ).fetchall()
    view.page.goto(f"{site.address}/investigation/recipient-fanout")
    for (key,) in recipients:
        assert key.split("/")[0] in view.page.locator("main").inner_text()


def test_a_row_leads_to_the_days_account_and_back(site: Site, view: Watched) -> None:
    view.page.goto(f"{site.address}/l1/drift")
    view.page.locator("section.card tbody a").first.click()
    expect(view.page.locator("h1")).to_be_visible()
    assert "/account-day" in view.page.url
    view.page.go_back()
    assert view.page.url.endswith("/l1/drift")


def test_a_filter_narrows_the_rows_and_stays_in_the_address(site: Site, view: Watched) -> None:
    view.page.goto(f"{site.address}/l1/drift")
    day = view.page.locator("section.card tbody tr td").first.inner_text()
    view.page.fill("input[name=from]", day)
    view.page.fill("input[name=to]", day)
    view.page.click("form.filters button")
    assert f"from={day}" in view.page.url
    rows = site.count("drift", f"business_day = DATE '{day}'")
    assert shown_rows(view).endswith(f"of {rows}")


def test_the_answer_key_is_laid_over_the_exceptions(site: Site, view: Watched) -> None:
    view.page.goto(f"{site.address}/l1/drift")
    view.page.click("text=Show the answer key")
    assert "key=1" in view.page.url
    with duckdb.connect(site.file, read_only=True) as connection:
        plants = connection.execute(
            f"SELECT DISTINCT plant_id FROM {site.bank}_answer_key WHERE place = 'drift' AND item = 'view'"
        ).fetchall()
    for (plant,) in plants:
        assert plant in view.page.locator("main").inner_text()


def test_the_download_has_every_row(site: Site, view: Watched, tmp_path: Path) -> None:
    view.page.goto(f"{site.address}/l1/pending-aging")
    with view.page.expect_download() as download:
        view.page.click("text=Download CSV")
    download.value.save_as(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as stream:
        assert len(list(csv.reader(stream))) - 1 == site.count("stuck_pending")


def test_the_keyboard_alone_reaches_sheet_filter_and_row(site: Site, view: Watched) -> None:
    view.page.goto(f"{site.address}/l1/drift")
    view.page.keyboard.press("Tab")
    assert view.page.evaluate("document.activeElement.className") == "skip"
    reached: set[str] = set()
    for _ in range(120):
        view.page.keyboard.press("Tab")
        reached.add(view.page.evaluate("document.activeElement.tagName + ':' + (document.activeElement.name || '')"))
        if view.page.evaluate("document.activeElement.closest('section.card tbody') !== null"):
            break
    view.page.keyboard.press("Enter")
    view.page.wait_for_url("**/account-day*")
    assert {"INPUT:from", "INPUT:account", "SELECT:role"} <= reached


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_screens_and_both_schemes_are_readable(
    site: Site, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    with browser.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme) as narrow:
        found = watched(narrow)
        for path in ("/", "/l1/drift", "/l2/l2-exceptions"):
            found.page.goto(site.address + path)
            assert found.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), path
        paint = "getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).slice(0, 3).map(Number)"
        assert (sum(found.page.evaluate(paint)) < 3 * 128) == (scheme == "dark")
        assert found.errors == []


def test_it_works_without_scripts(site: Site, browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False) as plain:
        page = plain.new_page()
        page.goto(f"{site.address}/l1/drift")
        page.fill("input[name=account]", "nobody")
        page.click("form.filters button")
        assert "0" in page.locator("main").inner_text()
        page.goto(f"{site.address}/l2/l2-exceptions")
        assert page.locator("#drawing tbody tr").count() > 0
