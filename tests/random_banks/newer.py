"""What the newer grammar adds to a random bank, from a source of its own: older numbers stay as they are.

Each function adds one feature. `FEATURES` lists them; a bank gets each of them in some share of the draws.
"""

from collections.abc import Callable, Sequence
from typing import Any

from tests.random_banks import words
from tests.random_banks.draft import Draft, Element

__all__ = ["FEATURES", "add_newer"]

ROLE_KINDS = ("customer_dda", "merchant_dda", "internal_gl", "concentration", "internal_suspense", "other")
RAIL_KINDS = (
    *(
        "customer_inbound",
        "customer_outbound",
        "customer_fee",
        "internal_transfer",
        "concentration_sweep",
        "card_sale",
    ),
    *("merchant_payout", "card_settlement", "ach_return", "other"),
)
HOURS = ("00:00-24:00", "06:00-09:00", "08:30-17:15", "12:00-12:05", "22:00-24:00", "00:00-00:10")
RANGES = (("0.01", "0.01"), ("0.01", "5"), ("5", "500"), ("100.50", "100.75"), ("1000", "2000000"))
DELAYS = (
    *(("P1D", "P2D"), ("P0D", "P3D"), ("P0D", "P0D"), ("P5D", "P30D"), ("P1D", "P1D")),
    *(("PT1M", "PT15M"), ("PT1S", "PT1S"), ("PT2H", "PT12H")),
)
PRICES = ("0.01", "5", "35", "12.50", "480.25", "2000000")


def add_newer(draft: Draft) -> None:
    """Adds features of the newer grammar to a finished bank, and now and then writes it in the newer spelling."""
    for feature in FEATURES:
        if draft.often(60):
            feature(draft)
    if draft.often(60):
        _spell(draft)


def _rails(draft: Draft, *, sweeps: bool = False) -> list[Element]:
    return [rail for rail in draft.bank["rails"] if bool(rail.get("aggregating")) == sweeps]


def _some(draft: Draft, items: Sequence[Element], most: int = 3) -> list[Element]:
    return draft.some(items, 1, most) if items else []


def add_kinds(draft: Draft) -> None:
    """Kinds of roles and rails, said by keys; accounts of one role have one kind."""
    kinds = {role: draft.pick(ROLE_KINDS) for role in draft.some(draft.roles, 1, 3)}
    for holder in (*draft.bank["accounts"], *draft.bank["account_templates"]):
        if holder.get("role") in kinds and holder["scope"] == "internal":
            holder["kind"] = kinds[holder["role"]]
    for rail in _some(draft, _rails(draft)):
        rail["kind"] = draft.pick(RAIL_KINDS)


def add_units(draft: Draft) -> None:
    """Volumes by the accounts of any template."""
    roles = [template["role"] for template in draft.bank["account_templates"]]
    for rail in _some(draft, draft.bank["rails"], 2) if roles else []:
        rail["per"] = draft.pick(roles)


def add_hours(draft: Draft) -> None:
    """Hours of all lengths, at the edges of the day too."""
    for rail in _some(draft, draft.bank["rails"]):
        rail["hours"] = draft.pick(HOURS)


def add_amounts(draft: Draft) -> None:
    """Fixed amounts, price points and ranges, for rails without amounts of their own."""
    overrides = draft.bank.get("baseline", {}).get("rails", {})
    free = [rail for rail in draft.bank["rails"] if "seed_amount" not in overrides.get(rail["name"], {})]
    for rail in _some(draft, free):
        if draft.often(50):
            rail["amount_typical_range"] = list(draft.pick(RANGES))
        elif draft.often(50):
            rail["amount"] = draft.pick(PRICES)
        else:
            rail["amount"] = [
                {"amount": price, "weight": draft.pick(("1", "0.25", "40"))} for price in draft.some(PRICES, 1, 4)
            ]


def add_joint_examples(draft: Draft) -> None:
    """Metadata values that are drawn as a whole."""
    in_keys = {
        (name, key)
        for template in draft.bank["transfer_templates"]
        for name in template["leg_rails"]
        for key in template["transfer_key"]
    }
    for rail in _some(draft, draft.bank["rails"]):
        free = [
            key
            for key in rail["metadata_keys"]
            if key not in rail.get("metadata_value_examples", {}) and (rail["name"], key) not in in_keys
        ]
        keys = draft.some(free, 1, 3)
        values = [one for one in words.EXAMPLES if one]
        if keys:
            rail["metadata_examples"] = [{key: draft.pick(values) for key in keys} for _ in range(draft.count(1, 3))]


def add_rail_limits(draft: Draft) -> None:
    """Caps on rails, beside those on types."""
    taken = {
        (limit["parent_role"], limit.get("transfer_type", limit.get("rail")))
        for limit in draft.bank["limit_schedules"]
    }
    types = [rail["transfer_type"] for rail in draft.bank["rails"]]
    above = sorted(
        {h["parent_role"] for h in (*draft.bank["accounts"], *draft.bank["account_templates"]) if "parent_role" in h}
    )
    for rail in _some(draft, draft.bank["rails"], 2):
        parent = draft.pick(above or draft.roles)
        alone = types.count(rail["transfer_type"]) == 1
        # Of one rail of its type, a cap on the rail is one on the type.
        if not taken & {(parent, rail["transfer_type"] if alone else rail["name"]), (parent, rail["name"])}:
            draft.bank["limit_schedules"].append(
                {"parent_role": parent, "rail": rail["name"], "cap": draft.pick(words.CAPS)}
            )
            taken.add((parent, rail["transfer_type"] if alone else rail["name"]))


def add_fan_ins(draft: Draft) -> None:
    """Fan-in chains into templates that follow no single parent: from any end, sweeps and their own legs too."""
    bank = draft.bank
    names = [template["name"] for template in bank["transfer_templates"]]
    if draft.often(50):
        # Room for fan-in: templates that would follow single parents fire by themselves.
        bank["chains"] = [
            chain
            for chain in bank["chains"]
            if "xor_group" in chain or _template_of(bank, chain["child"]) not in names
        ]
    taken = {_template_of(bank, chain["child"]) for chain in bank["chains"]}
    templates = [name for name in names if name not in taken]
    parents = [rail["name"] for rail in bank["rails"]] + names
    for _ in range(draft.pick((1, 1, 2, 2, 3)) if templates else 0):
        child = draft.pick(templates)
        chain = {"parent": draft.pick(parents), "child": child, "required": draft.often(80), "fan_in": True}
        if chain["parent"] == child and not draft.often(10):
            continue
        if draft.often(65):
            chain["expected_parent_count"] = draft.pick((2, 3, 2, 4, 5, 12, 40, 10_000))
        bank["chains"].append(chain)


def _template_of(bank: Element, end: str) -> str:
    """The template that a chain's end means as a child: itself, or the first by name that has it as a leg."""
    templates = bank["transfer_templates"]
    names = [template["name"] for template in templates]
    return end if end in names else min((t["name"] for t in templates if end in t["leg_rails"]), default=end)


def add_frequencies(draft: Draft) -> None:
    """Firings per period, of rails and of templates, and days of the month."""
    overrides = draft.bank.get("baseline", {}).get("rails", {})
    free = [rail for rail in draft.bank["rails"] if "seed_volume_multiplier" not in overrides.get(rail["name"], {})]
    for rail in _some(draft, free):
        if draft.often(30):
            rail["day_of_month"] = draft.pick((1, 15, 29, 31, "last"))
        else:
            rail["firings_typical_per_period"] = _firings(draft)
    for template in _some(draft, draft.bank["transfer_templates"], 2) if draft.often(60) else []:
        template["firings_typical_per_period"] = _firings(draft)


def _firings(draft: Draft) -> Any:
    counts = draft.pick(((0, 3), (1, 1), (4, 9), (20, 20), (0, 0), (0, 60)))
    period = draft.pick(("business_day", "pay_period", "week", "month", ""))
    return {"period": period, "range": list(counts)} if period else list(counts)


def add_calendars(draft: Draft) -> None:
    """Rails that fire always, often all legs of a template."""
    for rail in _some(draft, draft.bank["rails"], 4):
        rail["calendar"] = draft.pick(("always", "always", "always", "business"))
    for template in draft.bank["transfer_templates"] if draft.often(30) else []:
        for rail in draft.bank["rails"]:
            if rail["name"] in template["leg_rails"]:
                rail["calendar"] = "always"


def add_delays(draft: Draft) -> None:
    """Children that follow their parents after minutes, hours or business days."""
    for chain in _some(draft, [chain for chain in draft.bank["chains"] if not chain.get("fan_in")], 4):
        chain["delay"] = list(draft.pick(DELAYS))


FEATURES: tuple[Callable[[Draft], None], ...] = (
    add_kinds,
    add_units,
    add_hours,
    add_amounts,
    add_joint_examples,
    add_rail_limits,
    add_fan_ins,
    add_frequencies,
    add_calendars,
    add_delays,
)


# ---- the newer spelling --------------------------------------------------------------------------------------------


def _spell(draft: Draft) -> None:
    """Writes chains, types and the name of the bank in the newer way, where it can say the same."""
    bank = draft.bank
    if draft.often(50):
        del bank["instance"]
    for element in (*bank["rails"], *bank["transfer_templates"]):
        if draft.often(50) and not _is_named(bank, element):
            del element["transfer_type"]
    chains: list[Any] = []
    for chain in bank["chains"]:
        last = chains[-1] if chains else {}
        if not chain["required"]:
            chains.append(chain)
        elif "fan_in" in chain:
            child = {key: value for key, value in chain.items() if key not in ("parent", "child", "required")}
            chains.append({"parent": chain["parent"], "children": [{"name": chain["child"]} | child]})
        elif "xor_group" in chain and last.get("xor_group") == chain["xor_group"] and "children" in last:
            last["children"].append(chain["child"])
        elif "xor_group" in chain and not all(
            c["required"] for c in bank["chains"] if c.get("xor_group") == chain["xor_group"]
        ):
            chains.append(chain)
        else:
            rest = {key: value for key, value in chain.items() if key not in ("child", "required")}
            chains.append(rest | {"children": [chain["child"]]})
    bank["chains"] = chains


def _is_named(bank: Element, element: Element) -> bool:
    """Whether something names this element's type, or its name is already another's type."""
    types = [other.get("transfer_type", other["name"]) for other in (*bank["rails"], *bank["transfer_templates"])]
    selectors = [one for rail in bank["rails"] for one in rail.get("bundles_activity", ())]
    capped = [limit.get("transfer_type") for limit in bank["limit_schedules"]]
    return element["transfer_type"] in (*selectors, *capped) or element["name"] in types
