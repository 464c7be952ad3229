"""Runs the pages of docs/ as a reader would, and writes what the commands print into them: python tools/pages.py

Each page has a scratch folder of its own, with the checkout's `benchmarks` in it. In the order of the page: a block
with a title is written as that file; `console` blocks are run line by line, and what they print stands below each
command; `python` and `sql` blocks are run. A comment before a block says how: `<!-- first 8 lines -->` shows no more
of each output, `<!-- quiet -->` nothing, `<!-- on FILE -->` names the DuckDB file of SQL, `<!-- exit 2 -->` the code
that a command ends with, `<!-- shown -->` leaves a block alone. What a page sends to a PostgreSQL server is run where
the tests have one.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(
    r"(?:<!-- (?P<how>[^>]*?) -->\n)?```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)```", re.S
)
# What differs from run to run: seconds, bytes of database files, digests of their encoding.
CHANGING = re.compile(r"[\d,]+ bytes in [\d.]+ s|\b[\d.]+ s\b|\b[\d,.]+ (?:kB|MB)\b", re.M)
# The folder of a PostgreSQL server's socket, as the pages name it.
SOCKET = "/run/postgresql"

QUERY = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=True).sql(sys.argv[2]).fetchall()"


class PageError(Exception):
    """A block that does not run."""


def steady(text: str) -> str:
    """A page or output without what differs from run to run."""
    return CHANGING.sub("…", text)


def rerun(page: Path, socket: str | None = None) -> str:
    """The text of a page with the outputs of its commands made anew. Raises `PageError`.

    `socket` is the folder of a PostgreSQL server's socket; without one, what the page sends there stays as it is.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "benchmarks").symlink_to(DOCS.parent / "benchmarks")
        return BLOCK.sub(lambda block: _block(block, Path(folder), socket), page.read_text(encoding="utf-8"))


def _block(block: re.Match[str], folder: Path, socket: str | None) -> str:
    how, text = block["how"] or "", block["text"]
    if how == "shown" or (SOCKET in text and socket is None):
        return block[0]
    if block["title"]:
        (folder / block["title"]).write_text(text, encoding="utf-8")
    elif block["language"] == "console":
        return block[0].replace(text, "".join(_printed(line, how, folder, socket) for line in _commands(text)))
    elif block["language"] == "python":
        _run([sys.executable, "-c", text], folder)
    elif block["language"] == "sql":
        _run([sys.executable, "-c", QUERY, how.removeprefix("on "), text], folder)
    return block[0]


def _commands(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("$ ")]


def _printed(line: str, how: str, folder: Path, socket: str | None) -> str:
    command = line.removeprefix("$ ").replace(SOCKET, socket or SOCKET)
    code = int(how.removeprefix("exit ")) if how.startswith("exit ") else 0
    output = _run(["sh", "-c", command], folder, code).rstrip("\n").splitlines()
    if how == "quiet":
        output = []
    elif how.startswith("first ") and len(output) > (most := int(how.split()[1])):
        output = [*output[:most], "…"]
    return "".join(f"{text.rstrip()}\n" for text in [line, *output])


def _run(command: list[str], folder: Path, code: int = 0) -> str:
    bin_folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != code:
        raise PageError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    # How far a long command has come is on standard error, and differs from run to run.
    return (done.stdout + (done.stderr if code else "")).replace(f"{folder}/", "")


if __name__ == "__main__":
    from reference import PAGES  # the pages that are made from the program have no commands to run

    for name in sys.argv[1:] or sorted(str(path) for path in DOCS.glob("*.md") if path.name not in PAGES):
        path = Path(name)
        before, after = path.read_text(encoding="utf-8"), rerun(path)
        if steady(before) != steady(after):
            path.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{path.name} written anew\n")
