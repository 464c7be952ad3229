"""The accounts, rails and transfer templates of a random bank."""

from collections.abc import Sequence
from typing import Any

from tests.random_banks import words
from tests.random_banks.draft import Draft, Element

__all__ = ["add_accounts", "add_rail", "add_template"]


# ---- accounts ------------------------------------------------------------------------------------------------------


def add_accounts(draft: Draft) -> None:
    """Declared accounts and templates, external and internal, nested, alone and without a role."""
    bank = draft.bank
    roles = [draft.name(role) for role in draft.some(words.ROLES, 1, 6)]
    single = roles[: draft.count(1, len(roles))]
    for number, role in enumerate(single):
        external = draft.often(60 if "FrbMaster" in role or "Network" in role or "Other" in role else 10)
        above = draft.pick(single[:number]) if number and draft.often(45) else None
        for copy in range(draft.pick((1, 1, 1, 2, 3))):
            account_id = draft.name(f"gl-{number}-{copy}")
            bank["accounts"].append(_account(draft, {"id": account_id, "role": role}, external, above))
    for role in roles[len(single) :] or draft.some([role for role in words.ROLES if role not in roles], 0, 2):
        external = draft.often(15)
        above = draft.pick(single) if draft.often(65) else None
        template = _account(draft, {"role": role}, external, above)
        if draft.often(35):
            template["instance_id_template"] = draft.pick(
                (f"t{len(bank['account_templates'])}-{{n}}", "{role}/{n:05d}")
            )
        if draft.often(15):
            template["instance_name_template"] = draft.pick(("{role} no. {n}", "The same for all"))
        bank["account_templates"].append(template)
    if draft.often(15):
        bank["accounts"].append(_account(draft, {"id": "gl-nobody"}, draft.often(20), draft.pick(single)))
    if draft.often(10) and bank["account_templates"]:
        # An account beside the many of its role, with an id that those could have, or that plants take.
        role = draft.pick(bank["account_templates"])["role"]
        account_id = draft.pick(("only-one", "cust-003", "cust-0003"))
        bank["accounts"].append(_account(draft, {"id": account_id, "role": role}, False, None))


def _account(draft: Draft, account: Element, external: bool, above: str | None) -> Element:
    account["scope"] = "external" if external else "internal"
    if above is not None:
        account["parent_role"] = above
    if draft.often(10):
        account["expected_eod_balance"] = draft.pick(words.DECLARED_BALANCES)
    if draft.often(10):
        account["description"] = "Prose\nover two lines: it's said."
    return account


# ---- rails and templates -------------------------------------------------------------------------------------------


def _roles(draft: Draft) -> list[str]:
    return draft.some(draft.roles, 1, draft.pick((1, 1, 1, 1, 2, 3)))


def _expression(draft: Draft, roles: Sequence[str]) -> Any:
    """One role, or a choice in either spelling."""
    if len(roles) == 1 and draft.often(80):
        return roles[0]
    plain = not any("|" in role or ")" in role for role in roles)
    return f"({' | '.join(roles)})" if plain and draft.often(50) else list(roles)


def _free_type(draft: Draft, roles: set[str], wanted: str) -> str:
    """A transfer type that tells the legs on these roles apart from those of other rails."""
    if any((wanted, role) in draft.pairs for role in roles):
        wanted = f"{wanted}_{draft.rails_made}"
    draft.pairs |= {(wanted, role) for role in roles}
    return wanted


def add_rail(draft: Draft, *, sweep: bool = False, variable: bool = False) -> Element:
    """A new rail; its net, its sweep and what else depends on the others is mended later."""
    number = draft.rails_made
    draft.rails_made += 1
    rail: Element = {"name": draft.name(f"Rail{number:02d}")}
    one_leg = variable or draft.often(30)
    sides = [_roles(draft)] if one_leg else [_roles(draft), _roles(draft)]
    if not one_leg and draft.often(12):
        sides[1] = sides[0]
    wanted = draft.name(draft.pick(words.TYPES), 4)
    rail["transfer_type"] = _free_type(draft, {role for side in sides for role in side}, wanted)
    if one_leg:
        direction = draft.pick(("Credit", "Debit") if sweep else ("Credit", "Debit", "Variable"))
        direction = "Variable" if variable else direction
        rail |= {"leg_role": _expression(draft, sides[0]), "leg_direction": direction}
    else:
        rail |= {"source_role": _expression(draft, sides[0]), "destination_role": _expression(draft, sides[1])}
    own_origins = not one_leg and draft.often(30)
    if own_origins:
        rail |= {"source_origin": draft.pick(words.ORIGINS), "destination_origin": draft.pick(words.ORIGINS)}
    if not own_origins or draft.often(30):
        rail["origin"] = draft.pick(words.ORIGINS)
    rail["metadata_keys"] = draft.some(words.KEYS, 0, 3)
    if draft.often(25):
        rail["max_pending_age"] = draft.pick(words.AGES)
    if sweep:
        rail |= {"aggregating": True, "cadence": draft.pick(words.CADENCES)}
    draft.bank["rails"].append(rail)
    return rail


def add_template(draft: Draft) -> None:
    """A transfer template over rails that are there, also such as other templates hold."""
    bank = draft.bank
    number = len(bank["transfer_templates"])
    variable = [rail for rail in bank["rails"] if rail.get("leg_direction") == "Variable"]
    others = [rail for rail in bank["rails"] if rail.get("leg_direction") != "Variable"]
    closing = draft.some(variable, 0 if others else 1, 1)
    legs = [*draft.some(others, 0 if closing and draft.often(25) else 1, draft.pick((1, 2, 2, 3, 4))), *closing]
    spare = [rail for rail in variable if rail not in closing]
    groups = _leg_groups(draft, spare) if draft.groups and draft.often(40) else []
    legs += [rail for members in groups for rail in members]
    if not legs:
        return
    keys = draft.some(words.KEYS, 0 if draft.often(15) else 1, 2)
    for rail in legs:
        rail["metadata_keys"] += [key for key in keys if key not in rail["metadata_keys"]]
    name = draft.name(f"Template{number}")
    template: Element = {"name": name, "transfer_type": draft.pick((f"cycle_{number}", legs[0]["transfer_type"]))}
    template |= {"expected_net": draft.pick(("0", "0", *words.NETS)), "transfer_key": keys}
    template["completion"] = draft.pick(words.COMPLETIONS)
    if template["completion"] == "metadata.due" and draft.often(70):
        legs[0]["metadata_keys"] += [] if "due" in legs[0]["metadata_keys"] else ["due"]
    template["leg_rails"] = [rail["name"] for rail in legs]
    if groups:
        template["leg_rail_xor_groups"] = [[rail["name"] for rail in members] for members in groups]
    bank["transfer_templates"].append(template)


def _leg_groups(draft: Draft, spare: list[Element]) -> list[list[Element]]:
    """XOR groups of Variable rails, of those to spare and of new ones."""
    groups = []
    for _ in range(draft.pick((1, 1, 1, 2, 3))):
        members = draft.some(spare, 0, 2)
        spare = [rail for rail in spare if rail not in members]
        missing = draft.pick((2, 2, 2, 3, 4)) - len(members)
        groups.append([*members, *(add_rail(draft, variable=True) for _ in range(missing))])
    return groups
