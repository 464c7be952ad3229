"""Rail kinds and role kinds: the volumes, amounts, hours and openings of the reference profile, as tables.

The figures come from the seed document ("Volume per Rail", "Amount distribution", "Time distribution", "Starting
balances"). (mu, sigma) are of the natural logarithm of dollars. Hours are New York time. Two ordered tables of rules
decide the kind of a rail and of a role; the first rule that matches wins.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

__all__ = ["RAIL_KINDS", "ROLE_KINDS", "RailKind", "RoleKind", "rail_kind", "role_kind", "type_words"]

Scale = Literal["customer", "merchant", "system"]
Side = Literal["source", "destination"]

HOUR_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class RailKind:
    """The behaviour of one kind of rails.

    `daily_firings` is the mean number per unit account and business day; `scale` tells which accounts are the units.
    `mu` and `sigma` are of the lognormal amount in dollars. Rails post in [band_start, band_end), in seconds of the
    day. `unit_side` is the leg on the unit account if its role stands on both sides.
    """

    name: str
    label: str
    scale: Scale
    daily_firings: Decimal
    mu: Decimal
    sigma: Decimal
    band_start: int
    band_end: int
    unit_side: Side = "source"


def _kind(
    name: str,
    label: str,
    scale: Scale,
    firings: str,
    mu: str,
    sigma: str,
    band: tuple[int, int],
    side: Side = "source",
) -> RailKind:
    volume = Decimal(1) / Decimal(22) if firings == "1/22" else Decimal(firings)
    return RailKind(
        name=name,
        label=label,
        scale=scale,
        daily_firings=volume,
        mu=Decimal(mu),
        sigma=Decimal(sigma),
        band_start=band[0] * HOUR_SECONDS,
        band_end=band[1] * HOUR_SECONDS,
        unit_side=side,
    )


RAIL_KINDS: dict[str, RailKind] = {
    kind.name: kind
    for kind in (
        _kind("customer_inbound", "customer inbound", "customer", "4.0", "6.5", "1.2", (9, 15), "destination"),
        _kind("customer_outbound", "customer outbound", "customer", "2.0", "6.5", "1.2", (9, 17)),
        _kind("customer_fee", "customer fee (monthly)", "customer", "1/22", "2.5", "0.4", (9, 17)),
        _kind("internal_transfer", "internal transfer", "system", "1.0", "8.0", "1.5", (9, 17)),
        _kind("aggregating_daily", "aggregating, daily", "system", "1.0", "11.0", "0.8", (17, 19)),
        _kind("aggregating_intraday", "aggregating, intraday", "system", "4.0", "10.5", "0.8", (9, 17)),
        _kind("aggregating_monthly", "aggregating, monthly", "system", "1.0", "9.5", "0.5", (17, 19)),
        _kind("concentration_sweep", "concentration sweep", "system", "1.0", "12.0", "0.7", (15, 17)),
        _kind("card_sale", "card sale", "merchant", "8.0", "4.5", "0.9", (10, 22), "destination"),
        _kind("merchant_payout", "merchant payout", "merchant", "1.0", "9.0", "1.1", (9, 15)),
        _kind("card_settlement", "external card settlement", "system", "1.0", "11.5", "0.6", (15, 17)),
        _kind("ach_return", "ACH return", "customer", "0.2", "6.5", "1.2", (9, 17)),
        _kind("other", "other", "system", "1.0", "7.0", "1.0", (9, 17)),
    )
}

AGGREGATING_KINDS = {
    "intraday": "aggregating_intraday",
    "daily-eod": "aggregating_daily",
    "daily-bod": "aggregating_daily",
    "weekly": "aggregating_daily",
    "monthly-eom": "aggregating_monthly",
    "monthly-bom": "aggregating_monthly",
    "monthly": "aggregating_monthly",
}


@dataclass(frozen=True, kw_only=True)
class RailRule:
    """One rule. The transfer type must have all words of `every` and, if given, any of `some`.

    `source_customer` and `destination_customer`, if given, tell whether a customer must stand on that side.
    """

    kind: str
    some: frozenset[str] = frozenset()
    every: frozenset[str] = frozenset()
    source_customer: bool | None = None
    destination_customer: bool | None = None

    def matches(self, words: frozenset[str], source_customer: bool, destination_customer: bool) -> bool:
        """Whether a rail with these type words and customer sides has this rule's kind."""
        return (
            self.every <= words
            and (not self.some or bool(self.some & words))
            and self.source_customer in (None, source_customer)
            and self.destination_customer in (None, destination_customer)
        )


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RAIL_RULES: tuple[RailRule, ...] = (
    RailRule(kind="ach_return", some=_words("return returns returned nsf stop stoppay chargeback")),
    RailRule(kind="concentration_sweep", some=_words("concentration")),
    RailRule(kind="merchant_payout", some=_words("payout payouts")),
    RailRule(kind="card_settlement", some=_words("card external network"), every=_words("settlement")),
    RailRule(kind="card_sale", some=_words("sale sales acquiring purchase")),
    RailRule(kind="customer_fee", some=_words("fee fees charge charges"), source_customer=True),
    RailRule(kind="internal_transfer", some=_words("internal suspense journal book reclass zba sweep")),
    RailRule(kind="customer_inbound", some=_words("inbound incoming deposit deposits")),
    RailRule(kind="customer_outbound", some=_words("outbound outgoing withdrawal withdrawals")),
    RailRule(kind="internal_transfer", source_customer=True, destination_customer=True),
    RailRule(kind="customer_outbound", source_customer=True),
    RailRule(kind="customer_inbound", destination_customer=True),
    RailRule(kind="internal_transfer", some=_words("transfer transfers")),
    RailRule(kind="other"),
)


def type_words(transfer_type: str) -> frozenset[str]:
    """The words of a transfer type in lower case: `ACHInbound`, `ach_inbound` and `ach-inbound` have the same two."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", transfer_type)
    return frozenset(re.findall(r"[a-z0-9]+", spaced.lower()))


def rail_kind(
    transfer_type: str, cadence_family: str | None, source_customer: bool, destination_customer: bool
) -> RailKind:
    """The kind of a rail.

    `cadence_family` is the family of an aggregating rail's cadence, else None. The two flags tell whether a
    customer's account (not a control account over customers) can stand on that side. A one-leg Debit is a source, a
    one-leg Credit a destination.
    """
    if cadence_family is not None:
        return RAIL_KINDS[AGGREGATING_KINDS[cadence_family]]
    words = type_words(transfer_type)
    rule = next(rule for rule in RAIL_RULES if rule.matches(words, source_customer, destination_customer))
    return RAIL_KINDS[rule.kind]


@dataclass(frozen=True)
class RoleKind:
    """The opening balance of a role's accounts: lognormal (mu, sigma) of dollars, or none (opens at 0.00)."""

    name: str
    mu: Decimal | None
    sigma: Decimal | None


ROLE_KINDS: dict[str, RoleKind] = {
    kind.name: kind
    for kind in (
        RoleKind("customer_dda", Decimal("11.0"), Decimal("0.5")),
        RoleKind("merchant_dda", Decimal("12.5"), Decimal("0.5")),
        RoleKind("internal_gl", Decimal("17.5"), Decimal("0.3")),
        RoleKind("concentration", Decimal("17.5"), Decimal("0.3")),
        RoleKind("internal_suspense", Decimal("13.5"), Decimal("0.5")),
        RoleKind("external", None, None),
        RoleKind("other", None, None),
    )
}

# Kind → substrings of the role's name in lower case without separators. Words for the purpose of an account precede
# words for its owner: "MerchantSettlement" is a settlement account, "CustomerSuspense" a suspense account.
ROLE_RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("concentration", ("concentration",)),
    ("internal_suspense", ("suspense", "recon", "zba")),
    ("internal_gl", ("cash", "settlement", "duefrom", "clearing", "origination")),
    ("merchant_dda", ("merchant",)),
    ("customer_dda", ("customer", "dda", "depositor", "cardholder")),
    ("internal_suspense", ("subaccount",)),
    ("external", ("frb", "processor", "network", "external")),
)


def role_kind(role: str, scope: str) -> RoleKind:
    """The kind of a role by its name. Every external role has the kind `external`."""
    if scope == "external":
        return ROLE_KINDS["external"]
    flat = re.sub(r"[^a-z0-9]", "", role.lower())
    for kind, parts in ROLE_RULES:
        if any(part in flat for part in parts):
            return ROLE_KINDS[kind]
    return ROLE_KINDS["other"]
