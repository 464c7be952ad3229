"""The report: all sheets in one file that needs nothing else, written whole or not at all."""

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from seedbed.cli.main import run
from seedbed.dashboard.catalogue import SHEETS
from seedbed.dashboard.report import REPORT_ROWS

from .hostile import hostile_database
from .reading import number, read_page

FEW_MEGABYTES = 3_000_000


@pytest.fixture(scope="module")
def report(loaded: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert run(["report", loaded("harbor_trust"), "-o", str(path), "--answer-key", "--quiet"]) == 0
    assert path.stat().st_size < FEW_MEGABYTES
    return path.read_text(encoding="utf-8")


def test_it_has_every_sheet_with_its_rows(report: str) -> None:
    page = read_page(re.sub(r"<(script|style)>.*?</\1>", "", report, flags=re.DOTALL))
    sections = [found["id"] for tag, found in page.elements if tag == "section" and found.get("class") == "sheet"]
    assert sections == [sheet.slug for _, sheet in SHEETS.values()]
    assert {link.removeprefix("#") for link in page.links} == {*sections, "main"}
    assert max(len(table) for table in page.tables) == 1 + REPORT_ROWS
    assert number(page.figures["Missing children"]) == 18


def test_nothing_in_it_comes_from_elsewhere(report: str) -> None:
    head = report.split("<script>", maxsplit=1)[0]
    assert not re.search(r"""(src|href)=["']?(https?:|//|/)""", head)
    assert "@import" not in report and "url(" not in head
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', report)
    assert policy is not None
    words = policy[1].replace("&#39;", "'")
    assert words.startswith("default-src 'none'; ")
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", report, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in words


def test_names_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    assert run(["report", hostile_database(tmp_path), "-o", str(path), "--quiet"]) == 0
    text = path.read_text(encoding="utf-8")
    assert text.count("<script>") == 1
    page = read_page(re.sub(r"<(script|style)>.*?</\1>", "", text, flags=re.DOTALL))
    assert not [tag for tag, _ in page.elements if tag in ("img", "iframe", "object")]
    assert not [name for _, found in page.elements for name in found if name.startswith("on")]


def test_it_replaces_a_report_and_nothing_else(
    loaded: Callable[..., str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    url = loaded("spec_example")
    path = tmp_path / "report.html"
    for _ in range(2):
        assert run(["report", url, "-o", str(path), "--quiet"]) == 0
    path.write_text("something of mine")
    assert run(["report", url, "-o", str(path)]) == 3
    assert "exists, and Seedbed did not write it" in capfd.readouterr().err
    assert path.read_text() == "something of mine"
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]


def test_a_database_that_is_not_there_leaves_no_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["report", f"duckdb:///{tmp_path}/gone.duckdb", "-o", str(tmp_path / "report.html")]) == 3
    assert capfd.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
