"""Does a loaded ledger reconcile? A table of questions, each answered in SQL over the two base tables alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from seedbed.bank.model import Bank

__all__ = ["QUESTIONS", "Answer", "Question", "reconcile"]


class Connection(Protocol):
    """What is asked of a database connection."""

    def execute(self, query: str, parameters: Sequence[Any] = ...) -> Any:
        """Runs one statement; the result has `fetchall`."""


@dataclass(frozen=True)
class Question:
    """One thing that must hold: `sql` gives how many places were looked at, and how many are wrong.

    In `sql`, `transactions` are the current legs (highest entry per id), `balances` the current daily balances.
    """

    words: str
    sql: str


@dataclass(frozen=True)
class Answer:
    """What was found: places looked at, places wrong."""

    words: str
    looked_at: int
    wrong: int


QUESTIONS: tuple[Question, ...] = (
    Question(
        "account-days where the stored balance differs from the sum of the postings",
        """
        select count(*), count(*) filter (b.money <> coalesce(p.total, 0))
        from leaf_balances b left join computed p using (account_id, business_day_start)
        """,
    ),
    Question(
        "parent-days where the stored balance differs from own postings plus children",
        """
        select count(*), count(*) filter (b.money <> coalesce(p.total, 0) + c.total)
        from balances b
        join (select account_parent_role as role, business_day_start::date as day, sum(money) as total
              from balances where account_parent_role is not null group by all) c
          on c.role = b.account_role and c.day = b.business_day_start::date
        left join computed p using (account_id, business_day_start)
        """,
    ),
    Question("internal account-days below zero", "select count(*), count(*) filter (money < 0) from balances"),
    Question(
        "external accounts with balance rows",
        """
        select count(distinct account_id) filter (account_scope = 'external'),
               count(distinct account_id) filter (account_scope = 'external' and account_id in
                                                  (select account_id from balances))
        from transactions
        """,
    ),
    Question(
        "two-leg transfers that do not net to zero",
        """
        select count(*), count(*) filter (net <> 0)
        from (select transfer_id, rail_name, sum(amount_money) as net from transactions
              where rail_name in (select name from two_leg_rails) group by all)
        """,
    ),
    Question(
        "account-days with more paid out than a daily cap allows",
        """
        select count(*), count(*) filter (paid > cap)
        from (select t.account_id, l.cap, -sum(t.amount_money) as paid
              from transactions t join limits l
                on l.parent_role = t.account_parent_role and l.transfer_type = t.transfer_type
              left join offsets o on o.role = t.account_role
              where t.amount_money < 0
              group by t.account_id, l.cap, l.transfer_type,
                       (t.posting - to_hours(coalesce(o.hours, 0)))::date)
        """,
    ),
    Question(
        "sweeps that differ from the sum of what they bundle",
        """
        select count(*), count(*) filter (abs(bundled) <> swept)
        from (select bundle_id, sum(case when rail_name in (select name from two_leg_rails)
                                         then greatest(amount_money, 0) else amount_money end) as bundled
              from transactions where bundle_id is not null group by all) b
        join (select transfer_id, max(abs(amount_money)) as swept from transactions group by all) s
          on s.transfer_id = b.bundle_id
        """,
    ),
    Question(
        "postings on a Saturday or Sunday",
        "select count(*), count(*) filter (isodow(posting) > 5) from transactions",
    ),
)


def reconcile(connection: Connection, bank: Bank) -> list[Answer]:
    """Asks every question of a DuckDB connection whose database holds this bank's tables.

    Temporary views are made in the connection; nothing is written to the database.
    """
    _prepare(connection, bank)
    answers = []
    for question in QUESTIONS:
        [(looked_at, wrong)] = connection.execute(question.sql).fetchall()
        answers.append(Answer(question.words, looked_at, wrong))
    return answers


def _prepare(connection: Connection, bank: Bank) -> None:
    prefix = bank.instance
    connection.execute(
        f"""
        create or replace temp view transactions as select * from "{prefix}_transactions"
        qualify row_number() over (partition by id order by entry desc) = 1
        """
    )
    connection.execute(
        f"""
        create or replace temp view balances as select * from "{prefix}_daily_balances"
        qualify row_number() over (partition by account_id, business_day_start order by entry desc) = 1
        """
    )
    connection.execute(
        """
        create or replace temp view leaf_balances as select * from balances
        where account_role not in (select account_parent_role from balances where account_parent_role is not null)
        """
    )
    connection.execute(
        """
        create or replace temp table computed as
        with days as (select account_id, business_day_start, business_day_end,
                             lag(business_day_end) over (partition by account_id order by business_day_end) as before
                      from balances),
             nets as (select d.account_id, d.business_day_start, sum(t.amount_money) as net
                      from days d join transactions t on t.account_id = d.account_id
                        and t.posting < d.business_day_end and (d.before is null or t.posting >= d.before)
                      where t.status = 'Posted' group by all)
        select d.account_id, d.business_day_start,
               sum(coalesce(n.net, 0)) over (partition by d.account_id order by d.business_day_start) as total
        from days d left join nets n using (account_id, business_day_start)
        """
    )
    connection.execute("create or replace temp table two_leg_rails (name text)")
    connection.execute(
        "create or replace temp table limits (parent_role text, transfer_type text, cap decimal(20, 2))"
    )
    connection.execute("create or replace temp table offsets (role text, hours integer)")
    for rail in bank.rails:
        if hasattr(rail, "source_roles"):
            connection.execute("insert into two_leg_rails values (?)", [rail.name])
    for limit in bank.limit_schedules:
        cap = f"{limit.cap_cents // 100}.{limit.cap_cents % 100:02d}"
        connection.execute("insert into limits values (?, ?, ?)", [limit.parent_role, limit.transfer_type, cap])
    for role, hours in bank.role_business_day_offsets.items():
        connection.execute("insert into offsets values (?, ?)", [role, hours])
