"""What is public is complete, documented and works as the README shows it."""

import ast
import importlib
import pkgutil
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import click
import pytest

import seedbed
from seedbed.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(seedbed.__path__, "seedbed.")
    if not module.name.endswith("__main__")
)


def test_everything_public_can_be_had_from_the_package() -> None:
    for name in seedbed.__all__:
        assert getattr(seedbed, name) is not None
    assert set(dir(seedbed)) == set(seedbed.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = seedbed.nothing


@pytest.mark.parametrize("name", MODULES)
def test_all_names_exactly_what_other_modules_use(name: str) -> None:
    module = importlib.import_module(name)
    public = getattr(module, "__all__", None)
    if public is None:
        assert name.count(".") == 1 and hasattr(module, "__path__"), "only packages may do without __all__"
        return
    assert len(set(public)) == len(public)
    for item in public:
        assert hasattr(module, item), item


def test_a_wheel_has_every_file_of_the_package() -> None:
    with (ROOT / "pyproject.toml").open("rb") as stream:
        patterns = tomllib.load(stream)["tool"]["setuptools"]["package-data"]["seedbed"]
    package = ROOT / "src" / "seedbed"
    packed = {path for pattern in patterns for path in package.glob(pattern)}
    there = {path for path in package.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}}
    assert there == packed
    folders = {path.parent for path in package.rglob("*.py")}
    assert all((folder / "__init__.py").exists() for folder in folders)


def imported_names(module: ModuleType) -> set[tuple[str, str]]:
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    return {
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("seedbed.")
        for alias in node.names
    }


def test_no_module_reaches_for_a_private_name_of_another() -> None:
    found = [
        f"{name}: {home}.{item}"
        for name in MODULES
        for home, item in imported_names(importlib.import_module(name))
        if item.startswith("_") and not item.startswith("__")
    ]
    assert not found


def commands() -> list[tuple[list[str], click.Command]]:
    result = []
    for group, table in COMMANDS.items():
        for name, (home, _) in table.items():
            if home:
                module, _, attribute = home.partition(":")
                command = getattr(importlib.import_module(module), attribute)
                result.append(([name] if group == "seedbed" else [group, name], command))
    return result


@pytest.mark.parametrize(
    ("path", "command"), commands(), ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_every_option_is_documented(path: list[str], command: click.Command) -> None:
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{path}: {parameter.name}"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def shell_commands() -> list[str]:
    lines = [line.split(" #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("./run ") and line != "./run test"]


@pytest.mark.parametrize("line", shell_commands())
def test_the_commands_of_the_readme_work(line: str, tmp_path: Path) -> None:
    bank = ROOT / "src" / "seedbed" / "banks" / "spec_example.yaml"
    (tmp_path / "my-bank.yaml").write_bytes(bank.read_bytes())
    line = line.replace("./run", f"{shlex.quote(sys.executable)} -m seedbed")
    done = subprocess.run(["sh", "-ec", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_the_python_of_the_readme_works(tmp_path: Path) -> None:
    (code,) = blocks("python")
    bank = ROOT / "src" / "seedbed" / "banks" / "spec_example.yaml"
    code = code.replace("src/seedbed/banks/spec_example.yaml", str(bank))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "spec_example.duckdb").exists()


def test_the_output_in_the_readme_is_what_the_demo_prints(tmp_path: Path) -> None:
    (shown,) = re.findall(r"<!-- output: (.*?) -->\n```\n(.*?)```", README, flags=re.DOTALL)
    line = shown[0].replace("./run", f"{shlex.quote(sys.executable)} -m seedbed")
    done = subprocess.run(["sh", "-ec", line], cwd=tmp_path, capture_output=True, text=True, check=True)
    printed = iter(done.stdout.splitlines())
    # An ellipsis stands for lines that are left out; what is shown comes in the order in which it is printed.
    missing = [line for line in shown[1].splitlines() if line != "…" and line not in printed]
    assert not missing
