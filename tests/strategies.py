"""Random valid banks of every shape that the grammar allows, as plain data and as YAML, with anchors and windows.

    @given(banks(), anchors(), windows())
    def test_it(bank, anchor, window_days):
        seedbed.load_instance(write(yaml_text(bank)))

A draft is built in the order of the file: accounts, rails, templates, sweeps, chains, limits, the rest. What can
make a bank invalid (a leg pair that two rails share, a circle of causes) is avoided while it is built.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

import yaml
from hypothesis import strategies as st

__all__ = ["anchors", "banks", "windows", "yaml_text"]

T = TypeVar("T")
Element = dict[str, Any]

CUSTOMERS = ("CustomerDda", "CustomerSavings")
LEDGERS = ("BankLedger", "RetailLedger", "StoreLedger")
EXTERNALS = {"FrbMaster": ("frb",), "OtherBank": ("bank-a", "bank-b", "bank-c"), "CardNetwork": ("network",)}
GENERAL = ("CashDueFrom", "FeeClearing", "ReconSuspense", "ZbaSubAccount", "ConcentrationMaster", "FeeIncome")
CADENCES = (
    *("intraday-1h", "intraday-2h", "intraday-3h", "intraday-8h", "daily-eod", "daily_eod", "daily-bod"),
    *("weekly-mon", "weekly-wed", "weekly-fri", "weekly-sun", "monthly-eom", "monthly_eom", "monthly-bom"),
    *("monthly-1", "monthly-15", "monthly-31"),
)
ORIGINS = ("InternalInitiated", "ExternalForcePosted", "ExternalAggregated")
CAPS = ("1.00", "75.50", "5000.00", "250000")
EXAMPLES = ("Rent", "O'Hara; --", 'a "quoted" word', "back\\slash\\", "ü 😀", "{}")
COMPLETIONS = ("business_day_end", "business_day_end+1d", "business_day_end+30d", "month_end")

# Transfer types, with the classes of accounts that may pay and receive.
FLOWS: tuple[tuple[str, str, str], ...] = (
    ("ach_inbound", "external", "customer"),
    ("wire_inbound", "general", "customer"),
    ("cash_deposit", "external", "customer"),
    ("ach_outbound", "customer", "external"),
    ("wire_outbound", "customer", "external"),
    ("cash_withdrawal", "customer", "general"),
    ("charge", "customer", "general"),
    ("monthly_fee", "customer", "general"),
    ("ach", "external", "customer"),
    ("wire", "customer", "external"),
    ("internal_transfer", "customer", "customer"),
    ("internal_debit", "general", "general"),
    ("suspense_move", "general", "general"),
    ("wire_concentration", "general", "general"),
    ("card_sale", "external", "merchant"),
    ("payout_ach", "merchant", "external"),
    ("card_settlement", "external", "general"),
    ("ach_return_nsf", "customer", "external"),
    ("adjustment", "general", "external"),
    ("adjustment", "ledger", "general"),
)


@dataclass
class Draft:
    """A bank being built; `pools` has the roles of each class of accounts, `causes` which node makes which fire."""

    draw: Callable[..., Any]
    bank: Element
    pools: dict[str, list[str]]
    parent_of: dict[str, str] = field(default_factory=dict)
    pairs: set[tuple[str, str]] = field(default_factory=set)
    nodes: dict[str, list[str]] = field(default_factory=dict)
    causes: dict[str, set[str]] = field(default_factory=dict)

    def pick(self, items: Sequence[T]) -> T:
        """One of these."""
        chosen: T = self.draw(st.sampled_from(list(items)))
        return chosen

    def some(self, items: Sequence[T], least: int = 0, most: int = 3) -> list[T]:
        """Some of these, each once."""
        most = min(most, len(items))
        if most < least or not items:
            return []
        return list(self.draw(st.lists(st.sampled_from(list(items)), min_size=least, max_size=most, unique=True)))

    def often(self, percent: int) -> bool:
        """True in about this share of the draws; False when shrunk."""
        return bool(self.draw(st.integers(0, 99)) >= 100 - percent)

    def count(self, least: int, most: int) -> int:
        """A number in this range."""
        return int(self.draw(st.integers(least, most)))

    def leads_to(self, start: str, goal: str) -> bool:
        """Whether a node makes another fire, through however many steps."""
        seen, todo = set(), [start]
        while todo:
            node = todo.pop()
            if node == goal:
                return True
            if node not in seen:
                seen.add(node)
                todo += self.causes.get(node, ())
        return False

    def may_cause(self, causes: Iterable[str], effects: Iterable[str]) -> bool:
        """Adds causes → effects unless that would close a circle."""
        pairs = [(cause, effect) for cause in causes for effect in effects]
        if any(self.leads_to(effect, cause) for cause, effect in pairs):
            return False
        for cause, effect in pairs:
            self.causes.setdefault(cause, set()).add(effect)
        return True


@st.composite
def banks(draw: Callable[..., Any]) -> Element:
    """A valid bank file as plain data (text, lists, maps), ready for `yaml_text`."""
    bank: Element = {"instance": "random_bank", "accounts": [], "account_templates": [], "rails": []}
    draft = Draft(draw, bank, {"customer": [], "merchant": [], "general": [], "external": [], "ledger": []})
    _accounts(draft)
    bank |= {"transfer_templates": [], "chains": [], "limit_schedules": []}
    for _ in range(draft.count(0, 6)):
        _plain_rail(draft)
    for _ in range(draft.count(0, 3)):
        _template(draft)
    for _ in range(draft.count(0, 3)):
        _sweep(draft)
    _sweep_loose_rails(draft)
    for _ in range(draft.count(0, 5)):
        _chain(draft)
    _limits(draft)
    _extras(draft)
    return {key: value for key, value in bank.items() if value or key in ("accounts", "rails")}


def _accounts(draft: Draft) -> None:
    bank, pools = draft.bank, draft.pools
    ledgers = draft.some(LEDGERS) if draft.often(80) else []
    for role in ledgers:
        above = "BankLedger" if role != "BankLedger" and "BankLedger" in ledgers and draft.often(70) else None
        bank["accounts"].append(_account(draft, f"gl-{role.lower()}", role, "internal", above))
        pools["ledger"].append(role)
    for role in draft.some(GENERAL, 0, 4):
        above = draft.pick([*ledgers, None])
        for copy in range(draft.pick((1, 1, 1, 2))):
            bank["accounts"].append(_account(draft, f"gl-{role.lower()}-{copy}", role, "internal", above))
        pools["general"].append(role)
    for role in draft.some(sorted(EXTERNALS)):
        for account_id in EXTERNALS[role][: draft.count(1, 3)]:
            bank["accounts"].append(_account(draft, f"ext-{account_id}", role, "external", None))
        pools["external"].append(role)
    classes = {"CustomerDda": "customer", "CustomerSavings": "customer", "MerchantDda": "merchant"}
    classes |= {"BranchVault": "general", "Correspondent": "external"}
    for role in draft.some(sorted(classes), 0, 4):
        scope = "external" if role == "Correspondent" else "internal"
        template = _account(draft, None, role, scope, draft.pick([*ledgers, None]) if scope == "internal" else None)
        if draft.often(40):
            template["instance_id_template"] = draft.pick((f"{role[:4]}{role[-3:]}-{{n}}", "{role}/{n:05d}"))
        bank["account_templates"].append(template)
        pools[classes[role]].append(role)
    if draft.often(20):
        bank["accounts"].append(_account(draft, "gl-nobody", None, "internal", None))
    customers = [t for t in bank["account_templates"] if t["role"] in CUSTOMERS]
    if len(customers) == 1 and "instance_id_template" not in customers[0] and draft.often(20):
        bank["accounts"].append(_account(draft, "cust-003", customers[0]["role"], "internal", None))
    if not bank["accounts"] and not bank["account_templates"]:
        bank["accounts"].append(_account(draft, "only", "CashDueFrom", "internal", None))


def _account(draft: Draft, account_id: str | None, role: str | None, scope: str, above: str | None) -> Element:
    account: Element = {"id": account_id} if account_id else {}
    account |= {"role": role} if role else {}
    account["scope"] = scope
    if above is not None:
        account["parent_role"] = above
        draft.parent_of[str(role)] = above
    if scope == "internal" and draft.often(10):
        account["expected_eod_balance"] = draft.pick(("0", "0.00", "250000.00", "-1.00"))
    return account


def _role_expression(draft: Draft, roles: Sequence[str]) -> Any:
    """One role, or a choice in either spelling."""
    if len(roles) == 1 and draft.often(90):
        return roles[0]
    return list(roles) if draft.often(50) else f"({' | '.join(roles)})"


def _roles(draft: Draft, group: str) -> list[str]:
    """The roles that one side of a rail admits; of an empty class those of another one."""
    pool = draft.pools[group] or draft.pools["general"] or draft.pools["external"] or draft.pools["customer"]
    if not pool:
        return []
    mixed = [*pool, *draft.pools["general"]] if draft.often(10) else pool
    return draft.some(sorted(set(mixed)), 1, draft.pick((1, 1, 1, 2)))


def _rail(
    draft: Draft, flow: tuple[str, str, str], direction: str | None, keys: Sequence[str] = ()
) -> Element | None:
    """A new rail of this flow, two legs where no direction is given, whose leg pairs no other rail has."""
    transfer_type, source, destination = flow
    number = len(draft.nodes)
    sides = [_roles(draft, source), _roles(draft, destination)]
    if direction is not None:
        sides = [sides[0] if direction == "Debit" else sides[1]]
    if not all(sides):
        return None
    roles = {role for side in sides for role in side}
    if any((transfer_type, role) in draft.pairs for role in roles):
        transfer_type = f"{transfer_type}_{number}"
    draft.pairs |= {(transfer_type, role) for role in roles}
    rail: Element = {"name": f"Rail{number:02d}", "transfer_type": transfer_type}
    if direction is None:
        rail |= {
            "source_role": _role_expression(draft, sides[0]),
            "destination_role": _role_expression(draft, sides[1]),
        }
        if draft.often(30):
            rail |= {"source_origin": draft.pick(ORIGINS), "destination_origin": draft.pick(ORIGINS)}
    else:
        rail |= {"leg_role": _role_expression(draft, sides[0]), "leg_direction": direction}
    if "source_origin" not in rail or draft.often(30):
        rail["origin"] = draft.pick(ORIGINS)
    metadata = [*keys, *draft.some(("memo", "trace", "branch"), 0, 2)]
    rail["metadata_keys"] = metadata
    if metadata and draft.often(30):
        rail["posted_requirements"] = metadata[:1]
    free = [key for key in metadata if key not in keys]
    if free and draft.often(50):
        rail["metadata_value_examples"] = {free[0]: draft.some(EXAMPLES, 1, 4)}
    if draft.often(20):
        rail["max_pending_age"] = draft.pick(("PT4H", "PT24H", "P2D"))
    draft.bank["rails"].append(rail)
    draft.nodes[rail["name"]] = [rail["name"]]
    return rail


def _plain_rail(draft: Draft) -> None:
    if draft.often(15):
        _rail(draft, draft.pick(FLOWS), draft.pick(("Debit", "Credit")))
        return
    rail = _rail(draft, draft.pick(FLOWS), None)
    if rail is not None:
        rail["expected_net"] = draft.pick(("0", "0.00"))


# The legs of a template, and what they can net to.
TEMPLATE_SHAPES: tuple[tuple[tuple[str | None, ...], tuple[str, ...]], ...] = (
    ((None,), ("0",)),
    ((None, None, None), ("0",)),
    (("Debit", "Credit"), ("0", "125.00", "-40.00")),
    (("Credit", "Debit", "Debit"), ("0",)),
    (("Credit", "Variable"), ("0", "0.00", "10.00")),
    (("Debit", "Credit", "Variable"), ("0", "-500.00")),
    (("Credit",), ("75.25",)),
    ((None, "Variable"), ("0",)),
    ((None, "Credit", "Variable"), ("0", "33.33")),
    ((None, "Debit", "Credit"), ("0",)),
    (("Debit",), ("0",)),
)


def _template(draft: Draft) -> None:
    number = len(draft.bank["transfer_templates"])
    directions, nets = draft.pick(TEMPLATE_SHAPES)
    keys = [f"key{number}", f"part{number}"][: draft.count(1, 2)]
    due = f"due{number}" if draft.often(15) else None
    made = [_rail(draft, draft.pick(FLOWS), one, [*keys, *([due] if due else [])]) for one in directions]
    legs = [rail for rail in made if rail is not None]
    if not legs or all(rail.get("leg_direction") == "Variable" for rail in legs):
        draft.bank["rails"] = [rail for rail in draft.bank["rails"] if rail not in legs]
        return
    name = f"Template{number}"
    for rail in legs:
        draft.nodes[rail["name"]] = [name]
    draft.nodes[name] = [name]
    template: Element = {"name": name, "transfer_type": f"cycle_{number}", "expected_net": draft.pick(nets)}
    template |= {"transfer_key": keys, "completion": f"metadata.{due}" if due else draft.pick(COMPLETIONS)}
    draft.bank["transfer_templates"].append(template | {"leg_rails": [rail["name"] for rail in legs]})


def _selectors(draft: Draft) -> dict[str, list[str]]:
    """Every bundle selector, with the nodes whose activity it picks."""
    found = {rail["name"]: draft.nodes[rail["name"]] for rail in draft.bank["rails"]}
    types = sorted({rail["transfer_type"] for rail in draft.bank["rails"]})
    for one in types:
        of_type = [rail["name"] for rail in draft.bank["rails"] if rail["transfer_type"] == one]
        found[one] = [node for name in of_type for node in draft.nodes[name]]
    for template in draft.bank["transfer_templates"]:
        found[template["name"]] = [template["name"]]
        found |= {f"{template['name']}.{leg}": [template["name"]] for leg in template["leg_rails"]}
    return found


def _sweep(draft: Draft, loose: Sequence[str] = ()) -> bool:
    """An aggregating rail over these rails, or over what some selectors pick."""
    selectors = _selectors(draft)
    chosen = list(loose) or draft.some(list(selectors), 1, 3)
    if not chosen:
        return False
    flow = (f"sweep_{len(draft.bank['rails'])}", draft.pick(("general", "ledger", "customer")), "general")
    rail = _rail(draft, flow, draft.pick((None, None, None, "Debit", "Credit")))
    if rail is None:
        return False
    for selector in chosen:
        draft.may_cause(selectors[selector], [rail["name"]])
    if "leg_role" not in rail:
        rail["expected_net"] = "0.00"
    rail |= {"aggregating": True, "cadence": draft.pick(CADENCES), "bundles_activity": chosen}
    for other in draft.bank["rails"]:
        if other["name"] in rail["bundles_activity"] and draft.often(50):
            other["max_unbundled_age"] = draft.pick(("PT4H", "PT20H", "P3D", "P40D"))
    return True


def _sweep_loose_rails(draft: Draft) -> None:
    """One-leg rails that no template holds must be bundled; where that cannot be, they go."""
    bundled = {name for rail in draft.bank["rails"] for name in rail.get("bundles_activity", ())}
    loose = [
        rail["name"]
        for rail in draft.bank["rails"]
        if "leg_role" in rail and not rail.get("aggregating") and draft.nodes[rail["name"]] == [rail["name"]]
        if not bundled & {rail["name"], rail["transfer_type"]}
    ]
    if loose and not _sweep(draft, loose):
        draft.bank["rails"] = [rail for rail in draft.bank["rails"] if rail["name"] not in loose]


def _chain(draft: Draft) -> None:
    """One parent with one child, or with the members of an XOR group."""
    bank = draft.bank
    templates = [template["name"] for template in bank["transfer_templates"]]
    parents = [rail["name"] for rail in bank["rails"]] + templates
    children = [rail["name"] for rail in bank["rails"] if not rail.get("aggregating")] + templates
    if not parents:
        return
    parent = draft.pick(parents)
    # A template and its leg rail as parents would both mean the same transfers.
    if any(c["parent"] != parent and draft.nodes[c["parent"]] == draft.nodes[parent] for c in bank["chains"]):
        return
    grouped = draft.often(35)
    members: list[str] = []
    for child in draft.some(children, 2 if grouped else 1, 3 if grouped else 1):
        linked = {(c["parent"], node) for c in bank["chains"] for node in draft.nodes[c["child"]]}
        nodes = draft.nodes[child]
        other_end = any(c["child"] != child and draft.nodes[c["child"]] == nodes for c in bank["chains"])
        taken = any(draft.nodes[member] == nodes for member in members)
        if other_end or taken or any((parent, node) in linked for node in nodes):
            continue
        if _is_variable(draft, child) or _is_variable(draft, parent):
            continue
        if draft.may_cause(draft.nodes[parent], nodes):
            members.append(child)
    group = f"choice{len(bank['chains'])}" if len(members) > 1 else None
    for child in members:
        entry: Element = {"parent": parent, "child": child, "required": draft.pick((True, False))}
        bank["chains"].append(entry | ({"xor_group": group} if group else {}))


def _is_variable(draft: Draft, name: str) -> bool:
    return any(rail["name"] == name and rail.get("leg_direction") == "Variable" for rail in draft.bank["rails"])


def _limits(draft: Draft) -> None:
    keys = set()
    for rail in draft.bank["rails"]:
        side = rail.get("source_role") or (rail["leg_role"] if rail.get("leg_direction") != "Credit" else [])
        roles = side.strip("()").split(" | ") if isinstance(side, str) else side
        keys |= {(draft.parent_of[role], rail["transfer_type"]) for role in roles if role in draft.parent_of}
    for parent_role, transfer_type in draft.some(sorted(keys), 0, 3):
        limit = {"parent_role": parent_role, "transfer_type": transfer_type, "cap": draft.pick(CAPS)}
        draft.bank["limit_schedules"].append(limit)


def _extras(draft: Draft) -> None:
    """Offsets, account counts, overrides of amounts and volumes."""
    bank = draft.bank
    roles = sorted({a["role"] for a in (*bank["accounts"], *bank["account_templates"]) if "role" in a})
    bank["role_business_day_offsets"] = {role: draft.pick((-23, -5, -4, 0, 3, 17, 23)) for role in draft.some(roles)}
    counts = {t["role"]: draft.pick((0, 1, 2, 3, 6)) for t in bank["account_templates"] if draft.often(80)}
    overrides: Element = {}
    for name in draft.some([rail["name"] for rail in bank["rails"]], 0, 3):
        override: Element = {}
        if draft.often(60):
            override["seed_amount"] = {"median": draft.pick(("10.00", "480.25")), "sigma": draft.pick(("0.3", "1.5"))}
        if draft.often(60):
            override["seed_volume_multiplier"] = draft.pick(("0", "0.1", "1.5", "3"))
        overrides |= {name: override} if override else {}
    bank["baseline"] = {"accounts": counts, "rails": overrides}


def yaml_text(bank: Element) -> str:
    """The text of a bank file."""
    return yaml.safe_dump(bank, sort_keys=False, allow_unicode=True)


def anchors() -> st.SearchStrategy[date]:
    """Any anchor from 1900 to 2199, weekends, holidays and leap days among the likely ones."""
    special = [date(2030, 1, 1), date(2029, 11, 14), date(2024, 2, 29), date(2023, 12, 31), date(2026, 7, 4)]
    return st.one_of(st.sampled_from(special), st.dates(date(1900, 1, 1), date(2199, 12, 31)))


def windows() -> st.SearchStrategy[int]:
    """Windows of 1 to 400 days, mostly short ones."""
    return st.one_of(st.integers(1, 12), st.integers(13, 95), st.sampled_from((90, 366, 400)))
