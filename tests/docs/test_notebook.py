"""The example notebook: every cell runs, in order, in a process of its own, and it is stored without outputs."""

import ast
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "first_ledger.ipynb"
CELLS: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]

# Runs cells as a notebook does: one after another with the same names; a last line that is a value is shown, in HTML
# if it can be.
RUNNER = """
import ast, json, sys

names, shown = {"__name__": "__main__"}, []
for source in json.load(sys.stdin):
    cell, value = ast.parse(source), None
    last = ast.Expression(cell.body.pop().value) if isinstance(cell.body[-1], ast.Expr) else None
    exec(compile(cell, "cell", "exec"), names)
    if last is not None:
        value = eval(compile(last, "cell", "eval"), names)
        html = getattr(value, "_repr_html_", None)
        shown.append([type(value).__name__, repr(value), html() if html else None])
print("\\n" + json.dumps(shown))
"""


@pytest.fixture(scope="module")
def run() -> tuple[str, list[list[Any]]]:
    """What the cells print, and for each value that is shown its type, text and HTML."""
    command = [sys.executable, "-W", "error", "-c", RUNNER]
    done = subprocess.run(command, input=json.dumps(CODE), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed, _, shown = done.stdout.rstrip("\n").rpartition("\n")
    return printed, json.loads(shown)


def test_every_cell_runs_and_the_ledger_and_the_report_show_themselves(run: tuple[str, list[list[Any]]]) -> None:
    _, shown = run
    by_type = {name: (text, html) for name, text, html in shown}
    assert by_type["Bank"][0].startswith("<Bank spec_example")
    assert "<td>ExternalRailInbound</td>" in by_type["Outline"][1]
    assert by_type["Ledger"][0].startswith("<Ledger of spec_example")
    assert "<table>" in by_type["Ledger"][1]
    assert "everything holds" in by_type["Report"][0]
    assert any(name == "DuckDBPyRelation" and "stuck_pending" in text for name, text, _ in shown)


def test_the_detector_is_precise_and_finds_one_kind_whole(run: tuple[str, list[list[Any]]]) -> None:
    _, shown = run
    [(text, html)] = [(text, html) for name, text, html in shown if name == "Score"]
    assert "precision 100.0%" in text
    assert "<td>stuck_pending</td><td>20</td><td>20</td>" in html
    assert "<td>drift</td><td>5</td><td>0</td>" in html


def test_it_is_stored_without_outputs_and_each_cell_has_its_own_id() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in CELLS if "outputs" in cell)
    assert len({cell["id"] for cell in CELLS}) == len(CELLS)
    assert all(cell["metadata"] == {} for cell in CELLS)


def test_every_step_is_told_before_it_is_shown() -> None:
    kinds = [cell["cell_type"] for cell in CELLS]
    assert kinds[0] == "markdown"
    assert all(before == "markdown" for before, now in pairwise(kinds) if now == "code")


def test_cells_are_plain_python() -> None:
    for source in CODE:
        ast.parse(source)
