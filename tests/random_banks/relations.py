"""What relates the elements of a random bank: sweeps, chains, caps, overrides; and what mends it."""

from collections.abc import Iterator

from tests.random_banks import words
from tests.random_banks.draft import Draft, Element
from tests.random_banks.elements import add_rail

__all__ = ["add_chains", "add_extras", "add_limits", "add_sweeps", "mend"]

DIRECTIONS = ("Outbound", "Inbound")


# ---- sweeps --------------------------------------------------------------------------------------------------------


def add_sweeps(draft: Draft) -> None:
    """Aggregating rails; they are declared before they select, so that each may select any other, in every order."""
    sweeps = [add_rail(draft, sweep=True) for _ in range(draft.pick((0, 0, 1, 1, 2, 3)))]
    for sweep in sweeps:
        selectors = _selectors(draft)
        others = [other["name"] for other in sweeps if other is not sweep or draft.often(10)]
        chosen = draft.some(others, 0, 1) if draft.often(35) else []
        chosen += [one for one in draft.some(selectors, 1, 3) if one not in chosen]
        sweep["bundles_activity"] = chosen


def _selectors(draft: Draft) -> list[str]:
    """Every bundle selector of the bank so far."""
    bank = draft.bank
    found = [rail["name"] for rail in bank["rails"]] + [rail["transfer_type"] for rail in bank["rails"]]
    for template in bank["transfer_templates"]:
        found += [template["name"], template["transfer_type"]]
        found += [f"{template['name']}.{leg}" for leg in template["leg_rails"]]
    return list(dict.fromkeys(found))


# ---- what the rules of loading ask for -----------------------------------------------------------------------------


def mend(draft: Draft) -> None:
    """Nets where rails stand alone, sweeps for loose one-leg rails; Variable ones without a template go."""
    bank = draft.bank
    in_template = {name for template in bank["transfer_templates"] for name in template["leg_rails"]}
    bank["rails"] = [
        rail for rail in bank["rails"] if rail["name"] in in_template or rail.get("leg_direction") != "Variable"
    ]
    names = set(_selectors(draft))
    sweeps = [rail for rail in bank["rails"] if rail.get("aggregating")]
    for sweep in sweeps:
        kept = [one for one in sweep["bundles_activity"] if one in names]
        sweep["bundles_activity"] = kept or [draft.pick(bank["rails"])["name"]]
    loose = [
        rail["name"]
        for rail in bank["rails"]
        if "leg_role" in rail and not rail.get("aggregating") and rail["name"] not in in_template
        if not _is_bundled(bank, rail)
    ]
    if loose:
        sweep = draft.pick(sweeps) if sweeps and draft.often(60) else add_rail(draft, sweep=True)
        sweep["bundles_activity"] = [*sweep.get("bundles_activity", ()), *loose]
    for rail in bank["rails"]:
        _mend_rail(draft, rail, in_template)


def _is_bundled(bank: Element, rail: Element) -> bool:
    """Whether a sweep other than the rail itself bundles it, on its own or in a template."""
    texts = {rail["name"], rail["transfer_type"]}
    for template in bank["transfer_templates"]:
        if rail["name"] in template["leg_rails"]:
            texts |= {template["name"], template["transfer_type"], f"{template['name']}.{rail['name']}"}
    return any(texts & {*other.get("bundles_activity", ())} for other in bank["rails"] if other is not rail)


def _mend_rail(draft: Draft, rail: Element, in_template: set[str]) -> None:
    """The keys of a rail that depend on others: net, age unbundled, and what its metadata must and may hold."""
    if "leg_role" not in rail and rail["name"] not in in_template:
        rail["expected_net"] = draft.pick(words.NETS) if draft.often(35) else draft.pick(("0", "0.00"))
    if _is_bundled(draft.bank, rail) and draft.often(50):
        rail["max_unbundled_age"] = draft.pick(words.AGES)
    keys = rail["metadata_keys"]
    if keys and draft.often(30):
        rail["posted_requirements"] = draft.some(keys, 1, 2)
    if keys and draft.often(40):
        key = draft.pick(keys)
        rail["metadata_value_examples"] = {key: draft.some(words.EXAMPLES, 0 if draft.often(10) else 1, 4)}


# ---- chains --------------------------------------------------------------------------------------------------------


def add_chains(draft: Draft) -> None:
    """Chains between any two ends, to themselves, in circles and twice too, and XOR groups."""
    bank = draft.bank
    templates = [template["name"] for template in bank["transfer_templates"]]
    parents = [rail["name"] for rail in bank["rails"]] + templates
    children = [rail["name"] for rail in bank["rails"] if not rail.get("aggregating")] + templates
    if not children:
        return
    # Legs and their own templates, which mean one another, are drawn more often than chance would.
    kin = [[template["name"], *template["leg_rails"]] for template in bank["transfer_templates"]]
    for number in range(draft.pick((0, 1, 1, 2, 3, 4, 6)) if len(parents) < 100 else 60):
        ends = draft.pick(kin) if kin and draft.often(20) else None
        parent = draft.pick(ends or parents)
        grouped = draft.often(25)
        chosen = draft.some(ends or children, 2 if grouped else 1, 3 if grouped else 1)
        if parent in chosen and not draft.often(25):
            chosen.remove(parent)
        if not draft.often(20):
            chosen = [child for child in chosen if not _leads_to(draft, child, parent)]
        pairs = {(chain["parent"], chain["child"]) for chain in bank["chains"]}
        if not draft.often(20):
            chosen = [child for child in chosen if (parent, child) not in pairs]
        group = {"xor_group": draft.name(f"choice{number}")} if len(chosen) > 1 else {}
        for child in chosen:
            bank["chains"].append({"parent": parent, "child": child, "required": draft.often(50)} | group)


def _leads_to(draft: Draft, start: str, goal: str) -> bool:
    """Whether declared chains lead from one end to another by their names."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            todo += [chain["child"] for chain in draft.bank["chains"] if chain["parent"] == name]
    return False


# ---- caps and overrides --------------------------------------------------------------------------------------------


def add_limits(draft: Draft) -> None:
    """Caps in either direction, under any role, on any type or rail; most where such a rail moves money there.

    Some rails are capped twice: by their name and by their type, or in both directions.
    """
    bank = draft.bank
    types = list(dict.fromkeys(element["transfer_type"] for element in (*bank["rails"], *bank["transfer_templates"])))
    if not types:
        return
    moving = list(_moves(bank))
    one_leg = [move for move in moving if "leg_role" in move[1]]
    limits: list[Element] = []
    for _ in range(draft.pick((0, 0, 1, 2, 3))):
        if moving and draft.often(75):
            parent_role, rail, direction = draft.pick(one_leg if one_leg and draft.often(35) else moving)
            subjects = [{"transfer_type": rail["transfer_type"]}, {"rail": rail["name"]}]
            subjects = subjects if draft.often(25) else [draft.pick(subjects)]
        else:
            parent_role, subjects = draft.pick(draft.roles), [{"transfer_type": draft.pick(types)}]
            direction = draft.pick(DIRECTIONS)
        ways = DIRECTIONS if draft.often(20) else (direction,)
        limits += [{"parent_role": parent_role, **subject, "direction": way} for subject in subjects for way in ways]
    seen: set[tuple[str, ...]] = set()
    for limit in limits:
        subject = limit.get("rail") or limit["transfer_type"]
        if (limit["parent_role"], subject, limit["direction"]) not in seen:
            seen.add((limit["parent_role"], subject, limit["direction"]))
            if limit["direction"] == "Outbound" and draft.often(70):
                del limit["direction"]
            bank["limit_schedules"].append(limit | {"cap": draft.pick(words.CAPS)})


def _moves(bank: Element) -> Iterator[tuple[str, Element, str]]:
    """Every (parent role, rail, direction) in which a rail moves money on an account that has a parent."""
    above = {
        holder["role"]: holder["parent_role"]
        for holder in (*bank["accounts"], *bank["account_templates"])
        if "role" in holder and "parent_role" in holder
    }
    for rail in bank["rails"]:
        ways = {"Debit": DIRECTIONS[:1], "Credit": DIRECTIONS[1:]}.get(rail.get("leg_direction", ""), DIRECTIONS)
        for key, own in (("source_role", DIRECTIONS[:1]), ("destination_role", DIRECTIONS[1:]), ("leg_role", ways)):
            for role in _plain_roles(rail[key]) if key in rail else ():
                for way in own if role in above else ():
                    yield above[role], rail, way


def _plain_roles(expression: object) -> list[str]:
    if isinstance(expression, list):
        return expression
    text = str(expression)
    return text[1:-1].split(" | ") if text.startswith("(") else [text]


def add_extras(draft: Draft) -> None:
    """Offsets, account counts, overrides of amounts and volumes, the calendar, and keys that nothing depends on."""
    bank = draft.bank
    if draft.often(40):
        bank["role_business_day_offsets"] = {role: draft.pick(words.OFFSETS) for role in draft.some(draft.roles, 1)}
    counts = {t["role"]: draft.pick((2, 0, 1, 1, 3, 6, 12)) for t in bank["account_templates"] if draft.often(95)}
    if counts and len(bank["rails"]) < 8 and draft.often(3):
        counts[draft.pick(list(counts))] = 300
    overrides: Element = {}
    for name in draft.some([rail["name"] for rail in bank["rails"]], 0, 3) if draft.often(50) else []:
        override: Element = {}
        if draft.often(60):
            median, sigma = draft.pick(("0.01", "10.00", "480.25", "2000000")), draft.pick(("0.3", "1.5", "0.000001"))
            override["seed_amount"] = {"median": median, "sigma": sigma}
        if draft.often(60):
            override["seed_volume_multiplier"] = draft.pick(words.MULTIPLIERS)
        overrides |= {name: override} if override else {}
    bank["baseline"] = {key: value for key, value in (("accounts", counts), ("rails", overrides)) if value}
    if draft.often(30):
        bank["calendar"] = draft.pick(words.CALENDARS)
    if draft.often(10):
        bank |= {"description": "A bank: it's random.", "persona": {"any": ["thing"]}, "theme": None}
