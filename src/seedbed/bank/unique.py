"""Rules on names: unique, distinct in every engine, not reserved, and not equal to a generated id."""

import re
import unicodedata
from collections.abc import Hashable, Iterable, Iterator
from importlib.util import find_spec

from seedbed.bank.declared import Declared, rail_roles
from seedbed.bank.grammar import OPENING_RAIL, OPENING_TYPE, split_account_pattern
from seedbed.bank.patterns import default_account_counts, id_collisions
from seedbed.bank.text import Path, path_text, quote, suggestion
from seedbed.extras import install_command

__all__ = [
    "account_ids",
    "calendar_known",
    "colliding_names",
    "generated_ids",
    "id_pattern_number",
    "leg_traces",
    "limits",
    "list_items",
    "rail_names",
    "reserved_names",
    "template_names",
    "template_roles",
]

Found = Iterator[tuple[Path, str]]

CALENDARS = ("federal_reserve", "none")


def _repeated(items: Iterable[tuple[Path, Hashable]]) -> Iterator[tuple[Path, Path]]:
    """Every repeated item: its path, and the path of the first item with the same value."""
    first: dict[Hashable, Path] = {}
    for path, value in items:
        if value in first:
            yield path, first[value]
        else:
            first[value] = path


def account_ids(declared: Declared) -> Found:
    """Account ids are unique."""
    items = [(("accounts", i, "id"), a.id) for i, a in enumerate(declared.bank.accounts)]
    for path, other in _repeated(items):
        yield path, f"{path_text(other[:2])} already has this id"


def template_roles(declared: Declared) -> Found:
    """No two account templates have the same role."""
    items = [(("account_templates", i, "role"), t.role) for i, t in enumerate(declared.bank.account_templates)]
    for path, other in _repeated(items):
        yield path, f"{path_text(other[:2])} already has this role"


def rail_names(declared: Declared) -> Found:
    """Rail names are unique."""
    for path, other in _repeated((("rails", i, "name"), r.name) for i, r in enumerate(declared.bank.rails)):
        yield path, f"{path_text(other[:2])} already has this name"


def template_names(declared: Declared) -> Found:
    """Template names are unique, and no rail has the name of a template. Chains and selectors name both."""
    items = [(("transfer_templates", i, "name"), t.name) for i, t in enumerate(declared.bank.transfer_templates)]
    for path, other in _repeated(items):
        yield path, f"{path_text(other[:2])} already has this name"
    for path, name in items:
        if name in declared.rails:
            yield path, f"{quote(name)} is also the name of a rail"


def limits(declared: Declared) -> Found:
    """One cap per parent role, direction, and rail or transfer type."""
    items = [(("limit_schedules", i), (x.parent_role, x.key)) for i, x in enumerate(declared.bank.limit_schedules)]
    for path, other in _repeated(items):
        yield path, f"{path_text(other)} already caps this under this parent role"


def leg_traces(declared: Declared) -> Found:
    """No two rails have legs of the same transfer type and role, because these two identify a leg's rail."""
    owner: dict[tuple[str, str], str] = {}
    for index, rail in enumerate(declared.bank.rails):
        if declared.rails[rail.name] is not rail:
            continue
        told: set[str] = set()
        for key, role in rail_roles(rail):
            other = owner.setdefault((rail.transfer_type, role), rail.name)
            if other != rail.name and role not in told:
                told.add(role)
                yield (
                    ("rails", index, key, role),
                    f"legs of type {quote(rail.transfer_type)} on role {quote(role)} already belong to the rail "
                    f"{quote(other)}; legs of the two rails could not be told apart",
                )


def list_items(declared: Declared) -> Found:
    """A list of names has no name twice."""
    bank = declared.bank
    lists: list[tuple[Path, tuple[str, ...]]] = []
    for i, rail in enumerate(bank.rails):
        lists.append((("rails", i, "metadata_keys"), rail.metadata_keys))
        lists.append((("rails", i, "posted_requirements"), rail.posted_requirements))
        lists.append((("rails", i, "bundles_activity"), rail.bundles_activity))
    for i, template in enumerate(bank.transfer_templates):
        lists.append((("transfer_templates", i, "transfer_key"), template.transfer_key))
        lists.append((("transfer_templates", i, "leg_rails"), template.leg_rails))
        for number, members in enumerate(template.leg_rail_xor_groups):
            lists.append((("transfer_templates", i, "leg_rail_xor_groups", number), members))
    for path, names in lists:
        for position, _ in _repeated(((n,), name) for n, name in enumerate(names)):
            yield (*path, *position), f"{quote(names[int(position[0])])} is already in this list"


def colliding_names(declared: Declared) -> Found:
    """Two names of one sort differ in more than letter case and compatibility forms, which some engines ignore."""
    bank = declared.bank
    roles: list[tuple[Path, str]] = [
        (("accounts", i, "role"), a.role) for i, a in enumerate(bank.accounts) if a.role is not None
    ]
    roles += [(("account_templates", i, "role"), t.role) for i, t in enumerate(bank.account_templates)]
    names: list[tuple[Path, str]] = [(("rails", i, "name"), rail.name) for i, rail in enumerate(bank.rails)]
    types: list[tuple[Path, str]] = [
        (("rails", i, "transfer_type"), r.transfer_type) for i, r in enumerate(bank.rails)
    ]
    for i, template in enumerate(bank.transfer_templates):
        names.append((("transfer_templates", i, "name"), template.name))
        types.append((("transfer_templates", i, "transfer_type"), template.transfer_type))
    ids: list[tuple[Path, str]] = [(("accounts", i, "id"), account.id) for i, account in enumerate(bank.accounts)]
    for sort in (ids, roles, names, types):
        seen: dict[str, str] = {}
        for path, name in sort:
            folded = unicodedata.normalize("NFKC", name).casefold().strip()
            other = seen.setdefault(folded, name)
            if other != name:
                yield path, f"{quote(name)} and {quote(other)} are the same name in some databases"


def reserved_names(declared: Declared) -> Found:
    """No rail or template has the name or transfer type of opening balances."""
    bank = declared.bank
    for key, elements in (("rails", bank.rails), ("transfer_templates", bank.transfer_templates)):
        for index, element in enumerate(elements):
            if element.name == OPENING_RAIL:
                yield (key, index, "name"), f"{quote(OPENING_RAIL)} is reserved for opening balances"
            if element.transfer_type == OPENING_TYPE:
                yield (key, index, "transfer_type"), f"{quote(OPENING_TYPE)} is reserved for opening balances"


def id_pattern_number(declared: Declared) -> Found:
    """An id pattern has exactly one number."""
    for index, template in enumerate(declared.bank.account_templates):
        pattern = template.instance_id_template
        if pattern is not None and len(split_account_pattern(pattern, template.role)) != 3:
            path = ("account_templates", index, "instance_id_template")
            yield path, f"{quote(pattern)} does not have exactly one {{n}} or {{n:0Wd}}"


def generated_ids(declared: Declared) -> Found:
    """Generated account ids differ from declared ids and from each other."""
    for collision in id_collisions(declared.bank, default_account_counts(declared.bank)):
        path = ("account_templates", collision.template, "instance_id_template")
        yield path, f"the account id {quote(collision.account_id)} of this template is also {collision.other}"


def calendar_known(declared: Declared) -> Found:
    """The calendar is one of Seedbed's own, or a country or a market of the `holidays` package."""
    calendar = declared.bank.calendar
    if calendar in CALENDARS:
        return
    match = re.fullmatch(r"holidays:([A-Z][A-Z0-9]{1,3})(?:-([A-Za-z0-9]{1,10}))?", calendar)
    if not match:
        hint = suggestion(calendar, CALENDARS)
        known = "federal_reserve, none, or holidays:XX[-SUB] with a country or market (XECB, XNYS)"
        yield ("calendar",), f"{quote(calendar)} is not {known}{hint}"
    elif find_spec("holidays") is None:
        yield ("calendar",), f"{quote(calendar)} needs the package holidays: {install_command('calendars')}"
    else:
        # The package is optional and slow to import.
        from holidays import list_supported_countries, list_supported_financial  # noqa: PLC0415

        code, part = match.groups()
        parts = {**list_supported_financial(), **list_supported_countries()}.get(code)
        if parts is None:
            markets = ", ".join(sorted(list_supported_financial(include_aliases=False)))
            known = f"it has countries with two letters, and the markets {markets}"
            yield ("calendar",), f"{quote(calendar)} is not a calendar of the package holidays; {known}"
        elif part and part not in parts:
            known = f"the parts of {code} are {', '.join(sorted(parts))}" if parts else f"{code} has no parts"
            yield ("calendar",), f"{quote(calendar)} is not a calendar of the package holidays; {known}"
