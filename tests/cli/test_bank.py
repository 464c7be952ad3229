"""`seedbed bank convert`: what it says beside the file that it writes."""

import json
from pathlib import Path

import pytest
from tests.bank.tiny import tiny

from seedbed.cli.main import run


@pytest.mark.parametrize(
    ("instance", "target", "said"),
    [
        (None, "second.yaml", "so the name of the bank is now second; it was first\n"),
        (None, "sub/first.yaml", ""),
        ("tiny", "second.yaml", ""),
    ],
)
def test_a_new_file_name_that_names_the_bank_anew_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], instance: str | None, target: str, said: str
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "first.yaml").write_text(json.dumps({**tiny(), "instance": instance}))
    assert run(["bank", "convert", str(tmp_path / "first.yaml"), "-o", str(tmp_path / target)]) == 0
    told = [line for line in capsys.readouterr().out.splitlines(keepends=True) if line.startswith("note")]
    assert [line[-len(said) :] for line in told] == ([said] if said else [])
