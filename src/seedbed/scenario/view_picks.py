"""The pickers of the kinds for the exception views that the kinds of the seed document leave empty."""

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from seedbed import money
from seedbed.baseline.legs import completion_second
from seedbed.program.nodes import ChainLink, Node
from seedbed.program.rails import RailPlan
from seedbed.scenario.asked import asked_amounts
from seedbed.scenario.plants import (
    FanInExtraPlant,
    FanInShortPlant,
    LatePostingPlant,
    LedgerDriftPlant,
    LegXorMissedPlant,
    LegXorOverlapPlant,
    RequirementGapPlant,
    TransferNetPlant,
    UnmatchedPostingPlant,
)
from seedbed.scenario.survey import Survey
from seedbed.units import DAY_SECONDS, AccountIndex, DayOrdinal
from seedbed.views.declarations import required_keys

__all__ = [
    "fan_in_extra",
    "fan_in_link",
    "fan_in_short",
    "late_day",
    "late_posting",
    "ledger_drift",
    "leg_xor_missed",
    "leg_xor_overlap",
    "requirement_gap",
    "requirements",
    "transfer_net",
    "unmatched_posting",
]

NET_AMOUNT, NET_SHORT = "180.00", Decimal("0.50")
LATE_DAYS_AGO = 9
# The place of the account. Activity uses the first two accounts, on all days if an account has one transfer a day.
PLACE = 2
# Which plant account a leg is misposted to: one that no other kind's default uses.
MISPOSTED_PLACE = 4
A_SWEEP = "a sweep posts what it bundles, as the baseline's do"


def ledger_drift(survey: Survey, rail: RailPlan, anywhere: bool) -> LedgerDriftPlant | str:
    """A rail that posts on an account with children, or on one below it."""
    parents = sorted(_parents_of(survey, rail), key=lambda a: survey.class_of(a).expected_cents is not None)
    if not parents:
        return "no account that it posts on has a parent account"
    return survey.refusal(rail) or LedgerDriftPlant(survey.ids[parents[0]], Decimal("75.00"), rail.name, 7)


def _parents_of(survey: Survey, rail: RailPlan) -> Iterator[AccountIndex]:
    """The internal parent accounts on which a rail posts, or right below which it does."""
    touched = [c for c in survey.block_accounts.classes if c.internal and c.role in rail.roles]
    roles = {c.role for c in touched if c.is_parent} | {c.parent_role for c in touched if c.parent_role}
    for c in survey.block_accounts.classes:
        if c.internal and c.is_parent and c.role in roles:
            yield from np.flatnonzero(survey.block_accounts.class_index == c.index).tolist()


def transfer_net(survey: Survey, rail: RailPlan, anywhere: bool) -> TransferNetPlant | str:
    """A rail whose transfers have the declared net, with a leg whose amount can be reduced."""
    node = survey.node_of(rail)
    if rail.cadence is not None:
        return A_SWEEP
    if survey.declared_net(node) is None or survey.net_cannot_hold(node):
        return "its transfers do not net to what is declared anyway"
    amount = survey.typical(rail, NET_AMOUNT)
    if asked_amounts(node, money.from_decimal(amount), rail)[rail.index] <= money.from_decimal(NET_SHORT):
        return "its leg closes a transfer that nets without it"
    account = survey.unit_account(rail, PLACE)
    if account is None:
        return survey.refusal(rail) or "it has no accounts to post on"
    return survey.refusal(rail) or TransferNetPlant(
        account_id=survey.ids[account],
        amount=amount,
        short=NET_SHORT,
        transfer_type=rail.transfer_type,
        rail=rail.name,
        days_ago=8,
    )


def late_posting(survey: Survey, rail: RailPlan, anywhere: bool) -> LatePostingPlant | str:
    """A leg rail of a template; on the last day after whose completion the window has a business day."""
    node = survey.node_of(rail)
    if node.template is None:
        return "only a template's transfers have a completion"
    account = survey.unit_account(rail, PLACE)
    if account is None:
        return survey.refusal(rail) or "it has no accounts to post on"
    day = survey.day(LATE_DAYS_AGO)
    while day is not None and late_day(survey, node, day) is None:
        day = survey.day_before(day)
    if day is None:
        return survey.refusal(rail) or "no completion of its template lies in the window with a business day after it"
    return survey.refusal(rail) or LatePostingPlant(
        account_id=survey.ids[account],
        amount=survey.typical(rail, "90.00"),
        transfer_type=rail.transfer_type,
        rail=rail.name,
        days_ago=survey.window.last - day,
    )


def late_day(survey: Survey, node: Node, day: DayOrdinal) -> DayOrdinal | None:
    """The first business day after the completion of a transfer of this day; None where the window has none."""
    due = int(completion_second(node, np.array([day]))[0])
    return survey.day_after(due // DAY_SECONDS - 1)


def unmatched_posting(survey: Survey, rail: RailPlan, anywhere: bool) -> UnmatchedPostingPlant | str:
    """Any rail but a sweep, where the bank has an account of a role that it does not name."""
    if rail.cadence is not None:
        return A_SWEEP
    strangers = [
        (c.expected_cents is not None, not c.internal, not c.template, c.index)
        for c in survey.block_accounts.classes
        if c.role not in rail.roles
        and not c.is_parent
        and not any(caps.leg == len(rail.legs) - 1 and c.parent_role in caps.limits for caps in rail.caps)
    ]
    for *_, index in sorted(strangers):
        account_class = survey.block_accounts.classes[index]
        accounts = survey.plant_accounts(account_class) or tuple(
            np.flatnonzero(survey.block_accounts.class_index == index).tolist()
        )
        if accounts:
            account = accounts[min(MISPOSTED_PLACE, len(accounts) - 1)]
            return survey.refusal(rail) or UnmatchedPostingPlant(
                account_id=survey.ids[account],
                amount=survey.typical(rail, "65.00"),
                transfer_type=rail.transfer_type,
                rail=rail.name,
                days_ago=10,
            )
    return "there is no account of a role that it does not name"


def requirement_gap(survey: Survey, rail: RailPlan, anywhere: bool) -> RequirementGapPlant | str:
    """A rail of whose Posted legs a metadata key is required."""
    if rail.cadence is not None:
        return A_SWEEP
    keys = requirements(survey, rail)
    if not keys:
        return "no metadata key is required of its legs"
    account = survey.unit_account(rail, PLACE)
    if account is None:
        return survey.refusal(rail) or "it has no accounts to post on"
    return survey.refusal(rail) or RequirementGapPlant(
        account_id=survey.ids[account],
        amount=survey.typical(rail, "140.00"),
        missing_key=keys[0],
        transfer_type=rail.transfer_type,
        rail=rail.name,
        days_ago=11,
    )


def fan_in_short(survey: Survey, rail: RailPlan, anywhere: bool) -> FanInShortPlant | str:
    """The first leg rail of a template that several parents share: one parent too few."""
    link = fan_in_link(survey, rail)
    if isinstance(link, str):
        return link
    account = survey.unit_account(rail, PLACE)
    if account is None:
        return survey.refusal(rail) or "it has no accounts to post on"
    return survey.refusal(rail) or FanInShortPlant(
        account_id=survey.ids[account],
        amount=survey.typical(survey.root_of(rail), "115.00"),
        parent=_parent_name(survey, link),
        parents=link.least_parents - 1,
        transfer_type=rail.transfer_type,
        rail=rail.name,
        days_ago=12,
    )


def leg_xor_missed(survey: Survey, rail: RailPlan, anywhere: bool) -> LegXorMissedPlant | str:
    """The first member of an XOR group of leg rails that can be planted stands for its group."""
    members = _choice(survey, rail, anywhere)
    if isinstance(members, str):
        return members
    if rail is not members[0]:
        return f"its group is missed by a plant of {members[0].name}"
    account = _account_of_template(survey, rail)
    if account is None:
        return "its template has no accounts to post on"
    return LegXorMissedPlant(
        account_id=account,
        amount=Decimal("160.00"),
        transfer_type=rail.transfer_type,
        rail=rail.name,
        days_ago=12,
    )


def fan_in_extra(survey: Survey, rail: RailPlan, anywhere: bool) -> FanInExtraPlant | str:
    """The first leg rail of a template that a certain number of parents share: one parent too many."""
    link = fan_in_link(survey, rail)
    if isinstance(link, str):
        return link
    if link.expected_parents is None:
        return "its chain expects no certain number of parents"
    account = survey.unit_account(rail, PLACE)
    if account is None:
        return survey.refusal(rail) or "it has no accounts to post on"
    return survey.refusal(rail) or FanInExtraPlant(
        account_id=survey.ids[account],
        amount=survey.typical(survey.root_of(rail), "105.00"),
        parent=_parent_name(survey, link),
        parents=link.expected_parents + 1,
        transfer_type=rail.transfer_type,
        rail=rail.name,
        days_ago=13,
    )


def leg_xor_overlap(survey: Survey, rail: RailPlan, anywhere: bool) -> LegXorOverlapPlant | str:
    """A member of an XOR group of leg rails beside which another one can fire."""
    members = _choice(survey, rail, anywhere)
    if isinstance(members, str):
        return members
    account = _account_of_template(survey, rail)
    if account is None or len(members) < 2:
        return "no other leg rail of its group can fire beside it"
    return LegXorOverlapPlant(
        account_id=account,
        amount=Decimal("170.00"),
        transfer_type=rail.transfer_type,
        rail=rail.name,
        days_ago=13,
    )


def fan_in_link(survey: Survey, rail: RailPlan) -> ChainLink | str:
    """The fan-in chain by which plants make this rail's template fire; or why there is none, or another rail's."""
    node = survey.node_of(rail)
    links = [link for link in survey.program.links_into(node) if link.fan_in]
    if not survey.families.gather:
        return "no chain of the bank is fan-in"
    if node.template is None or not links:
        return "it is no leg of a fan-in chain's child"
    if node.driver is not rail:
        return f"{node.template.name} is planted by its first leg rail, {node.driver.name}"
    link = survey.parent_link(node)
    return "no chain parent of it can fire" if link is None else link


def _parent_name(survey: Survey, link: ChainLink) -> str:
    """The declared parent of a fan-in chain."""
    return survey.bank.chains[link.chains[0]].parent


def _choice(survey: Survey, rail: RailPlan, anywhere: bool) -> tuple[RailPlan, ...] | str:
    """The members of the XOR group of a leg rail that can be planted, or the reason why it has none or cannot be."""
    node = survey.node_of(rail)
    group = node.group_of(rail)
    if group is None:
        return "it is in no XOR group of leg rails" if anywhere else "no template has leg_rail_xor_groups"
    return survey.refusal(rail) or survey.members(node)[group]


def _account_of_template(survey: Survey, rail: RailPlan) -> str | None:
    """The account of a plant in a leg's template: that of the leg that sets its hours."""
    account = survey.unit_account(survey.node_of(rail).driver, PLACE)
    return None if account is None else survey.ids[account]


def requirements(survey: Survey, rail: RailPlan) -> tuple[str, ...]:
    """The metadata keys that a rail's Posted legs must have where they are planted; those of a transfer key last."""
    template = survey.node_of(rail).template
    names = ("",) if template is None else ("", template.name)
    found = [key for name, of, key in required_keys(survey.bank) if name == rail.name and of in names]
    shared = () if template is None else template.transfer_key
    return tuple(sorted((key for key in found if key in rail.metadata_keys), key=lambda key: key in shared))
