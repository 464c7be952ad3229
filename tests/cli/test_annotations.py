"""`validate --format`: what code hosts read."""

import json
from pathlib import Path

import pytest

from seedbed.bank.explanations import explanation_of
from seedbed.cli.annotations import github_lines, sarif_log
from seedbed.cli.main import run
from seedbed.errors import Problem

WRONG = Problem(file="a,b:c.yaml", line=3, column=7, path="rails[0]", rule="some-rule", message="100% wrong\nsecond")
WHOLE = Problem(file="a.yaml", line=0, column=0, path="", rule="file-missing", message="no such file")


def test_github_gets_an_error_per_problem_and_a_warning_per_finding() -> None:
    assert list(github_lines([WRONG], [WHOLE])) == [
        "::error file=a%2Cb%3Ac.yaml,title=some-rule,line=3,col=7::rails[0]: 100%25 wrong%0Asecond",
        "::warning file=a.yaml,title=file-missing::no such file",
    ]


def test_sarif_names_rule_level_and_place() -> None:
    (one,) = sarif_log([WRONG], [WHOLE])["runs"]
    assert [rule["id"] for rule in one["tool"]["driver"]["rules"]] == ["file-missing", "some-rule"]
    assert one["tool"]["driver"]["rules"][0]["shortDescription"]["text"] == explanation_of("file-missing").wrong
    assert one["tool"]["driver"]["rules"][1] == {"id": "some-rule"}
    first, second = one["results"]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("some-rule", 1, "error")
    assert first["locations"][0]["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 7}
    assert second["level"] == "warning"
    assert "region" not in second["locations"][0]["physicalLocation"]


@pytest.mark.parametrize("file_format", ["github", "sarif"])
def test_validate_writes_them_with_its_exit_code(
    file_format: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bank.yaml"
    path.write_text("instance: Wrong\n", encoding="utf-8")
    assert run(["validate", str(path), "--format", file_format]) == 2
    out = capfd.readouterr().out
    if file_format == "github":
        assert out.startswith("::error file=")
    else:
        assert json.loads(out)["runs"][0]["results"]
    assert run(["validate", "spec_example", "--format", file_format]) == 0
    assert run(["validate", str(path), "--format", file_format, "--json"]) == 2
