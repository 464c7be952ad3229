"""The views on a ledger: one row of a table per view, and the statements that create, drop and refresh them.

They are plain SELECTs over the base tables and the row of facts. They work on any feed that keeps the column
contract. What they need to know of the bank becomes part of their text. Filled views store their rows: they are
created after the base tables are filled, and refreshed when those change.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from seedbed.bank.model import Bank
from seedbed.views import balances, exceptions, flows, legs, transfers
from seedbed.views.macros import Macros, macros_named
from seedbed.views.sql import BASE_TABLES, Sql

__all__ = [
    "EXCEPTION_VIEWS",
    "KEYED_BY",
    "VIEWS",
    "View",
    "drop_view_statements",
    "refresh_statements",
    "sort_of",
    "view_statements",
]

# What names a row: the parts of its key, with a stroke between two. A name is that of a rail, template or chain,
# or of a group of leg rails.
KeyedBy: TypeAlias = Literal["leg", "leg/key", "transfer/name", "account/date", "account/date/type"]


@dataclass(frozen=True)
class View:
    """One view: `text` makes its SELECT, and `name` is its name without the instance.

    `filled` views hold their rows, with an index for each entry of `indexes` on engines that want them. A row of an
    `exception` view is something wrong, named by its column `view_key`, which consists of what `keyed_by` says; the
    other views have no such column.
    """

    text: Callable[[Sql], str]
    keyed_by: KeyedBy | None = None
    filled: bool = True
    indexes: tuple[tuple[str, ...], ...] = ()

    @property
    def name(self) -> str:
        """The function's name."""
        return self.text.__name__

    @property
    def exception(self) -> bool:
        """Whether every row is something wrong."""
        return self.keyed_by is not None


# In an order in which every view comes after those that it reads.
VIEWS = (
    View(
        balances.current_transactions,
        indexes=(
            ("id",),
            ("transfer_id", "rail_name"),
            ("transfer_parent_id",),
            ("account_id", "posting"),
            ("rail_name", "posting"),
            ("bundle_id",),
        ),
    ),
    View(balances.current_daily_balances, indexes=(("account_id", "business_day_start"), ("business_day_start",))),
    View(balances.account_days, indexes=(("account_id", "business_day_start"), ("business_day",))),
    View(balances.computed_subledger_balance, filled=False),
    View(balances.computed_ledger_balance, filled=False),
    View(balances.drift, keyed_by="account/date"),
    View(balances.ledger_drift, keyed_by="account/date"),
    View(balances.overdraft, keyed_by="account/date"),
    View(balances.expected_eod_balance_breach, keyed_by="account/date"),
    View(balances.limit_breach, keyed_by="account/date/type"),
    View(balances.daily_statement, filled=False),
    View(legs.stuck_pending, keyed_by="leg"),
    View(legs.stuck_unbundled, keyed_by="leg"),
    View(legs.supersession_audit, keyed_by="leg"),
    View(exceptions.todays_exceptions),
    View(transfers.transfer_net, keyed_by="transfer/name"),
    View(transfers.leg_xor_exceptions, keyed_by="transfer/name", indexes=(("transfer_id",),)),
    View(legs.late_posting, keyed_by="leg"),
    View(transfers.chain_parents, indexes=(("transfer_id",),)),
    View(transfers.chain_exceptions, keyed_by="transfer/name", indexes=(("transfer_id",),)),
    View(transfers.transfer_parents, filled=False),
    View(transfers.fan_in_exceptions, keyed_by="transfer/name", indexes=(("transfer_id",),)),
    View(legs.unmatched_postings, keyed_by="leg"),
    View(legs.posted_requirement_gaps, keyed_by="leg/key"),
    View(transfers.rail_activity),
    View(transfers.dead_declarations, filled=False),
    View(flows.transfer_edges, indexes=(("transfer_id",),)),
    View(flows.pair_days, indexes=(("recipient_id", "day"), ("sender_id", "day"))),
    View(flows.recipient_fanout, indexes=(("recipient_id", "day"),)),
    View(flows.volume_anomalies, indexes=(("recipient_id", "day"),)),
    View(flows.money_trail, indexes=(("root_transfer_id",), ("transfer_id",))),
    View(flows.account_network, indexes=(("sender_id",), ("recipient_id",))),
)

# The views of which every row is an exception, each with a text column `view_key`.
EXCEPTION_VIEWS = tuple(view.name for view in VIEWS if view.exception)
KEYED_BY: Mapping[str, KeyedBy] = {view.name: view.keyed_by for view in VIEWS if view.keyed_by is not None}


def view_statements(
    bank: Bank, dialect: str, base_instance: str | None = None, base_tables: Sequence[str] = BASE_TABLES
) -> list[str]:
    """The statements that create every view of a bank, and fill those that are filled, in order.

    The base tables and the dataset table must be there, the `base_tables` among them under the prefix `base_instance`
    if one is given, the views not. Raises `InputError` for an unknown dialect.
    """
    sql = Sql(bank, macros_named(dialect), base_instance, tuple(base_tables))
    return [statement for view in VIEWS for statement in _created(view, sql)]


def drop_view_statements(instance: str, dialect: str, kinds: Mapping[str, str] | None = None) -> list[str]:
    """The statements that remove exactly these views of an instance, where they are there, in order.

    `kinds` says of what is there under the views' names what it is, where that may be another kind than it should.
    Raises `InputError` for an unknown dialect.
    """
    macros = macros_named(dialect)
    return [
        _dropped(view, instance, macros, (kinds or {}).get(f"{instance}_{view.name}")) for view in reversed(VIEWS)
    ]


def refresh_statements(bank: Bank, dialect: str) -> list[str]:
    """The statements that fill the filled views anew, in order, to be run in one transaction.

    Raises `InputError` for an unknown dialect.
    """
    sql = Sql(bank, macros_named(dialect))
    macros, statements = sql.macros, []
    for view in VIEWS:
        if not _holds_rows(view, macros):
            continue
        if macros.materialised == "TABLE":
            statements += [_dropped(view, bank.instance, macros), *_created(view, sql)]
        else:
            statements.append(f"REFRESH MATERIALIZED VIEW {sql.name(view.name)}")
    return statements


def sort_of(view: View, macros: Macros) -> str:
    """What a view is in an engine: VIEW, or where it holds its rows MATERIALIZED VIEW or TABLE."""
    return macros.materialised if _holds_rows(view, macros) else "VIEW"


def _holds_rows(view: View, macros: Macros) -> bool:
    return view.filled or macros.all_filled


def _created(view: View, sql: Sql) -> list[str]:
    macros, name = sql.macros, sql.name(view.name)
    statements = [f"CREATE {sort_of(view, macros)} {name} AS\n{view.text(sql)}"]
    if view.filled and macros.indexed:
        for number, columns in enumerate(view.indexes, 1):
            index = sql.name(f"{view.name}_ix{number}")
            statements.append(f"CREATE INDEX {index} ON {name} ({', '.join(columns)})")
    if _holds_rows(view, macros) and macros.analyze:
        statements.append(macros.analyze.format(table=name))
    return statements


def _dropped(view: View, instance: str, macros: Macros, kind: str | None = None) -> str:
    return f"DROP {kind or sort_of(view, macros)} IF EXISTS {macros.quoted(f'{instance}_{view.name}')}"
