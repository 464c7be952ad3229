"""Rules on references: everything to which a bank refers must be declared."""

from collections.abc import Iterator

from seedbed.bank.declared import Declared, rail_roles
from seedbed.bank.text import Path, quote, suggestion

__all__ = [
    "baseline_rails",
    "baseline_roles",
    "bundle_selectors",
    "chain_ends",
    "leg_rails",
    "limit_rails",
    "limit_roles",
    "limit_types",
    "metadata_examples",
    "offset_roles",
    "parent_roles",
    "posted_requirements",
    "rail_roles_declared",
    "transfer_keys",
]

Found = Iterator[tuple[Path, str]]


def rail_roles_declared(declared: Declared) -> Found:
    """Every role of a rail is the role of an account or template."""
    for index, rail in enumerate(declared.bank.rails):
        for key, role in rail_roles(rail):
            if role not in declared.roles:
                hint = suggestion(role, declared.roles)
                yield ("rails", index, key, role), f"{quote(role)} is not a declared role{hint}"


def parent_roles(declared: Declared) -> Found:
    """An account's parent role is declared; a template's parent is an account that exists once."""
    for index, account in enumerate(declared.bank.accounts):
        parent = account.parent_role
        if parent is not None and parent not in declared.roles:
            hint = suggestion(parent, declared.roles)
            yield ("accounts", index, "parent_role"), f"{quote(parent)} is not a declared role{hint}"
    for index, template in enumerate(declared.bank.account_templates):
        parent = template.parent_role
        if parent is None or parent in declared.single_roles:
            continue
        path = ("account_templates", index, "parent_role")
        if parent in declared.template_roles:
            yield path, f"{quote(parent)} is the role of a template; a parent is an account under `accounts`"
        else:
            hint = suggestion(parent, declared.single_roles)
            yield path, f"{quote(parent)} is not the role of an account under `accounts`{hint}"


def leg_rails(declared: Declared) -> Found:
    """Every leg rail of a template is a rail."""
    for index, template in enumerate(declared.bank.transfer_templates):
        for position, name in enumerate(template.leg_rails):
            if name not in declared.rails:
                path = ("transfer_templates", index, "leg_rails", position)
                yield path, f"{quote(name)} is not a declared rail{suggestion(name, declared.rails)}"


def chain_ends(declared: Declared) -> Found:
    """Parent and child of a chain are rails or templates."""
    for index, chain in enumerate(declared.bank.chains):
        for key, name in (("parent", chain.parent), ("child", chain.child)):
            if name not in declared.ends:
                hint = suggestion(name, declared.ends)
                yield ("chains", index, key), f"{quote(name)} is not a declared rail or template{hint}"


def limit_roles(declared: Declared) -> Found:
    """A limit's parent role is declared."""
    for index, limit in enumerate(declared.bank.limit_schedules):
        role = limit.parent_role
        if role not in declared.roles:
            path = ("limit_schedules", index, "parent_role")
            yield path, f"{quote(role)} is not a declared role{suggestion(role, declared.roles)}"


def limit_types(declared: Declared) -> Found:
    """A limit's transfer type is the type of a rail or template."""
    for index, limit in enumerate(declared.bank.limit_schedules):
        name = limit.transfer_type
        if name is not None and name not in declared.types:
            hint = suggestion(name, declared.types)
            yield ("limit_schedules", index, "transfer_type"), f"no rail has the transfer type {quote(name)}{hint}"


def limit_rails(declared: Declared) -> Found:
    """A limit's rail is declared."""
    for index, limit in enumerate(declared.bank.limit_schedules):
        if limit.rail is not None and limit.rail not in declared.rails:
            hint = suggestion(limit.rail, declared.rails)
            yield ("limit_schedules", index, "rail"), f"{quote(limit.rail)} is not a declared rail{hint}"


def bundle_selectors(declared: Declared) -> Found:
    """A bundle selector is a rail, a transfer type, a template or `Template.LegRail`."""
    for index, rail in enumerate(declared.bank.rails):
        for position, selector in enumerate(rail.bundles_activity):
            if selector not in declared.selectable:
                hint = suggestion(selector, declared.selectable)
                yield (
                    ("rails", index, "bundles_activity", position),
                    f"{quote(selector)} is not a rail, a transfer type, a template or Template.LegRail{hint}",
                )


def offset_roles(declared: Declared) -> Found:
    """Roles with a shifted business day are declared."""
    for role in declared.bank.role_business_day_offsets:
        if role not in declared.roles:
            path = ("role_business_day_offsets", role, "[key]")
            yield path, f"{quote(role)} is not a declared role{suggestion(role, declared.roles)}"


def metadata_examples(declared: Declared) -> Found:
    """Example values belong to a metadata key of the rail."""
    for index, rail in enumerate(declared.bank.rails):
        for key in rail.metadata_value_examples:
            if key not in rail.metadata_keys:
                path = ("rails", index, "metadata_value_examples", key, "[key]")
                yield (
                    path,
                    f"{quote(key)} is not one of the rail's metadata_keys{suggestion(key, rail.metadata_keys)}",
                )


def posted_requirements(declared: Declared) -> Found:
    """Every posted requirement is a metadata key of the rail."""
    for index, rail in enumerate(declared.bank.rails):
        for position, key in enumerate(rail.posted_requirements):
            if key not in rail.metadata_keys:
                path = ("rails", index, "posted_requirements", position)
                yield (
                    path,
                    f"{quote(key)} is not one of the rail's metadata_keys{suggestion(key, rail.metadata_keys)}",
                )


def transfer_keys(declared: Declared) -> Found:
    """Every key of a `transfer_key` is a metadata key of every leg rail."""
    for index, template in enumerate(declared.bank.transfer_templates):
        legs = [declared.rails[name] for name in dict.fromkeys(template.leg_rails) if name in declared.rails]
        for position, key in enumerate(template.transfer_key):
            for rail in legs:
                if key not in rail.metadata_keys:
                    path = ("transfer_templates", index, "transfer_key", position)
                    hint = suggestion(key, rail.metadata_keys)
                    yield path, f"{quote(key)} is not one of the metadata_keys of leg rail {quote(rail.name)}{hint}"


def baseline_roles(declared: Declared) -> Found:
    """Account counts are given for templates."""
    for role in declared.bank.baseline.accounts:
        if role not in declared.template_roles:
            path = ("baseline", "accounts", role, "[key]")
            yield (
                path,
                f"{quote(role)} is not the role of an account template{suggestion(role, declared.template_roles)}",
            )


def baseline_rails(declared: Declared) -> Found:
    """Overrides of amounts and volumes are given for rails."""
    for name in declared.bank.baseline.rails:
        if name not in declared.rails:
            path = ("baseline", "rails", name, "[key]")
            yield path, f"{quote(name)} is not a declared rail{suggestion(name, declared.rails)}"
