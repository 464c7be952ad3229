"""Files in, banks or problems out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.bank.tiny import bank_of, rail, tiny
from tests.waiting import LONG

from seedbed.bank.load import load_instance, parse_instance_text, validate_instance
from seedbed.bank.model import OneLegRail
from seedbed.errors import InstanceError

GOOD = """\
instance: first_bank
description: |
  Prose over
  two lines.
accounts:
  - {id: gl, name: NO, role: Ledger, scope: internal}
  - {id: fed, role: Fed, scope: external}
account_templates:
  - role: Customer
    scope: internal
    parent_role: Ledger
    instance_id_template: "c-{n:04d}"
rails:
  - name: In
    transfer_type: ach
    metadata_keys:
    source_role: (Fed | Ledger)
    destination_role: Customer
    expected_net: 0
    source_origin: ExternalForcePosted
    destination_origin: InternalInitiated
    max_pending_age: PT24H
  - name: Fee
    transfer_type: fee
    leg_role: [Customer]
    leg_direction: Debit
    origin: InternalInitiated
transfer_templates:
  - name: Fees
    transfer_type: fees
    expected_net: -1.50
    transfer_key: []
    completion: business_day_end+1d
    leg_rails: [Fee]
limit_schedules:
  - {parent_role: Ledger, transfer_type: fee, cap: 10.00}
chains:
theme: {colours: [1, 2], dark: yes}
seed_hash: 0123
institution_name: Tiny Bank
institution_acronym: TB
investigation_personas: [{name: Ada, accounts: [1]}]
role_business_day_offsets: {Ledger: -7}
baseline:
  accounts: {Customer: 12}
  rails: {In: {seed_amount: {median: 480.25, sigma: 1.5}, seed_volume_multiplier: 2}}
"""


def file_of(folder: Path, text: str | bytes) -> Path:
    path = folder / "bank.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rules(path: Path | str) -> list[str]:
    bank, problems, findings = validate_instance(path)
    assert bank is None
    assert findings == ()
    assert all("\n" not in str(problem) for problem in problems)
    return [problem.rule for problem in problems]


def test_a_bank_is_read_in_the_programs_units(tmp_path: Path) -> None:
    bank = load_instance(file_of(tmp_path, GOOD))
    first, fee = bank.rails
    assert bank.accounts[0].name == "NO"
    assert bank.description == "Prose over\ntwo lines.\n"
    assert first.max_pending_age_seconds == 86_400
    assert first.metadata_keys == ()
    assert isinstance(fee, OneLegRail)
    assert bank.transfer_templates[0].expected_net_cents == -150
    assert bank.limit_schedules[0].cap_cents == 1_000
    assert bank.chains == ()
    assert bank.role_business_day_offsets == {"Ledger": -7}
    assert bank.baseline.rails["In"].seed_amount is not None
    assert bank.baseline.rails["In"].seed_amount.median_cents == 48_025


def test_the_smallest_bank_has_no_accounts_and_no_rails() -> None:
    assert parse_instance_text("instance: tiny\naccounts: []\nrails: []\n").rails == ()


def test_all_problems_come_at_once_in_the_files_order(tmp_path: Path) -> None:
    text = GOOD.replace("cap: 10.00", "cap: 1:30").replace("scope: external", "scop: external")
    text = text.replace("destination_role: Customer", "destination_role: Custmer").replace("chains:", "chains: x")
    text = text.replace("chains: x", "chians: []").replace("leg_rails: [Fee]", "leg_rails: [Fees]") + "theme: 2\n"
    with pytest.raises(InstanceError) as caught:
        load_instance(file_of(tmp_path, text))
    problems = caught.value.problems
    assert [(p.line, p.rule) for p in problems] == [
        (7, "unknown-key"),
        (18, "role-undeclared"),
        (23, "one-leg-loose"),
        (34, "leg-rail-undeclared"),
        (36, "bad-money"),
        (37, "unknown-key"),
        (47, "yaml-duplicate-key"),
    ]
    assert str(caught.value) == "\n".join(str(problem) for problem in problems)
    assert str(problems[1]) == (
        f"{tmp_path}/bank.yaml:18:23: rails[0].destination_role: 'Custmer' is not a declared role; "
        "did you mean 'Customer'? [role-undeclared]"
    )


def test_field_names_of_the_models_are_no_keys_of_a_file() -> None:
    data = tiny(limit_schedules=[{"parent_role": "Ledger", "transfer_type": "type_out", "cap_cents": "500"}])
    with pytest.raises(InstanceError, match="unknown key 'cap_cents'"):
        bank_of(data)


def test_a_misspelt_key_counts_as_the_one_that_is_meant_and_nothing_is_said_of_its_value() -> None:
    data = tiny()
    data["rails"][0]["sorce_role"] = data["rails"][0].pop("source_role").replace("Fed", "Nobody")
    data["rails"][0]["expected_nett"] = data["rails"][0].pop("expected_net").replace("0.00", "1:30")
    with pytest.raises(InstanceError) as caught:
        bank_of(data)
    assert [p.rule for p in caught.value.problems] == ["unknown-key", "unknown-key"]


def test_a_refused_alias_draws_no_further_complaints() -> None:
    with pytest.raises(InstanceError) as caught:
        parse_instance_text("instance: &a tiny\naccounts:\n  - {id: *a, scope: *a}\nrails: []\n")
    assert [p.rule for p in caught.value.problems] == ["yaml-anchor", "yaml-alias", "yaml-alias"]


REFERRING = """
instance: tiny
accounts:
  - &gl {id: gl, role: Ledger, scope: internal}
  - <<: *gl
    id: fed
  - *gl
rails:
  - {name: In, transfer_type: ach, source_role: Fed, destination_role: Ledger, expected_net: 0}
  - name: Out
    <<: [*gl, *gl]
chains:
  - {parent: In, child: Back, required: true, delai: 1}
"""


def test_what_references_leave_out_is_not_called_missing_or_undeclared_anywhere() -> None:
    with pytest.raises(InstanceError) as caught:
        parse_instance_text(REFERRING)
    assert [(p.path, p.rule) for p in caught.value.problems] == [
        ("accounts[0]", "yaml-anchor"),
        ("accounts[1]", "yaml-merge-key"),
        ("accounts[2]", "yaml-alias"),
        ("rails[1]", "yaml-merge-key"),
        ("chains[0].delai", "unknown-key"),
    ]


def test_more_than_fifty_problems_of_a_rule_are_cut_short() -> None:
    data = tiny(rails=[rail(f"Rail{n}", f"Nobody{n}", "Fed") for n in range(60)])
    with pytest.raises(InstanceError) as caught:
        bank_of(data)
    said = [p for p in caught.value.problems if p.rule == "role-undeclared"]
    assert len(said) == 51


def test_more_than_five_hundred_bad_values_are_cut_short() -> None:
    data = tiny(accounts=[{"id": f"a{n}", "scope": "x"} for n in range(600)])
    with pytest.raises(InstanceError, match="there are more problems; they are not listed"):
        bank_of(data)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "file-empty"),
        (b"null", "file-empty"),
        (b"just text", "not-a-mapping"),
        (b"instance: caf\xe9", "file-encoding"),
        ("instance: tiny".encode("utf-16"), "file-encoding"),
        (b"a: \xed\xa0\x80", "file-encoding"),
        (b"#" * (10 * 1024 * 1024), "file-too-large"),
        (b"x" * 1_000_000, "yaml-long-text"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_bad_files_are_refused(tmp_path: Path, content: bytes, rule: str) -> None:
    assert rules(file_of(tmp_path, content))[0] == rule


def test_a_byte_that_is_not_utf8_has_a_place(tmp_path: Path) -> None:
    _, (problem,), _ = validate_instance(file_of(tmp_path, "é: 1\nüb: \xe9".encode() + b"\xff"))
    assert (problem.line, problem.column, problem.message) == (2, 6, "not UTF-8 text: byte 0xff")


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero"), Path("/dev/stdin")):
        if not path.is_file():
            assert rules(path) == ["file-not-regular"]


def test_missing_and_unreadable_files_are_one_problem(tmp_path: Path) -> None:
    assert rules(tmp_path / "none.yaml") == ["file-missing"]
    assert rules(tmp_path / ("x" * 300)) == ["file-unreadable"]
    assert rules("a\0b") == ["file-unreadable"]
    (problem,) = validate_instance(tmp_path / "a\nb\udcff.yaml").problems
    assert str(problem) == f"{tmp_path}/a<U+000A>b<U+DCFF>.yaml: no such file [file-missing]"
    secret = file_of(tmp_path, GOOD)
    secret.chmod(0)
    if os.geteuid() != 0:
        assert rules(secret) == ["file-unreadable"]


def test_a_bank_of_two_thousand_rails_loads(tmp_path: Path) -> None:
    path = file_of(
        tmp_path, json.dumps(tiny(rails=[rail(f"Rail{n}", "Fed", "Customer") for n in range(2_000)]), indent=1)
    )
    assert len(load_instance(path).rails) == 2_000


def test_a_hostile_file_costs_little_memory(tmp_path: Path) -> None:
    lists = ("[" + '" x",' * 9_000 + "]" for _ in range(5))
    text = GOOD.replace("metadata_keys:", "metadata_keys: [a]") + "chains: [" + ",".join(lists) + "]\n"
    code = f"""
from seedbed.bank.load import validate_instance
validate_instance({str(file_of(tmp_path, text))!r})
# The peak of this process alone; ru_maxrss is at least the parent's, from before it became another program.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=LONG, capture_output=True, text=True)
    assert int(done.stdout) < 200 * 1024
