"""What must not matter: other rails, the window, the grouping of blocks, other accounts."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

import seedbed
from seedbed.bank.load import parse_instance_text
from seedbed.ledger.digest import dataset_digest

ANCHOR = date(2030, 1, 1)
BANKS = {
    "every_shape": Path(__file__).parents[1] / "data" / "every_shape.yaml",
    **{path.stem: path for path in (Path(seedbed.__file__).parent / "banks").glob("*.yaml")},
}


@pytest.fixture(params=sorted(BANKS))
def raw(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A bank file as plain data."""
    return yaml.load(BANKS[request.param].read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def ledger_of(raw: dict[str, Any], **settings: Any) -> seedbed.Ledger:
    bank = parse_instance_text(yaml.safe_dump(raw, sort_keys=False, allow_unicode=True))
    return seedbed.generate(bank, anchor=settings.pop("anchor", ANCHOR), **settings)


def primary_rows(ledger: seedbed.Ledger, rail: str, since: date = date.min) -> list[dict[str, Any]]:
    """The first rows of one rail, whole."""
    rows = ledger.transactions.filter((pc.field("rail_name") == rail) & pc.field("supersedes").is_null())
    return [row for row in rows.to_pylist() if row["posting"].date() >= since]


def names_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from names_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from names_in(item)
    else:
        yield value


def renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {key if key != old else new: renamed(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, old, new) for item in value]
    if isinstance(value, str) and value.endswith(f".{old}"):
        return value.removesuffix(old) + new
    return new if value == old else value


def standalone_rails(raw: dict[str, Any]) -> list[str]:
    """Rails that fire by themselves, outside templates and chains."""
    tied = set(names_in(raw.get("transfer_templates", []))) | set(names_in(raw.get("chains", [])))
    return [rail["name"] for rail in raw["rails"] if rail["name"] not in tied and rail.get("aggregating") != "true"]


def customer_role(raw: dict[str, Any]) -> str:
    """The template role of the customers, by its kind or its name."""
    return next(t["role"] for t in raw["account_templates"] if "customer" in f"{t.get('kind')} {t['role'].lower()}")


def test_renaming_a_rail_changes_no_other(raw: dict[str, Any]) -> None:
    before = ledger_of(raw)
    standalone = standalone_rails(raw)
    for victim in standalone[:2]:
        after = ledger_of(renamed(raw, victim, f"{victim}Renamed"))
        for rail in standalone:
            if rail != victim:
                assert primary_rows(after, rail) == primary_rows(before, rail), (victim, rail)


def test_renaming_a_leg_rail_changes_no_rail_outside_its_template(raw: dict[str, Any]) -> None:
    victim = raw["transfer_templates"][0]["leg_rails"][0]
    before, after = ledger_of(raw), ledger_of(renamed(raw, victim, f"{victim}Renamed"))
    for rail in standalone_rails(raw):
        assert primary_rows(after, rail) == primary_rows(before, rail), rail


def test_adding_a_rail_changes_no_other(raw: dict[str, Any]) -> None:
    before = ledger_of(raw)
    external = next(a["role"] for a in raw["accounts"] + raw["account_templates"] if a["scope"] == "external")
    internal = next(a["role"] for a in raw["accounts"] if a["scope"] == "internal" and a.get("role"))
    added = {
        "name": "AAdded", "transfer_type": "added_type", "source_role": external, "destination_role": internal,
        "expected_net": "0", "origin": "InternalInitiated", "metadata_keys": ["added_reference"],
    }  # fmt: skip
    after = ledger_of({**raw, "rails": [added, *raw["rails"]]})
    for rail in standalone_rails(raw):
        assert primary_rows(after, rail) == primary_rows(before, rail), rail
    assert primary_rows(after, "AAdded")


def test_removing_a_rail_changes_no_other(raw: dict[str, Any]) -> None:
    before = ledger_of(raw)
    bundled = {name for rail in raw["rails"] for name in rail.get("bundles_activity", [])}
    limited = {limit.get("transfer_type", limit.get("rail")) for limit in raw.get("limit_schedules", [])}
    free = [
        rail["name"]
        for rail in raw["rails"]
        if rail["name"] in standalone_rails(raw)
        and rail["name"] not in bundled
        and rail.get("transfer_type", rail["name"]) not in bundled | limited
    ]
    for victim in free[:2]:
        after = ledger_of({**raw, "rails": [rail for rail in raw["rails"] if rail["name"] != victim]})
        for rail in standalone_rails(raw):
            if rail != victim:
                assert primary_rows(after, rail) == primary_rows(before, rail), (victim, rail)
    assert free or raw["instance"] == "spec_example"


@pytest.mark.parametrize(("anchor", "window_days"), [(date(2029, 12, 10), 90), (date(2030, 1, 1), 45)])
def test_windows_agree_on_the_days_they_share(raw: dict[str, Any], anchor: date, window_days: int) -> None:
    one, other = ledger_of(raw), ledger_of(raw, anchor=anchor, window_days=window_days)
    firsts = [date.fromordinal(a.toordinal() - w + 1) for a, w in ((ANCHOR, 90), (anchor, window_days))]
    last = min(ANCHOR, anchor)
    for rail in standalone_rails(raw):
        both = [
            [row for row in primary_rows(ledger, rail, max(firsts)) if row["posting"].date() <= last]
            for ledger in (one, other)
        ]
        for rows in both:
            for row in rows:
                row.pop("bundle_id")
        assert both[0] == both[1], rail


SHIFTED = """
instance: shifted
accounts:
  - {id: gl, role: Ledger, scope: internal}
  - {id: cash, role: Cash, scope: internal, parent_role: Ledger}
  - {id: outside, role: Outside, scope: external}
account_templates:
  - {role: CustomerDda, scope: internal, parent_role: Ledger}
  - {role: CustomerSavings, scope: internal, parent_role: Ledger}
rails:
  - {name: Outbound, transfer_type: ach_outbound, source_role: CustomerDda, destination_role: Outside,
     expected_net: 0.00, origin: InternalInitiated}
  - {name: Inbound, transfer_type: ach_inbound, source_role: Cash, destination_role: [CustomerDda, CustomerSavings],
     expected_net: 0.00, origin: InternalInitiated}
  - {name: Follow, transfer_type: follow, source_role: CustomerDda, destination_role: Outside, expected_net: 0.00,
     origin: InternalInitiated}
  - {name: Give, transfer_type: give, leg_role: Ledger, leg_direction: Credit, origin: InternalInitiated,
     metadata_keys: [key]}
  - {name: Take, transfer_type: take, leg_role: Cash, leg_direction: Debit, origin: InternalInitiated,
     metadata_keys: [key]}
transfer_templates:
  - {name: Both, transfer_type: both, expected_net: 0.00, transfer_key: [key], completion: business_day_end,
     leg_rails: [Give, Take]}
chains:
  - {parent: Outbound, child: Follow, required: true}
limit_schedules:
  - {parent_role: Ledger, transfer_type: ach_outbound, cap: 900.00}
  - {parent_role: Ledger, transfer_type: ach_inbound, cap: 30000.00}
  - {parent_role: Ledger, transfer_type: follow, cap: 700.00}
  - {parent_role: Ledger, transfer_type: take, cap: 3000.00}
role_business_day_offsets: {CustomerDda: 12, Cash: -11}
baseline:
  rails: {Give: {seed_volume_multiplier: 8}}
"""


@pytest.mark.parametrize(("anchor", "window_days"), [(date(2029, 12, 12), 9), (date(2029, 12, 11), 1)])
def test_windows_agree_where_the_day_of_a_cap_lies_on_two_days(anchor: date, window_days: int) -> None:
    """Both windows begin and end within a week, so that half a cap day is outside at either end."""
    raw = yaml.load(SHIFTED, Loader=yaml.BaseLoader)
    accounts = {"CustomerDda": 300, "CustomerSavings": 40}
    wide = ledger_of(raw, anchor=date(2029, 12, 21), window_days=40, accounts=accounts)
    narrow = ledger_of(raw, anchor=anchor, window_days=window_days, accounts=accounts, groups=2)
    first = date.fromordinal(anchor.toordinal() - window_days + 1)
    assert min(narrow.transactions.column("posting").to_pylist()).date() == first
    for rail in ("Outbound", "Inbound", "Give", "Take"):
        shared = [row for row in primary_rows(wide, rail, first) if row["posting"].date() <= anchor]
        assert primary_rows(narrow, rail) == shared, rail
        assert shared


def test_groups_of_blocks_do_not_matter(raw: dict[str, Any]) -> None:
    role = customer_role(raw)
    settings = {"accounts": {role: 1_900}, "window_days": 8}
    one, seven = ledger_of(raw, **settings, groups=1), ledger_of(raw, **settings, groups=7)
    assert len(one.parts) == 8
    assert one.transactions.equals(seven.transactions)
    assert one.daily_balances.equals(seven.daily_balances)
    assert dataset_digest(one.parts) == dataset_digest(seven.parts)


def test_more_accounts_in_other_blocks_leave_a_block_alone(raw: dict[str, Any]) -> None:
    """Customers of the second block post the same firings whether or not there is a third.

    A rail with a typical count is left out: the accounts share the firings of the whole bank.
    """
    role = customer_role(raw)
    two = ledger_of(raw, accounts={role: 512}, window_days=8)
    three = ledger_of(raw, accounts={role: 600}, window_days=8)
    counted = {rail["name"] for rail in raw["rails"] if "firings_typical_per_period" in rail}
    rail = next(r for r in standalone_rails(raw) if r not in counted and primary_rows(two, r))

    def without_entry(ledger: seedbed.Ledger) -> list[tuple[Any, ...]]:
        table = pa.Table.from_pylist(primary_rows(ledger, rail)) if primary_rows(ledger, rail) else pa.table({})
        rows = table.to_pylist()
        return sorted((row["id"], row["account_id"], row["amount_money"], row["posting"]) for row in rows)

    assert set(without_entry(two)) <= set(without_entry(three))


def test_another_seed_gives_another_sample(raw: dict[str, Any]) -> None:
    digests = {dataset_digest(ledger_of(raw, seed=seed, window_days=20).parts) for seed in (42, 43)}
    assert len(digests) == 2
