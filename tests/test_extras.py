"""The advice about a missing extra works from a wheel and from a checkout."""

import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import seedbed
from seedbed.databases import drivers
from seedbed.errors import TargetError
from seedbed.extras import install_command

PACKAGE = Path(seedbed.__file__).parent
CHECKOUT = PACKAGE.parents[1]
# pip says what it would do, without a network.
OFFLINE = ["--dry-run", "--no-deps", "--no-index", "--no-build-isolation", "--quiet", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a wheel leaves it: its folder among other packages, and no checkout around it."""
    folder = tmp_path_factory.mktemp("site-packages")
    shutil.copytree(PACKAGE, folder / "seedbed", ignore=shutil.ignore_patterns("__pycache__", "echarts", "banks"))
    return folder


def test_a_checkout_installs_itself_with_the_extra() -> None:
    command = shlex.split(install_command("postgresql"))
    assert command == [sys.executable, "-m", "pip", "install", "-e", f"{CHECKOUT}[postgresql]"]


def test_an_installed_package_is_named(installed: Path) -> None:
    lines = (
        "import sys",
        f"sys.path.insert(0, {str(installed)!r})",
        "from seedbed.extras import install_command",
        "print(install_command('mysql'))",
    )
    done = subprocess.run([sys.executable, "-S", "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert shlex.split(done.stdout) == [sys.executable, "-m", "pip", "install", "seedbed[mysql]"]


def test_a_folder_called_src_without_a_project_is_no_checkout(tmp_path: Path) -> None:
    assert " -e " not in install_command("mysql", tmp_path / "src" / "seedbed")


@pytest.mark.parametrize("extra", ["postgresql", "mysql", "oracle", "calendars", "dashboard"])
def test_the_checkout_has_the_extra(extra: str) -> None:
    folder, _, rest = shlex.split(install_command(extra))[-1].partition("[")
    project = tomllib.loads((Path(folder) / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert rest == f"{extra}]"
    assert extra in project["optional-dependencies"]


def test_pip_takes_the_advice_of_an_installed_package(installed: Path) -> None:
    command = shlex.split(install_command("postgresql", installed / "seedbed"))
    done = subprocess.run([*command, *OFFLINE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "does not provide the extra" not in done.stderr


def test_a_missing_driver_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(TargetError) as raised:
        drivers.DRIVERS["postgresql"].loaded()
    assert str(raised.value) == f"PostgreSQL needs the package psycopg: {install_command('postgresql')}"
