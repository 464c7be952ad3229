"""The kinds of plants, as plain facts: the error, the account, the rail, the days before the anchor.

Money is exact dollars (Decimal, two decimals). `days_ago` counts calendar days before the anchor. The first nine
kinds and their fields are those of the seed document ("Plant catalog", "Live scenario"). The other kinds are for the
exception views that these nine leave empty.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias, get_args

from seedbed.errors import InputError
from seedbed.scenario.reading import an_object, check_amount, read_list, read_settings

__all__ = [
    "PLANT_TYPES",
    "AutoScenarioReport",
    "DriftPlant",
    "FanInExtraPlant",
    "FanInShortPlant",
    "HardNegative",
    "InboundBreachPlant",
    "InvFanoutPlant",
    "LatePostingPlant",
    "LedgerDriftPlant",
    "LegXorMissedPlant",
    "LegXorOverlapPlant",
    "LimitBreachPlant",
    "Omission",
    "OverdraftPlant",
    "Plant",
    "RailFiringPlant",
    "RequirementGapPlant",
    "ScenarioPlant",
    "StuckPendingPlant",
    "StuckUnbundledPlant",
    "SupersessionPlant",
    "TransferNetPlant",
    "TransferTemplatePlant",
    "UnmatchedPostingPlant",
    "account_of",
    "plain",
]


@dataclass(frozen=True)
class DriftPlant:
    """A stored end-of-day balance that is wrong by exactly `delta_money`; `rail` pays into the account."""

    account_id: str
    delta_money: Decimal
    rail: str
    days_ago: int


@dataclass(frozen=True)
class OverdraftPlant:
    """An outbound transfer that leaves the account at exactly `money` (negative). The next business day covers it."""

    account_id: str
    money: Decimal
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class LimitBreachPlant:
    """One outbound transfer above the daily cap on its rail or type."""

    account_id: str
    amount: Decimal
    transfer_type: str
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class InboundBreachPlant:
    """One inbound transfer above the daily inbound cap on its rail or type."""

    account_id: str
    amount: Decimal
    transfer_type: str
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class StuckPendingPlant:
    """A transfer that is still Pending after its rail's maximum age."""

    account_id: str
    amount: Decimal
    transfer_type: str
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class StuckUnbundledPlant:
    """A Posted leg that no sweep has taken within its rail's maximum age."""

    account_id: str
    amount: Decimal
    transfer_type: str
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class SupersessionPlant:
    """A transfer that is booked with the amount `original` and later corrected to `corrected`."""

    account_id: str
    original: Decimal
    corrected: Decimal
    transfer_type: str
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class InvFanoutPlant:
    """Many senders pay one recipient on the same day, each once."""

    recipient: str
    senders: tuple[str, ...]
    amount_per_transfer: Decimal
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class TransferTemplatePlant:
    """One complete transfer of a template, followed only by the chain children named here."""

    template: str
    firing_seq: int
    src: str
    amount: Decimal
    chain_children: tuple[str, ...]
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class RailFiringPlant:
    """One ordinary firing of a rail, so that every rail that can fire shows some activity."""

    rail: str
    firing_seq: int
    amount: Decimal
    account_id: str
    days_ago: int


@dataclass(frozen=True)
class LedgerDriftPlant:
    """A parent account's stored balance that is wrong by exactly `delta_money`; `rail` posts on it or below it."""

    account_id: str
    delta_money: Decimal
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class TransferNetPlant:
    """A transfer whose leg of this rail is `short` dollars smaller than the expected net needs."""

    account_id: str
    amount: Decimal
    short: Decimal
    transfer_type: str
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class LatePostingPlant:
    """A template's transfer whose legs of this rail post after its completion; `days_ago` is the transfer's day."""

    account_id: str
    amount: Decimal
    transfer_type: str
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class UnmatchedPostingPlant:
    """A leg on an account whose role its rail does not name: `account_id`."""

    account_id: str
    amount: Decimal
    transfer_type: str
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class RequirementGapPlant:
    """Posted legs without a required metadata key."""

    account_id: str
    amount: Decimal
    missing_key: str
    transfer_type: str
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class FanInShortPlant:
    """A fan-in child with fewer parents than expected: `parents` of them. `rail` is the first leg of its template."""

    account_id: str
    amount: Decimal
    parent: str
    parents: int
    transfer_type: str
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class LegXorMissedPlant:
    """A template's transfer in which no leg rail fires of the XOR group that `rail` is in."""

    account_id: str
    amount: Decimal
    transfer_type: str
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class FanInExtraPlant:
    """A fan-in child with more parents than expected: `parents` of them. `rail` is the first leg of its template."""

    account_id: str
    amount: Decimal
    parent: str
    parents: int
    transfer_type: str
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class LegXorOverlapPlant:
    """A template's transfer in which a second leg rail of an XOR group fires beside `rail`."""

    account_id: str
    amount: Decimal
    transfer_type: str
    rail: str
    days_ago: int


@dataclass(frozen=True, kw_only=True)
class HardNegative:
    """A lawful event that looks like a plant of `kind`. It must surface in no exception view."""

    kind: str
    account_id: str
    rail: str
    amount: Decimal
    days_ago: int


Plant: TypeAlias = (
    DriftPlant
    | OverdraftPlant
    | LimitBreachPlant
    | StuckPendingPlant
    | StuckUnbundledPlant
    | SupersessionPlant
    | InvFanoutPlant
    | TransferTemplatePlant
    | RailFiringPlant
    | LedgerDriftPlant
    | TransferNetPlant
    | LatePostingPlant
    | UnmatchedPostingPlant
    | RequirementGapPlant
    | InboundBreachPlant
    | FanInShortPlant
    | FanInExtraPlant
    | LegXorMissedPlant
    | LegXorOverlapPlant
)

# Kind → its dataclass, for the kinds of the seed document. The JSON of a scenario lists them even without plants.
ALWAYS_LISTED: Mapping[str, type[Any]] = {
    "drift": DriftPlant,
    "overdraft": OverdraftPlant,
    "limit_breach": LimitBreachPlant,
    "stuck_pending": StuckPendingPlant,
    "stuck_unbundled": StuckUnbundledPlant,
    "supersession": SupersessionPlant,
    "inv_fanout": InvFanoutPlant,
    "transfer_template": TransferTemplatePlant,
    "rail_firing": RailFiringPlant,
}

# All kinds, in the order in which scenarios list them.
PLANT_TYPES: Mapping[str, type[Any]] = {
    **ALWAYS_LISTED,
    "ledger_drift": LedgerDriftPlant,
    "transfer_net": TransferNetPlant,
    "late_posting": LatePostingPlant,
    "unmatched_posting": UnmatchedPostingPlant,
    "requirement_gap": RequirementGapPlant,
    "inbound_breach": InboundBreachPlant,
    "fan_in_short": FanInShortPlant,
    "fan_in_extra": FanInExtraPlant,
    "leg_xor_missed": LegXorMissedPlant,
    "leg_xor_overlap": LegXorOverlapPlant,
}
assert set(PLANT_TYPES.values()) == set(get_args(Plant))

Omission: TypeAlias = tuple[str, str]


@dataclass(frozen=True, kw_only=True, repr=False)
class ScenarioPlant:
    """All plants for one baseline: a tuple of plants per kind, and the hard negatives.

    `anchor` and `window_days` are those of the baseline; `days_ago` counts from the anchor. With `blend` accounts and
    amounts are those of the baseline. `omitted` lists the plants that the bank does not admit, with reasons.

    Raises InputError for an amount that is not a Decimal of whole cents.
    """

    anchor: date
    window_days: int
    mode: str = "l1_invariants"
    blend: bool = False
    drift_plants: tuple[DriftPlant, ...] = ()
    overdraft_plants: tuple[OverdraftPlant, ...] = ()
    limit_breach_plants: tuple[LimitBreachPlant, ...] = ()
    stuck_pending_plants: tuple[StuckPendingPlant, ...] = ()
    stuck_unbundled_plants: tuple[StuckUnbundledPlant, ...] = ()
    supersession_plants: tuple[SupersessionPlant, ...] = ()
    inv_fanout_plants: tuple[InvFanoutPlant, ...] = ()
    transfer_template_plants: tuple[TransferTemplatePlant, ...] = ()
    rail_firing_plants: tuple[RailFiringPlant, ...] = ()
    ledger_drift_plants: tuple[LedgerDriftPlant, ...] = ()
    transfer_net_plants: tuple[TransferNetPlant, ...] = ()
    late_posting_plants: tuple[LatePostingPlant, ...] = ()
    unmatched_posting_plants: tuple[UnmatchedPostingPlant, ...] = ()
    requirement_gap_plants: tuple[RequirementGapPlant, ...] = ()
    inbound_breach_plants: tuple[InboundBreachPlant, ...] = ()
    fan_in_short_plants: tuple[FanInShortPlant, ...] = ()
    fan_in_extra_plants: tuple[FanInExtraPlant, ...] = ()
    leg_xor_missed_plants: tuple[LegXorMissedPlant, ...] = ()
    leg_xor_overlap_plants: tuple[LegXorOverlapPlant, ...] = ()
    hard_negatives: tuple[HardNegative, ...] = ()
    omitted: tuple[Omission, ...] = ()

    def __post_init__(self) -> None:
        """Checks every amount. Plants made in Python are checked nowhere else."""
        for plant in (*(plant for _, plant in self), *self.hard_negatives):
            for field in fields(plant):
                if field.type is Decimal:
                    check_amount(getattr(plant, field.name), f"scenario: {type(plant).__name__}.{field.name}")

    def of(self, kind: str) -> tuple[Plant, ...]:
        """The plants of one kind. Raises KeyError for an unknown kind."""
        plants: tuple[Plant, ...] = getattr(self, f"{_known(kind)}_plants")
        return plants

    def with_plants(self, kind: str, plants: Iterable[Plant]) -> "ScenarioPlant":
        """The same scenario with other plants of one kind."""
        changed: dict[str, Any] = {f"{_known(kind)}_plants": tuple(plants)}
        return replace(self, **changed)

    def with_omissions(self, omitted: Iterable[Omission]) -> "ScenarioPlant":
        """The same scenario with more omissions, each named once."""
        return replace(self, omitted=tuple(dict.fromkeys((*self.omitted, *omitted))))

    def __iter__(self) -> Iterator[tuple[str, Plant]]:
        """Every plant with its kind, in the order of the kinds."""
        return ((kind, plant) for kind in PLANT_TYPES for plant in self.of(kind))

    def __len__(self) -> int:
        return sum(len(self.of(kind)) for kind in PLANT_TYPES)

    def __repr__(self) -> str:
        plants = ", ".join(f"{len(self.of(kind))} {kind}" for kind in PLANT_TYPES if self.of(kind))
        negatives = f"{len(self.hard_negatives)} look-alikes, {len(self.omitted)} omitted"
        return f"<ScenarioPlant {self.mode} to {self.anchor}: {plants or 'no plants'}; {negatives}>"

    def to_json(self) -> dict[str, Any]:
        """The scenario as plain JSON values; `from_json` reads them."""
        return {
            "anchor": self.anchor.isoformat(),
            "window_days": self.window_days,
            "mode": self.mode,
            "blend": self.blend,
            "plants": {
                kind: [plain(plant) for plant in self.of(kind)]
                for kind in PLANT_TYPES
                if kind in ALWAYS_LISTED or self.of(kind)
            },
            "hard_negatives": [plain(negative) for negative in self.hard_negatives],
            "omitted": [{"plant": plant, "reason": reason} for plant, reason in self.omitted],
        }

    @classmethod
    def from_json(cls, value: object, anchor: date, window_days: int) -> "ScenarioPlant":
        """A scenario from the JSON of `to_json`, or from an object that has this JSON under `scenario`.

        `days_ago` counts from the given anchor. Raises InputError, which names the path in the JSON, for any other
        value.
        """
        if isinstance(value, dict) and "scenario" in value:
            value = value["scenario"]
        scenario = an_object(value, "scenario")
        unknown = scenario.keys() - {"anchor", "window_days", "mode", "blend", "plants", "hard_negatives", "omitted"}
        if unknown:
            raise InputError(f"scenario: unknown key '{min(unknown)[:40]}'")
        plants = an_object(scenario.get("plants", {}), "scenario.plants")
        read: dict[str, tuple[Any, ...]] = {}
        for kind, entries in plants.items():
            if kind not in PLANT_TYPES:
                raise InputError(f"scenario.plants: '{kind[:40]}' is not a kind of plant; known are {_kinds()}")
            read[f"{kind}_plants"] = read_list(PLANT_TYPES[kind], entries, f"scenario.plants.{kind}")
        negatives = read_list(HardNegative, scenario.get("hard_negatives", []), "scenario.hard_negatives")
        mode, blend = read_settings(scenario, {"anchor": anchor.isoformat(), "window_days": window_days})
        return cls(anchor=anchor, window_days=window_days, mode=mode, blend=blend, hard_negatives=negatives, **read)


@dataclass(frozen=True)
class AutoScenarioReport:
    """The default scenario of a bank; `omitted` lists each plant that is missing, with the reason."""

    scenario: ScenarioPlant

    @property
    def omitted(self) -> tuple[Omission, ...]:
        """(plant label, reason) pairs."""
        return self.scenario.omitted


def _known(kind: str) -> str:
    if kind not in PLANT_TYPES:
        raise KeyError(f"no kind of plant: {kind}")
    return kind


def _kinds() -> str:
    return ", ".join(PLANT_TYPES)


def account_of(plant: Plant) -> str:
    """The account that a plant is about."""
    return next(str(getattr(plant, name)) for name in ("account_id", "recipient", "src") if hasattr(plant, name))


def plain(plant: Any) -> dict[str, Any]:
    """A plant as JSON values: money as text, so that no digit is lost."""

    def value(item: Any) -> Any:
        if isinstance(item, Decimal):
            return format(item, "f")
        return list(item) if isinstance(item, tuple) else item

    return {field.name: value(getattr(plant, field.name)) for field in fields(plant)}
