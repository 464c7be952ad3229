"""Shells complete commands, options and banks; the script that tells them how is accepted by the shell itself."""

import subprocess
import sys

import pytest

from seedbed.cli.main import run


def answered(words: str) -> set[str]:
    """What the last word of a command line may become, as the bash script asks for it."""
    count = len(words.split(" ")) - 1
    done = subprocess.run(
        [sys.executable, "-m", "seedbed"],
        env={"_SEEDBED_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "some"),
    [
        ("seedbed ch", {"plain,check"}),
        ("seedbed data ", {"plain,apply", "plain,refresh", "plain,clean"}),
        ("seedbed data apply --bas", {"plain,--baseline-only"}),
        ("seedbed data apply --dialect post", {"plain,postgresql"}),
        ("seedbed plan har", {"plain,harbor_trust"}),
        ("seedbed demo spec", {"plain,spec_example"}),
        ("seedbed data refresh URL --bank har", {"plain,harbor_trust"}),
        ("seedbed init ba", {"file,ba"}),
        ("seedbed plan tiny --scenario pl", {"file,pl"}),
        ("seedbed data apply tiny -o ou", {"file,ou"}),
        ("seedbed score URL --detections fou", {"file,fou"}),
    ],
)
def test_the_last_word_is_completed(words: str, some: set[str]) -> None:
    assert answered(words) == some


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script(shell: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert f"_SEEDBED_COMPLETE={shell}_complete" in capfd.readouterr().out


def test_bash_takes_its_script(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", "bash"]) == 0
    script = f"{capfd.readouterr().out}\ncomplete -p seedbed"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert "_seedbed_completion" in done.stdout
