"""The L2 sheets: do rails, chains and templates move money as the bank declares?"""

from seedbed.bank.model import Bank
from seedbed.dashboard.aggregates import distinct, matching, rows, total
from seedbed.dashboard.charts import QUIET, Chart, FlowLink, FlowNode, Series, by_category
from seedbed.dashboard.ledger import whole
from seedbed.dashboard.selection import Selection
from seedbed.dashboard.sheets import App, Figure, Sheet, SheetColumn, SortOrder
from seedbed.views.declarations import declared_chains, fan_in_ends
from seedbed.views.sql import Sql

__all__ = ["FLOWS"]

# ---- rails ------------------------------------------------------------------------------------------------------


def _firings(selection: Selection) -> Chart:
    found = selection.aggregate("rail_name, firings", ["text", "count"])
    return by_category(((rail, "Firings", count) for rail, count in found), "Firings by rail", "Rail")


RAILS = Sheet(
    slug="rails",
    title="Rails",
    sentence="Every rail that the bank declares, with its firings in the window.",
    healthy="No dead rail, and few legs that are Pending or Failed.",
    views=("rail_activity",),
    relation=lambda s: f"SELECT * FROM {s.name('rail_activity')}",
    order=(SortOrder("firings", "count", descending=True), SortOrder("rail_name")),
    columns=(
        SheetColumn(name="rail_name", title="Rail"),
        SheetColumn(name="transfer_type", title="Type"),
        SheetColumn(name="firings", title="Firings", kind="count"),
        SheetColumn(name="legs", title="Legs", kind="count"),
        SheetColumn(name="posted", title="Posted", kind="count"),
        SheetColumn(name="pending", title="Pending", kind="count"),
        SheetColumn(name="failed", title="Failed", kind="count"),
        SheetColumn(name="credits", title="Credits", kind="money"),
        SheetColumn(name="last_posting", title="Last posting", kind="moment"),
    ),
    figures=(
        Figure("Dead rails", matching("is_dead = 1"), exception=True),
        Figure("Rails", rows),
        Figure("Firings", lambda s: s.whole("COALESCE(SUM(firings), 0)")),
        Figure("Credits", total("credits"), "money"),
    ),
    chart=_firings,
    where={"rail": "rail_name = {value}"},
)

# ---- chains -----------------------------------------------------------------------------------------------------

REQUIRED, ONE_OF, AT_MOST_ONE, OPTIONAL = "Required", "Exactly one of", "At most one of", "Optional"
SHARED_BY, SHARED = "one for {} parents", "one for the parents of a day"


def _decisions(bank: Bank) -> list[tuple[str, str, str, str, int]]:
    """(label, parent, children, rule, required) of each chain. An XOR group counts as one chain."""
    children: dict[int, list[str]] = {}
    found = {}
    shared = {ends.label: ends.expected for ends in fan_in_ends(bank)}
    for number, label, parent, child, grouped, required in declared_chains(bank):
        children.setdefault(number, []).append(child)
        rule = (ONE_OF if required else AT_MOST_ONE) if grouped else (REQUIRED if required else OPTIONAL)
        if label in shared:
            rule = f"{rule}, {SHARED_BY.format(shared[label]) if shared[label] else SHARED}"
        found[number] = (label, parent, rule, required)
    return [
        (label, parent, " | ".join(children[number]), rule, required)
        for number, (label, parent, rule, required) in found.items()
    ]


def _chains(s: Sql) -> str:
    """One row per chain and parent transfer, with the number of children. A chain without parents has one row."""
    columns = "label text, parent_name text, child_names text, rule text, required whole"
    return f"""WITH {s.relation("decisions", columns, _decisions(s.bank))}
SELECT d.label, d.parent_name, d.child_names, d.rule, d.required, p.transfer_id, p.posting, p.children
FROM decisions d LEFT JOIN {s.name("chain_parents")} p ON p.label = d.label AND p.parent_name = d.parent_name"""


def _counts(s: Sql) -> tuple[str, str]:
    group = "label, parent_name, child_names, rule, required"
    with_child = "COUNT(CASE WHEN children > 0 THEN transfer_id END)"
    missing = "COUNT(CASE WHEN children = 0 AND required = 1 THEN transfer_id END)"
    share = f"CASE WHEN COUNT(transfer_id) > 0 THEN {with_child} * 100.0 / COUNT(transfer_id) END"
    select = f"""{group}, COUNT(transfer_id) AS parents, {with_child} AS completed,
  COUNT(transfer_id) - {with_child} AS alone, {missing} AS missing, {share} AS share"""
    return select, group


def _completion(selection: Selection) -> Chart:
    found = selection.aggregate(
        "parent_name, child_names, rule, completed, alone, missing",
        ["text", "text", "text", "count", "count", "count"],
        "ORDER BY parents DESC, label",
    )
    numbers = [(whole(a), whole(b), whole(c)) for *_, a, b, c in found]
    labels = tuple(f"{parent} → {children}" for parent, children, *_ in found)
    series = (
        Series("With a child", tuple(done for done, _, _ in numbers), 0),
        Series("Without, as it may be", tuple(alone - missing for _, alone, missing in numbers), QUIET),
        Series("Without, though required", tuple(missing for *_, missing in numbers), 1),
    )
    return Chart(
        shape="rows",
        title="Parents with and without a child",
        unit="count",
        heading="Chain",
        categories=labels,
        series=series,
    )


CHAINS = Sheet(
    slug="chains",
    title="Chains",
    sentence="Every declared chain, with the number of parents that have their child.",
    healthy="Every parent of a Required chain has a child, except for about 5% that the baseline leaves without one.",
    views=("chain_parents", "chain_exceptions"),
    relation=_chains,
    order=(SortOrder("parents", "count", descending=True), SortOrder("label")),
    columns=(
        SheetColumn(name="parent_name", title="Parent"),
        SheetColumn(name="child_names", title="Child"),
        SheetColumn(name="rule", title="Rule"),
        SheetColumn(name="parents", title="Parents", kind="count"),
        SheetColumn(name="completed", title="With a child", kind="count"),
        SheetColumn(name="alone", title="Without", kind="count"),
        SheetColumn(name="missing", title="Missing", kind="count", exception=True),
        SheetColumn(name="share", title="Share %", kind="ratio"),
    ),
    figures=(
        Figure("Missing children", lambda s: s.whole("COALESCE(SUM(missing), 0)"), exception=True),
        Figure("Chains", rows),
        Figure("Parents", lambda s: s.whole("COALESCE(SUM(parents), 0)")),
        Figure("With a child", lambda s: s.whole("COALESCE(SUM(completed), 0)")),
    ),
    chart=_completion,
    where={"from": "posting >= {value}", "to": "posting < {value}", "rail": "parent_name = {value}"},
    dates="moment",
    grouped=_counts,
    names_templates=True,
    nothing="The bank declares no chain.",
)

# ---- transfer templates -----------------------------------------------------------------------------------------


def _template_legs(s: Sql) -> str:
    templates = ((template.name, template.transfer_type) for template in s.bank.transfer_templates)
    return f"""WITH {s.relation("templates", "name text, transfer_type text", templates)}
SELECT d.name AS template_name, d.transfer_type, t.transfer_id, t.account_id, t.account_role, t.rail_name, t.posting,
  t.status, t.amount_money, n.transfer_id AS off_net_id
FROM templates d LEFT JOIN {s.name("current_transactions")} t ON t.template_name = d.name
LEFT JOIN {s.name("transfer_net")} n ON n.transfer_id = t.transfer_id AND n.name = d.name"""


def _template_totals(s: Sql) -> tuple[str, str]:
    posted = "status = 'Posted'"
    return (
        f"""template_name, transfer_type, COUNT(DISTINCT transfer_id) AS transfers, COUNT(transfer_id) AS legs,
  COUNT(CASE WHEN status = 'Pending' THEN 1 END) AS pending, COUNT(DISTINCT off_net_id) AS off_net,
  {total("amount_money", f"{posted} AND amount_money < 0", absolute=True)(s)} AS debits,
  {total("amount_money", f"{posted} AND amount_money > 0")(s)} AS credits,
  {total("amount_money", posted)(s)} AS net""",
        "template_name, transfer_type",
    )


def _template_flows(selection: Selection) -> Chart:
    """The money that flows from debited roles through templates to credited roles."""
    amount = total("amount_money", absolute=True)(selection.source.sql)
    found = selection.aggregate(
        f"account_role, template_name, amount_money > 0, {amount}",
        ["text", "text", "flag", "money"],
        "WHERE status = 'Posted' AND amount_money <> 0 GROUP BY 1, 2, 3 ORDER BY 2, 3, 1",
        rows=selection.filtered,
    )
    nodes: dict[str, FlowNode] = {}
    links = []
    for role, template, is_credit, moved in found:
        middle = nodes.setdefault(f"template {template}", FlowNode(f"template {template}", str(template), 1, 0))
        side = f"{'to' if is_credit else 'from'} {role}"
        end = nodes.setdefault(side, FlowNode(side, str(role), 2 if is_credit else 0, QUIET))
        first, second = (middle, end) if is_credit else (end, middle)
        links.append(FlowLink(first.name, second.name, whole(moved)))
    title = "Money through templates: roles that pay, template, roles that receive"
    return Chart(shape="sankey", title=title, unit="money", nodes=tuple(nodes.values()), links=tuple(links))


TRANSFER_TEMPLATES = Sheet(
    slug="transfer-templates",
    title="Transfer Templates",
    sentence="Transfers that collect many legs: who pays into them, and who receives from them.",
    healthy="0 off net: every transfer has the net that its template expects.",
    views=("transfer_net",),
    relation=_template_legs,
    order=(SortOrder("transfers", "count", descending=True), SortOrder("template_name")),
    columns=(
        SheetColumn(name="template_name", title="Template"),
        SheetColumn(name="transfer_type", title="Type"),
        SheetColumn(name="transfers", title="Transfers", kind="count"),
        SheetColumn(name="legs", title="Legs", kind="count"),
        SheetColumn(name="pending", title="Pending", kind="count"),
        SheetColumn(name="off_net", title="Off net", kind="count", exception=True),
        SheetColumn(name="debits", title="Debits", kind="money"),
        SheetColumn(name="credits", title="Credits", kind="money"),
        SheetColumn(name="net", title="Net", kind="money"),
    ),
    figures=(
        Figure("Off net", lambda s: s.whole("COALESCE(SUM(off_net), 0)"), exception=True),
        Figure("Templates", rows),
        Figure("Transfers", lambda s: s.whole("COALESCE(SUM(transfers), 0)")),
        Figure("Credits", total("credits"), "money"),
    ),
    chart=_template_flows,
    where={
        "from": "posting >= {value}",
        "to": "posting < {value}",
        "rail": "rail_name = {value}",
        "account": "account_id = {value}",
        "role": "account_role = {value}",
    },
    dates="moment",
    grouped=_template_totals,
    nothing="The bank declares no transfer template.",
)

# ---- exceptions -------------------------------------------------------------------------------------------------

LEG_VIEWS = ("stuck_pending", "stuck_unbundled", "late_posting", "unmatched_postings", "posted_requirement_gaps")
# Chains are quiet: most of theirs are parents that the baseline leaves open, the more the larger the bank is.
TRANSFER_VIEWS = ("transfer_net", "leg_xor_exceptions", "chain_exceptions", "fan_in_exceptions")
EXCEPTION_TONES = {view: tone for tone, view in enumerate(LEG_VIEWS)} | {
    "transfer_net": 6,
    "leg_xor_exceptions": 7,
    "chain_exceptions": QUIET,
    "fan_in_exceptions": 5,
}


def _declared_exceptions(s: Sql) -> str:
    """Every exception from the declarations, with the rail or template that it concerns."""
    owners = {(label, parent) for _, label, parent, _, _, _ in declared_chains(s.bank)}
    owners |= {(f">{child}", child) for _, _, _, child, _, _ in declared_chains(s.bank)}
    legs = "\nUNION ALL\n".join(
        f"SELECT '{view}' AS place, view_key, rail_name, account_id, account_role, transfer_id, business_day,"
        f" amount_money FROM {s.name(view)}"
        for view in LEG_VIEWS
    )
    return f"""WITH {s.relation("owners", "label text, owner text", sorted(owners))}
{legs}
UNION ALL
SELECT 'transfer_net', view_key, name, NULL, NULL, transfer_id, {s.day("last_posting")}, difference
FROM {s.name("transfer_net")}
UNION ALL
SELECT 'leg_xor_exceptions', view_key, template_name, NULL, NULL, transfer_id, {s.day("last_posting")}, NULL
FROM {s.name("leg_xor_exceptions")}
UNION ALL
SELECT 'chain_exceptions', c.view_key, COALESCE(o.owner, c.label), NULL, NULL, c.transfer_id,
  {s.day("c.posting")}, NULL
FROM {s.name("chain_exceptions")} c LEFT JOIN owners o ON o.label = c.label
UNION ALL
SELECT 'fan_in_exceptions', f.view_key, COALESCE(o.owner, f.label), NULL, NULL, f.transfer_id,
  {s.day("f.posting")}, NULL
FROM {s.name("fan_in_exceptions")} f LEFT JOIN owners o ON o.label = f.label"""


def _by_rail(selection: Selection) -> Chart:
    found = selection.aggregate("rail_name, place, COUNT(*)", ["text", "word", "count"], "GROUP BY 1, 2")
    return by_category(found, "Exceptions by rail or template", "Rail or template", EXCEPTION_TONES)


def _of_leg_or_transfer(column: str) -> str:
    """A leg's account is its own; a transfer or chain has those of its legs, sought among such transfers alone."""
    words = ("off_net", "choices", "chains", "fan_ins")
    sought = " UNION ALL ".join(f"SELECT n.transfer_id FROM {{{word}}} n" for word in words)
    legs = f"SELECT l.transfer_id FROM {{legs}} l WHERE l.{column} = {{value}} AND l.transfer_id IN ({sought})"
    return f"{column} = {{value}} OR account_id IS NULL AND transfer_id IN ({legs})"


L2_EXCEPTIONS = Sheet(
    slug="l2-exceptions",
    title="L2 Exceptions",
    sentence="Transfers and legs that do not follow the bank file, by rail. A broken rail is one tall bar.",
    healthy="No row, except for some parents without a child (grey), which the baseline leaves "
    "open if chains are declared.",
    views=(*LEG_VIEWS, *TRANSFER_VIEWS),
    relation=_declared_exceptions,
    order=(SortOrder("business_day", "day", descending=True), SortOrder("place"), SortOrder("view_key")),
    columns=(
        SheetColumn(name="place", title="Kind", kind="word"),
        SheetColumn(name="rail_name", title="Rail or template"),
        SheetColumn(name="business_day", title="Business day", kind="day"),
        SheetColumn(name="account_id", title="Account", leads="account"),
        SheetColumn(name="amount_money", title="Amount", kind="money"),
        SheetColumn(name="transfer_id", title="Transfer", leads="transfer"),
    ),
    figures=(
        Figure("Exceptions", rows, exception=True),
        Figure("Rails and templates", distinct("rail_name")),
        Figure("Transfers", distinct("transfer_id")),
        Figure("Kinds", distinct("place")),
    ),
    chart=_by_rail,
    where={
        "from": "business_day >= {value}",
        "to": "business_day <= {value}",
        "rail": "rail_name = {value}",
        **{
            name: _of_leg_or_transfer(column)
            for name, column in (("account", "account_id"), ("role", "account_role"))
        },
    },
    places=(*LEG_VIEWS, *TRANSFER_VIEWS),
    names_templates=True,
)

FLOWS = App(
    "l2",
    "L2 flow tracing",
    "Does the money move as the bank declares: by its rails, in its chains and templates?",
    (L2_EXCEPTIONS, RAILS, CHAINS, TRANSFER_TEMPLATES),
)
