"""What pyproject.toml asks for is what CI installs as the lowest of each."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOWEST = ROOT / ".ci" / "lowest.txt"
# Tools that look at the code, and types for one of them: no program runs with them.
TOOLS = {"mypy", "ruff", "types-PyMySQL", "types-PyYAML", "zensical"}


def bounds(requirements: list[str]) -> dict[str, str]:
    """Name → lower bound."""
    found = {}
    for requirement in requirements:
        match = re.fullmatch(r"([A-Za-z0-9.-]+(?:\[[a-z]+\])?)[>=]=([0-9.]+)", requirement)
        assert match, requirement
        found[match[1]] = match[2]
    return found


def test_the_lowest_versions_are_the_lower_bounds() -> None:
    lines = [line for line in LOWEST.read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    pinned = bounds(lines)
    asked: dict[str, str] = {}
    for requirements in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        for name, version in bounds(requirements).items():
            assert asked.setdefault(name, version) == version, f"{name} has two lower bounds"
    wanted = {name: version for name, version in asked.items() if name not in TOOLS}
    assert pinned.keys() - {"httpx"} == wanted.keys()
    for name, version in wanted.items():
        assert re.sub(r"(\.0)+$", "", pinned[name]) == re.sub(r"(\.0)+$", "", version), name


@pytest.mark.parametrize("name", sorted(PROJECT["optional-dependencies"]))
def test_the_developers_have_every_extra(name: str) -> None:
    developers = bounds(PROJECT["optional-dependencies"]["dev"])
    assert bounds(PROJECT["optional-dependencies"][name]).keys() <= developers.keys()
