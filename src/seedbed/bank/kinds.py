"""Rail kinds and role kinds: the volumes, amounts, hours and openings of the reference profile, as tables.

Every figure is that of the description that Seedbed implements ("Volume per Rail", "Amount distribution", "Time
distribution", "Starting balances"); (mu, sigma) are of the natural logarithm of dollars, hours are New York time.
Two ordered tables of rules decide which kind a rail or a role is if the bank file does not say it. The first rule
that matches wins. `classify.py` applies them.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

__all__ = [
    "AGGREGATING_KINDS",
    "INBOUND",
    "OUTBOUND",
    "RAIL_KINDS",
    "RAIL_RULES",
    "ROLE_KINDS",
    "ROLE_RULES",
    "RailKind",
    "RailRule",
    "RoleKind",
    "Sides",
    "rail_rule",
    "role_rule",
    "type_words",
]

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
class Sides:
    """Whose accounts a rail can debit and credit: customers' own on either side, merchants' own on any.

    A one-leg Debit is a source, a one-leg Credit a destination.
    """

    source_customer: bool
    destination_customer: bool
    merchant: bool


@dataclass(frozen=True, kw_only=True)
class RailRule:
    """One rule: any of the words `some` (where given) and none of `without` in the type, and these sides.

    `every` names words that must all be there. None as a side means either.
    """

    kind: str
    some: frozenset[str] = frozenset()
    every: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    source_customer: bool | None = None
    destination_customer: bool | None = None
    merchant: bool | None = None

    def matches(self, words: frozenset[str], sides: Sides) -> bool:
        """Whether a rail with these type words and sides is of this rule's kind."""
        return (
            self.every <= words
            and (not self.some or bool(self.some & words))
            and not self.without & words
            and self.source_customer in (None, sides.source_customer)
            and self.destination_customer in (None, sides.destination_customer)
            and self.merchant in (None, sides.merchant)
        )

    def reason(self, transfer_type: str) -> str:
        """What decides for a rail of this type, in words."""
        found = sorted(type_words(transfer_type) & (self.some | self.every))
        parts = (
            [f"the word{'s' if len(found) > 1 else ''} {' and '.join(map(repr, found))} in its type"] if found else []
        )
        if self.source_customer:
            both = " and on the destination" if self.destination_customer else ""
            parts.append(f"a customer's account on the source{both}")
        elif self.destination_customer:
            parts.append("a customer's account on the destination")
        if self.merchant:
            parts.append("a merchant's account on a side")
        return ", ".join(parts) or "nothing"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FEE, SALE = _words("fee fees"), _words("sale sales acquiring purchase")
INBOUND, OUTBOUND = _words("inbound incoming deposit deposits"), _words("outbound outgoing withdrawal withdrawals")

RAIL_RULES: tuple[RailRule, ...] = (
    RailRule(kind="customer_fee", some=FEE, source_customer=True),
    RailRule(kind="ach_return", some=_words("return returns returned nsf stop stoppay chargeback"), without=FEE),
    RailRule(kind="concentration_sweep", some=_words("concentration")),
    RailRule(kind="merchant_payout", some=_words("payout payouts")),
    RailRule(kind="card_settlement", some=_words("card external network"), every=_words("settlement")),
    RailRule(kind="card_sale", some=SALE, source_customer=False),
    RailRule(kind="card_sale", some=SALE, merchant=True),
    RailRule(kind="customer_fee", some=_words("charge charges"), source_customer=True),
    RailRule(kind="internal_transfer", some=_words("internal suspense journal book reclass zba sweep")),
    RailRule(kind="internal_transfer", source_customer=True, destination_customer=True),
    RailRule(kind="customer_outbound", source_customer=True),
    RailRule(kind="customer_inbound", destination_customer=True),
    RailRule(kind="customer_inbound", some=INBOUND),
    RailRule(kind="customer_outbound", some=OUTBOUND),
    RailRule(kind="internal_transfer", some=_words("transfer transfers")),
    RailRule(kind="other"),
)


def type_words(transfer_type: str) -> frozenset[str]:
    """The words of a transfer type in lower case: `ACHInbound`, `ach_inbound` and `ach-inbound` have the same two."""
    return frozenset(re.findall(r"[a-z0-9]+", _spaced(transfer_type).lower()))


def _spaced(name: str) -> str:
    """A name with a space before each word that begins with a capital letter."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)


def rail_rule(transfer_type: str, sides: Sides) -> RailRule:
    """The rule that decides the kind of a rail that does not aggregate."""
    words = type_words(transfer_type)
    return next(rule for rule in RAIL_RULES if rule.matches(words, sides))


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

# Kind → texts in the name of the role, in lower case without separators (see `role_rule`). Words for the purpose of
# an account precede words for its owner: "MerchantSettlement" is a settlement account, "CustomerSuspense" a suspense
# account.
ROLE_RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("concentration", ("concentration",)),
    ("internal_suspense", ("suspense", "recon", "zba")),
    ("internal_gl", ("cash", "settlement", "duefrom", "clearing", "origination")),
    ("merchant_dda", ("merchant",)),
    ("customer_dda", ("customer", "dda", "depositor", "cardholder")),
    ("internal_suspense", ("subaccount",)),
    ("external", ("frb", "processor", "network", "external")),
    # Accounts of income and expense open at zero.
    ("other", ("income", "revenue", "expense")),
)


def role_rule(role: str) -> tuple[str, str] | None:
    """The kind that the name of a role decides, and the text in it that does; None if it has no such text.

    A text that spans words of the name starts where one of them does: `ShareControl` does not say "recon".
    """
    words = re.findall(r"[a-z0-9]+", _spaced(role).lower())
    flat, starts = "".join(words), {sum(map(len, words[:place])) for place in range(len(words))}
    return next(((kind, part) for kind, parts in ROLE_RULES for part in parts if _stands(part, flat, starts)), None)


def _stands(part: str, flat: str, starts: set[int]) -> bool:
    """Whether a text is in a name whose words start at these places: in one word, or from the start of one on."""
    places = (match.start() for match in re.finditer(f"(?={part})", flat))
    return any(place in starts or starts.isdisjoint(range(place, place + len(part))) for place in places)
