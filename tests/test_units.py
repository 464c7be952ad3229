"""The core says what its whole numbers mean: a bare `int` or `Integers` is a count, a code or a number of its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedbed import units

SOURCE = Path(__file__).parents[1] / "src" / "seedbed"
CORE = ("program", "draw", "baseline", "scenario", "planting", "assembly")
FILES = sorted(path for folder in CORE for path in (SOURCE / folder).glob("*.py"))
BARE = frozenset(("int", "Integers"))


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Fields that are bare whole numbers: how many of something there are.
COUNTS = _names(
    """
    amount_multiplier announced baseline block_count blocks broken_count business_days count counts days_ago
    expected_balances expected_parents expected_script_bytes expected_transactions factor parents plant rows shared
    spenders taken together units unspent window_days
    """
)
# A leg's or a firing's number among its like, how far a choice is turned, the sign of an amount.
NUMBERS = _names("base_seed breaks firing_seq fixed leg number place plant_numbers sign turn turns")
# Places in a table that stands beside them in the same class or module.
CODES = _names("able chain chains firing kind members parent_place status supersedes")
# What belongs to one algorithm alone: a rule of the calendar, fixed-point parameters, calls of processes, and periods
# in which firings are counted.
PRIVATE = _names(
    """
    _Holiday.day _Holiday.first _Holiday.last _Holiday.month _Holiday.nth _Holiday.weekday
    Lognormal.centre Lognormal.slope LogUniform.start LogUniform.span Poisson.first
    Counted.least Counted.most Monthly.day Periods.size Periods.start Planned.unit
    FiringContext.source _Calls.coming _Calls.done _Calls.waiting
    """
)
# Parameters of these names have one meaning everywhere, so none of them is a bare number.
MEANINGS = _names(
    "account accounts cap ceiling cents day entry prefer second seconds settled spent tick transfer unit wanted"
)


def _is_bare(annotation: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id in BARE for node in ast.walk(annotation))


def _bare_fields(path: Path) -> Iterator[tuple[str, str]]:
    """The fields of dataclasses and named tuples that are bare numbers, with their classes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        marks = (
            [ast.unparse(one) for one in (*node.decorator_list, *node.bases)]
            if isinstance(node, ast.ClassDef)
            else []
        )
        if not any(mark.startswith(("dataclass", "NamedTuple")) for mark in marks):
            continue
        for item in node.body:  # type: ignore[attr-defined]
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and _is_bare(item.annotation):
                yield node.name, item.target.id  # type: ignore[attr-defined]


def _bare_parameters(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                # Of how many accounts a bank has, per role.
                counts = one.annotation is not None and ast.unparse(one.annotation).startswith("Mapping[str, int]")
                if one.annotation is not None and _is_bare(one.annotation) and not counts:
                    yield node.name, one.arg


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_fields_of_the_core_say_what_they_mean_or_are_counts(path: Path) -> None:
    listed = COUNTS | NUMBERS | CODES | PRIVATE
    assert [field for field in _bare_fields(path) if not listed & {field[1], ".".join(field)}] == []


def test_every_listed_field_is_there() -> None:
    found = [field for path in FILES for field in _bare_fields(path)]
    assert {name for _, name in found} >= COUNTS | NUMBERS | CODES
    assert {f"{of}.{name}" for of, name in found} >= PRIVATE


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_parameters_with_one_meaning_have_its_type(path: Path) -> None:
    assert [f"{of}({name})" for of, name in _bare_parameters(path) if name in MEANINGS] == []


def test_every_unit_is_used() -> None:
    words = {
        node.id
        for path in SOURCE.rglob("*.py")
        if path.name != "units.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name)
    }
    assert set(units.__all__) - words == set()
