"""The set-up script: what it makes, when it makes it again, and that it passes everything on unchanged.

It runs on a copy of the checkout's four files with a stand-in for Python that writes down how it was called, so that
nothing is installed and nothing is fetched.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.waiting import LONG

ROOT = Path(__file__).parents[1]

# Called as `python -m venv FOLDER`, the stand-in puts itself there; as `seedbed` it ends with $STAND_IN_CODE.
STAND_IN = """#!/bin/sh
printf '%s\\n' "$PWD|$*" >>"$STAND_IN_LOG"
case "$*" in
    "-c import sys; sys.exit"*) exit "${STAND_IN_TOO_OLD:-0}" ;;
    "-c "*) echo "$0" ;;
    "-V") echo "Python 3.11.99" ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "-m pip "*) exit "${STAND_IN_PIP:-0}" ;;
    "-m ruff format"*) exit "${STAND_IN_FORMAT:-0}" ;;
    "-P -m seedbed"*)
        shift 3
        for argument in "$@"; do printf '[%s]' "$argument"; done
        exit "${STAND_IN_CODE:-0}"
        ;;
esac
"""


@dataclass
class Checkout:
    """A copy of the script with its neighbours, and the environment that it runs in."""

    root: Path
    log: Path
    settings: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, script: Path | None = None, cwd: Path | None = None) -> "Answer":
        self.log.write_text("")
        done = subprocess.run(
            [str(script or self.root / "run"), *arguments],
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.root), "STAND_IN_LOG": str(self.log)} | self.settings,
            cwd=cwd or self.root,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONG,
        )
        calls = [tuple(line.split("|", 1)) for line in self.log.read_text().splitlines()]
        return Answer(done.returncode, done.stdout, done.stderr, [(folder, call) for folder, call in calls])


@dataclass
class Answer:
    code: int
    out: str
    err: str
    calls: list[tuple[str, str]]

    def called(self, start: str) -> list[str]:
        return [call for _, call in self.calls if call.startswith(start)]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path / "a check out"
    root.mkdir()
    for name in ("run", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, root / name)
    python = tmp_path / "python3.11"
    python.write_text(STAND_IN)
    python.chmod(0o755)
    return Checkout(root, tmp_path / "log", {"SEEDBED_PYTHON": str(python)})


def test_the_first_use_makes_an_environment_with_the_pinned_versions(checkout: Checkout) -> None:
    answer = checkout.run("--help")
    assert answer.code == 0, answer.err
    assert answer.called("-m venv") == [f"-m venv {checkout.root}/.venv"]
    (install,) = answer.called("-m pip")
    assert install.endswith("--constraint constraints.txt --editable .[dashboard,convert]")
    assert "making" in answer.err and "Python 3.11.99" in answer.err


def test_later_uses_start_the_command_and_nothing_else(checkout: Checkout) -> None:
    checkout.run("--help")
    answer = checkout.run("--help")
    assert [call for _, call in answer.calls] == ["-P -m seedbed --help"]
    assert answer.err == ""


def test_arguments_and_exit_codes_pass_through_unchanged(checkout: Checkout) -> None:
    checkout.settings["STAND_IN_CODE"] = "3"
    answer = checkout.run("validate", "a bank.yaml", "", "*", "--accounts", "Role=5", 'a"b', "$HOME")
    assert answer.out == '[validate][a bank.yaml][][*][--accounts][Role=5][a"b][$HOME]'
    assert answer.code == 3


def test_it_works_through_a_link_and_leaves_the_command_in_the_callers_folder(
    checkout: Checkout, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "first").symlink_to(Path("..") / "a check out" / "run")
    (elsewhere / "second").symlink_to("first")
    answer = checkout.run("plan", script=elsewhere / "second", cwd=elsewhere)
    assert answer.code == 0, answer.err
    assert answer.calls[-1] == (str(elsewhere), "-P -m seedbed plan")
    assert (checkout.root / ".venv" / "bin" / "python").exists()


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_project_makes_the_environment_again(checkout: Checkout, name: str) -> None:
    checkout.run("--help")
    left = checkout.root / ".venv" / "left over"
    left.touch()
    with (checkout.root / name).open("a") as file:
        file.write("# changed\n")
    assert checkout.run("--help").called("-m pip")
    assert not left.exists()


def test_a_half_made_environment_is_not_used(checkout: Checkout) -> None:
    checkout.settings["STAND_IN_PIP"] = "1"
    failed = checkout.run("--help")
    assert failed.code == 69 and not failed.called("-P -m seedbed")
    assert "could not install" in failed.err
    checkout.settings["STAND_IN_PIP"] = "0"
    again = checkout.run("--help")
    assert again.code == 0 and again.called("-m venv") and again.called("-m pip")


def test_an_environment_whose_python_is_gone_is_made_again(checkout: Checkout) -> None:
    checkout.run("--help")
    (checkout.root / ".venv" / "bin" / "python").unlink()
    assert checkout.run("--help").called("-m venv")


def test_another_choice_of_python_makes_the_environment_again(checkout: Checkout, tmp_path: Path) -> None:
    checkout.run("--help")
    other = tmp_path / "python3.13"
    shutil.copy(checkout.settings["SEEDBED_PYTHON"], other)
    checkout.settings["SEEDBED_PYTHON"] = str(other)
    assert checkout.run("--help").called("-m venv")
    del checkout.settings["SEEDBED_PYTHON"]
    assert not checkout.run("--help").called("-m venv")


def test_a_folder_that_it_did_not_make_is_never_removed(checkout: Checkout, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("")
    checkout.settings["SEEDBED_VENV"] = str(precious)
    answer = checkout.run("--help")
    assert answer.code == 69
    assert "is not an environment" in answer.err
    assert [entry.name for entry in precious.iterdir()] == ["thesis.txt"]


def test_an_environment_that_somebody_else_made_is_taken_as_it_is(checkout: Checkout) -> None:
    python = checkout.root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    shutil.copy(checkout.settings["SEEDBED_PYTHON"], python)
    answer = checkout.run("--help")
    assert answer.code == 0 and answer.called("-m pip") and not answer.called("-m venv")


def test_the_remains_of_an_environment_are_not_taken_for_one(checkout: Checkout, tmp_path: Path) -> None:
    # What is left of one whose removal was interrupted: its python is a link, and pip would install where that leads.
    remains = tmp_path / "remains"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(remains)], check=True)
    (remains / "pyvenv.cfg").unlink()
    checkout.settings["SEEDBED_VENV"] = str(remains)
    answer = checkout.run("--help")
    assert answer.code == 69
    assert "remove it" in answer.err
    assert "installing" not in answer.err


def test_a_relative_environment_lies_in_the_callers_folder(checkout: Checkout, tmp_path: Path) -> None:
    checkout.settings["SEEDBED_VENV"] = "my env"
    checkout.run("--help", cwd=tmp_path)
    assert (tmp_path / "my env" / "bin" / "python").exists()


def test_without_python_it_says_what_is_missing(checkout: Checkout, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "dirname", "readlink", "cat", "cksum", "mkdir", "rm"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    del checkout.settings["SEEDBED_PYTHON"]
    checkout.settings["PATH"] = str(tools)
    answer = checkout.run("demo")
    assert answer.code == 69
    assert answer.err == "run: no Python 3.11 or later found; install one, or set SEEDBED_PYTHON to its path\n"
    assert {entry.name for entry in checkout.root.iterdir()} == {"constraints.txt", "pyproject.toml", "run"}


def test_a_chosen_python_that_is_too_old_is_refused(checkout: Checkout) -> None:
    checkout.settings["STAND_IN_TOO_OLD"] = "1"
    answer = checkout.run("demo")
    assert answer.code == 69
    assert answer.err.endswith("is not Python 3.11 or later\n")


def test_tests_run_in_the_checkout_with_the_development_extra(checkout: Checkout, tmp_path: Path) -> None:
    checkout.run("--help")
    answer = checkout.run("test", "-k", "some thing", cwd=tmp_path)
    (install,) = answer.called("-m pip")
    assert install.endswith("--editable .[dev]")
    assert answer.calls[-1] == (str(checkout.root), "-m pytest -n auto -m not matrix -k some thing")
    assert not checkout.run("--help").called("-m pip")


def test_lint_runs_every_linter_and_fails_if_one_does(checkout: Checkout) -> None:
    assert checkout.run("lint").code == 0
    checkout.settings["STAND_IN_FORMAT"] = "1"
    answer = checkout.run("lint")
    assert answer.code == 1
    assert [call for _, call in answer.calls] == ["-m ruff check .", "-m ruff format --check .", "-m mypy"]


def test_the_lock_of_a_killed_run_does_not_stop_the_next(checkout: Checkout) -> None:
    lock = checkout.root / ".venv.lock"
    lock.mkdir()
    (lock / "pid").write_text("4194305\n")  # Above every process id of Linux.
    assert checkout.run("--help").code == 0
    assert not lock.exists()
