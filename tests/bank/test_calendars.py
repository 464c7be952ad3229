"""Which calendars a bank may name, and what is said about the others."""

import sys

import holidays
import pytest
from tests.bank.tiny import bank_of, tiny

from seedbed.errors import InstanceError
from seedbed.extras import install_command


def refusal(calendar: str) -> str:
    with pytest.raises(InstanceError) as raised:
        bank_of(tiny(calendar=calendar))
    [problem] = raised.value.problems
    assert (problem.rule, problem.path) == ("calendar-unknown", "calendar")
    return problem.message


@pytest.mark.parametrize("name", ["federal_reserve", "none", "holidays:DE", "holidays:US-NY", "holidays:ENX-XPAR"])
def test_a_known_calendar_is_taken(name: str) -> None:
    assert bank_of(tiny(calendar=name)).calendar == name


@pytest.mark.parametrize("code", sorted(holidays.list_supported_financial()))
def test_every_market_of_the_package_is_a_calendar(code: str) -> None:
    assert bank_of(tiny(calendar=f"holidays:{code}")).calendar == f"holidays:{code}"


def test_of_an_unknown_code_the_known_ones_are_listed() -> None:
    message = refusal("holidays:QQ")
    assert message.startswith(
        "'holidays:QQ' is not a calendar of the package holidays; it has countries with two letters"
    )
    assert all(code in message for code in holidays.list_supported_financial(include_aliases=False))


def test_of_an_unknown_part_the_known_ones_are_listed() -> None:
    assert refusal("holidays:ENX-XX").endswith(
        "; the parts of ENX are XAMS, XATH, XBRU, XDUB, XLIS, XMIL, XOSL, XPAR"
    )
    assert refusal("holidays:XECB-DE").endswith("; XECB has no parts")


def test_without_the_package_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    assert refusal("holidays:DE") == f"'holidays:DE' needs the package holidays: {install_command('calendars')}"
