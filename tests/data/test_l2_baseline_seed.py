"""The golden locks: digests and SQL and CSV hashes of the bundled banks, byte for byte, under every condition.

A changed lock is a changed dataset for every user: it comes with a line in the changelog that says why. The new
values are what `python tests/data/lock_probe.py` prints; put them into `locks.json`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROBE = HERE / "lock_probe.py"
ROOT = HERE.parents[1]
LOCKS: dict[str, dict[str, str]] = json.loads((HERE / "locks.json").read_text(encoding="utf-8"))


def _lowest(*packages: str) -> dict[str, str]:
    """The versions of these packages in the list of the lowest ones."""
    lines = (ROOT / ".ci" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    return {package: pinned[package] for package in packages}


_OLDEST = _lowest("numpy", "pyarrow", "pydantic", "duckdb")
# Interpreter, and the versions that its oldest supported environment has; None for the newest of everything.
ENVIRONMENTS: dict[str, tuple[str, dict[str, str] | None]] = {
    "3.11-oldest": ("3.11", _OLDEST),
    "3.11-newest": ("3.11", None),
    "3.13-oldest": ("3.13", _OLDEST | {"numpy": "2.1.0"}),  # The first that has packages for Python 3.13.
    "3.13-newest": ("3.13", None),
}


@cache
def probe(
    python: str = sys.executable, groups: int = 1, settings: tuple[tuple[str, str], ...] = ()
) -> Mapping[str, object]:
    """The hashes that an interpreter produces in a process of its own, under these environment variables."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "NPY_", "LC_", "LANG"))}
    found = subprocess.run(
        [python, str(PROBE), str(groups)], env=clean | dict(settings), capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr[-2_000:]
    result: Mapping[str, object] = json.loads(found.stdout)
    return result


def vector_features() -> str:
    """Every processor feature that this NumPy dispatches on: with them off, only its baseline is left."""
    from numpy._core._multiarray_umath import __cpu_dispatch__  # noqa: PLC0415 - there is no public list

    return " ".join(__cpu_dispatch__)


@pytest.mark.parametrize("name", LOCKS)
def test_the_locks_hold(name: str) -> None:
    assert probe()[name] == LOCKS[name]


def test_every_bundled_bank_is_locked_at_both_anchors() -> None:
    for bank in (ROOT / "src" / "seedbed" / "banks").glob("*.yaml"):
        assert {f"{bank.stem}@2030-01-01", f"{bank.stem}@2029-11-14"} <= LOCKS.keys()


def test_the_locks_hold_for_seven_groups_of_blocks() -> None:
    assert probe(groups=7) == LOCKS


CONDITIONS = {
    "without vector instructions": lambda: (("NPY_DISABLE_CPU_FEATURES", vector_features()),),
    "another hash seed": lambda: (("PYTHONHASHSEED", "12345"),),
    "another time zone": lambda: (("TZ", "Pacific/Kiritimati"),),
    "another locale": lambda: (("LC_ALL", "de_DE.UTF-8"), ("LANG", "de_DE.UTF-8")),
    "the C locale": lambda: (("LC_ALL", "C"), ("PYTHONUTF8", "0"), ("PYTHONCOERCECLOCALE", "0")),
    "optimised away assertions": lambda: (("PYTHONOPTIMIZE", "1"),),
}


@pytest.mark.matrix
@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_locks_hold_under(condition: str) -> None:
    assert probe(settings=CONDITIONS[condition]()) == LOCKS


def interpreter(version: str) -> str | None:
    """An interpreter of this version: this one, one on the path, or pyenv's."""
    if sys.version.startswith(version + "."):
        return sys.executable
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}*/bin/python3"), reverse=True)
    for candidate in (shutil.which(f"python{version}"), *map(str, pyenv)):
        # pyenv's stand-ins on the path are found but do not always run.
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


def prepared(environment: str, folder: Path) -> str:
    """The interpreter of a fresh environment with the project and the environment's versions."""
    version, pins = ENVIRONMENTS[environment]
    base = interpreter(version)
    if base is None:
        pytest.skip(f"no Python {version} on this machine")
    subprocess.run([base, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    wanted = [f"{package}=={pin}" for package, pin in (pins or {}).items()]
    upgrade = [] if pins else ["--upgrade"]
    source = folder.with_name("source")  # A copy each: building writes into the source folder.
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    command = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        *upgrade,
        *wanted,
        str(source),
    ]
    installed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stderr[-2_000:]
    return python


@pytest.mark.matrix
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_locks_hold_on(name: str, tmp_path: Path) -> None:
    assert probe(prepared(name, tmp_path / "venv")) == LOCKS
