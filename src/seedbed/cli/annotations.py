"""Problems and findings of a bank file in the formats that code hosts read: GitHub's annotations, and SARIF."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from seedbed.bank.explanations import explanations
from seedbed.errors import Problem

__all__ = ["ANNOTATIONS", "github_lines", "sarif_log"]

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def github_lines(problems: Sequence[Problem], findings: Sequence[Problem]) -> Iterator[str]:
    """A workflow command per line: an error per problem, a warning per finding.

    Format: GitHub, "Workflow commands for GitHub Actions".
    """
    for level, remarks in (("error", problems), ("warning", findings)):
        for remark in remarks:
            place = {"file": remark.file, "title": remark.rule}
            if remark.line:
                place |= {"line": str(remark.line), "col": str(remark.column)}
            properties = ",".join(f"{name}={_escaped(value, property_value=True)}" for name, value in place.items())
            yield f"::{level} {properties}::{_escaped(_text(remark))}"


def sarif_log(problems: Sequence[Problem], findings: Sequence[Problem]) -> dict[str, Any]:
    """A SARIF log of one run: a result of level error per problem, of level warning per finding.

    Format: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
    """
    remarks = [*(("error", problem) for problem in problems), *(("warning", finding) for finding in findings)]
    rules = sorted({remark.rule for _, remark in remarks})
    driver = {"name": "seedbed", "rules": list(map(_rule, rules))}
    results = [_result(level, remark, rules.index(remark.rule)) for level, remark in remarks]
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _rule(rule: str) -> dict[str, Any]:
    """The description of a rule for a code host: what is wrong, why it matters, how to fix it."""
    found = explanations().get(rule)
    if found is None:
        return {"id": rule}
    help_text = f"{found.why} To fix it: {found.fix}"
    return {"id": rule, "shortDescription": {"text": found.wrong}, "help": {"text": help_text}}


def _result(level: str, remark: Problem, rule: int) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": remark.file.replace("\\", "/")}}
    if remark.line:
        location["region"] = {"startLine": remark.line, "startColumn": remark.column}
    return {
        "ruleId": remark.rule,
        "ruleIndex": rule,
        "level": level,
        "message": {"text": _text(remark)},
        "locations": [{"physicalLocation": location}],
    }


def _text(remark: Problem) -> str:
    return f"{remark.path}: {remark.message}" if remark.path else remark.message


def _escaped(text: str, property_value: bool = False) -> str:
    """Text in the escaped form of workflow commands. In a property, a colon or a comma would end the value."""
    signs = {"%": "%25", "\r": "%0D", "\n": "%0A"} | ({":": "%3A", ",": "%2C"} if property_value else {})
    return "".join(signs.get(character, character) for character in text)


Formatted = Callable[[Sequence[Problem], Sequence[Problem]], "Iterator[str] | dict[str, Any]"]

ANNOTATIONS: Mapping[str, Formatted] = {"github": github_lines, "sarif": sarif_log}
