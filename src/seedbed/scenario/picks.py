"""The pickers: each returns the plant of one kind for one rail, or the reason why this rail cannot have it.

Layout, amounts and days are those of the seed document's live scenario.
"""

from collections.abc import Callable
from decimal import Decimal

from seedbed import money
from seedbed.bank.kinds import type_words
from seedbed.program.accounts import AccountClass
from seedbed.program.rails import RailPlan
from seedbed.scenario.plants import (
    DriftPlant,
    InboundBreachPlant,
    InvFanoutPlant,
    LimitBreachPlant,
    OverdraftPlant,
    RailFiringPlant,
    StuckPendingPlant,
    StuckUnbundledPlant,
    SupersessionPlant,
    TransferTemplatePlant,
)
from seedbed.scenario.survey import Survey
from seedbed.units import DAY_SECONDS, AccountIndex

__all__ = [
    "FIRINGS_PER_RAIL",
    "drift",
    "inbound_breach",
    "inv_fanout",
    "limit_breach",
    "overdraft",
    "rail_firing",
    "rail_firings",
    "stuck_pending",
    "stuck_unbundled",
    "supersession",
    "template_firings",
    "transfer_template",
]

FIRINGS_PER_RAIL = 3
FANOUT_SENDERS = 12
MAX_PLANTED_CENTS = 10**15
NO_CUSTOMERS = "the bank has no customer-like account template"


def _plant_account(
    survey: Survey, place: int, anywhere: bool, fits: Callable[[AccountClass], bool], does: str
) -> AccountIndex | str:
    """The place-th plant account of a fitting class: a customer account or, with `anywhere`, one of any template.

    `does` is the verb for the reason why there is none.
    """
    classes = [c for c in (survey.customer_class,) if c is not None]
    if anywhere:
        classes += [c for c in survey.block_accounts.classes if c.template and c.internal and not c.is_parent]
    elif not classes:
        return NO_CUSTOMERS
    for account_class in classes:
        accounts = survey.plant_accounts(account_class)
        if accounts and fits(account_class):
            return accounts[place % len(accounts)]
    return f"it {does} no account of a template" if anywhere else f"no rail {does} a customer's account"


def _landing(survey: Survey, rail: RailPlan, place: int, anywhere: bool) -> AccountIndex | str:
    """The place-th plant account on which a rail lands."""

    def fits(account_class: AccountClass) -> bool:
        return any(leg.sign > 0 and account_class.role in leg.roles for leg in rail.legs)

    return _plant_account(survey, place, anywhere, fits, "lands on")


def _paying(survey: Survey, rail: RailPlan, place: int, anywhere: bool) -> AccountIndex | str:
    """The place-th plant account that a rail debits."""

    def fits(account_class: AccountClass) -> bool:
        return rail.legs[0].sign < 0 and account_class.role in rail.legs[0].roles

    return _plant_account(survey, place, anywhere, fits, "debits")


def drift(survey: Survey, rail: RailPlan, anywhere: bool) -> DriftPlant | str:
    """A rail that lands on the account."""
    account = _landing(survey, rail, 0, anywhere)
    if isinstance(account, str):
        return account
    return DriftPlant(survey.ids[account], Decimal("75.00"), rail.name, 5)


def overdraft(survey: Survey, rail: RailPlan, anywhere: bool) -> OverdraftPlant | str:
    """A two-leg rail that a transfer of its own can fire, out of an account whose balance nothing else moves."""
    account = _paying(survey, rail, 1, anywhere)
    if isinstance(account, str):
        return account
    if not rail.two_leg:
        return "a two-leg rail is needed, so that the money goes somewhere"
    if rail.cadence is not None:
        return "a sweep pays out what it bundles, no amount of its own"
    if survey.node_of(rail).rails != (rail,):
        return "its template debits more than this leg"
    return survey.refusal(rail) or OverdraftPlant(survey.ids[account], Decimal("-1500.00"), rail.name, 6)


def limit_breach(survey: Survey, rail: RailPlan, anywhere: bool) -> LimitBreachPlant | str:
    """A rail that debits a plant account under a cap on it."""
    found = _beyond_a_cap(survey, rail, anywhere, -1)
    if isinstance(found, str):
        return found
    return LimitBreachPlant(
        account_id=survey.ids[found[0]],
        amount=found[1],
        transfer_type=rail.transfer_type,
        rail=rail.name,
        days_ago=4,
    )


def inbound_breach(survey: Survey, rail: RailPlan, anywhere: bool) -> InboundBreachPlant | str:
    """A rail that credits a plant account under an inbound cap on it."""
    found = _beyond_a_cap(survey, rail, anywhere, +1)
    if isinstance(found, str):
        return found
    return InboundBreachPlant(
        account_id=survey.ids[found[0]],
        amount=found[1],
        transfer_type=rail.transfer_type,
        rail=rail.name,
        days_ago=5,
    )


def _beyond_a_cap(survey: Survey, rail: RailPlan, anywhere: bool, sign: int) -> tuple[AccountIndex, Decimal] | str:
    """A plant account that a rail debits (`sign` -1) or credits (+1) under a cap, and an amount beyond that."""
    verb, way = ("credits", "inbound") if sign > 0 else ("debits", "outbound")
    caps = rail.caps_on(sign)
    if caps is None:
        return "no limit_schedule applies to it" if anywhere else f"no limit_schedule has a matching {way} rail"
    if rail.variable:
        return f"it {verb} no account under the cap"
    if rail.cadence is not None:
        does = "brings in" if sign > 0 else "pays out"
        return f"a sweep {does} what it bundles, no amount of its own"
    accounts = [
        *survey.customers[:1],
        *(a for a in survey.pool(rail.legs[caps.leg].roles) if survey.block_accounts.plant[a]),
    ]
    capped = [(account, cap) for account in accounts if (cap := survey.cap_on(rail, account, sign)) is not None]
    if not capped:
        return f"it {verb} no plant account under the cap"
    account, cap = capped[0]
    amount = max(cap * 3 // 2, cap + 1)
    if amount > MAX_PLANTED_CENTS:
        return "half as much again as the cap is more than an account can hold"
    return survey.refusal(rail) or (account, money.to_decimal(amount))


def stuck_pending(survey: Survey, rail: RailPlan, anywhere: bool) -> StuckPendingPlant | str:
    """A rail with a maximum pending age."""
    age = survey.declared(rail).max_pending_age_seconds
    if age is None:
        return "it has no max_pending_age" if anywhere else "no rail declares a max_pending_age"
    account = survey.unit_account(rail, 0)
    if account is None:
        return survey.refusal(rail, children=False) or "it has no accounts to post on"
    return survey.refusal(rail, children=False) or StuckPendingPlant(
        account_id=survey.ids[account],
        amount=survey.typical(rail, "450.00"),
        transfer_type=rail.transfer_type,
        rail=rail.name,
        days_ago=age // DAY_SECONDS + 7,
    )


def stuck_unbundled(survey: Survey, rail: RailPlan, anywhere: bool) -> StuckUnbundledPlant | str:
    """A bundled rail with a maximum unbundled age."""
    age = survey.declared(rail).max_unbundled_age_seconds
    if age is None:
        return "it has no max_unbundled_age" if anywhere else "no bundled rail declares a max_unbundled_age"
    if not survey.bundlers(rail):
        return "nothing that can fire bundles it"
    account = survey.unit_account(rail, 1)
    if account is None:
        return survey.refusal(rail) or "it has no accounts to post on"
    return survey.refusal(rail) or StuckUnbundledPlant(
        account_id=survey.ids[account],
        amount=survey.typical(rail, "12.50"),
        transfer_type=rail.transfer_type,
        rail=rail.name,
        days_ago=age // DAY_SECONDS + 7,
    )


def supersession(survey: Survey, rail: RailPlan, anywhere: bool) -> SupersessionPlant | str:
    """Any rail except a sweep. Rails of customers come first."""
    if rail.cadence is not None:
        return "a sweep is the sum of what it bundles; a correction would break that"
    if split_is_fixed(survey, rail):
        return "its template fixes the amount, which leaves nothing to correct"
    account = survey.unit_account(rail, 0)
    if account is None:
        return survey.refusal(rail) or "it has no accounts to post on"
    corrected = survey.typical(rail, "275.00")
    original = survey.typical(rail, "250.00")
    if original == corrected:  # A rail of fixed amounts was booked with a wrong one.
        original = (corrected * 10 / 11).quantize(money.CENT) if corrected > money.CENT else 2 * corrected
    return survey.refusal(rail) or SupersessionPlant(
        account_id=survey.ids[account],
        original=original,
        corrected=corrected,
        transfer_type=rail.transfer_type,
        rail=rail.name,
        days_ago=3,
    )


def split_is_fixed(survey: Survey, rail: RailPlan) -> bool:
    """Whether a transfer with this rail has the same amount on it whatever amount is asked for."""
    node = survey.node_of(rail)
    if rail.variable:
        return len(node.one_legs.given) == len(node.one_legs.opposite)
    return node.fixed is not None and not rail.two_leg


def inv_fanout(survey: Survey, rail: RailPlan, anywhere: bool) -> InvFanoutPlant | str:
    """An ACH-shaped two-leg rail with several possible senders."""
    none = "it is not ACH-shaped" if anywhere else "no ACH-shaped rail lands on a customer's account"
    if "ach" not in type_words(rail.transfer_type):
        return none if anywhere or survey.customers else NO_CUSTOMERS
    recipient = _landing(survey, rail, 0, anywhere)
    if isinstance(recipient, str):
        return recipient if anywhere or recipient == NO_CUSTOMERS else none
    if not rail.two_leg or rail.cadence is not None or survey.node_of(rail).rails != (rail,):
        return "a two-leg rail with transfers of its own is needed"
    senders = [account for account in survey.pool(rail.legs[0].roles) if account != recipient][:FANOUT_SENDERS]
    if len(senders) < 2:
        return "it has a single possible sender"
    return survey.refusal(rail) or InvFanoutPlant(
        recipient=survey.ids[recipient],
        senders=tuple(survey.ids[s] for s in senders),
        amount_per_transfer=survey.typical(rail, "500.00"),
        rail=rail.name,
        days_ago=2,
    )


def rail_firing(survey: Survey, rail: RailPlan, anywhere: bool) -> RailFiringPlant | str:
    """Any rail that can fire."""
    firings = rail_firings(survey, rail)
    return firings if isinstance(firings, str) else firings[0]


def rail_firings(survey: Survey, rail: RailPlan) -> tuple[RailFiringPlant, ...] | str:
    """The three firings of a rail, alternating over the first two accounts."""
    refusal = survey.refusal(rail)
    if refusal is None and rail.cadence is not None:
        bundled = survey.bundled_by(rail)
        if not bundled:
            return "nothing that it bundles can fire"
        refusals = [survey.refusal(other) for other in bundled]
        refusal = None if None in refusals else refusals[0]
    if refusal is not None:
        return refusal
    accounts = [survey.unit_account(rail, place) for place in range(2)]
    return tuple(
        RailFiringPlant(
            rail=rail.name,
            firing_seq=seq,
            amount=survey.typical(rail, "100.00"),
            account_id=survey.ids[account],
            days_ago=seq,
        )
        for seq in range(1, FIRINGS_PER_RAIL + 1)
        if (account := accounts[(seq - 1) % 2]) is not None
    )


def transfer_template(survey: Survey, rail: RailPlan, anywhere: bool) -> TransferTemplatePlant | str:
    """The first leg rail of a template."""
    template = survey.node_of(rail).template
    if template is None:
        return "it is no leg of a template"
    if template.leg_rails[0] != rail.name:
        return f"{template.name} is planted by its first leg rail, {template.leg_rails[0]}"
    firings = template_firings(survey, template.name)
    return firings if isinstance(firings, str) else firings[0]


def template_firings(survey: Survey, template: str) -> tuple[TransferTemplatePlant, ...] | str:
    """The three firings of a template: with every chain child, with none, with the first one only."""
    node = survey.node_named(template)
    if node is None or node.template is None:
        return "the bank has no such template"
    if node.template.expected_net_cents:
        return "its expected_net is not 0"
    rail, refusal = node.rails[0], survey.family_refusal(node)
    if refusal is not None:
        return refusal
    src = survey.unit_account(next((r for r in node.rails if survey.customers_touch(r)), rail), 0)
    if src is None:
        return f"{rail.name} has no accounts to post on"
    links = [link for link in survey.program.links_from(node) if survey.place_of(link) is not None]
    children = [
        survey.program.nodes[link.members[place]].name
        for link in links
        if (place := survey.place_of(link)) is not None
    ]
    first = next((k for k, link in enumerate(links) if link.required), 0)
    cases = (tuple(children), (), tuple(children[first : first + 1]))
    return tuple(
        TransferTemplatePlant(
            template=template,
            firing_seq=seq,
            src=survey.ids[src],
            amount=survey.typical(node.driver, "125.00"),
            chain_children=case,
            days_ago=seq + 2,
        )
        for seq, case in enumerate(cases, start=1)
    )
