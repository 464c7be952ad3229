"""Imports point one way: each package knows those below it, and none above. Names have one meaning."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "seedbed"
FILES = sorted(SOURCE.rglob("*.py"))

# From the ground up; the packages and modules of one line do not know each other.
LAYERS = (
    ("errors", "units", "money", "extras", "notebook"),
    ("bank",),
    ("draw",),
    ("ledger",),
    ("views", "program"),
    ("baseline",),
    ("scenario",),
    ("planting",),
    ("assembly",),
    ("write",),
    ("databases",),
    ("checks", "dashboard"),
    ("exports", "api"),
    ("lockfile",),
    ("commands",),
    ("cli",),
    ("spark", "__main__", "__init__"),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

# What `checks` takes of the code that makes the rows it judges, and why that cannot hide a fault.
SHARED_WITH_CHECKS = {
    "seedbed.program.outline": "the expected rows, which coverage is measured against",
    "seedbed.program.calendar": "the published holidays",
    "seedbed.scenario.plants": "reading the scenario that a dataset stores",
    "seedbed.draw.address": "the version of the format",
    "seedbed.assembly.foundation": "making the rows again, to compare digests",
    "seedbed.assembly.parts": "making the rows again, to compare digests",
}
MAKERS = ("draw", "program", "baseline", "scenario", "planting", "assembly")


def _package(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def _imports(node: ast.AST) -> Iterator[str]:
    """The modules of Seedbed that a file imports, also within functions, but not for types alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.ImportFrom) and (child.module or "").split(".")[0] == "seedbed":
            module = child.module or ""
            names = [alias.name for alias in child.names if alias.name != "__version__"]
            yield from [f"seedbed.{name}" for name in names] if module == "seedbed" else [module]
        elif isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names if alias.name.startswith("seedbed."))
        yield from _imports(child)


def _of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_lead_to_lower_layers_alone(path: Path) -> None:
    mine = _of(path)
    upwards = [
        module
        for module in _imports(ast.parse(path.read_text(encoding="utf-8")))
        if _package(module) != mine and LEVEL[_package(module)] >= LEVEL[mine]
    ]
    assert upwards == []


def test_every_package_has_a_layer() -> None:
    assert {_of(path) for path in FILES} == set(LEVEL)


def test_checks_share_with_the_generator_what_the_table_names_and_nothing_else() -> None:
    taken = {
        module
        for path in (SOURCE / "checks").glob("*.py")
        for module in _imports(ast.parse(path.read_text(encoding="utf-8")))
        if _package(module) in MAKERS
    }
    assert taken == set(SHARED_WITH_CHECKS)


def test_no_two_classes_have_one_name() -> None:
    homes = defaultdict(list)
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(path.name)
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_no_function_is_longer_than_fifty_lines() -> None:
    long = {
        f"{path.name}: {node.name}": node.end_lineno - node.lineno + 1
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.end_lineno is not None and node.end_lineno - node.lineno + 1 > 50
    }
    assert long == {}


def test_dataclasses_of_five_fields_and_more_take_their_names() -> None:
    """In a call with many values of one type, nothing but a name tells an account from a day."""
    loose = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            made = [ast.unparse(d) for d in node.decorator_list] if isinstance(node, ast.ClassDef) else []
            fields = [item for item in node.body if isinstance(item, ast.AnnAssign)] if made else []  # type: ignore[attr-defined]
            dataclass = next((decorator for decorator in made if decorator.startswith("dataclass")), None)
            if dataclass is not None and len(fields) >= 5 and "kw_only=True" not in dataclass:
                loose.append(f"{path.name}: {node.name}")  # type: ignore[attr-defined]
    assert loose == []
