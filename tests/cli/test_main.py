"""However a command ends, the user reads one line: full outputs, no memory, strange arguments, signals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.waiting import LONG, until

from seedbed.bank import bundled
from seedbed.cli.main import run

SEEDBED = (sys.executable, "-P", "-m", "seedbed")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [
        "--help",
        "validate spec_example",
        "plan spec_example",
        "schema apply spec_example -o -",
        "schema apply spec_example -o {}/schema.sql",
        "data apply spec_example --window-days 3 -o {}/out.sql --dialect sqlite",
        "demo --window-days 3 --folder {}/demo",
    ],
)
def test_a_full_standard_output_is_one_line(arguments: str, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [*SEEDBED, *arguments.format(tmp_path).split()]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=LONG)
    assert (done.returncode, done.stderr) == (3, "seedbed: standard output: No space left on device\n")


@pytest.mark.parametrize(
    "arguments",
    [
        "--help",
        "data apply --help",
        "validate spec_example",
        "plan spec_example",
        "plan spec_example --json",
        "completion bash",
        "docs live-scenario spec_example --anchor 2030-01-01",
        "schema apply spec_example -o - --dialect sqlite",
        "data apply spec_example --window-days 3 -o - --dialect sqlite",
        "data apply spec_example --window-days 3 -o - --dialect postgresql --workers 2",
        "data apply spec_example --window-days 3 -o {}/out.sql --dialect sqlite",
        "demo --window-days 3 --folder {}/demo",
        "init {}/bank.yaml",
        "check duckdb:///{}/bank.duckdb",
        "check duckdb:///{}/bank.duckdb --json",
        "export duckdb:///{}/bank.duckdb --format beancount",
        "data refresh duckdb:///{}/bank.duckdb",
    ],
)
def test_a_reader_that_went_away_ends_a_command_quietly(arguments: str, tmp_path: Path) -> None:
    load = "data apply spec_example --anchor 2030-01-01 --window-days 3 --quiet --to duckdb:///{}/bank.duckdb"
    if "bank.duckdb" in arguments:
        assert run(load.format(tmp_path).split()) == 0
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [*SEEDBED, *arguments.format(tmp_path).split()]
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_endless_recursion_is_no_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(name: str) -> None:
        endless(name)

    monkeypatch.setattr(bundled, "bank_path", endless)
    with pytest.raises(RecursionError):
        run(["plan", "spec_example"])


def test_too_little_memory_is_one_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def exhausted(_name: str) -> Path:
        raise MemoryError

    monkeypatch.setattr(bundled, "bank_path", exhausted)
    assert run(["plan", "spec_example"]) == 3
    assert capfd.readouterr().err == "seedbed: not enough memory; try fewer accounts or a shorter window\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("plan", "spec_example", "--accounts", "A\nB=1"), 2),
        (("plan", "spec_example", "--anchor", "20\n30"), 2),
        (("plan", "spec_example", "--plants", "drift\n=1"), 2),
        (("plan", "spec_example", "--accounts", f"{'x' * 100_000}=1"), 2),
        (("validate", "no\nsuch\x1b[31m.yaml"), 2),
        (("demo", "--folder", "/dev/null/a\nb"), 3),
        (("frob\nnicate",), 2),
    ],
)
def test_a_message_is_one_printable_bounded_line(
    arguments: tuple[str, ...], code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(list(arguments)) == code
    line = capfd.readouterr().err.removesuffix("\n")
    assert line.isprintable()
    assert 0 < len(line) < 1_100


def test_a_terminated_run_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [*SEEDBED, "data", "apply", "harbor_trust", "-o", str(tmp_path / "x.sql"), "--dialect", "sqlite"]
    # Quiet: where the machine is slow there are lines on how far it is.
    size = ["--accounts", "CustomerDDA=3000", "--quiet"]
    with subprocess.Popen([*command, *size], stderr=subprocess.PIPE, text=True) as process:
        try:
            # Rows are being written: the folder alone is there before, too, to see whether it can be made.
            until(lambda: any(path.stat().st_size for path in tmp_path.glob(".seedbed-staging-*/*")))
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=LONG)
        finally:
            process.kill()
    assert (process.returncode, said) == (143, "seedbed: terminated; nothing was left half-written\n")
    assert list(tmp_path.iterdir()) == []


def test_a_request_to_end_that_python_dropped_is_met_at_the_next_part() -> None:
    # An exception that a handler raises within a weak reference's callback goes no further.
    code = """
import os, signal, weakref
from seedbed.cli import signals
from seedbed.cli.report import Progress
signals.listen()
class Thing: pass
thing = Thing()
seen = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))
del thing
print("went on")
try:
    Progress(None, quiet=True)(None)
except signals.Terminated:
    print("ended")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    # Nor does anybody read of it.
    assert (done.stdout, done.stderr) == ("went on\nended\n", "")


def test_a_script_where_a_database_is_asked_for_is_told_how(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "apply", "spec_example", "--to", "ledger.sql"]) == 2
    assert "write a script with -o FILE --dialect postgresql" in capfd.readouterr().err
