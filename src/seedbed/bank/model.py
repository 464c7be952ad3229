"""The bank model (L2): the content of a bank file as frozen pydantic models, in the units of the program.

Money is integer cents, durations are seconds, role expressions are tuples of role names, and cadences and completions
are parsed. Input uses the YAML keys (the aliases), in Python too: the key `cap` is in dollars, the attribute
`cap_cents` in cents. `rules.py` checks cross-references.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from seedbed.bank import grammar, timing
from seedbed.bank.timing import Cadence, Completion, Delay, Hours
from seedbed.errors import counted

__all__ = [
    "Account",
    "AccountTemplate",
    "Bank",
    "Baseline",
    "Chain",
    "LimitSchedule",
    "OneLegRail",
    "PricePoint",
    "Rail",
    "RailOverride",
    "SeedAmount",
    "TransferTemplate",
    "TwoLegRail",
    "TypicalFirings",
    "rail_shape",
]

Cents = Annotated[int, BeforeValidator(grammar.parse_money)]
PositiveCents = Annotated[int, BeforeValidator(grammar.parse_positive_money)]
Seconds = Annotated[int, BeforeValidator(timing.parse_duration)]
Roles = Annotated[tuple[str, ...], BeforeValidator(grammar.parse_roles)]
Name = Annotated[str, BeforeValidator(grammar.parse_name)]
Prose = Annotated[str, BeforeValidator(grammar.parse_text)]
SingleLine = Annotated[str, BeforeValidator(grammar.parse_line)]
Flag = Annotated[bool, BeforeValidator(grammar.parse_flag)]
Origin = Literal["InternalInitiated", "ExternalForcePosted", "ExternalAggregated"]
Scope = Literal["internal", "external"]
RoleKindName = Literal["customer_dda", "merchant_dda", "internal_gl", "concentration", "internal_suspense", "other"]
RailKindName = Literal[
    "customer_inbound",
    "customer_outbound",
    "customer_fee",
    "internal_transfer",
    "aggregating_daily",
    "aggregating_intraday",
    "aggregating_monthly",
    "concentration_sweep",
    "card_sale",
    "merchant_payout",
    "card_settlement",
    "ach_return",
    "other",
]
Period = Literal["business_day", "pay_period", "week", "month"]
Firings = Annotated[int, BeforeValidator(grammar.parse_firings)]


class Element(BaseModel):
    """Common settings: frozen, no unknown keys, and an optional key without a value counts as absent."""

    # Callers validate only `Bank`. Its schema includes those of its elements, so these are not built alone.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    description: Prose | None = None

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, value: Any) -> Any:
        if not isinstance(value, dict) or None not in value.values():
            return value
        optional = {field.alias or name for name, field in cls.model_fields.items() if not field.is_required()}
        return {key: item for key, item in value.items() if item is not None or key not in optional}


class Account(Element):
    """An account that exists once."""

    id: Name
    name: Name | None = None
    role: Name | None = None
    kind: RoleKindName | None = None
    scope: Scope
    parent_role: Name | None = None
    expected_eod_balance_cents: Cents | None = Field(None, alias="expected_eod_balance")


class AccountTemplate(Element):
    """Many accounts of one role: one per customer, merchant or location."""

    role: Name
    kind: RoleKindName | None = None
    scope: Scope
    parent_role: Name | None = None
    expected_eod_balance_cents: Cents | None = Field(None, alias="expected_eod_balance")
    instance_id_template: Annotated[str, BeforeValidator(grammar.parse_account_pattern)] | None = None
    instance_name_template: Annotated[str, BeforeValidator(grammar.parse_account_pattern)] | None = None


class PricePoint(Element):
    """One of several fixed amounts of a rail, and how often it is drawn."""

    amount_cents: PositiveCents = Field(alias="amount")
    weight: Annotated[Decimal, BeforeValidator(grammar.parse_weight)]


class TypicalFirings(Element):
    """How often something fires in a period, for the whole bank: uniform from the first number to the second."""

    period: Period = "business_day"
    range: tuple[Firings, Firings]


class RailBase(Element):
    """The keys that one-leg and two-leg rails have in common."""

    name: Name
    transfer_type: Name
    metadata_keys: tuple[Name, ...] = ()
    posted_requirements: tuple[Name, ...] = ()
    max_pending_age_seconds: Seconds | None = Field(None, alias="max_pending_age")
    max_unbundled_age_seconds: Seconds | None = Field(None, alias="max_unbundled_age")
    metadata_value_examples: dict[Name, tuple[SingleLine, ...]] = Field(default_factory=dict)
    aggregating: Flag = False
    bundles_activity: tuple[Name, ...] = ()
    cadence: Annotated[Cadence, BeforeValidator(timing.parse_cadence)] | None = None
    origin: Origin | None = None
    kind: RailKindName | None = None
    per: Name | None = None
    hours: Annotated[Hours, BeforeValidator(timing.parse_hours)] | None = None
    calendar: Name | None = None
    amount: tuple[PricePoint, ...] = ()
    amount_typical_range_cents: tuple[PositiveCents, PositiveCents] | None = Field(None, alias="amount_typical_range")
    day_of_month: Annotated[int, BeforeValidator(timing.parse_day_of_month)] | None = None
    firings_typical_per_period: TypicalFirings | None = None
    metadata_examples: tuple[dict[Name, SingleLine], ...] = ()


class TwoLegRail(RailBase):
    """A rail that moves money from a source account (Debit) to a destination account (Credit)."""

    source_roles: Roles = Field(alias="source_role")
    destination_roles: Roles = Field(alias="destination_role")
    expected_net_cents: Cents | None = Field(None, alias="expected_net")
    source_origin: Origin | None = None
    destination_origin: Origin | None = None


class OneLegRail(RailBase):
    """A rail with one leg. A `Variable` leg closes the transfer of its template to the expected net."""

    leg_roles: Roles = Field(alias="leg_role")
    leg_direction: Literal["Debit", "Credit", "Variable"]


def rail_shape(value: Any) -> str:
    """Which shape a rail has, by its keys alone: one leg if it has any one-leg key."""
    if isinstance(value, RailBase):
        return "one_leg" if isinstance(value, OneLegRail) else "two_leg"
    one_leg_keys = {"leg_role", "leg_direction"}
    return "one_leg" if isinstance(value, dict) and one_leg_keys & value.keys() else "two_leg"


Rail = Annotated[
    Annotated[TwoLegRail, Tag("two_leg")] | Annotated[OneLegRail, Tag("one_leg")],
    Discriminator(rail_shape),
]


class TransferTemplate(Element):
    """A transfer that collects firings of several rails under one key."""

    name: Name
    transfer_type: Name
    expected_net_cents: Cents = Field(alias="expected_net")
    transfer_key: tuple[Name, ...]
    completion: Annotated[Completion, BeforeValidator(timing.parse_completion)]
    leg_rails: tuple[Name, ...] = Field(min_length=1)
    leg_rail_xor_groups: tuple[tuple[Name, ...], ...] = ()
    firings_typical_per_period: TypicalFirings | None = None


class Chain(Element):
    """A declaration that one transfer follows from another: the parent and the child are rails or templates."""

    parent: Name
    child: Name
    required: Flag
    xor_group: Name | None = None
    fan_in: Flag = False
    expected_parent_count: Annotated[int, BeforeValidator(grammar.parse_parent_count)] | None = None
    delay: Annotated[Delay, BeforeValidator(timing.parse_delay)] | None = None


class LimitSchedule(Element):
    """A daily cap for every account under one parent, on one rail or one transfer type.

    `Outbound` caps the sum of the Debits, `Inbound` that of the Credits.
    """

    parent_role: Name
    transfer_type: Name | None = None
    rail: Name | None = None
    cap_cents: PositiveCents = Field(alias="cap")
    direction: Literal["Outbound", "Inbound"] = "Outbound"

    @property
    def subject(self) -> str:
        """What is capped: the name of the rail, or the transfer type."""
        return self.rail or self.transfer_type or ""

    @property
    def sign(self) -> int:
        """The sign of the amounts that it caps: -1 of Debits, +1 of Credits."""
        return +1 if self.direction == "Inbound" else -1

    @property
    def key(self) -> str:
        """How keys of breaches and the column `limits` name it: by its subject, an inbound cap with its direction."""
        return f"{self.subject}/{self.direction}" if self.direction == "Inbound" else self.subject


class SeedAmount(Element):
    """The amount distribution of a rail: lognormal with this median and sigma (0 < sigma ≤ 4)."""

    median_cents: PositiveCents = Field(alias="median")
    sigma: Annotated[Decimal, BeforeValidator(grammar.parse_sigma)]


class RailOverride(Element):
    """Amounts and volume of one rail, which replace those of its kind."""

    seed_amount: SeedAmount | None = None
    seed_volume_multiplier: Annotated[Decimal, BeforeValidator(grammar.parse_multiplier)] | None = None


class Baseline(Element):
    """Settings of the generated baseline."""

    accounts: dict[Name, Annotated[int, BeforeValidator(grammar.parse_count)]] = Field(default_factory=dict)
    rails: dict[Name, RailOverride] = Field(default_factory=dict)


class Bank(Element):
    """The whole bank file."""

    instance: Annotated[str, BeforeValidator(grammar.parse_instance), StringConstraints(max_length=30)]
    accounts: tuple[Account, ...]
    account_templates: tuple[AccountTemplate, ...] = ()
    rails: tuple[Rail, ...]
    transfer_templates: tuple[TransferTemplate, ...] = ()
    chains: tuple[Chain, ...] = ()
    limit_schedules: tuple[LimitSchedule, ...] = ()
    role_business_day_offsets: dict[Name, Annotated[int, BeforeValidator(grammar.parse_offset_hours)]] = Field(
        default_factory=dict
    )
    seed_hash: Any = None
    theme: Any = None
    persona: Any = None
    institution_name: Any = None
    institution_acronym: Any = None
    investigation_personas: Any = None
    calendar: Name = "federal_reserve"
    baseline: Baseline = Field(default_factory=Baseline)

    def __repr__(self) -> str:
        lists = ((self.accounts, "account"), (self.account_templates, "account template"), (self.rails, "rail"))
        declared = ", ".join(counted(len(elements), noun) for elements, noun in (*lists, (self.chains, "chain")))
        return f"<Bank {self.instance}: {declared}>"
