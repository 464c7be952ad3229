"""Views on money between accounts: edges, pairs and how unusual they are, and trails through transfers."""

from seedbed.views.sql import Sql

__all__ = [
    "BANDS",
    "TRAIL_HOPS",
    "account_network",
    "money_trail",
    "pair_days",
    "recipient_fanout",
    "transfer_edges",
    "volume_anomalies",
]

# Bands of the z-score: name and lower bound, highest first.
BANDS = (("high", 3), ("notable", 2), ("elevated", 1))
LOWEST_BAND = "low"
# Most hops of a trail. No bank's chains come near this.
TRAIL_HOPS = 32


def transfer_edges(s: Sql) -> str:
    """Who paid whom: a Debit and a Credit of one transfer, rail, posting second and amount, both current and Posted.

    Legs of zero are left out. If several legs share all four values, every sender is paired with every recipient,
    because the feed does not say who paid whom.
    """
    legs = s.name("current_transactions")
    return f"""SELECT d.transfer_id, d.rail_name, d.transfer_type, d.posting,
  d.account_id AS sender_id, d.account_name AS sender_name, d.account_role AS sender_role,
  c.account_id AS recipient_id, c.account_name AS recipient_name, c.account_role AS recipient_role,
  c.amount_money AS amount
FROM {legs} d JOIN {legs} c ON c.transfer_id = d.transfer_id AND c.rail_name = d.rail_name
  AND c.posting = d.posting AND c.amount_money = -d.amount_money
WHERE d.status = 'Posted' AND c.status = 'Posted' AND d.amount_money < 0 AND c.amount_money > 0"""


def pair_days(s: Sql) -> str:
    """Edges per sender, recipient and calendar day: how many, and how much."""
    day = s.day("posting")
    return f"""SELECT sender_id, MAX(sender_name) AS sender_name, MAX(sender_role) AS sender_role,
  recipient_id, MAX(recipient_name) AS recipient_name, MAX(recipient_role) AS recipient_role,
  {day} AS day, COUNT(*) AS edges, {s.money(f"SUM({s.exact('amount')})")} AS amount
FROM {s.name("transfer_edges")} GROUP BY sender_id, recipient_id, {day}"""


def recipient_fanout(s: Sql) -> str:
    """Senders and amounts per recipient and day with activity: of that day, and of two days together."""
    pairs, amount, whose = s.name("pair_days"), s.exact("amount"), "recipient_id, recipient_name, recipient_role"
    return f"""WITH spans AS (
  SELECT {whose}, day, sender_id, edges, {amount} AS paid, 1 AS own FROM {pairs}
  UNION ALL
  SELECT {whose}, {s.next_day("day")}, sender_id, 0, {amount}, 0 FROM {pairs}),
windows AS (
  SELECT recipient_id, MAX(CASE WHEN own = 1 THEN recipient_name END) AS recipient_name,
    MAX(CASE WHEN own = 1 THEN recipient_role END) AS recipient_role, day,
    SUM(own) AS senders, SUM(edges) AS edges, SUM(CASE WHEN own = 1 THEN paid ELSE 0 END) AS amount,
    COUNT(DISTINCT sender_id) AS window_senders, SUM(paid) AS window_amount
  FROM spans GROUP BY recipient_id, day)
SELECT recipient_id, recipient_name, recipient_role, day, {s.whole("senders")} AS senders,
  {s.whole("edges")} AS edges, {s.money("amount")} AS amount, window_senders,
  {s.money("window_amount")} AS window_amount
FROM windows WHERE senders > 0"""


def volume_anomalies(s: Sql) -> str:
    """The two-day sum of each sender and recipient, and how unusual it is: one row per calendar day with activity.

    The rolling sum is that of the edges of the day and of the calendar day before. The population is all rows whose
    recipient is an account of a template role. The z-score is (sum - mean) / population standard deviation, and 0 if
    all sums are equal. The bands are low (below 1), elevated (from 1), notable (from 2) and high (from 3).
    """
    roles = s.names(template.role for template in s.bank.account_templates)
    order = "OVER (PARTITION BY sender_id, recipient_id ORDER BY day)"
    amount, cents = s.exact("amount"), s.cents("rolling")
    distance = "(w.cents - c.mean)"
    bands = " ".join(f"WHEN z_score >= {bound} THEN '{band}'" for band, bound in BANDS)
    return f"""WITH sequence_of_days AS (
  SELECT p.*, LAG(day) {order} AS previous_day, LAG({amount}) {order} AS previous_amount
  FROM {s.name("pair_days")} p WHERE recipient_role IN ({roles})),
rolled AS (
  SELECT p.*, {amount} + CASE WHEN {s.next_day("previous_day")} = day THEN previous_amount ELSE 0 END AS rolling
  FROM sequence_of_days p),
weighed AS (SELECT r.*, {cents} AS cents FROM rolled r),
centre AS (SELECT {s.cents("SUM(rolling)")} / COUNT(*) AS mean FROM rolled),
spread AS (
  SELECT c.mean, SQRT(SUM({distance} * {distance}) / COUNT(*)) AS deviation
  FROM weighed w CROSS JOIN centre c GROUP BY c.mean),
scored AS (
  SELECT w.*, {s.ratio("CASE WHEN v.deviation > 0 THEN (w.cents - v.mean) / v.deviation ELSE 0 END")} AS z_score
  FROM weighed w CROSS JOIN spread v)
SELECT sender_id, sender_name, sender_role, recipient_id, recipient_name, recipient_role, day, edges, amount,
  {s.money("rolling")} AS rolling_amount, z_score, CASE {bands} ELSE '{LOWEST_BAND}' END AS band
FROM scored"""


def money_trail(s: Sql) -> str:
    """Transfers linked by `transfer_parent_id`, from each root downwards, with hop and edges of each transfer.

    Links are those of current legs that are not Failed, to a current transfer. A root has children and no such
    parent. A walk keeps distinct rows and has at most 32 hops, so it ends even in a circle. A transfer that is
    reached in several ways has one row per way (root, parent), with its fewest hops. A transfer that no walk reaches
    (in a circle that no root leads to, or deeper) is its own root at hop 0. A transfer without edges has one row
    without accounts.
    """
    legs = s.name("current_transactions")
    return f"""WITH RECURSIVE links AS (
  SELECT DISTINCT t.transfer_id, t.transfer_parent_id AS parent_id
  FROM {legs} t JOIN {legs} p ON p.transfer_id = t.transfer_parent_id WHERE t.status <> 'Failed'),
roots AS (SELECT parent_id AS transfer_id FROM links EXCEPT SELECT transfer_id FROM links),
walk(root_transfer_id, transfer_id, parent_id, hop) AS (
  SELECT transfer_id, transfer_id, CAST(NULL AS {s.macros.text}), 0 FROM roots
  UNION
  SELECT w.root_transfer_id, t.transfer_id, t.transfer_parent_id, w.hop + 1
  FROM walk w JOIN {legs} t ON t.transfer_parent_id = w.transfer_id
  WHERE w.hop < {TRAIL_HOPS} AND t.status <> 'Failed'),
alone AS (
  SELECT transfer_id FROM links UNION SELECT parent_id FROM links EXCEPT SELECT transfer_id FROM walk),
reached AS (
  SELECT root_transfer_id, transfer_id, parent_id, MIN(hop) AS hop FROM walk
  GROUP BY root_transfer_id, transfer_id, parent_id
  UNION ALL
  SELECT transfer_id, transfer_id, NULL, 0 FROM alone)
SELECT r.root_transfer_id, r.hop, r.transfer_id, r.parent_id AS transfer_parent_id, e.rail_name, e.transfer_type,
  e.posting, e.sender_id, e.sender_name, e.recipient_id, e.recipient_name, e.amount
FROM reached r LEFT JOIN {s.name("transfer_edges")} e ON e.transfer_id = r.transfer_id"""


def account_network(s: Sql) -> str:
    """Payments between each pair of accounts, by direction: their number, their sum, the first and the last day."""
    return f"""SELECT sender_id, MAX(sender_name) AS sender_name, MAX(sender_role) AS sender_role,
  recipient_id, MAX(recipient_name) AS recipient_name, MAX(recipient_role) AS recipient_role,
  {s.whole("SUM(edges)")} AS edges, {s.money(f"SUM({s.exact('amount')})")} AS amount,
  MIN(day) AS first_day, MAX(day) AS last_day
FROM {s.name("pair_days")} GROUP BY sender_id, recipient_id"""
