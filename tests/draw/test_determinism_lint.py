"""Generation code calls nothing whose result differs between processors, NumPy versions, runs or time zones."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "seedbed"
FOLDERS = ("bank", "draw", "program", "baseline", "scenario", "planting", "assembly", "ledger")
FILES = sorted(path for folder in FOLDERS for path in (SOURCE / folder).glob("*.py"))

FORBIDDEN_CALLS = {
    "numpy": {
        "exp",
        "exp2",
        "expm1",
        "log",
        "log2",
        "log10",
        "log1p",
        "power",
        "sqrt",
        "sin",
        "cos",
        "mean",
        "std",
        "var",
        "random",
        "float_power",
        "cbrt",
        "tanh",
        "average",
        "quantile",
        "histogram",
    },
    "modules": {"random", "math", "time", "os", "locale", "secrets", "uuid", "zoneinfo"},
    "builtins": {"hash", "id", "vars"},
    "methods": {"today", "now", "utcnow", "fromtimestamp", "pow"},
}
# Taking the members of a set by these makes an order that can differ from run to run; `sorted` and `len` do not.
TAKE_IN_ORDER = {"list", "tuple", "enumerate", "zip", "iter", "next", "map", "filter", "join", "fromkeys", "array"}
# Looked at one by one: why no row depends on them.
ALLOWED = {
    ("assembly/calibration.py", "import math"): "its square roots are rounded correctly on every processor",
    ("assembly/workers.py", "import os"): "the environment of the processes",
    ("assembly/memory.py", "import os"): "the settings of the allocator",
    ("bank/bundled.py", "import os"): "paths",
    ("bank/load.py", "import os"): "reading the bank file",
    ("planting/outcome.py", "id()"): "a key to look up, never to sort by",
    ("planting/rows.py", "id()"): "a key to look up, never to sort by",
    ("baseline/entries.py", "sort that is not stable"): "all keys are distinct",
    ("baseline/rows.py", "argsort that is not stable"): "all keys are distinct",
    ("baseline/balance_rows.py", "argsort that is not stable"): "all keys are distinct",
}


def _is_set(node: ast.AST) -> bool:
    """Whether an expression is plainly a set."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor):
        return _is_set(node.left) or _is_set(node.right)
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(node, ast.Set | ast.SetComp) or (
        isinstance(called, ast.Name) and called.id in ("set", "frozenset")
    )


def _imports(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    return {(node.module or "").split(".")[0]} if isinstance(node, ast.ImportFrom) else set()


def _calls(node: ast.Call) -> Iterator[str]:
    """What is wrong with a call."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if name in FORBIDDEN_CALLS["builtins"]:
        yield f"{name}()"
    if method in FORBIDDEN_CALLS["methods"]:
        yield f".{method}()"
    keywords = {keyword.arg: getattr(keyword.value, "value", "") for keyword in node.keywords}
    of_numpy = method == "argsort" or "kind" in keywords or ast.unparse(node.func).startswith("np.")
    if method in ("argsort", "sort") and of_numpy and keywords.get("kind") != "stable":
        yield f"{method} that is not stable"
    if (name or method) in TAKE_IN_ORDER and any(_is_set(argument) for argument in node.args):
        yield f"{name or method}() of a set"


def _faults(node: ast.AST) -> Iterator[str]:
    yield from (f"import {name}" for name in sorted(_imports(node) & FORBIDDEN_CALLS["modules"]))
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "np" and node.attr in FORBIDDEN_CALLS["numpy"]:
        yield f"np.{node.attr}"
    if isinstance(node, ast.Call):
        yield from _calls(node)
    in_order = [node.iter] if isinstance(node, ast.For) else []
    if isinstance(node, ast.ListComp | ast.DictComp | ast.GeneratorExp):
        in_order += [generator.iter for generator in node.generators]
    yield from ("iterates over a set" for iterated in in_order if _is_set(iterated))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_forbidden_is_called(path: Path) -> None:
    place = f"{path.parent.name}/{path.name}"
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    found = [
        f"line {getattr(node, 'lineno', 0)}: {fault}"
        for node in nodes
        for fault in _faults(node)
        if (place, fault) not in ALLOWED
    ]
    assert not found, "\n".join(found)


def test_every_folder_has_files_and_every_exception_is_of_one() -> None:
    assert {path.parent.name for path in FILES} == set(FOLDERS)
    places = {f"{path.parent.name}/{path.name}" for path in FILES}
    assert {place for place, _ in ALLOWED} <= places


@pytest.mark.parametrize(
    "code",
    [
        "import random",
        "from time import time",
        "np.exp(x)",
        "hash(x)",
        "date.today()",
        "x.argsort()",
        "np.sort(x)",
        "for a in {1, 2}: pass",
        "[a for a in set(x) | y]",
        "list(frozenset(x))",
        "x.sort(kind='quicksort')",
    ],
)
def test_what_is_forbidden_is_found(code: str) -> None:
    assert [fault for node in ast.walk(ast.parse(code)) for fault in _faults(node)]


@pytest.mark.parametrize(
    "code", ["sorted(set(x))", "len({1})", "x.sort(key=f)", "np.sort(x, kind='stable')", "{*x} & y"]
)
def test_what_is_lawful_is_not(code: str) -> None:
    assert not [fault for node in ast.walk(ast.parse(code)) for fault in _faults(node)]
