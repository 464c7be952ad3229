"""Baselines of banks whose leg rails exclude each other are healthy, and a leg too many or too few is noticed."""

from datetime import date

import pytest

import seedbed
from tests.bank.choosing import choosing
from tests.bank.tiny import bank_of

from .conditions import findings_of, judge, violations
from .facts import gather
from .transfer_conditions import closing_legs_post_once_and_last, one_leg_rails_of_a_template_fire_together

ANCHOR = date(2030, 1, 1)
MODES, FEES = ("Ach", "Check"), ("FeeA", "FeeB")


@pytest.mark.parametrize("groups", [(MODES,), (MODES, FEES)])
@pytest.mark.parametrize("lone", [None, "Rest"])
def test_a_bank_with_groups_of_leg_rails_is_healthy(groups: tuple[tuple[str, ...], ...], lone: str | None) -> None:
    bank = bank_of(choosing(*groups, lone=lone))
    ledger = seedbed.generate(bank, anchor=ANCHOR)
    assert violations(judge(bank, ledger, ANCHOR, 90)) == {}


@pytest.mark.parametrize(
    "change",
    [
        "delete from transactions where id = (select min(id) from transactions where rail_name = 'FeeA')",
        "update transactions set rail_name = 'FeeA' where rail_name = 'Check'",
    ],
)
def test_a_leg_too_few_or_too_many_is_noticed(change: str) -> None:
    bank = bank_of(choosing(MODES, FEES))
    ledger = seedbed.generate(bank, anchor=ANCHOR)
    facts = gather(bank, ledger.transactions, ledger.daily_balances, ANCHOR, 90, findings=findings_of(bank))
    assert closing_legs_post_once_and_last(facts) == one_leg_rails_of_a_template_fire_together(facts) == []
    facts.connection.execute(change)
    assert closing_legs_post_once_and_last(facts)
