"""Generation code calls nothing whose result differs between processors, NumPy versions, runs or time zones."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "seedbed"
FILES = sorted(path for folder in ("draw", "plan", "baseline") for path in (SOURCE / folder).glob("*.py"))

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
    "builtins": {"hash", "id", "set", "vars"},
    "methods": {"today", "now", "utcnow", "fromtimestamp", "pow"},
}
# `set` and `float` are fine where no order or value leaves them: these places were looked at one by one.
ALLOWED_SETS = {"program.py", "entries.py", "system.py"}
# Here all keys are distinct, so every sort gives the same order.
ALLOWED_QUICKSORTS = {"entries.py", "rows.py", "balance_rows.py"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_forbidden_is_called(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = (
                {alias.name.split(".")[0] for alias in node.names}
                if isinstance(node, ast.Import)
                else {(node.module or "").split(".")[0]}
            )
            found += [f"line {node.lineno}: import {name}" for name in names & FORBIDDEN_CALLS["modules"]]
        if (
            isinstance(node, ast.Attribute)
            and ast.unparse(node.value) == "np"
            and node.attr in FORBIDDEN_CALLS["numpy"]
        ):
            found.append(f"line {node.lineno}: np.{node.attr}")
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if name in FORBIDDEN_CALLS["builtins"] and path.name not in ALLOWED_SETS:
                found.append(f"line {node.lineno}: {name}()")
            if method in FORBIDDEN_CALLS["methods"]:
                found.append(f"line {node.lineno}: .{method}()")
            kinds = {"stable", *(["quicksort"] if path.name in ALLOWED_QUICKSORTS else [])}
            stable = any(k.arg == "kind" and getattr(k.value, "value", "") in kinds for k in node.keywords)
            if method in ("argsort", "sort") and not stable and name != "sorted":
                found.append(f"line {node.lineno}: {method} that is not stable")
    assert not found, "\n".join(found)
