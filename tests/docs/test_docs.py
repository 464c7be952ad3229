"""The docs: commands run and print what the pages show, made pages are up to date, the site builds."""

import re
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import pytest
from tools.pages import BLOCK, DOCS, SOCKET, rerun, steady
from tools.reference import PAGES

from seedbed.cli.main import seedbed
from tests.databases.servers import postgresql_server, running

ROOT = DOCS.parent
WRITTEN = sorted(path for path in DOCS.glob("*.md") if path.name not in PAGES)
# Blocks that no test runs: a page that stays open, a part of a bank file, a Spark session, another program for hours.
LEFT_ALONE = {"index.md": 1, "dashboard.md": 2, "describe.md": 5, "random-banks.md": 1, "scale.md": 2}


@pytest.mark.parametrize("page", WRITTEN, ids=lambda path: path.stem)
def test_every_command_prints_what_the_page_shows(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    with ExitStack() as ending:
        socket = None
        if SOCKET in text:
            # An empty server, as the page takes it; others have had theirs in the tests' common one.
            socket = str(ending.enter_context(contextmanager(running)(postgresql_server())).folder)
        assert steady(rerun(page, socket)) == steady(text), "run: python tools/pages.py"


@pytest.mark.parametrize("name", PAGES)
def test_pages_that_are_made_from_the_program_are_up_to_date(name: str) -> None:
    assert PAGES[name]() == (DOCS / name).read_text(encoding="utf-8"), "run: python tools/reference.py"


def test_every_block_is_of_a_sort_that_is_run_or_says_that_it_is_only_shown() -> None:
    for page in WRITTEN:
        for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
            run = block["language"] in {"console", "python", "sql"} or block["title"]
            assert run or block["how"] == "shown", f"{page.name}: {block['text'][:60]}"


def test_the_plots_are_drawn_from_what_is_generated_today(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "plots.py", tmp_path], check=True)
    number = re.compile(r"-?[0-9]+\.[0-9]+")
    drawn = sorted(tmp_path.glob("*.svg"))
    assert len(drawn) == 4
    for picture in drawn:
        now, shown = (path.read_text(encoding="utf-8") for path in (picture, DOCS / "pictures" / picture.name))
        assert number.sub("", now) == number.sub("", shown), "run: python tools/plots.py"
        # Another version of the drawing library may round the last place another way.
        places = zip(map(float, number.findall(now)), map(float, number.findall(shown)), strict=True)
        assert all(abs(one - other) < 0.01 for one, other in places), "run: python tools/plots.py"


def test_few_blocks_are_left_alone() -> None:
    found = {}
    for page in WRITTEN:
        alone = [block for block in BLOCK.finditer(page.read_text(encoding="utf-8")) if block["how"] == "shown"]
        if alone:
            found[page.name] = len(alone)
    assert found == LEFT_ALONE


def test_the_navigation_has_every_page() -> None:
    nav = re.search(r"nav:\n((?: +- .*\n)+)", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert nav
    named = re.findall(r": (.*\.md)", nav[1])
    assert sorted(named) == sorted(path.name for path in DOCS.glob("*.md"))


def test_the_site_builds_without_a_warning_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    shutil.copytree(DOCS, tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    zensical = Path(sys.executable).with_name("zensical")
    done = subprocess.run([zensical, "build", "--strict"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    site = tmp_path / "site"
    pages = {path.name: path.read_text(encoding="utf-8") for path in site.glob("*.html")}
    assert len(pages) > len(WRITTEN)
    for name, text in pages.items():
        for link in re.findall(r'(?:href|src)="([^"#]*)(?:#[^"]*)?"', text):
            if link and not re.match(r"[a-z]+:|/", link):
                assert (site / link.split("?")[0]).exists(), f"{name}: {link}"
    for name, text in pages.items():
        for target, anchor in re.findall(r'href="([\w-]+\.html)?#([^"]+)"', text):
            assert f'id="{anchor}"' in pages[target or name], f"{name}: {target}#{anchor}"


# A command in running text or in a block: seedbed or ./run, then words up to what the shell takes for itself.
COMMAND = re.compile(r"(?:^|`|\$ |&& )(?:\./run|seedbed) ((?!test\b|lint\b|docs`)[a-z-][^`\n|>&#]*)", re.M)
MISTAKES = re.compile(r"<!-- exit 2 -->\n```console\n.*?```", re.S)
SHOWN_COMMANDS = sorted(
    {
        (path.name, words.strip())
        for path in (ROOT / "README.md", *WRITTEN)
        for words in COMMAND.findall(MISTAKES.sub("", path.read_text(encoding="utf-8")))
    }
)


@pytest.mark.parametrize(("page", "words"), SHOWN_COMMANDS, ids=str)
def test_every_command_that_is_named_takes_what_it_is_given(page: str, words: str) -> None:
    command: click.Command = seedbed
    context, rest = click.Context(command, info_name="seedbed"), shlex.split(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command, context = found, click.Context(found, parent=context)
    _, left, _ = command.make_parser(context).parse_args(rest)
    assert not left, f"{page}: {words}"
