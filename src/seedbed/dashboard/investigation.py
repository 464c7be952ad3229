"""The Investigation sheets: who pays whom, how unusual that is, and where the money goes next."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from seedbed.dashboard.aggregates import distinct, extreme, matching, rows, total
from seedbed.dashboard.charts import QUIET, Chart, FlowLink, FlowNode, Series
from seedbed.dashboard.figures import MINUS
from seedbed.dashboard.ledger import VALUE, plain, whole
from seedbed.dashboard.selection import Selection
from seedbed.dashboard.sheets import App, Figure, Sheet, SheetColumn, SortOrder
from seedbed.errors import counted
from seedbed.views.flows import BANDS
from seedbed.views.sql import Sql

__all__ = ["INVESTIGATION"]

DRAWN_SENDERS = 28
DRAWN_EDGES = 60
BINS = 28
# The tone of each band. A sender without a band is as quiet as `low`.
BAND_TONES = {"high": 1, "notable": 4, "elevated": 6, "low": QUIET}
EITHER = {
    "account": "sender_id = {value} OR recipient_id = {value}",
    "role": "sender_role = {value} OR recipient_role = {value}",
}
ON_DAY = {"from": "day >= {value}", "to": "day <= {value}"}
DAY = SheetColumn(name="day", title="Day", kind="day")
SENDER = SheetColumn(name="sender_id", title="Sender", leads="account")
RECIPIENT = SheetColumn(name="recipient_id", title="Recipient", leads="account")

# ---- recipient fan-out ------------------------------------------------------------------------------------------


def _fanouts(s: Sql) -> str:
    key = s.joined("f.recipient_id", "'/'", s.day_text("f.day"))
    return f"""WITH unusual AS (
  SELECT recipient_id, day, COUNT(*) AS senders, MAX(z_score) AS z_score FROM {s.name("volume_anomalies")}
  WHERE band = '{BANDS[0][0]}' GROUP BY recipient_id, day)
SELECT 'recipient_fanout' AS place, {key} AS view_key, f.*, COALESCE(u.senders, 0) AS unusual_senders
FROM {s.name("recipient_fanout")} f LEFT JOIN unusual u ON u.recipient_id = f.recipient_id AND u.day = f.day"""


def _senders(selection: Selection) -> Chart | None:
    """Who paid the picked recipient on that day."""
    picked = selection.picked()
    if picked is None:
        return None
    s, recipient, day = selection.source.sql, picked["recipient_id"], picked["day"]
    found = selection.source.rows(
        f"""SELECT p.sender_id, p.sender_name, p.amount, v.band FROM {s.name("pair_days")} p
LEFT JOIN {s.name("volume_anomalies")} v
  ON v.sender_id = p.sender_id AND v.recipient_id = p.recipient_id AND v.day = p.day
WHERE p.recipient_id = {VALUE} AND p.day = {VALUE} ORDER BY p.amount DESC, p.sender_id""",
        [recipient, day],
    )
    end = FlowNode("to", f"{picked['recipient_id']} · {picked['recipient_name']}", 1, 0)
    nodes, links = [end], []
    for sender, name, amount, band in found[:DRAWN_SENDERS]:
        is_high = band == BANDS[0][0]
        nodes.append(FlowNode(f"from {sender}", f"{sender} · {name}", 0, BAND_TONES.get(band, QUIET)))
        links.append(FlowLink(f"from {sender}", "to", _cents(amount), strong=is_high))
    if rest := found[DRAWN_SENDERS:]:
        nodes.append(FlowNode("rest", counted(len(rest), "other sender"), 0, QUIET))
        links.append(FlowLink("rest", "to", sum(_cents(row[2]) for row in rest)))
    title = f"Who paid {recipient} on {day}: {counted(len(found), 'sender')}"
    return Chart(shape="sankey", title=title, unit="money", nodes=tuple(nodes), links=tuple(links))


def _cents(amount: object) -> int:
    return whole(plain(amount, "money"))


RECIPIENT_FANOUT = Sheet(
    slug="recipient-fanout",
    title="Recipient Fanout",
    sentence="Recipients whom many senders pay on one day. Those with the most unusual senders come first.",
    healthy="0 fan-outs. Many senders on a payday are normal; several senders with unusual sums on one day are not.",
    views=("recipient_fanout", "volume_anomalies"),
    relation=_fanouts,
    order=(
        SortOrder("unusual_senders", "count", descending=True),
        SortOrder("senders", "count", descending=True),
        SortOrder("day", "day", descending=True),
        SortOrder("recipient_id"),
    ),
    columns=(
        SheetColumn(name="day", title="Day", kind="day", leads="pick"),
        RECIPIENT,
        SheetColumn(name="recipient_name", title="Account name"),
        SheetColumn(name="recipient_role", title="Role"),
        SheetColumn(name="unusual_senders", title="Unusual senders", kind="count"),
        SheetColumn(name="senders", title="Senders", kind="count"),
        SheetColumn(name="edges", title="Payments", kind="count"),
        SheetColumn(name="amount", title="Amount", kind="money"),
        SheetColumn(name="window_senders", title="Senders, 2 days", kind="count"),
        SheetColumn(name="window_amount", title="Amount, 2 days", kind="money"),
    ),
    figures=(
        Figure("Fan-outs", matching("unusual_senders >= 3"), exception=True),
        Figure("Recipient-days", rows),
        Figure("Most senders", extreme("MAX", "senders")),
        Figure("Amount", total("amount"), "money"),
    ),
    chart=_senders,
    where=ON_DAY
    | {
        "account": "recipient_id = {value}",
        "role": "recipient_role = {value}",
    },
    places=("recipient_fanout",),
)

# ---- volume anomalies -------------------------------------------------------------------------------------------


def _anomalies(s: Sql) -> str:
    key = s.joined("v.sender_id", "'/'", "v.recipient_id", "'/'", s.day_text("v.day"))
    return f"SELECT 'volume_anomalies' AS place, {key} AS view_key, v.* FROM {s.name('volume_anomalies')} v"


def _histogram(selection: Selection) -> Chart | None:
    """The number of pair-days in each class of z-scores, by band."""
    ((low, high),) = selection.aggregate("MIN(z_score), MAX(z_score)", ["ratio", "ratio"])
    if not isinstance(low, Decimal) or not isinstance(high, Decimal):
        return None
    bounds = _bounds(low, high)
    cases = " ".join(f"WHEN z_score < {bound} THEN {k}" for k, bound in enumerate(bounds[1:-1]))
    class_number = f"CASE {cases} ELSE {len(bounds) - 2} END" if cases else "0"
    found = selection.aggregate(f"{class_number}, band, COUNT(*)", ["count", "text", "count"], "GROUP BY 1, 2")
    cells = {(band, k): count for k, band, count in found}
    bands = [(name, tone) for name, tone in reversed(BAND_TONES.items())]
    series = [
        Series(name, tuple(whole(cells.get((name, k))) for k in range(len(bounds) - 1)), tone) for name, tone in bands
    ]
    labels = tuple(f"{first:g} to {second:g}".replace("-", MINUS) for first, second in pairwise(bounds))
    note = "Each line of the axis is ten times the one below."
    return Chart(
        shape="bars",
        title="Pair-days by z-score",
        unit="count",
        heading="z-score",
        categories=labels,
        series=tuple(series),
        logarithmic=True,
        note=note,
    )


def _bounds(low: Decimal, high: Decimal) -> list[float]:
    """Bounds of equally wide classes that hold all values from `low` to `high`.

    The first bound is a whole number. A class is at least 0.5 wide; there are at most `BINS` classes.
    """
    first = int(low // 1) - (low % 1 != 0 and low < 0)
    width = 0.5
    while (float(high) - first) / width >= BINS:
        width *= 2
    bounds = [float(first)]
    while bounds[-1] <= float(high):
        bounds.append(bounds[-1] + width)
    return bounds


VOLUME_ANOMALIES = Sheet(
    slug="volume-anomalies",
    title="Volume Anomalies",
    sentence="The two-day sum of each sender and recipient, with its z-score among all such sums.",
    healthy="Most pair-days are low. Amounts have a long right tail, so every bank has some high ones.",
    views=("volume_anomalies",),
    relation=_anomalies,
    order=(
        SortOrder("z_score", "ratio", descending=True),
        SortOrder("day", "day", descending=True),
        SortOrder("sender_id"),
        SortOrder("recipient_id"),
    ),
    columns=(
        DAY,
        SENDER,
        RECIPIENT,
        SheetColumn(name="edges", title="Payments", kind="count"),
        SheetColumn(name="amount", title="Amount", kind="money"),
        SheetColumn(name="rolling_amount", title="Amount, 2 days", kind="money"),
        SheetColumn(name="z_score", title="z-score", kind="ratio"),
        SheetColumn(name="band", title="Band"),
    ),
    figures=(
        Figure("High", matching("band = 'high'")),
        Figure("Notable", matching("band = 'notable'")),
        Figure("Pair-days", rows),
        Figure("Highest z-score", extreme("MAX", "z_score"), "ratio"),
    ),
    chart=_histogram,
    where=ON_DAY | EITHER,
    places=("volume_anomalies",),
)

# ---- money trail ------------------------------------------------------------------------------------------------


def _trails(s: Sql) -> str:
    return f"SELECT * FROM {s.name('money_trail')}"


def _trail_totals(s: Sql) -> tuple[str, str]:
    return (
        f"""root_transfer_id, MAX(hop) AS hops, COUNT(DISTINCT transfer_id) AS transfers, COUNT(sender_id) AS edges,
  {total("amount", "hop = 0")(s)} AS started, {total("amount")(s)} AS moved,
  MIN(posting) AS first_posting, MAX(posting) AS last_posting""",
        "root_transfer_id",
    )


def _trail(selection: Selection) -> Chart | None:
    """The picked trail: accounts from left to right, one column per hop."""
    picked = selection.picked()
    if picked is None:
        return None
    found = selection.source.rows(
        f"""SELECT hop, sender_id, sender_name, recipient_id, recipient_name, amount
FROM {selection.source.sql.name("money_trail")}
WHERE root_transfer_id = {VALUE} AND sender_id IS NOT NULL ORDER BY hop, amount DESC, sender_id, recipient_id""",
        [picked["root_transfer_id"]],
    )
    nodes: dict[str, FlowNode] = {}
    flows: dict[tuple[str, str], int] = {}
    for hop, sender, sender_name, recipient, recipient_name, amount in found[:DRAWN_EDGES]:
        ends = []
        for column, account, name in ((hop, sender, sender_name), (hop + 1, recipient, recipient_name)):
            node = FlowNode(f"{column} {account}", f"{account} · {name}", column, 0 if column else QUIET)
            ends.append(nodes.setdefault(node.name, node).name)
        flows[ends[0], ends[1]] = flows.get((ends[0], ends[1]), 0) + _cents(amount)
    links = tuple(FlowLink(first, second, amount) for (first, second), amount in flows.items())
    title = f"Trail of {picked['root_transfer_id']}: from account to account, hop by hop"
    return Chart(shape="sankey", title=title, unit="money", nodes=tuple(nodes.values()), links=links)


IN_TRAIL = "root_transfer_id IN (SELECT m.root_transfer_id FROM {{trail}} m WHERE {})"

MONEY_TRAIL = Sheet(
    slug="money-trail",
    title="Money Trail",
    sentence="Transfers that follow from one another, from the first one on. The longest trails come first.",
    healthy="Every trail ends with its chain. A trail in a circle, or one that does not end, is wrong.",
    views=("money_trail",),
    relation=_trails,
    order=(
        SortOrder("hops", "count", descending=True),
        SortOrder("moved", "money", descending=True),
        SortOrder("root_transfer_id"),
    ),
    columns=(
        SheetColumn(name="root_transfer_id", title="Trail", leads="pick"),
        SheetColumn(name="hops", title="Hops", kind="count"),
        SheetColumn(name="transfers", title="Transfers", kind="count"),
        SheetColumn(name="edges", title="Payments", kind="count"),
        SheetColumn(name="started", title="Started with", kind="money"),
        SheetColumn(name="moved", title="Moved in all", kind="money"),
        SheetColumn(name="first_posting", title="First posting", kind="moment"),
        SheetColumn(name="last_posting", title="Last posting", kind="moment"),
    ),
    figures=(
        Figure("Trails", rows),
        Figure("Most hops", extreme("MAX", "hops")),
        Figure("Transfers", lambda s: s.whole("COALESCE(SUM(transfers), 0)")),
        Figure("Moved in all", total("moved"), "money"),
    ),
    chart=_trail,
    where={
        "from": IN_TRAIL.format("m.posting >= {value}"),
        "to": IN_TRAIL.format("m.posting < {value}"),
        "rail": IN_TRAIL.format("m.rail_name = {value}"),
        "account": IN_TRAIL.format("m.sender_id = {value} OR m.recipient_id = {value}"),
    },
    dates="moment",
    grouped=_trail_totals,
)

# ---- account network --------------------------------------------------------------------------------------------


def _pairs(s: Sql) -> str:
    return f"SELECT * FROM {s.name('pair_days')}"


def _pair_totals(s: Sql) -> tuple[str, str]:
    return (
        f"""sender_id, MAX(sender_role) AS sender_role, recipient_id, MAX(recipient_role) AS recipient_role,
  {s.whole("SUM(edges)")} AS edges, {total("amount")(s)} AS amount, MAX(day) AS last_day""",
        "sender_id, recipient_id",
    )


def _network(selection: Selection) -> Chart:
    """The largest flows between roles or, if the filter Account or Role is set, between accounts."""
    near = {"account", "role"} & selection.state.filters.keys()
    ends = ("sender_id", "recipient_id") if near else ("sender_role", "recipient_role")
    amount = total("amount")(selection.source.sql)
    kinds = ["text", "text", "money"]
    select = f"{ends[0]}, {ends[1]}, {amount}"
    tail = f"GROUP BY {ends[0]}, {ends[1]} ORDER BY 3 DESC, 1, 2 LIMIT {DRAWN_EDGES}"
    found = selection.aggregate(select, kinds, tail)
    focus = set(map(str, (selection.state.filters.get(name) for name in near)))
    links = tuple(FlowLink(str(first), str(second), whole(value)) for first, second, value in found)
    title = "Who pays whom: the largest flows between " + ("accounts" if near else "roles")
    return Chart(shape="graph", title=title, unit="money", nodes=_ends(links, focus), links=links)


def _ends(links: Sequence[FlowLink], focus: set[str]) -> tuple[FlowNode, ...]:
    names = dict.fromkeys(name for link in links for name in (link.source, link.target))
    return tuple(FlowNode(name, name, 0, 0 if name in focus or not focus else QUIET) for name in names)


ACCOUNT_NETWORK = Sheet(
    slug="account-network",
    title="Account Network",
    sentence="Pairs of accounts by direction: who pays whom, how often and how much.",
    healthy="Money flows as the rails declare: customers to clearing accounts, clearing accounts to "
    "the outside world.",
    views=("pair_days", "account_network"),
    relation=_pairs,
    order=(SortOrder("amount", "money", descending=True), SortOrder("sender_id"), SortOrder("recipient_id")),
    columns=(
        SENDER,
        SheetColumn(name="sender_role", title="Sender role"),
        RECIPIENT,
        SheetColumn(name="recipient_role", title="Recipient role"),
        SheetColumn(name="edges", title="Payments", kind="count"),
        SheetColumn(name="amount", title="Amount", kind="money"),
        SheetColumn(name="last_day", title="Last day", kind="day"),
    ),
    figures=(
        Figure("Pairs", rows),
        Figure("Senders", distinct("sender_id")),
        Figure("Recipients", distinct("recipient_id")),
        Figure("Amount", total("amount"), "money"),
    ),
    chart=_network,
    where=ON_DAY | EITHER,
    grouped=_pair_totals,
)

INVESTIGATION = App(
    "investigation",
    "Investigation",
    "Who pays whom, how unusual is that, and where does the money go next?",
    (RECIPIENT_FANOUT, VOLUME_ANOMALIES, MONEY_TRAIL, ACCOUNT_NETWORK),
)
