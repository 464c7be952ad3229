"""Every rule that `validate` can name has an explanation, with the smallest bank that the tests keep."""

import json
from pathlib import Path

import pytest
from tools.reference import examples_file

from seedbed.bank.explanations import EXAMPLES, explanation_of, explanations
from seedbed.cli.main import run
from seedbed.errors import InputError

from .test_messages import ELSEWHERE, rule_ids


def test_every_rule_has_an_explanation_and_no_other_has() -> None:
    assert set(explanations()) == rule_ids() | ELSEWHERE


@pytest.mark.parametrize("name", list(explanations()))
def test_an_explanation_says_what_why_and_how(name: str) -> None:
    found = explanation_of(name)
    for text in (found.wrong, found.why, found.fix):
        assert text.endswith((".", "?"))
        assert text == " ".join(text.split())


def test_the_examples_are_the_tests_smallest_banks() -> None:
    assert EXAMPLES.read_text(encoding="utf-8") == examples_file(), "run: python tools/reference.py"


def test_only_what_a_bank_file_cannot_show_has_no_example() -> None:
    without = {name for name, found in explanations().items() if not found.bank}
    assert without == ELSEWHERE
    assert all(f"[{name}]" in found.said for name, found in explanations().items() if found.bank)


def test_the_command_prints_the_explanation_and_the_example(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["rule", "finding-chains-multiply"]) == 0
    out, found = capfd.readouterr().out, explanation_of("finding-chains-multiply")
    assert "a finding" in out
    for text in (found.wrong, found.why, found.fix, *found.said.splitlines()):
        assert text in out


def test_an_id_may_be_copied_with_its_brackets(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["rule", "[xor-group-alone]"]) == 0
    assert "an error" in capfd.readouterr().out


def test_without_an_id_all_rules_are_listed(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["rule"]) == 0
    listed = [line.split()[0] for line in capfd.readouterr().out.splitlines()[1:]]
    assert listed == list(explanations())
    assert run(["rule", "--json"]) == 0
    assert [entry["id"] for entry in json.loads(capfd.readouterr().out)] == listed


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("xor-group-alon", "; did you mean 'xor-group-alone'?"),
        ("chain", "related are chain-end-undeclared"),
        ("zebra", "there is no rule 'zebra'; `seedbed rule` lists all"),
    ],
)
def test_an_unknown_id_leads_to_the_nearest(name: str, said: str) -> None:
    with pytest.raises(InputError) as raised:
        explanation_of(name)
    assert said in str(raised.value)


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_validate_says_once_how_to_ask(quiet: list[str], capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(explanation_of("role-undeclared").bank, encoding="utf-8")
    assert run(["validate", str(path), *quiet]) == 2
    assert capfd.readouterr().err.count("`seedbed rule ID`") == (0 if quiet else 1)
